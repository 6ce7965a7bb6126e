"""Numbers in prose come from the code of their chapter, and prose keeps to the course's voice.

A number counts if a checked output or the code of the same chapter holds it, rounded to the digits
that the prose writes. Left out are small integers, years, times in minutes, links and citations.
"""

import re
from pathlib import Path

import nbformat
import pytest

CHAPTERS = sorted((Path(__file__).parents[1] / "chapters").glob("*.ipynb"))
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)

NUMBER = r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w])"
POWER = re.compile(r"(?:(\d+(?:\.\d+)?)\s*\\(?:times|cdot)\s*)?10\^\{?([+-]?\d+)\}?")
LEFT_OUT = re.compile(
    r"\{(?:cite[:\w]*|numref|ref|eq|doc|download)\}`[^`]*`"  # roles that name a thing
    r"|\]\([^)]*\)|<[^>]*>|https?://\S+"  # links
    r"|^\(.*\)=$|^:\w+:.*$|^:::+.*$"  # labels, options and fences
    r"|\b\d+(?: to \d+)? minutes\b"
    r"|\b(?:1[6-9]|20)\d\d(?:s|\b)",  # years
    flags=re.MULTILINE,
)
SMALL = 12


def _prose(notebook):
    for cell in notebook.cells:
        figure = cell.metadata.get("mystnb", {})
        if cell.cell_type == "markdown":
            yield cell.id, cell.source
        yield cell.id, figure.get("figure", {}).get("caption", "")
        yield cell.id, figure.get("image", {}).get("alt", "")


def _shown(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell.source
            for output in cell.outputs:
                yield output.get("text", "")
                yield from output.get("data", {}).values()


def _value(digits):
    return float(digits.replace(",", ""))


def _numbers(text):
    """(as written, value, half a unit of the last digit written) of each number in a text."""
    text = LEFT_OUT.sub(" ", text).replace("{,}", "")
    for power in POWER.finditer(text):
        scale = 10.0 ** int(power[2])
        mantissa = power[1] or "1"
        places = len(mantissa.partition(".")[2])
        yield power[0], float(mantissa) * scale, (0.5 if power[1] else 0) * 10.0**-places * scale
    for number in re.finditer(NUMBER, POWER.sub(" ", text)):
        mantissa, _, exponent = number[0].lower().partition("e")
        scale = 10.0 ** int(exponent or 0)
        fraction = mantissa.partition(".")[2]
        half = 0.5 * 10.0 ** -len(fraction) * scale if fraction or exponent else 0
        yield number[0], _value(mantissa) * scale, half


def unsupported_numbers(notebook):
    """The numbers in prose that neither code nor a checked output of the chapter holds."""
    known = set()
    for text in _shown(notebook):
        loose = re.finditer(r"\d[\d,_]*(?:\.\d+)?(?:[eE][+-]?\d+)?", text)
        for number in loose:
            digits = number[0].replace("_", "").rstrip(",")
            known |= {_value(digits), *(float(part) for part in digits.split(",") if part)}
    found = []
    for where, text in _prose(notebook):
        for written, value, half in _numbers(text):
            small = value <= SMALL and value == int(value)
            slack = half * (1 + 1e-9) + 1e-12 * value
            held = any(abs(k - v) <= s for k in known for v, s in _readings(value, slack))
            if not small and not held:
                found.append(f"{where}: {written}")
    return found


def _readings(value, slack):
    """The number as it stands, and as the share that a percentage writes."""
    return (value, slack), (value / 100, slack / 100)


@each_chapter
def test_numbers_in_prose_come_from_the_code(path):
    assert unsupported_numbers(nbformat.read(path, as_version=4)) == []


@each_chapter
def test_prose_keeps_to_the_voice_of_the_course(path):
    banned = re.compile(
        r"!(?!\[)|\b(?:simply|obviously|trivially|of course|note that)\b", re.IGNORECASE
    )
    kept = []
    for where, text in _prose(nbformat.read(path, as_version=4)):
        plain = re.sub(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", " ", text, flags=re.DOTALL)
        kept += [f"{where}: {word}" for word in banned.findall(plain)]
    assert kept == []


@each_chapter
def test_prose_is_spelled_the_american_way(path):
    british = re.compile(
        r"\b\w*(?:colour|behaviour|neighbour|centre|minimis|optimis|initialis)\w*", re.I
    )
    words = [british.findall(text) for _, text in _prose(nbformat.read(path, as_version=4))]
    assert sum(words, []) == []


def _chapter(prose, code="", output=""):
    notebook = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell(code)
    cell.outputs = [nbformat.v4.new_output("stream", text=output)]
    notebook.cells = [nbformat.v4.new_markdown_cell(prose), cell]
    return notebook


@pytest.mark.parametrize(
    ("prose", "code", "output"),
    [
        ("It ends at 3.49.", "", "3.486784"),
        ("It takes 90 calls, not 4.", "steps = 90", ""),
        ("From 2,000 starts 14 % arrive.", "sample(2_000)", "share 0.14"),
        (r"It falls to $2.6 \times 10^{-6}$.", "", "2.574e-06"),
        ("In 1847 {cite:p}`cauchy1847x99` wrote 12 pages, about 45 minutes.", "", ""),
        ("See [page 33](https://example.org/77).", "f(33)", ""),
        (r"The minimum is at $-\frac{80}{63}$.", "80 / 63", ""),
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
    ],
)
def test_a_number_that_the_code_does_not_hold_is_found(prose, output):
    assert len(unsupported_numbers(_chapter(prose, output=output))) == 1
