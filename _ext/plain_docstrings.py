"""Docstrings are plain text with code in backticks, as they read best in an editor.

Sphinx takes them for reStructuredText, where a star or a trailing underscore in a formula is
markup. Outside backticks both are escaped here; inside, the configured default role makes code of
them.
"""

import re

CODE_OR_MARK = re.compile(r"(`[^`]*`)|([*_|])")


def escape(app, what, name, obj, options, lines):
    text = "\n".join(lines)
    lines[:] = CODE_OR_MARK.sub(lambda m: m[1] or "\\" + m[2], text).split("\n")


def setup(app):
    app.connect("autodoc-process-docstring", escape)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
