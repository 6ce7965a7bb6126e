"""The chapter's own functions, taken from the notebook, against closed forms and SciPy."""

import ast
from fractions import Fraction
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from iminuit import cost
from scipy import special, stats

CHAPTER = Path(__file__).parents[1] / "chapters" / "fits-with-minuit.ipynb"
seeds = st.integers(0, 2**32 - 1)


def _trees():
    for cell in nbformat.read(CHAPTER, as_version=4).cells:
        if cell.cell_type == "code" and "%config" not in cell.source:
            yield ast.parse(cell.source)


def _functions(*wanted):
    """These functions of the chapter."""
    names = {"np": np, "special": special}
    for node in (node for tree in _trees() for node in tree.body):
        if isinstance(node, ast.FunctionDef) and node.name in wanted:
            exec(ast.unparse(node), names)
    return [names[name] for name in wanted]


def _data(*wanted):
    """The lists of numbers of these names."""
    found = {}
    for node in (node for tree in _trees() for node in tree.body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id in wanted and isinstance(node.value, ast.List):
                found[node.targets[0].id] = ast.literal_eval(node.value)
    return [found[name] for name in wanted]


baker_cousins, average, by_residuals = _functions("baker_cousins", "average", "by_residuals")


def test_peelles_pair_has_the_average_15_seventeenths():
    first, second = Fraction(3, 2), Fraction(1)
    share, scale = Fraction(1, 10) ** 2, Fraction(1, 5) ** 2
    common = scale * first * second
    above, below = ((share + scale) * y**2 - common for y in (first, second))
    exact = (below * first + above * second) / (above + below)
    assert exact == Fraction(15, 17)
    values = np.array([1.5, 1.0])
    assert average(values, 0.1 * values, 0.2)[0] == pytest.approx(float(exact), abs=1e-14)


@given(seeds)
def test_the_statistic_of_baker_and_cousins_is_that_of_scipy_and_iminuit(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(2, size=(3, 20)) + np.eye(3, 20, dtype=int)
    expected = rng.uniform(0.1, 5, size=(3, 20))
    ours = baker_cousins(counts, expected)
    rows = zip(counts, expected, strict=True)
    assert ours == pytest.approx([cost.poisson_chi2(*row) for row in rows])
    # SciPy's holds for equal totals only.
    expected *= (counts.sum(axis=1) / expected.sum(axis=1))[:, None]
    theirs = stats.power_divergence(counts, expected, axis=1, lambda_="log-likelihood")
    assert baker_cousins(counts, expected) == pytest.approx(theirs.statistic)


@given(seeds)
def test_a_covariance_and_a_pull_term_are_one_chi_squared(seed):
    rng = np.random.default_rng(seed)
    r, m, sigma = rng.normal(size=9), rng.normal(size=9), rng.uniform(0.5, 2, size=9)
    columns = np.append(m / sigma, 1)[:, None]
    _, (fitted,), *_ = np.linalg.lstsq(columns, np.append(r / sigma, 0), rcond=None)
    covariance = np.diag(sigma**2) + np.outer(m, m)
    assert r @ np.linalg.solve(covariance, r) == pytest.approx(fitted, rel=1e-9)


def test_the_corrected_residual_is_that_of_a_fit_without_the_point():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 2, size=(2, 8))
    alone = [
        y[i] - x[i] * (np.delete(y, i) @ np.delete(x, i)) / np.sum(np.delete(x, i) ** 2)
        for i in range(8)
    ]
    expected = np.sqrt(np.sum((x * alone) ** 2)) / np.sum(x**2)
    assert by_residuals(x, y)[2] == pytest.approx(expected)


def test_the_typed_data_have_the_sums_of_their_sources():
    (intervals,) = _data("intervals")
    assert (sum(intervals), np.dot(intervals, range(15))) == (2608, 10097)
    near, far, slow, fast = _data("near", "far", "slow", "fast")
    assert (len(near + far), len(slow + fast)) == (24, 24)
    assert sum(near + far) == pytest.approx(21.873)
    assert sum(slow + fast) == 8955
