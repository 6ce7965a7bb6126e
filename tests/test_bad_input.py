"""Nonsense for every argument of every public function: refused by name, or answered rightly."""

import importlib
import inspect
import math
import pkgutil
import re
import warnings
from functools import partial
from types import FunctionType

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn, optim

import helpers
from helpers import (
    derivatives,
    initialization,
    minimizers,
    noise,
    paths,
    plotting,
    tables,
    training,
)
from helpers.multistart import multistart
from helpers.objectives import Objective, chi_squared, himmelblau, objective
from helpers.paths import Path, Recorder

NONSENSE = {
    "None": None,
    "text": "abc",
    "a number as text": "1",
    "bytes": b"1",
    "an object": object(),
    "a class": dict,
    "another class": optim.Adam,
    "a module": math,
    "a function of nothing": lambda: None,
    "a function that returns text": lambda *_, **__: "abc",
    "a function that returns a number": lambda *_, **__: 1.0,
    "sine of one number": math.sin,
    "sine of an array": np.sin,
    "a sum": torch.sum,
    "an empty dict": {},
    "a dict": {"a": 1},
    "a set": {1, 2},
    "an empty list": [],
    "an empty array": np.zeros((0, 2)),
    "a ragged list": [[1.0, 2.0], [3.0]],
    "a list of text": ["a", "b"],
    "a list with None": [1.0, None],
    "a list of dicts": [{}, {}],
    "nan": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "nan in a list": [1.0, math.nan],
    "infinity in a tensor": torch.tensor([[1.0, math.inf]], dtype=torch.float64),
    "a complex number": 1 + 2j,
    "complex numbers": np.array([1 + 2j, 3]),
    "a complex tensor": torch.tensor([1 + 2j, 3]),
    "True": True,
    "truths": np.array([True, False]),
    "a tensor of truths": torch.tensor([True, False]),
    "dates": np.array(["2026-01-01"] * 2, dtype="datetime64[D]"),
    "minus one": -1,
    "zero": 0,
    "a half": 0.5,
    "a whole float": 1e3,
    "more than an integer of 64 bits": 10**30,
    "small integers": np.array([100, 120], dtype=np.int8),
    "a tensor of integers": torch.tensor([1, 2]),
    "a half of precision": np.array([0.5, 1.5], dtype=np.float16),
    "one number too many": [1.0, 2.0, 3.0],
    "three axes": np.ones((2, 3, 5)),
    "a sparse tensor": torch.eye(2).to_sparse(),
    "a layer": nn.ReLU(),
    "an objective of three": Objective(lambda x, y, z: x + y + z, ((0, 1),) * 3),
    "a path of many starts": Path(np.zeros((2, 3, 2)), np.zeros((2, 3)), 1, 0),
}
SINES = (np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin)
NETWORK = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).double()
PATH = minimizers.migrad(himmelblau, (0, 0))
DATA = np.array([1.0, 2.0, 4.0])
# The records that minimizers and tables make for the reader, who passes nothing to them.
RESULTS = {"Path", "Runs", "Table"}


def flat(values):
    """Real numbers of any kind in float64, by a way of our own."""
    numbers = torch.as_tensor(values)
    assert not numbers.is_complex() and numbers.dtype is not torch.bool, "no real numbers"
    return np.asarray(numbers.double().numpy())


def close(result, expected):
    result, expected = np.asarray(result, dtype=float), np.asarray(expected, dtype=float)
    if result.shape != np.shape(expected):
        return False
    finite = np.isfinite(expected)
    return np.allclose(result[finite], expected[finite]) and not np.isfinite(result[~finite]).any()


def value(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def slopes(x, y):
    return np.stack([4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7), 0 * x], -1) + np.stack(
        [0 * x, 2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7)], -1
    )


def curvatures(x, y):
    rows = (12 * x**2 + 4 * y - 42, 4 * (x + y)), (4 * (x + y), 4 * x + 12 * y**2 - 26)
    return np.stack([np.stack(row, -1) for row in rows], -1)


def at(formula, points):
    points = flat(points)
    return formula(points[..., 0], points[..., 1])


