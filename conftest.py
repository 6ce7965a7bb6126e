"""What a run of the tests demands beyond its tests, in the chapters too.

A cell shows nothing that nobody compares, and no warning; and in continuous integration, where
everything is installed, no test is skipped.
"""

import os
import sys

import pytest
from nbval.plugin import IPyNbCell


def may_skip(environment=os.environ, platform=sys.platform):
    """Whether a test may be skipped here: Windows has no make, and a desktop maybe no browser."""
    return not environment.get("CI") or platform == "win32"


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Make a report, and a failure of a test that is skipped where none may be."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and not may_skip():
        report.outcome = "failed"
        report.longrepr = f"skipped, where everything should be installed: {call.excinfo.value}"
    return report
