"""From many starts: the same minimizer everywhere, here or on the workers of a cluster."""

import warnings
from collections import Counter, deque
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures import as_completed as completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from inspect import signature
from itertools import chain
from multiprocessing import parent_process

import numpy as np
import torch
from tqdm import TqdmWarning

from helpers.minimizers import MIXES_STARTS, descend
from helpers.objectives import finite_array, require_positive_integer

with warnings.catch_warnings():
    # A notebook without ipywidgets gets its bar as text, and needs no warning about it.
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm

CHUNK = 16384
"""How many starts `descend` gets at once: what Adam keeps for them stays in a core's cache."""


@dataclass(frozen=True)
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

    @property
    def failed(self):
        """Which runs failed, of shape (...)."""
        return self.reasons != ""

    def summary(self):
        """One line for all runs, then one for each reason with the number of runs it stopped."""
        diverged = ~np.isfinite(self.values) & ~self.failed
        counts = f"{self.failed.sum()} failed, {diverged.sum()} diverged"
        reasons = Counter(self.reasons[self.failed].tolist()).most_common()
        return "\n".join(
            [f"{self.values.size} starts: {counts}", *(f"{n} x {why}" for why, n in reasons)]
        )


def multistart(minimize, starts, *, chunk=None, executor=None, progress=False):
    """The Runs of a minimizer from every start; only their ends are kept.

    `minimize` is a function of a start, of shape (dimension,), that returns a Path, such as
    `partial(migrad, himmelblau)`; `starts` has shape (..., dimension). With `chunk` above 1 it
    also takes that many starts at once, of shape (n, dimension), and must keep them apart. By
    default that is 16384 for a partial of `descend` whose optimizer does so, and 1 for any other.

    `executor` is anything with the interface of concurrent.futures, such as a process pool or
    `Client.get_executor()` of Dask; without one the runs are made here. The ends depend neither
    on it nor on `chunk`. A start that raises loses no other, and neither does one that kills its
    worker in a process pool: chunks that fail are halved and run again. On Dask a start that kills
    its worker loses its chunk, which for a black box is itself. `progress` shows a bar while the
    runs are made. Torch uses one thread meanwhile, as a chunk is too small to share; executors
    share the chunks.

    Raises TypeError or ValueError for a `minimize` that cannot be called, for `starts` of a wrong
    kind, shape or value, for a `chunk` below 1 and for an `executor` without `submit`.
    """
    if not callable(minimize):
        raise TypeError(f"minimize: expected a function of a start, got {minimize!r}")
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor: expected one with a method submit, got {executor!r}")
    starts = _checked_starts(starts)
    rows = starts.reshape(-1, starts.shape[-1])
    if chunk is None:
        chunk = CHUNK if _keeps_starts_apart(minimize) else 1
    require_positive_integer("chunk", chunk)
    chunks = [range(len(rows))[first : first + chunk] for first in range(0, len(rows), chunk)]
    found = np.full((len(rows), rows.shape[-1] + 2), np.nan)
    reasons = np.full(len(rows), "", dtype=object)
    show = partial(tqdm, total=len(rows), unit="start", disable=not progress, leave=False)
    with _one_thread(), show() as bar:
        for indices, outcome in _outcomes(partial(_run, minimize), rows, chunks, executor):
            found[indices], reasons[indices] = outcome
            bar.update(len(indices))
    shape = starts.shape[:-1]
    return Runs(
        found[:, :-2].reshape(starts.shape),
        found[:, -2].reshape(shape),
        found[:, -1].reshape(shape),
        reasons.reshape(shape),
    )


@contextmanager
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _checked_starts(starts):
    starts = finite_array("starts", starts)
    if starts.ndim < 2 or starts.size == 0:
        expected = "starts: expected shape (..., dimension) with one start or more"
        raise ValueError(f"{expected}, got {starts.shape}")
    return starts


def _keeps_starts_apart(minimize):
    if not isinstance(minimize, partial) or minimize.func is not descend:
        return False
    given = signature(descend).bind_partial(*minimize.args, **minimize.keywords).arguments
    optimizer = given.get("optimizer")
    return isinstance(optimizer, type) and not issubclass(optimizer, MIXES_STARTS)


def _run(minimize, starts):
    """Rows of end, value and evaluations, and the reasons, of starts of shape (n, dimension)."""
    if parent_process():  # a worker process has settings of its own
        torch.set_num_threads(1)
    several = len(starts) > 1
    try:
        path = minimize(starts if several else starts[0])
        ends, values = np.atleast_2d(path.end), np.atleast_1d(path.values[-1])
        if ends.shape != starts.shape or values.shape != starts.shape[:1]:
            expected = f"minimize: expected a Path that ends at shape {starts.shape}"
            raise ValueError(f"{expected}, got {ends.shape}")
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
    lost = deque()
    try:
        for future in completed(futures):
            indices = futures[future]
            if isinstance(future.exception(), BrokenExecutor):
                lost.append(indices)
            else:
                yield indices, _outcome(future, rows[indices])
    finally:
        for future in futures:
            future.cancel()
    if lost:
        yield from _rescued(run, rows, lost, executor)


def _submit(executor, run, starts):
    try:
        return executor.submit(run, starts)
    except BrokenExecutor as error:
        future = Future()
        future.set_exception(error)
        return future


def _outcome(future, starts):
    error = future.exception()
    return _failure(starts.shape, error) if error else future.result()


def _rescued(run, rows, lost, executor):
    """Pairs like those of `_outcomes`, of the chunks that a broken pool has lost.

    Each worker is now a pool of its own with one chunk at a time, so that a death names its chunk.
    """
    # Both are private but old: the kind of processes that the broken pool had, and their number.
    renew = partial(ProcessPoolExecutor, 1, mp_context=getattr(executor, "_mp_context", None))
    workers = min(getattr(executor, "_max_workers", 1), len(lost))

    def serve(_):
        outcomes, pool = [], renew()
        while lost:
            try:
                indices = lost.popleft()
            except IndexError:
                break  # another worker took the last one
            future = _submit(pool, run, rows[indices])
            if isinstance(future.exception(), BrokenExecutor):
                pool.shutdown()
                pool = renew()
                if len(indices) > 1:
                    half = len(indices) // 2
                    lost.extend([indices[:half], indices[half:]])
                    continue
            outcomes.append((indices, _outcome(future, rows[indices])))
        pool.shutdown()
        return outcomes

    with ThreadPoolExecutor(workers) as threads:
        yield from chain.from_iterable(threads.map(serve, range(workers)))
