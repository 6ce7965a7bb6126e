"""What nbval executes is kept for the build of the book, so that no chapter runs twice."""

import os
import sys
from pathlib import Path

import nbformat
from nbval.plugin import IPyNbCell

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "_ext"))

from honest_cache import empty_stale_cache, keep  # noqa: E402
from notebook_form import captioned  # noqa: E402

# Tests run side by side, and so do the kernels: each has one core.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure(config):
    """Drop what was executed with other code, once for all workers."""
    if not hasattr(config, "workerinput"):
        empty_stale_cache(ROOT)


def pytest_collection_modifyitems(items):
    """First the chapters, then the site, which needs them; the rest fills the gaps."""

    def turn(item):
        return 0 if isinstance(item, IPyNbCell) else 1 if "site" in item.path.name else 2

    items.sort(key=turn)


def pytest_runtest_teardown(item, nextitem):
    """Remember what a cell put out, and after the last one keep the chapter."""
    if not isinstance(item, IPyNbCell):
        return
    outputs = item.test_outputs or []
    item.cell.executed = not any(output.output_type == "error" for output in outputs)
    item.cell.outputs = nbformat.from_dict(outputs)
    if nextitem is None or nextitem.parent is not item.parent:
        notebook = item.parent.nb
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        if all(cell.pop("executed", False) for cell in code):
            keep(ROOT, item.path, nbformat.from_dict(captioned(notebook)), 0)
