"""The rules of a chapter: what makes it readable, and what lets nbval check every number shown.

A rule is a function from a chapter to the sentences that say what is wrong with it, and what to
do. Cells of code are counted as nbval counts them, from 0; JupyterLab shows one more in brackets.
tests/test_faults.py plants one fault for each rule.
"""

import ast
import functools
import json
import math
import re
import statistics
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
# Names that begin with a dot are an editor's or the system's, not the book's.
CHAPTERS = sorted(p for p in (ROOT / "chapters").glob("*.ipynb") if not p.name.startswith("."))
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)

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
LOOK = f'plt.style.use("helpers.course")\n{FIGURE_FORMAT}'
COLUMNS, LINES, NINE_IN_TEN, TYPICAL = 80, 15, 8, 4
WORDS, CELLS = 3500, 50
WORDS_A_LINE, LETTERS = 10, 40
WORDS_A_MINUTE, AN_EXERCISE = 180, 8  # minutes
NOT_THE_LESSON = ("Exercises", "Check yourself")
# Modules of Python itself that reach neither files, nor the network, nor unseeded chance.
PURE = set(
    "bisect cmath collections concurrent contextlib copy dataclasses decimal fractions functools "
    "heapq inspect itertools math operator statistics string textwrap time timeit types typing "
    "warnings".split()
)
REACHES_OUT = re.compile(
    r"open|exec|eval|input|breakpoint|__import__|savefig|tofile|fromfile|memmap|loadtxt|savetxt|"
    r"genfromtxt|savez\w*|(read|write)_(text|bytes|csv|json|pickle|excel|parquet|html|table)|"
    r"to_(csv|json|pickle|excel|parquet|html)|fetch_\w+|download\w*|urlopen|urlretrieve|"
    r"load_state_dict_from_url|unlink|mkdir|rmdir|touch"
)
FILES_OF = {"np", "numpy", "torch", "plt", "jit", "hub"}  # whose load and save are files
LEGACY = re.compile(r"np\.random\.(?!default_rng\b|Generator\b|SeedSequence\b)\w+")
SEEDED = {"default_rng", "seeded", "SeedSequence", "RandomState", "PCG64"}
SEEDS = {"seed", "rng", "random_state"}  # keywords that take a seed or a generator
NEEDS_A_SEED = {"basinhopping", "dual_annealing", "differential_evolution", "bootstrap"}
NEEDS_A_SEED |= {"train_test_split"}
# What draws from torch's own generator, wherever it is called from, and as a function of torch.
DRAWS = set(
    "normal_ uniform_ bernoulli_ exponential_ xavier_normal_ xavier_uniform_ kaiming_normal_ "
    "kaiming_uniform_ orthogonal_ trunc_normal_ Linear Bilinear Conv1d Conv2d Conv3d Embedding "
    "RNN LSTM GRU Dropout DataLoader".split()
)
TORCH_DRAWS = set(
    "rand randn randint randperm normal rand_like randn_like randint_like bernoulli multinomial "
    "poisson".split()
)
SHOWN_BY = {"print", "display", "pprint", "table", "compare"}
PLOTS = {"plot", "semilogx", "semilogy", "loglog", "step", "plot_path"}
AREAS = {"hist", "bar", "barh", "scatter", "fill_between", "stackplot"}
MYST = re.compile(r"\{[\w:-]+\}`|^\s*(:::|`{3,}\{)|^\([\w-]+\)=$", re.MULTILINE)

COMPUTED = ast.Name | ast.Call | ast.BinOp

RULES = []


def rule(function):
    """Enter a rule: a function from a chapter to sentences, none of them if it is kept."""
    RULES.append(function)
    return function


