"""What helpers ask of their arguments: each check stands here once, and its error names what."""

from reprlib import Repr

import numpy as np
import torch

_repr = Repr()
_repr.maxother = _repr.maxstring = 80
short = _repr.repr


def kind(name, value, wanted, expected):
    """The value, which must be an instance of a class."""
    if not isinstance(value, wanted):
        raise TypeError(f"{name}: expected {expected}, got {short(value)}")
    return value


def flag(name, value):
    """The value, which must be True or False."""
    return kind(name, value, bool | np.bool_, "True or False")


def count(name, value, low=1, high=np.inf, single=True):
    """An integer in a range; without `single` an array of them."""
    try:
        given = np.asarray(value)
        good = given.dtype.kind in "iu" and ((low <= given) & (given <= high)).all()
    except (TypeError, ValueError, RuntimeError):
        good = False
    if not good or (single and given.ndim):
        span = f"an integer from {low} to {high}" if high < np.inf else f"an integer from {low}"
        wanted = "a positive integer" if (low, high) == (1, np.inf) else span
        raise ValueError(f"{name}: expected {wanted}, got {short(value)}")
    return int(given) if single else given


def tensor(name, values, finite=True):
    """Real numbers as a tensor: one of floating-point numbers as it is, others in float64."""
    if isinstance(values, torch.Tensor):
        real = values.layout is torch.strided and values.dtype is not torch.bool
        good = real and not values.is_complex()
        numbers = values if values.is_floating_point() or not good else values.double()
    else:
        try:
            given = np.asarray(values)
            good = given.dtype.kind in "iuf"
        except (TypeError, ValueError, RuntimeError):
            good = False
        numbers = torch.from_numpy(given.astype(float)) if good else None
    if not good:
        raise TypeError(f"{name}: expected real numbers, got {short(values)}")
    if finite and not numbers.isfinite().all():
        raise ValueError(f"{name}: expected finite numbers, got nan or inf")
    return numbers


def array(name, values, finite=True):
    """Real numbers as a float64 array of their own, without a gradient."""
    return tensor(name, values, finite).detach().cpu().to(torch.float64, copy=True).numpy()


def number(name, value, low=-np.inf, positive=False, finite=True):
    """One real number, not below `low`, as a float."""
    one = array(name, value, finite)
    if one.ndim or not one >= low or (positive and one <= 0):
        wanted = "a positive number" if positive else f"one number, {low:g} or more"
        raise ValueError(f"{name}: expected {wanted}, got {short(value)}")
    return one.item()


def points(name, given, dimension, single=False):
    """An array or tensor of points, whose last axis must be the dimension; with `single`, one."""
    if given.ndim == 0 or given.shape[-1] != dimension or (single and given.ndim > 1):
        expected = f"({dimension},)" if single else f"(..., {dimension})"
        raise ValueError(f"{name}: expected shape {expected}, got {tuple(given.shape)}")
    return given


def common_shape(name, *arrays):
    """The shape that arrays or tensors broadcast to."""
    try:
        return np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError as error:
        raise ValueError(f"{name}: expected shapes that broadcast, got {error}") from None


def called(name, expected, function, *arguments, **settings):
    """What a function, given as an argument, returns; what goes wrong in it is told by name."""
    if not callable(function):
        raise TypeError(f"{name}: expected {expected}, got {short(function)}")
    try:
        return function(*arguments, **settings)
    except (TypeError, ValueError, RuntimeError, AttributeError, LookupError) as error:
        if ": expected " in str(error):  # one of ours, from further inside
            raise
        message = f"{name}: expected {expected}, got {type(error).__name__}: {error}"
        raise ValueError(message) from error


def elementwise(name, function, *arguments, exact=True):
    """What an elementwise function returns at tensors; `exact`: in their common shape."""
    shape = common_shape("coordinates", *arguments)
    values = called(name, "a function of tensors made of torch's functions", function, *arguments)
    wanted = f"{name}: expected a tensor of shape {shape}"
    if not isinstance(values, torch.Tensor):
        got = type(values).__name__
        raise ValueError(f"{wanted}, got {got}: use torch's functions, not math's or numpy's")
    if values.shape != shape and (exact or values.shape != (*shape[:-1], 1)):
        hint = (
            "one value for each point; a sum over data needs an axis of its own, like chi_squared"
        )
        raise ValueError(f"{wanted}, got {tuple(values.shape)}: {hint}")
    if not (values.is_floating_point() or arguments[0].is_complex()):
        raise ValueError(f"{name}: expected real numbers, got {values.dtype}")
    watched = torch.is_grad_enabled() and any(a.requires_grad for a in arguments)
    if watched and not values.requires_grad:
        # A constant has the same values elsewhere, and a slope of 0.
        if not torch.equal(values, function(*(a.detach() + 1 for a in arguments))):
            hint = "cut off from it: use torch's functions"
            raise ValueError(f"{name}: expected a tensor that autograd can follow, got one {hint}")
        values = values + sum(0 * a for a in arguments)
    return values
