"""What to minimize: functions of a point, each with the facts that judge a minimizer.

A point is the last axis of an array or tensor, and every axis before it is free: one start,
n starts or a grid of starts are all served by the same function.
"""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name

import numpy as np
import torch


@dataclass(frozen=True)
class Objective:
    """A function to minimize, with where to look, the minima known there, and its formula.

    `function` is elementwise: it gets tensors that broadcast, one per coordinate, and returns
    their common shape. `domain` holds one (low, high) per coordinate. `minima` lists the known
    minima in the domain, deepest first. `formula` is LaTeX.
    """

    function: Callable
    domain: tuple[tuple[float, float], ...]
    minima: tuple[tuple[float, ...], ...]
    formula: str

    def __post_init__(self):
        for bounds in self.domain:
            if len(bounds) != 2 or not bounds[0] < bounds[1]:
                raise ValueError(f"domain: expected pairs (low, high), got {bounds!r}")
        if self.dimension != len(self.__signature__.parameters):
            raise ValueError("domain: expected one pair for each argument of the function")
        if any(len(minimum) != self.dimension for minimum in self.minima):
            raise ValueError(f"minima: expected points of {self.dimension} coordinates")

    def __call__(self, *coordinates):
        """The value at coordinates given one by one: numbers, arrays or tensors that broadcast.

        Tensors give a tensor that autograd can follow; numbers and arrays give float64. A value
        that overflows is inf or nan. Raises TypeError for a wrong number of coordinates and for
        tensors that do not hold real floating-point numbers.
        """
        if len(coordinates) != self.dimension:
            message = f"{self.name}: expected {self.dimension} coordinates, got {len(coordinates)}"
            raise TypeError(message)
        tensors = [c for c in coordinates if isinstance(c, torch.Tensor)]
        for tensor in tensors:
            if not tensor.is_floating_point():
                raise TypeError(f"{self.name}: expected floating-point tensors, got {tensor.dtype}")
        if not tensors:
            arrays = (np.array(c, dtype=float) for c in coordinates)
            return self.function(*(torch.from_numpy(a) for a in arrays)).numpy()[()]
        return self.function(*(torch.as_tensor(c, dtype=tensors[0].dtype) for c in coordinates))

    def at(self, points):
        """The value at each point of an array or tensor of shape (..., dimension)."""
        if not isinstance(points, torch.Tensor):
            points = np.asarray(points, dtype=float)
        if points.ndim == 0 or points.shape[-1] != self.dimension:
            expected = f"points: expected shape (..., {self.dimension})"
            raise ValueError(f"{expected}, got {tuple(points.shape)}")
        return self(*(points[..., i] for i in range(self.dimension)))

    def grid(self, count):
        """Points on a regular grid over the domain, of shape (count, ..., count, dimension)."""
        require_positive_integer("count", count)
        axes = [np.linspace(low, high, count) for low, high in self.domain]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)

    def sample(self, count, rng):
        """Points drawn uniformly from the domain by a numpy generator: (count, dimension)."""
        require_positive_integer("count", count)
        low, high = np.transpose(self.domain)
        return rng.uniform(low, high, size=(count, self.dimension))

    def nearest_minimum(self, points, within=0.1):
        """The index in `minima` of the one within that distance of each point, or -1 for none.

        Of several the nearest counts. `points` has shape (..., dimension), the result (...).
        """
        points = np.asarray(points, dtype=float)
        if not self.minima:
            return np.full(points.shape[:-1], -1)
        distances = np.linalg.norm(points[..., None, :] - np.array(self.minima), axis=-1)
        return np.where(distances.min(axis=-1) <= within, distances.argmin(axis=-1), -1)

    @property
    def name(self):
        """The name of the function in words."""
        return self.function.__name__.replace("_", " ")

    @property
    def dimension(self):
        """The number of coordinates of a point."""
        return len(self.domain)

    @property
    def __signature__(self):
        # Minuit names its parameters after this.
        return inspect.signature(self.function)

    def __reduce__(self):
        # A decorated function's name leads to its Objective, and so do pickles of it; but what a
        # notebook defines is not there in another process, and goes by its fields.
        module, name = getattr(self.function, "__module__", None), self.function.__name__
        if module != "__main__" and getattr(sys.modules.get(module), name, None) is self:
            return resolve_name, (f"{module}:{name}",)
        return Objective, (self.function, self.domain, self.minima, self.formula)


def objective(*, domain, minima, formula):
    """A decorator that makes an elementwise function an Objective and keeps its docstring."""

    def decorate(function):
        made = Objective(function, domain, minima, formula)
        object.__setattr__(made, "__doc__", function.__doc__)
        return made

    return decorate


