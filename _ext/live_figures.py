"""Figures that can be touched: the printed one stays until a reader asks for the other.

playground/live.yml says which printed figure has a live one, and the question that stands with its
button. A page holds no more than that; _static/try.js loads the modules when the button is pressed.
The surfaces of the live figures are those of helpers: value, gradient and Hessian are written as
JavaScript when the book is built.
"""

import inspect
import json
import shutil
from pathlib import Path
from urllib.parse import quote

import sympy
import yaml

from helpers import objectives

MODULES = Path(__file__).parents[1] / "playground"
LIVE = yaml.safe_load((MODULES / "live.yml").read_text(encoding="utf-8"))


def offer(page, name):
    """Put a question and a button above each printed figure that has a live one, and name cases."""
    for figure_id, (module, question) in LIVE["figures"].items():
        if figure := page.select_one(f"figure#{figure_id}"):
            bar = page.new_tag("div", attrs={"class": "try pst-js-only", "data-live": module})
            bar.append(page.new_tag("span", string=question))
            bar.append(page.new_tag("button", attrs={"type": "button"}, string="Try it"))
            figure.insert(0, bar)
    if cases := LIVE["cases"].get(name):
        box = page.new_tag("p", attrs={"class": "cases pst-js-only"})
        box.append("In the playground: ")
        for number, (text, settings) in enumerate(cases.items()):
            address = f"{'../' * name.count('/')}reference/playground.html?{quote(settings, '=&,')}"
            box.extend(["; " if number else "", page.new_tag("a", href=address, string=text)])
        box.append(".")
        page.select_one("article.bd-article > section").append(box)


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
    shutil.copytree(MODULES, target, ignore=shutil.ignore_patterns("*.yml"))
    (target / "surfaces.js").write_text(surfaces(), encoding="utf-8")


def setup(app):
    app.connect("build-finished", write_modules)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
