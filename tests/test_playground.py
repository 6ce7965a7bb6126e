"""The arithmetic of the live figures and of the playground, in a real browser, against torch."""

import gzip
import html
import importlib
import re
import shutil
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from browser import serving
from iminuit import Minuit
from scipy import integrate
from torch import optim
from torch.nn import functional

from helpers import derivatives, objectives
from helpers.minimizers import descend
from helpers.objectives import Objective, beale, chi_squared, himmelblau, two_wells

ROOT = Path(__file__).parents[1]
MODULES = ROOT / "playground"
PLANES = {
    found.name: found
    for found in vars(objectives).values()
    if isinstance(found, Objective) and found.dimension == 2
}
RULES = {
    "gradient descent": lambda s: (optim.SGD, {"lr": s["lr"]}),
    "momentum": lambda s: (optim.SGD, {"lr": s["lr"], "momentum": s["beta1"]}),
    "Nesterov": lambda s: (
        optim.SGD,
        {"lr": s["lr"], "momentum": s["beta1"], "nesterov": True},
    ),
    "AdaGrad": lambda s: (optim.Adagrad, {"lr": s["lr"]}),
    "RMSProp": lambda s: (optim.RMSprop, {"lr": s["lr"], "alpha": s["beta2"]}),
    "Adam": lambda s: (optim.Adam, {"lr": s["lr"], "betas": (s["beta1"], s["beta2"])}),
    "AdamW": lambda s: (
        optim.AdamW,
        {"lr": s["lr"], "betas": (s["beta1"], s["beta2"]), "weight_decay": s["decay"]},
    ),
}
STEPS = 500


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """A folder with the modules, and an empty page that may import them."""
    folder = tmp_path_factory.mktemp("modules")
    shutil.copytree(MODULES, folder, dirs_exist_ok=True)
    surfaces = importlib.import_module("live_figures").surfaces()
    (folder / "surfaces.js").write_text(surfaces, encoding="utf-8")
    (folder / "empty.html").write_text("<!DOCTYPE html><title>Nothing</title>", encoding="utf-8")
    return folder


@contextmanager
def opened(chromium, folder):
    """The empty page of a folder, in a browser."""
    with serving(folder) as address:
        tab = chromium.new_page()
        tab.goto(f"{address}/empty.html")
        yield tab
        tab.close()


@pytest.fixture(scope="module")
def page(chromium, modules):
    with opened(chromium, modules) as tab:
        yield tab


def call(page, module, expression, argument=None):
    """The value of an expression of what a module exports, m, and of an argument, a."""
    return page.evaluate(
        f"async a => {{ const m = await import('/{module}'); return {expression} }}", argument
    )


@pytest.mark.parametrize("name", PLANES)
def test_a_surface_has_the_values_the_slopes_and_the_hessians_of_helpers(page, name):
    points = PLANES[name].sample(50, np.random.default_rng(1))
    parts = call(
        page,
        "surfaces.js",
        "a[1].map(p => ['value', 'gradient', 'hessian'].map(k => m.surfaces[a[0]][k](...p)))",
        [name, points.tolist()],
    )
    values, slopes, hessians = map(np.array, zip(*parts, strict=True))
    np.testing.assert_allclose(values, PLANES[name].at(points), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        slopes, derivatives.gradient(PLANES[name], points), rtol=1e-10, atol=1e-10
    )
    expected = [derivatives.hessian(PLANES[name], point) for point in points]
    np.testing.assert_allclose(hessians, expected, rtol=1e-10, atol=1e-10)


def test_the_surfaces_are_those_of_helpers_with_their_domains_and_minima(page):
    found = call(page, "surfaces.js", "JSON.parse(JSON.stringify(m.surfaces))")
    assert list(found) == list(PLANES)
    for name, facts in found.items():
        np.testing.assert_array_equal(facts["domain"], PLANES[name].domain)
        np.testing.assert_array_equal(facts["minima"], PLANES[name].minima)


def random_settings(rng):
    return {
        "lr": 10 ** rng.uniform(-4, -1),
        "beta1": rng.uniform(0, 0.99),
        "beta2": rng.uniform(0.9, 0.9999),
        "decay": rng.uniform(0, 0.5),
    }


