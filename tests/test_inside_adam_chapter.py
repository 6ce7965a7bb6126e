"""The chapter's own optimizers, taken from the notebook, against those of torch."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import optim

CHAPTER = Path(__file__).parents[1] / "chapters" / "inside-adam.ipynb"
STEPS = 200


def _definitions():
    """What the cells tagged optimizers define, after the chapter's imports."""
    cells = [c for c in nbformat.read(CHAPTER, as_version=4).cells if c.cell_type == "code"]
    names = {}
    for cell in [cells[0], *(c for c in cells if "optimizers" in c.metadata.get("tags", []))]:
        lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
        with np.errstate():  # the chapter's own setting stays in the chapter
            exec("\n".join(lines), names)
    return names


OURS = _definitions()
run, adamw = OURS["run"], OURS["adamw"]

rates = st.floats(-4, 0.5).map(lambda exponent: 10**exponent)
shares = st.floats(0, 0.99)
long_memories = st.floats(-4, -0.5).map(lambda exponent: 1 - 10**exponent)
decays = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)

# (our rule, torch's class, our settings as torch names them), from a rate and two shares.
TWINS = {
    "descent": (optim.SGD, lambda beta1, beta2: ({}, {})),
    "momentum": (optim.SGD, lambda beta1, beta2: ({"beta": beta1}, {"momentum": beta1})),
    "nesterov": (
        optim.SGD,
        lambda beta1, beta2: (
            {"beta": beta1 + 0.001},
            {"momentum": beta1 + 0.001, "nesterov": True},
        ),
    ),
    "adagrad": (optim.Adagrad, lambda beta1, beta2: ({}, {})),
    "rmsprop": (optim.RMSprop, lambda beta1, beta2: ({"beta": beta2}, {"alpha": beta2})),
    "adam": (
        optim.Adam,
        lambda beta1, beta2: ({"beta1": beta1, "beta2": beta2}, {"betas": (beta1, beta2)}),
    ),
}


def _torch_path(optimizer, start, steps, slope, **settings):
    x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    stepper, points = optimizer([x], **settings), [np.array(start, dtype=float)]
    for _ in range(steps):
        x.grad = torch.tensor(slope(x.detach().numpy()))
        stepper.step()
        points.append(x.detach().numpy().copy())
    return np.array(points)


def _given_slopes(seed):
    """A function that hands out the same slopes, of mixed sizes, whatever the point."""
    rng = np.random.default_rng(seed)
    slopes = rng.normal(size=(STEPS, 3)) * 10.0 ** rng.uniform(-4, 4, size=(STEPS, 1))
    series = iter(slopes)
    return lambda x: next(series)


def _difference(ours, theirs):
    """The largest difference of two paths, relative to the largest coordinate."""
    assert ours.shape == theirs.shape == (STEPS + 1, *ours.shape[1:])
    scale = np.abs(theirs).max()
    assert np.isfinite(scale)
    return np.abs(ours - theirs).max() / scale


@pytest.mark.parametrize("name", TWINS)
@settings(max_examples=30, deadline=None)
@given(lr=rates, beta1=shares, beta2=long_memories, seed=seeds)
def test_our_optimizers_take_torchs_steps_for_any_slopes_and_settings(name, lr, beta1, beta2, seed):
    optimizer, named = TWINS[name]
    own, torchs = named(beta1, beta2)
    start = np.array([-5.0, -2.0, 0.5])
    ours = run(OURS[name], start, STEPS, _given_slopes(seed), lr=lr, **own)
    theirs = _torch_path(optimizer, start, STEPS, _given_slopes(seed), lr=lr, **torchs)
    assert _difference(ours, theirs) <= 1e-12


# On the valley a walk feeds its own rounding back. With a long second memory nothing amplifies it;
# with a short one some walks at large rates are chaotic, and the test above holds them to the rule.
@pytest.mark.parametrize("name", TWINS)
@settings(max_examples=30, deadline=None)
@given(
    lr=st.floats(-4, -0.35).map(lambda exponent: 10**exponent),
    beta1=st.floats(0, 0.95),
    beta2=st.floats(-4, -1.5).map(lambda exponent: 1 - 10**exponent),
)
def test_our_optimizers_walk_torchs_path_on_the_valley(name, lr, beta1, beta2):
    optimizer, named = TWINS[name]
    own, torchs = named(beta1, beta2)
    start, slope = np.array([-5.0, -2.0]), OURS["slope"]
    ours = run(OURS[name], start, STEPS, lr=lr, **own)
    theirs = _torch_path(optimizer, start, STEPS, slope, lr=lr, **torchs)
    assert _difference(ours, theirs) <= 1e-12


@settings(max_examples=30, deadline=None)
@given(lr=st.floats(-4, -0.35).map(lambda exponent: 10**exponent), decay=decays)
def test_our_adamw_walks_torchs_path_on_the_valley(lr, decay):
    start, slope = np.array([-5.0, -2.0]), OURS["slope"]
    ours = adamw(start, STEPS, slope, lr=lr, decay=decay)
    theirs = _torch_path(optim.AdamW, start, STEPS, slope, lr=lr, weight_decay=decay)
    assert _difference(ours, theirs) <= 1e-12


@pytest.mark.parametrize("name", TWINS)
def test_arrays_of_rates_and_betas_walk_as_each_alone(name):
    lr = np.array([0.01, 0.1, 0.4])[:, None]
    beta1, beta2 = np.array([0.5, 0.9, 0.0])[:, None], np.array([0.9, 0.99, 0.999])[:, None]
    start, named = np.array([-5.0, -2.0]), TWINS[name][1]
    together = run(OURS[name], start + 0 * lr, STEPS, lr=lr, **named(beta1, beta2)[0])
    for i in range(3):
        alone = run(OURS[name], start, STEPS, lr=lr[i], **named(beta1[i], beta2[i])[0])
        np.testing.assert_array_equal(together[:, i], alone)


@settings(max_examples=200, deadline=None)
@given(lr=rates, beta=shares, curvature=st.floats(0.01, 10))
def test_the_factor_of_momentum_is_the_spectral_radius_of_its_recursion(lr, beta, curvature):
    recursion = np.array([[1 + beta - lr * curvature, -beta], [1, 0]])
    expected = np.abs(np.linalg.eigvals(recursion)).max()
    # Where two roots coincide, either computation loses half of its digits.
    assert OURS["factor"](lr, beta, curvature) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(kappa=st.floats(1.1, 1e4), lr=st.floats(0.001, 1), beta=shares)
def test_no_pair_beats_the_best_pair_of_momentum(kappa, lr, beta):
    curvatures = np.array([1.0, kappa])
    root = (np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)
    best = OURS["factor"](4 / (1 + np.sqrt(kappa)) ** 2, root**2, curvatures).max()
    assert best == pytest.approx(root, abs=1e-6)
    scaled = lr * 4 / kappa
    assert OURS["factor"](scaled, beta, curvatures).max() >= root - 1e-9


def test_conjugate_gradients_arrive_after_as_many_steps_as_dimensions():
    rng = np.random.default_rng(0)
    for dimension in range(1, 9):
        matrix = rng.normal(size=(dimension, dimension))
        hessian = matrix @ matrix.T + np.eye(dimension)
        path = OURS["conjugate_gradients"](hessian, rng.normal(size=dimension), dimension)
        assert np.abs(path[-1]).max() < 1e-9
