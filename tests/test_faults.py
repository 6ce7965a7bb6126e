"""Planted faults: each must turn the tests red, or the build, and name the place.

Every fault goes into a copy of the project that holds one small chapter and short time limits.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
KEPT = ["_config.yml", "_ext", "_static", "helpers", "reference", "pyproject.toml", "Makefile"]
KEPT += ["requirements.txt", "constraints.txt"]
VICTIM = "chapters/victim.ipynb"
TOC = (
    "format: jb-book\nroot: index\nparts:\n- caption: One\n  chapters:\n  - file: chapters/victim\n"
)
RED_WITHIN = 150  # seconds


def _victim():
    intro = nbformat.v4.new_markdown_cell("# Victim\n\nThe gradient at the origin.", id="intro")
    code = "from helpers.derivatives import gradient\nfrom helpers.objectives import himmelblau\n\n"
    code += 'x, y = gradient(himmelblau, (0, 0))\nprint(f"{x:.2f} {y:.2f}")'
    cell = nbformat.v4.new_code_cell(code, id="gradient", execution_count=1)
    cell.metadata["tags"] = ["nbval-check-output", "keep_output"]
    cell.outputs = [nbformat.v4.new_output("stream", text="-14.00 -22.00\n")]
    notebook = nbformat.v4.new_notebook(cells=[intro, cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    return notebook


@pytest.fixture
def project(tmp_path):
    for name in KEPT:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    (tmp_path / "chapters").mkdir()
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "test_chapters.py", tmp_path / "tests")
    nbformat.write(_victim(), tmp_path / VICTIM)
    (tmp_path / "_toc.yml").write_text(TOC)
    (tmp_path / "index.md").write_text("# Index\n\nOne page for all that follows.\n")
    _replace(tmp_path / "_config.yml", r"timeout: \d+", "timeout: 15")
    return tmp_path


def _replace(path, pattern, by):
    text = path.read_text()
    assert re.search(pattern, text), f"nothing in {path} to plant a fault in"
    path.write_text(re.sub(pattern, by, text, count=1))


def _edit_victim(project, source):
    notebook = nbformat.read(project / VICTIM, as_version=4)
    notebook.cells[1].source = source
    nbformat.write(notebook, project / VICTIM)


def _run(project, *command):
    # The copy's helpers, not the installed ones; and no switches of the run that we are in.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
    environment |= {"PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command,
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RED_WITHIN,
    )
    return done.returncode, done.stdout


def _test(project):
    toc = "tests/test_chapters.py::test_the_table_of_contents_lists_exactly_the_chapters_on_disk"
    short = "--nbval-cell-timeout=15"
    return _run(
        project, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", short, toc, VICTIM
    )


def _book(project):
    binaries = Path(sys.executable).parent
    stamp = project / "installed"
    stamp.touch()
    return _run(project, "make", "book", "made_here=true", f"BIN={binaries}", f"STAMP={stamp}")


def raises(project):
    _edit_victim(project, "1 / 0")


def dies(project):
    _edit_victim(project, "import os\n\nos._exit(1)")


def takes_too_long(project):
    _edit_victim(project, "import time\n\ntime.sleep(60)")


def toc_entry_without_file(project):
    (project / VICTIM).rename(project / "chapters" / "other.ipynb")


def broken_reference(project):
    (project / "index.md").write_text("# Index\n\nSee {ref}`nowhere`.\n")


def chapter_missing_from_toc(project):
    shutil.copy(project / VICTIM, project / "chapters" / "forgotten.ipynb")


def altered_number(project):
    _replace(project / VICTIM, r"-22\.00", "-22.01")


def helper_raises(project):
    _replace(
        project / "helpers" / "derivatives.py", r"(def gradient\(.*\n)", r"\1    raise OSError(7)\n"
    )


def helper_has_wrong_sign(project):
    _replace(project / "helpers" / "objectives.py", r"\(x\*\*2 \+ y - 11\)", "(x**2 - y - 11)")


def test_without_a_fault_tests_and_book_are_green(project):
    code, output = _test(project)
    assert code == 0, output
    if shutil.which("make"):
        code, output = _book(project)
        assert code == 0, output
        assert (project / "_build" / "html" / "chapters" / "victim.html").exists()


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        (raises, r"victim\.ipynb::Cell 0[\s\S]*ZeroDivisionError"),
        (dies, r"victim\.ipynb::Cell 0"),
        (takes_too_long, r"victim\.ipynb::Cell 0[\s\S]*[Tt]imeout"),
        (toc_entry_without_file, r"chapters/victim"),
        (chapter_missing_from_toc, r"chapters/forgotten"),
        (altered_number, r"victim\.ipynb::Cell 0[\s\S]*-22\.01"),
        (helper_raises, r"victim\.ipynb::Cell 0[\s\S]*OSError"),
        (helper_has_wrong_sign, r"victim\.ipynb::Cell 0[\s\S]*22\.00"),
    ],
)
def test_a_fault_turns_the_tests_red_and_is_named(project, fault, place):
    fault(project)
    code, output = _test(project)
    assert code != 0, output
    assert re.search(place, output), output


@pytest.mark.skipif(not shutil.which("make"), reason="the build of the Makefile needs make")
@pytest.mark.parametrize(
    ("fault", "place"),
    [
        (raises, r"chapters/victim"),
        (dies, r"executing victim\.ipynb"),
        (takes_too_long, r"chapters/victim"),
        (toc_entry_without_file, r"chapters/victim"),
        (broken_reference, r"index\.md.*nowhere"),
        (helper_raises, r"chapters/victim"),
    ],
)
def test_a_fault_fails_the_build_twice_is_named_and_publishes_nothing(project, fault, place):
    fault(project)
    for run in ("first", "second"):
        code, output = _book(project)
        assert code != 0, f"{run} run: {output}"
        assert re.search(place, output), f"{run} run: {output}"
        assert not (project / "_build" / "html").exists()


@pytest.mark.skipif(not shutil.which("make"), reason="the build of the Makefile needs make")
def test_a_changed_helper_changes_the_page(project):
    page = project / "_build" / "html" / "chapters" / "victim.html"
    assert _book(project)[0] == 0
    assert "-22.00" in page.read_text()
    _replace(project / "helpers" / "objectives.py", r"\(x \+ y\*\*2 - 7\)", "(x + y**2 - 9)")
    assert _book(project)[0] == 0
    assert "-22.00" in page.read_text()
    assert "-18.00" in page.read_text()