def differences(page, name, rule, count=1):
    """How far the browser's descents are from torch's, relative, over random settings.

    A path is compared until it arrives, and as long as torch agrees with itself: from starts that
    are a rounding away, and on a function that is rounded otherwise. A descent that diverges,
    wanders without order or divides a slope of nearly 0 by its size makes any rounding large.
    """
    rng, objective = np.random.default_rng(2), PLANES[name]
    roundings = 1e-15 * np.random.default_rng(3).normal(size=(16, 2))
    roundings[0] = 0
    factors = torch.ones(16, dtype=torch.float64)
    factors[8:] += 2**-50
    twins = Objective(lambda x, y: objective.function(x, y) * factors, objective.domain)
    far = []
    for _ in range(count):
        settings, start = random_settings(rng), objective.sample(1, rng)[0]
        optimizer, given = RULES[rule](settings)
        starts = start * (1 + roundings)
        torchs, *beside = np.moveaxis(
            descend(twins, starts, optimizer, steps=STEPS, **given).points, 1, 0
        )
        surfaces = "(await import('/surfaces.js')).surfaces[a[0]]"
        path = call(
            page,
            "optimizers.js",
            f"m.descend({surfaces}, a[1], a[2], a[3], a[4])",
            [name, start.tolist(), rule, settings, STEPS],
        )
        with np.errstate(invalid="ignore"):  # both have left for infinity
            astray = np.abs(torchs - beside).max(axis=(0, 2))
            calm = astray < 1e-12 * (1 + np.abs(torchs).max(axis=1))
            calm &= np.abs(derivatives.gradient(objective, torchs)).max(axis=1) > 1e-6
        kept = len(calm) if calm.all() else calm.argmin()
        gap = np.abs(np.array(path)[:kept] - torchs[:kept]) / (1 + np.abs(torchs[:kept]))
        far.append(gap.max())
    return np.array(far)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", PLANES)
def test_a_descent_is_that_of_torch(page, name, rule):
    assert differences(page, name, rule).max() < 1e-9


@pytest.mark.deep
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", PLANES)
def test_twenty_descents_are_those_of_torch(page, name, rule):
    assert differences(page, name, rule, 20).max() < 1e-9


@pytest.mark.parametrize("name", PLANES)
def test_newtons_step_is_that_of_the_hessian(page, name):
    for start in PLANES[name].sample(20, np.random.default_rng(3)):
        path = call(
            page,
            "optimizers.js",
            "m.descend((await import('/surfaces.js')).surfaces[a[0]], a[1], 'Newton', {}, 1)",
            [name, start.tolist()],
        )
        slope = derivatives.gradient(PLANES[name], start)
        step = np.linalg.solve(derivatives.hessian(PLANES[name], start), slope)
        np.testing.assert_allclose(path[1], start - step, rtol=1e-8)


@pytest.mark.parametrize(
    ("module", "right", "wrong"),
    [
        ("optimizers.js", "1 - beta2 ** count", "1 - beta2 ** (count + 1)"),
        ("surfaces.js", "Math.pow(x, 2) + y - 11", "Math.pow(x, 2) + y - 11.000001"),
    ],
)
def test_a_fault_in_the_arithmetic_is_noticed(chromium, modules, tmp_path, module, right, wrong):
    shutil.copytree(modules, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / module).read_text(encoding="utf-8")
    assert right in text
    (tmp_path / module).write_text(text.replace(right, wrong), encoding="utf-8")
    with opened(chromium, tmp_path) as page:
        assert differences(page, "himmelblau", "Adam", 5).max() > 1e-9


# The figures


def test_the_three_paths_of_the_landing_page_end_where_the_printed_ones_do(page):
    paths = call(page, "figures/start.js", "m.ends([0.5, 4])")
    rules = [(optim.SGD, 0.01, {}), (optim.SGD, 0.01, {"momentum": 0.9}), (optim.Adam, 0.1, {})]
    for path, (optimizer, lr, settings) in zip(paths, rules, strict=True):
        expected = descend(himmelblau, (0.5, 4), optimizer, lr=lr, steps=100, **settings)
        np.testing.assert_allclose(path, expected.points, rtol=1e-9)


def test_a_path_that_left_is_said_to_have_left(page):
    told = call(page, "figures/start.js", "m.story(m.ends([4.57, 5]))")
    assert "momentum 0.9 leaves for infinity" in told and "agree" not in told
    assert "All three agree" in call(page, "figures/start.js", "m.story(m.ends([-4.8, 4.8]))")


