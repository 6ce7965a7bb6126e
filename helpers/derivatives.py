"""Derivatives of a function at one point or at many: by autograd and by finite differences.

`gradient` and `hessian` take an objective and points, whose last axis is the dimension. The other
functions take a plain function of one variable that is elementwise: it gets a tensor and returns
one of the same shape. Numbers and arrays become float64 and give numbers and arrays back; tensors
keep their dtype and give tensors.
"""

import torch

from helpers.objectives import require_positive_integer


def derivative(function, x, order=1):
    """The derivative of a function of one variable at each x, by autograd.

    `x` has any shape, and so has the result. `order` counts how often to differentiate. Raises
    TypeError or ValueError for x of a wrong kind, an order below 1 and a function that is not
    elementwise.
    """
    require_positive_integer("order", order)
    leaf = _tensor("x", x).detach().clone().requires_grad_()
    values = _values(function, leaf)
    for _ in range(order):
        values = _slope(values, leaf)
    return _like(values, x)


def gradient(objective, points):
    """The gradient of an objective at each point, by autograd.

    `points` is an array or tensor of shape (..., dimension); so is the result. Raises TypeError or
    ValueError for points of a wrong kind or shape.
    """
    leaf, values = _followed(objective, points)
    return _like(_slope(values, leaf, again=False), points)


def hessian(objective, points):
    """The matrix of second derivatives of an objective at each point, by autograd.

    `points` is an array or tensor of shape (..., dimension); the result has one axis more, of
    the same length. Raises TypeError or ValueError for points of a wrong kind or shape.
    """
    leaf, values = _followed(objective, points)
    slopes = _slope(values, leaf)
    rows = [_slope(slopes[..., i], leaf) for i in range(leaf.shape[-1])]
    return _like(torch.stack(rows, dim=-2), points)


def forward_difference(function, x, step):
    """The difference quotient of a function between x and x + step.

    `x` and `step` broadcast, and the result has their common shape. Its error is at most
    |step f''| / 2 plus rounding, which grows like 1 / |step|. A negative step looks to the left.
    Raises TypeError or ValueError for x of a wrong kind, a step that is zero or not finite, and
    a function that is not elementwise.
    """
    here, h = _with_step(x, step)
    return _like((_values(function, here + h) - _values(function, here)) / h, x, step)


def central_difference(function, x, step):
    """The difference quotient of a function between x - step and x + step.

    `x` and `step` broadcast, and the result has their common shape. Its error is at most
    step^2 |f'''| / 6 plus rounding, which grows like 1 / step. Raises as `forward_difference`.
    """
    here, h = _with_step(x, step)
    return _like((_values(function, here + h) - _values(function, here - h)) / (2 * h), x, step)


def complex_step(function, x, step=1e-20):
    """The derivative of an analytic function by one look beside the real line.

    `x` and `step` broadcast, and the result has their common shape: the imaginary part of
    f(x + i step), divided by the step (Squire and Trapp, 1998). Nothing is subtracted, so the step
    may be tiny. Raises as `forward_difference`, and ValueError for a function, such as abs, that
    does not return complex numbers.
    """
    here, h = _with_step(x, step)
    values = _values(function, torch.complex(here, h))
    if not values.is_complex():
        raise ValueError(f"function: expected complex values at complex x, got {values.dtype}")
    return _like(values.imag / h, x, step)


def _tensor(name, numbers):
    if isinstance(numbers, torch.Tensor):
        if not numbers.is_floating_point():
            raise TypeError(f"{name}: expected a floating-point tensor, got {numbers.dtype}")
        return numbers
    try:
        return torch.as_tensor(numbers, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name}: expected numbers, got {numbers!r}") from error


def _with_step(x, step):
    here = _tensor("x", x).detach()
    h = _tensor("step", step).detach()
    if not (torch.isfinite(h) & (h != 0)).all():
        raise ValueError(f"step: expected finite numbers other than 0, got {step!r}")
    dtype = here.dtype if isinstance(x, torch.Tensor) else h.dtype
    return torch.broadcast_tensors(here.to(dtype), h.to(dtype))


def _followed(objective, points):
    if not hasattr(objective, "at"):
        raise TypeError(f"objective: expected an Objective, got {objective!r}")
    leaf = _tensor("points", points).detach().clone().requires_grad_()
    return leaf, objective.at(leaf)


def _values(function, x):
    values = function(x)
    if not isinstance(values, torch.Tensor) or values.shape != x.shape:
        got = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
        raise ValueError(f"function: expected a tensor of shape {tuple(x.shape)}, got {got}")
    return values


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
