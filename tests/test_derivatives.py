"""Our derivatives against torch, finite differences and closed forms."""

import inspect

import numpy as np
import pytest
import torch

from helpers import objectives
from helpers.derivatives import (
    central_difference,
    complex_step,
    derivative,
    forward_difference,
    gradient,
    hessian,
)
from helpers.objectives import Objective, himmelblau, objective, parabola

OBJECTIVES = [
    made for _, made in inspect.getmembers(objectives, lambda o: isinstance(o, Objective))
]
each_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: o.name)
COUNT = 1000
EPSILON = np.finfo(float).eps

# name: (function, its first derivative, its second)
CLOSED_FORMS = {
    "sin": (torch.sin, np.cos, lambda x: -np.sin(x)),
    "exp": (torch.exp, np.exp, np.exp),
    "tanh": (
        torch.tanh,
        lambda x: 1 / np.cosh(x) ** 2,
        lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2,
    ),
    "cube": (lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x),
    "line": (lambda x: 3 * x, lambda x: 3 + 0 * x, lambda x: 0 * x),
    "constant": (torch.ones_like, np.zeros_like, np.zeros_like),
}
each_closed_form = pytest.mark.parametrize("name", CLOSED_FORMS)
DIFFERENCES = [forward_difference, central_difference, complex_step]
each_difference = pytest.mark.parametrize("difference", DIFFERENCES)

# name: (gradient, Hessian), each as rows of functions of x and y
BY_HAND = {
    "himmelblau": (
        lambda x, y: (
            4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7),
            2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7),
        ),
        lambda x, y: (
            (12 * x**2 + 4 * y - 42, 4 * x + 4 * y),
            (4 * x + 4 * y, 12 * y**2 + 4 * x - 26),
        ),
    ),
    "rosenbrock": (
        lambda x, y: (-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)),
        lambda x, y: ((2 - 400 * y + 1200 * x**2, -400 * x), (-400 * x, 200 + 0 * x)),
    ),
    "valley": (
        lambda x, y: (2 * x, 4 * y),
        lambda x, y: ((2 + 0 * x, 0 * x), (0 * x, 4 + 0 * x)),
    ),
    "tilted bowl": (
        lambda x, y: (2 * (x - 1) + y / 2, 8 * (y + 1) + x / 2),
        lambda x, y: ((2 + 0 * x, 0.5 + 0 * x), (0.5 + 0 * x, 8 + 0 * x)),
    ),
}


def _points(made, seed=0):
    return made.sample(COUNT, np.random.default_rng(seed))


def _scale(values):
    return max(1.0, np.abs(values).max())


@each_objective
def test_autograd_passes_torchs_own_check_twice(objective):
    points = objective.sample(3, np.random.default_rng(1))
    leaves = tuple(torch.tensor(column, requires_grad=True) for column in points.T)
    assert torch.autograd.gradcheck(objective, leaves)
    assert torch.autograd.gradgradcheck(objective, leaves)


# torch 2.13 warns of its own use of torch.jit.script when vmap is first called.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@each_objective
def test_gradient_and_hessian_agree_with_torch_point_by_point(objective):
    points = torch.tensor(_points(objective))
    slopes = torch.func.vmap(torch.func.grad(objective.at))(points)
    curvatures = torch.func.vmap(torch.func.hessian(objective.at))(points)
    torch.testing.assert_close(gradient(objective, points), slopes)
    torch.testing.assert_close(hessian(objective, points), curvatures)


@each_objective
def test_gradient_and_hessian_agree_with_finite_differences(objective):
    points, step = _points(objective), EPSILON ** (1 / 3)
    shifts = step * np.eye(objective.dimension)
    slopes = [(objective.at(points + e) - objective.at(points - e)) / (2 * step) for e in shifts]
    curvatures = [
        (gradient(objective, points + e) - gradient(objective, points - e)) / (2 * step)
        for e in shifts
    ]
    values = objective.at(points)
    np.testing.assert_allclose(
        gradient(objective, points), np.stack(slopes, -1), atol=1e-8 * _scale(values)
    )
    np.testing.assert_allclose(
        hessian(objective, points), np.stack(curvatures, -1), atol=1e-8 * _scale(values)
    )


@pytest.mark.parametrize("name", BY_HAND)
def test_gradient_and_hessian_agree_with_closed_forms(name):
    (made,) = (o for o in OBJECTIVES if o.name == name)
    points = _points(made)
    slopes, curvatures = BY_HAND[name]
    ours = gradient(made, points), hessian(made, points)
    theirs = np.moveaxis(slopes(*points.T), 0, -1), np.moveaxis(curvatures(*points.T), -1, 0)
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-10, atol=1e-10 * _scale(their))


@each_closed_form
@pytest.mark.parametrize("order", [1, 2])
def test_derivative_agrees_with_closed_forms(name, order):
    function, *derivatives = CLOSED_FORMS[name]
    x = np.random.default_rng(0).uniform(-3, 3, COUNT)
    np.testing.assert_allclose(
        derivative(function, x, order), derivatives[order - 1](x), rtol=1e-12, atol=1e-12
    )


@each_closed_form
def test_differences_stay_below_their_error_bounds(name):
    function, first, _ = CLOSED_FORMS[name]
    x, top = np.random.default_rng(0).uniform(-2, 2, COUNT), 20  # bounds all derivatives on (-2, 2)
    slope = first(x)
    for step, bound in ((1e-3, 1e-3 * top), (1e-7, 1e-7 * top)):
        assert (np.abs(forward_difference(function, x, step) - slope) <= bound).all()
        assert (np.abs(forward_difference(function, x, -step) - slope) <= bound).all()
    for step, bound in ((1e-3, 1e-6 * top), (1e-5, 1e-10 * top)):
        assert (np.abs(central_difference(function, x, step) - slope) <= bound).all()


