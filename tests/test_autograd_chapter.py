"""The chapter's own autograd and its table of conventions, taken from the notebook."""

import math
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers.derivatives import gradient
from helpers.objectives import beale, himmelblau, rosenbrock, tilted_bowl, two_wells, valley

CHAPTER = Path(__file__).parents[1] / "chapters" / "autograd-and-relu.ipynb"


def _names(*tags):
    """What the cells of the chapter with one of these tags define, after its imports."""
    cells = [c for c in nbformat.read(CHAPTER, as_version=4).cells if c.cell_type == "code"]
    tagged = [c for c in cells if set(c.metadata.get("tags", [])) & set(tags)]
    assert tagged, tags
    names = {}
    for cell in [cells[0], *tagged]:
        lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
        exec("\n".join(lines), names)
    return names


@pytest.fixture(scope="module")
def ours():
    return _names("tape", "tape-exercise")


@pytest.fixture(scope="module")
def table():
    names = _names("conventions")
    return {name: names["conventions"](name, f) for name, f in names["kinks"].items()}


def _slopes(ours, function, *coordinates):
    """The value and the slopes of a function by the chapter's autograd, and its tape."""
    tape = []
    leaves = [ours["Scalar"](tape, float(c)) for c in coordinates]
    output = function(*leaves)
    slopes = ours["backward"](output)
    return output.value, [slopes[leaf] for leaf in leaves], tape, slopes


# An expression is a nested tuple: ("+", left, right), ("sin", operand), "x", "y" or a number.
UNARY = {
    "sin": torch.sin,
    "cos": torch.cos,
    "relu": torch.relu,
    "abs": torch.abs,
    "exp": torch.exp,
    "tanh": torch.tanh,
    "neg": torch.neg,
}
BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: (abs(a) + 0.5) ** b,
}
variables = st.sampled_from(["x", "y"])
numbers = st.floats(-3, 3).map(lambda v: round(v, 3))
expressions = st.recursive(
    variables,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(list(UNARY)), inner),
        st.tuples(st.sampled_from(list(BINARY)), inner, inner),
        st.tuples(st.sampled_from(list(BINARY)), inner, numbers),
        st.tuples(st.sampled_from(list(BINARY)), numbers, inner),
        st.tuples(st.just("power"), inner, st.integers(1, 4)),
    ),
    max_leaves=8,
)


def _evaluate(expression, unary, **variables):
    if isinstance(expression, float | int):
        return expression
    if isinstance(expression, str):
        return variables[expression]
    operation, *operands = expression
    values = [_evaluate(operand, unary, **variables) for operand in operands]
    if operation == "power":
        return values[0] ** values[1]
    return BINARY[operation](*values) if operation in BINARY else unary(operation, values[0])


