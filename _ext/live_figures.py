"""Figures that can be touched: the printed one stays until a reader asks for the other.

LIVE says which printed figure has a live one, and the question that stands with its button. A page
holds no more than that; _static/try.js loads the modules of playground/ when the button is pressed.
The surfaces of the live figures are those of helpers: value, gradient and Hessian are written as
JavaScript when the book is built.
"""

import inspect
import json
import shutil
from pathlib import Path

import sympy

from helpers import objectives

LIVE = {
    "fig-downhill": ("start", "From where do all three end in the same minimum?"),
    "fig-four-rates": ("rates", "Where does it begin to swing, and where does it leave?"),
}
MODULES = Path(__file__).parents[1] / "playground"


def offer(page):
    """Put a question and a button below each printed figure that has a live one."""
    for name, (module, question) in LIVE.items():
        if figure := page.select_one(f"figure#{name}"):
            bar = page.new_tag("div", attrs={"class": "try pst-js-only", "data-live": module})
            bar.append(page.new_tag("span", string=question))
            bar.append(page.new_tag("button", attrs={"type": "button"}, string="Try it"))
            figure.find("figcaption").insert_before(bar)


def surfaces():
    """The text of surfaces.js: the functions of helpers.objectives on a plane."""
    lines = [
        "// Written from helpers.objectives when the book is built.",
        "export const surfaces = {",
    ]
    for found in vars(objectives).values():
        if isinstance(found, objectives.Objective) and found.dimension == 2:
            x, y = names = sympy.symbols(list(inspect.signature(found).parameters))
            value = found.function(x, y)
            slopes = [value.diff(name) for name in names]
            parts = {
                "value": sympy.jscode(value),
                "gradient": _list(map(sympy.jscode, slopes)),
                "hessian": _list(_list(sympy.jscode(s.diff(n)) for n in names) for s in slopes),
            }
            facts = {"domain": found.domain, "minima": found.minima}
            body = [f"    {key}: {json.dumps(fact)}," for key, fact in facts.items()]
            body += [f"    {key}: ({x}, {y}) => {part}," for key, part in parts.items()]
            lines += [f"  {json.dumps(found.name)}: {{", *body, "  },"]
    return "\n".join([*lines, "};", ""])


def _list(parts):
    return f"[{', '.join(parts)}]"


def write_modules(app, error):
    if error or app.builder.format != "html":
        return
    target = Path(app.outdir) / "playground"
    shutil.copytree(MODULES, target)
    (target / "surfaces.js").write_text(surfaces(), encoding="utf-8")


def setup(app):
    app.connect("build-finished", write_modules)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
