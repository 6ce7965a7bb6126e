"""Figures of objectives and paths: every function draws on the axes that it is given."""

from dataclasses import replace
from string import ascii_uppercase

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from helpers import checks
from helpers.objectives import Objective
from helpers.paths import Path, require_single_starts

OKABE_ITO = ["#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7", "#0072B2", "#D55E00"]
"""Okabe and Ito's palette, light colors first, for areas."""


def plot_objective(ax, objective, *, domain=None, count=200, levels=12):
    """Draw an objective, a curve or filled contours, and its minima as stars.

    The levels are quantiles of the values, so that each shade covers the same area. `domain`
    replaces the objective's own. Only one or two dimensions can be drawn.
    """
    _check(ax, objective, (1, 2))
    if domain is not None:
        objective = replace(objective, domain=domain)
    points, levels = objective.grid(checks.count("count", count, 2)), checks.count("levels", levels)
    values, domain = np.asarray(objective.at(points)), objective.domain
    finite = values[np.isfinite(values)]
    checks.require(len(np.unique(finite)) > 1, "objective", "values that differ", finite)
    ax.set_xlim(*domain[0])
    minima = np.array(objective.minima).reshape(-1, objective.dimension)
    star = {"ls": "none", "marker": "*", "ms": 13, "zorder": 4, "color": "white", "mec": "black"}
    if objective.dimension == 1:
        ax.plot(points[:, 0], values, color="black", linestyle="-")
        ax.plot(minima[:, 0], objective.at(minima), **star)
        ax.set(xlabel="$x$", ylabel="$f(x)$")
        return
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, levels + 1)))
    across, up = points[..., 0], points[..., 1]
    shades = colormaps["Blues_r"](np.linspace(0.5, 1, len(edges) - 1))
    # Without antialiasing a rasterized map takes a quarter of the space.
    shaded = ax.contourf(across, up, values, edges, colors=shades, antialiased=False, zorder=-2)
    shaded.set_rasterized(True)
    ax.plot(minima[:, 0], minima[:, 1], **star)
    ax.set_ylim(*domain[1])
    first, second = objective.__signature__.parameters
    ax.set(xlabel=f"${first}$", ylabel=f"${second}$")
    ax.grid(False)


def plot_path(ax, path, **style):
    """Draw one start's path over an objective: a line, a circle at its start, a square at its end.

    In one dimension points stand at their values, in two they are the plane. Points that are
    not finite are left out. `style` (label, color, ...) goes to the line.
    """
    checks.kind("ax", ax, Axes, "axes of matplotlib")
    checks.kind("path", path, Path, "a Path")
    good = path.points.ndim == 2 and path.points.shape[-1] < 3
    checks.require(good, "path", "points of shape (k, 1 or 2)", path.points.shape)
    seen = np.isfinite(path.points).all(axis=-1) & np.isfinite(path.values)
    points = path.points[seen]
    if not len(points):
        return
    across = points[:, 0]
    up = path.values[seen] if points.shape[-1] == 1 else points[:, 1]
    style = {"marker": ".", "markersize": 4, "linewidth": 1.2} | style
    (line,) = ax.plot(across, up, **style)
    ends = {"color": line.get_color(), "markeredgecolor": "black", "linestyle": "none", "zorder": 5}
    ax.plot(across[0], up[0], marker="o", markersize=8, **ends)
    ax.plot(across[-1], up[-1], marker="s", markersize=7, **ends)


def plot_values(ax, paths, *, best=0.0):
    """Draw how the value falls with the evaluations, one labeled line for each path of a dict.

    The vertical axis is a logarithm of the value above `best`; values that are not finite or
    not above it are left out.
    """
    checks.kind("ax", ax, Axes, "axes of matplotlib")
    best = checks.number("best", best)
    require_single_starts(paths)
    for label, path in paths.items():
        above = np.where(np.isfinite(path.values), path.values, np.nan) - best
        above = np.where(above > 0, above, np.nan)
        ax.plot(path.calls, above, label=label)
    ax.set_yscale("log")
    ax.set(xlabel="evaluations", ylabel="value" if best == 0 else "value above the best")
    ax.legend()


def plot_basins(ax, objective, basins):
    """Draw which minimum each start of a square grid leads to: one color and letter for each.

    `basins` has the shape of a grid, (count, count), and holds indices into the objective's
    minima; -1, for starts that end at none of them, is hatched.
    """
    _check(ax, objective, (2,))
    minima = np.array(objective.minima).reshape(-1, 2)
    basins = checks.count("basins", basins, -1, len(minima) - 1, single=False)
    good = basins.ndim == 2 and min(basins.shape) > 1
    checks.require(good, "basins", "shape (count, count)", basins.shape)
    colors = ListedColormap(["white", *OKABE_ITO[: len(minima)]])
    axes = [np.linspace(*ends, n) for ends, n in zip(objective.domain, basins.shape, strict=True)]
    drawn = {"vmin": -1.5, "vmax": len(minima) - 0.5, "rasterized": True}
    ax.pcolormesh(*axes, basins.T, cmap=colors, **drawn)
    if (basins == -1).any():
        lost = np.where(basins.T == -1, 1.0, np.nan)
        ax.contourf(*axes, lost, levels=[0.5, 1.5], hatches=["////"], colors="none")
    for letter, (x, y) in zip(ascii_uppercase, minima, strict=False):
        label = {"ha": "center", "va": "center", "fontweight": "bold"}
        ax.text(x, y, letter, bbox={"boxstyle": "circle", "facecolor": "white"}, **label)
    # The outer cells reach half beyond the domain; maps of different grids stay comparable.
    (xlim, ylim), (first, second) = objective.domain, objective.__signature__.parameters
    ax.set(xlabel=f"${first}$", ylabel=f"${second}$", xlim=xlim, ylim=ylim, aspect="equal")
    ax.grid(False)


def _check(ax, objective, dimensions):
    checks.kind("ax", ax, Axes, "axes of matplotlib")
    checks.kind("objective", objective, Objective, "an Objective")
    wanted = f"{' or '.join(map(str, dimensions))} dimensions"
    checks.require(objective.dimension in dimensions, "objective", wanted, objective)
