"""What helpers ask of their arguments: each check stands here once, and its error names what."""

from reprlib import Repr

import numpy as np
import torch

_repr = Repr()
_repr.maxother = _repr.maxstring = 80
ODD = (TypeError, ValueError, RuntimeError, AttributeError, LookupError)


def require(holds, name, expected, got, error=ValueError):
    """Unless that holds, raise an error: the argument's name, what is expected, what came."""
    if not holds:
        raise error(f"{name}: expected {expected}, got {_repr.repr(got)}")


def kind(name, value, wanted=bool, expected="True or False"):
    """The value, which must be an instance of a class."""
    require(isinstance(value, wanted), name, expected, value, TypeError)
    return value


def count(name, value, low=1, high=np.inf, single=True):
    """An integer in a range; without `single` an array of them."""
    try:
        given = np.asarray(value)
        good = given.dtype.kind in "iu" and ((low <= given) & (given <= high)).all()
    except ODD:
        good = False
    wanted = f"an integer from {low} to {high}" if high < np.inf else "a positive integer"
    require(good and not (single and given.ndim), name, wanted, value)
    return int(given) if single else given


def tensor(name, values, finite=True):
    """Real numbers as a tensor: one of floating-point numbers as it is, others in float64."""
    try:
        numbers = values if isinstance(values, torch.Tensor) else np.asarray(values)
        if isinstance(numbers, np.ndarray) and numbers.dtype.kind in "iuf":
            numbers = torch.from_numpy(numbers.astype(float))
        good = not (numbers.is_complex() or numbers.is_sparse or numbers.dtype is torch.bool)
    except ODD:
        good = False
    require(good, name, "real numbers", values, TypeError)
    numbers = numbers if numbers.is_floating_point() else numbers.double()
    if finite:
        require(numbers.isfinite().all(), name, "finite numbers", values)
    return numbers


def array(name, values, finite=True):
    """Real numbers as a float64 array of their own, without a gradient."""
    return tensor(name, values, finite).detach().cpu().to(torch.float64, copy=True).numpy()


def number(name, value, low=-np.inf, positive=False, finite=True):
    """One real number, not below `low`, as a float."""
    wanted = "a positive number" if positive else f"one number, {low:g} or more"
    try:
        one = array(name, value, finite)
    except ODD as error:
        return require(False, name, wanted, value, type(error))
    require(not one.ndim and one >= low and (one > 0 or not positive), name, wanted, value)
    return one.item()


def points(name, given, dimension, single=False):
    """An array or tensor of points, whose last axis must be the dimension; with `single`, one."""
    good = given.ndim and given.shape[-1] == dimension and not (single and given.ndim > 1)
    expected = f"({dimension},)" if single else f"(..., {dimension})"
    require(good, name, f"shape {expected}", tuple(given.shape))
    return given


def common_shape(name, *arrays):
    """The shape that arrays or tensors broadcast to."""
    shapes = {tuple(a.shape) for a in arrays}
    return called(name, "shapes that broadcast", np.broadcast_shapes, *shapes)


def called(name, expected, function, *arguments, **settings):
    """What a function, given as an argument, returns; what goes wrong in it is told by name."""
    require(callable(function), name, expected, function, TypeError)
    try:
        return function(*arguments, **settings)
    except ODD as error:
        if ": expected " in str(error):  # one of ours, from further inside
            raise
        message = f"{name}: expected {expected}, got {type(error).__name__}: {error}"
        raise ValueError(message) from error


def elementwise(name, function, *arguments, exact=True):
    """What an elementwise function returns at tensors; `exact`: in their common shape."""
    shape = common_shape("coordinates", *arguments)
    values = called(name, "a function of tensors made of torch's functions", function, *arguments)
    if not isinstance(values, torch.Tensor):
        require(False, name, "a tensor, by torch's functions, not math's or numpy's", values)
    if values.shape != shape and (exact or values.shape != (*shape[:-1], 1)):
        hint = "one value for each point (a sum over data needs an axis of its own: chi_squared)"
        require(False, name, f"a tensor of shape {shape}, {hint}", tuple(values.shape))
    require(values.is_floating_point() or arguments[0].is_complex(), name, "real numbers", values)
    lost = torch.is_grad_enabled() and not values.requires_grad
    if lost and any(a.requires_grad for a in arguments):
        # A constant has the same values elsewhere, and a slope of 0.
        constant = torch.equal(values, function(*(a.detach() + 1 for a in arguments)))
        require(constant, name, "torch's functions, which autograd can follow", values)
        values = values + sum(0 * a for a in arguments)
    return values
