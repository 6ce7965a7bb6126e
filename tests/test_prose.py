"""Numbers in prose come from the code near them, and prose keeps to the course's voice.

A number counts if a checked output or the code of its section, or of the one before, holds it with
the same sign and rounded to the digits that the prose writes. The summary and the self-checks look
back on the whole chapter. Left out are small integers, years, times in minutes, links and
citations.
"""

import re
from pathlib import Path

import nbformat
import pytest
from pybtex.database import parse_file
from pybtex.richtext import Text

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("[!.]*.ipynb"))
PAGES = [ROOT / name for name in ("README.md", "index.md", "reference/glossary.md")]
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
each_text = pytest.mark.parametrize("path", CHAPTERS + PAGES, ids=lambda path: path.stem)

HEADING = re.compile(r"^(?=#{2,3} )", re.MULTILINE)
TITLE = re.compile(r"#{2,3} (.+)")
LOOK_BACK = ("What to remember", "Check yourself")
CITED = ("Further reading",)  # what others found stands in their papers
NUMBER = re.compile(r"(?<![\w.)}])([-−]?)(\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(?!\w)(\s?%)?")
POWER = re.compile(
    r"([-−]?)(?:(\d+(?:\.\d+)?)\s*\\(?:times|cdot)\s*)?(?<![\d.\w}])10\^\{?([+-]?\d+)\}?"
)
SHOWN = re.compile(r"(?<![\w.])([-−]?)(\d[\d_,]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(\s?%)?")
LEFT_OUT = re.compile(
    r"\]\([^)]*\)|<[^>]*>|https?://\S+"  # links
    r"|\[Figure \d+|\*\*Figure \d+\.\*\*|^#+ Exercise \d+"  # numbers that name a thing
    r"|^\s*>?\s*\d+\. "  # a numbered list
    r"|\b\d+(?: to \d+)? minutes\b|\bexercises \d+"
    r"|\b(?:1[6-9]|20)\d\d(?:s|\b)",  # years
    flags=re.MULTILINE,
)
SMALL = 12


def _sections(notebook):
    """(heading, cells, prose) of each part of a notebook; an exercise goes with its solution."""
    sections = [("", [], [])]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for text in HEADING.split(cell.source):
                if title := TITLE.match(text):
                    sections.append((title[1], [], []))
                sections[-1][2].append((cell.id, text))
                # Code that is shown to be mended counts as code.
                sections[-1][1].extend(re.findall(r"```.*?```", text, flags=re.DOTALL))
        else:
            sections[-1][1].append(cell)
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            sections[-1][2].append((cell.id, alt))
    return sections


def _shown(cells):
    """The text of the code and of the stored outputs of some cells."""
    for cell in cells:
        if isinstance(cell, str):
            yield cell
        elif cell.cell_type == "code":
            yield cell.source
            for output in cell.outputs:
                yield output.get("text", "")
                yield from output.get("data", {}).values()


def _known(texts):
    """The numbers that code and outputs hold, a percentage also as a share."""
    known = set()
    for text in texts:
        for sign, digits, percent in SHOWN.findall(text):
            digits = digits.replace("_", "").rstrip(",")
            for part in {digits.replace(",", ""), *filter(None, digits.split(","))}:
                value = float(part) * (-1 if sign else 1)
                known |= {value, value / 100} if percent else {value}
    return known


def _numbers(text):
    """(as written, value, half a unit of its last digit, whether in percent) of each number."""
    text = LEFT_OUT.sub(" ", text).replace("{,}", "")
    for sign, mantissa, exponent in POWER.findall(text):
        scale = 10.0 ** int(exponent) * (-1 if sign else 1)
        places = len(mantissa.partition(".")[2])
        half = (0.5 if mantissa else 0) * 10.0**-places * abs(scale)
        written = f"{sign}{mantissa or 1} times 10^{exponent}"
        yield written, float(mantissa or 1) * scale, half, False
    for sign, digits, percent in NUMBER.findall(POWER.sub(" ", text)):
        mantissa, _, exponent = digits.replace(",", "").lower().partition("e")
        scale = 10.0 ** int(exponent or 0) * (-1 if sign else 1)
        fraction = mantissa.partition(".")[2]
        half = 0.5 * 10.0 ** -len(fraction) * abs(scale) if fraction or exponent else 0
        yield (sign + digits + percent).rstrip(","), float(mantissa) * scale, half, bool(percent)


