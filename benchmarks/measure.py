"""Speed and memory of the helpers: every ratio is of two measurements in this one run."""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from tabulate import tabulate
from torch import nn, optim

from helpers.minimizers import descend, migrad
from helpers.multistart import multistart
from helpers.objectives import chi_squared, himmelblau

STATUS = Path("/proc/self/status")
MANY = 65_536
adam = partial(descend, himmelblau, optimizer=optim.Adam, lr=0.1)


def seconds(function, repeat=3):
    """The shortest of a few runs, after one that warms up."""
    function()
    times = []
    for _ in range(repeat):
        began = perf_counter()
        function()
        times.append(perf_counter() - began)
    return min(times)


def plain_loop(steps=200):
    """Adam on one start, as one writes it without helpers."""
    point = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = optim.Adam([point], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        himmelblau.function(*point).backward()
        optimizer.step()


def starts(count):
    return himmelblau.sample(count, np.random.default_rng(0))


def descending():
    """Nanoseconds per start and step, against the loop over single starts."""
    alone = seconds(partial(plain_loop, 200)) / 200 * 1e9
    for count, steps in ((1, 200), (1000, 200), (MANY, 20)):
        for fused in (None, True) if count == MANY else (None,):
            run = partial(adam, starts(count), steps=steps, every=steps, fused=fused)
            each = seconds(run) / count / steps * 1e9
            target = "5,000" if count == MANY else ""
            name = f"descend, Adam{' fused' if fused else ''}, {count:,} starts"
            yield (
                name,
                f"{each:,.0f} ns",
                "loop over starts",
                f"{alone:,.0f} ns",
                alone / each,
                target,
            )
    total = seconds(
        partial(multistart, partial(adam, steps=500, every=500), himmelblau.grid(200)), 2
    )
    yield (
        "basin map, 200 x 200 x 500 Adam steps",
        f"{total:.2f} s",
        "loop over starts",
        f"{alone * 200 * 200 * 500 / 1e9:,.0f} s",
        alone * 200 * 200 * 500 / 1e9 / total,
        "",
    )


def compiled():
    """The same descent compiled by XLA: optax, vmapped over starts, scanned over steps."""
    name = f"descend, Adam fused, {MANY:,} starts"
    if not (find_spec("jax") and find_spec("optax")):
        yield name, "", "optax, vmap and scan", "JAX is not installed", None, "1/5"
        return
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    optimizer = optax.adam(0.1)

    def step(carry, _):
        point, state = carry
        slope = jax.grad(lambda p: himmelblau.function(*p))(point)
        updates, state = optimizer.update(slope, state)
        return (optax.apply_updates(point, updates), state), None

    def run(point):
        return jax.lax.scan(step, (point, optimizer.init(point)), length=100)[0][0]

    several, points = jax.jit(jax.vmap(run)), jax.numpy.asarray(starts(MANY))
    theirs = seconds(lambda: several(points).block_until_ready())
    ours = seconds(partial(adam, starts(MANY), steps=100, every=100, fused=True))
    own, other = (f"{t / MANY / 100 * 1e9:.1f} ns" for t in (ours, theirs))
    yield name, own, "optax, vmap and scan", other, theirs / ours, "1/5"


def model(x, a, b):
    return torch.sin(b * torch.cos(a * x))


def surface():
    """A 100 x 100 map of a loss over 200 samples, against a call of a criterion for each point."""
    for dtype, rows in ((torch.float64, 5), (torch.float32, 20)):
        x, axis = torch.linspace(-1, 1, 200, dtype=dtype), torch.linspace(0, 5, 100, dtype=dtype)
        y = model(x, 1.2, 2.5)
        ways = {f"{rows} rows at a time": partial(by_rows, x, y, axis, rows)}
        if dtype is torch.float64:  # the precision of every Objective
            fit = chi_squared(model, x, y, 1.0, domain=((0.0, 5.0), (0.0, 5.0)))
            ways["chi_squared on a grid"] = lambda fit=fit: fit.at(fit.grid(100)) / 200
        loop = partial(by_calls, x, y, axis.tolist())
        each, expected = seconds(loop, 2), loop()
        for way, ours in ways.items():
            assert np.allclose(expected, ours(), atol=1e-6)
            batched = seconds(ours, 9)
            name = f"100 x 100 loss surface, {str(dtype).removeprefix('torch.')}, {way}"
            own, other = f"{batched * 1e3:.1f} ms", f"{each * 1e3:.0f} ms"
            yield name, own, "10,000 criterion calls", other, each / batched, "100"


def by_calls(x, y, values):
    criterion = nn.MSELoss()
    return [[criterion(model(x, a, b), y).item() for b in values] for a in values]


def by_rows(x, y, axis, rows):
    # A few rows at a time fit into the cache.
    residuals = (model(x, a[:, None, None], axis[:, None]) - y for a in axis.split(rows))
    return torch.cat([(r**2).mean(dim=-1) for r in residuals])


def peak(count, steps):
    """Megabytes that the largest moment of a multistart adds, in the process that asks."""
    adam(starts(10), steps=1)
    points = starts(count)
    before = _highest()
    multistart(partial(adam, steps=steps, every=steps), points)
    return _highest() - before


def _highest():
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def memory():
    """Peak memory: it grows with the starts, and not with the steps."""
    if not STATUS.exists():
        yield "peak memory", "", "", "measured on Linux only", None, ""
        return

    def alone(*case):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(peak, *case).result()

    base, more, longer = alone(200_000, 10), alone(2_000_000, 10), alone(200_000, 100)
    few = f"{base:.0f} MB"
    yield "peak memory, 2,000,000 starts", f"{more:.0f} MB", "200,000 starts", few, more / base, ""
    yield "peak memory, 100 steps", f"{longer:.0f} MB", "10 steps", few, longer / base, ""


def scaling():
    """Minuit's runs on two worker processes, against one; the workers are warm."""
    points, times = himmelblau.grid(20), {}
    for workers in (1, 2):
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            run = partial(multistart, partial(migrad, himmelblau), points, executor=pool)
            times[workers] = seconds(run, 2)
    own, other = (f"{times[workers]:.2f} s" for workers in (2, 1))
    yield "Minuit from 400 starts, 2 workers", own, "1 worker", other, times[1] / times[2], ""


def cluster():
    """Minuit's runs on a Dask cluster of two worker processes, against none."""
    if find_spec("distributed") is None:
        yield "Minuit on a Dask cluster", "", "", "needs dask[distributed]", None, ""
        return
    from dask.distributed import Client, LocalCluster

    run = partial(multistart, partial(migrad, himmelblau), himmelblau.grid(20))
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    alone = seconds(run, 2)
    with LocalCluster(**settings) as workers, Client(workers) as client:
        with client.get_executor() as pool:
            shared = seconds(partial(run, executor=pool), 2)
    own, other = f"{shared:.2f} s", f"{alone:.2f} s"
    yield "Minuit from 400 starts, Dask, 2 workers", own, "no cluster", other, alone / shared, ""


def main():
    torch.set_num_threads(1)  # with more, a core that is busy elsewhere blurs every figure
    rows = []
    for measure in (descending, compiled, surface, memory, scaling, cluster):
        print(f"Measuring: {measure.__doc__.splitlines()[0]}", flush=True)
        for *cells, ratio, target in measure():
            rows.append([*cells, "" if ratio is None else f"{ratio:,.1f}", target])
    headers = ["what", "takes", "against", "which takes", "ratio", "target"]
    print(f"\ntorch {torch.__version__}, one thread, {os.cpu_count()} cores\n")
    print(tabulate(rows, headers, disable_numparse=True))
