"""What the chapter on uncertainties claims in general: covariances, profiles, errordef."""

import numpy as np
import pytest
import torch
from iminuit import Minuit
from scipy.optimize import brentq, curve_fit, minimize
from scipy.stats import gamma

from helpers.derivatives import gradient, hessian
from helpers.objectives import chi_squared, himmelblau


def line(x, level, slope):
    return level + slope * x


def decay(x, height, rate):
    return height * torch.exp(-rate * x)


def peak(x, height, center, width, level, slope):
    return height * torch.exp(-(((x - center) / width) ** 2) / 2) + level + slope * x


def log_peak(x, height, center, log_width, level, slope):
    return peak(x, height, center, torch.exp(log_width), level, slope)


def sine_of_cosine(x, a, b):
    return torch.sin(b * torch.cos(a * x))


TRUTHS = {
    line: (2.0, -0.5),
    decay: (5.0, 0.4),
    peak: (4.0, 6.0, 1.0, 6.0, -0.4),
    sine_of_cosine: (1.2, 2.5),
}
ERROR = 0.3
each_model = pytest.mark.parametrize("model", TRUTHS, ids=lambda model: model.__name__)


def data(model, seed=0):
    low, high = (-1, 1) if model is sine_of_cosine else (0, 10)
    x = torch.linspace(low, high, 60, dtype=torch.float64)
    noise = ERROR * np.random.default_rng(seed).normal(size=60)
    return x, model(x, *TRUTHS[model]).numpy() + noise


def objective(model, seed=0, error=ERROR):
    return chi_squared(model, *data(model, seed), error, domain=((-10, 10),) * len(TRUTHS[model]))


def fitted(function, start):
    minuit = Minuit(function, *start)
    minuit.tol = 1e-4
    return minuit.migrad().hesse().minos()


def deviations(covariance):
    return np.sqrt(np.diag(covariance))


def assert_covariances_agree(one, other, within):
    """Compare entries in units of the errors, so that a correlation near 0 does no harm."""
    one, other = np.array(one), np.array(other)
    assert np.abs((one - other) / np.outer(deviations(one), deviations(one))).max() < within


@each_model
@pytest.mark.parametrize("seed", [0, 1])
def test_hesse_gives_twice_the_inverse_hessian(model, seed):
    fit = objective(model, seed)
    minuit = fitted(fit, TRUTHS[model])
    by_autograd = 2 * np.linalg.inv(hessian(fit, np.array(minuit.values)))
    assert_covariances_agree(minuit.covariance, by_autograd, within=0.01)


def test_hesse_gives_twice_the_inverse_hessian_of_a_function_without_data():
    minuit = fitted(himmelblau, (2.9, 2.1))
    by_autograd = 2 * np.linalg.inv(hessian(himmelblau, (3.0, 2.0)))
    assert_covariances_agree(minuit.covariance, by_autograd, within=0.01)
    np.testing.assert_allclose(deviations(by_autograd), [0.1793, 0.2645], atol=5e-5)


def test_the_covariance_of_a_line_is_that_of_scipy_and_of_the_normal_equations():
    x, y = data(line)
    covariance = 2 * np.linalg.inv(hessian(objective(line), TRUTHS[line]))
    slopes = np.stack([np.ones(60), x.numpy()], axis=1) / ERROR
    _, by_scipy = curve_fit(
        lambda x, a, b: a + b * x, x.numpy(), y, sigma=np.full(60, ERROR), absolute_sigma=True
    )
    np.testing.assert_allclose(covariance, np.linalg.inv(slopes.T @ slopes), rtol=1e-9)
    np.testing.assert_allclose(covariance, by_scipy, rtol=1e-6)


def test_chi_squared_of_a_linear_model_is_exactly_a_parabola():
    fit = objective(line)
    curvature = hessian(fit, TRUTHS[line])
    best = TRUTHS[line] - np.linalg.solve(curvature, gradient(fit, TRUTHS[line]))
    delta = np.array([0.7, -1.3])
    assert fit.at(best + delta) == pytest.approx(fit.at(best) + delta @ curvature @ delta / 2)


@pytest.mark.parametrize(
    ("model", "index"), [(line, 1), (decay, 1), (peak, 2), (peak, 0), (sine_of_cosine, 0)]
)
def test_minos_stops_where_the_profile_is_up_by_one(model, index):
    fit = objective(model)
    minuit = fitted(fit, TRUTHS[model])
    best = np.array(minuit.values)

    def rise(value):
        def rest(others):
            return fit.at(np.insert(others, index, value))

        def slope(others):
            return np.delete(gradient(fit, np.insert(others, index, value)), index)

        found = minimize(rest, np.delete(best, index), jac=slope, options={"gtol": 1e-6})
        return found.fun - fit.at(best) - 1

    for error in (minuit.merrors[index].lower, minuit.merrors[index].upper):
        crossing = brentq(rise, best[index] + 0.5 * error, best[index] + 2 * error, xtol=1e-8)
        assert crossing - best[index] == pytest.approx(error, rel=0.01)