def test_the_chance_to_miss_a_well_is_never_said_to_be_nothing(page):
    told = call(page, "figures/restarts.js", "[1, 4, 700].map(n => m.missed(0.706, n))")
    assert "random start misses A is 29.4 %" in told[0]
    assert "4 random starts all miss A is 0.747 %" in told[1]
    assert "below 1e-10 %" in told[2]


def test_the_walk_on_the_parabola_is_that_of_the_closed_form(page):
    for rate in (0.05, 0.2, 0.9, 1.1):
        places = call(page, "figures/rates.js", "m.walk(a, 10)", rate)
        np.testing.assert_allclose(places, 10 * (1 - 2 * rate) ** np.arange(11), rtol=1e-9)
    for rate, start, told in (
        (0.05, 10, "creeps"),
        (0.9, 10, "converges"),
        (1, 10, "for ever"),
        (1.005, 10, "explodes"),
        (1.1, 0, "nothing moves"),
    ):
        assert told in call(page, "figures/rates.js", "m.story(...a)", [rate, start])


@pytest.mark.parametrize("schedule", ["constant", "exponential", "inverse root", "piecewise"])
def test_a_cloud_is_as_far_away_as_the_recursion_says(page, schedule):
    ends = np.array(call(page, "figures/clouds.js", "m.cloud(a, 0.1, 1)", schedule))
    far = np.sqrt((ends**2).sum(axis=1).mean())
    theory = call(page, "figures/clouds.js", "m.predicted(a, 0.1, 1)", schedule)
    assert abs(far / theory - 1) < 0.15
    factor = {
        "constant": lambda t: 1.0,
        "exponential": lambda t: np.exp(-0.1 * t),
        "inverse root": lambda t: (1 + 0.1 * t) ** -0.5,
        "piecewise": lambda t: 0.1 ** ((t >= 200) + (t >= 1000)),
    }[schedule]
    rates = 0.1 * np.array([factor(t) for t in range(2000)])
    expected = 0
    for curvature, start in ((2, -5), (4, -2)):
        keep = 1 - rates * curvature
        after = np.append(np.cumprod(keep[::-1])[::-1], 1)  # what is left of each step at the end
        expected += (start * after[0]) ** 2 + ((rates * after[1:]) ** 2).sum()
    assert abs(theory / np.sqrt(expected) - 1) < 1e-9


def test_beales_runs_end_as_in_the_chapter(page):
    for beta1 in (0.9, 0.99):
        run = call(page, "figures/beale.js", "m.run({start: [-1, 2], lr: 0.3, beta1: a})", beta1)
        path = descend(beale, (-1, 2), optim.Adam, lr=0.3, betas=(beta1, 0.999), steps=1000)
        np.testing.assert_allclose(run["path"][:200], path.points[:200], rtol=1e-6)
        # A thousand steps in the narrow trough make the rounding of the first ones visible.
        np.testing.assert_allclose(run["end"], path.end, atol=0.1)
        assert abs(run["highest"] / path.values[1:].max() - 1) < 1e-9
        right = np.flatnonzero(path.points[:, 0] > 0)
        assert run["crossed"] == (right[0] if len(right) else -1)


def test_a_run_on_beale_that_jumps_the_line_is_seen_to_cross_it(page):
    setting = {"start": [-1, 2], "lr": 0.6, "beta1": 0.9}
    run = call(page, "figures/beale.js", "m.run(a)", setting)
    path = descend(beale, (-1, 2), optim.Adam, lr=0.6, betas=(0.9, 0.999), steps=1000)
    assert path.values[1:].max() < beale(0, 1)  # below the pass at every step
    assert run["crossed"] == np.flatnonzero(path.points[:, 0] > 0)[0]
    assert call(page, "figures/beale.js", "m.place(a)", run["end"]) == "at the minimum"


def test_the_end_of_a_run_on_beale_has_the_name_of_its_place(page):
    for end, name in (
        ([-5.8, 1.15], "in the trough on the left"),
        ([-100, 1 + 111 / 11200], "in the trough on the left"),
        ([-0.09, 3.31], "left of the line, outside the trough"),
        ([3, 0.5], "at the minimum"),
        ([2.39, 0.162], "right of the line, not at the minimum"),
        ([10.1, 0.891], "far out on the right, along y = 1"),
    ):
        assert call(page, "figures/beale.js", "m.place(a)", end) == name


