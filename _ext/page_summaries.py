"""Every page describes itself by its own first paragraph.

A search engine and a shared link show a page's description. sphinxext-opengraph would take
whatever text comes first, headings and formulas run together; the first paragraph is written to
be read alone.
"""

import html
import textwrap

from docutils import nodes


def describe(app, pagename, templatename, context, doctree):
    if doctree is None:
        return
    paragraphs = (
        p.astext() for p in doctree.findall(nodes.paragraph) if p.parent.tagname == "section"
    )
    if text := next(paragraphs, ""):
        text = textwrap.shorten(text.replace("[ ", "["), 200, placeholder=" …")
        context["meta"] = (context["meta"] or {}) | {"og:description": text}
        context["metatags"] += f'<meta name="description" content="{html.escape(text)}" />\n'


def setup(app):
    app.connect("html-page-context", describe, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
