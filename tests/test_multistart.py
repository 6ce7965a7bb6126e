import os
import pathlib
import pickle
import re
import tracemalloc
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_all_start_methods, get_context

import numpy as np
import pytest
import torch
from torch import optim

from helpers.minimizers import descend, migrad, scipy_minimize
from helpers.multistart import multistart
from helpers.objectives import Objective, chi_squared, himmelblau, objective, two_wells, wave
from helpers.paths import Path

STARTS = himmelblau.sample(23, np.random.default_rng(0))
RIGHT = STARTS[:, 0] > 4
PROCESSES = get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
PROCESSES.set_forkserver_preload(["helpers.multistart"])
adam = partial(descend, himmelblau, optimizer=optim.Adam, steps=30, every=30, lr=0.1)
MINIMIZERS = {
    "Adam": adam,
    "SGD": partial(descend, himmelblau, optimizer=optim.SGD, steps=30, every=30, lr=0.01),
    "LBFGS": partial(descend, himmelblau, optimizer=optim.LBFGS, steps=2, every=2, lr=0.5),
    "MIGRAD": partial(migrad, himmelblau),
    "Nelder-Mead": partial(scipy_minimize, himmelblau, method="Nelder-Mead"),
}
each_minimizer = pytest.mark.parametrize("minimize", MINIMIZERS.values(), ids=MINIMIZERS)


def halve(start):
    """The plainest minimizer: one step, half of the way to 0."""
    points = np.stack([start, start / 2])
    return Path(points, himmelblau.at(points), evaluations=1, gradients=0)


def halve_or_raise(start):
    if (start[..., 0] > 4).any():
        raise ArithmeticError("x is above 4")
    return halve(start)


def halve_or_die(start):
    if (start[..., 0] > 4).any():
        os._exit(1)
    return halve(start)


@objective(domain=((-1.0, 1.0),), minima=((0.0,),), formula="x^4")
def quartic(x):
    return x**4


def line(x, slope):
    return slope * x


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=PROCESSES) as pool:
        yield pool


@pytest.fixture(scope="module")
def dask():
    # Not at the top: each worker process of other tests imports this module.
    distributed = pytest.importorskip("dask.distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": False}
    with (
        distributed.LocalCluster(**settings, dashboard_address=":0", silence_logs=False) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as pool,
    ):
        yield pool


@pytest.fixture(params=["threads", "processes", "dask"])
def executor(request):
    return request.getfixturevalue(request.param)


def assert_same(runs, others):
    assert np.array_equal(runs.ends, others.ends, equal_nan=True)
    assert np.array_equal(runs.values, others.values, equal_nan=True)
    assert np.array_equal(runs.evaluations, others.evaluations, equal_nan=True)
    assert np.array_equal(runs.reasons, others.reasons)


@each_minimizer
def test_runs_are_those_of_single_starts(minimize):
    runs, alone = multistart(minimize, STARTS), [minimize(start) for start in STARTS]
    assert np.array_equal(runs.ends, [path.end for path in alone])
    assert np.array_equal(runs.values, [path.values[-1] for path in alone])
    assert np.array_equal(runs.evaluations, [path.evaluations for path in alone])
    assert not runs.failed.any()


@each_minimizer
def test_a_permutation_of_the_starts_permutes_the_runs(minimize):
    order = np.random.default_rng(1).permutation(len(STARTS))
    runs, permuted = multistart(minimize, STARTS), multistart(minimize, STARTS[order])
    assert np.array_equal(permuted.ends, runs.ends[order])
    assert np.array_equal(permuted.values, runs.values[order])


@pytest.mark.parametrize("chunk", [1, 2, 7, 22, 23, 1000])
@pytest.mark.parametrize("target", [himmelblau, wave], ids=lambda target: target.name)
def test_the_chunk_does_not_matter(target, chunk):
    starts = target.sample(23, np.random.default_rng(2))
    minimize = partial(descend, target, optimizer=optim.Adam, steps=30, every=30, lr=0.1)
    assert_same(multistart(minimize, starts, chunk=chunk), multistart(minimize, starts))


@pytest.mark.parametrize("chunk", [1, 5])
def test_the_executor_does_not_matter(executor, chunk):
    assert_same(
        multistart(adam, STARTS, executor=executor, chunk=chunk),
        multistart(adam, STARTS),
    )


def test_a_black_box_runs_on_every_executor(executor):
    minimize = MINIMIZERS["MIGRAD"]
    assert_same(multistart(minimize, STARTS, executor=executor), multistart(minimize, STARTS))


