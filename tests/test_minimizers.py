from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from iminuit import Minuit, testing
from scipy import optimize
from torch import optim

from helpers.minimizers import CANNOT_PLAY, MIXES_STARTS, descend, migrad, scipy_minimize
from helpers.objectives import Objective, beale, himmelblau, parabola, rosenbrock, wave

OPTIMIZERS = [
    value
    for value in vars(optim).values()
    if isinstance(value, type)
    and issubclass(value, optim.Optimizer)
    and value is not optim.Optimizer
]
PLAYERS = [optimizer for optimizer in OPTIMIZERS if optimizer not in CANNOT_PLAY]
ELEMENTWISE = [optimizer for optimizer in PLAYERS if optimizer not in MIXES_STARTS]
MINIMIZERS = {
    "Adam": partial(descend, optimizer=optim.Adam, lr=0.1, steps=50),
    "LBFGS": partial(descend, optimizer=optim.LBFGS, lr=0.5, steps=5),
    "MIGRAD": migrad,
    "MIGRAD with gradient": partial(migrad, use_gradient=True),
    "BFGS": partial(scipy_minimize, method="BFGS"),
    "BFGS with gradient": partial(scipy_minimize, method="BFGS", use_gradient=True),
    "Nelder-Mead": partial(scipy_minimize, method="Nelder-Mead"),
}
each_minimizer = pytest.mark.parametrize("minimize", MINIMIZERS.values(), ids=MINIMIZERS)
each_player = pytest.mark.parametrize("optimizer", PLAYERS, ids=lambda o: o.__name__)
each_elementwise = pytest.mark.parametrize("optimizer", ELEMENTWISE, ids=lambda o: o.__name__)
STARTS = himmelblau.sample(7, np.random.default_rng(0))


@each_minimizer
def test_every_minimizer_leaves_the_same_kind_of_path(minimize):
    path = minimize(himmelblau, (1.0, 1.0))
    count = path.evaluations + 1
    assert path.points.shape == (count, 2)
    assert path.values.shape == (count,)
    assert np.array_equal(path.start, (1, 1))
    assert np.array_equal(path.values, himmelblau.at(path.points))
    assert path.values[-1] < path.values[0]