def test_the_factor_of_momentum_is_the_largest_eigenvalue_of_its_step(page):
    rng = np.random.default_rng(4)
    for lr, beta in rng.uniform((0.02, 0), (1, 0.95), size=(50, 2)):
        largest = 0
        for h in (0.2, 4):
            step = [[1 + beta - lr * h, -beta], [1, 0]]
            largest = max(largest, np.abs(np.linalg.eigvals(step)).max())
        found = call(page, "figures/momentum.js", "m.factor(...a)", [lr, beta])
        assert abs(found / largest - 1) < 1e-6
        path = call(
            page,
            "figures/momentum.js",
            "m.path({lr: a[0], beta: a[1], angle: 0.7}, 20)",
            [lr, beta],
        )
        valley = Objective(lambda x, y: 0.1 * x**2 + 2 * y**2, ((-6, 6), (-6, 6)))
        expected = descend(valley, (-5, -2), optim.SGD, lr=lr, momentum=beta, steps=20).points
        np.testing.assert_allclose(
            np.linalg.norm(path, axis=1), np.linalg.norm(expected, axis=1), rtol=1e-6
        )


def test_the_lines_of_momentums_map_have_the_factor_that_stands_on_them(page):
    for by in (0.7, 0.8, 0.9, 0.95):
        corners = np.array(call(page, "figures/momentum.js", "m.triangle(a)", by))
        for start, end in zip(corners[:-1], corners[1:], strict=True):
            for share in (0.1, 0.5, 0.9):
                lr, beta = (1 - share) * start + share * end
                if beta > 0:
                    found = call(page, "figures/momentum.js", "m.factor(...a)", [lr, beta])
                    assert abs(found / by - 1) < 1e-6
    for beta in (0, 0.4, 0.9):
        found = call(page, "figures/momentum.js", "m.factor(...a)", [(1 + beta) / 2, beta])
        assert abs(found - 1) < 1e-6


def test_the_steps_to_a_tenth_are_counted_on_torchs_path(page):
    valley = Objective(lambda x, y: 0.1 * x**2 + 2 * y**2, ((-6, 6), (-6, 6)))
    root = (20**0.5 - 1) / (20**0.5 + 1)
    best = (4 / (0.2**0.5 + 2) ** 2, root**2)
    for lr, beta in (best, (0.02, 0.95), (0.495, 0), (0.7, 0.403)):
        points = descend(valley, (-5, -2), optim.SGD, lr=lr, momentum=beta, steps=500).points
        far = np.linalg.norm(points, axis=1)
        expected = np.flatnonzero(far > far[0] / 10)[-1] + 1
        setting = {"lr": lr, "beta": beta}
        assert call(page, "figures/momentum.js", "m.tenth(a)", setting) == expected
    stays = {"lr": 0.5, "beta": 0}
    assert call(page, "figures/momentum.js", "m.tenth(a, 100)", stays) == 101


def test_the_activations_have_torchs_values_and_slopes(page):
    names = call(page, "figures/activations.js", "Object.keys(m.activations)")
    grid = np.append(np.random.default_rng(5).uniform(-4, 4, 40), [0.0, 1.0])
    for name in names:
        f = getattr(functional, name.replace(" ", "_"))
        found = call(
            page, "figures/activations.js", "a[1].map(m.activations[a[0]])", [name, grid.tolist()]
        )
        value = f(torch.from_numpy(grid)).numpy()
        first = derivatives.derivative(f, grid)
        second = derivatives.derivative(f, grid, order=2)
        np.testing.assert_allclose(np.transpose(found), [value, first, second], atol=1e-9)


def test_the_loss_of_infinitely_many_rows_is_the_integral_over_a_gaussian(page):
    for a, deviation in ((0.3, 5.0), (0.583, 5.0), (0.9, 2.0), (1.7, 1.0)):

        def integrand(z, a=a, deviation=deviation):
            x = deviation * z
            bell = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
            return bell * (np.cos(a * x) - np.cos(0.583 * x)) ** 2

        expected, _ = integrate.quad(integrand, -10, 10, limit=500)
        found = call(page, "figures/needle.js", "m.population(...a)", [a, deviation])
        assert abs(found - expected) < 1e-9


