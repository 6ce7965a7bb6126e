import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from iminuit import testing
from scipy import optimize

from helpers import objectives
from helpers.derivatives import gradient, hessian
from helpers.objectives import Objective, beale, chi_squared, himmelblau, objective, rosenbrock

ALL = [value for value in vars(objectives).values() if isinstance(value, Objective)]
each_objective = pytest.mark.parametrize("target", ALL, ids=lambda target: target.name)
coordinate = st.floats(-5, 5)


@each_objective
def test_listed_minima_are_minima(target):
    for minimum in target.minima:
        assert np.abs(gradient(target, minimum)).max() < 1e-9
        assert np.linalg.eigvalsh(hessian(target, minimum)).min() > 0


@each_objective
def test_listed_minima_lie_in_the_domain_deepest_first(target):
    low, high = np.transpose(target.domain)
    assert all((low <= m).all() and (m <= high).all() for m in np.array(target.minima))
    values = target.at(target.minima)
    assert (np.diff(values) > -1e-12).all()


@each_objective
def test_scipy_finds_nothing_deeper_in_the_domain(target):
    found = optimize.differential_evolution(target.at, target.domain, rng=0, tol=1e-12)
    inside = np.abs(found.x - np.mean(target.domain, axis=1)) < 0.499 * np.ptp(
        target.domain, axis=1
    )
    if inside.all():
        assert found.fun >= target.at(target.minima[0]) - 1e-9


@each_objective
def test_the_formula_is_latex_that_names_each_coordinate(target):
    assert target.formula.count("{") == target.formula.count("}")
    assert all(name in target.formula for name in inspect.signature(target).parameters)


@each_objective
def test_every_objective_says_what_it_is(target):
    assert target.__doc__.endswith(".") or "(19" in target.__doc__
    assert target.__doc__ != Objective.__doc__


@each_objective
def test_numbers_arrays_and_tensors_agree(target):
    points = target.sample(20, np.random.default_rng(0))
    one_by_one = [target(*point) for point in points]
    assert np.array_equal(target.at(points), one_by_one)
    assert np.array_equal(target.at(torch.from_numpy(points)).numpy(), one_by_one)
    assert np.array_equal(target.at(points.reshape(4, 5, -1)), np.reshape(one_by_one, (4, 5)))


@each_objective
def test_a_grid_spans_the_domain(target):
    grid = target.grid(5)
    assert grid.shape == (5,) * target.dimension + (target.dimension,)
    flat = grid.reshape(-1, target.dimension)
    assert np.array_equal(np.stack([flat.min(0), flat.max(0)], axis=1), target.domain)


@each_objective
def test_a_sample_repeats_with_its_generator_and_stays_inside(target):
    first = target.sample(100, np.random.default_rng(1))
    assert np.array_equal(first, target.sample(100, np.random.default_rng(1)))
    low, high = np.transpose(target.domain)
    assert first.shape == (100, target.dimension)
    assert ((low <= first) & (first <= high)).all()


@given(coordinate, coordinate)
def test_beale_is_iminuits_own_beale(x, y):
    assert beale(x, y) == pytest.approx(testing.beale(x, y), rel=1e-12, abs=1e-12)


@given(coordinate, coordinate)
def test_rosenbrock_is_scipys_own_rosenbrock(x, y):
    assert rosenbrock(x, y) == pytest.approx(optimize.rosen([x, y]), rel=1e-12, abs=1e-12)


@given(coordinate, coordinate)
def test_himmelblau_is_a_sum_of_two_squares(x, y):
    assert himmelblau(x, y) == pytest.approx(
        math.fsum([(x * x + y - 11) ** 2, (x + y * y - 7) ** 2]), rel=1e-12, abs=1e-12
    )


def test_the_lowest_value_of_the_tilted_bowl_is_minus_37_over_63():
    assert objectives.tilted_bowl(80 / 63, -68 / 63) == pytest.approx(-37 / 63, rel=1e-14)


def test_the_shallow_well_has_its_exact_value():
    shallow = objectives.two_wells.at(objectives.two_wells.minima[1])
    assert shallow == pytest.approx(51.75 - 12 * math.sqrt(3), rel=1e-14)


def test_nearest_minimum_knows_each_minimum_and_nothing_else():
    near = np.array(himmelblau.minima) + 0.05
    assert list(himmelblau.nearest_minimum(near)) == [0, 1, 2, 3]
    assert himmelblau.nearest_minimum((0, 0)) == -1
    assert himmelblau.nearest_minimum((np.nan, 2.0)) == -1
    assert himmelblau.nearest_minimum((np.inf, -np.inf)) == -1


def test_an_overflow_is_a_value_and_not_a_warning():
    assert himmelblau(1e200, 1e200) == np.inf


def test_arrays_of_any_layout_are_taken():
    points = himmelblau.grid(4)
    assert np.array_equal(himmelblau.at(points[::-1]), himmelblau.at(points)[::-1])
    row = np.broadcast_to(np.array([3.0, 2.0]), (5, 2))
    assert np.array_equal(himmelblau.at(row), np.zeros(5))