@each_player
def test_descend_is_the_plain_loop_of_torch(optimizer):
    x = [torch.tensor(1.0, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    stepper = optimizer(x, lr=0.01)

    def closure():
        stepper.zero_grad()
        value = himmelblau(*x)
        value.backward()
        return value

    for _ in range(20):
        stepper.step(closure)
    path = descend(himmelblau, (1, 1), optimizer, lr=0.01, steps=20)
    assert np.array_equal(path.end, [c.item() for c in x])


@each_elementwise
def test_many_starts_descend_as_if_alone(optimizer):
    run = partial(descend, himmelblau, optimizer=optimizer, steps=60)
    together = run(STARTS).end
    assert np.array_equal(together, [run(start).end for start in STARTS])
    assert np.array_equal(run(STARTS.reshape(7, 1, 2)).end, together[:, None])


@pytest.mark.parametrize("optimizer", MIXES_STARTS, ids=lambda o: o.__name__)
def test_an_optimizer_that_mixes_starts_takes_one_and_refuses_many(optimizer):
    assert np.isfinite(descend(himmelblau, STARTS[0], optimizer, lr=0.1, steps=3).end).all()
    with pytest.raises(ValueError, match=f"optimizer: {optimizer.__name__} mixes starts"):
        descend(himmelblau, STARTS, optimizer, steps=3)


def test_an_optimizer_that_is_said_to_mix_starts_does_mix_them():
    two = torch.tensor(STARTS[:2], requires_grad=True)
    one = torch.tensor(STARTS[:1], requires_grad=True)
    for leaf in (two, one):
        stepper = optim.LBFGS([leaf], lr=0.01)
        for _ in range(3):
            stepper.step(partial(_summed, leaf))
    assert not torch.allclose(two[0], one[0])


def _summed(leaf):
    leaf.grad = None
    value = himmelblau.at(leaf).sum()
    value.backward()
    return value


@pytest.mark.parametrize("optimizer", CANNOT_PLAY, ids=lambda o: o.__name__)
def test_an_optimizer_that_cannot_play_is_refused_with_its_reason(optimizer):
    with pytest.raises(
        ValueError, match=f"{optimizer.__name__} cannot play: {CANNOT_PLAY[optimizer]}"
    ):
        descend(himmelblau, (0, 0), optimizer, steps=1)


def test_every_optimizer_of_torch_is_accounted_for():
    for optimizer in PLAYERS:
        assert np.isfinite(descend(himmelblau, (1, 1), optimizer, lr=0.01, steps=2).end).all()


@given(st.floats(0.01, 0.99), st.integers(1, 60), st.floats(-100, 100))
@settings(max_examples=50)
def test_gradient_descent_on_the_parabola_has_its_closed_form(lr, steps, start):
    end = descend(parabola, (start,), optim.SGD, lr=lr, steps=steps).end[0]
    assert end == pytest.approx(start * (1 - 2 * lr) ** steps, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("every", [1, 3, 7, 100])
def test_thinning_a_path_keeps_some_of_the_same_points(every):
    full = descend(himmelblau, STARTS, optim.Adam, lr=0.1, steps=20)
    thin = descend(himmelblau, STARTS, optim.Adam, lr=0.1, steps=20, every=every)
    assert np.array_equal(thin.points, np.concatenate([full.points[:20:every], full.points[-1:]]))
    assert np.array_equal(thin.values, np.concatenate([full.values[:20:every], full.values[-1:]]))
    assert (thin.evaluations, thin.gradients) == (20, 20)


def test_a_schedule_advances_after_each_step():
    path = descend(
        parabola,
        (1.0,),
        optim.SGD,
        lr=0.4,
        steps=3,
        schedule=lambda stepper: optim.lr_scheduler.ExponentialLR(stepper, gamma=0.5),
    )
    rates = np.array([0.4, 0.2, 0.1])
    assert np.allclose(path.points[:, 0], np.cumprod([1, *(1 - 2 * rates)]), rtol=1e-14)


def test_a_tensor_is_a_start_and_is_left_alone():
    start = torch.tensor([1.0, 1.0], requires_grad=True)
    path = descend(himmelblau, start, optim.SGD, lr=0.01, steps=5)
    assert np.array_equal(path.end, descend(himmelblau, (1, 1), optim.SGD, lr=0.01, steps=5).end)
    assert start.grad is None
    assert start.tolist() == [1, 1]


def test_the_fused_step_ends_where_the_plain_one_does():
    run = partial(descend, himmelblau, STARTS, optim.Adam, lr=0.1, steps=300, every=300)
    assert np.allclose(run(fused=True).end, run().end, rtol=0, atol=1e-9)


def test_a_diverging_run_is_a_path_and_leaves_the_others_alone():
    path = descend(parabola, [[1.0], [0.0]], optim.SGD, lr=50.0, steps=300)
    assert not np.isfinite(path.end[0]).any()
    assert path.end[1] == 0
    assert np.array_equal(path.points.shape, (301, 2, 1))


def test_black_boxes_survive_an_objective_that_falls_without_end():
    for path in (migrad(wave, (1e6,)), scipy_minimize(wave, (1e6,), "BFGS")):
        assert path.points.shape[0] == path.evaluations + 1


def test_minuit_needs_90_and_67_calls_on_himmelblaus_function():
    for start, calls, end, value in (
        ((0, 0), 90, (3, 2), 9.673e-08),
        ((-2, 0), 67, (-2.80486, 3.13141), 2.574e-06),
    ):
        path = migrad(himmelblau, start)
        assert path.evaluations == calls
        assert np.allclose(path.end, end, atol=1e-4)
        assert path.values[-1] == pytest.approx(value, rel=1e-3)


def test_autograds_gradient_saves_minuit_calls():
    plain, helped = migrad(himmelblau, (0, 0)), migrad(himmelblau, (0, 0), use_gradient=True)
    assert (plain.evaluations, plain.gradients) == (90, 0)
    assert (helped.evaluations, helped.gradients) == (80, 4)


def test_minuit_stops_at_its_limit_of_calls():
    assert migrad(rosenbrock, (-1.2, 1), ncall=20).evaluations < 40


@pytest.mark.parametrize("use_gradient", [False, True])
def test_scipy_minimize_is_scipys_own(use_gradient):
    path = scipy_minimize(rosenbrock, (-1.2, 1), "BFGS", use_gradient=use_gradient, gtol=1e-8)
    jac = optimize.rosen_der if use_gradient else None
    own = optimize.minimize(
        optimize.rosen, (-1.2, 1), method="BFGS", jac=jac, options={"gtol": 1e-8}
    )
    assert np.allclose(path.end, own.x, atol=1e-6)
    assert path.evaluations == pytest.approx(own.nfev, rel=0.15)
    assert (path.gradients > 0) == use_gradient


@pytest.mark.parametrize("start", [(1.0, 1.0), (2.0, 0.0)])
@each_minimizer
def test_what_is_found_on_beale_is_no_worse_than_the_start(minimize, start):
    path = minimize(beale, start)
    assert testing.beale(*path.end) <= testing.beale(*start)


def test_an_objective_of_ten_coordinates_is_minimized():
    def sphere(a, b, c, d, e, f, g, h, i, j):
        return sum(x**2 for x in (a, b, c, d, e, f, g, h, i, j))

    bowl = Objective(sphere, ((-1, 1),) * 10, ((0,) * 10,), "x^2")
    for path in (
        migrad(bowl, np.ones(10)),
        descend(bowl, np.ones(10), optim.SGD, lr=0.25, steps=60),
        scipy_minimize(bowl, np.ones(10), "BFGS"),
    ):
        assert np.abs(path.end).max() < 1e-3


@pytest.mark.parametrize("start", [0.0, (1, 2, 3), [[1, 2, 3]]])
@each_minimizer
def test_a_start_of_wrong_shape_is_named(minimize, start):
    with pytest.raises(ValueError, match="start: expected shape"):
        minimize(himmelblau, start)


@pytest.mark.parametrize("start", [(np.nan, 0), (0, np.inf), torch.tensor([0.0, torch.nan])])
@each_minimizer
def test_a_start_that_is_not_finite_is_named(minimize, start):
    with pytest.raises(ValueError, match="start: expected finite"):
        minimize(himmelblau, start)


@each_minimizer
def test_an_integer_tensor_is_a_start_like_an_integer_list(minimize):
    path = minimize(himmelblau, torch.tensor([1, 2]))
    assert np.array_equal(path.points, minimize(himmelblau, [1, 2]).points)


@pytest.mark.parametrize("minimize", [migrad, partial(scipy_minimize, method="BFGS")])
def test_a_black_box_takes_one_start(minimize):
    with pytest.raises(ValueError, match=r"start: expected shape \(2,\), got \(7, 2\)"):
        minimize(himmelblau, STARTS)


@pytest.mark.parametrize("steps", [0, -3, 2.5, None])
def test_steps_must_be_a_positive_integer(steps):
    with pytest.raises(ValueError, match="steps: expected a positive integer"):
        descend(himmelblau, (0, 0), optim.Adam, steps=steps)


@pytest.mark.parametrize("optimizer", ["Adam", None, dict, optim.Adam([torch.zeros(1)])])
def test_what_is_not_an_optimizer_is_named(optimizer):
    with pytest.raises(TypeError, match=r"optimizer: expected a class like torch\.optim\.Adam"):
        descend(himmelblau, (0, 0), optimizer, steps=1)


@pytest.mark.parametrize("method", ["downhill", "", None, 3])
def test_an_unknown_method_is_named(method):
    with pytest.raises(ValueError, match="method: expected one of scipy.optimize.minimize, got"):
        scipy_minimize(himmelblau, (0, 0), method)


def test_an_unknown_setting_is_named():
    with pytest.raises(TypeError, match="^learning_rate: expected a setting of Adam"):
        descend(himmelblau, (0, 0), optim.Adam, steps=1, learning_rate=0.1)


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": 0},
        {"strategy": 2},
        {"step": 5},
        {"step": (0.001, 1.0)},
        {"tol": 1e-4},
        {"tol": 100.0},
        {"strategy": 0, "step": 1, "tol": 0.01},
    ],
)
def test_strategy_step_and_tol_are_minuits_own(settings):
    own = Minuit(himmelblau, 0, 0)
    own.strategy = settings.get("strategy", 1)
    own.errors = settings.get("step", 0.1)
    own.tol = settings.get("tol", 0.1)
    own.migrad()
    path = migrad(himmelblau, (0, 0), **settings)
    assert path.evaluations == own.nfcn
    assert np.array_equal(path.end, own.values)


def test_steps_left_to_minuit_are_a_hundredth_of_the_start_and_a_tenth_at_0():
    assert np.array_equal(
        migrad(himmelblau, (0, 4)).points, migrad(himmelblau, (0, 4), step=(0.1, 0.04)).points
    )


def test_an_objective_may_ignore_a_coordinate():
    flat = Objective(lambda x, y: x**2, ((-1, 1), (-1, 1)))
    end = descend(flat, (1.0, 1.0), optim.SGD, lr=0.5, steps=1).end
    assert np.array_equal(end, (0, 1))


def test_a_schedule_that_is_not_made_from_the_optimizer_is_named():
    other = optim.lr_scheduler.ConstantLR(optim.SGD([torch.zeros(1, requires_grad=True)]))
    for schedule in (
        optim.lr_scheduler.ExponentialLR,  # needs gamma
        optim.lr_scheduler.ReduceLROnPlateau,  # needs a value at each step
        lambda stepper: other,
        other,
    ):
        with pytest.raises((TypeError, ValueError), match="^schedule: expected"):
            descend(parabola, (1.0,), optim.SGD, steps=1, schedule=schedule)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"lr": np.nan}, "lr"),
        ({"lr": "0.1"}, "lr"),
        ({"lr": -1.0}, "settings"),
        ({"nesterov": "yes"}, "nesterov"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(settings, named):
    with pytest.raises((TypeError, ValueError), match=f"^{named}: expected"):
        descend(parabola, (1.0,), optim.SGD, steps=1, **settings)


@pytest.mark.parametrize("settings", [{"tol": 1e-3}, {"bounds": [(0, 1)]}, {"maxiter": "a"}])
def test_what_is_no_option_of_scipys_method_is_named(settings):
    (name,) = settings
    with pytest.raises((TypeError, ValueError), match=f"{name}.*BFGS|BFGS.*{name}"):
        scipy_minimize(himmelblau, (0, 0), "BFGS", **settings)


@pytest.mark.parametrize("ncall", [0, 1e3])
def test_a_limit_of_calls_is_a_positive_integer(ncall):
    with pytest.raises(ValueError, match="ncall: expected a positive integer"):
        migrad(himmelblau, (0, 0), ncall=ncall)
