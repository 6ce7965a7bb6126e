"""What a run of the tests does beyond its tests.

What nbval executes is kept for the build of the book, so that no chapter runs twice. A cell shows
nothing that nobody compares, and no warning. In continuous integration, where everything is
installed, no test is skipped.
"""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell
from playwright.sync_api import sync_playwright
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "_ext"))

from browser import FLAGS, find_chromium  # noqa: E402
from honest_cache import empty_stale_cache, keep  # noqa: E402
from notebook_form import captioned  # noqa: E402

# Tests run side by side, and so do the kernels: each has one core.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure(config):
    """See that no rule is left out, and drop what was executed with other code, once for all."""
    if "tests" not in config.getini("testpaths"):
        raise pytest.UsageError("pyproject.toml: testpaths lack `tests`, which hold every rule")
    if not hasattr(config, "workerinput"):
        empty_stale_cache(ROOT)


PAGE = re.compile(r"test_site\.py::.*?((?:chapters|reference)/[\w-]+|index|search)\]$")


def pytest_collection_modifyitems(items):
    """First each chapter; then the site, which is built from what the chapters put out.

    While one worker builds it, the others test what needs no site; its pages come last.
    """

    def turn(item):
        if isinstance(item, IPyNbCell):
            return 0
        if item.path.name != "test_site.py":
            return 2
        return 3 if PAGE.search(item.nodeid) else 1

    items.sort(key=turn)


class InOneGo(LoadScopeScheduling):
    """A worker does in one go a chapter, a file of tests, or a page of the site."""

    def _split_scope(self, nodeid):
        page = PAGE.search(nodeid)
        return page[1] if page else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config, log):
    """Share the tests out: groups by marks, xdist's own way, do not reach pytest 9.2."""
    config.option.loadscopereorder = False
    return InOneGo(config, log)


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


@pytest.fixture(scope="session")
def chromium():
    """A real browser; without one these tests are skipped, but on a CI machine they fail."""
    path = find_chromium()
    if path is None:
        missing = "no Chromium found: install it to test in a browser"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def unwanted(outputs, checked):
    """What a cell showed and should not: warnings, and text without a test of its own."""
    for output in outputs:
        if output.get("name") == "stderr":
            yield f"a warning is printed on the page: {output['text'].strip()[:300]}"
        elif not checked and output.output_type == "stream":
            yield f"printed, and compared with nothing: {output['text'].strip()[:100]}"
        elif not checked and not any(k.startswith("image/") for k in output.get("data", {})):
            shown = output.get("data", {}).get("text/plain", "")[:100]
            yield f"shown, and compared with nothing (`_ = ...` hides it): {shown}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Run a test, and look at what a cell showed."""
    result = yield
    if isinstance(item, IPyNbCell):
        if problems := list(unwanted(item.test_outputs or [], item.options["check"])):
            item.raise_cell_error("\n".join(problems))
    return result


def may_skip(environment=os.environ, platform=sys.platform):
    """Whether a test may be skipped here: Windows has no make, and a desktop maybe no browser."""
    return not environment.get("CI") or platform == "win32"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Make a report, and a failure of a test that is skipped where none may be."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and not may_skip():
        report.outcome = "failed"
        report.longrepr = f"skipped, where everything should be installed: {call.excinfo.value}"
    return report