@settings(max_examples=400)
@given(expression=expressions, x=numbers, y=numbers)
def test_our_autograd_agrees_with_torch_on_random_expressions(ours, expression, x, y):
    def unary(name, operand):
        return -operand if name == "neg" else ours["record"](name, operand)

    try:
        value, slopes, tape, all_slopes = _slopes(
            ours, lambda x, y: _evaluate(expression, unary, x=x, y=y), x, y
        )
    except (ZeroDivisionError, OverflowError):
        assume(False)
    # Both round; far from overflow, and from kinks that rounding could cross, they must agree.
    assume(all(abs(v) < 1e3 for v in [*(n.value for n in tape), *all_slopes.values()]))
    bent = (n.operands[0].value for n in tape if n.operation in ("relu", "abs"))
    assume(not any(0 < abs(v) < 1e-9 for v in bent))
    leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, y)]
    theirs = _evaluate(
        expression, lambda name, v: UNARY[name](v), **dict(zip("xy", leaves, strict=True))
    )
    expected = torch.autograd.grad(theirs, leaves, materialize_grads=True)
    assert value == pytest.approx(theirs.item(), rel=1e-9, abs=1e-9)
    assert slopes == pytest.approx([e.item() for e in expected], rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(
    "made", [beale, himmelblau, rosenbrock, tilted_bowl, two_wells, valley], ids=lambda o: o.name
)
def test_our_autograd_differentiates_the_objectives(ours, made):
    for point in made.sample(100, np.random.default_rng(0)):
        value, slopes, *_ = _slopes(ours, made.function, *point)
        assert value == pytest.approx(made.at(point), rel=1e-12)
        assert slopes == pytest.approx(gradient(made, point).tolist(), rel=1e-9, abs=1e-9)


def test_our_autograd_keeps_torchs_conventions_at_a_kink(ours, table):
    record = ours["record"]
    kinks = {
        "relu(x)": lambda x: record("relu", x),
        "relu(-x) + x": lambda x: record("relu", -x) + x,
        "relu(x) - relu(-x)": lambda x: record("relu", x) - record("relu", -x),
        "abs(x)": abs,
    }
    for name, function in kinks.items():
        assert _slopes(ours, function, 0.0)[1] == [table[name]["autograd"]], name


def test_a_number_used_twice_gets_both_contributions(ours):
    assert _slopes(ours, lambda x: x * x * x, 2.0)[1] == [12]


def test_what_did_not_lead_to_the_output_gets_no_slope(ours):
    def with_a_side_road(x):
        ours["record"]("exp", x)
        return 3 * x

    value, slopes, tape, all_slopes = _slopes(ours, with_a_side_road, 2.0)
    assert slopes == [3]
    assert [n.operation for n in tape if n not in all_slopes] == ["exp", "constant"]


def test_the_tape_is_a_topological_order(ours):
    *_, tape, _ = _slopes(ours, himmelblau.function, 1.0, 2.0)
    assert all(operand.index < node.index for node in tape for operand in node.operands)
    assert [node.index for node in tape] == list(range(len(tape)))


# Autograd's derivative at 0 in torch 2.13. If a newer torch differs, the chapter's text must too.
CONVENTIONS = {
    "relu(x)": 0,
    "x * (x > 0)": 0,
    "where(x > 0, x, 0)": 0,
    "where(x >= 0, x, 0)": 1,
    "clamp(x, min=0)": 1,
    "relu(-x) + x": 1,
    "maximum(x, 0)": 0.5,
    "stack([x, 0]).amax(0)": 0.5,
    "stack([x, 0]).max(0)": 1,
    "relu6(x)": 0,
    "abs(x)": 0,
    "leaky_relu(x)": 0.01,
    "prelu(x, 0.25)": 0.25,
    "selu(x)": 1.7580993408473766,
    "elu(x)": 1,
    "gelu(x)": 0.5,
    "silu(x)": 0.5,
    "softplus(x)": 0.5,
    "sqrt(x)": math.inf,
    "sqrt(x**2)": math.nan,
    "where(x > 0, sqrt(x), 0)": math.nan,
    "relu(x) - relu(-x)": 0,
}


def test_the_conventions_at_a_kink_are_those_of_the_pinned_torch(table):
    assert list(table) == list(CONVENTIONS)
    changed = [
        f"{name}: was {expected}, is {table[name]['autograd']}"
        for name, expected in CONVENTIONS.items()
        if table[name]["autograd"] != pytest.approx(expected, nan_ok=True)
    ]
    assert not changed, f"torch {torch.__version__} changed its conventions: {changed}"


def test_the_table_finds_which_slopes_are_no_subgradients(table):
    outside = [name for name, row in table.items() if row["subdifferential"] == "OUTSIDE"]
    assert outside == list(CONVENTIONS)[-4:]


def test_nine_programs_of_one_function_have_one_pair_of_slopes(table):
    nine = list(table.values())[:9]
    assert {(row["value"], row["left"], row["right"]) for row in nine} == {(0, 0, 1)}
    assert {row["autograd"] for row in nine} == {0, 0.5, 1}
