"""The chapter's line search, planned rates and damped fit, from the notebook, against SciPy."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from scipy import optimize, special

from helpers.objectives import chi_squared

CHAPTER = Path(__file__).parents[1] / "chapters" / "gradient-descent.ipynb"
MINUS_TO_PLUS = np.linspace(-1, 1, 40)


@pytest.fixture
def ours():
    """What the cells tagged tested define; what they read from other cells is given by a test."""
    cells = nbformat.read(CHAPTER, as_version=4).cells
    names = {"np": np}
    for cell in cells:
        if "tested" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return names


def _bowl(dimension, rng):
    """A symmetric matrix with random axes and random curvatures from 1 to 100."""
    axes = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
    return axes @ np.diag(10 ** rng.uniform(0, 2, dimension)) @ axes.T


@pytest.mark.parametrize("dimension", [2, 3, 8])
def test_each_step_ends_at_the_lowest_point_of_its_line(ours, dimension):
    rng = np.random.default_rng(dimension)
    H = _bowl(dimension, rng)
    (before, after), _ = ours["line_search"](rng.normal(size=dimension), H, 1)

    def along(eta):
        e = before - eta * H @ before
        return e @ H @ e

    best = optimize.minimize_scalar(along, bracket=(0, 1 / np.trace(H)), tol=1e-12)
    assert after @ H @ after == pytest.approx(best.fun, rel=1e-9)


@pytest.mark.parametrize("dimension", [2, 3, 8])
def test_no_start_is_slower_than_the_best_fixed_rate(ours, dimension):
    rng = np.random.default_rng(dimension)
    H = _bowl(dimension, rng)
    _, (before, after) = ours["line_search"](rng.normal(size=(2000, dimension)), H, 1)
    kappa = np.linalg.cond(H)
    assert (after / before).max() <= (kappa - 1) / (kappa + 1) * (1 + 1e-12)


def test_the_arches_have_the_formula_of_the_folded_note(ours):
    rng = np.random.default_rng(0)
    H = _bowl(2, rng)
    (low, high), axes = np.linalg.eigh(H)
    errors, distances = ours["line_search"](rng.normal(size=(100, 2)), H, 3)
    shallow, steep = np.moveaxis(errors[0] @ H @ axes, -1, 0)
    kappa, r = high / low, (steep / shallow) ** 2
    formula = (kappa + 1 / kappa - 2) / (kappa + 1 / kappa + r + 1 / r)
    for before, after in zip(distances, distances[1:], strict=False):
        np.testing.assert_allclose((after / before) ** 2, formula, rtol=1e-6)


@pytest.mark.parametrize("start", [(1, 4.5), (0.5, 1)])
def test_the_damped_fit_ends_where_scipy_does(ours, start):
    rng = np.random.default_rng(1)
    x, y = MINUS_TO_PLUS, np.sin(3 * MINUS_TO_PLUS) + rng.normal(0, 0.1, 40)
    sine = chi_squared(lambda x, a, b: a * torch.sin(b * x), x, y, 0.1, [(-3, 3), (0, 8)])
    ours |= {"x": x, "y": y, "sigma": 0.1, "sine_fit": sine}
    end = ours["levenberg_marquardt"](np.array(start), steps=20)
    scipy = optimize.least_squares(lambda p: ours["residuals"](p)[0], start, method="lm")
    np.testing.assert_allclose(end, scipy.x, rtol=1e-5)
    numeric = optimize.approx_fprime(np.array(start), lambda p: ours["residuals"](p)[0], 1e-7)
    np.testing.assert_allclose(ours["residuals"](start)[1], numeric, atol=1e-4)


@pytest.mark.parametrize("m", [5, 16])
def test_rates_by_a_plan_keep_the_bounds_of_the_folded_note(m):
    low, high = 1, 100
    zeros = np.cos(np.pi * (np.arange(1, m + 1) - 0.5) / m)
    inverse_rates = (high + low) / 2 + (high - low) / 2 * zeros
    curvatures = np.linspace(low, high, 10_001)
    factors = np.prod(1 - curvatures / inverse_rates[:, None], axis=0)
    kappa = high / low
    bound = 1 / special.eval_chebyt(m, (kappa + 1) / (kappa - 1))
    assert np.abs(factors).max() == pytest.approx(bound, rel=1e-9)
    root = np.sqrt(kappa)
    assert bound <= 2 * ((root - 1) / (root + 1)) ** m
    assert bound < ((kappa - 1) / (kappa + 1)) ** m  # the best fixed rate
