import pickle
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn, optim
from torch.utils.data import BatchSampler, SequentialSampler

from helpers.derivatives import gradient
from helpers.minimizers import MIXES_STARTS, descend, migrad
from helpers.noise import mini_batches, noisy
from helpers.objectives import Objective, chi_squared, himmelblau, parabola, valley

X = np.linspace(-1, 1, 23)
Y = np.sin(3 * X) + 0.2 * np.random.default_rng(0).normal(size=23)
DOMAIN = ((-2, 2), (-2, 2))
POINTS = np.random.default_rng(1).uniform(-2, 2, size=(5, 2))


def line(x, level, slope):
    return level + slope * x


def generator(seed=0):
    return np.random.default_rng(seed)


def fit(batch, seed=0, **options):
    return mini_batches(line, X, Y, batch, generator(seed), domain=DOMAIN, **options)


def mean_squared_error():
    return chi_squared(line, X, Y, np.sqrt(len(X)), DOMAIN)


NOISY = {
    "tilt": lambda: noisy(himmelblau, 3.0, generator()),
    "batches": lambda: fit(5),
    "batches with replacement": lambda: fit(5, replace=True),
}
each_noise = pytest.mark.parametrize("make", NOISY.values(), ids=NOISY)


# Both kinds


@each_noise
def test_a_noisy_objective_is_an_objective_like_any_other(make):
    objective = make()
    assert isinstance(objective, Objective)
    assert objective.name.startswith("noisy ")
    assert objective(0.5, 1.0).shape == ()
    assert objective.at(POINTS).shape == (5,)
    assert objective(torch.zeros(2, 1), torch.zeros(3)).shape == (2, 3)
    assert objective(torch.zeros(2), torch.zeros(2)).dtype == torch.float32
    assert gradient(objective, POINTS.reshape(5, 1, 2)).shape == (5, 1, 2)
    assert migrad(objective, (0.1, 0.2), ncall=10).end.shape == (2,)


@each_noise
def test_the_same_seed_gives_the_same_descent_and_a_run_goes_on_drawing(make):
    run = partial(descend, start=POINTS, optimizer=optim.SGD, lr=1e-3, steps=9)
    once, objective = run(make()), make()
    assert np.array_equal(run(objective).points, once.points)
    assert not np.array_equal(run(objective).points, once.points)


@each_noise
def test_starts_at_the_same_point_draw_noise_of_their_own(make):
    slopes = gradient(make(), np.ones((50, 2)))
    assert len(np.unique(slopes[:, 0])) > 40


@each_noise
def test_a_noisy_objective_refuses_to_be_pickled_so_that_no_two_workers_draw_the_same(make):
    with pytest.raises((AttributeError, pickle.PicklingError), match="function"):
        pickle.dumps(make())


@pytest.mark.parametrize("rng", [None, 0, np.random, np.random.RandomState(0)])
def test_what_is_not_a_generator_is_refused(rng):
    with pytest.raises(TypeError, match="^rng: expected a generator"):
        noisy(valley, 1.0, rng)
    with pytest.raises(TypeError, match="^rng: expected a generator"):
        mini_batches(line, X, Y, 5, rng, domain=DOMAIN)


# The tilt


def test_the_tilt_is_gaussian_without_a_mean_and_independent_between_coordinates_and_calls():
    objective, point = noisy(valley, 0.7, generator()), np.array([1.0, -2.0])
    many = np.tile(point, (40_000, 1))
    first, second = (gradient(objective, many) - gradient(valley, point) for _ in range(2))
    draws = np.column_stack([first, second])
    # Five standard errors of a mean and of a covariance.
    assert np.abs(draws.mean(axis=0)).max() < 5 * 0.7 / np.sqrt(40_000)
    assert np.abs(np.cov(draws.T) - 0.49 * np.eye(4)).max() < 5 * 0.49 * np.sqrt(2 / 40_000)
    assert stats.kstest(draws[:, 0] / 0.7, "norm").pvalue > 1e-3


def test_the_values_stay_those_of_the_objective():
    path = descend(noisy(himmelblau, 5.0, generator()), POINTS, optim.SGD, lr=1e-3, steps=20)
    assert np.array_equal(path.values, himmelblau.at(path.points))


