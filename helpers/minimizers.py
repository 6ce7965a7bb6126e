"""How: minimizers of three libraries behind one call, (objective, start) -> Path."""

import torch
from iminuit import Minuit
from scipy import optimize

from helpers.objectives import finite_array, require_positive_integer
from helpers.paths import Recorder

MIXES_STARTS = (torch.optim.LBFGS, torch.optim.Adafactor)
"""Optimizers whose step for one parameter depends on the others: one start at a time."""

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
    that diverges returns a path with inf or nan.

    Raises TypeError or ValueError for a start of a wrong kind, shape or value, for `steps` or
    `every` below 1, for an optimizer that cannot play, and for one that mixes many starts.
    """
    start = _checked_start(objective, start)
    require_positive_integer("steps", steps)
    _check_optimizer(optimizer, many=start.ndim > 1)
    # One leaf for each coordinate: contiguous memory, and rows that never meet.
    leaves = [torch.tensor(start[..., i], requires_grad=True) for i in range(objective.dimension)]
    stepper = optimizer(leaves, **settings)
    scheduler = schedule(stepper) if schedule else None
    recorder = Recorder(objective, every)

    def closure():
        total = recorder(*leaves).sum()
        recorder.gradients += 1
        gradients = torch.autograd.grad(total, leaves)
        for leaf, slope in zip(leaves, gradients, strict=True):
            leaf.grad = slope
        return total.detach()

    for _ in range(steps):
        stepper.step(closure)
        if scheduler:
            scheduler.step()
    return recorder.path(*leaves)


def migrad(objective, start, *, use_gradient=False, ncall=None):
    """The Path of Minuit's MIGRAD from one start of shape (dimension,).

    With `use_gradient` Minuit gets autograd's gradient and need not probe for it. `ncall` limits
    the calls. Raises TypeError or ValueError for a start of a wrong kind, shape or value.
    """
    recorder = Recorder(objective)
    minuit = Minuit(
        recorder,
        *_checked_start(objective, start, many=False),
        grad=recorder.gradient if use_gradient else None,
    )
    minuit.migrad(ncall=ncall)
    return recorder.path(*minuit.values)


def scipy_minimize(objective, start, method, *, use_gradient=False, **options):
    """The Path of a method of scipy.optimize.minimize from one start of shape (dimension,).

    With `use_gradient` it gets autograd's gradient; `options` are those of the method. Raises
    TypeError or ValueError for an unknown method and for a start of a wrong kind, shape or value.
    """
    start = _checked_start(objective, start, many=False)
    _check_method(method)
    recorder = Recorder(objective)
    result = optimize.minimize(
        lambda point: recorder(*point),
        start,
        method=method,
        jac=(lambda point: recorder.gradient(*point)) if use_gradient else None,
        options=options,
    )
    return recorder.path(*result.x)


def _checked_start(objective, start, many=True):
    start = finite_array("start", start)
    shape = f"{'(..., ' if many else '('}{objective.dimension}{')' if many else ',)'}"
    if start.ndim == 0 or start.shape[-1] != objective.dimension or (start.ndim > 1 and not many):
        raise ValueError(f"start: expected shape {shape}, got {start.shape}")
    return start


def _check_optimizer(optimizer, many):
    if not (isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)):
        raise TypeError(f"optimizer: expected a class like torch.optim.Adam, got {optimizer!r}")
    if optimizer in CANNOT_PLAY:
        raise ValueError(f"optimizer: {optimizer.__name__} cannot play: {CANNOT_PLAY[optimizer]}")
    if many and issubclass(optimizer, MIXES_STARTS):
        message = f"optimizer: {optimizer.__name__} mixes starts, expected one start at a time"
        raise ValueError(message)


def _check_method(method):
    try:
        known = bool(method) and optimize.show_options("minimize", method, disp=False)
    except (ValueError, AttributeError):
        known = False
    if not known:
        raise ValueError(f"method: expected one of scipy.optimize.minimize, got {method!r}")
