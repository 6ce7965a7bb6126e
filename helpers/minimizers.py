"""How: minimizers of three libraries behind one call, (objective, start) -> Path."""

from inspect import signature

import numpy as np
import torch
from iminuit import Minuit
from scipy import optimize

from helpers import checks
from helpers.objectives import Objective
from helpers.paths import Recorder

# Optimizers whose step for one parameter depends on the others: one start at a time.
MIXES_STARTS = (torch.optim.LBFGS, torch.optim.Adafactor)

CANNOT_PLAY = {
    torch.optim.Muon: "it takes matrices only",
    torch.optim.SparseAdam: "it takes sparse gradients only",
}
"""Optimizers of torch.optim that have no use for a point, and why."""


def descend(objective, start, optimizer, *, steps, every=1, schedule=None, **settings):
    """The Path of an optimizer from torch.optim, in float64, from one start or many at once.

    `start` has shape (..., dimension) and `settings` (lr, betas, ...) go to the optimizer. The
    path keeps every `every`-th evaluation, then the answer after `steps` steps. `schedule` makes
    a scheduler of torch.optim.lr_scheduler from an optimizer; it advances after each step. A run
    that diverges returns a path with inf or nan. LBFGS and Adafactor mix many starts, and take one.
    NAdam and ASGD keep float32 numbers of their own inside torch, which costs a few digits.
    """
    start = _start(objective, start)
    _check_optimizer(optimizer, settings, many=start.ndim > 1)
    # One leaf for each coordinate: contiguous memory, and rows that never meet.
    leaves = [torch.tensor(start[..., i], requires_grad=True) for i in range(objective.dimension)]
    wanted = f"those that {optimizer.__name__} takes, not {settings}"
    stepper = checks.called("settings", wanted, optimizer, leaves, **settings)
    if schedule is not None:
        wanted = "a function that makes a scheduler of torch.optim.lr_scheduler from an optimizer"
        scheduler = checks.called("schedule", wanted, schedule, stepper)
        plateau = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
        good = getattr(scheduler, "optimizer", None) is stepper and not plateau
        checks.require(good, "schedule", wanted, schedule)
    recorder = Recorder(objective, every)

    def closure():
        total = recorder(*leaves).sum()
        recorder.gradients += 1
        gradients = torch.autograd.grad(total, leaves, materialize_grads=True)
        for leaf, slope in zip(leaves, gradients, strict=True):
            leaf.grad = slope
        return total.detach()

    for _ in range(checks.count("steps", steps)):
        stepper.step(closure)
        if schedule:
            scheduler.step()
    return recorder.path(*leaves)


def migrad(objective, start, *, use_gradient=False, ncall=None, strategy=None, step=None, tol=None):
    """The Path of Minuit's MIGRAD from one start of shape (dimension,).

    With `use_gradient` Minuit gets autograd's gradient and need not probe for it. `ncall` is
    about how many calls it may make. What is None is left to Minuit: `strategy`, 0 to 2, its care
    with derivatives (1); `step`, its first step, one for all coordinates or one for each (a
    hundredth of the start, 0.1 at 0); `tol` (0.1): it stops when it expects to gain less than
    0.002 tol errordef, with errordef 1. For errors ask `Minuit(objective, *start)` itself.
    """
    start, recorder = _start(objective, start, single=True), Recorder(objective)
    with_gradient = recorder.gradient if checks.kind("use_gradient", use_gradient) else None
    minuit = Minuit(recorder, *start, grad=with_gradient)
    if strategy is not None:
        minuit.strategy = checks.count("strategy", strategy, low=0, high=2)
    if step is not None:
        steps = checks.array("step", step)
        good = steps.shape in ((), start.shape) and (steps > 0).all()
        checks.require(good, "step", f"one positive number, or {len(start)}", step)
        minuit.errors = np.broadcast_to(steps, start.shape)
    if tol is not None:
        minuit.tol = checks.number("tol", tol, positive=True)
    minuit.migrad(ncall=None if ncall is None else checks.count("ncall", ncall))
    return recorder.path(*minuit.values)


def scipy_minimize(objective, start, method, *, use_gradient=False, **options):
    """The Path of a method of scipy.optimize.minimize from one start of shape (dimension,).

    With `use_gradient` it gets autograd's gradient. `options` are those of the method, such as
    `gtol` of BFGS; what scipy.optimize.minimize takes beside them, such as bounds, is refused.
    """
    start, recorder = _start(objective, start, single=True), Recorder(objective)
    wanted = "one of scipy.optimize.minimize"
    checks.require(isinstance(method, str) and method, "method", wanted, method)
    checks.called("method", wanted, optimize.show_options, "minimize", method, disp=False)
    for name in options:
        other = name in signature(optimize.minimize).parameters
        checks.require(not other, name, f"an option of {method}", options[name], TypeError)
    settings = {"method": method, "options": options}
    if checks.kind("use_gradient", use_gradient):
        settings["jac"] = lambda point: recorder.gradient(*point)
    wanted, fun = f"some with which {method} runs, not {options}", lambda point: recorder(*point)
    result = checks.called("options", wanted, optimize.minimize, fun, start, **settings)
    return recorder.path(*result.x)


def _start(objective, start, single=False):
    checks.kind("objective", objective, Objective, "an Objective")
    return checks.points("start", checks.array("start", start), objective.dimension, single)


def _check_optimizer(optimizer, settings, many):
    good = isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)
    checks.require(good, "optimizer", "a class like torch.optim.Adam", optimizer, TypeError)
    name, known = optimizer.__name__, signature(optimizer).parameters
    if optimizer in CANNOT_PLAY:
        raise ValueError(f"optimizer: {name} cannot play: {CANNOT_PLAY[optimizer]}")
    if many and issubclass(optimizer, MIXES_STARTS):
        raise ValueError(f"optimizer: {name} mixes starts, expected one start at a time")
    for key, value in settings.items():
        checks.require(key in known, key, f"a setting of {name}", value, TypeError)
        if isinstance(known[key].default, bool):
            checks.kind(key, value)
        elif isinstance(known[key].default, int | float):
            checks.number(key, value)