@pytest.mark.parametrize("chunk", [1, 8])
def test_a_start_that_raises_loses_no_other(executor, chunk):
    runs = multistart(halve_or_raise, STARTS, executor=executor, chunk=chunk)
    assert np.array_equal(runs.failed, RIGHT) and RIGHT.sum() == 2
    assert set(runs.reasons[RIGHT]) == {"ArithmeticError: x is above 4"}
    assert np.isnan(runs.ends[RIGHT]).all() and np.isnan(runs.values[RIGHT]).all()
    assert np.isnan(runs.evaluations[RIGHT]).all()
    assert np.array_equal(runs.ends[~RIGHT], STARTS[~RIGHT] / 2)


def test_a_worker_that_dies_takes_what_its_pool_had_not_finished():
    with ProcessPoolExecutor(1, mp_context=PROCESSES) as pool:
        runs = multistart(halve_or_die, STARTS, executor=pool)
    first = np.flatnonzero(RIGHT)[0]
    assert runs.failed[first:].all()
    assert all(reason.startswith("BrokenProcessPool: ") for reason in runs.reasons[runs.failed])
    assert np.array_equal(runs.ends[~runs.failed], STARTS[~runs.failed] / 2)


@pytest.mark.deep
def test_a_dask_worker_that_dies_loses_only_its_start():
    distributed = pytest.importorskip("dask.distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(**settings, silence_logs="CRITICAL") as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as pool,
    ):
        runs = multistart(halve_or_die, STARTS[:18], executor=pool)
    assert np.flatnonzero(runs.failed) == np.flatnonzero(RIGHT)[:1]
    assert runs.reasons[runs.failed][0].startswith("KilledWorker: ")
    assert np.array_equal(runs.ends[~runs.failed], STARTS[:18][~runs.failed] / 2)


def test_when_every_start_fails_the_first_reason_is_raised(processes):
    with pytest.raises(ValueError, match="minimize: .* all failed: .*ickl"):  # not to be pickled
        multistart(lambda start: halve(start), STARTS[:3], executor=processes)
    with pytest.raises(ValueError, match="minimize: .* all failed: TypeError: migrad.* 'start'"):
        multistart(migrad, himmelblau.grid(2))
    with ProcessPoolExecutor(1, mp_context=PROCESSES) as pool:
        assert isinstance(pool.submit(os._exit, 1).exception(), BrokenExecutor)
        with pytest.raises(ValueError, match="minimize: .* all failed: BrokenProcessPool"):
            multistart(halve, STARTS[:3], executor=pool)


def test_a_start_may_be_a_point_of_a_grid():
    runs = multistart(adam, himmelblau.grid(4))
    assert runs.ends.shape == (4, 4, 2)
    assert runs.values.shape == runs.evaluations.shape == runs.reasons.shape == (4, 4)
    assert np.array_equal(runs.ends, adam(himmelblau.grid(4)).end)
    assert_same(runs, multistart(adam, torch.tensor(himmelblau.grid(4))))


def test_descend_gets_chunks_and_a_black_box_one_start_at_a_time(monkeypatch):
    monkeypatch.setattr("helpers.multistart.CHUNK", 8)

    def shapes(minimize, **settings):
        seen = []
        stepper = partial(descend, Objective(spy(seen), ((-5, 5),) * 2, (), ""), **settings)
        multistart(stepper, np.zeros((9, 2)))
        return seen

    def spy(seen):
        def square(x, y):
            seen.append(tuple(x.shape))
            return x**2 + y**2

        return square

    together = shapes(descend, optimizer=optim.SGD, lr=0.1, steps=1)
    assert set(together) == {(8,), ()}
    alone = shapes(descend, optimizer=optim.LBFGS, lr=0.1, steps=1, max_iter=1)
    assert set(alone) == {()}


def test_a_run_that_diverges_did_not_fail():
    steep = partial(descend, himmelblau, optimizer=optim.SGD, steps=50, every=50, lr=1.0)
    runs = multistart(steep, STARTS)
    assert not np.isfinite(runs.ends).any() and not runs.failed.any()
    assert runs.summary() == "23 starts: 0 failed, 23 diverged"


def test_the_summary_counts_each_reason():
    runs = multistart(halve_or_raise, STARTS)
    lines = ["23 starts: 2 failed, 0 diverged", "2 x ArithmeticError: x is above 4"]
    assert runs.summary().splitlines() == lines


