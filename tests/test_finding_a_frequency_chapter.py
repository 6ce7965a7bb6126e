"""The chapter's formulas, taken from the notebook, against integrals and least squares of SciPy."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from scipy import integrate, signal, stats

CHAPTER = Path(__file__).parents[1] / "chapters" / "finding-a-frequency.ipynb"
TRUTH = 0.583
PLACES = np.array([0.0, 0.2, 0.55, TRUTH, 0.61, 1.0446, 1.4062, 2.5])
SPREADS = (0.5, 5.0, 20.0)


def _definitions():
    """What the cells tagged formulas define, after the chapter's first cells."""
    cells = [c for c in nbformat.read(CHAPTER, as_version=4).cells if c.cell_type == "code"]
    names = {"truth": (TRUTH, 0.112)}
    for cell in [cells[0], *(c for c in cells if "formulas" in c.metadata.get("tags", []))]:
        lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
        exec("\n".join(lines), names)
    return names


OURS = _definitions()
population, periodogram = OURS["population"], OURS["periodogram"]


def _integrated(a, density, low, high):
    def integrand(x):
        return (np.cos(a * x) - np.cos(TRUTH * x)) ** 2 * density(x)

    return integrate.quad(integrand, low, high, limit=2000)[0]


@pytest.mark.parametrize("spread", SPREADS)
def test_the_population_loss_of_a_gaussian_is_its_integral(spread):
    density = stats.norm(scale=spread).pdf
    expected = [_integrated(a, density, -10 * spread, 10 * spread) for a in PLACES]
    assert population(PLACES, OURS["of_a_bell"](spread)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("length", (1.0, 10.0, 40.0))
def test_the_population_loss_of_a_box_is_its_integral(length):
    expected = [_integrated(a, lambda x: 1 / length, 0, length) for a in PLACES]
    assert population(PLACES, OURS["of_a_box"](length)) == pytest.approx(expected, abs=1e-9)


def _rows(count, spread, seed=0):
    rng = np.random.default_rng(seed)
    x = spread * rng.normal(size=count)
    return x, 1.7 * np.cos(TRUTH * x + 0.4) + 3 + rng.normal(size=count)


def test_the_power_is_the_squared_amplitude_of_least_squares_where_there_are_many_turns():
    x, y = _rows(20_000, 200)
    grid = np.arange(0.1, 1.2, 0.01)
    amplitudes = []
    for a in grid:
        columns = np.column_stack([np.cos(a * x), np.sin(a * x), np.ones_like(x)])
        c, s, _ = np.linalg.lstsq(columns, y, rcond=None)[0]
        amplitudes.append(c**2 + s**2)
    power = periodogram(grid, torch.tensor(x), torch.tensor(y))
    assert power == pytest.approx(np.array(amplitudes), rel=0.05, abs=0.003)
    assert grid[power.argmax()] == grid[np.argmax(amplitudes)]


def test_the_periodogram_peaks_where_that_of_lomb_and_scargle_does_and_as_high():
    x, y = _rows(2000, 200)
    grid = np.arange(0.5, 0.7, 0.0005)
    power = periodogram(grid, torch.tensor(x), torch.tensor(y))
    # Lomb's power of a cosine of amplitude A is A^2 n / 4.
    lomb = signal.lombscargle(x, y - y.mean(), grid) * 4 / len(x)
    assert grid[power.argmax()] == grid[lomb.argmax()] == pytest.approx(TRUTH, abs=0.001)
    assert power == pytest.approx(lomb, abs=lomb.max() / 20)


def test_the_power_does_not_depend_on_phase_or_background():
    x = torch.linspace(0, 2 * torch.pi * 50, 10_001, dtype=torch.float64)[:-1]
    for phase in (0.0, 0.7, 2.0):
        y = 0.6 * torch.cos(3 * x + phase) + 8
        assert periodogram([3.0, 5.0], x, y) == pytest.approx([0.36, 0.0], abs=1e-12)
