import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from torch import optim

from helpers.minimizers import descend, migrad
from helpers.objectives import Objective, himmelblau, parabola, valley, wave
from helpers.paths import Path
from helpers.plotting import plot_basins, plot_objective, plot_path, plot_values


@pytest.fixture
def ax():
    with plt.style.context("helpers.course"):
        fig, ax = plt.subplots()
        yield ax
        fig.canvas.draw()  # drawing raises what a plot only promised, warnings included
        plt.close(fig)


def _line(ax, marker):
    return next(line for line in ax.lines if line.get_marker() == marker)


def test_the_course_style_has_seven_colors_each_with_its_own_line():
    with plt.style.context("helpers.course"):
        cycle = list(plt.rcParams["axes.prop_cycle"])
    assert len({entry["color"] for entry in cycle}) == 7
    assert len({str(entry["linestyle"]) for entry in cycle}) == 7


def test_a_map_spans_the_domain_and_stars_the_minima(ax):
    plot_objective(ax, himmelblau)
    assert (ax.get_xlim(), ax.get_ylim()) == himmelblau.domain
    assert np.array_equal(_line(ax, "*").get_xydata(), himmelblau.minima)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x$", "$y$")


def test_each_shade_of_a_map_covers_the_same_area(ax):
    plot_objective(ax, himmelblau, levels=4)
    edges = ax.collections[0].levels
    share = [(himmelblau.at(himmelblau.grid(200)) < edge).mean() for edge in edges[1:-1]]
    assert np.allclose(share, [0.25, 0.5, 0.75], atol=0.01)


def test_a_curve_spans_the_domain_and_stars_the_minima(ax):
    plot_objective(ax, wave)
    assert ax.get_xlim() == wave.domain[0]
    assert np.array_equal(_line(ax, "*").get_xdata(), np.ravel(wave.minima))


def test_another_domain_can_be_drawn(ax):
    plot_objective(ax, himmelblau, domain=((-1, 1), (0, 2)))
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (0, 2))


def test_an_objective_leaves_the_color_cycle_to_the_paths(ax):
    plot_objective(ax, himmelblau)
    plot_path(ax, migrad(himmelblau, (0, 0)), label="first")
    first = next(line for line in ax.lines if line.get_label() == "first")
    assert to_hex(first.get_color()).upper() == "#0072B2"


def test_a_path_has_a_circle_at_its_start_and_a_square_at_its_end(ax):
    path = descend(himmelblau, (0, 0), optim.Adam, lr=0.1, steps=30)
    plot_path(ax, path, label="Adam")
    assert np.array_equal(_line(ax, ".").get_xydata(), path.points)
    assert np.array_equal(_line(ax, "o").get_xydata(), [path.start])
    assert np.array_equal(_line(ax, "s").get_xydata(), [path.end])


def test_a_path_in_one_dimension_stands_on_its_curve(ax):
    path = descend(wave, (10,), optim.SGD, lr=0.1, steps=5)
    plot_path(ax, path)
    assert np.array_equal(_line(ax, ".").get_ydata(), path.values)


def test_what_is_not_finite_is_left_out(ax):
    path = descend(parabola, (1,), optim.SGD, lr=1e60, steps=10)
    assert not np.isfinite(path.values).all()
    plot_path(ax, path)
    plot_values(ax, {"diverges": path})
    assert all(
        np.isfinite(line.get_xydata()[np.isfinite(line.get_ydata())]).all() for line in ax.lines
    )


def test_a_path_with_nothing_finite_draws_nothing(ax):
    plot_path(ax, Path(np.full((3, 2), np.nan), np.full(3, np.nan), 2, 0))
    assert not ax.lines


def test_values_are_drawn_against_evaluations_on_a_logarithmic_axis(ax):
    path = migrad(himmelblau, (0, 0))
    plot_values(ax, {"Minuit": path})
    (line,) = ax.lines
    assert ax.get_yscale() == "log"
    assert line.get_xdata()[-1] == path.evaluations
    assert np.array_equal(line.get_ydata(), path.values)


def test_a_thinned_path_keeps_its_place_among_the_evaluations(ax):
    full = descend(himmelblau, (1, 1), optim.Adam, steps=20)
    thin = descend(himmelblau, (1, 1), optim.Adam, steps=20, every=6)
    plot_values(ax, {"full": full, "thin": thin})
    whole, some = (dict(zip(*line.get_data(), strict=True)) for line in ax.lines)
    assert list(some) == [0, 6, 12, 18, 20]
    assert all(some[at] == whole[at] for at in some)


def test_each_basin_has_its_color_and_letter_and_the_lost_are_hatched(ax):
    basins = himmelblau.nearest_minimum(himmelblau.grid(30), within=2)
    plot_basins(ax, himmelblau, basins)
    assert [text.get_text() for text in ax.texts] == list("ABCD")
    assert len(np.unique(ax.collections[0].get_array())) == 5
    assert ax.collections[1].hatches == ["////"]


def test_a_basin_is_drawn_where_its_starts_are(ax):
    grid = himmelblau.grid(3)
    plot_basins(ax, himmelblau, np.where(grid[..., 0] < 0, 0, 1))
    mesh = ax.collections[0]
    assert np.array_equal(mesh.get_array().reshape(3, 3), [[0, 1, 1]] * 3)


def test_two_basins_beside_each_other_share_their_colors(ax):
    plot_basins(ax, himmelblau, np.zeros((5, 5), dtype=int))
    assert ax.collections[0].get_clim() == (-1.5, 3.5)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda ax: plot_objective(ax, _three()), "objective: expected 1 or 2 dimensions"),
        (lambda ax: plot_path(ax, descend(valley, [[1, 1]], optim.SGD, steps=1)), "path: expected"),
        (lambda ax: plot_basins(ax, himmelblau, np.zeros(4, int)), "basins: expected shape"),
        (lambda ax: plot_basins(ax, wave, np.zeros((4, 4))), "objective: expected 2 dimensions"),
        (
            lambda ax: plot_values(ax, {"many": descend(valley, [[1, 1]], optim.SGD, steps=1)}),
            "paths",
        ),
    ],
)
def test_bad_input_is_named(ax, draw, message):
    with pytest.raises(ValueError, match=message):
        draw(ax)


def _three():
    return Objective(lambda x, y, z: x + y + z, ((0, 1),) * 3, (), "x + y + z")