def right_derivative(result, function, x, order):
    if isinstance(function, nn.ReLU):
        return close(result, flat(x) > 0)
    return close(result, SINES[(order - 1) % 4](flat(x)))


def right_quotient(quotient):
    def right(result, function, x, step):
        f = np.sin if function in (torch.sin, np.sin) else lambda x: np.maximum(x, 0)
        x, h = np.broadcast_arrays(flat(x), flat(step))
        return close(result, quotient(f, x, h))

    return right


def right_objective(result, domain, minima=(), formula="", function=None):
    return close(result.domain, domain) and close(result.at([[1, 2]]), [value(1, 2)])


def decorated(**facts):
    return objective(**facts)(lambda x, y: himmelblau(x, y))


def evaluated(made):
    """An Objective is asked for a value: what its function does is seen then."""

    def function(**given):
        result = made(**given)
        result.at(np.ones((2, result.dimension)))
        return result

    return function


def right_chi_squared(result, model, x, y, error, domain, minima):
    by_hand = (((flat(y) - 0.5 * flat(x)) / flat(error)) ** 2).sum(axis=-1)
    point = 0.5 if flat(y).ndim == 1 else np.full(flat(y).shape[:-1], 0.5)
    return close(result(point), by_hand) and close(result.domain, domain)


def right_descent(result, objective, start, **settings):
    start, every, steps = flat(start), settings["every"], settings["steps"]
    kept = -(-steps // every) + 1
    slope = at(slopes, start)
    first = start - settings["lr"] * slope
    shape = result.points.shape == (kept, *start.shape)
    plain = steps == 1 and settings["optimizer"] is optim.SGD
    return shape and close(result.start, start) and (not plain or close(result.end, first))


def right_end(result, objective, start, **settings):
    inside = result.values[-1] <= at(value, start) + 1e-9
    return (
        inside and close(result.start, flat(start)) and close(result.values[-1], value(*result.end))
    )


def right_table(result, rows, digits):
    form = "{:.5g}" if digits == {} else digits
    return repr(result).split()[-1] == form.format(0.25)


def drawn(result, ax, **_):
    return bool(ax.lines or ax.collections)


def right_basins(result, ax, objective, basins):
    return (
        drawn(result, ax) and np.shape(basins)[0] > 1 and set(np.ravel(basins)) <= {-1, 0, 1, 2, 3}
    )


def right_signals(result, network, inputs, at_output=None):
    sizes = [signal.shape for signal in result]
    n = len(inputs)
    exact = close(result[0], inputs) if at_output is None else close(result[-1], at_output)
    return sizes == [(n, 2), (n, 3), (n, 1)] and exact


def right_runs(result, minimize, starts, **_):
    same = [minimize(start).end for start in flat(starts).reshape(-1, 2)]
    return close(result.ends, np.reshape(same, np.shape(starts)))


def right_spread(result, network):
    return len(result) == 2 and result[0]["fan_in"] == 2


def squared(answers, targets):
    return ((answers - targets) ** 2).mean(dim=(1, 2))


def right_training(result, networks, batches, loss, optimizer, rates):
    """Before the first step each network has the loss that it has alone, at every rate."""
    inputs, targets = batches[0]
    first = [loss(network(inputs)[None], targets).item() for network in networks]
    shape = (len(batches), len(networks), len(flat(rates)))
    return tuple(result.shape) == shape and all(close(r, first) for r in result[0].T)


def widths_of(result, widths, **_):
    return [layer.in_features for layer in result[::2]] == list(widths)[:-1]


def call(name):
    """A method by its class and name, as a function of its arguments alone."""

    def method(*given, **named):
        made = himmelblau if name.startswith("Objective") else Recorder(himmelblau)
        return getattr(made, name.partition(".")[2])(*given, **named)

    return method


def coordinates(name, right):
    # Each of two coordinates in turn is nonsense.
    return {
        f"{name} {which}": (
            lambda c, which=which: call(name)(*((c, 1.0) if which == "first" else (1.0, c))),
            {"c": 1.0},
            lambda result, c, which=which: right(result, *((c, 1.0), (1.0, c))[which != "first"]),
        )
        for which in ("first", "second")
    }


def right_value(result, x, y):
    return close(result, value(*np.broadcast_arrays(flat(x), flat(y))))


def right_slope(result, x, y):
    return close(result, slopes(*np.broadcast_arrays(flat(x), flat(y))))


def right_answer(result, x, y):
    return close(result.end, np.stack(np.broadcast_arrays(flat(x), flat(y)), axis=-1))


def right_noisy(result, objective, deviation, rng):
    middle = np.mean(result.domain, axis=1)
    return close(result.at(middle), objective.at(middle))


def right_batches(result, model, x, y, **others):
    """The mean squared error of a batch lies between the squared errors of single data."""
    lines = [torch.as_tensor(flat(x)), *torch.tensor([[1.0], [0.0]])]
    errors = (flat(y) - flat(model(*lines))) ** 2
    values = result.at([[1.0, 0.0]] * 3)
    return (values >= errors.min()).all() and (values <= errors.max()).all()


fan = {"fan_in": 10}
steps = {"objective": himmelblau, "start": (0.0, 0.0)}
difference = {"function": torch.sin, "x": [0.5, 1.0], "step": 1e-3}
facts = {"domain": ((-5, 5), (-5, 5)), "minima": ((3, 2),), "formula": "x"}
signal = {"signal": torch.tensor([[1.0, 3.0], [2.0, 5.0]])}
inputs = {"network": NETWORK, "inputs": np.ones((4, 2))}

# name: (what is called, good arguments, whether an answer is right for its arguments)
CASES = {
    "derivative": (
        derivatives.derivative,
        {"function": torch.sin, "x": [0.5, 1.0], "order": 1},
        right_derivative,
    ),
    "gradient": (
        derivatives.gradient,
        {"objective": himmelblau, "points": (1.0, 2.0)},
        lambda result, objective, points: close(result, at(slopes, points)),
    ),
    "hessian": (
        derivatives.hessian,
        {"objective": himmelblau, "points": (1.0, 2.0)},
        lambda result, objective, points: close(result, at(curvatures, points)),
    ),
    "forward_difference": (
        derivatives.forward_difference,
        difference,
        right_quotient(lambda f, x, h: (f(x + h) - f(x)) / h),
    ),
    "central_difference": (
        derivatives.central_difference,
        difference,
        right_quotient(lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h)),
    ),
    "complex_step": (
        derivatives.complex_step,
        difference,
        right_quotient(lambda f, x, h: np.cos(x) * np.sinh(h) / h),
    ),
    "Objective": (evaluated(Objective), {"function": himmelblau.function} | facts, right_objective),
    "objective": (evaluated(decorated), facts, right_objective),
    **coordinates("Objective.__call__", right_value),
    "Objective.at": (
        call("Objective.at"),
        {"points": (1.0, 2.0)},
        lambda result, points: close(result, at(value, points)),
    ),
    "Objective.grid": (
        call("Objective.grid"),
        {"count": 3},
        lambda result, count: result.shape == (count, count, 2),
    ),
    "Objective.sample": (
        call("Objective.sample"),
        {"count": 3, "rng": np.random.default_rng(0)},
        lambda result, count, rng: result.shape == (count, 2) and (abs(result) <= 5).all(),
    ),
    "Objective.nearest_minimum": (
        call("Objective.nearest_minimum"),
        {"points": (3.0, 2.0), "within": 0.1},
        lambda result, points, within: (
            result.shape == flat(points).shape[:-1]
            and bool((np.hypot(*(flat(points) - (3, 2)).T).T <= within).all())
            == (result == 0).all()
        ),
    ),
    "chi_squared": (
        evaluated(chi_squared),
        {"model": lambda x, a: a * x, "x": DATA, "y": DATA, "error": 0.1}
        | {"domain": ((0, 2),), "minima": ()},
        right_chi_squared,
    ),
    "Recorder": (
        Recorder,
        {"objective": himmelblau, "every": 1},
        lambda result, objective, every: (
            result.every == every and (objective is not himmelblau or result(1.0, 2.0) == 68)
        ),
    ),
    **coordinates("Recorder.__call__", right_value),
    **coordinates("Recorder.gradient", right_slope),
    **coordinates("Recorder.path", right_answer),
    "require_single_starts": (
        paths.require_single_starts,
        {"paths": {"Minuit": PATH}},
        lambda result, paths: False,
    ),
    "noisy": (
        evaluated(noise.noisy),
        {"objective": himmelblau, "deviation": 1.0, "rng": np.random.default_rng(0)},
        right_noisy,
    ),
    "mini_batches": (
        evaluated(noise.mini_batches),
        {"model": lambda x, a, b: a + b * x, "x": np.arange(4.0), "y": np.ones(4), "batch": 2}
        | {"rng": np.random.default_rng(0), "domain": ((-5, 5), (-5, 5))}
        | {"minima": (), "replace": False},
        right_batches,
    ),
    "descend": (
        minimizers.descend,
        steps | {"optimizer": optim.SGD, "steps": 1, "every": 1, "schedule": None, "lr": 0.01},
        right_descent,
    ),
    "migrad": (
        minimizers.migrad,
        steps | dict.fromkeys(("ncall", "strategy", "step", "tol"), None) | {"use_gradient": False},
        right_end,
    ),
    "scipy_minimize": (
        minimizers.scipy_minimize,
        steps | {"method": "BFGS", "use_gradient": False},
        right_end,
    ),
    "multistart": (
        multistart,
        {"minimize": partial(minimizers.migrad, himmelblau), "starts": [[0.0, 0.0], [1.0, 1.0]]}
        | {"chunk": None, "executor": None, "progress": False},
        right_runs,
    ),
    "seeded": (
        lambda seed: initialization.seeded(seed).__enter__(),
        {"seed": 0},
        lambda result, seed: torch.initial_seed() == seed,
    ),
    "default_variance": (
        initialization.default_variance,
        fan,
        lambda result, fan_in: close(result, 1 / (3 * flat(fan_in))),
    ),
    "xavier_variance": (
        initialization.xavier_variance,
        fan | {"fan_out": 5, "gain": 1.0},
        lambda result, fan_in, fan_out, gain: close(
            result, 2 * flat(gain) ** 2 / (flat(fan_in) + flat(fan_out))
        ),
    ),
    "he_variance": (
        initialization.he_variance,
        fan | {"gain": 1.0},
        lambda result, fan_in, gain: close(result, flat(gain) ** 2 / flat(fan_in)),
    ),
    "spread": (initialization.spread, {"network": NETWORK}, right_spread),
    "stack": (
        initialization.stack,
        {"widths": [2, 3], "activation": nn.ReLU, "initialize": nn.init.zeros_, "bias": True},
        widths_of,
    ),
    "forward_signal": (initialization.forward_signal, inputs, right_signals),
    "backward_signal": (
        initialization.backward_signal,
        inputs | {"at_output": np.ones((4, 1))},
        right_signals,
    ),
    "mean_square": (
        initialization.mean_square,
        signal,
        lambda result, signal: close(result, (flat(signal) ** 2).mean()),
    ),
    "variance_across_inputs": (
        initialization.variance_across_inputs,
        signal,
        lambda result, signal: close(result, flat(signal).var(axis=0).mean()),
    ),
    "train_together": (
        training.train_together,
        {"networks": [NETWORK], "batches": [(torch.ones(4, 2).double(), torch.ones(4, 1))]}
        | {"loss": squared, "optimizer": optim.SGD, "rates": [0.1]},
        right_training,
    ),
    "plot_objective": (
        plotting.plot_objective,
        {"ax": None, "objective": himmelblau, "domain": None, "count": 5, "levels": 3},
        drawn,
    ),
    "plot_path": (plotting.plot_path, {"ax": None, "path": PATH}, drawn),
    "plot_values": (
        plotting.plot_values,
        {"ax": None, "paths": {"Minuit": PATH}, "best": 0},
        drawn,
    ),
    "plot_basins": (
        plotting.plot_basins,
        {"ax": None, "objective": himmelblau, "basins": np.zeros((3, 3), dtype=int)},
        right_basins,
    ),
    "table": (tables.table, {"rows": [{"a": 0.25}], "digits": "{:.3f}"}, right_table),
    "compare": (tables.compare, {"paths": {"Minuit": PATH}}, lambda result, paths: False),
}
# Where None is no nonsense, but the default.
OPTIONAL = {"schedule", "ncall", "strategy", "step", "tol", "chunk", "executor", "initialize"}
OPTIONAL |= {"domain"}
# What an error may call an argument: coordinates have one name for all.
# A function, an objective and points or a domain of other dimensions do not fit each other.
ALSO = {"c": "coordinates|answer", "lr": "settings", "x": "y", "starts": "minimize"}
ALSO |= {"objective": "points|start", "function": "coordinates|domain", "model": "domain"}
ALSO |= dict.fromkeys(("schedule", "activation", "initialize", "loss"), "coordinates")


