"""What to minimize: functions of a point, each with the facts that judge a minimizer.

A point is the last axis of an array or tensor, and every axis before it is free: one start,
n starts or a grid of starts are all served by the same function.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from textwrap import shorten

import numpy as np
import torch

from helpers import checks

NAMED = "a function with named arguments"


@dataclass(frozen=True, repr=False)
class Objective:
    """A function to minimize, with where to look, the minima known there, and its formula.

    `function` is elementwise and made of torch's functions: it gets tensors that broadcast, one
    per coordinate, and returns their common shape. `domain` holds one (low, high) per coordinate:
    `((0, 10),)` in one dimension. `minima` lists the known minima in the domain, deepest first;
    `formula` is LaTeX. Both may be left out.
    """

    function: Callable
    domain: tuple[tuple[float, float], ...]
    minima: tuple[tuple[float, ...], ...] = ()
    formula: str = ""

    def __post_init__(self):
        names = list(checks.called("function", NAMED, inspect.signature, self.function).parameters)
        domain, minima = checks.array("domain", self.domain), checks.array("minima", self.minima)
        good = domain.shape == (len(names), 2) and (domain[:, 0] < domain[:, 1]).all()
        wanted = f"one (low, high) for each of {names}, like ((0, 10),)"
        checks.require(good, "domain", wanted, self.domain)
        good = not minima.size or (minima.ndim == 2 and minima.shape[1] == len(names))
        checks.require(good, "minima", f"points of {len(names)} coordinates", self.minima)
        checks.kind("formula", self.formula, str, "text")
        object.__setattr__(self, "domain", tuple(map(tuple, domain.tolist())))
        object.__setattr__(self, "minima", tuple(map(tuple, minima.tolist())))

    def __repr__(self):
        domain = shorten(" × ".join(f"[{low:g}, {high:g}]" for low, high in self.domain), 80)
        known = f"domain {domain}, known minima: {len(self.minima)}"
        return f"Objective {self.name}{self.__signature__}, {known}"

    def __call__(self, *coordinates):
        """The value at coordinates given one by one: numbers, arrays or tensors that broadcast.

        Tensors give a tensor that autograd can follow; numbers and arrays give float64. A value
        that overflows is inf or nan.
        """
        good = len(coordinates) == self.dimension
        checks.require(good, "coordinates", self.dimension, len(coordinates), TypeError)
        tensors = [checks.tensor("coordinates", c, finite=False) for c in coordinates]
        given = [isinstance(c, torch.Tensor) for c in coordinates]
        dtype = tensors[given.index(True)].dtype if any(given) else torch.float64
        values = checks.elementwise("function", self.function, *(t.to(dtype) for t in tensors))
        return values if any(given) else values.detach().numpy()[()]

    def at(self, points):
        """The value at each point of an array or tensor of shape (..., dimension)."""
        check = checks.tensor if isinstance(points, torch.Tensor) else checks.array
        points = checks.points("points", check("points", points, finite=False), self.dimension)
        return self(*(points[..., i] for i in range(self.dimension)))

    def grid(self, count):
        """Points on a regular grid over the domain, of shape (count, ..., count, dimension)."""
        axes = [np.linspace(*ends, checks.count("count", count)) for ends in self.domain]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)

    def sample(self, count, rng):
        """Points drawn uniformly from the domain by a numpy generator: (count, dimension)."""
        checks.kind("rng", rng, np.random.Generator, "a generator like np.random.default_rng(0)")
        low, high = np.transpose(self.domain)
        return rng.uniform(low, high, size=(checks.count("count", count), self.dimension))

    def nearest_minimum(self, points, within=0.1):
        """The index in `minima` of the one within that distance of each point, or -1 for none.

        Of several the nearest counts. `points` has shape (..., dimension), the result (...).
        """
        points = checks.array("points", points, finite=False)
        checks.points("points", points, self.dimension)
        within = checks.number("within", within, low=0, finite=False)
        if not self.minima:
            return np.full(points.shape[:-1], -1)
        distances = np.linalg.norm(points[..., None, :] - np.array(self.minima), axis=-1)
        return np.where(distances.min(axis=-1) <= within, distances.argmin(axis=-1), -1)

    @property
    def name(self):
        """The name of the function in words."""
        return getattr(self.function, "__name__", "function").replace("_", " ")

    @property
    def dimension(self):
        """The number of coordinates of a point."""
        return len(self.domain)

    @property
    def __signature__(self):
        # Minuit names its parameters after this.
        return inspect.signature(self.function)


def objective(*, domain, minima=(), formula=""):
    """A decorator that makes an elementwise function an Objective and keeps its docstring."""

    def decorate(function):
        # Pickles name a function by where it is found: inside the Objective that takes its place.
        made = Objective(function, domain, minima, formula)
        object.__setattr__(made, "__doc__", function.__doc__)
        function.__qualname__ += ".function"
        return made

    return decorate


def chi_squared(model, x, y, error, domain, minima=()):
    """The Objective of a fit: the sum over the data of squared residuals in units of their errors.

    `model` is elementwise and made of torch's functions; its arguments after the first name the
    parameters. `x` has shape (n,), `y` too, or (..., n) for one set of data for each point;
    `error` is one number or n, all positive; `domain` and `minima` are those of the Objective.

    One standard error of a parameter raises it by 1, which is Minuit's default errordef.
    `Minuit(fit, *start)` takes the Objective, and gives errors after `migrad()` and `hesse()`.
    """
    given = {"x": x, "y": y, "error": error}
    x, y, error = (checks.tensor(name, data).double() for name, data in given.items())
    checks.require(x.ndim == 1 and len(x), "x", "shape (n,)", tuple(x.shape))
    checks.require(x.shape == y.shape[-1:], "y", f"shape (..., {len(x)})", tuple(y.shape))
    good = error.shape in ((), x.shape) and (error > 0).all()
    checks.require(good, "error", f"one positive number, or {len(x)}", given["error"])
    names = list(checks.called("model", NAMED, inspect.signature, model).parameters.values())[1:]
    checks.require(names, "model", "a function of x and parameters", model)

    function = partial(_chi_squared, model, x, y, error)
    function.__name__ = f"chi-squared of {getattr(model, '__name__', 'a model')}"
    function.__signature__ = inspect.Signature(names)
    formula = r"\sum_i \left(\frac{y_i - f(x_i)}{\sigma_i}\right)^2"
    return Objective(function, domain, minima, formula)


def _chi_squared(model, x, y, error, *parameters):
    parameters = (p[..., None] for p in parameters)
    expected = checks.elementwise("model", model, x, *parameters, exact=False)
    return (((y - expected) / error) ** 2).sum(dim=-1)


@objective(
    domain=((-5, 5), (-5, 5)),
    minima=(
        (3, 2),
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
    minima=((3, 0.5),),
    formula=r"(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
)
def beale(x, y):
    """Beale's function: one minimum, of value 0, and troughs that run off to infinity.

    Moré, Garbow and Hillstrom (1981), problem 5.
    """
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


@objective(domain=((-2, 2), (-1, 3)), minima=((1, 1),), formula=r"(1 - x)^2 + 100 (y - x^2)^2")
def rosenbrock(x, y):
    """Rosenbrock's function: one minimum, of value 0, in a bent narrow valley (1960)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