def test_a_chunk_that_a_minimizer_does_not_take_is_run_one_by_one():
    runs = multistart(lambda start: halve(start.reshape(-1, 2)[0]), STARTS, chunk=5)
    assert_same(runs, multistart(halve, STARTS))


def test_a_path_of_a_wrong_shape_is_a_reason():
    wrong = Path(np.zeros((2, 3)), np.zeros(2), evaluations=1, gradients=0)
    with pytest.raises(ValueError, match="minimize: expected a Path that ends at shape"):
        multistart(lambda start: wrong, STARTS)
    with pytest.raises(ValueError, match="TypeError: minimize: expected a Path, got 3"):
        multistart(lambda start: 3, STARTS)


def test_memory_grows_with_the_starts_and_not_with_the_steps():
    def wait(start):
        points = np.stack([start] * 1000)
        return Path(points, himmelblau.at(points), evaluations=1000, gradients=0)

    tracemalloc.start()
    multistart(wait, STARTS.repeat(20, axis=0), chunk=len(STARTS))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    one_path = 1000 * STARTS.shape[0] * 3 * 8
    assert peak < 5 * one_path  # of 20 paths


def test_the_threads_of_torch_are_as_before():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []
    multistart(lambda start: seen.append(torch.get_num_threads()) or halve(start), STARTS)
    after = torch.get_num_threads()
    torch.set_num_threads(threads)
    assert set(seen) == {1} and after == 2


def test_progress_is_shown_on_request_only(capsys):
    multistart(halve, STARTS)
    assert capsys.readouterr() == ("", "")
    multistart(halve, STARTS, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "23" in err and err.endswith("\r")


@pytest.mark.parametrize(
    ("settings", "kind", "named"),
    [
        ({"minimize": 3}, TypeError, "minimize"),
        ({"starts": [1.0, 2.0]}, ValueError, "starts"),
        ({"starts": np.zeros((0, 2))}, ValueError, "starts"),
        ({"starts": [[np.nan, 0.0]]}, ValueError, "starts"),
        ({"starts": [[np.inf, 0.0]]}, ValueError, "starts"),
        ({"starts": torch.zeros((3, 2), dtype=torch.bool)}, TypeError, "starts"),
        ({"chunk": 0}, ValueError, "chunk"),
        ({"chunk": 2.5}, ValueError, "chunk"),
        ({"executor": 4}, TypeError, "executor"),
        ({"executor": ThreadPoolExecutor}, TypeError, "executor"),
    ],
)
def test_bad_input_is_named(settings, kind, named):
    given = {"minimize": halve, "starts": STARTS} | settings
    with pytest.raises(kind, match=f"^{named}: expected"):
        multistart(given.pop("minimize"), given.pop("starts"), **given)


@pytest.mark.parametrize("target", [himmelblau, two_wells, quartic], ids=lambda t: t.name)
def test_a_decorated_objective_comes_back_from_a_pickle(target):
    copy = pickle.loads(pickle.dumps(target))
    assert copy == target and copy.__doc__ == target.__doc__


def test_a_fit_comes_back_from_a_pickle():
    fit = chi_squared(line, [1.0, 2.0], [1.0, 3.0], 0.5, domain=((-5, 5),))
    copy = pickle.loads(pickle.dumps(fit))
    assert copy(1.2) == fit(1.2)
    assert (copy.name, copy.domain, copy.formula) == (fit.name, fit.domain, fit.formula)
    assert copy.__signature__ == fit.__signature__


def test_runs_show_their_summary_and_the_lowest_value():
    runs = multistart(halve_or_raise, STARTS)
    assert repr(runs).startswith("Runs from 23 starts: 2 failed, 0 diverged, lowest value ")
    assert repr(runs).endswith(f"{np.nanmin(runs.values):.5g}")


def test_the_code_on_the_page_about_helpers_runs(capsys):
    pytest.importorskip("dask.distributed")
    page = (pathlib.Path(__file__).parent.parent / "reference" / "helpers.md").read_text("utf-8")
    cells = re.findall(r"^```{code-cell}\n(?:---\n.*?---\n)?(.*?)^```", page, re.M | re.S)
    names = {}
    for cell in cells:
        exec(cell, names)
    assert len(cells) == 5
    assert abs(names["minuit"].values["height"] - 3) < 4 * names["minuit"].errors["height"]
    printed = capsys.readouterr().out
    assert "Runs from 25 starts: 0 failed" in printed and "same ends as here: True" in printed
    assert re.search(r"36 starts: [1-9]\d* failed", printed)
