"""One way to show a table, in a notebook and in the book alike."""

import numpy as np
from tabulate import tabulate

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
    column to format. Raises ValueError for no rows and for rows of different columns.
    """
    rows = list(rows)
    if not rows or any(list(row) != list(rows[0]) for row in rows):
        raise ValueError("rows: expected one or more dicts with the same keys in the same order")

    def write(column, cell):
        if not isinstance(cell, float | np.floating):
            return str(cell)
        return (digits.get(column, "{:.5g}") if isinstance(digits, dict) else digits).format(cell)

    return Table([{column: write(column, cell) for column, cell in row.items()} for row in rows])


def compare(paths):
    """A Table of a dict of paths: where they ended, at what value, for what cost.

    Raises ValueError for a path of more than one start.
    """
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
