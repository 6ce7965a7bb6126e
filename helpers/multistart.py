"""From many starts: the same minimizer everywhere, here or on the workers of a cluster."""

from collections import Counter
from concurrent.futures import Executor, Future
from concurrent.futures import as_completed as completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process

import numpy as np
import torch
from tqdm import tqdm

from helpers import checks
from helpers.minimizers import MIXES_STARTS, descend
from helpers.paths import Path

# How many starts `descend` gets at once: what Adam keeps for them stays in a core's cache.
CHUNK = 16384


@dataclass(frozen=True, repr=False)
class Runs:
    """Where each start ended, at what value, after how many evaluations, and what went wrong.

    `ends` has the shape of the starts, (..., dimension); `values`, `evaluations` and `reasons`
    have shape (...). A run that failed is a row of nan whose reason says why; the reason of any
    other run is empty. A run that diverged did not fail: it ended at inf or nan.
    """

    ends: np.ndarray
    values: np.ndarray
    evaluations: np.ndarray
    reasons: np.ndarray

    def __repr__(self):
        lowest = np.fmin.reduce(self.values, axis=None)
        return f"Runs from {self.summary().splitlines()[0]}, lowest value {lowest:.5g}"

    @property
    def failed(self):
        """Which runs failed, of shape (...)."""
        return self.reasons != ""

    def summary(self):
        """One line for all runs, then one for each reason with the number of runs it stopped."""
        diverged = ~np.isfinite(self.values) & ~self.failed
        counts = f"{self.failed.sum()} failed, {diverged.sum()} diverged"
        reasons = Counter(self.reasons[self.failed].tolist()).most_common()
        lines = [f"{self.values.size} starts: {counts}", *(f"{n} x {why}" for why, n in reasons)]
        return "\n".join(lines)


def multistart(minimize, starts, *, chunk=None, executor=None, progress=False):
    """The Runs of a minimizer from every start; only their ends are kept.

    `minimize` is a function of a start, of shape (dimension,), that returns a Path, such as
    `partial(migrad, himmelblau)`; `starts` has shape (..., dimension). With `chunk` above 1 it
    also takes that many starts at once, of shape (n, dimension), and must keep them apart. By
    default that is 16384 for a partial of `descend` whose optimizer does so, and 1 for any other.

    `executor` is any concurrent.futures.Executor, such as a process pool or
    `Client.get_executor()` of Dask; without one the runs are made here. The ends depend neither
    on it nor on `chunk`. A start that raises loses no other: chunks that fail are halved and run
    again. A start that kills its worker loses its chunk on Dask, which for a black box is itself;
    in a process pool it breaks the pool, and all that was not finished is lost with it. When every
    start fails, ValueError tells the first reason. `progress` shows a bar while the runs are made.
    Torch uses one thread meanwhile, as a chunk is too small to share; executors share the chunks.
    """
    wanted = "a function of a start that returns a Path"
    checks.require(callable(minimize), "minimize", wanted, minimize, TypeError)
    needed = "None, one of concurrent.futures or Client.get_executor()"
    checks.kind("executor", executor, Executor | None, needed)
    starts = checks.array("starts", starts)
    good = starts.ndim > 1 and starts.size
    checks.require(good, "starts", "shape (..., dimension), one or more", starts.shape)
    rows = starts.reshape(-1, starts.shape[-1])
    if chunk is None:
        descends = isinstance(minimize, partial) and minimize.func is descend
        optimizer = minimize.keywords.get("optimizer") if descends else None
        apart = isinstance(optimizer, type) and not issubclass(optimizer, MIXES_STARTS)
        chunk = CHUNK if apart else 1
    chunk = checks.count("chunk", chunk)
    chunks = [range(len(rows))[first : first + chunk] for first in range(0, len(rows), chunk)]
    found = np.full((len(rows), rows.shape[-1] + 2), np.nan)
    reasons = np.full(len(rows), "", dtype=object)
    hidden, threads = not checks.kind("progress", progress), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tqdm(total=len(rows), unit="start", disable=hidden, leave=False) as bar:
            for indices, outcome in _outcomes(partial(_run, minimize), rows, chunks, executor):
                found[indices], reasons[indices] = outcome
                bar.update(len(indices))
    finally:
        torch.set_num_threads(threads)
    if reasons.all():
        raise ValueError(f"minimize: expected {wanted}, but all failed: {reasons[0]}")
    columns = (column.reshape(starts.shape[:-1]) for column in (*found.T[-2:], reasons))
    return Runs(found[:, :-2].reshape(starts.shape), *columns)


def _run(minimize, starts):
    """Rows of end, value and evaluations, and the reasons, of starts of shape (n, dimension)."""
    if parent_process():  # a worker process has settings of its own
        torch.set_num_threads(1)
    several = len(starts) > 1
    try:
        path = checks.kind("minimize", minimize(starts if several else starts[0]), Path, "a Path")
        ends, values = np.atleast_2d(path.end), np.atleast_1d(path.values[-1])
        good = ends.shape == starts.shape and values.shape == starts.shape[:1]
        checks.require(good, "minimize", f"a Path that ends at shape {starts.shape}", ends.shape)
        evaluations = np.full(len(starts), path.evaluations)
        return np.column_stack([ends, values, evaluations]), np.full(len(starts), "", dtype=object)
    except Exception as error:
        if not several:
            return _failure(starts.shape, error)
    halves = [_run(minimize, half) for half in np.array_split(starts, 2)]
    return tuple(np.concatenate(parts) for parts in zip(*halves, strict=True))


def _failure(shape, error):
    reason = f"{type(error).__name__}: {error}"
    return np.full((shape[0], shape[1] + 2), np.nan), np.full(shape[0], reason, dtype=object)


def _outcomes(run, rows, chunks, executor):
    """Pairs of a chunk's indices and what became of it, in the order in which they are ready."""
    if executor is None:
        for indices in chunks:
            yield indices, run(rows[indices])
        return
    futures = {_submit(executor, run, rows[indices]): indices for indices in chunks}
    try:
        for future in completed(futures):
            indices, error = futures[future], future.exception()
            yield indices, _failure(rows[indices].shape, error) if error else future.result()
    finally:
        for future in futures:
            future.cancel()


def _submit(executor, run, starts):
    try:
        return executor.submit(run, starts)
    except RuntimeError as error:  # of a pool that is broken or shut down
        future = Future()
        future.set_exception(error)
        return future