class Chapter:
    """A notebook, with its name and what the rules ask of it."""

    def __init__(self, name, notebook):
        self.name, self.notebook, self.cells = name, notebook, notebook.cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        self.texts = [cell for cell in self.cells if cell.cell_type == "markdown"]
        self.text = "\n\n".join(cell.source for cell in self.texts)
        self.trees = [_tree(cell) for cell in self.code]
        self.numbered = list(enumerate(zip(self.code, self.trees, strict=True)))

    @functools.cached_property
    def sections(self):
        """The Markdown and the cells of code under each heading of the second level."""
        sections, here = {"": ([], [])}, ""
        for cell in self.cells:
            if cell.cell_type == "code":
                sections[here][1].append(cell)
                continue
            for block in re.split(r"(?m)^(?=## )", cell.source):
                if block.startswith("## "):
                    here = block.splitlines()[0].removeprefix("## ").strip()
                    sections.setdefault(here, ([], []))
                sections[here][0].append(block)
        return sections

    def amount(self, *left_out):
        """The words, as one text, and the number of cells of code, outside these sections."""
        parts = [part for heading, part in self.sections.items() if heading not in left_out]
        text = "\n\n".join(block for blocks, _ in parts for block in blocks)
        return text, sum(len(code) for _, code in parts)

    def section(self, heading):
        """The text under a heading of the second level."""
        return "\n\n".join(self.sections.get(heading, ([], []))[0])

    def exercises(self):
        """(number, title, blocks of text and cells of code) of each exercise with its solution."""
        found, inside = [], False
        for cell in self.cells:
            if cell.cell_type == "code":
                blocks = [cell]
            else:
                blocks = re.split(r"(?m)^(?=##{1,2} )", cell.source)
            for block in blocks:
                if isinstance(block, str) and block.startswith("## "):
                    inside = block.startswith("## Exercises")
                elif isinstance(block, str) and block.startswith("### ") and inside:
                    title = block.splitlines()[0].removeprefix("### ").strip()
                    number = re.fullmatch(r"Exercise (\d+): (\S.*)", title)
                    found.append((int(number[1]), number[2], []) if number else (0, title, []))
                elif inside and found:
                    found[-1][2].append(block)
        return found

    def figures(self):
        """(its cell, the cell that follows) of each cell that opens a figure or claims to."""
        following = [*self.cells[1:], None]
        for cell, after in zip(self.cells, following, strict=True):
            if cell.cell_type == "code" and ("mystnb" in cell.metadata or _opens_a_figure(cell)):
                yield cell, after

    def at(self, cell):
        """Where a cell is, in words: code as nbval counts it, Markdown by how it begins."""
        for number, each in enumerate(self.code):
            if each is cell:
                return f"{self.name}, Cell {number} (in JupyterLab [{number + 1}])"
        first = (cell.source.splitlines() or [""])[0]
        return f"{self.name}, the Markdown that begins {first[:50]!r}"


def _tree(cell):
    lines = (line for line in cell.source.splitlines() if not re.match(r"\s*[%!]", line))
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module([], [])


def _tags(cell):
    return set(cell.metadata.get("tags", []))


def _opens_a_figure(cell):
    return re.search(r"plt\.(subplots|subplot_mosaic|figure)\(", cell.source)


def _length(cell):
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def _calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _called(call):
    """The last name of what is called: `show` of `plt.show()`."""
    function = call.func
    return getattr(function, "attr", None) or getattr(function, "id", "")


def _names(node):
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _bound(target):
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _outside_functions(tree):
    """The nodes that run when the cell runs, not when a function of it is called."""
    nodes, todo = [], list(tree.body)
    while todo:
        node = todo.pop(0)
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            nodes.append(node)
            todo += ast.iter_child_nodes(node)
    return nodes


@functools.cache
def read(path):
    """The chapter of a file; what cannot be read as a notebook fails in one sentence."""
    try:
        json.loads(path.read_text(encoding="utf-8"))
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:
        reason = str(error).splitlines()[0]
        message = f"chapters/{path.name} is no notebook ({reason}): git checkout chapters"
        pytest.fail(f"{message} puts it back", pytrace=False)
    return Chapter(f"chapters/{path.name}", notebook)


def demand(problems):
    """Fail with what is wrong, one sentence a line, and nothing else."""
    problems = list(problems)
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


# What a chapter is made of


@rule
def opens_with_a_title_two_sentences_and_a_box(chapter):
    first = chapter.cells[0].source if chapter.cells else ""
    title, opening, box = (first.split("\n\n", 2) + ["", "", ""])[:3]
    if not re.fullmatch(r"# \S.*", title):
        yield f"{chapter.name}: the first line of the first cell is its title, `# Title`"
    sentences = len(re.findall(r"[.?](?:\s|$)", opening))
    if sentences != 2:
        yield (
            f"{chapter.name}: two sentences stand under the title, what the reader will do and "
            f"will know; there are {sentences}"
        )
    for part in ("> **Before you start**\n>\n", "> **You will be able to**\n", "**You need**"):
        if part not in box:
            yield f"{chapter.name}: the box of the first cell has no {part.strip()!r}"
    if (aims := box.count("\n> - ")) < 3:
        yield f"{chapter.name}: `> - ` begins three or more aims in the first box; it has {aims}"