def public_functions():
    """Names of functions, classes and methods that a reader can import, but no Objectives."""
    for module in pkgutil.iter_modules(helpers.__path__):
        home = importlib.import_module(f"helpers.{module.name}")
        for name, thing in vars(home).items():
            here = getattr(thing, "__module__", "") == home.__name__
            if name.startswith("_") or not here or not isinstance(thing, FunctionType | type):
                continue
            yield module.name, name
            if name in ("Objective", "Recorder"):
                for method, function in vars(thing).items():
                    if isinstance(function, FunctionType) and not method.startswith("_"):
                        yield module.name, f"{name}.{method}"


def test_every_public_function_and_each_of_its_arguments_is_tried():
    tried = {name.split()[0] for name in CASES}
    names = {name for module, name in public_functions() if module != "checks"}
    assert names - RESULTS == tried - {"Objective.__call__", "Recorder.__call__"}
    for name, (function, good, _) in CASES.items():
        if callable(getattr(function, "__wrapped__", function)) and function.__module__ != __name__:
            # The signature of an Objective itself is that of its function.
            own = function.__init__ if isinstance(function, type) else function
            parameters = inspect.signature(own).parameters.values()
            assert {p.name for p in parameters if p.kind is not p.VAR_KEYWORD} - {"self"} <= set(
                good
            ), name


