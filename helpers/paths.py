"""What happened: where a minimizer evaluated the objective, and then its answer."""

from dataclasses import dataclass

import numpy as np
import torch

from helpers import checks
from helpers.derivatives import gradient
from helpers.objectives import Objective


@dataclass(frozen=True, repr=False)
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

    def __repr__(self):
        cost = f"Path of {self.evaluations} evaluations and {self.gradients} gradients"
        if self.points.ndim > 2:
            return f"{cost} from each of {self.values[0].size} starts"
        start, end = (", ".join(f"{x:.5g}" for x in point) for point in (self.start, self.end))
        return f"{cost}\nfrom ({start}) to ({end}), value {self.values[-1]:.5g}"

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
        self.objective = checks.kind("objective", objective, Objective, "an Objective")
        self.every = checks.count("every", every)
        self.evaluations, self.gradients = 0, 0
        self._points, self._values = [], []

    def __call__(self, *coordinates):
        """The value of the objective at coordinates given one by one."""
        values = self.objective(*coordinates)
        if self.evaluations % self.every == 0:
            self._points.append(_point(coordinates))
            self._values.append(_array(values))
        self.evaluations += 1
        return values

    def gradient(self, *coordinates):
        """The gradient of the objective at one point, as Minuit asks for it: (dimension,)."""
        self.gradients += 1
        return gradient(self.objective, checks.array("coordinates", coordinates, False))

    @property
    def __signature__(self):
        return self.objective.__signature__

    def path(self, *answer):
        """The Path that ends at this answer, whose own evaluation is not counted.

        The answer is given like a call: one number, array or tensor per coordinate.
        """
        arrays = [checks.array("answer", c, finite=False) for c in answer]
        shapes = {array.shape for array in arrays} | {p.shape[:-1] for p in self._points[:1]}
        checks.require(len(shapes) == 1, "answer", "the shape of the calls", shapes)
        end = np.stack(arrays, axis=-1)
        points, values = [*self._points, end], [*self._values, np.asarray(self.objective.at(end))]
        counts = (self.evaluations, self.gradients, self.every)
        return Path(np.stack(points), np.stack(values), *counts)


def require_single_starts(paths):
    """Raise TypeError or ValueError unless the paths are a dict from label to path of one start."""
    wanted = "a dict from label to Path, of one start each"
    checks.require(checks.kind("paths", paths, dict, wanted), "paths", wanted, paths)
    for path in paths.values():
        checks.kind("paths", path, Path, wanted)
        checks.require(path.points.ndim == 2, "paths", wanted, path)


def _point(coordinates):
    return np.stack(np.broadcast_arrays(*(_array(c) for c in coordinates)), axis=-1)


def _array(values):
    numbers = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values
    return np.array(numbers, dtype=float)