def stated_time(chapter):
    """The minutes that the first box names, for the lesson and for the exercises."""
    found = re.search(r"\*\*Time\*\* (\d+) minutes, exercises (\d+)\.", chapter.cells[0].source)
    return found and tuple(int(minutes) for minutes in found.groups())


def computed_time(chapter):
    """180 words a minute, half a minute for a cell of code; eight minutes for an exercise."""
    text, cells = chapter.amount(*NOT_THE_LESSON)
    minutes = len(text.split()) / WORDS_A_MINUTE + cells / 2
    return 5 * math.ceil(minutes / 5), AN_EXERCISE * len(chapter.exercises())


@rule
def states_the_time_that_its_words_and_cells_take(chapter):
    if stated_time(chapter) != computed_time(chapter):
        lesson, exercises = computed_time(chapter)
        yield (
            f"{chapter.name}: from its words and cells the first box has to say "
            f"`**Time** {lesson} minutes, exercises {exercises}.`"
        )


@rule
def closes_with_its_four_sections_in_order(chapter):
    found = list(chapter.sections)[-4:]
    if found != CLOSING:
        yield f"{chapter.name}: the last four sections are {CLOSING}; these are {found}"


@rule
def has_four_numbered_exercises_one_of_them_to_repair(chapter):
    exercises = chapter.exercises()
    if [number for number, *_ in exercises] != list(range(1, len(exercises) + 1)):
        titles = [f"{number or '?'}: {title}" for number, title, _ in exercises]
        yield (
            f"{chapter.name}: each heading under Exercises is `### Exercise N: Title`, numbered "
            f"from 1; these are {titles}"
        )
    if len(exercises) < 4:
        yield f"{chapter.name}: four exercises or more; it has {len(exercises)}"
    if not any(re.match("Fix|Repair", title) for _, title, _ in exercises):
        yield f"{chapter.name}: one exercise is titled `Fix this code` or `Repair ...`"


@rule
def follows_each_exercise_by_a_solution_that_runs(chapter):
    for number, _, cells in chapter.exercises():
        texts = [block for block in cells if isinstance(block, str) and "# Solution" in block]
        if [text.strip() for text in texts] != ["#### Solution"]:
            yield (
                f"{chapter.name}: exercise {number} needs one Markdown cell that holds only "
                "`#### Solution`, and the solution in the cells below it"
            )
        elif all(isinstance(block, str) for block in cells[cells.index(texts[0]) :]):
            yield f"{chapter.name}: the solution of exercise {number} has no cell of code"
        elif not all(isinstance(block, str) for block in cells[: cells.index(texts[0])]):
            yield f"{chapter.name}: exercise {number} has a cell of code above its solution"


@rule
def has_two_self_checks_with_folded_answers(chapter):
    count = chapter.section("Check yourself").count("<details><summary>Answer</summary>\n\n")
    if count < 2:
        yield (
            f"{chapter.name}: under Check yourself, two questions or more, each with "
            "`<details><summary>Answer</summary>`, an empty line, the answer, an empty line and "
            f"`</details>`; it has {count}"
        )


@rule
def cites_its_sources_and_links_to_the_glossary(chapter):
    if "](../reference/bibliography.md#" not in chapter.section("Further reading"):
        yield (
            f"{chapter.name}: Further reading cites a source, "
            "`[Kingma and Ba (2015)](../reference/bibliography.md#kingma2015)`"
        )
    if "](../reference/glossary.md#term-" not in chapter.text:
        yield (
            f"{chapter.name}: a term of the glossary is linked where it is first used, "
            "`[learning rate](../reference/glossary.md#term-learning-rate)`"
        )


@rule
def is_plain_markdown(chapter):
    for cell in chapter.texts:
        if found := MYST.search(re.sub(r"(?ms)^```\w*\n.*?^```$", "", cell.source)):
            yield (
                f"{chapter.at(cell)}: {found[0].strip()!r} reads only in the book; "
                "CONTRIBUTING.md shows the plain form"
            )