@pytest.mark.parametrize("deviation", [5.0, 500.0])
def test_the_needle_of_some_rows_is_that_of_a_fine_grid(page, deviation):
    for count in (20, 200, 5000):
        x = deviation * 1e-3 * np.array(call(page, "figures/needle.js", "m.drawRows(a)", count))
        assert abs(x.std() / deviation - 1) < 0.25

        def loss(grid, x=x):
            return np.array([((np.cos(a * x) - np.cos(0.583 * x)) ** 2).mean() for a in grid])

        given = [deviation, count]
        rows = "m.means(m.drawRows(a[1]))"
        coarse = np.linspace(0, 2, 401)
        seen = call(page, "figures/needle.js", f"m.dips(a[0], {rows}).seen", given)
        np.testing.assert_allclose(seen[::10], loss(coarse), atol=2e-3)
        fine = 0.583 + np.arange(-4000, 4001) * 0.005 / deviation
        fine = fine[fine >= 0]
        values = loss(fine)
        tops = fine[1:-1][(values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])]
        low = tops[tops < 0.583].max(initial=0)
        high = tops[tops > 0.583].min()
        rims = call(page, "figures/needle.js", f"m.rims(a[0], {rows})", given)
        np.testing.assert_allclose(rims, [low, high], atol=0.04 / deviation)


def test_the_dips_are_about_as_many_as_the_printed_ones(page):
    for rows, deviation, printed in ((200, 5, 2), (10_000, 500, 367)):
        found = call(
            page,
            "figures/needle.js",
            "m.dips(a[1], m.means(m.drawRows(a[0]))).count",
            [rows, deviation],
        )
        assert abs(found / printed - 1) < 0.1


def test_the_tape_has_torchs_slopes(page):
    for point in np.random.default_rng(6).uniform(-4, 4, (20, 2)):
        x, y = (torch.tensor(v, requires_grad=True, dtype=torch.float64) for v in point)
        (x * y + torch.sin(x)).backward()
        slopes = call(
            page, "figures/tape.js", "m.backward(m.forward(...a), 3).slopes", point.tolist()
        )
        np.testing.assert_allclose(slopes[:2], [x.grad.item(), y.grad.item()], rtol=1e-12)


def _chapter(name, *, until):
    """The names that the cells of a chapter define, up to the first that has a word in it."""
    notebook = nbformat.read(ROOT / "chapters" / f"{name}.ipynb", as_version=4)
    names = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            source = "\n".join(s for s in cell.source.splitlines() if not s.startswith("%"))
            exec(source, names)
            if until in source:
                return names
    raise AssertionError(f"{name}: no cell has {until}")


def test_the_peak_is_fitted_to_the_chapters_data_as_minuit_fits_it(page):
    chapter = _chapter("uncertainties", until="Minuit(fit")
    data = call(page, "figures/profile.js", "m.DATA")
    np.testing.assert_allclose(data["y"], chapter["y"], atol=1e-6)
    fit = chi_squared(chapter["peak"], chapter["x"], chapter["y"], data["error"], chapter["domain"])
    minuit = Minuit(fit, 4, 5, 1, 5, 0)
    minuit.tol = 1e-5
    minuit.migrad()
    found = call(page, "figures/profile.js", "m.fit(m.DATA.y, [4, 6, 1, 6, -0.4])")
    np.testing.assert_allclose(found["p"], minuit.values, rtol=1e-4)
    widths = np.linspace(0.7, 1.1, 9)
    rise = call(
        page,
        "figures/profile.js",
        "m.profile(m.DATA.y, m.fit(m.DATA.y, [4, 6, 1, 6, -0.4]), a)",
        widths.tolist(),
    )
    expected = minuit.mnprofile("width", grid=widths)[1] - minuit.fval
    np.testing.assert_allclose(rise, expected, atol=2e-3)
    minuit.strategy = 2
    minuit.hesse()
    fitted = "m.fit(m.DATA.y, [4, 6, 1, 6, -0.4])"
    found = call(page, "figures/profile.js", f"m.hesse(m.DATA.y, {fitted})")
    assert abs(found / minuit.errors["width"] - 1) < 1e-3
    cut = call(page, "figures/profile.js", f"m.slice(m.DATA.y, {fitted}, a)", widths.tolist())
    expected = minuit.profile("width", grid=widths)[1] - minuit.fval
    np.testing.assert_allclose(cut, expected, rtol=1e-3, atol=1e-3)
    wide = np.linspace(0.4, 1.3, 37).tolist()
    for up in (0.2, 1, 5):
        crossed = "m.crossings(a[0], m.profile(m.DATA.y, " + fitted + ", a[0]), a[1])"
        ends = call(page, "figures/profile.js", crossed, [wide, up])
        minuit.errordef = up
        minuit.hesse()
        minuit.minos("width")
        minos = minuit.merrors["width"]
        expected = minuit.values["width"] + np.array([minos.lower, minos.upper])
        np.testing.assert_allclose(ends, expected, atol=5e-4)