def test_minos_and_hesse_agree_for_a_linear_model():
    minuit = fitted(objective(line), TRUTHS[line])
    for name in minuit.parameters:
        assert minuit.merrors[name].upper == pytest.approx(minuit.errors[name], rel=1e-3)
        assert -minuit.merrors[name].lower == pytest.approx(minuit.errors[name], rel=1e-3)


def test_minos_follows_a_change_of_parameter_and_hesse_does_not():
    x, y = data(peak)
    domain = ((-10, 10),) * 5
    plain = fitted(chi_squared(peak, x, y, 1.0, domain), TRUTHS[peak])
    logarithm = fitted(chi_squared(log_peak, x, y, 1.0, domain), (4, 6, 0, 6, -0.4))
    at, above = plain.values["width"], logarithm.values["log_width"]
    for side, sign in (("lower", -1), ("upper", 1)):
        by_minos = np.exp(above + getattr(logarithm.merrors["log_width"], side))
        assert by_minos == pytest.approx(at + getattr(plain.merrors["width"], side), rel=2e-3)
        by_hesse = np.exp(above + sign * logarithm.errors["log_width"])
        assert by_hesse != pytest.approx(at + sign * plain.errors["width"], rel=2e-3)


def test_a_profile_is_never_narrower_than_a_slice():
    for model in TRUTHS:
        curvature = hessian(objective(model), TRUTHS[model])
        slices = np.sqrt(2 / np.diag(curvature))
        assert (slices <= deviations(2 * np.linalg.inv(curvature)) * (1 + 1e-9)).all()


@each_model
def test_half_of_chi_squared_has_the_same_errors_at_errordef_one_half(model):
    fit = objective(model)
    whole = fitted(fit, TRUTHS[model])
    half = Minuit(lambda *p: fit(*p) / 2, *TRUTHS[model], name=whole.parameters)
    half.errordef = Minuit.LIKELIHOOD
    half.tol = 1e-4
    half.migrad().hesse()
    np.testing.assert_allclose(np.array(half.errors), np.array(whole.errors), rtol=1e-3)


def test_errors_grow_with_the_root_of_errordef_and_shrink_with_that_of_the_function():
    def errors(factor, errordef):
        minuit = Minuit(lambda x, y: factor * himmelblau(x, y), 0, 0)
        minuit.errordef = errordef
        return np.array(minuit.migrad().errors)

    np.testing.assert_allclose(errors(1, 0.5), errors(1, 1) / np.sqrt(2), rtol=1e-2)
    np.testing.assert_allclose(errors(10, 1), errors(1, 1) / np.sqrt(10), rtol=1e-2)


def test_stated_errors_twice_as_large_double_the_errors_and_quarter_chi_squared():
    fit, doubled = objective(peak), objective(peak, error=2 * ERROR)
    assert doubled.at(TRUTHS[peak]) == pytest.approx(fit.at(TRUTHS[peak]) / 4)
    np.testing.assert_allclose(
        hessian(doubled, TRUTHS[peak]), hessian(fit, TRUTHS[peak]) / 4, rtol=1e-9
    )


def test_many_sets_of_data_are_fitted_as_if_alone():
    x, _ = data(peak)
    sets = np.stack([data(peak, seed)[1] for seed in range(3)])
    points = np.array(TRUTHS[peak]) + 0.1 * np.random.default_rng(0).normal(size=(3, 5))
    together = chi_squared(peak, x, sets, ERROR, ((-10, 10),) * 5)
    for row in range(3):
        alone = objective(peak, seed=row)
        assert together.at(points)[row] == pytest.approx(alone.at(points[row]))
        np.testing.assert_allclose(gradient(together, points)[row], gradient(alone, points[row]))
        np.testing.assert_allclose(hessian(together, points)[row], hessian(alone, points[row]))


def test_the_lowest_chi_squared_averages_the_degrees_of_freedom_and_errors_cover_the_truth():
    x, _ = data(line)
    noise = ERROR * np.random.default_rng(0).normal(size=(4000, 60))
    fits = chi_squared(line, x, line(x, *TRUTHS[line]).numpy() + noise, ERROR, ((-10, 10),) * 2)
    starts = np.tile(TRUTHS[line], (4000, 1))
    curvatures = hessian(fits, starts)
    steps = np.linalg.solve(curvatures, gradient(fits, starts)[..., None])[..., 0]
    lowest = fits.at(starts - steps)
    assert lowest.mean() == pytest.approx(58, abs=4 * np.sqrt(2 * 58 / 4000))
    assert lowest.std() == pytest.approx(np.sqrt(2 * 58), rel=0.05)
    covered = np.abs(steps) < deviations(2 * np.linalg.inv(curvatures[0]))
    np.testing.assert_allclose(covered.mean(axis=0), 0.683, atol=0.03)
    inside = (steps[:, None] @ curvatures @ steps[..., None])[:, 0, 0] / 2 < 1
    assert inside.mean() == pytest.approx(1 - np.exp(-0.5), abs=0.03)