@rule
def gives_every_figure_a_name_a_text_and_a_numbered_caption(chapter):
    number = 0
    for cell, after in chapter.figures():
        number += 1
        mystnb = cell.metadata.get("mystnb", {})
        name = mystnb.get("figure", {}).get("name", "")
        alt = mystnb.get("image", {}).get("alt", "")
        if not _opens_a_figure(cell):
            yield f"{chapter.at(cell)}: has a figure's metadata, and opens no figure"
        if not re.fullmatch(r"fig-[a-z0-9-]+", name):
            yield f"{chapter.at(cell)}: its metadata need a figure's name such as fig-valley"
        if "caption" in mystnb.get("figure", {}):
            yield f"{chapter.at(cell)}: the caption stands in the next cell, not in the metadata"
        if len(alt) < LETTERS or re.match(
            r"(an? )?(image|picture|plot|figure|graph) of", alt, re.I
        ):
            yield (
                f"{chapter.at(cell)}: its metadata need an alternative text, `image: alt`, of "
                f"{LETTERS} letters or more; it says what is to be seen, not that it is a picture"
            )
        caption = after.source.strip() if after and after.cell_type == "markdown" else ""
        if not re.fullmatch(rf"\*\*Figure {number}\.\*\* \S[^\n]*[.?]", caption):
            yield (
                f"{chapter.at(cell)}: the next cell holds only its caption, one line, "
                f"`**Figure {number}.** What it shows.`"
            )


@rule
def mentions_every_figure_by_its_number(chapter):
    names = [
        cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        for cell, _ in chapter.figures()
    ]
    links = re.findall(r"\[Figure (\d+)\]\(#(fig-[\w-]+)\)", chapter.text)
    for number, name in enumerate(names, 1):
        if (str(number), name) not in links:
            yield f"{chapter.name}: no text says `[Figure {number}](#{name})`"
    for number, name in links:
        if name in names and names.index(name) + 1 != int(number):
            right = names.index(name) + 1
            yield f"{chapter.name}: `[Figure {number}](#{name})` is Figure {right}"


@rule
def is_one_sitting(chapter):
    text, cells = chapter.amount(*NOT_THE_LESSON)
    words = len(re.sub(r"(?s)<details>.*?</details>", "", text).split())
    if words > WORDS:
        yield (
            f"{chapter.name}: the lesson has {words} words, {WORDS} at most: fold what is not on "
            "the way into `<details>`, or leave it out"
        )
    if cells > CELLS:
        yield f"{chapter.name}: the lesson has {cells} cells of code, {CELLS} at most"


# Its code


@rule
def can_be_read_as_python(chapter):
    for cell, tree in zip(chapter.code, chapter.trees, strict=True):
        if not tree.body and cell.source.strip():
            yield f"{chapter.at(cell)}: is no valid Python"


@rule
def imports_everything_in_its_first_cell(chapter):
    if not chapter.code or not chapter.code[0].source.endswith(LOOK):
        yield f"{chapter.name}, Cell 0: ends with these two lines:\n{LOOK}"
    for _, (cell, tree) in chapter.numbered[1:]:
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree)):
            yield f"{chapter.at(cell)}: imports stand in Cell 0"


@functools.cache
def _direct_requirements(root=ROOT):
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = (re.match(r"[A-Za-z0-9._-]+(?=[\[=<>~ ]|$)", line) for line in lines)
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


@functools.cache
def _distributions():
    return {
        module: {re.sub(r"[-_.]+", "-", name).lower() for name in names}
        for module, names in packages_distributions().items()
    }


@rule
def imports_only_what_the_requirements_name(chapter):
    for _, (cell, tree) in chapter.numbered:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            for module in (name.partition(".")[0] for name in modules):
                if module == "helpers" or module in PURE:
                    continue
                if module in sys.stdlib_module_names:
                    yield (
                        f"{chapter.at(cell)}: {module} reaches files, the network, or chance "
                        "without a seed; a chapter does without"
                    )
                elif not _distributions().get(module, set()) & _direct_requirements():
                    yield f"{chapter.at(cell)}: requirements.txt does not name what {module} needs"


