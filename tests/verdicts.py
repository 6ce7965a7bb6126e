"""Do the verdicts of the chapters hold with other seeds? `make deep` runs this and keeps a report.

A chapter's cell tagged `parameters` sets its seed, and its cells tagged `verdict` print what it
concludes. Each chapter is run with other seeds, and these cells are compared with what is stored.
"""

import os
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tabulate import tabulate

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "_build" / "deep" / "verdicts.md"
DRAWS = 8


def tagged(notebook, tag):
    """The cells of a notebook that carry a tag."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def reseeded(notebook, draw):
    """A copy of a notebook with another seed, far from those that the chapter derives from its own.

    Raises ValueError unless one cell tagged `parameters` sets `seed` to an integer.
    """
    copy = deepcopy(notebook)
    cells = tagged(copy, "parameters")
    pattern = re.compile(r"^seed = (\d+)", re.MULTILINE)
    if len(cells) != 1 or len(pattern.findall(cells[0].source)) != 1:
        raise ValueError("notebook: expected one cell tagged parameters with one line seed = ...")
    cells[0].source = pattern.sub(lambda m: f"seed = {int(m[1]) + 1000 * draw}", cells[0].source)
    return copy


def verdicts(notebook):
    """The text that each verdict of an executed notebook prints, by the id of its cell."""

    def text(output):
        return output.get("text") or output.get("data", {}).get("text/plain", "")

    cells = tagged(notebook, "verdict")
    return {cell.id: "".join(map(text, cell.outputs)).strip() for cell in cells}


def found(notebook, draw, folder):
    """The verdicts with another seed; of a notebook that fails, the last line of its error."""
    copy = reseeded(notebook, draw)
    settings = {"timeout": 300, "kernel_name": "python3"}
    try:
        NotebookClient(copy, resources={"metadata": {"path": str(folder)}}, **settings).execute()
    except CellExecutionError as error:
        return dict.fromkeys(verdicts(notebook), f"raised: {str(error).strip().splitlines()[-1]}")
    return verdicts(copy)


def compared(stored, draws):
    """Rows for a table: each verdict, in how many draws it holds, and what was said instead."""
    rows = []
    for cell, text in stored.items():
        said = Counter(draw[cell] for draw in draws)
        others = "; ".join(f"{n} x {other}" for other, n in said.items() if other != text)
        rows.append({"cell": cell, "holds": said[text], "verdict": text, "otherwise": others})
    return rows


def main(paths):
    """Run chapters with other seeds, write the report, and return 1 if a verdict did not hold."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parts, shaken = [], 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in paths:
            notebook = nbformat.read(path, as_version=4)
            draws = pool.map(
                lambda k, n=notebook, p=path: found(n, k, p.parent), range(1, DRAWS + 1)
            )
            rows = compared(verdicts(notebook), list(draws))
            shaken += sum(row["holds"] < DRAWS for row in rows)
            one_line = [
                {column: str(text).replace("\n", " / ") for column, text in row.items()}
                for row in rows
            ]
            grid = tabulate(one_line, headers="keys", tablefmt="github", disable_numparse=True)
            parts.append(f"## {path.stem}\n\nOf {DRAWS} draws:\n\n{grid or 'No verdicts.'}\n")
            print(parts[-1], flush=True)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("# Verdicts with other seeds\n\n" + "\n".join(parts), encoding="utf-8")
    print(f"{shaken} verdicts did not hold in every draw; the report is {REPORT.relative_to(ROOT)}")
    return int(shaken > 0)


if __name__ == "__main__":
    chosen = [Path(name).resolve() for name in sys.argv[1:]]
    sys.exit(main(chosen or sorted((ROOT / "chapters").glob("[!.]*.ipynb"))))
