"""The chapter's own autograd, taken from the notebook, against torch's."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from helpers.derivatives import gradient
from helpers.objectives import beale, himmelblau, rosenbrock, tilted_bowl, two_wells, valley

CHAPTER = Path(__file__).parents[1] / "chapters" / "autograd.ipynb"


@pytest.fixture(scope="module")
def ours():
    """What the cells of the tape and of the exercises on it define, after the imports."""
    cells = [c for c in nbformat.read(CHAPTER, as_version=4).cells if c.cell_type == "code"]
    tags = {"tape", "tape-exercise"}
    tagged = [c for c in cells if set(c.metadata.get("tags", [])) & tags]
    assert tagged
    names = {}
    for cell in [cells[0], *tagged]:
        lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
        exec("\n".join(lines), names)
    return names


def _slopes(ours, function, *values):
    """The value and the slopes of a function by the chapter's autograd, its tape, all slopes."""
    tape = []
    leaves = [ours["Entry"](tape, value) for value in values]
    output = function(*leaves)
    slopes = ours["backward"](output)
    return output.value, [slopes.get(leaf, 0) for leaf in leaves], tape, slopes


def _torch_slopes(function, *values):
    leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
    output = function(*leaves)
    slopes = torch.autograd.grad(output, leaves, materialize_grads=True)
    return output.detach().numpy(), [slope.numpy() for slope in slopes]


# An expression is a nested tuple: ("+", left, right), ("sine", operand), "x", "y" or a number.
UNARY = {
    "sine": torch.sin,
    "relu": torch.relu,
    "exp": torch.exp,
    "tanh": torch.tanh,
}
BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
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
        st.tuples(st.just("power"), inner, st.integers(-1, 4)),
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
    def by_ours(x, y):
        return _evaluate(expression, lambda name, v: ours["record"](ours[name], v), x=x, y=y)

    def by_torch(x, y):
        return _evaluate(expression, lambda name, v: UNARY[name](v), x=x, y=y)

    try:
        with np.errstate(all="raise", under="ignore"):
            value, slopes, tape, all_slopes = _slopes(ours, by_ours, x, y)
    except (ZeroDivisionError, FloatingPointError):
        assume(False)
    # Both round; far from overflow, and from kinks that rounding could cross, they must agree.
    assume(all(abs(v) < 1e3 for v in [*(e.value for e in tape), *all_slopes.values()]))
    bent = (entry.operands[0].value for entry in tape if entry.name == "relu")
    assume(not any(0 < abs(v) < 1e-9 for v in bent))
    expected_value, expected = _torch_slopes(by_torch, x, y)
    assert value == pytest.approx(expected_value, rel=1e-9, abs=1e-9)
    assert slopes == pytest.approx([e.item() for e in expected], rel=1e-8, abs=1e-8)


@given(
    shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3),
    operation=st.sampled_from(["+", "-", "*", "/"]),
)
def test_a_stretched_value_gets_the_sum_of_what_it_was_stretched_to(ours, shapes, operation):
    rng = np.random.default_rng(0)
    values = [rng.uniform(1, 2, shape) for shape in shapes.input_shapes]
    function = BINARY[operation]
    _, found, *_ = _slopes(
        ours, lambda a, b: ours["record"](ours["total"], function(a, b) ** 2), *values
    )
    _, expected = _torch_slopes(lambda a, b: (function(a, b) ** 2).sum(), *values)
    for ours_, theirs in zip(found, expected, strict=True):
        assert ours_.shape == theirs.shape
        np.testing.assert_allclose(ours_, theirs, rtol=1e-12, atol=0)


@pytest.mark.parametrize("data_on_the_tape", [True, False])
def test_a_layers_slopes_are_torchs_for_entries_and_for_constants(ours, data_on_the_tape):
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(7, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)

    def layer(x, w, b):
        return ours["record"](ours["total"], ours["record"](ours["tanh"], x @ w + b) * 2)

    def torch_layer(x, w, b):
        return (torch.tanh(x @ w + b) * 2).sum()

    if data_on_the_tape:
        _, found, *_ = _slopes(ours, layer, x, w, b)
        _, expected = _torch_slopes(torch_layer, x, w, b)
    else:
        _, found, *_ = _slopes(ours, lambda w, b: layer(x, w, b), w, b)
        _, expected = _torch_slopes(lambda w, b: torch_layer(torch.from_numpy(x), w, b), w, b)
    for ours_, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours_, theirs, rtol=0, atol=1e-12)


def test_a_product_with_a_vector_is_refused_and_with_its_column_is_torchs(ours):
    w, x = np.arange(9.0).reshape(3, 3), np.array([1.0, 2, 3])

    def by_ours(w, x):
        return ours["record"](ours["total"], w @ x)

    with pytest.raises(AssertionError, match="matmul: takes two matrices"):
        _slopes(ours, by_ours, w, x)
    _, found, *_ = _slopes(ours, by_ours, w, x[:, None])
    _, expected = _torch_slopes(lambda w, x: (w @ x).sum(), w, x[:, None])
    for ours_, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours_, theirs)


def test_a_minus_sign_turns_the_slope(ours):
    assert _slopes(ours, lambda x: -x * x, 3.0)[1] == [-6]