@rule
def holds_one_idea_a_cell(chapter):
    lengths = {n: _length(cell) for n, (cell, _) in chapter.numbered[1:]}
    if not lengths:
        return
    for number, length in lengths.items():
        if length > LINES:
            yield f"{chapter.at(chapter.code[number])}: {length} lines, {LINES} at most"
    ordered = sorted(lengths.values())
    if ordered[int(0.9 * (len(ordered) - 1))] > NINE_IN_TEN:
        long = [n for n, length in lengths.items() if length > NINE_IN_TEN]
        yield f"{chapter.name}: nine cells in ten have {NINE_IN_TEN} lines at most; see {long}"
    if (median := statistics.median(ordered)) > TYPICAL:
        yield f"{chapter.name}: the median cell has {TYPICAL} lines at most; this one {median:g}"


@rule
def has_ten_words_to_a_line_of_code(chapter):
    words, lines = len(chapter.text.split()), sum(_length(cell) for cell in chapter.code)
    if words < WORDS_A_LINE * lines:
        yield f"{chapter.name}: ten words or more to a line of code; it has {words} to {lines}"


@rule
def keeps_code_within_80_columns(chapter):
    for cell in chapter.code:
        widths = enumerate(map(len, cell.source.splitlines()), 1)
        if wide := {number: width for number, width in widths if width > COLUMNS}:
            yield (
                f"{chapter.at(cell)}: lines {list(wide)} have up to {max(wide.values())} columns; "
                f"a phone and a printed page show {COLUMNS}"
            )


@rule
def has_one_cell_of_parameters_that_holds_its_seed(chapter):
    tagged = [cell for cell in chapter.code if "parameters" in _tags(cell)]
    if len(tagged) != 1:
        yield (
            f"{chapter.name}: one cell, soon after the imports, is tagged `parameters` and holds "
            f"`seed = 0`; {len(tagged)} are"
        )
    for cell in tagged:
        lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith("#")]
        if not re.fullmatch(r"seed = \d+(\s+#.*)?", "\n".join(lines).strip()):
            yield f"{chapter.at(cell)}: a cell of parameters holds `seed = 0`, and nothing else"


def _derived_from_the_seed(chapter):
    """The names that hold the seed or what was made from it, however many steps away."""
    nodes = [node for tree in chapter.trees for node in ast.walk(tree)]
    functions = {n.name: n.args for n in nodes if isinstance(n, ast.FunctionDef)}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            functions |= {name: node.value.args for name in _bound(node.targets[0])}
    derived, before = {"seed"}, None

    def pass_on(call):
        called, values = _called(call), call.args
        if called in ("map", "partial") and values and isinstance(values[0], ast.Name):
            called, values = values[0].id, values[1:]
        arguments = functions.get(called)
        if arguments:
            names = [a.arg for a in arguments.posonlyargs + arguments.args]
            yield from zip(names, values, strict=False)
            yield from ((keyword.arg, keyword.value) for keyword in call.keywords)

    while before != derived:
        before = set(derived)
        for node in nodes:
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if node.value and _names(node.value) & derived:
                    derived |= set().union(*(_bound(target) for target in targets))
            elif isinstance(node, ast.For | ast.comprehension) and _names(node.iter) & derived:
                derived |= _bound(node.target)
            elif isinstance(node, ast.Call):
                derived |= {name for name, value in pass_on(node) if _names(value) & derived}
    return derived


@rule
def derives_every_generator_from_its_seed(chapter):
    derived = _derived_from_the_seed(chapter)
    for _, (cell, tree) in chapter.numbered:
        for call in _calls(tree):
            seeds = [k.value for k in call.keywords if k.arg in SEEDS]
            if _called(call) in SEEDED or _called(call).endswith("manual_seed"):
                seeds = seeds or call.args or [ast.Constant(None)]
            elif _called(call) in NEEDS_A_SEED:
                seeds = seeds or [ast.Constant(None)]
            for value in seeds:
                if not _names(value) & derived:
                    yield (
                        f"{chapter.at(cell)}: {_called(call)} gets {ast.unparse(value)}, which "
                        "does not derive from the seed of the chapter: seed, seed + 1, ..."
                    )


