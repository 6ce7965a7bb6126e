"""The formula of an objective says what its function computes."""

import ast
import importlib
import math
import pkgutil
import re

import numpy as np
import pytest
import torch
from test_chapters import CHAPTERS, read

import helpers
from helpers.objectives import Objective

TOKEN = re.compile(
    r"\s+|\\[,;! ]|\\left|\\right"  # what only spaces and sizes
    r"|\\frac(?P<half>\d\d)|(?P<number>\d+(?:\.\d+)?)"
    r"|\\sum_(?P<index>\w)|\\(?P<word>[a-zA-Z]+)"
    r"|(?P<name>[a-zA-Z](?:_(?:\w|\{\w+\}))?)|(?P<sign>[-+*/^(){}|,])"
)
FUNCTIONS = {"ln": np.log, "log": np.log, "arctan": np.arctan, "sqrt": np.sqrt}
FUNCTIONS |= {
    name: getattr(np, name) for name in ("sin", "cos", "tan", "exp", "sinh", "cosh", "tanh")
}
PRODUCTS = {"cdot", "times"}


class Formula:
    """A reader of the LaTeX that formulas of objectives are written in."""

    def __init__(self, latex, values):
        self.values, self.tokens, place = values, [], 0
        while place < len(latex):
            token = TOKEN.match(latex, place)
            if not token:
                raise ValueError(f"cannot read {latex[place:]!r}")
            place = token.end()
            if token.lastgroup:
                self.tokens.append((token.lastgroup, token[token.lastgroup]))

    def value(self):
        """What the formula gives at the values of its names."""
        result = self.sum()
        if self.tokens:
            raise ValueError(f"cannot read from {self.tokens[0][1]!r} on")
        return result

    def next(self, *kinds):
        return bool(self.tokens) and self.tokens[0] in kinds

    def take(self, *kinds):
        return self.tokens.pop(0) if self.next(*kinds) else None

    def sum(self):
        total = -self.product() if self.take(("sign", "-")) else self.product()
        while sign := self.take(("sign", "+"), ("sign", "-")):
            total = total + self.product() if sign[1] == "+" else total - self.product()
        return total

    def product(self):
        result = self.power()
        while self.tokens:
            if self.take(("sign", "/")):
                result = result / self.power()
            elif self.take(("sign", "*"), *(("word", word) for word in PRODUCTS)):
                result = result * self.power()
            elif self.tokens[0][0] == "sign" and self.tokens[0][1] not in "({|":
                break
            elif self.next(("sign", "|")) and self.inside_bars:
                break
            else:
                result = result * self.power()
        return result

    def power(self):
        base = self.factor()
        return base ** self.factor() if self.take(("sign", "^")) else base

    inside_bars = False

    def factor(self):
        kind, token = self.tokens.pop(0)
        if kind == "number":
            return float(token)
        if kind == "name":
            return self.values[token.replace("{", "").replace("}", "")]
        if kind == "half":
            return int(token[0]) / int(token[1])
        if kind == "index":
            return self.over_the_coordinates(f"x_{token}")
        if token == "pi":
            return math.pi
        if token == "frac":
            above = self.factor()
            return above / self.factor()
        if token in FUNCTIONS:
            # The exponent of a function's name: \cos^2 x.
            exponent = self.factor() if self.take(("sign", "^")) else 1
            return FUNCTIONS[token](self.argument()) ** exponent
        if token in ("(", "{"):
            outer, self.inside_bars = self.inside_bars, False
            value = self.sum()
            self.inside_bars = outer
            self.close(")" if token == "(" else "}")
            return value
        if token == "|":
            self.inside_bars = True
            value = self.sum()
            self.inside_bars = False
            self.close("|")
            return np.abs(value)
        raise ValueError(f"cannot read {token!r}")

    def over_the_coordinates(self, name):
        """The sum of what follows, with this name for each coordinate in turn."""
        coordinates, following, total = list(self.values.values()), self.tokens, 0
        for value in coordinates:
            self.tokens, self.values = list(following), {name: value}
            total = total + self.product()
        return total

    def argument(self):
        if self.next(("sign", "("), ("sign", "{")):
            return self.factor()
        value = self.power()  # \sin 2x: to the next sign or function
        while self.tokens and (
            self.tokens[0][0] in ("name", "number") or self.next(("word", "pi"))
        ):
            value = value * self.power()
        return value

    def close(self, sign):
        if not self.take(("sign", sign)):
            raise ValueError(f"no {sign!r} closes what was opened")


