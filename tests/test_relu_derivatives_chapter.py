"""The tables of conventions of the chapter on derivatives of ReLU, taken from the notebook."""

import math
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from scipy.integrate import quad

CHAPTER = Path(__file__).parents[1] / "chapters" / "relu-derivatives.ipynb"


def _names(tag):
    """What the cells of the chapter with this tag define, after its imports and its seed."""
    cells = [c for c in nbformat.read(CHAPTER, as_version=4).cells if c.cell_type == "code"]
    tagged = [c for c in cells if tag in c.metadata.get("tags", [])]
    assert tagged, tag
    names = {}
    for cell in [*cells[:2], *tagged]:
        lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
        exec("\n".join(lines), names)
    return names


@pytest.fixture(scope="module")
def table():
    names = _names("conventions")
    kinks = names["kinks"] | names["relatives"] | names["failures"]
    return {name: names["conventions"](name, f) for name, f in kinks.items()}


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
    assert outside == list(CONVENTIONS)[-3:]


def test_where_a_function_ends_there_is_no_subdifferential(table):
    assert [name for name, row in table.items() if row["subdifferential"] == "none"] == ["sqrt(x)"]


def test_nine_programs_of_one_function_have_one_pair_of_slopes(table):
    nine = list(table.values())[:9]
    assert {(row["left"], row["right"]) for row in nine} == {(0, 1)}
    assert {row["autograd"] for row in nine} == {0, 0.5, 1}


def _mean(function):
    """The mean of a function of a normal number, by SciPy's quadrature on both sides of 0."""

    def weighted(z):
        return function(z) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    return quad(weighted, -12, 0)[0] + quad(weighted, 0, 12)[0]


@pytest.mark.parametrize(
    ("name", "value", "slope"),
    [
        ("relu", lambda z: max(z, 0.0), lambda z: float(z > 0)),
        ("tanh", math.tanh, lambda z: 1 - math.tanh(z) ** 2),
        ("softplus", lambda z: math.log1p(math.exp(z)), lambda z: 1 / (1 + math.exp(-z))),
        (
            "gelu",
            lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2,
            lambda z: (
                (1 + math.erf(z / math.sqrt(2))) / 2
                + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
            ),
        ),
    ],
)
def test_gains_on_the_grid_are_those_of_quadrature(name, value, slope):
    found = _names("gains")["gain_and_factor"](getattr(torch.nn.functional, name))
    square = _mean(lambda z: value(z) ** 2)
    expected = [square**-0.5, _mean(value) ** 2 / square, _mean(lambda z: slope(z) ** 2) / square]

    def next_square(q):
        return _mean(lambda z: value(math.sqrt(q) * z) ** 2) / square

    expected.append((next_square(1.001) - next_square(0.999)) / 0.002)
    assert list(found.values()) == pytest.approx(expected, rel=1e-3)


def test_a_rule_with_half_a_slope_at_a_kink_passes_torchs_check_elsewhere():
    half_relu = _names("half-relu")["HalfRelu"].apply
    away = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(half_relu, away)
    at = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.grad(half_relu(at).sum(), at)[0].item() == 0.5


def test_a_stable_softplus_is_numpys(recwarn):
    names, x = _names("softplus"), np.array([-100.0, -1.0, 0.0, 1.0, 100.0])
    # The one with a detached maximum loses the tiny values far left, as the chapter says.
    for softplus, lost in ((names["repaired"], 0), (names["detached"], 1e-15)):
        leaf = torch.tensor(x, requires_grad=True)
        values = softplus(leaf)
        (slope,) = torch.autograd.grad(values.sum(), leaf)
        np.testing.assert_allclose(values.detach(), np.logaddexp(x, 0), rtol=1e-14, atol=lost)
        np.testing.assert_allclose(slope, 1 / (1 + np.exp(-x)), rtol=1e-14, atol=lost)


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_the_share_of_the_square_that_gelu_and_silu_let_through_grows(name):
    """So a deviation grows at every mean square that a gain holds."""
    activation = getattr(torch.nn.functional, name)

    def share(q):
        def square(z):
            return activation(torch.tensor(math.sqrt(q) * z, dtype=torch.float64)).item() ** 2

        return _mean(square) / q

    shares = [share(q) for q in (1e-3, 0.1, 1, 10, 1e4)]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.25, abs=0.001)
    assert shares[-1] == pytest.approx(0.5, abs=0.01)


def test_two_inputs_without_correlation_leave_a_layer_with_the_share_in_the_mean():
    """The closed forms of the arc-cosine kernels (Cho and Saul, 2009) at correlation 0."""
    found = _names("gains")["gain_and_factor"]
    assert found(torch.relu)["in the mean"] == pytest.approx(1 / math.pi, rel=1e-6)
    assert found(torch.abs)["in the mean"] == pytest.approx(2 / math.pi, rel=1e-6)
