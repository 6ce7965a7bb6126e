"""What happened: where a minimizer evaluated the objective, and then its answer."""

from dataclasses import dataclass

import numpy as np
import torch

from helpers.derivatives import gradient
from helpers.objectives import require_positive_integer


@dataclass(frozen=True)
class Path:
    """The points at which an objective was evaluated, then the answer; the values at all of them.

    `points` has shape (k, ..., dimension) and `values` (k, ...). `evaluations` and `gradients`
    count what one start cost: calls of the objective, and calls of its gradient. Of the
    evaluations every `every`-th is kept.
    """

    points: np.ndarray
    values: np.ndarray
    evaluations: int
    gradients: int
    every: int = 1

    @property
    def calls(self):
        """How many evaluations came before each of the points, of shape (k,)."""
        return np.append(np.arange(0, self.evaluations, self.every), self.evaluations)

    @property
    def start(self):
        """The first point of each start, of shape (..., dimension)."""
        return self.points[0]

    @property
    def end(self):
        """The answer for each start, of shape (..., dimension)."""
        return self.points[-1]


class Recorder:
    """An objective that remembers where it was evaluated; give it to any minimizer.

    Of all evaluations it keeps every `every`-th, beginning with the first. Several starts at
    once count as one evaluation: the record has one row for all of them.
    """

    def __init__(self, objective, every=1):
        require_positive_integer("every", every)
        self.objective = objective
        self.every = every
        self.evaluations = 0
        self.gradients = 0
        self._points = []
        self._values = []

    def __call__(self, *coordinates):
        """The value of the objective at coordinates given one by one."""
        values = self.objective(*coordinates)
        if self.evaluations % self.every == 0:
            self._keep(coordinates, values)
        self.evaluations += 1
        return values

    def gradient(self, *coordinates):
        """The gradient of the objective at one point, as Minuit asks for it: (dimension,)."""
        self.gradients += 1
        return gradient(self.objective, np.array(coordinates))

    @property
    def __signature__(self):
        return self.objective.__signature__

    def path(self, *answer):
        """The Path that ends at this answer, whose own evaluation is not counted.

        The answer is given like a call: one number, array or tensor per coordinate.
        """
        points, values = self._points.copy(), self._values.copy()
        points.append(_point(answer))
        values.append(np.asarray(self.objective.at(points[-1])))
        return Path(
            np.stack(points), np.stack(values), self.evaluations, self.gradients, self.every
        )

    def _keep(self, coordinates, values):
        self._points.append(_point(coordinates))
        self._values.append(_array(values))


def require_single_starts(paths):
    """Raise a ValueError if a path of a dict from label to path holds more than one start."""
    for label, path in paths.items():
        if path.points.ndim != 2:
            message = f"paths: expected one start each, got {path.points.shape[1:-1]} of {label!r}"
            raise ValueError(message)


def _array(values):
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    return np.array(values, dtype=float)


def _point(coordinates):
    return np.stack([_array(c) for c in coordinates], axis=-1)