@rule
def draws_from_no_generator_that_is_not_its_own(chapter):
    # A function that draws from torch's own generator is called where it is seeded.
    drawing, grown = set(), True
    while grown:
        grown = False
        for tree in chapter.trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and node.name not in drawing:
                    if any(_draws(call, drawing) for call in _unseeded_calls(node.body)):
                        drawing.add(node.name)
                        grown = True
    for _, (cell, tree) in chapter.numbered:
        if found := LEGACY.search(cell.source):
            yield f"{chapter.at(cell)}: {found[0]} draws without a generator of the chapter"
        for node in _unseeded_calls(tree.body, into_functions=False):
            if _draws(node, drawing):
                yield (
                    f"{chapter.at(cell)}: {_called(node)} draws from torch's own generator; "
                    "put it under `with seeded(seed):`"
                )


def _draws(call, drawing):
    name = _called(call)
    of_torch = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "torch"
    return (
        name in DRAWS
        or (name in drawing and not _method(call))
        or (of_torch and name in TORCH_DRAWS)
    )


def _unseeded_calls(body, into_functions=True):
    """The calls that neither stand under `with seeded(...)` nor are given a generator."""
    todo = list(body)
    while todo:
        node = todo.pop(0)
        if isinstance(node, ast.With):
            managers = [item.context_expr for item in node.items]
            if any(isinstance(m, ast.Call) and _called(m) == "seeded" for m in managers):
                continue
        if isinstance(node, ast.FunctionDef | ast.Lambda) and not into_functions:
            continue
        if isinstance(node, ast.Call) and not any(k.arg == "generator" for k in node.keywords):
            yield node
        todo += ast.iter_child_nodes(node)


@rule
def touches_no_file_and_no_network(chapter):
    for _, (cell, tree) in chapter.numbered:
        for call in _calls(tree):
            owner = getattr(getattr(call.func, "value", None), "id", "")
            stored = _called(call) in ("load", "save") and owner in FILES_OF
            if stored or REACHES_OUT.fullmatch(_called(call)):
                yield (
                    f"{chapter.at(cell)}: {ast.unparse(call.func)} reads or writes outside the "
                    "chapter; type the data in, or draw them"
                )


@rule
def prints_nothing_that_is_not_checked(chapter):
    for _, (cell, tree) in chapter.numbered:
        if _tags(cell) >= CHECKED:
            continue
        for node in _outside_functions(tree):
            if isinstance(node, ast.Call) and _called(node) in SHOWN_BY and not _method(node):
                yield (
                    f"{chapter.at(cell)}: {_called(node)} shows what nobody compares; tag the "
                    "cell `nbval-check-output` and `keep_output`, then `make notebooks "
                    f"CHAPTERS={chapter.name}`"
                )


def _method(call):
    return isinstance(call.func, ast.Attribute)


@rule
def prints_what_was_computed(chapter):
    for _, (cell, tree) in chapter.numbered:
        if not _tags(cell) & CHECKED:
            continue
        for call in _calls(tree):
            if _called(call) == "print" and not _method(call):
                if not any(isinstance(n, COMPUTED) for a in call.args for n in ast.walk(a)):
                    yield f"{chapter.at(cell)}: {ast.unparse(call)} holds nothing computed"


@rule
def ends_comparisons_in_a_verdict(chapter):
    verdicts = [cell for cell in chapter.code if "verdict" in _tags(cell)]
    if not verdicts:
        yield (
            f"{chapter.name}: a comparison ends in a cell that prints what was concluded, in "
            "words or ranks, tagged `verdict`; there is none"
        )
    for cell in verdicts:
        if missing := CHECKED - _tags(cell):
            yield f"{chapter.at(cell)}: a verdict is tagged {sorted(missing)} too"


@rule
def folds_the_cells_that_only_draw(chapter):
    axes = {"plt", "fig", "ax", "axes"}
    for _, (cell, tree) in chapter.numbered[1:]:
        if "hide-input" not in _tags(cell) and _only_draws(tree.body, set(axes)):
            yield f"{chapter.at(cell)}: only draws; tag it `hide-input`, the book folds it then"