def require_positive_integer(name, value):
    """Raise a ValueError that names the argument unless the value is an integer of 1 or more."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}: expected a positive integer, got {value!r}")


def finite_array(name, values):
    """A float64 copy of numbers or a tensor, without a gradient.

    Raises TypeError or ValueError that names the argument for a tensor that does not hold
    floating-point numbers, and for nan or inf.
    """
    if isinstance(values, torch.Tensor):
        if not values.is_floating_point():
            raise TypeError(f"{name}: expected a floating-point tensor, got {values.dtype}")
        values = values.detach().cpu().numpy()
    values = np.array(values, dtype=float)
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite numbers, got nan or inf")
    return values


def chi_squared(model, x, y, error, domain, minima=()):
    """The Objective of a fit: the sum over the data of squared residuals in units of their errors.

    `model` is elementwise in tensors; its arguments after the first name the parameters. `x` has
    shape (n,), `y` too, or (..., n) for one set of data for each point; `error` is one number or
    n, all positive; `domain` and `minima` are those of the Objective. Raises ValueError for other
    data.
    """
    x, y, error = (torch.as_tensor(values, dtype=torch.float64) for values in (x, y, error))
    if x.ndim != 1 or x.shape != y.shape[-1:]:
        raise ValueError(f"x, y: expected last axes of equal length, got {x.shape} and {y.shape}")
    if not (x.isfinite().all() and y.isfinite().all()):
        raise ValueError("x, y: expected finite numbers, got nan or inf")
    if error.shape not in ((), x.shape) or not (error > 0).all():
        raise ValueError("error: expected one positive number, or one for each of the data")

    function = partial(_chi_squared, model, x, y, error)
    function.__name__ = f"chi-squared of {model.__name__}"
    names = list(inspect.signature(model).parameters.values())[1:]
    function.__signature__ = inspect.Signature(names)
    formula = r"\sum_i \left(\frac{y_i - f(x_i)}{\sigma_i}\right)^2"
    return Objective(function, tuple(domain), tuple(minima), formula)


def _chi_squared(model, x, y, error, *parameters):
    residuals = (y - model(x, *(p[..., None] for p in parameters))) / error
    return (residuals**2).sum(dim=-1)


@objective(
    domain=((-5.0, 5.0), (-5.0, 5.0)),
    minima=(
        (3.0, 2.0),
        (-2.8051180869527448, 3.1313125182505730),
        (-3.7793102533777469, -3.2831859912861694),
        (3.5844283403304917, -1.8481265269644034),
    ),
    formula=r"(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
)
def himmelblau(x, y):
    """Himmelblau's function: four minima, all of value 0 (Himmelblau, 1972)."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@objective(
    domain=((-4.5, 4.5), (-4.5, 4.5)),
    minima=((3.0, 0.5),),
    formula=r"(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
)
def beale(x, y):
    """Beale's function: one minimum, of value 0, and troughs that run off to infinity.

    Moré, Garbow and Hillstrom (1981), problem 5.
    """
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


@objective(
    domain=((-2.0, 2.0), (-1.0, 3.0)),
    minima=((1.0, 1.0),),
    formula=r"(1 - x)^2 + 100 (y - x^2)^2",
)
def rosenbrock(x, y):
    """Rosenbrock's function: one minimum, of value 0, in a bent narrow valley (1960)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


@objective(domain=((-10.0, 10.0),), minima=((0.0,),), formula=r"x^2")
def parabola(x):
    """The parabola: curvature 2 everywhere."""
    return x**2


@objective(domain=((-5.0, 5.0), (-3.0, 3.0)), minima=((0.0, 0.0),), formula=r"x^2 + 2y^2")
def valley(x, y):
    """A valley that is straight along the axes, with curvatures 2 and 4."""
    return x**2 + 2 * y**2


@objective(
    domain=((-4.0, 5.0), (-4.0, 4.0)),
    minima=((80 / 63, -68 / 63),),
    formula=r"(x - 1)^2 + 4 (y + 1)^2 + xy/2",
)
def tilted_bowl(x, y):
    """A quadratic bowl whose axes are turned by its product term; its lowest value is -37/63."""
    return (x - 1) ** 2 + 4 * (y + 1) ** 2 + x * y / 2


@objective(
    domain=((-5.0, 5.0), (-5.0, 5.0)),
    minima=((-1.0, -1.0), (2 + np.sqrt(3) / 2, 2 + np.sqrt(3) / 2)),
    formula=r"((x + 1)^2 + (y + 1)^2) ((x - 3)^2 + (y - 3)^2 + 1)",
)
def two_wells(x, y):
    """Two wells: the deep one of value 0 and a shallow one of value 51.75 - 12 sqrt(3)."""
    return ((x + 1) ** 2 + (y + 1) ** 2) * ((x - 3) ** 2 + (y - 3) ** 2 + 1)


@objective(
    domain=((-6.0, 12.0),),
    minima=((7.269388146311475,), (-1.8256845786723395,)),
    formula=r"x \cos(0.15 \pi x)",
)
def wave(x):
    """A wave whose crests and troughs grow with the distance from 0."""
    return x * torch.cos(0.15 * torch.pi * x)
