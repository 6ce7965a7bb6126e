"""The book's form of chapters in plain Markdown, which JupyterLab and any other viewer show well.

- A Markdown cell `**Figure 3.** Caption.` below a code cell becomes the caption of its figure, and
  a link such as `[Figure 3](#fig-name)` takes the number that the figure has in the book.
- A blockquote that opens with a bold line becomes an admonition with that title.
- A section called Solution is folded.
- A link to an entry of the glossary or of the bibliography, such as
  `../reference/glossary.md#term-kink`, finds it, and a link to none is a warning.
"""

import json
import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

CAPTION = re.compile(r"\*\*Figure \d+\.\*\* (.+)", re.DOTALL)
FIGURE_LINK = re.compile(r"\[Figure \d+\]\(#(fig-[\w-]+)\)")


def captioned(notebook):
    """The notebook, as JSON, in the form that MyST-NB expects of figures and of links to them."""
    cells = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            text = FIGURE_LINK.sub(r"{numref}`\1`", text)
            cell = cell | {"source": text}
        figure = cells[-1]["metadata"].get("mystnb", {}).get("figure") if cells else None
        if figure and (caption := CAPTION.fullmatch(text)):
            figure["caption"] = caption[1]
        else:
            cells.append(cell)
    return notebook | {"cells": cells}


def caption_the_figures(app, docname, source):
    if app.env.doc2path(docname).endswith(".ipynb"):
        source[0] = json.dumps(captioned(json.loads(source[0])))


class Boxes(SphinxTransform):
    """Admonitions from blockquotes with a bold first line, folded boxes from solutions."""

    default_priority = 400

    def apply(self, **options):
        """Change the document in place."""
        for quote in list(self.document.findall(nodes.block_quote)):
            first = [part for part in quote[0] if part.astext()]
            if len(first) == 1 and isinstance(first[0], nodes.strong):
                title = nodes.title("", "", *first[0].children)
                classes = ["box", nodes.make_id(title.astext())]
                quote.replace_self(nodes.admonition("", title, *quote[1:], classes=classes))
        for section in list(self.document.findall(nodes.section)):
            if section[0].astext() == "Solution":
                opening = '<details class="solution"><summary>Solution</summary>'
                section.replace_self(
                    [
                        nodes.raw("", opening, format="html"),
                        *section[1:],
                        nodes.raw("", "</details>", format="html"),
                    ]
                )


def open_entries_to_links(app, env):
    """Let MyST find the entries of the glossary and of the bibliography by their anchors."""
    entries = [
        (docname, anchor)
        for (kind, _), (docname, anchor) in env.get_domain("std").objects.items()
        if kind == "term"
    ]
    entries += [
        (citation.bibliography_key.docname, citation.citation_id)
        for citation in env.get_domain("cite").citations
    ]
    for docname, anchor in entries:
        env.metadata[docname].setdefault("myst_slugs", {})[anchor] = (0, anchor, anchor)


def setup(app):
    app.add_transform(Boxes)
    app.connect("source-read", caption_the_figures)
    app.connect("env-updated", open_entries_to_links, priority=600)  # after the citations are known
    return {"parallel_read_safe": True, "parallel_write_safe": True}
