"""Planted faults: each guard is seen to turn red, and to name the place.

The rules are called on a small chapter, or on a copy of the project's settings, with one fault at
a time. What only a run can notice is planted in one copy of the project that runs once.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import test_chapters
import test_project
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]
RED_WITHIN = 150  # seconds
CHECKED = ["nbval-check-output", "keep_output"]
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="the Makefile needs make")


# The rules of a chapter, on a chapter of nothing else

TOP = """# A model

We do what a chapter does. Afterwards the rules are content.

> **Before you start**
>
> **You will be able to**
> - see one rule;
> - see another;
> - see them all.
>
> **Time** 10 minutes, exercises 32. **You need** nothing."""
LESSON = """## One number

We draw a number, with a [seed](../reference/glossary.md#term-seed). [Figure 1](#fig-one) shows it.

"""
IMPORTS = """import matplotlib.pyplot as plt
import numpy as np

from helpers.initialization import seeded

plt.style.use("helpers.course")
%config InlineBackend.figure_formats = ["svg"]"""
FIGURE = """fig, ax = plt.subplots()
ax.plot([0, number], label="a line")
ax.legend()
plt.show()"""
ALT = {
    "mystnb": {
        "figure": {"name": "fig-one"},
        "image": {"alt": "A straight line that rises from the lower left to the right."},
    }
}
ANSWERS = "<details><summary>Answer</summary>\n\nSo.\n\n</details>\n\n"


def _text(name, source, **metadata):
    return new_markdown_cell(source, id=name, metadata=metadata)


def _code(name, source, *tags, output="", **metadata):
    cell = new_code_cell(source, id=name, metadata={"tags": list(tags)} | metadata)
    cell.outputs = [new_output("stream", text=output)] if output else []
    return cell


def model():
    """A chapter that keeps every rule."""
    cells = [
        _text("top", TOP),
        _code("imports", IMPORTS),
        _code("parameters", "seed = 0", "parameters"),
        _text("lesson", LESSON + "word " * 500),
        _code("draw", "rng = np.random.default_rng(seed)\nnumber = rng.normal()"),
        _code("print", 'print(f"{number:.4f}")', *CHECKED, output="0.1257\n"),
        _code("figure", FIGURE, "hide-input", **ALT),
        _text("caption", "**Figure 1.** One line."),
        _code("verdict", 'print("above zero:", number > 0)', *CHECKED, "verdict", output="True\n"),
        _text("remember", "## What to remember\n\nThis."),
        _text("exercises", "## Exercises"),
    ]
    titles = ("Fix this code", "Another", "A third", "A fourth")
    for number, title in enumerate(titles, 1):
        cells += [
            _text(f"exercise-{number}", f"### Exercise {number}: {title}\n\nDo it."),
            _text(f"solution-{number}", "#### Solution", **{"jp-MarkdownHeadingCollapsed": True}),
            _code(f"solved-{number}", "squared = number**2"),
        ]
    cells += [
        _text("check", f"## Check yourself\n\n**Why?**\n\n{ANSWERS}**How?**\n\n{ANSWERS}"),
        _text("read", "## Further reading\n\n[A (2015)](../reference/bibliography.md#a2015)"),
    ]
    for count, cell in enumerate((c for c in cells if c.cell_type == "code"), 1):
        cell.execution_count = count
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def _cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def edit(name, old, new):
    """The fault of a text in one cell put in place of another."""

    def plant(notebook):
        cell = _cell(notebook, name)
        assert old in cell.source, f"nothing in {name} to plant a fault in"
        cell.source = cell.source.replace(old, new)

    return plant


def write(name, source):
    """The fault of a cell that says something else."""
    return lambda notebook: _cell(notebook, name).update(source=source)


def tags(name, *given):
    """The fault of other tags on a cell."""
    return lambda notebook: _cell(notebook, name).metadata.update(tags=list(given))


def remove(*names):
    """The fault of cells that are not there."""
    return lambda notebook: notebook.update(cells=[c for c in notebook.cells if c.id not in names])


def metadata(name, **given):
    """The fault of other metadata on a cell."""
    return lambda notebook: _cell(notebook, name).metadata.update(given)


def swap(one, other):
    """The fault of two cells in each other's place."""

    def plant(notebook):
        i, j = (notebook.cells.index(_cell(notebook, name)) for name in (one, other))
        notebook.cells[i], notebook.cells[j] = notebook.cells[j], notebook.cells[i]

    return plant


def saved_by_jupyterlab(notebook):
    """Run All, one cell run again, one solution opened, and Save."""
    for cell in notebook.cells:
        if cell.id == "figure":
            cell.outputs = [new_output("display_data", {"image/svg+xml": "<svg/>"})]
        if cell.id == "draw":
            cell.execution_count = 99
        if cell.id == "solution-2":
            del cell.metadata["jp-MarkdownHeadingCollapsed"]
    notebook.metadata["widgets"] = {}
    notebook.metadata["language_info"]["version"] = "3.12.1"


def an_image_in_a_checked_cell(notebook):
    """A figure and a number in one cell."""
    _cell(notebook, "print").outputs.append(new_output("display_data", {"image/png": "abc"}))


def code_above_a_solution(notebook):
    """What is left of a solution when its heading moves down."""
    place = notebook.cells.index(_cell(notebook, "solution-2"))
    notebook.cells.insert(place, _code("early", "squared = number**2"))


def one_id_twice(notebook):
    """What copying a cell in a text editor does."""
    _cell(notebook, "draw").id = "print"


PANELS = (
    "fig, ax = plt.subplots()\nfor k in (1, 2):\n    ax.plot([0, k], {})\nax.legend()\nplt.show()"
)
# rule: [(fault, what the rule says), ...]
CHAPTER_FAULTS = {
    "opens_with_a_title_two_sentences_and_a_box": [
        (edit("top", "# A model", "A model"), "first line of the first cell is its title"),
        (edit("top", " Afterwards the rules are content.", ""), "two sentences.*there are 1"),
        (edit("top", "> - see them all.", ">"), "three or more aims.*it has 2"),
        (write("top", ""), "first line of the first cell is its title"),
    ],
    "states_the_time_that_its_words_and_cells_take": [
        (
            edit("top", "Time** 10", "Time** 40"),
            r"has to say `\*\*Time\*\* 10 minutes, exercises 32",
        ),
        (edit("top", "**Time** 10 minutes, exercises 32.", ""), r"\*\*Time\*\* 10 minutes"),
    ],
    "closes_with_its_four_sections_in_order": [
        (remove("read"), "the last four sections are"),
        (swap("remember", "check"), "the last four sections are"),
    ],
    "has_four_numbered_exercises_one_of_them_to_repair": [
        (edit("exercise-2", "Exercise 2:", "Exercise 3:"), "numbered from 1"),
        (edit("exercise-1", "Fix this code", "Read this code"), "Fix this code"),
        (remove("exercise-4", "solution-4"), "four exercises or more; it has 3"),
    ],
    "follows_each_exercise_by_a_solution_that_runs": [
        (remove("solved-3"), "the solution of exercise 3 has no cell of code"),
        (remove("solution-2"), "exercise 2 needs one Markdown cell that holds only"),
        (code_above_a_solution, "exercise 2 has a cell of code above its solution"),
        (
            edit("solution-2", "Solution", "Solution\n\nIt is easy."),
            "exercise 2 needs one Markdown",
        ),
    ],
    "has_two_self_checks_with_folded_answers": [
        (write("check", f"## Check yourself\n\n{ANSWERS}"), "two questions or more.*it has 1"),
    ],
    "cites_its_sources_and_links_to_the_glossary": [
        (write("read", "## Further reading\n\nA book."), "Further reading cites a source"),
        (
            edit("lesson", "[seed](../reference/glossary.md#term-seed)", "seed"),
            "term of the glossary",
        ),
    ],
    "is_plain_markdown": [
        (edit("lesson", "shows it", "shows it {cite:p}`a2015`"), "reads only in the book"),
        (
            edit("read", "\n\n", "\n\n:::{note}\nYes.\n:::\n"),
            "':::' reads only in the book",
        ),
    ],
    "gives_every_figure_a_name_a_text_and_a_numbered_caption": [
        (metadata("figure", mystnb={}), r"Cell 4 \(in JupyterLab \[5\]\): its metadata need a fig"),
        (edit("caption", "Figure 1", "Figure 2"), r"holds only its caption.*\*\*Figure 1\.\*\*"),
        (remove("caption"), "the next cell holds only its caption"),
        (edit("figure", "plt.subplots()", "axes()"), "opens no figure"),
        (
            metadata("figure", mystnb={"figure": {"name": "fig-one", "caption": "One line."}}),
            "caption stands in the next cell",
        ),
    ],
    "mentions_every_figure_by_its_number": [
        (
            edit("lesson", "[Figure 1](#fig-one)", "This"),
            r"no text says `\[Figure 1\]\(#fig-one\)`",
        ),
        (edit("lesson", "shows", "and [Figure 3](#fig-one) show"), "is Figure 1"),
    ],
    "is_one_sitting": [
        (edit("remember", "This.", "word " * 3500), r"the lesson has 40\d\d words, 3500 at most"),
    ],
    "can_be_read_as_python": [(write("draw", "number ="), "Cell 2 .*is no valid Python")],
    "imports_everything_in_its_first_cell": [
        (edit("draw", "rng = ", "import math\nrng = "), "Cell 2 .*imports stand in Cell 0"),
        (edit("imports", "plt.style", "plt.Style"), "ends with these two lines"),
    ],
    "imports_only_what_the_requirements_name": [
        (
            edit("imports", "import numpy as np", "import pygments"),
            "requirements.txt does not name",
        ),
        (edit("imports", "import numpy as np", "from os import path"), "os reaches files"),
    ],
    "holds_one_idea_a_cell": [
        (write("draw", "number = 1\n" * 16), "Cell 2 .*16 lines, 15 at most"),
    ],
    "has_ten_words_to_a_line_of_code": [
        (write("lesson", LESSON), "ten words or more to a line of code"),
    ],
    "keeps_code_within_80_columns": [
        (edit("draw", "rng.normal()", f"rng.normal()  # {'x' * 60}"), r"lines \[2\] have up to 85"),
    ],
    "has_one_cell_of_parameters_that_holds_its_seed": [
        (tags("parameters"), "0 are"),
        (write("parameters", "seed = 0\nn = 3"), "holds `seed = 0`, and nothing else"),
        (write("parameters", "seed = int(0)"), "holds `seed = 0`, and nothing else"),
    ],
    "derives_every_generator_from_its_seed": [
        (edit("draw", "seed", "7"), "default_rng gets 7, which does not derive"),
        (edit("draw", "seed", ""), "default_rng gets None"),
        (
            write("draw", "def draw(s):\n    return np.random.default_rng(s)\n\n\ndraw(3)"),
            "default_rng gets s",
        ),
        (write("draw", "d = basinhopping(f, 0)"), "basinhopping gets None"),
    ],
    "draws_from_no_generator_that_is_not_its_own": [
        (write("draw", "number = np.random.normal()"), "np.random.normal draws without"),
        (write("draw", "number = torch.randn(1)"), "randn draws from torch's own generator"),
        (
            write("draw", "def layer():\n    return nn.Linear(2, 2)\n\n\nnumber = layer()"),
            "layer draws from torch's own generator",
        ),
    ],
    "touches_no_file_and_no_network": [
        (write("draw", 'np.savetxt("x", [1])'), "np.savetxt reads or writes outside"),
        (write("draw", 'number = torch.load("x")'), "torch.load reads or writes outside"),
        (write("draw", 'number = open("x").read()'), "open reads or writes outside"),
    ],
    "prints_nothing_that_is_not_checked": [
        (tags("print"), "Cell 3 .*print shows what nobody compares.*make notebooks CHAPTERS="),
    ],
    "prints_what_was_computed": [
        (write("print", 'print("0.1257")'), r"print\('0.1257'\) holds nothing computed"),
        (write("print", 'print(f"{0.1257:.4f}")'), "holds nothing computed"),
    ],
    "ends_comparisons_in_a_verdict": [
        (tags("verdict", *CHECKED), "there is none"),
        (tags("verdict", "verdict"), "is tagged .*nbval-check-output.* too"),
    ],
    "folds_the_cells_that_only_draw": [
        (tags("figure"), r"Cell 4 .*only draws; tag it `hide-input`"),
    ],
    "shows_a_legend_for_its_labels": [
        (edit("figure", "ax.legend()\n", ""), "has labels, and no legend"),
    ],
    "tells_lines_and_areas_apart_without_color": [
        (write("figure", PANELS.format('label=k, linestyle="-"')), "only color tells its lines"),
        (
            write("figure", PANELS.replace("plot", "hist").format("label=k")),
            "only color tells its areas apart",
        ),
    ],
    "runs_every_cell_and_nothing_but_python": [
        (tags("draw", "nbval-skip"), "the tag nbval-skip exempts it"),
        (write("draw", "!ls"), "'!ls' is not Python"),
        (write("draw", "quit()"), "keeps nbval from checking"),
        (write("print", "# NBVAL_SKIP\nprint(number)"), "keeps nbval from checking"),
    ],
    "is_stored_as_make_notebooks_stores_it": [
        (
            saved_by_jupyterlab,
            r"chapters/model.ipynb was saved by an editor: to keep the change, `make notebooks "
            r"CHAPTERS=chapters/model.ipynb`; to put it back, `git checkout chapters`. What was "
            r"saved: Cells 4 store an output that is not checked; Cells 2 were run out of "
            r"order; the notebook stores widgets; 1 solutions stand open",
        ),
        (lambda n: _cell(n, "print").update(outputs=[]), r"Cells 3 lack their checked output"),
        (lambda n: _cell(n, "print").update(execution_count=None), "were run out of order"),
    ],
    "tags_what_is_checked_with_both_tags": [
        (tags("print", "keep_output"), "the tag nbval-check-output is missing"),
    ],
    "checks_text_that_is_the_same_everywhere": [
        (an_image_in_a_checked_cell, "draws and prints"),
        (
            lambda n: _cell(n, "print").outputs[0].update(text="<f at 0x7f00deadbeef>"),
            "'0x7f00deadbeef' differs from one machine to another",
        ),
        (lambda n: _cell(n, "print").outputs[0].update(name="stderr"), "an error or a warning"),
    ],
    "gives_every_cell_an_id_of_its_own": [(one_id_twice, "its id 'print' is not its own")],
}
RULES = {rule.__name__: rule for rule in test_chapters.RULES}


def _chapter(fault=lambda notebook: None):
    notebook = model()
    fault(notebook)
    return test_chapters.Chapter("chapters/model.ipynb", notebook)


def _flat(faults):
    return [
        pytest.param(rule, *pair, id=f"{rule}-{number}")
        for rule, pairs in faults.items()
        for number, pair in enumerate(pairs)
    ]


def test_every_rule_has_a_planted_fault():
    assert set(CHAPTER_FAULTS) == set(RULES)
    assert set(PROJECT_FAULTS) == {rule.__name__ for rule in test_project.RULES}


@pytest.mark.parametrize("name", RULES)
def test_a_chapter_without_a_fault_keeps_the_rule(name):
    assert list(RULES[name](_chapter())) == []


@pytest.mark.parametrize(("name", "fault", "said"), _flat(CHAPTER_FAULTS))
def test_a_fault_breaks_the_rule_and_is_named(name, fault, said):
    problems = list(RULES[name](_chapter(fault)))
    assert re.search(said, "\n".join(problems)), problems
    assert all(problem.startswith("chapters/model.ipynb") for problem in problems)


def test_a_chapter_that_jupyterlab_saved_breaks_one_rule_in_one_sentence():
    chapter = _chapter(saved_by_jupyterlab)
    broken = {name: list(rule(chapter)) for name, rule in RULES.items()}
    broken = {name: problems for name, problems in broken.items() if problems}
    assert list(broken) == ["is_stored_as_make_notebooks_stores_it"]
    assert len(sum(broken.values(), [])) == 1


def test_another_version_of_python_in_the_metadata_is_no_fault():
    fault = lambda n: n.metadata["language_info"].update(version="3.13.1")  # noqa: E731
    assert [p for rule in RULES.values() for p in rule(_chapter(fault))] == []


@pytest.mark.parametrize(
    "source",
    [
        "def draw(s):\n    return np.random.default_rng(s)\n\n\nrngs = [draw(seed + 3)]",
        "rngs = [np.random.default_rng(k) for k in range(seed, seed + 3)]",
        "for k in range(3):\n    with seeded(seed + k):\n        layer = nn.Linear(2, 2)",
        "data_seed = seed + 1\nrng = np.random.default_rng([data_seed, 0])",
        "rng = np.random.default_rng(seed)\ncounts = rng.poisson(3, size=10)",
        "def layer():\n    return nn.Linear(2, 2)\n\n\nwith seeded(seed):\n    one = layer()",
        "g = torch.Generator().manual_seed(seed)\nx = torch.randn(3, generator=g)",
    ],
)
def test_what_derives_from_the_seed_is_no_fault(source):
    chapter = _chapter(write("draw", source))
    names = "derives_every_generator_from_its_seed", "draws_from_no_generator_that_is_not_its_own"
    assert [problem for name in names for problem in RULES[name](chapter)] == []


@pytest.mark.parametrize("text", ["", "not JSON", "{}", "<<<<<<< HEAD\n{}", '{"cells": 3}'])
def test_a_file_that_is_no_notebook_is_named_with_the_way_back(tmp_path, text):
    (tmp_path / "torn.ipynb").write_text(text)
    with pytest.raises(pytest.fail.Exception, match="chapters/torn.ipynb is no notebook.*checkout"):
        test_chapters.read(tmp_path / "torn.ipynb")


def test_the_chapters_together_are_guarded():
    toc = {"parts": [{"chapters": [{"file": "chapters/gone"}, {"file": "chapters/model"}]}]}
    problems = list(test_chapters.misplaced_chapters(toc, ["chapters/model", "chapters/new"]))
    assert problems[0] == "_toc.yml lists chapters/gone, and there is no chapters/gone.ipynb"
    assert problems[1].startswith("chapters/new.ipynb is in no part of _toc.yml")
    assert len(problems) == 2

    card = (
        ":::::{grid-item-card} A model\n:link: chapters/model\n\n:::{card-footer}\n10 minutes\n:::"
    )
    assert list(test_chapters.missing_cards(card, [_chapter()])) == []
    for fault in (card.replace("A model", "Another"), card.replace("10 m", "40 m"), ""):
        (problem,) = test_chapters.missing_cards(fault, [_chapter()])
        assert problem.startswith("index.md")

    twice = list(test_chapters.names_of_two_figures([_chapter(), _chapter()]))
    assert len(twice) == 1 and "fig-one too" in twice[0]


# The settings of the project, on a copy

# rule: [(file, text in it, text put in its place or None to take the file away, what is said)]
PROJECT_FAULTS = {
    "pytest_runs_everything_and_lets_no_warning_pass": [
        ("pyproject.toml", '"chapters/*.ipynb"', '"other"', "testpaths lack `chapters"),
        ("pyproject.toml", 'testpaths = ["tests", ', "testpaths = [", "testpaths lack `tests`"),
        ("pyproject.toml", '    "--nbval-lax",\n', "", "without it no cell is run"),
        ("pyproject.toml", '    "--strict-markers",\n', "", "misspelled marker"),
        ("pyproject.toml", '"-ra"', '"--ignore=tests/test_site.py"', "leave something out"),
        ("pyproject.toml", '"not deep"', '"not slow"', "only `deep` is left out"),
        ("pyproject.toml", 'filterwarnings = ["error"]', "filterwarnings = []", "filterwarnings"),
        (
            "pyproject.toml",
            '["error"]',
            '["error", "ignore::UserWarning"]',
            "more than one message",
        ),
        ("pyproject.toml", "xfail_strict = true", "xfail_strict = false", "xfail_strict is true"),
    ],
    "make_runs_what_it_says_and_swallows_no_failure": [
        ("Makefile", "-m pytest", "-m pytest || true; ls", "`make test` swallows"),
        ("Makefile", "-m pytest", "-m compileall", "`make test` does not run `-m pytest`"),
        ("Makefile", "-m ruff check .", "-m ruff version", "not run `-m ruff check .`"),
        ("Makefile", "ruff format --check .", "ruff format .", "not run `-m ruff format --check"),
        ("Makefile", "--verify", "", "`make lint` does not run"),
        ("Makefile", "-W -n --keep-going", "-n", "`make book` does not run `-W -n"),
        ("Makefile", "--keep-count", "--keep-output", "nbval compares nothing"),
        ("Makefile", "-o pipefail", "", "pipefail"),
    ],
    "the_map_on_the_landing_page_is_what_the_chapters_say": [
        ("index.md", '"autograd": ["generic-minimization"]', '"autograd": []', "draws autograd"),
        ("index.md", '"fits-with-minuit": [', '"fits": [', "draws fits behind"),
    ],
    "containers_install_what_is_pinned": [
        (".binder/Dockerfile", "make .venv/installed", "make help", "does not run"),
        (".binder/Dockerfile", "python:3.13", "python:3.99", "none of those that ci.yml tests"),
        (".binder/Dockerfile", "jupyterhub==6.1.1", "jupyterhub", "what is not pinned"),
        (".binder/Dockerfile", "-c constraints.txt ", "", "what is not pinned"),
        (".devcontainer/devcontainer.json", "make .venv", "make .other", "does not run"),
        (".dockerignore", ".venv\n", "", "leaves out .venv"),
    ],
    "one_script_runs_all_parts": [
        (".ci/run", 'part "make lint" make lint\n', "", "does not run `make lint`"),
        (".ci/run", "set -euo pipefail", "set -u", "swallows a failure"),
        (".ci/run", "make test\n", "make test || true\n", "does not run `make test`"),
        (".ci/run", "export CI=true", "", "a test that is skipped passes"),
    ],
    "workflows_run_all_parts_with_pinned_actions_and_few_permissions": [
        (
            ".github/workflows/ci.yml",
            "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2",
            "actions/checkout@v6",
            "pin by a full SHA",
        ),
        (".github/workflows/ci.yml", "83dd # v6.0.2", "83dd", "pin by a full SHA"),
        (".github/workflows/weekly.yml", "permissions: {}", "permissions: write-all", "at the top"),
        (".github/workflows/ci.yml", "contents: read", "contents: write", "more than a release"),
        (".github/workflows/ci.yml", "contents: read", "actions: write", "broad permissions"),
        (".github/workflows/release.yml", "run: make pdf", "run: make book", "not run `make pdf`"),
        (".github/workflows/ci.yml", "        run: make lint\n", "", "no step `make lint`"),
        (".github/workflows/ci.yml", "run: make test", "run: make test || true", "swallows"),
        (".github/workflows/ci.yml", "timeout-minutes: 90", "", "no timeout-minutes"),
        (".github/workflows/ci.yml", "[unix, windows]", "[unix]", "deploy needs all other jobs"),
        (
            ".github/workflows/ci.yml",
            "if: github.event_name == 'push'\n    needs",
            "needs",
            "may wr",
        ),
        (".github/workflows/ci.yml", "persist-credentials: false", "lfs: true", "credentials"),
        (".github/workflows/weekly.yml", "", None, "ci.yml and weekly.yml are there"),
    ],
    "every_guard_has_its_file_and_no_test_is_empty": [
        ("tests/test_paths.py", "", None, "tests/test_paths.py is not there"),
        ("tests/test_faults.py", "", None, "tests/test_faults.py is not there"),
        ("tests/test_new.py", "", "def test_x():\n    assert True\n", "test_x asserts nothing"),
        ("tests/test_new.py", "", "import pytest\n\npytest.mark.xfail\n", "xfail hides a fault"),
    ],
    "axe_checks_with_all_its_rules": [
        ("tests/test_site.py", "AXE = {", 'AXE = {"runOnly": ["wcag2a"],', "leaves rules out"),
    ],
    "commits_are_checked_like_make_lint": [
        (
            ".pre-commit-config.yaml",
            "nbstripout --verify",
            "nbstripout",
            "no hook runs `nbstripout",
        ),
    ],
    "every_requirement_is_pinned_once_and_alike": [
        ("requirements.txt", "scipy==", "scipy>=", "pin exactly, name==version: scipy>="),
        ("requirements.txt", "iminuit==", "iminuit==9.", "constraints.txt: says .* for iminuit"),
        ("requirements.txt", "-c constraints.txt", "", "begins with `-c constraints.txt`"),
        ("constraints.txt", "iminuit==", "iminuit2==", "says nothing for iminuit"),
        ("constraints.txt", "zipp==", "zippp==", "pins zippp, which no requirement"),
        ("pyproject.toml", '"tqdm"]', '"tqdm", "pandas"]', "pins no pandas"),
    ],
    "helpers_import_only_what_the_package_asks_for": [
        ("helpers/paths.py", "import numpy", "import yaml\nimport numpy", "does not ask for yaml"),
    ],
    "helpers_use_every_argument_that_they_take": [
        (
            "helpers/derivatives.py",
            "",
            "def f(x, order=1):\n    return x\n",
            "f drops its argument or",
        ),
    ],
    "no_file_names_a_machine_or_a_private_registry": [
        ("README.md", "# Downhill", "# Downhill /home/ada/book", "README.md: /home/ada is of one"),
        ("requirements.txt", "torch==", "--index-url https://x.org/a\ntorch==", "package index"),
        (".ci/run", "limit=5100", "limit=5100 # http://10.0.0.3:8080", "is of one machine"),
    ],
    "versions_agree": [
        (
            "README.md",
            "Python 3.11 or newer",
            "Python 3.9 or newer",
            "README.md: says `Python 3.11",
        ),
        ("README.md", "torch==2", "torch==1", "README.md: says torch==1"),
        ("Makefile", "(3, 11)", "(3, 10)", "Makefile: asks for another Python"),
        ("pyproject.toml", 'version = "0.', 'version = "7.', "CITATION.cff: its version is not 7."),
        ("CITATION.cff", "date-released: 2026", "date-released: 2025", "not of the same date"),
    ],
    "readme_shows_the_tree_as_it_is": [
        ("helpers/paths.py", "", None, "its tree names helpers/paths.py, which is not there"),
        ("helpers/new.py", "", "", "its tree does not name helpers/new.py"),
        ("new/file", "", "", "its tree does not name new"),
    ],
    "readme_and_contents_name_every_chapter": [
        ("README.md", "| Minuit versus Adam |", "| Adam |", "its table of sessions lists"),
        ("index.md", ":link: chapters/uncertainties\n", "", "index.md: its cards are"),
    ],
    "commands_that_are_named_exist": [
        (
            "README.md",
            "make serve shows",
            "`make server` shows",
            "README.md: there is no `make ser",
        ),
    ],
    "the_measures_that_are_told_are_those_that_are_tested": [
        ("CONTRIBUTING.md", "at most 3500", "at most 3000", r"words of the lesson` is \[3500\]"),
        ("CONTRIBUTING.md", "8 in nine", "9 in nine", "lines of a cell of code"),
    ],
    "licenses_are_told_apart_as_forges_do": [
        ("LICENSE", "BSD 3-Clause License", "Two licenses", "LICENSE: holds the BSD 3-Clause"),
        ("LICENSE-text", "", "CC BY 4.0", "LICENSE-text: a second file"),
        ("NOTICE", "", None, "NOTICE: links to the full text"),
        ("CITATION.cff", "CC-BY-4.0", "CC-BY-3.0", "CITATION.cff: its licenses"),
    ],
}
PROJECT_RULES = {rule.__name__: rule for rule in test_project.RULES}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A copy of the project in which one file at a time is altered."""
    folder = tmp_path_factory.mktemp("settings")
    for path in test_project.tracked(ROOT):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return folder


@pytest.mark.parametrize(("name", "file", "old", "new", "said"), _flat(PROJECT_FAULTS))
def test_a_fault_of_the_project_is_named(settings, name, file, old, new, said):
    path = settings / file
    before = path.read_bytes() if path.exists() else None
    assert old in (before or b"").decode(), f"nothing in {file} to plant a fault in"
    try:
        if new is None:
            path.unlink()
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text((before or b"").decode().replace(old, new) if old else new)
        problems = list(PROJECT_RULES[name](settings))
    finally:
        if before is not None:
            path.write_bytes(before)
        else:
            path.unlink()
            if path.parent.name == "new":
                path.parent.rmdir()
    assert re.search(said, "\n".join(problems)), problems


def test_a_run_that_lacks_cells_or_many_tests_says_so():
    full = {"a.ipynb": ["Cell 0", "Cell 1"], "test_all.py": ["test"] * 3000}
    assert list(test_project.missing_from_a_run(full, {"a.ipynb": 2})) == []
    (problem,) = test_project.missing_from_a_run(full, {"a.ipynb": 2, "b.ipynb": 7})
    assert problem == "chapters/b.ipynb: 7 cells of code, and 0 of them are run"
    (problem,) = test_project.missing_from_a_run(full | {"test_all.py": []}, {"a.ipynb": 2})
    assert problem.startswith("2 tests were collected, fewer than")


# What only a run notices: one copy, with all these faults in it at once

CELLS = {
    "cells": [
        ("1 / 0", None, r"Cell 0[\s\S]*ZeroDivisionError"),
        ('import warnings\n\nwarnings.warn("look out")', None, "a warning is printed.*look out"),
        ("6 * 7", None, r"shown, and compared with nothing .*42"),
        ("print(6 * 8)", None, "printed, and compared with nothing: 48"),
    ],
    "helped": [
        (
            "from helpers.derivatives import gradient, hessian\n"
            "from helpers.objectives import beale, himmelblau",
            None,
            None,
        ),
        ('print(f"{gradient(himmelblau, (0, 0))[1]:.2f}")', "-22.00\n", None),
        ('print(f"{gradient(himmelblau, (0, 0))[0]:.2f}")', "-14.01\n", r"-14\.01[\s\S]*-14\.00"),
        ("_ = hessian(himmelblau, (0, 0))", None, "OSError"),
        ('print(f"{beale(1, 1):.2f}")', "14.20\n", r"14\.20[\s\S]*14\.2\d|14\.20"),
    ],
    "dies": [("import os\n\nos._exit(1)", None, "")],
    "sleeps": [("import time\n\ntime.sleep(60)", None, "[Tt]imeout")],
}
TOC = "format: jb-book\nroot: index\nparts:\n- caption: One\n  chapters:\n  - file: chapters/{}\n"
VICTIM = "chapters/victim.ipynb"
NOT_COPIED = ("chapters", "tests", "benchmarks", ".github", ".ci")


def _replace(path, pattern, by):
    text = path.read_text(encoding="utf-8")
    assert re.search(pattern, text), f"nothing in {path} to plant a fault in"
    path.write_text(re.sub(pattern, by, text, count=1), encoding="utf-8")


def _notebook(cells):
    notebook = new_notebook(cells=[new_markdown_cell("# Victim\n\nThe gradient.", id="intro")])
    for number, (source, output, _) in enumerate(cells):
        cell = new_code_cell(source, id=f"c{number}", execution_count=number + 1)
        if output:
            cell.metadata["tags"] = CHECKED
            cell.outputs = [new_output("stream", text=output)]
        notebook.cells.append(cell)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    return notebook


def _project(folder, notebooks):
    """A copy of the project whose chapters are these notebooks."""
    for path in test_project.tracked(ROOT):
        name = path.relative_to(ROOT)
        if name.parts[0] not in NOT_COPIED:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
    for name in ("chapters", "tests"):
        (folder / name).mkdir()
    for name, cells in notebooks.items():
        nbformat.write(_notebook(cells), folder / f"chapters/{name}.ipynb")
    (folder / "_toc.yml").write_text(TOC.format("victim"))
    (folder / "index.md").write_text("# Index\n\nOne page for all that follows.\n")
    _replace(folder / "_config.yml", r"timeout: \d+", "timeout: 15")
    return folder


def _start(project, *command, **settings):
    # The copy's helpers, not the installed ones; and no switches of the run that we are in.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
    environment |= {"PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"} | settings
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
    return subprocess.Popen(command, cwd=project, env=environment, errors="replace", **pipes)


def _run(project, *command, **settings):
    process = _start(project, *command, **settings)
    try:
        output, _ = process.communicate(timeout=RED_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, output


@pytest.fixture(scope="module")
def faulty_run(tmp_path_factory):
    """What pytest says about a project that holds all these faults."""
    project = _project(tmp_path_factory.mktemp("faulty"), CELLS)
    skips = 'import pytest\n\n\ndef test_in_a_browser():\n    pytest.skip("no browser")\n'
    (project / "tests/test_skips.py").write_text(skips)
    derivatives, objectives = project / "helpers/derivatives.py", project / "helpers/objectives.py"
    _replace(derivatives, r"(?s)(def hessian\(.*?\):\n)", r"\1    raise OSError(7)\n")
    _replace(objectives, r"\(1\.5 - x \+ x \* y\)", "(1.6 - x + x * y)")
    (project / "chapters/.ipynb_checkpoints").mkdir()
    for name in (".ipynb_checkpoints/cells-checkpoint.ipynb", "._cells.ipynb", ".DS_Store"):
        (project / "chapters" / name).write_bytes(b"\x00\x05")
    pytest_ = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no")
    hung = [f"chapters/{name}.ipynb" for name in ("dies", "sleeps")]
    quick = _start(project, *pytest_, "--nbval-cell-timeout=4", *hung)
    rest = _run(project, *pytest_, *(f"--deselect={name}" for name in hung), CI="true")
    return rest[1] + quick.communicate(timeout=RED_WITHIN)[0]


def _failed(run):
    return set(re.findall(r"(?m)^FAILED (?:chapters|tests)/(\S+::(?:Cell \d+|\w+))", run))


def test_every_fault_that_only_a_run_notices_turns_it_red_and_nothing_else_does(faulty_run):
    planted = {
        f"{name}.ipynb::Cell {number}"
        for name, cells in CELLS.items()
        for number, (*_, said) in enumerate(cells)
        if said is not None
    }
    if sys.platform != "win32":
        planted.add("test_skips.py::test_in_a_browser")
    assert _failed(faulty_run) == planted, faulty_run


@pytest.mark.parametrize("said", [said for cells in CELLS.values() for *_, said in cells if said])
def test_a_run_says_what_is_wrong(faulty_run, said):
    assert re.search(said, faulty_run), faulty_run


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no make, and may skip")
def test_a_run_in_continuous_integration_says_which_test_was_skipped(faulty_run):
    assert "skipped, where everything should be installed: no browser" in faulty_run


# What only a build of the book notices

GRADIENT = (
    "from helpers.derivatives import gradient\nfrom helpers.objectives import himmelblau\n\n"
    'x, y = gradient(himmelblau, (0, 0))\nprint(f"{x:.2f} {y:.2f}")',
    "-14.00 -22.00\n",
    None,
)


@pytest.fixture
def book(tmp_path):
    """A copy of the project with one small chapter, and short time limits."""
    return _project(tmp_path, {"victim": [GRADIENT]})


def _build(project):
    binaries, stamp = Path(sys.executable).parent, project / "installed"
    stamp.touch()
    return _run(project, "make", "book", "made_here=true", f"BIN={binaries}", f"STAMP={stamp}")


def _write_victim(project, source):
    nbformat.write(_notebook([(source, None, None)]), project / VICTIM)


def raises(project):
    _write_victim(project, "1 / 0")


def dies(project):
    _write_victim(project, "import os\n\nos._exit(1)")


def takes_too_long(project):
    _write_victim(project, "import time\n\ntime.sleep(60)")


def toc_entry_without_file(project):
    (project / VICTIM).rename(project / "chapters" / "other.ipynb")


def broken_reference(project):
    (project / "index.md").write_text("# Index\n\nSee {ref}`nowhere`.\n")


def unknown_command_in_a_formula(project):
    (project / "index.md").write_text("# Index\n\nA formula: $\\nosuch$.\n")


def helper_raises(project):
    _replace(
        project / "helpers" / "derivatives.py",
        r"(?s)(def gradient\(.*?\):\n)",
        r"\1    raise OSError(7)\n",
    )


def _assert_red_and_unpublished(project, place, runs=1):
    for run in range(runs):
        code, output = _build(project)
        assert code != 0, f"run {run}: {output}"
        assert re.search(place, output), f"run {run}: {output}"
        assert not (project / "_build" / "html").exists()


@needs_make
def test_a_helper_that_changes_changes_the_page_and_one_that_raises_takes_it_away(book):
    (book / "play").mkdir()
    shutil.copy(book / VICTIM, book / "play" / "mine.ipynb")
    page = book / "_build" / "html" / "chapters" / "victim.html"
    code, output = _build(book)
    assert code == 0, output
    assert "-22.00" in page.read_text(encoding="utf-8")
    _replace(book / "helpers" / "objectives.py", r"\(x \+ y\*\*2 - 7\)", "(x + y**2 - 9)")
    code, output = _build(book)
    assert code == 0, output
    assert "-18.00" in page.read_text(encoding="utf-8")
    helper_raises(book)
    _assert_red_and_unpublished(book, "chapters/victim")


@needs_make
@pytest.mark.deep
@pytest.mark.parametrize(
    ("fault", "place"),
    [
        (raises, r"chapters/victim"),
        (dies, r"victim"),
        (takes_too_long, r"chapters/victim"),
        (toc_entry_without_file, r"chapters/victim"),
        (broken_reference, r"index\.md.*nowhere"),
        (unknown_command_in_a_formula, r"index\.md.*nosuch"),
        (helper_raises, r"chapters/victim"),
    ],
)
def test_a_fault_fails_the_build_twice_is_named_and_publishes_nothing(book, fault, place):
    fault(book)
    _assert_red_and_unpublished(book, place, runs=2)