def _only_draws(body, axes):
    """Whether every statement is a call on axes or of a plot, or a loop over such calls."""
    for node in body:
        if isinstance(node, ast.For | ast.With):
            if isinstance(node, ast.For) and _names(node.iter) & axes:
                axes |= _bound(node.target)
            if not _only_draws(node.body, axes):
                return False
        elif isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Call):
            root = node.value.func
            while isinstance(root, ast.Attribute | ast.Call | ast.Subscript):
                root = root.func if isinstance(root, ast.Call) else root.value
            name = getattr(root, "id", "")
            if name not in axes and not name.startswith("plot_"):
                return False
            if isinstance(node, ast.Assign):
                axes |= set().union(*(_bound(target) for target in node.targets))
        else:
            return False
    return bool(body)


@rule
def shows_a_legend_for_its_labels(chapter):
    for cell, _ in chapter.figures():
        calls = _calls(_tree(cell))
        labeled = [c for c in calls if any(k.arg == "label" for k in c.keywords)]
        bars = {"colorbar", "set", "set_label", "annotate", "dict"}
        labeled = [c for c in labeled if _called(c) not in bars]
        legends = {"legend", "plot_values"} & {_called(c) for c in calls}
        if labeled and not legends and "legend" not in _source_of(chapter, calls):
            yield f"{chapter.at(cell)}: has labels, and no legend that shows them"


def _source_of(chapter, calls):
    """The source of the functions of the chapter that these calls run."""
    called = {_called(call) for call in calls}
    functions = (node for tree in chapter.trees for node in ast.walk(tree))
    return "\n".join(
        ast.unparse(f) for f in functions if isinstance(f, ast.FunctionDef) and f.name in called
    )


@rule
def tells_lines_and_areas_apart_without_color(chapter):
    for cell, _ in chapter.figures():
        tree = _tree(cell)
        repeated = {
            id(node)
            for loop in ast.walk(tree)
            if isinstance(loop, ast.For)
            for node in ast.walk(loop)
        }
        alike = {"lines": 0, "areas": 0}
        for call in _calls(tree):
            given = {k.arg: getattr(k.value, "value", None) for k in call.keywords}
            if "label" not in given or {"marker", "hatch"} & set(given):
                continue
            times = 2 if id(call) in repeated else 1
            if _called(call) in PLOTS and given.get("linestyle") in ("-", "solid"):
                alike["lines"] += times
            elif _called(call) in AREAS and "linestyle" not in given:
                alike["areas"] += times
        for kind, count in alike.items():
            if count > 1:
                means = "linestyle or marker" if kind == "lines" else "hatch, marker or linestyle"
                yield f"{chapter.at(cell)}: only color tells its {kind} apart; vary {means} too"


@rule
def runs_every_cell_and_nothing_but_python(chapter):
    for number, (cell, _) in chapter.numbered:
        if banned := _tags(cell) & BANNED_TAGS:
            yield (
                f"{chapter.at(cell)}: the tag {sorted(banned)[0]} exempts it from a check; an "
                "expected error is caught and printed"
            )
        magics = [line for line in cell.source.splitlines() if re.match(r"\s*[!%]", line)]
        if magics not in ([], [FIGURE_FORMAT]) or (magics and number):
            yield f"{chapter.at(cell)}: {magics[-1].strip()!r} is not Python"
        if found := re.search(r"\b(quit|exit)\(|^\s*#\s*NBVAL_\w+", cell.source, re.MULTILINE):
            yield f"{chapter.at(cell)}: {found[0].strip()!r} keeps nbval from checking"


# What is stored


@rule
def is_stored_as_make_notebooks_stores_it(chapter):
    """One sentence for all that an editor stores when it saves, with both ways out of it."""
    found = {"store an output that is not checked": [], "lack their checked output": []}
    found |= {"were run out of order": [], "hold what an editor remembers": []}
    for number, (cell, _) in chapter.numbered:
        checked = bool(_tags(cell) & CHECKED)
        if bool(cell.outputs) != checked:
            found[list(found)[checked]].append(number)
        elif cell.execution_count != number + 1:
            found["were run out of order"].append(number)
        if {"execution", "ExecuteTime", "collapsed", "scrolled"} & set(cell.metadata):
            found["hold what an editor remembers"].append(number)
    said = [f"Cells {_few(numbers)} {what}" for what, numbers in found.items() if numbers]
    if extra := sorted(set(chapter.notebook.metadata) - {"kernelspec", "language_info"}):
        said.append(f"the notebook stores {', '.join(extra)}")
    if chapter.notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        said.append("the kernel's name is not python3")
    solutions = [cell for cell in chapter.texts if cell.source.strip() == "#### Solution"]
    open_ones = [c for c in solutions if c.metadata.get("jp-MarkdownHeadingCollapsed") is not True]
    if open_ones:
        said.append(f"{len(open_ones)} solutions stand open (fold their heading in JupyterLab)")
    if said:
        yield (
            f"{chapter.name} was saved by an editor: to keep the change, "
            f"`make notebooks CHAPTERS={chapter.name}`; to put it back, `git checkout chapters`. "
            f"What was saved: {'; '.join(said)}."
        )