@given(st.floats(0, 100), st.integers(0, 2**32), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_a_tilted_descent_is_the_loop_that_adds_noise_to_the_gradient(deviation, seed, starts):
    rng, x = generator(seed), POINTS[:starts].copy()
    for _ in range(15):
        noise = np.stack([rng.normal(size=starts), rng.normal(size=starts)], axis=-1)
        x -= 0.1 * (np.array([2, 4]) * x + deviation * noise)
    objective = noisy(valley, deviation, generator(seed))
    end = descend(objective, POINTS[:starts], optim.SGD, lr=0.1, steps=15).end
    assert np.allclose(end, x, rtol=1e-12, atol=1e-12 * (1 + deviation))


def test_without_a_deviation_every_optimizer_descends_as_on_the_objective_itself():
    for optimizer in (optim.SGD, optim.Adam, *MIXES_STARTS):
        run = partial(descend, start=(1.0, 2.0), optimizer=optimizer, lr=0.01, steps=10)
        assert np.array_equal(run(noisy(himmelblau, 0, generator())).end, run(himmelblau).end)


@pytest.mark.parametrize("deviation", [-1, np.nan, np.inf, [1.0, 2.0], "1", None])
def test_a_deviation_that_is_not_one_number_of_0_or_more_is_refused(deviation):
    with pytest.raises((TypeError, ValueError), match="^deviation: expected"):
        noisy(valley, deviation, generator())


def test_only_an_objective_can_be_tilted():
    with pytest.raises(TypeError, match="^objective: expected an Objective"):
        noisy(lambda x: x**2, 1.0, generator())


def test_one_coordinate_is_tilted_too():
    assert gradient(noisy(parabola, 1.0, generator(3)), np.zeros((1, 1)))[0, 0] == pytest.approx(
        generator(3).normal()
    )


# Mini-batches


@given(st.integers(1, 23), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_the_gradients_of_an_epoch_average_to_that_of_all_data(batch, seed):
    objective = fit(batch, seed)
    sizes = np.array([len(b) for b in BatchSampler(SequentialSampler(X), batch, drop_last=False)])
    for _ in range(2):
        slopes = np.stack([gradient(objective, POINTS) for _ in sizes])
        average = np.average(slopes, axis=0, weights=sizes)
        assert np.allclose(average, gradient(mean_squared_error(), POINTS), rtol=1e-10, atol=1e-12)


def test_one_batch_of_all_data_is_the_mean_squared_error():
    assert np.allclose(fit(23).at(POINTS), mean_squared_error().at(POINTS), rtol=1e-12)


@pytest.mark.parametrize("batch", [1, 5, 23])
def test_a_descent_by_batches_is_the_loop_of_torch_over_a_shuffled_tensor(batch):
    model = nn.Linear(1, 1, dtype=torch.float64)
    nn.init.constant_(model.weight, 0.5)
    nn.init.constant_(model.bias, -1.0)
    stepper = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    rng, x, y = generator(), torch.tensor(X), torch.tensor(Y)
    steps = 0
    for _ in range(3):
        for rows in torch.from_numpy(rng.permuted(np.arange(23))).split(batch):
            stepper.zero_grad()
            nn.functional.mse_loss(model(x[rows, None])[:, 0], y[rows]).backward()
            stepper.step()
            steps += 1
    path = descend(fit(batch), (-1, 0.5), optim.SGD, lr=0.1, momentum=0.9, steps=steps)
    assert path.end == pytest.approx([model.bias.item(), model.weight.item()], rel=1e-12)


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("batch", [1, 4, 16, 22])
def test_the_covariance_of_a_batch_is_that_of_sampling_theory(batch, replace):
    point, n = np.array([0.3, 1.0]), 20_000
    each = np.stack([2 * (line(X, *point) - Y), 2 * (line(X, *point) - Y) * X], axis=-1)
    expected = np.cov(each.T, ddof=0) / batch
    if not replace:
        expected *= (len(X) - batch) / (len(X) - 1)
    drawn = gradient(fit(batch, replace=replace), np.tile(point, (n, 1)))
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((np.cov(drawn.T) - expected) / scale).max() < 0.06
    assert np.abs((drawn.mean(axis=0) - each.mean(axis=0)) / np.sqrt(np.diag(scale))).max() < 0.04


def test_a_batch_drawn_with_replacement_may_hold_a_datum_twice_and_a_dealt_one_may_not():
    def values(**options):
        constant = mini_batches(_itself, X, 0 * X, 23, generator(), domain=((0, 1),), **options)
        return constant.at(np.zeros((100, 1)))

    assert np.ptp(values()) < 1e-15
    assert np.ptp(values(replace=True)) > 0.01


def _itself(x, zero):
    return x + zero


def test_when_the_shape_of_the_points_changes_an_epoch_begins():
    objective = fit(20)
    objective.at(POINTS)
    slopes = np.stack([gradient(objective, np.ones((1, 2))) for _ in range(2)])
    average = np.average(slopes, axis=0, weights=(20, 3))
    assert np.allclose(average, gradient(mean_squared_error(), np.ones((1, 2))), rtol=1e-10)


@pytest.mark.parametrize("batch", [0, -1, 2.0, True, 24])
def test_a_batch_that_is_not_between_one_and_all_data_is_refused(batch):
    with pytest.raises(ValueError, match="^batch: expected"):
        fit(batch)


def test_with_replacement_is_a_yes_or_a_no():
    with pytest.raises(TypeError, match="^replace: expected True or False"):
        fit(5, replace=0.5)


@pytest.mark.parametrize(
    ("x", "y", "name"),
    [
        (X, Y[:-1], "y"),
        (X, np.stack([Y, Y]), "y"),
        (X, np.full(23, np.nan), "y"),
        (np.full(23, np.inf), Y, "x"),
        (["a"] * 23, Y, "x"),
    ],
)
def test_data_that_are_no_pairs_of_numbers_are_refused(x, y, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected"):
        mini_batches(line, x, y, 1, generator(), domain=DOMAIN)