def test_the_basins_of_the_two_wells_are_those_of_helpers(page):
    starts = two_wells.sample(200, np.random.default_rng(7))
    ends = descend(two_wells, starts, optim.SGD, lr=0.002, steps=500, every=500).end
    wells = call(page, "figures/restarts.js", "a.map(start => m.well(start))", starts.tolist())
    assert wells == two_wells.nearest_minimum(ends).tolist()


def mean_square_after_tanh(deviation):
    """The mean of tanh squared over a Gaussian of that standard deviation."""

    def integrand(z):
        return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * np.tanh(deviation * z) ** 2

    return integrate.quad(integrand, -10, 10)[0]


def test_the_signal_of_a_network_has_the_size_that_theory_gives_it(page):
    for gain in (0.58, 1.0, np.sqrt(2)):
        setting = {"activation": "ReLU", "gain": gain, "depth": 20}
        sizes = call(page, "figures/layers.js", "m.signals(a).map(m.meanSquare)", setting)
        theory = sizes[0] * (gain**2 / 2) ** np.arange(21)
        assert np.abs(np.log(sizes / theory)).max() < np.log(10)
    for gain in (0.9, 2.0):
        setting = {"activation": "tanh", "gain": gain, "depth": 20}
        sizes = call(page, "figures/layers.js", "m.signals(a).map(m.meanSquare)", setting)
        size = sizes[0]
        for _ in range(20):
            size = mean_square_after_tanh(gain * np.sqrt(size))
        assert abs(np.log(sizes[-1] / size)) < 1


@pytest.mark.parametrize("activation", ["ReLU", "tanh"])
def test_the_gradient_of_the_layers_is_torchs(page, activation):
    phi = {"ReLU": torch.relu, "tanh": torch.tanh}[activation]
    found = call(page, "figures/layers.js", "Array.from(m.draws())")
    draws = torch.tensor(found, dtype=torch.float64)
    inputs, weights, last = draws.split([1200, 40 * 3600, 1200])
    for gain, depth in ((0.58, 20), (1.41, 40), (10.0, 20)):
        layers = [inputs.reshape(60, 20).requires_grad_()]
        for weight in weights.reshape(40, 60, 60)[:depth]:
            layers.append(phi(gain / np.sqrt(60) * weight @ layers[-1]))
        expected = torch.autograd.grad(layers[-1], layers, last.reshape(60, 20))
        setting = {"activation": activation, "gain": gain, "depth": depth}
        for names, parts in (
            ("m.signals(a)", layers),
            ("m.gradients(a, m.signals(a))", expected),
        ):
            found = call(page, "figures/layers.js", f"{names}.map(m.meanSquare)", setting)
            sizes = [part.square().mean().item() for part in parts]
            np.testing.assert_allclose(np.array(found, float), sizes, rtol=1e-6)


def test_signal_and_gradient_fare_as_in_the_printed_networks(page):
    fates = "const s = m.signals(a), e = [s, m.gradients(a, s).reverse()]"
    for gain, expected in (
        (3**-0.5, ["dies", "dies"]),
        (2**0.5, ["survives", "survives"]),
        (10, ["survives", "explodes"]),
    ):
        setting = {"activation": "tanh", "gain": gain, "depth": 20}
        ends = "e.map(way => m.fate(m.meanSquare(way[0]), m.meanSquare(way.at(-1))))"
        expression = f"(() => {{ {fates}; return {ends} }})()"
        assert call(page, "figures/layers.js", expression, setting) == expected


# The address, and the weight


def test_an_address_is_read_and_written_and_what_it_cannot_have_is_told(page):
    read = partial(call, page, "playground.js", "m.read(a)")
    kept = read("surface=beale&optimizer=Adam&start=-1,2&lr=0.3&beta1=0.99&steps=1000")
    assert kept["refused"] == []
    assert kept["setting"]["start"] == [-1, 2]
    written = call(page, "playground.js", "m.write(a)", kept["setting"])
    assert read(written)["setting"] == kept["setting"]
    for bad in ("lr=", "lr=x", "lr=1e9", "start=1", "start=1,x", "surface=moon", "other=1"):
        found = read(bad)
        assert found["refused"] == [bad]
        assert found["setting"] == read("")["setting"]