def _few(numbers):
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return ", ".join(map(str, numbers[:5])) + more


@rule
def tags_what_is_checked_with_both_tags(chapter):
    for cell in chapter.code:
        if len(kept := _tags(cell) & CHECKED) == 1:
            missing = (CHECKED - kept).pop()
            yield f"{chapter.at(cell)}: the tag {missing} is missing; the two go together"


@rule
def checks_text_that_is_the_same_everywhere(chapter):
    for cell in chapter.code:
        for output in cell.outputs if _tags(cell) & CHECKED else []:
            if output.output_type == "error" or output.get("name") == "stderr":
                yield f"{chapter.at(cell)}: stores an error or a warning"
            if any(kind.startswith("image/") for kind in output.get("data", {})):
                yield f"{chapter.at(cell)}: draws and prints; nbval compares no pictures, part it"
            text = str(output.get("text", "")) + str(output.get("data", ""))
            if found := re.search(r"0x[0-9a-f]{6,}|(/tmp|/home|/root|/Users)/\S*", text):
                yield f"{chapter.at(cell)}: {found[0]!r} differs from one machine to another"


@rule
def gives_every_cell_an_id_of_its_own(chapter):
    ids = [cell.get("id") for cell in chapter.cells]
    for cell in chapter.cells:
        if cell.get("id") is None or ids.count(cell.get("id")) > 1:
            yield f"{chapter.at(cell)}: its id {cell.get('id')!r} is not its own"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@each_chapter
def test_a_chapter(path, rule):
    demand(rule(read(path)))


# The chapters together


def misplaced_chapters(toc, names):
    """What _toc.yml lists without a file, and what is on disk without a line of it."""
    listed = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    listed = [name for name in listed if name.startswith("chapters/")]
    for name in sorted(set(listed) - set(names)):
        yield f"_toc.yml lists {name}, and there is no {name}.ipynb"
    for name in sorted(set(names) - set(listed)):
        yield f"{name}.ipynb is in no part of _toc.yml: give it a line there, or move it away"
    for name in sorted({name for name in listed if listed.count(name) > 1}):
        yield f"_toc.yml lists {name} more than once"


def missing_cards(index, chapters):
    """What the landing page does not say, or says otherwise, about each chapter."""
    for chapter in chapters:
        stem = Path(chapter.name).stem
        title = chapter.cells[0].source.splitlines()[0].removeprefix("# ")
        head = f"{{grid-item-card}} {title}\n:link: chapters/{stem}\n"
        if head not in index:
            yield f"index.md: no card of {chapter.name} that begins\n:::::{head}"
            continue
        footer = re.search(r"\{card-footer\}\n(.*)", index.split(head)[1])
        if not footer or footer[1] != f"{computed_time(chapter)[0]} minutes":
            yield (
                f"index.md: the foot of the card of {chapter.name} is "
                f"`{computed_time(chapter)[0]} minutes`"
            )


def names_of_two_figures(chapters):
    """The names that figures of one chapter or of two share."""
    owner = {}
    for chapter in chapters:
        for cell, _ in chapter.figures():
            name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
            if name in owner:
                yield f"{chapter.at(cell)}: {owner[name]} has a figure of the name {name} too"
            owner[name] = chapter.name


def test_the_table_of_contents_lists_exactly_the_chapters_on_disk():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    demand(misplaced_chapters(toc, [f"chapters/{path.stem}" for path in CHAPTERS]))


def test_every_chapter_has_a_card_on_the_landing_page_with_its_title_and_time():
    index = (ROOT / "index.md").read_text(encoding="utf-8")
    demand(missing_cards(index, map(read, CHAPTERS)))


def test_no_two_figures_share_a_name():
    demand(names_of_two_figures(map(read, CHAPTERS)))