def evaluate(latex, values):
    """The value of a formula where its names have these values."""
    names = {re.sub(r"^([a-zA-Z])(\d+)$", r"\1_\2", name): value for name, value in values.items()}
    return Formula(latex, names).value()


def disagreements(made, shorthand=lambda **values: values):
    """The points, of 50 in the domain, where an objective's formula is not its function.

    `shorthand` gives the names that the formula uses from those of the coordinates.
    """
    points = made.sample(50, np.random.default_rng(0))
    names = dict(zip(made.__signature__.parameters, points.T, strict=True))
    said = evaluate(made.formula, shorthand(**names))
    computed = made.at(points)
    return points[~np.isclose(said, computed, rtol=1e-9, atol=1e-9)]


def _objectives():
    for module in pkgutil.iter_modules(helpers.__path__):
        module = importlib.import_module(f"helpers.{module.name}")
        for name, value in vars(module).items():
            if isinstance(value, Objective) and value.function.__module__ == module.__name__:
                yield pytest.param(value, id=name)


def _chapter_objectives():
    for path in CHAPTERS:
        for tree in read(path).trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and any(
                    isinstance(d, ast.Call) and "formula=" in ast.unparse(d)
                    for d in node.decorator_list
                ):
                    yield pytest.param(node, id=f"{path.stem}-{node.name}")


@pytest.mark.parametrize("made", list(_objectives()))
def test_the_formula_of_an_objective_says_what_its_function_computes(made):
    if getattr(made, "formula", ""):
        assert len(disagreements(made)) == 0, made.formula


@pytest.mark.parametrize("node", list(_chapter_objectives()))
def test_the_formula_of_a_chapter_says_what_its_function_computes(node):
    decorator = next(d for d in node.decorator_list if "formula=" in ast.unparse(d))
    formula = next(k.value for k in decorator.keywords if k.arg == "formula")
    function = _bare(node, node.body)
    # What the function abbreviates, its formula may abbreviate too.
    first = [line for line in node.body if isinstance(line, ast.Assign)]
    shorthand = _bare(node, [*first, ast.Return(ast.parse("locals()").body[0].value)])
    domain = ((0.2, 2.0),) * len(node.args.args)
    made = Objective(function, domain, (), ast.literal_eval(formula))
    assert len(disagreements(made, shorthand)) == 0, made.formula


def _bare(node, body):
    """The function of a chapter without its decorator, and with this body."""
    names = {"np": np, "torch": torch, "math": math}
    made = ast.FunctionDef(node.name, node.args, body, [], type_params=[])
    exec(ast.unparse(ast.fix_missing_locations(made)), names)
    return names[node.name]


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("x^2 + 2y^2", 22),
        ("-x + xy/2", 1),
        (r"\frac{x}{y} - 1.5 \cdot x", 2 / 3 - 3),
        (r"x \cos(0.15 \pi x)", 2 * math.cos(0.3 * math.pi)),
        (r"\left|x - y\right| + |y|", 4),
        (r"(x + 1)^2 (y - 1) + \exp(-x)", 18 + math.exp(-2)),
        (r"\sin^2 x + \sqrt{xy}", math.sin(2) ** 2 + math.sqrt(6)),
        (r"10^{-x} + e_1", 0.01 + 5),
        (r"-x^2", -4),
        (r"\frac12 \sum_i (x_i^2 + 1)", 20.5),
    ],
)
def test_a_formula_is_read_as_it_is_written(latex, expected):
    assert evaluate(latex, {"x": 2.0, "y": 3.0, "e1": 5.0}) == pytest.approx(expected)


@pytest.mark.parametrize("latex", ["x +", "(x", "x ? 2", r"\foo{x}", "x)", "z"])
def test_what_cannot_be_read_is_refused(latex):
    with pytest.raises((ValueError, IndexError, KeyError)):
        evaluate(latex, {"x": 2.0})


@pytest.mark.parametrize("formula", ["x^2 + 3y^2", "x^2 - 2y^2", "y^2 + 2x^2", "x^2 + 2y"])
def test_a_formula_that_says_something_else_is_noticed(formula):
    made = Objective(lambda x, y: x**2 + 2 * y**2, ((-1, 1), (-1, 1)), (), formula)
    assert len(disagreements(made)) > 25
