"""Objectives whose gradient is noisy: drawn anew at each call, from a generator that you give.

Their draws belong to one process: they cannot be pickled, or each worker would draw the same.
"""

from dataclasses import replace as changed

import numpy as np
import torch

from helpers import checks
from helpers.objectives import Objective, chi_squared


def noisy(objective, deviation, rng):
    """An objective of the same values, whose gradient is off by a random tilt.

    Each call adds Gaussian noise of that standard deviation to each coordinate of the gradient,
    independently for each point. The tilt turns about the point: values alone do not show it.
    """
    checks.kind("objective", objective, Objective, "an Objective")
    deviation, rng = checks.number("deviation", deviation, low=0), _generator(rng)

    def function(*coordinates):
        value = objective.function(*coordinates)
        for c in coordinates:
            tilt = torch.as_tensor(deviation * rng.normal(size=tuple(value.shape)))
            value = value + tilt.to(value) * (c - c.detach())
        return value

    return _like(objective, function)


def mini_batches(model, x, y, batch, rng, *, domain, minima=(), replace=False):
    """The objective of a fit in parts: at each call the mean squared error of `batch` data.

    The other arguments are as for `chi_squared`. Shuffled data are dealt out until none is left,
    one epoch; its last batch may be smaller. With `replace` each batch is drawn from all data.
    Each point has batches of its own; when the shape of the points changes, an epoch begins.
    """
    x, y, rng = checks.array("x", x), checks.array("y", y), _generator(rng)
    whole = chi_squared(model, x, y, 1.0, domain, minima)
    checks.require(y.ndim == 1, "y", f"shape {x.shape}", y.shape)
    batch, replace = checks.count("batch", batch, high=len(x)), checks.kind("replace", replace)
    deck = np.empty((0, 0), dtype=int)

    def deal(shape):
        nonlocal deck
        if replace:
            return rng.integers(len(x), size=(*shape, batch))
        if deck.shape[:-1] != shape or deck.shape[-1] == 0:
            deck = rng.permuted(np.broadcast_to(np.arange(len(x)), (*shape, len(x))), axis=-1)
        rows, deck = deck[..., :batch], deck[..., batch:]
        return rows

    def function(*parameters):
        parameters = torch.broadcast_tensors(*parameters)
        rows = deal(tuple(parameters[0].shape))
        inputs, targets = (torch.from_numpy(data[rows]).to(parameters[0]) for data in (x, y))
        errors = targets - model(inputs, *(p[..., None] for p in parameters))
        return (errors**2).mean(dim=-1)

    return _like(whole, function)


def _generator(rng):
    return checks.kind("rng", rng, np.random.Generator, "a generator like np.random.default_rng(0)")


def _like(objective, function):
    function.__name__ = f"noisy {objective.name}"
    function.__signature__ = objective.__signature__
    return changed(objective, function=function)