@pytest.mark.parametrize("name", ["sin", "exp", "tanh", "cube", "line"])
def test_a_complex_step_is_as_exact_as_autograd(name):
    function, first, _ = CLOSED_FORMS[name]
    x = np.random.default_rng(0).uniform(-3, 3, COUNT)
    np.testing.assert_allclose(complex_step(function, x), first(x), rtol=1e-13, atol=1e-13)


@each_difference
def test_a_difference_takes_many_steps_at_once(difference):
    steps = np.array([1e-2, 1e-4, 1e-6])
    together = difference(torch.sin, 1.0, steps)
    assert together.tolist() == [difference(torch.sin, 1.0, step) for step in steps]
    assert difference(torch.sin, np.ones((4, 1)), steps).shape == (4, 3)


def test_a_negative_forward_step_looks_to_the_left():
    left, right = forward_difference(torch.abs, 0.0, [-1e-8, 1e-8])
    assert (left, right) == (-1, 1)


METHODS = [
    derivative,
    lambda function, x: forward_difference(function, x, 1e-8),
    lambda function, x: central_difference(function, x, 1e-5),
    complex_step,
]


@pytest.mark.parametrize("method", METHODS)
def test_numbers_arrays_and_tensors_agree(method):
    number, array = method(torch.sin, 1), method(torch.sin, np.array([[1.0]]))
    tensor = method(torch.sin, torch.tensor([[1.0]], dtype=torch.float64))
    assert isinstance(number, float)
    assert isinstance(array, np.ndarray) and array.shape == (1, 1)
    assert isinstance(tensor, torch.Tensor) and tensor.shape == (1, 1)
    assert number == array.item() == tensor.item()
    single = torch.ones(2, requires_grad=True)
    assert method(torch.sin, single).dtype == torch.float32
    assert not method(torch.sin, single).requires_grad
    assert single.grad is None
    unwatched = torch.ones(2)
    method(torch.sin, unwatched)
    assert not unwatched.requires_grad


@pytest.mark.parametrize("function", [gradient, hessian])
def test_points_keep_their_kind_and_their_axes(function):
    tail = (2,) if function is gradient else (2, 2)
    assert function(himmelblau, (0, 0)).shape == tail
    assert function(himmelblau, np.zeros((5, 3, 2))).shape == (5, 3, *tail)
    tensor = torch.zeros(4, 2, requires_grad=True)
    assert function(himmelblau, tensor).dtype == torch.float32
    assert not function(himmelblau, tensor).requires_grad
    assert tensor.grad is None


def test_a_plane_has_no_second_derivatives():
    @objective(domain=((-1, 1), (-1, 1)), minima=(), formula="x + 2y")
    def plane(x, y):
        return x + 2 * y

    assert hessian(plane, (0, 0)).tolist() == [[0, 0], [0, 0]]


def test_a_parabola_of_one_variable_works_with_all():
    assert derivative(parabola, 3) == 6
    assert gradient(parabola, [3]).tolist() == [6]
    assert hessian(parabola, [3]).tolist() == [[2]]
    assert central_difference(parabola, 3, 2**-10) == 6


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: derivative(torch.sin, torch.tensor(1j)), TypeError, "x: expected real numbers"),
        (lambda: derivative(torch.sin, "one"), TypeError, "x: expected real numbers"),
        (lambda: derivative(torch.sin, 1.0, order=0), ValueError, "order: expected a positive"),
        (lambda: derivative(torch.sin, 1.0, order=1.5), ValueError, "order: expected a positive"),
        (lambda: derivative(torch.sum, [1.0, 2.0]), ValueError, r"function: expected .* \(2,\)"),
        (lambda: derivative(lambda x: 1.0, 1.0), ValueError, "function: expected a tensor"),
        (lambda: forward_difference(torch.sin, 1.0, 0), ValueError, "step: expected finite"),
        (lambda: central_difference(torch.sin, 1.0, np.nan), ValueError, "step: expected finite"),
        (lambda: complex_step(torch.sin, 1.0, np.inf), ValueError, "step: expected finite"),
        (lambda: central_difference(torch.sin, 1.0, "h"), TypeError, "step: expected real numbers"),
        (lambda: complex_step(torch.abs, 1.0), ValueError, "function: expected complex values"),
        (lambda: gradient(torch.sin, [1.0]), TypeError, "objective: expected an Objective"),
        (lambda: gradient(himmelblau, [1.0]), ValueError, r"points: expected shape \(..., 2\)"),
        (lambda: hessian(himmelblau, 1.0), ValueError, r"points: expected shape \(..., 2\)"),
        (
            lambda: hessian(himmelblau, torch.zeros(2, dtype=torch.bool)),
            TypeError,
            "points: expect",
        ),
        (lambda: gradient(himmelblau, "00"), TypeError, "points: expected real numbers"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("power", [-3, 4, 5, 6])
def test_a_complex_step_refuses_what_torch_takes_through_a_logarithm(power):
    with pytest.raises(ValueError, match="function: .* write products"):
        complex_step(lambda x: x**power, -1.3)
    assert complex_step(lambda x: x**power, 1.3) == pytest.approx(power * 1.3 ** (power - 1))
    assert complex_step(lambda x: x * x * x * x, -1.3) == pytest.approx(-8.788)


def test_a_step_that_vanishes_in_the_precision_of_x_is_named():
    with pytest.raises(ValueError, match="step: expected .* other than 0 in torch.float32"):
        forward_difference(torch.sin, torch.ones(1), 1e-60)