def test_every_case_that_a_page_links_to_is_one_that_the_playground_has(page):
    live = importlib.import_module("live_figures").LIVE
    for cases in live["cases"].values():
        for settings in cases.values():
            assert call(page, "playground.js", "m.read(a).refused", settings) == []


def test_what_the_playground_suggests_is_a_setting_that_it_has(page):
    links = re.findall(r'href="\?([^"]+)"', (ROOT / "reference" / "playground.md").read_text())
    assert len(links) > 5
    for link in map(html.unescape, links):
        assert call(page, "playground.js", "m.read(a).refused", link) == []


def test_what_every_object_of_javascript_has_is_neither_a_surface_nor_an_optimizer(page):
    for bad in ("surface=toString", "surface=__proto__", "optimizer=constructor", "toString=1"):
        found = call(page, "playground.js", "m.read(a)", bad)
        assert found["refused"] == [bad]
        assert found["setting"] == call(page, "playground.js", "m.read('')")["setting"]


def test_a_start_outside_the_surface_is_refused_and_a_surface_has_a_start_of_its_own(page):
    for bad in ("start=100,100", "start=0,1e300", "start=1,", "start=0,5.01"):
        found = call(page, "playground.js", "m.read(a)", bad)
        assert found["refused"] == [bad]
        assert found["setting"]["start"] == [0.5, 4]
    for name, plane in PLANES.items():
        found = call(page, "playground.js", "m.read(a)", f"surface={name}")
        low, high = np.transpose(plane.domain)
        assert found["refused"] == []
        assert np.all((low <= found["setting"]["start"]) & (found["setting"]["start"] <= high))


def test_an_address_keeps_every_digit_of_what_was_chosen(page):
    chosen = {"surface": "beale", "optimizer": "Adam", "start": [-1.2345678, 2.7182818]}
    chosen |= {"lr": 0.012345678, "beta1": 0.9012345, "beta2": 0.9999, "decay": 0.1, "steps": 1234}
    kept = call(page, "playground.js", "m.read(m.write(a))", chosen)
    assert kept == {"setting": chosen, "refused": []}


@pytest.mark.parametrize(
    ("name", "rule", "start", "settings", "steps", "words"),
    [
        ("valley", "gradient descent", [1, 2], {"lr": 0.6}, 2000, "leaves for infinity"),
        ("valley", "gradient descent", [1, 2], {"lr": 0.2}, 100, "at the minimum (0, 0)"),
        ("valley", "gradient descent", [0, 0.05], {"lr": 0.5}, 99, "near the minimum (0, 0)"),
        ("rosenbrock", "Newton", [0, 0.005], {}, 10, "no inverse"),
        ("himmelblau", "Newton", [0, 0], {}, 20, "no slope is left"),
    ],
)
def test_the_playground_says_where_a_run_ended(page, name, rule, start, settings, steps, words):
    told = page.evaluate(
        """async ([name, optimizer, start, settings, steps]) => {
          const {descend} = await import("/optimizers.js");
          const {surfaces} = await import("/surfaces.js");
          const path = descend(surfaces[name], start, optimizer, settings, steps);
          const {ending} = await import("/playground.js");
          return ending({setting: {optimizer, steps}, path, surface: surfaces[name]});
        }""",
        [name, rule, start, settings, steps],
    )
    assert words in told


# What a hand does


@pytest.fixture
def figure(chromium, modules, tmp_path):
    """A page with one figure that can be touched, below its question, and room to scroll."""
    shutil.copytree(modules, tmp_path / "playground")
    shutil.copytree(ROOT / "_static", tmp_path / "_static")
    (tmp_path / "figure.html").write_text(
        """<!DOCTYPE html><title>One figure</title><link rel="icon" href="data:,">
        <link rel="stylesheet" href="_static/custom.css">
        <figure style="margin: 0"><div class="try" data-live="start"><button>Try it</button></div>
        <img alt="Printed" width="350" height="300" src="picture.svg">
        <figcaption>Paths</figcaption></figure>
        <p><a href="#">Below</a></p><div style="height: 3000px"></div>
        <script src="_static/try.js"></script>""",
        encoding="utf-8",
    )
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="6"/>'
    (tmp_path / "picture.svg").write_text(picture, encoding="utf-8")
    with serving(tmp_path) as address:
        context = chromium.new_context(
            has_touch=True, viewport={"width": 390, "height": 844}, reduced_motion="reduce"
        )
        tab = context.new_page()
        tab.goto(f"{address}/figure.html")
        yield tab
        context.close()