@pytest.mark.parametrize("kind", [np.uint8, np.int64, bool])
@pytest.mark.parametrize("operation", BINARY)
def test_data_of_whole_numbers_is_computed_with_as_numbers(ours, operation, kind):
    data, values = np.array([1, 2]).astype(kind), np.array([3.0, 4.0])
    by_hand = BINARY[operation]
    found, *_ = _slopes(ours, lambda x: by_hand(x, data), values)
    np.testing.assert_array_equal(found, by_hand(values, data.astype(float)))
    found, *_ = _slopes(ours, lambda x: by_hand(data, x), values)
    np.testing.assert_allclose(found, by_hand(data.astype(float), values), rtol=1e-15)


def test_operands_of_two_tapes_are_refused(ours):
    x, y = ours["Entry"]([], 2.0), ours["Entry"]([], 3.0)
    with pytest.raises(AssertionError, match="record: operands of two tapes"):
        x * (y * y)


def test_the_power_0_has_the_slope_0_everywhere(ours):
    assert [_slopes(ours, lambda x: x**0, at)[1] for at in (0.0, 2.0)] == [[0], [0]]


def test_what_is_written_into_an_array_later_does_not_reach_the_tape(ours):
    values = np.array([1.0, 2.0])
    x = ours["Entry"]([], values)
    y = x * x
    values += 1
    np.testing.assert_array_equal(ours["backward"](y)[x], [2, 4])


def test_training_with_our_autograd_takes_torchs_walk(ours):
    rng, (rate, steps) = np.random.default_rng(0), (0.1, 100)
    x, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    start = [rng.normal(size=shape) for shape in ((2, 8), (8,), (8, 1), (1,))]

    def loss(w, b, v, c):
        errors = ours["record"](ours["relu"], x @ w + b) @ v + c - y
        return ours["record"](ours["total"], errors**2) / len(x)

    mine = start
    for _ in range(steps):
        _, slopes, *_ = _slopes(ours, loss, *mine)
        mine = [p - rate * slope for p, slope in zip(mine, slopes, strict=True)]
    leaves = [torch.tensor(p, requires_grad=True) for p in start]
    stepper, (x, y) = torch.optim.SGD(leaves, lr=rate), map(torch.from_numpy, (x, y))
    for _ in range(steps):
        stepper.zero_grad()
        w, b, v, c = leaves
        ((torch.relu(x @ w + b) @ v + c - y) ** 2).mean().backward()
        stepper.step()
    for ours_, theirs in zip(mine, leaves, strict=True):
        np.testing.assert_allclose(ours_, theirs.detach().numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "made", [beale, himmelblau, rosenbrock, tilted_bowl, two_wells, valley], ids=lambda o: o.name
)
def test_our_autograd_differentiates_the_objectives(ours, made):
    points = made.sample(100, np.random.default_rng(0))
    tape = []
    leaves = [ours["Entry"](tape, coordinate) for coordinate in points.T]
    output = made.function(*leaves)
    slopes = ours["backward"](output)
    np.testing.assert_allclose(output.value, made.at(points), rtol=1e-12)
    found = np.stack([slopes[leaf] for leaf in leaves], axis=-1)
    np.testing.assert_allclose(found, gradient(made, points), rtol=1e-9, atol=1e-9)


def test_our_relu_keeps_torchs_convention_at_its_kink(ours):
    kinks = {
        lambda relu, x: relu(x): 0,
        lambda relu, x: relu(-1 * x) + x: 1,
        lambda relu, x: relu(x) - relu(-1 * x): 0,
    }
    for kink, convention in kinks.items():
        found = _slopes(ours, lambda x, f=kink: f(lambda v: ours["record"](ours["relu"], v), x), 0)
        expected = _torch_slopes(lambda x, f=kink: f(torch.relu, x), 0.0)
        assert found[1] == expected[1] == [convention]


def test_a_number_used_twice_gets_both_contributions(ours):
    assert _slopes(ours, lambda x: x * x * x, 2.0)[1] == [12]


def test_what_did_not_lead_to_the_output_gets_no_slope(ours):
    def with_a_side_road(x):
        ours["record"](ours["exp"], x)
        return 3 * x

    value, slopes, tape, all_slopes = _slopes(ours, with_a_side_road, 2.0)
    assert slopes == [3]
    assert [entry.name for entry in tape if entry not in all_slopes] == ["exp"]


def test_the_tape_is_a_topological_order(ours):
    *_, tape, _ = _slopes(ours, himmelblau.function, 1.0, 2.0)
    known = [[o for o in entry.operands if isinstance(o, ours["Entry"])] for entry in tape]
    for entry, operands in zip(tape, known, strict=True):
        assert all(operand.index < entry.index for operand in operands)
    assert [entry.index for entry in tape] == list(range(len(tape)))


def test_our_convolution_goes_back_as_torchs_does(ours):
    rng = np.random.default_rng(0)
    signal, weights = rng.normal(size=9), rng.normal(size=3)

    def by_ours(x, w):
        return ours["record"](ours["total"], ours["record"](ours["slide"], x, w) ** 2)

    def by_torch(x, w):
        return (torch.conv1d(x[None, None], w[None, None]) ** 2).sum()

    _, found, *_ = _slopes(ours, by_ours, signal, weights)
    for ours_, theirs in zip(found, _torch_slopes(by_torch, signal, weights)[1], strict=True):
        np.testing.assert_allclose(ours_, theirs, rtol=0, atol=1e-12)
