"""Maps are drawn the right way round, shade for shade, and no option of a figure is dropped.

The figure is drawn and its pixels are read, so that it does not matter how the map is made.
"""

import inspect

import matplotlib.pyplot as plt
import numpy as np
import pytest
from torch import optim

from helpers import plotting
from helpers.minimizers import descend, migrad
from helpers.objectives import Objective, himmelblau
from helpers.tables import table

# Rises to the right and, ten times as steep, upward; nothing about it survives an exchange.
RAMP = Objective(lambda x, y: x + 10 * y, ((0.0, 4.0), (-1.0, 1.0)), (), "x + 10y")


@pytest.fixture
def ax():
    with plt.style.context("helpers.course"):
        fig, ax = plt.subplots(dpi=100)
        yield ax
        plt.close(fig)


def _pixels(ax):
    ax.figure.canvas.draw()
    return np.asarray(ax.figure.canvas.buffer_rgba())[..., :3].astype(float)


def _colors(ax, *points):
    """The colors that a reader sees at these points of the plane."""
    picture = _pixels(ax)
    for across, up in ax.transData.transform(points).astype(int):
        yield picture[picture.shape[0] - 1 - up, across]


def _inner_points(domain, count=60):
    low, high = np.transpose(domain)
    margin = 0.05 * (high - low)
    return np.random.default_rng(0).uniform(low + margin, high - margin, size=(count, len(low)))


@pytest.mark.parametrize("domain", [None, ((1.0, 3.0), (-0.5, 0.5))])
def test_a_shade_of_a_map_is_lighter_where_the_objective_is_higher(ax, domain):
    plotting.plot_objective(ax, RAMP, domain=domain)
    points = _inner_points(domain or RAMP.domain)
    light = np.array([color.sum() for color in _colors(ax, *points)])
    order = np.argsort(RAMP.at(points))
    assert (np.diff(light[order]) >= -1).all()
    assert light[order[-1]] > light[order[0]] + 50


def test_a_map_of_himmelblau_is_darkest_at_its_minima_and_not_at_their_mirror_images(ax):
    # Stars hide the minima themselves: look a little beside them.
    plotting.plot_objective(ax, himmelblau)
    beside = np.array(himmelblau.minima[1:]) + (0.0, 0.45)
    there = [color.sum() for color in _colors(ax, *beside)]
    mirrored = [color.sum() for color in _colors(ax, *beside[:, ::-1])]
    assert max(there[:2]) <= min(there) + 60
    values, images = himmelblau.at(beside), himmelblau.at(beside[:, ::-1])
    assert all(
        (m > t) == (i > v) for t, m, v, i in zip(there, mirrored, values, images, strict=True)
    )


@pytest.mark.parametrize("shape", [(24, 24), (30, 20)])
def test_a_basin_has_its_color_where_its_starts_are(ax, shape):
    two = Objective(lambda x, y: x + y, ((0.0, 4.0), (-1.0, 1.0)), ((1, 0), (3, 0)), "x + y")
    axes = [np.linspace(*bounds, n) for bounds, n in zip(two.domain, shape, strict=True)]
    across, up = np.meshgrid(*axes, indexing="ij")
    plotting.plot_basins(ax, two, np.where((across > 2) & (up < 0), 1, 0))
    inside, *outside = _colors(ax, (3.6, -0.6), (0.4, 0.6), (0.4, -0.6), (3.6, 0.6))
    assert not np.array_equal(inside, outside[0])
    assert np.array_equal(outside, [outside[0]] * 3)


def test_starts_that_are_lost_are_hatched_where_they_are(ax):
    # Hatching leaves white between its lines: count what is dark in a patch.
    basins = np.zeros((40, 40), dtype=int)
    basins[:20, 20:] = -1  # low x, high y
    plotting.plot_basins(ax, himmelblau, basins)
    picture = _pixels(ax)

    def shades(x, y):
        across, up = map(int, ax.transData.transform((x, y)))
        row = picture.shape[0] - 1 - up
        return len(np.unique(picture[row - 12 : row + 12, across - 12 : across + 12].sum(axis=-1)))

    assert shades(-1.2, 1.2) > 1
    assert shades(1.2, -1.2) == 1


def test_a_path_stands_where_its_points_are(ax):
    plotting.plot_objective(ax, RAMP)
    path = descend(RAMP, (3.0, 0.5), optim.SGD, lr=0.01, steps=3)
    plotting.plot_path(ax, path, color="#ff0000")
    (color,) = _colors(ax, (3.0, 0.5))
    assert np.abs(color - (255, 0, 0)).sum() < 60


# One other value for each option; a new option of a plot needs a line here.
OTHER = {
    ("plot_objective", "domain"): ((-1.0, 1.0), (0.0, 2.0)),
    ("plot_objective", "count"): 12,
    ("plot_objective", "levels"): 3,
    ("plot_values", "best"): -1.0,
}


def _draw(ax, name, **options):
    path = migrad(himmelblau, (0, 0))
    arguments = {
        "plot_objective": (himmelblau,),
        "plot_path": (path,),
        "plot_values": ({"Minuit": path},),
        "plot_basins": (himmelblau, np.zeros((5, 5), dtype=int)),
    }
    getattr(plotting, name)(ax, *arguments[name], **options)
    return _pixels(ax)


def _options():
    for name, function in inspect.getmembers(plotting, inspect.isfunction):
        if name.startswith("plot_"):
            for option in inspect.signature(function).parameters.values():
                if option.kind is option.KEYWORD_ONLY:
                    yield name, option.name


def test_every_option_of_a_plot_is_tried():
    assert sorted(_options()) == sorted(OTHER)


@pytest.mark.parametrize(("name", "option"), OTHER)
def test_every_option_of_a_plot_changes_the_picture(name, option):
    pictures = []
    for options in ({}, {option: OTHER[name, option]}):
        with plt.style.context("helpers.course"):
            fig, ax = plt.subplots()
            pictures.append(_draw(ax, name, **options))
            plt.close(fig)
    assert not np.array_equal(*pictures)


@pytest.mark.parametrize("style", [{"color": "red"}, {"linestyle": ":"}, {"marker": "^"}])
def test_every_style_of_a_path_reaches_its_line(ax, style):
    plotting.plot_path(ax, migrad(himmelblau, (0, 0)), **style)
    (name, value) = next(iter(style.items()))
    assert getattr(ax.lines[0], f"get_{name}")() == value


def test_the_digits_of_a_table_are_those_asked_for():
    assert "0.3" in repr(table([{"x": 1 / 3}], digits="{:.1f}"))
    assert "0.33" not in repr(table([{"x": 1 / 3}], digits="{:.1f}"))
    both = repr(table([{"x": 1 / 3, "y": 1 / 3}], digits={"x": "{:.2f}"}))
    assert "0.33 " in both and "0.33333" in both


# Color never speaks alone


def test_the_lines_of_the_course_differ_in_color_and_style_together():
    with plt.style.context("helpers.course"):
        fig, ax = plt.subplots()
        lines = [ax.plot([0, 1], [0, k])[0] for k in range(7)]
        looks = [(line.get_color(), str(line._unscaled_dash_pattern)) for line in lines]
        plt.close(fig)
    colors, dashes = zip(*looks, strict=True)
    assert len(set(colors)) == len(set(dashes)) == 7


def test_values_of_several_paths_are_told_apart_by_style_and_named_in_a_legend(ax):
    path = migrad(himmelblau, (0, 0))
    plotting.plot_values(ax, {"one": path, "two": path, "three": path})
    assert len({line.get_linestyle() for line in ax.lines}) == 3
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two", "three"]
