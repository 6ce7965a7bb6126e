"""What the two chapters on minima define, taken from the notebooks, against oracles outside."""

from itertools import permutations, product
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from scipy.stats import binom, norm
from torch import nn

CHAPTERS = Path(__file__).parents[1] / "chapters"


def _definitions(stem, tag, **names):
    """What the cells with a tag define, after the chapter's imports."""
    notebook = nbformat.read(CHAPTERS / f"{stem}.ipynb", as_version=4)
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    for cell in [cells[0], *(c for c in cells if tag in c.metadata.get("tags", []))]:
        lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
        exec("\n".join(lines), names)
    return names


# Hopping on the function of Styblinski and Tang

SHALLOW, RIDGE, DEEP = np.sort(np.roots([2, 0, -16, 2.5]))[::-1]
SHARE = (RIDGE + 5) / 10
HOPS = _definitions("local-minima", "hops", low=-5.0, high=5.0, ridge=RIDGE)


def _chance_below_ridge(start, size):
    """That a jump reflected at -5 and 5 ends below the ridge: the mirror images of that piece."""
    pieces = [(-10 - RIDGE + 20 * k, RIDGE + 20 * k) for k in range(-5, 6)]
    return sum(np.diff(norm.cdf((np.array(piece) - start) / size))[0] for piece in pieces)


def _exact_successes(d, size, hops):
    """The chance of d deep wells after 1, 2, ... hops: a chain on the number of deep wells.

    A hop moves each coordinate from its well by itself, and is kept if more wells are deep.
    """
    lost, gained = 1 - _chance_below_ridge(DEEP, size), _chance_below_ridge(SHALLOW, size)
    step = np.zeros((d + 1, d + 1))
    for deep in range(d + 1):
        for out, into in product(range(deep + 1), range(d - deep + 1)):
            chance = binom.pmf(out, deep, lost) * binom.pmf(into, d - deep, gained)
            step[deep, max(deep, deep + into - out)] += chance
    state = binom.pmf(range(d + 1), d, SHARE)
    chances = [state[d]]
    for _ in range(hops):
        state = state @ step
        chances.append(state[d])
    return np.array(chances)


@pytest.mark.parametrize(("d", "size"), [(3, 6), (5, 3), (10, 3), (3, 12)])
def test_hopping_succeeds_as_often_as_a_markov_chain_says(d, size):
    shares = HOPS["hopping"](d, size, np.random.default_rng(0), chains=4000, hops=20)
    exact = _exact_successes(d, size, 20)
    error = np.sqrt(exact * (1 - exact) / 4000)
    # A start close to the ridge has not yet settled after 20 steps: a hundredth more.
    assert (np.abs(shares - exact) < 4 * error + 0.01).all()


# Networks

NETS = _definitions("minima-of-networks", "networks")


@pytest.fixture
def few_units():
    return NETS["draw"](2, 5, 3, np.random.default_rng(1)) + 0.1


def test_answers_are_those_of_two_linear_layers_with_tanh_between(few_units):
    w, b, v, c = few_units[0].split([5, 5, 5, 1])
    layers = nn.Sequential(nn.Linear(1, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    state = {"0.weight": w[:, None], "0.bias": b, "2.weight": v[None], "2.bias": c}
    layers.load_state_dict(state)
    expected = layers(NETS["x"][:, None])[:, 0]
    torch.testing.assert_close(NETS["answers"](few_units)[0], expected)
    squares = nn.functional.mse_loss(expected, torch.sin(5 * NETS["x"]))
    torch.testing.assert_close(NETS["loss"](few_units)[0], squares)


@pytest.mark.parametrize("flip", [False, True])
def test_no_other_order_of_the_units_is_closer(few_units, flip):
    first, second = few_units
    best = NETS["aligned"](first[None], second[None], flip)[0]
    torch.testing.assert_close(NETS["loss"](best), NETS["loss"](second))
    signs = list(product((1, -1), repeat=5)) if flip else [(1,) * 5]
    others = [
        (first - NETS["rearranged"](second, list(order), torch.tensor(sign))).norm()
        for order, sign in product(permutations(range(5)), signs)
    ]
    torch.testing.assert_close((first - best).norm(), torch.stack(others).min())


def test_a_curve_whose_bend_is_halfway_is_the_line(few_units):
    first, second = few_units
    t = NETS["t"][:, 0]
    line = (1 - t) * first + t * second
    torch.testing.assert_close(NETS["curve"](first, (first + second) / 2, second, t), line)


def test_stretching_changes_no_answer_of_a_relu_network():
    NETS["units"] = 5
    network = NETS["draw"](1, 5, 1, np.random.default_rng(2))[0]
    stretched = NETS["stretched"](network, 3.0)
    before, after = (NETS["answers"](n, torch.relu) for n in (network, stretched))
    torch.testing.assert_close(after, before)
    assert not torch.allclose(stretched, network)