def _held(known, value, half, percent):
    if float(value).is_integer() and abs(value) <= SMALL and not percent:
        return True
    # In percent a whole number is rounded, too.
    half = max(half, 0.5) if percent and not half else half
    readings = [(value, half), (value / 100, half / 100)] if percent else [(value, half)]
    return any(abs(k - v) <= s * (1 + 1e-9) + 1e-12 * abs(v) for k in known for v, s in readings)


def unsupported_numbers(notebook):
    """The numbers in prose that nothing near them in the chapter holds."""
    sections = _sections(notebook)
    whole = _known(_shown(cell for _, cells, _ in sections for cell in cells))
    found, previous = [], set()
    for heading, cells, prose in sections:
        own = _known(_shown(cells))
        known = whole if heading in LOOK_BACK else own | previous
        if heading not in CITED:
            found += [
                f"cell {where}, under '{heading}': {written}"
                for where, text in prose
                for written, *number in _numbers(text)
                if not _held(known, *number)
            ]
        previous = own
    return found


@each_chapter
def test_numbers_in_prose_come_from_the_code_near_them(path):
    assert unsupported_numbers(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("name", ["index.md", "reference/glossary.md"])
def test_numbers_on_the_other_pages_come_from_the_chapters(name):
    notebooks = [nbformat.read(path, as_version=4) for path in CHAPTERS]
    text = (ROOT / name).read_text(encoding="utf-8")
    code = re.findall(r"```\{code-cell.*?```", text, flags=re.DOTALL)
    known = _known([*code, *(shown for each in notebooks for shown in _shown(each.cells))])
    prose = re.sub(r"```.*?```|`[^`]*`|^:+.*$|^.*_-$", " ", text, flags=re.DOTALL | re.MULTILINE)
    assert [written for written, *n in _numbers(prose) if not _held(known, *n)] == []


def test_numbers_in_the_readme_come_from_the_project():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    files = ["pyproject.toml", "requirements.txt", "Makefile"]
    known = _known((ROOT / name).read_text(encoding="utf-8") for name in files)
    known |= _known(re.findall(r"```.*?```|`[^`]*`", text, flags=re.DOTALL))
    prose = re.sub(r"```.*?```|`[^`]*`|^\| \d+ \|", " ", text, flags=re.DOTALL | re.MULTILINE)
    assert [written for written, *n in _numbers(prose) if not _held(known, *n)] == []


def _written(path):
    """The words of a chapter or a page, without code and formulas."""
    if path.suffix == ".ipynb":
        sections = _sections(nbformat.read(path, as_version=4))
        text = "\n\n".join(part for _, _, prose in sections for _, part in prose)
    else:
        text = path.read_text(encoding="utf-8")
    return re.sub(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", " ", text, flags=re.DOTALL)


@each_text
def test_prose_keeps_to_the_voice_of_the_course(path):
    banned = re.compile(
        r"!(?!\[)|\b(?:simply|obviously|trivially|of course|note that)\b", re.IGNORECASE
    )
    assert banned.findall(_written(path)) == []


@each_text
def test_prose_is_spelled_the_american_way(path):
    british = re.compile(
        r"\b\w*(?:colour|behaviour|neighbour|centre|minimis|optimis|initialis)\w*", re.IGNORECASE
    )
    assert british.findall(_written(path)) == []


# Citations

CITATION = re.compile(r"\[([^\]]+)\]\((?:\.\./reference/|reference/)?bibliography\.md#([\w-]+)\)")


def _citations():
    """(where, text, key) of every link to an entry of the bibliography."""
    for path in [*CHAPTERS, ROOT / "index.md", ROOT / "reference" / "glossary.md"]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
        yield from ((path.name, *found) for found in CITATION.findall(text))


def _names(entry):
    """The authors as a text cites them: one, two, or the first and others."""
    people = entry.persons.get("author") or entry.persons["editor"]
    names = [str(Text.from_latex(" ".join([*p.prelast_names, *p.last_names]))) for p in people]
    if len(names) > 2 or names[-1] == "others":
        return f"{names[0]} et al."
    return " and ".join(names)


def test_every_citation_names_the_authors_and_the_year_of_its_entry():
    entries = parse_file(ROOT / "reference" / "references.bib", encoding="utf-8").entries
    wrong = []
    for where, text, key in _citations():
        names, year = _names(entries[key]), entries[key].fields["year"]
        if text not in (f"{names}, {year}", f"{names} ({year})"):
            wrong.append(f"{where}: [{text}] should be [{names}, {year}] or [{names} ({year})]")
    assert wrong == []


def test_every_entry_of_the_bibliography_is_cited():
    entries = parse_file(ROOT / "reference" / "references.bib", encoding="utf-8").entries
    assert set(entries) - {key for _, _, key in _citations()} == set()


# What the reading of numbers takes and refuses


def _chapter(prose, code="", output="", later=""):
    notebook = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell(code)
    cell.outputs = [nbformat.v4.new_output("stream", text=output)]
    notebook.cells = [nbformat.v4.new_markdown_cell(prose), cell]
    if later:
        notebook.cells += [nbformat.v4.new_markdown_cell(text) for text in ("## Next", later)]
    return notebook


@pytest.mark.parametrize(
    ("prose", "code", "output"),
    [
        ("It ends at 3.49.", "", "3.486784"),
        ("It takes 90 calls, not 4.", "steps = 90", ""),
        ("From 2,000 starts 14 % arrive.", "sample(2_000)", "share 0.14"),
        (r"It falls to $2.6 \times 10^{-6}$.", "", "2.574e-06"),
        ("It falls to −0.25.", "", "-0.25"),
        (
            "[Cauchy, 1847](../reference/bibliography.md#cauchy1847x99): 12 pages, 45 minutes.",
            "",
            "",
        ),
        ("See [page 33](https://example.org/77).", "f(33)", ""),
        (r"The minimum is at $-\frac{80}{63}$.", "80 / 63", ""),
        ("```python\nsteps = 77\n```\n\nWhat do 77 steps do?", "", ""),
    ],
)
def test_a_number_that_the_code_holds_is_accepted(prose, code, output):
    assert unsupported_numbers(_chapter(prose, code, output)) == []


@pytest.mark.parametrize(
    ("prose", "output"),
    [
        ("It ends at 3.48.", "3.486784"),
        ("It takes 91 calls.", "90 calls"),
        (r"It falls to $2.5 \times 10^{-6}$.", "2.574e-06"),
        ("The rate is 0.2.", "0.3 and 2"),
        ("A share of 15 %.", "0.14"),
        ("A share of 14.", "0.14"),
        ("It falls to 0.25.", "-0.25"),
        ("It rises by −0.25.", "0.25"),
    ],
)
def test_a_number_that_the_code_does_not_hold_is_found(prose, output):
    assert len(unsupported_numbers(_chapter(prose, output=output))) == 1


def test_a_number_counts_in_its_own_section_and_the_next_and_in_what_looks_back():
    first = _chapter("It costs 90.", output="90", later="That was 90.")
    assert unsupported_numbers(first) == []
    headings = {"## Third": 1, "## What to remember": 0}
    for heading, count in headings.items():
        late = nbformat.v4.new_markdown_cell(f"{heading}\n\nThat was 90.")
        later = nbformat.v4.new_notebook(cells=[*first.cells, late])
        assert len(unsupported_numbers(later)) == count
