"""The rules of a chapter: what makes it readable, and what lets nbval check every number shown."""

import ast
import re
import statistics
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
CLOSING = ["What to remember", "Exercises", "Check yourself", "Further reading"]
CHECKED = {"nbval-check-output", "keep_output"}
BANNED_TAGS = {
    "raises-exception",
    "nbval-skip",
    "nbval-ignore-output",
    "remove-cell",
    "skip-execution",
}
FIGURE_FORMAT = '%config InlineBackend.figure_formats = ["svg"]'


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def _code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _text(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def _tags(cell):
    return set(cell.metadata.get("tags", []))


def _python(cell):
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))


def _length(cell):
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def test_the_table_of_contents_lists_exactly_the_chapters_on_disk():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    listed = [entry["file"] for part in parts for entry in part["chapters"]]
    listed = [name for name in listed if name.startswith("chapters/")]
    assert sorted(listed) == [f"chapters/{path.stem}" for path in CHAPTERS]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_has_a_card_on_the_landing_page_with_its_title_and_time(path):
    first = nbformat.read(path, as_version=4).cells[0].source
    title, time = (
        first.splitlines()[0].removeprefix("# "),
        re.search(r"about (\d+ minutes)", first)[1],
    )
    index = (ROOT / "index.md").read_text(encoding="utf-8")
    card = index.split(f"{{grid-item-card}} {title}\n:link: chapters/{path.stem}\n")[1]
    assert re.search(r"\{card-footer\}\n(.*)", card)[1] == time


def test_no_two_figures_share_a_name():
    notebooks = [nbformat.read(path, as_version=4) for path in CHAPTERS]
    names = [
        cell.metadata["mystnb"]["figure"]["name"]
        for notebook in notebooks
        for cell in notebook.cells
        if "mystnb" in cell.metadata
    ]
    assert len(names) == len(set(names))


def test_a_chapter_opens_with_a_title_two_sentences_and_what_it_needs(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    title, opening, box = first.source.split("\n\n", 2)
    assert re.fullmatch(r"# \S.*", title)
    assert len(re.findall(r"[.?](?:\s|$)", opening)) == 2
    assert ":class: objectives" in box
    assert re.search(r"\*\*Time\*\* about \d+ minutes", box)
    assert "**You need**" in box
    assert box.count("\n- ") >= 3


def test_a_chapter_closes_with_its_four_sections_in_order(notebook):
    sections = re.findall(r"^## (.+)$", _text(notebook), flags=re.MULTILINE)
    assert sections[-4:] == CLOSING


def test_a_chapter_has_four_exercises_each_with_a_collapsed_solution(notebook):
    text = _text(notebook)
    exercises = re.findall(r":::+\{exercise\} (.+)\n:label: (\S+)", text)
    solutions = re.findall(r":::+\{solution-start\} (\S+)\n:class: dropdown", text)
    assert len(exercises) >= 4
    assert [label for _, label in exercises] == solutions
    assert any(re.match("Fix|Repair", title) for title, _ in exercises)
    assert text.count("{solution-end}") == len(solutions)


def test_every_solution_is_executed(notebook):
    inside, has_code = False, True
    for cell in notebook.cells:
        if "{solution-start}" in cell.source:
            inside, has_code = True, False
        has_code |= inside and cell.cell_type == "code"
        if "{solution-end}" in cell.source:
            assert has_code
            inside = False
    assert not inside


def test_a_chapter_has_two_self_checks_with_collapsed_answers(notebook):
    section = _text(notebook).split("## Check yourself")[1].split("## Further reading")[0]
    assert section.count("{dropdown} Answer") >= 2


def test_a_chapter_cites_its_sources_and_links_to_the_glossary(notebook):
    text = _text(notebook)
    assert "{cite" in text.split("## Further reading")[1]
    assert "{term}`" in text


def test_the_first_code_cell_holds_all_imports_and_the_look_of_the_figures(notebook):
    first, *others = _code(notebook)
    assert first.source.endswith(f'plt.style.use("helpers.course")\n{FIGURE_FORMAT}')
    for cell in others:
        nodes = ast.walk(ast.parse(_python(cell)))
        assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes), cell.id


def test_cells_hold_one_idea(notebook):
    lengths = sorted(_length(cell) for cell in _code(notebook)[1:])
    assert lengths[-1] <= 15
    assert lengths[int(0.9 * (len(lengths) - 1))] <= 8
    assert statistics.median(lengths) <= 4


def test_prose_outweighs_code(notebook):
    words = len(_text(notebook).split())
    assert words / sum(_length(cell) for cell in _code(notebook)) >= 10


def test_every_figure_has_a_name_a_caption_and_a_text_that_says_what_it_shows(notebook):
    for cell in _code(notebook):
        if not re.search(r"plt\.(subplots|subplot_mosaic|figure)\(", cell.source):
            assert "mystnb" not in cell.metadata, cell.id
            continue
        mystnb = cell.metadata["mystnb"]
        assert mystnb["figure"]["name"].startswith("fig-"), cell.id
        assert mystnb["figure"]["caption"].rstrip().endswith("."), cell.id
        alt = mystnb["image"]["alt"]
        assert len(alt) >= 40, cell.id
        assert not re.match(r"(an? )?(image|picture|plot|figure|graph) of", alt, re.IGNORECASE), (
            cell.id
        )


def test_every_figure_is_mentioned_in_the_prose(notebook):
    for cell in _code(notebook):
        if "mystnb" in cell.metadata:
            assert f"{{numref}}`{cell.metadata['mystnb']['figure']['name']}`" in _text(notebook)


def test_execution_counts_run_from_one_without_a_gap(notebook):
    counts = [cell.execution_count for cell in _code(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_text_that_the_lesson_relies_on_is_stored_and_checked_and_nothing_else(notebook):
    for cell in _code(notebook):
        kept = _tags(cell) & CHECKED
        assert kept in (set(), CHECKED), f"{cell.id}: one of its two tags is missing"
        assert bool(cell.outputs) == bool(kept), f"{cell.id}: outputs and tags disagree"
        for output in cell.outputs:
            assert output.output_type in ("stream", "execute_result", "display_data"), cell.id
            assert output.get("name") != "stderr", cell.id
            assert not any(kind.startswith("image/") for kind in output.get("data", {})), cell.id


def test_a_checked_cell_shows_no_bare_address_and_no_path(notebook):
    for cell in _code(notebook):
        assert not re.search(r"0x[0-9a-f]{6}|/tmp/|/home/|/root/", str(cell.outputs)), cell.id


def test_nothing_is_exempt_from_running(notebook):
    for cell in _code(notebook):
        assert not _tags(cell) & BANNED_TAGS, cell.id
        magics = [line for line in cell.source.splitlines() if re.match(r"\s*[!%]", line)]
        assert magics in ([], [FIGURE_FORMAT]), cell.id
        assert not re.search(r"\b(quit|exit)\(", cell.source), cell.id


def test_randomness_is_seeded_and_local(notebook):
    for cell in _code(notebook):
        banned = r"default_rng\(\)|np\.random\.(seed|rand|normal|uniform)|\bmanual_seed\("
        assert not re.search(banned, cell.source), cell.id


def test_metadata_holds_nothing_that_changes_from_one_machine_to_another(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.language_info
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
