"""Derivatives of a function at one point or at many: by autograd and by finite differences.

`gradient` and `hessian` take an objective and points, whose last axis is the dimension. The other
functions take a plain function of one variable that is elementwise: it gets a tensor and returns
one of the same shape. Numbers and arrays become float64 and give numbers and arrays back; tensors
keep their dtype and give tensors.
"""

from functools import partial

import torch

from helpers import checks
from helpers.objectives import Objective


def derivative(function, x, order=1):
    """The derivative of a function of one variable at each x, by autograd.

    `x` has any shape, and so has the result. `order` counts how often to differentiate.
    """
    order, leaf = checks.count("order", order), _leaf("x", x)
    values = checks.elementwise("function", function, leaf)
    for _ in range(order):
        values = _slope(values, leaf)
    return _like(values, x)


def gradient(objective, points):
    """The gradient of an objective at each point, by autograd.

    `points` is an array or tensor of shape (..., dimension); so is the result.
    """
    leaf, values = _followed(objective, points)
    return _like(_slope(values, leaf, again=False), points)


def hessian(objective, points):
    """The matrix of second derivatives of an objective at each point, by autograd.

    `points` is an array or tensor of shape (..., dimension); the result has one axis more, of
    the same length.
    """
    leaf, values = _followed(objective, points)
    slopes = _slope(values, leaf)
    rows = [_slope(slopes[..., i], leaf) for i in range(leaf.shape[-1])]
    return _like(torch.stack(rows, dim=-2), points)


def forward_difference(function, x, step):
    """The difference quotient of a function between x and x + step.

    `x` and `step` broadcast, and the result has their common shape. Its error is at most
    |step f''| / 2 plus rounding, which grows like 1 / |step|. A negative step looks to the left.
    """
    f, here, h = _looks(function, x, step)
    return _like((f(here + h) - f(here)) / h, x, step)


def central_difference(function, x, step):
    """The difference quotient of a function between x - step and x + step.

    `x` and `step` broadcast, and the result has their common shape. Its error is at most
    step^2 |f'''| / 6 plus rounding, which grows like 1 / step.
    """
    f, here, h = _looks(function, x, step)
    return _like((f(here + h) - f(here - h)) / (2 * h), x, step)


def complex_step(function, x, step=1e-20):
    """The derivative of an analytic function by one look beside the real line.

    `x` and `step` broadcast, and the result has their common shape: the imaginary part of
    f(x + i step), divided by the step (Squire and Trapp, 1998). Nothing is subtracted, so the step
    may be tiny. Refused are functions, such as abs, that do not return complex numbers, and those
    that are not real on the real line, such as a logarithm left of 0. To torch x**4 is one of
    them, as it takes high powers through a logarithm: write products there.
    """
    f, here, h = _looks(function, x, step)
    values, on_the_line = f(torch.complex(here, h)), f(torch.complex(here, 0 * h))
    checks.require(values.is_complex(), "function", "complex values at complex x", values.dtype)
    wanted = "real values on the real line (torch takes x**4 through a logarithm: write products)"
    checks.require(not (on_the_line.imag.abs() > 0).any(), "function", wanted, on_the_line)
    return _like(values.imag / h, x, step)


def _looks(function, x, step):
    here, h = checks.tensor("x", x, finite=False).detach(), checks.tensor("step", step).detach()
    checks.common_shape("step, x", h, here)
    dtype = here.dtype if isinstance(x, torch.Tensor) else h.dtype
    here, h = torch.broadcast_tensors(here.to(dtype), h.to(dtype))
    good = (h.isfinite() & (h != 0)).all()
    checks.require(good, "step", f"finite numbers other than 0 in {dtype}", step)
    return partial(checks.elementwise, "function", function), here, h


def _leaf(name, numbers):
    return checks.tensor(name, numbers, finite=False).detach().clone().requires_grad_()


def _followed(objective, points):
    checks.kind("objective", objective, Objective, "an Objective")
    leaf = _leaf("points", points)
    return leaf, objective.at(leaf)


def _slope(values, leaf, again=True):
    # Each value hangs on its own point alone, so the sum's derivative holds one for each.
    if not values.requires_grad:
        return torch.zeros_like(leaf)
    (slope,) = torch.autograd.grad(
        values.sum(), leaf, create_graph=again, retain_graph=True, materialize_grads=True
    )
    return slope


def _like(result, *given):
    result = result.detach()
    if any(isinstance(numbers, torch.Tensor) for numbers in given):
        return result
    return result.numpy()[()]