@objective(domain=((-10, 10),), minima=((0,),), formula=r"x^2")
def parabola(x):
    """The parabola: curvature 2 everywhere."""
    return x**2


@objective(domain=((-5, 5), (-3, 3)), minima=((0, 0),), formula=r"x^2 + 2y^2")
def valley(x, y):
    """A valley that is straight along the axes, with curvatures 2 and 4."""
    return x**2 + 2 * y**2


@objective(
    domain=((-4, 5), (-4, 4)),
    minima=((80 / 63, -68 / 63),),
    formula=r"(x - 1)^2 + 4 (y + 1)^2 + xy/2",
)
def tilted_bowl(x, y):
    """A quadratic bowl whose axes are turned by its product term; its lowest value is -37/63."""
    return (x - 1) ** 2 + 4 * (y + 1) ** 2 + x * y / 2


@objective(
    domain=((-5, 5), (-5, 5)),
    minima=((-1, -1), (2 + np.sqrt(3) / 2, 2 + np.sqrt(3) / 2)),
    formula=r"((x + 1)^2 + (y + 1)^2) ((x - 3)^2 + (y - 3)^2 + 1)",
)
def two_wells(x, y):
    """Two wells: the deep one of value 0 and a shallow one of value 51.75 - 12 sqrt(3)."""
    return ((x + 1) ** 2 + (y + 1) ** 2) * ((x - 3) ** 2 + (y - 3) ** 2 + 1)


@objective(
    domain=((-6, 12),),
    minima=((7.269388146311475,), (-1.8256845786723395,)),
    formula=r"x \cos(0.15 \pi x)",
)
def wave(x):
    """A wave whose crests and troughs grow with the distance from 0."""
    return x * torch.cos(0.15 * torch.pi * x)