def test_a_hidden_relu_unit_can_be_scaled_and_leaves_the_hessian_without_an_inverse():
    def unit(x, w, b, v, c):
        return v * torch.relu(w * x + b) + c

    x = torch.linspace(-1, 1, 40, dtype=torch.float64)
    point = np.array([1.5, 0.3, 1.0, 0.5])
    noiseless = chi_squared(unit, x, unit(x, *point), 0.1, ((-10, 10),) * 4)
    anywhere = point + 0.2
    for s in (0.1, 3, 100):
        scaled = anywhere * [s, s, 1 / s, 1]
        assert noiseless.at(scaled) == pytest.approx(noiseless.at(anywhere))
    eigenvalues = np.linalg.eigvalsh(hessian(noiseless, point))
    assert abs(eigenvalues[0]) < 1e-12 * eigenvalues[-1]
    assert eigenvalues[1] > 1e-3 * eigenvalues[-1]


def test_at_a_minimum_residuals_change_only_two_entries_of_the_hessian_of_a_peak():
    for seed in range(3):
        fit = objective(peak, seed)
        minuit = Minuit(fit, *TRUTHS[peak])
        minuit.tol = 1e-6
        best = np.array(minuit.migrad().values)
        for _ in range(3):
            best = best - np.linalg.solve(hessian(fit, best), gradient(fit, best))
        x, _ = data(peak)
        curve = chi_squared(peak, x, peak(x, *best), ERROR, fit.domain)
        bare = hessian(curve, best)
        change = np.abs(hessian(fit, best) - bare) / np.outer(deviations(bare), deviations(bare))
        changed = {tuple(sorted(pair)) for pair in np.argwhere(change > 1e-9)}
        assert changed == {(1, 2), (2, 2)}


def test_a_prediction_of_a_relu_unit_has_one_error_along_its_flat_direction():
    def unit(x, w, b, v, c):
        return v * torch.relu(w * x + b) + c

    x, at = torch.linspace(-1, 1, 40, dtype=torch.float64), 0.9
    noiseless = chi_squared(unit, x, unit(x, 1.5, 0.3, 1, 0.5), 0.1, ((-10, 10),) * 4)
    active = x[x > -0.2].numpy()
    slopes = np.zeros((40, 3))
    slopes[:, 2] = 1
    slopes[x > -0.2, :2] = np.stack([active, np.ones_like(active)], axis=1)
    variance = np.linalg.inv(slopes.T @ slopes / 0.01)
    expected = np.array([at, 1, 1]) @ variance @ [at, 1, 1]
    for s in (0.5, 1, 3):
        w, b, v, c = 1.5 * s, 0.3 * s, 1 / s, 0.5
        covariance = 2 * np.linalg.pinv(hessian(noiseless, (w, b, v, c)), rcond=1e-9)
        g = np.array([v * at, v, w * at + b, 1])
        assert g @ covariance @ g == pytest.approx(expected)


def test_most_of_the_lean_of_the_profile_of_a_width_needs_no_free_background_but_a_free_height():
    x = torch.linspace(0, 10, 40, dtype=torch.float64)
    noiseless = chi_squared(peak, x, peak(x, *TRUTHS[peak]), 0.8, ((-10, 10),) * 5)

    def lean(*fixed):
        minuit = Minuit(noiseless, *TRUTHS[peak])
        for name in fixed:
            minuit.fixed[name] = True
        error = minuit.migrad().minos("width").merrors["width"]
        return -error.upper / error.lower - 1

    free, alone = lean(), lean("level", "slope")
    assert 0.5 * free < alone < free
    assert lean("level", "slope", "height") < 0.5 * alone


def test_minuit_finds_the_minimum_from_its_guess_that_it_finds_from_the_truth():
    x = torch.linspace(0, 10, 40, dtype=torch.float64)
    noise = 0.8 * np.random.default_rng(0).normal(size=(30, 40))
    for row in peak(x, *TRUTHS[peak]).numpy() + noise:
        fit = chi_squared(peak, x, row, 0.8, ((-10, 10),) * 5)
        lowest = [Minuit(fit, *at).migrad().fval for at in (TRUTHS[peak], (4, 5, 1, 5, 0))]
        assert lowest[0] == pytest.approx(lowest[1], abs=0.01)


def test_at_two_errors_hesse_misses_a_lifetime_of_three_decays_and_minos_does_not():
    mean = gamma(3, scale=1 / 3)
    by_hesse = 1 - mean.cdf(1 / (1 + 2 / np.sqrt(3)))  # mean (1 + 2 / sqrt(3)) reaches 1
    ends = [brentq(lambda m: 6 * (m - 1 - np.log(m)) - 4, *side) for side in ((1e-6, 1), (1, 9))]
    by_minos = mean.cdf(ends[1]) - mean.cdf(ends[0])
    assert by_hesse == pytest.approx(0.836, abs=1e-3)
    assert by_minos == pytest.approx(0.948, abs=2e-3)