def test_coordinates_broadcast():
    assert himmelblau(np.zeros((4, 1)), np.zeros(3)).shape == (4, 3)
    assert himmelblau(torch.zeros(4, 1), 0.0).shape == (4, 1)


def test_a_fit_is_the_weighted_sum_of_squares():
    rng = np.random.default_rng(2)
    x, y, error = rng.normal(size=(3, 30))
    error = np.abs(error) + 0.1
    fit = chi_squared(lambda x, a, b: a + b * x, x, y, error, domain=((-1, 1), (-1, 1)))
    a, b = rng.normal(size=(2, 7))
    expected = [np.sum(((y - i - j * x) / error) ** 2) for i, j in zip(a, b, strict=True)]
    assert fit(a, b) == pytest.approx(expected, rel=1e-12)
    assert list(inspect.signature(fit).parameters) == ["a", "b"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: himmelblau(1), TypeError, "coordinates: expected 2, got 1"),
        (lambda: himmelblau(torch.tensor(1j), 2), TypeError, "coordinates: expected real numbers"),
        (lambda: himmelblau.at([1, 2, 3]), ValueError, "points: .*2.*3"),
        (lambda: himmelblau.at(1.0), ValueError, "points"),
        (lambda: himmelblau.grid(0), ValueError, "count"),
        (lambda: himmelblau.grid(2.5), ValueError, "count"),
        (lambda: himmelblau.sample(-1, np.random.default_rng(0)), ValueError, "count"),
        (
            lambda: objective(domain=((1, 0),), minima=(), formula="x")(lambda x: x),
            ValueError,
            "domain",
        ),
        (
            lambda: objective(domain=((0, 1),), minima=(), formula="x")(lambda x, y: x),
            ValueError,
            "domain",
        ),
        (
            lambda: objective(domain=((0, 1),), minima=((1, 2),), formula="x")(lambda x: x),
            ValueError,
            "minima",
        ),
        (lambda: _line([1, 2], [1], 1), ValueError, "y: expected shape"),
        (lambda: _line([1, np.nan], [1, 2], 1), ValueError, "x: .*finite"),
        (lambda: _line([1, 2], [1, 2], 0), ValueError, "error"),
        (lambda: _line([1, 2], [1, 2], [1, 1, 1]), ValueError, "error"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def _line(x, y, error):
    return chi_squared(lambda x, a: a * x, x, y, error, domain=((0, 1),))


def test_minima_and_formula_may_be_left_out():
    plain = Objective(lambda x: x**2, ((0, 10),))
    assert (plain.minima, plain.formula) == ((), "")
    assert objective(domain=((0, 10),))(lambda x: x**2)(3) == 9


def test_a_sum_over_all_is_right_for_one_point_and_refused_for_many():
    data = torch.arange(12.0, dtype=torch.float64)
    careless = Objective(lambda a: ((a - data) ** 2).sum(), ((0, 12),))
    assert careless(5.5) == 143
    for points in (np.ones((12, 1)), np.ones((3, 1)), np.ones((12, 12, 1))):
        with pytest.raises(ValueError, match="^function: expected a "):
            careless.at(points)


@pytest.mark.parametrize("careless", [lambda x: math.sin(x), lambda x: np.exp(x) * x.detach()])
def test_functions_that_are_not_torchs_are_refused_where_a_gradient_is_wanted(careless):
    with pytest.raises(ValueError, match="^function: expected"):
        gradient(Objective(careless, ((0, 1),)), np.ones((3, 1)))


def test_a_tensor_cut_off_from_autograd_is_told_from_a_constant():
    with pytest.raises(ValueError, match="^function: .*autograd can follow"):
        gradient(Objective(lambda x: x.detach() ** 2, ((0, 1),)), (1.0,))
    assert gradient(Objective(lambda x: torch.ones_like(x), ((0, 1),)), (1.0,)) == 0


def test_a_model_may_be_constant_in_x_but_not_a_sum():
    mean = chi_squared(lambda x, a: a, [1.0, 2.0], [1.0, 3.0], 1.0, ((0, 5),))
    assert np.array_equal(mean.at([[2.0], [1.0]]), [2, 4])
    total = chi_squared(lambda x, a: (a * x).sum(), [1.0, 2.0], [1.0, 3.0], 1.0, ((0, 5),))
    with pytest.raises(ValueError, match="^model: expected a tensor of shape"):
        total(1.0)


def test_an_integer_tensor_is_taken_like_an_integer_list():
    assert himmelblau.at(torch.tensor([3, 2])) == 0
    assert himmelblau.at(torch.tensor([3, 2])).dtype == torch.float64


def test_an_objective_shows_its_coordinates_and_its_domain():
    assert repr(himmelblau) == (
        "Objective himmelblau(x, y), domain [-5, 5] × [-5, 5], known minima: 4"
    )


def test_a_domain_of_one_dimension_is_a_pair_in_a_tuple():
    with pytest.raises(ValueError, match=r"^domain: .* like \(\(0, 10\),\), got \(0, 10\)"):
        Objective(lambda x: x**2, (0, 10))