def test_there_are_at_least_two_thousand_bad_inputs():
    assert sum(len(good) for _, good, _ in CASES.values()) * len(NONSENSE) >= 2000


@pytest.fixture(scope="module")
def ax():
    fig, ax = plt.subplots(figsize=(1, 1))
    yield ax
    plt.close(fig)


def outcome(function, right, given, argument):
    """What is wrong with what comes back, or None."""
    try:
        # What a reader would see as a warning is no answer.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = function(**given)
    except (TypeError, ValueError) as error:
        known = rf"[\w, ]*\b({argument}|{ALSO.get(argument, argument)})\b[\w, ]*: "
        return None if re.match(known, str(error)) else f"does not name it: {error!r}"
    except Exception as error:
        return f"raises {type(error).__name__}: {error}"
    try:
        with np.errstate(all="ignore"):
            return None if right(result, **given) else f"wrong: {result!r}"
    except Exception as error:
        return f"wrong: {result!r} ({type(error).__name__}: {error})"


@pytest.mark.parametrize("name", CASES)
def test_good_input_is_answered_rightly(name, ax):
    function, good, right = CASES[name]
    ax.clear()
    given = good | ({"ax": ax} if "ax" in good else {})
    result = function(**given)
    if name not in ("require_single_starts", "compare"):
        assert right(result, **given)


@pytest.mark.parametrize("name", CASES)
def test_nonsense_is_refused_by_name_or_answered_rightly(name, ax):
    function, good, right = CASES[name]
    wrong = {}
    for argument in good:
        for what, nonsense in NONSENSE.items():
            if nonsense is None and argument in OPTIONAL:
                continue
            given = good | ({"ax": ax} if "ax" in good else {}) | {argument: nonsense}
            if "ax" in good:
                ax.clear()
            found = outcome(function, right, given, argument)
            if found:
                wrong[f"{argument} = {what}"] = found
    assert not wrong, "\n".join(f"{name}: {case}: {found}" for case, found in wrong.items())