def test_a_double_click_shows_one_live_figure(figure):
    figure.locator("button").first.dblclick()
    figure.locator(".live-told").first.wait_for()
    figure.wait_for_timeout(100)
    assert figure.locator(".live").count() == 1
    assert figure.locator(".live").is_visible() and not figure.locator("img").is_visible()


def test_the_keyboard_goes_from_the_button_into_the_figure(figure):
    figure.locator("button").press("Enter")
    figure.locator(".live").wait_for()
    figure.keyboard.press("Tab")
    assert figure.evaluate("document.activeElement.classList.contains('handle')")


def test_the_sentence_is_seen_at_once_and_heard_when_the_hand_rests(figure):
    figure.locator("button").press("Enter")
    figure.wait_for_function("document.querySelector('.live [role=status]')?.innerText")
    seen, heard = figure.evaluate(
        """() => {
          const [handle, told, status] = [".handle", ".live-told", ".live [role=status]"]
            .map(part => document.querySelector(part));
          const before = status.textContent;
          handle.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
          return [told.textContent !== before, status.textContent !== before];
        }"""
    )
    assert seen and not heard
    figure.wait_for_function(
        "document.querySelector('.live [role=status]').innerText"
        " === document.querySelector('.live-told').innerText"
    )


def middle(box):
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_swipe_on_a_drawing_scrolls_the_page_and_one_on_a_handle_moves_it(figure):
    figure.locator("button").press("Enter")
    figure.locator(".live").wait_for()
    touch = figure.context.new_cdp_session(figure)

    def swipe(x, y):
        kinds = ["touchStart", *["touchMove"] * 12, "touchEnd"]
        for k, kind in enumerate(kinds):
            finger = [] if kind == "touchEnd" else [{"x": x, "y": y - 10 * k}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": finger})
            figure.wait_for_timeout(16)
        figure.wait_for_timeout(200)
        return figure.evaluate("scrollY")

    knob = figure.locator(".handle .knob")
    x, y = middle(knob.bounding_box())
    assert swipe(x, y + 150) > 60
    figure.evaluate("scrollTo(0, 0)")
    told = figure.locator(".live-told").inner_text()
    assert swipe(x, y) == 0
    assert figure.locator(".live-told").inner_text() != told


def test_a_handle_that_is_grabbed_beside_its_middle_does_not_jump(figure):
    figure.locator("button").press("Enter")
    figure.locator(".live").wait_for()
    knob = figure.locator(".handle .knob")
    x, y = middle(knob.bounding_box())
    figure.mouse.move(x + 15, y + 10)
    figure.mouse.down()
    figure.mouse.move(x + 16, y + 10)
    moved = middle(knob.bounding_box())
    assert abs(moved[0] - x - 1) < 0.5 and abs(moved[1] - y) < 0.5


def test_a_handle_says_its_bounds_and_that_it_moves_both_ways(figure):
    figure.locator("button").press("Enter")
    handle = figure.locator(".handle")
    assert handle.get_attribute("aria-valuemin") == "-5"
    assert handle.get_attribute("aria-valuemax") == "5"
    assert "both ways" in handle.get_attribute("aria-label")


def test_a_mark_far_outside_has_a_place_that_a_browser_can_read(figure):
    complaints = []
    figure.on("console", lambda message: complaints.append(message.text))
    places = figure.evaluate(
        """async () => {
          const {Stage} = await import("/playground/kit.js");
          const stage = new Stage(document.body, {label: "Nothing"});
          const axes = stage.axes({xlim: [0, 1], ylim: [0, 1]});
          return [1e300, Infinity, NaN].map(far => axes.mark([far, far], "x").getAttribute("x"));
        }"""
    )
    assert all(abs(float(place)) <= 1e4 for place in places)
    assert complaints == []


def test_all_modules_together_are_small(modules):
    sizes = [len(gzip.compress(path.read_bytes())) for path in modules.rglob("*.js")]
    assert sum(sizes) < 30_000


def test_every_optimizer_of_the_playground_is_compared(page):
    names = call(page, "optimizers.js", "Object.keys(m.optimizers)")
    assert names == [*RULES, "Newton"]
