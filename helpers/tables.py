"""One way to show a table, in a notebook and in the book alike."""

from collections.abc import Iterable

import numpy as np
from tabulate import tabulate

from helpers import checks
from helpers.paths import require_single_starts


class Table:
    """Rows under a header: as HTML in a notebook and in the book, as text anywhere else."""

    def __init__(self, rows):
        self.rows = rows

    def __repr__(self):
        return tabulate(self.rows, headers="keys", disable_numparse=True)

    def _repr_html_(self):
        return tabulate(self.rows, headers="keys", disable_numparse=True, tablefmt="html")


def table(rows, digits="{:.5g}"):
    """A Table of rows, each a dict from column to cell.

    Floating-point numbers are written in the format `digits`: one for all columns, or a dict from
    column to format.
    """
    rows = list(rows) if isinstance(rows, Iterable) else []
    good = rows and all(isinstance(r, dict) and r and list(r) == list(rows[0]) for r in rows)
    checks.require(good, "rows", "one or more dicts with the same keys in the same order", rows)
    formats = digits if isinstance(digits, dict) else dict.fromkeys(rows[0], digits)
    good = all(column in rows[0] and _writes_numbers(form) for column, form in formats.items())
    checks.require(good, "digits", "a format like '{:.3f}', or a dict from column to such", digits)

    def write(column, cell):
        number = isinstance(cell, float | np.floating)
        return formats.get(column, "{:.5g}").format(cell) if number else str(cell)

    return Table([{column: write(column, cell) for column, cell in row.items()} for row in rows])


def _writes_numbers(form):
    try:
        return form.format(1.0) != form.format(2.0)
    except checks.ODD:
        return False


def compare(paths):
    """A Table of a dict of paths, of one start each: where they ended, at what value and cost."""
    require_single_starts(paths)
    return table(
        {
            "minimizer": label,
            "end": "(" + ", ".join(f"{x:.4f}" for x in path.end) + ")",
            "value": f"{path.values[-1]:.3g}",
            "evaluations": path.evaluations,
            "gradients": path.gradients,
        }
        for label, path in paths.items()
    )
