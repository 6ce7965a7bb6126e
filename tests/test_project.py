"""The project's own settings: what would let faults pass, or say something untrue, if it changed.

A rule is a function from the project's folder to sentences that say what is wrong. One fault for
each is planted in tests/test_faults.py.
"""

import ast
import functools
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import test_chapters
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_chapters import CHAPTERS, demand

import conftest

ROOT = Path(__file__).parents[1]
# Fewer tests than this is a guard that got lost, not a cleaner project.
TESTS_AT_LEAST = 3000
GUARDS = "chapters faults formulas maps project prose site verdicts".split()
TESTED_BY = {"checks": "bad_input"}  # the test of a module of helpers, where its name is another
NEEDED_OPTIONS = {
    "--nbval-lax": "no cell is run",
    "--nbval-current-env": "another Python of the user may run the cells",
    "--strict-markers": "a misspelled marker passes",
    "--strict-config": "a misspelled setting passes",
    "--hypothesis-profile=ci": "generated tests differ from run to run",
}
SWALLOWED = re.compile(
    r"(?m)\|\|\s*(true|:)\s*(;|$|\")|;\s*true\b|continue-on-error:\s*true|set \+e"
)
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
# What a job may write, and the event that it must wait for.
MAY_WRITE = {
    ("pages", "write"): "push",
    ("id-token", "write"): "push",
    ("contents", "write"): "release",
}
MACHINE = re.compile(
    r"(?<![\w.:/])/(?:home|Users)/(?!linuxbrew)[a-z]\w+|[A-Z]:\\Users\\\w+"
    r"|\b(?:10|127|172|192)(?:\.\d{1,3}){3}:\d+|\b[\w-]+\.(?:internal|corp|lan)\b"
)
INDEX = re.compile(
    r"(?:index[_-]url|find-links|trusted-host|registry)\W+(https?://[^\s\"']+)", re.I
)
NOT_OURS = ("_build", "play", "build", "dist", "mutants")

RULES = []


def rule(function):
    """Enter a rule: a function from the project's folder to sentences, none if it is kept."""
    RULES.append(function)
    return function


def _read(root, name):
    path = root / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _toml(root):
    return tomllib.loads(_read(root, "pyproject.toml"))


def _recipe(root, target):
    """The lines of a target of the Makefile."""
    found = re.search(rf"(?m)^{target}:.*\n((?:\t.*\n|\n(?=\t))*)", _read(root, "Makefile") + "\n")
    return found[1] if found else ""


def _workflows(root):
    for path in sorted((root / ".github/workflows").glob("*.y*ml")):
        yield path.name, path.read_text(encoding="utf-8")


def _steps(job):
    return "\n".join(step.get("run", "") for step in job.get("steps", []))


def tracked(root):
    """The files that git tracks or would; without git, those that no tool has made."""
    if (root / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
            names = {name for name in listed.decode().split("\0") if name}
            return sorted(root / name for name in names if (root / name).is_file())
        except (OSError, subprocess.CalledProcessError):
            pass
    kept = {".ci", ".github"}
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file()
        and not any(
            (part.startswith(".") and part not in kept and index < len(parts) - 1)
            or part in NOT_OURS
            or part == "__pycache__"
            or part.endswith(".egg-info")
            for parts in [path.relative_to(root).parts]
            for index, part in enumerate(parts)
        )
    )


# What runs, and what cannot be passed over


@rule
def pytest_runs_everything_and_lets_no_warning_pass(root):
    settings = _toml(root).get("tool", {}).get("pytest", {}).get("ini_options", {})
    paths = settings.get("testpaths", [])
    if "tests" not in paths:
        yield "pyproject.toml: testpaths lack `tests`"
    if not {"chapters", "chapters/*.ipynb"} & set(paths):
        yield "pyproject.toml: testpaths lack `chapters/*.ipynb`; no cell is run without it"
    options = settings.get("addopts", [])
    for option, otherwise in NEEDED_OPTIONS.items():
        if option not in options:
            yield f"pyproject.toml: addopts lack {option}; without it {otherwise}"
    if not any(option.startswith("--nbval-cell-timeout=") for option in options):
        yield "pyproject.toml: addopts lack --nbval-cell-timeout; a dead kernel hangs without it"
    for option in options:
        if re.match(r"--(ignore|deselect|no-summary)|-k|-p no:", option):
            yield f"pyproject.toml: addopts leave something out: {option}"
    if "-m" in options and options[options.index("-m") + 1] != "not deep":
        yield "pyproject.toml: of all markers only `deep` is left out of a run"
    if settings.get("filterwarnings", [])[:1] != ["error"]:
        yield 'pyproject.toml: filterwarnings begins with "error"'
    for entry in settings.get("filterwarnings", [])[1:]:
        if entry.count(":") < 2 or not entry.split(":", 2)[1].strip():
            yield f"pyproject.toml: filterwarnings lets more than one message pass: {entry}"
    if not settings.get("xfail_strict"):
        yield "pyproject.toml: xfail_strict is true, or a test that passes again goes unseen"


@rule
def make_runs_what_it_says_and_swallows_no_failure(root):
    said = {
        "test": ["-m pytest"],
        "book": ["jupyter-book build", "-W -n --keep-going"],
        "lint": ["-m ruff check .", "-m ruff format --check .", "--verify"],
    }
    for target, commands in said.items():
        recipe = _recipe(root, target)
        for command in commands:
            if command not in recipe:
                yield f"Makefile: `make {target}` does not run `{command}`"
        if SWALLOWED.search(recipe) or re.search(r"(?m)^\t@?-", recipe):
            yield f"Makefile: `make {target}` swallows a failure"
    if "nbstripout --keep-count" not in _read(root, "Makefile"):
        yield "Makefile: STRIP is nbstripout --keep-count; without counts nbval compares nothing"
    if "pipefail" not in _read(root, "Makefile"):
        yield "Makefile: SHELL has pipefail, or a failure before a pipe is lost"


@rule
def one_script_runs_all_parts(root):
    script = _read(root, ".ci/run")
    for command in ("make test", "make book", "make lint"):
        if not re.search(rf"(?m)^part .* {command}$", script):
            yield f".ci/run: does not run `{command}`"
    if "set -euo pipefail" not in script or SWALLOWED.search(script):
        yield ".ci/run: swallows a failure"
    if "export CI=true" not in script:
        yield ".ci/run: does not set CI, and a test that is skipped passes"


@rule
def workflows_run_all_parts_with_pinned_actions_and_few_permissions(root):
    texts = dict(_workflows(root))
    if not {"ci.yml", "weekly.yml"} <= set(texts):
        yield ".github/workflows: ci.yml and weekly.yml are there"
    for name, text in texts.items():
        where = f".github/workflows/{name}"
        for line in re.findall(r"(?m)^.*\buses:.*$", text):
            if not PINNED.search(line):
                yield f"{where}: pin by a full SHA, with the version behind #: {line.strip()}"
        for found in SWALLOWED.finditer(text):
            yield f"{where}: swallows a failure: {found[0].strip()}"
        workflow = yaml.safe_load(text)
        if workflow.get("permissions") not in ({}, {"contents": "read"}):
            yield f"{where}: the permissions at the top are {{}}; a job asks for what it needs"
        for key, job in workflow.get("jobs", {}).items():
            if not isinstance(job.get("timeout-minutes"), int):
                yield f"{where}: job {key} has no timeout-minutes"
            asked = job.get("permissions", {})
            asked = asked.items() if isinstance(asked, dict) else [("all", asked)]
            if any(pair != ("contents", "read") and pair not in MAY_WRITE for pair in asked):
                yield f"{where}: job {key} asks for broad permissions: {job['permissions']}"
            for event in {MAY_WRITE[pair] for pair in asked if pair in MAY_WRITE}:
                if job.get("if") != f"github.event_name == '{event}'":
                    yield f"{where}: job {key} may write, and runs on more than a {event}"
            for step in job.get("steps", []):
                checkout = step.get("uses", "").startswith("actions/checkout@")
                if checkout and step.get("with", {}).get("persist-credentials") is not False:
                    yield f"{where}: job {key} keeps git's credentials after the checkout"
    if not re.search(r"(?m)^\s*run: make pdf$", texts.get("release.yml", "")):
        yield ".github/workflows/release.yml: does not run `make pdf`"
    jobs = yaml.safe_load(texts.get("ci.yml", "{}") or "{}").get("jobs", {})
    for job, commands in {
        "unix": ("make test", "make book", "make lint"),
        "windows": ("pytest", "jupyter-book build . -W -n --keep-going"),
    }.items():
        for command in commands:
            if not re.search(rf"(?m)^\s*{re.escape(command)}$", _steps(jobs.get(job, {}))):
                yield f".github/workflows/ci.yml: job {job} has no step `{command}`"
    if set(jobs.get("deploy", {}).get("needs", [])) != set(jobs) - {"deploy"}:
        yield ".github/workflows/ci.yml: deploy needs all other jobs"


@rule
def every_guard_has_its_file_and_no_test_is_empty(root):
    files = {path.name: path for path in (root / "tests").glob("test_*.py")}
    modules = {path.stem for path in (root / "helpers").glob("[!_]*.py")}
    for name in sorted({TESTED_BY.get(module, module) for module in modules} | set(GUARDS)):
        if f"test_{name}.py" not in files:
            yield f"tests/test_{name}.py is not there"
    for name, path in files.items():
        for problem in _empty_tests(path.read_text(encoding="utf-8")):
            yield f"tests/{name}: {problem}"


@functools.cache
def _empty_tests(text):
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            if not _can_fail(node):
                found.append(f"{node.name} asserts nothing that can fail")
        if isinstance(node, ast.Attribute) and node.attr == "xfail":
            found.append("xfail hides a fault; mend it, or take the test away")
    return found


CAN_FAIL = re.compile(r"raises|warns|fail|demand|gradcheck|assert_\w+|_?assert\w*|_?check\w*")


def _can_fail(function):
    """Whether a test asserts something that is no constant, by itself or by a function of ours."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            if CAN_FAIL.fullmatch(name):
                return True
    return False


@rule
def axe_checks_with_all_its_rules(root):
    for node in ast.walk(ast.parse(_read(root, "tests/test_site.py"))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "AXE":
            options = ast.literal_eval(node.value)
            if "runOnly" in options or not all(
                each.get("enabled") for each in options.get("rules", {}).values()
            ):
                yield "tests/test_site.py: AXE leaves rules out"
            return
    yield "tests/test_site.py: AXE, the options of axe, are not there"


@rule
def commits_are_checked_like_make_lint(root):
    hooks = yaml.safe_load(_read(root, ".pre-commit-config.yaml"))["repos"][0]["hooks"]
    entries = "\n".join(hook["entry"] for hook in hooks)
    for command in ("ruff check", "ruff format --check", "nbstripout --verify", "test_chapters.py"):
        if command not in entries:
            yield f".pre-commit-config.yaml: no hook runs `{command}`"


# What the course needs


def pins(text):
    """{name: version} of lines `name==version`, and the lines that are none."""
    found, loose = {}, []
    for line in (line.split("#")[0].strip() for line in text.splitlines()):
        if not line or line.startswith(("-c ", "-e ")):
            continue
        match = re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!-]+)(?:\s*;.*)?", line)
        if match:
            found[canonicalize_name(match[1])] = match[2]
        else:
            loose.append(line)
    return found, loose


@rule
def every_requirement_is_pinned_once_and_alike(root):
    direct, loose = pins(_read(root, "requirements.txt"))
    every, also_loose = pins(_read(root, "constraints.txt"))
    for line in loose + also_loose:
        yield f"requirements.txt, constraints.txt: pin exactly, name==version: {line}"
    if not _read(root, "requirements.txt").lstrip("# \n").count("-c constraints.txt"):
        yield "requirements.txt: begins with `-c constraints.txt`"
    for name, version in direct.items():
        if every.get(name) != version:
            yield (
                f"constraints.txt: says {every.get(name, 'nothing')} for {name}; requirements.txt "
                f"says {version}"
            )
    project = _toml(root)["project"]
    extras = sum(project.get("optional-dependencies", {}).values(), [])
    for line in project["dependencies"] + extras:
        if canonicalize_name(Requirement(line).name) not in direct:
            yield f"requirements.txt: pins no {line}, which pyproject.toml asks for"
    for name in _leftover(direct, every):
        yield f"constraints.txt: pins {name}, which no requirement brings along"


def _leftover(direct, every):
    """The constraints that nothing needs: by the metadata of what is installed, if it is that."""
    needed, todo = set(), [(name, frozenset()) for name in direct]
    todo += [("dask", frozenset({"distributed"}))] if "dask" in direct else []
    seen = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        needed.add(name)
        version, brings = _installed(name, extras)
        if name in direct and version != direct[name]:
            return []  # this environment is not the one that is pinned
        todo += brings
    return sorted(set(every) - needed)


@functools.cache
def _installed(name, extras):
    """The version of a package here, and the (name, extras) of what it needs on any system."""
    try:
        package = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None, []
    lines = map(Requirement, package.requires or [])
    needed = [line for line in lines if _may_apply(line.marker, extras)]
    brings = [(canonicalize_name(line.name), frozenset(line.extras)) for line in needed]
    return package.version.split("+")[0], brings


def _may_apply(marker, extras):
    """Whether a marker holds on any system and Python that the course runs on."""
    if marker is None:
        return True
    here = default_environment()
    systems = [
        ("linux", "Linux", "posix"),
        ("darwin", "Darwin", "posix"),
        ("win32", "Windows", "nt"),
    ]
    for platform, system, name in systems:
        for python in ("3.11", "3.12", "3.13"):
            there = {"sys_platform": platform, "platform_system": system, "os_name": name}
            there |= {"python_version": python, "python_full_version": f"{python}.0"}
            if any(marker.evaluate(here | there | {"extra": e}) for e in extras or {""}):
                return True
    return False


@rule
def helpers_import_only_what_the_package_asks_for(root):
    asked = {
        canonicalize_name(Requirement(line).name) for line in _toml(root)["project"]["dependencies"]
    }
    for path in sorted((root / "helpers").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in {name.partition(".")[0] for name in names} - {"helpers"}:
                if name not in sys.stdlib_module_names and canonicalize_name(name) not in asked:
                    yield f"helpers/{path.name}: pyproject.toml does not ask for {name}"


@rule
def helpers_use_every_argument_that_they_take(root):
    for path in sorted((root / "helpers").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("__"):
                continue  # Python fixes the arguments of its own methods
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            every += [each for each in (arguments.vararg, arguments.kwarg) if each]
            used = {n.id for part in node.body for n in ast.walk(part) if isinstance(n, ast.Name)}
            for name in (each.arg for each in every):
                if name not in used and name != "self" and not name.startswith("_"):
                    yield f"helpers/{path.name}: {node.name} drops its argument {name}"


@rule
def no_file_names_a_machine_or_a_private_registry(root):
    for path in tracked(root):
        name = path.relative_to(root).as_posix()
        if path.suffix in (".png", ".ico", ".woff2"):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if name in ("tests/test_project.py", "tests/test_faults.py"):
            continue  # they hold what is looked for
        for found in MACHINE.finditer(text):
            yield f"{name}: {found[0]} is of one machine"
        for found in INDEX.finditer(text):
            if found[1] != TORCH_INDEX:
                yield f"{name}: {found[1]} is a package index; pip's own setting chooses one"


# What is said about the project


@rule
def versions_agree(root):
    project, readme = _toml(root)["project"], _read(root, "README.md")
    oldest = project["requires-python"].removeprefix(">=")
    torch = pins(_read(root, "requirements.txt"))[0].get("torch")
    if f"Python {oldest} or newer" not in readme:
        yield f"README.md: says `Python {oldest} or newer`, as pyproject.toml does"
    for version in re.findall(r"torch==([\d.]+)", readme) or ["none"]:
        if version != torch:
            yield f"README.md: says torch=={version}; requirements.txt says {torch}"
    if f"({oldest.replace('.', ', ')})" not in _read(root, "Makefile"):
        yield f"Makefile: asks for another Python than {oldest}"
    if f'python: "{oldest}"' not in _read(root, ".github/workflows/ci.yml"):
        yield f".github/workflows/ci.yml: no job runs Python {oldest}"
    cited = yaml.safe_load(_read(root, "CITATION.cff"))
    if str(cited.get("version")) != project["version"]:
        yield f"CITATION.cff: its version is not {project['version']}, pyproject.toml's"
    dated = re.findall(r"(?m)^## \[([\d.]+)\] - (\S+)$", _read(root, "CHANGELOG.md"))
    if (project["version"], str(cited.get("date-released"))) not in dated:
        yield (
            f"CITATION.cff, CHANGELOG.md: version {project['version']} is not of the same date "
            "in both"
        )


@rule
def containers_install_what_is_pinned(root):
    """Binder, a JupyterHub and a dev container start from the same requirements as `make`."""
    image, dev = _read(root, ".binder/Dockerfile"), ".devcontainer/devcontainer.json"
    settings = json.loads(_read(root, dev) or "{}")
    tested = re.findall(r'python: "([\d.]+)"', _read(root, ".github/workflows/ci.yml"))
    for where, text in ((".binder/Dockerfile", image), (dev, json.dumps(settings))):
        if "make .venv/installed" not in text:
            yield f"{where}: does not run `make .venv/installed`"
        version = re.search(r"python:([\d.]+)-", text)
        if not version or version[1] not in tested:
            yield f"{where}: its Python is none of those that ci.yml tests: {', '.join(tested)}"
    for install in re.findall(r"pip install (.*)", image):
        loose = [word for word in install.split() if not re.match(r"-|constraints|\S+==\d", word)]
        if loose or "-c constraints.txt" not in install:
            yield f".binder/Dockerfile: installs what is not pinned: {install}"
    if ".venv" not in _read(root, ".dockerignore").splitlines():
        yield ".dockerignore: leaves out .venv, which holds the paths of this machine"


@rule
def readme_shows_the_tree_as_it_is(root):
    blocks = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", _read(root, "README.md"))
    tree = next((text for language, text in blocks if not language and "helpers/" in text), "")
    named, folder = set(), ""
    for line in tree.splitlines():
        names = re.split(r"\s{3,}", line.strip())[0].split()
        for name in names:
            inside = folder + name if line.startswith("  ") else name
            named |= {inside.rstrip("/"), inside.partition("/")[0]}
            if not any(root.glob(inside.rstrip("/"))):
                yield f"README.md: its tree names {inside}, which is not there"
        if not line.startswith("  ") and names:
            folder = names[-1] if names[-1].endswith("/") else ""
    there = {path.relative_to(root) for path in tracked(root)}
    wanted = {path.parts[0] for path in there if len(path.parts) > 1}
    wanted -= {".ci", ".github"}
    wanted |= {f"helpers/{path.name}" for path in there if path.parent.name == "helpers"}
    for name in sorted(wanted - named - {"helpers/__init__.py"}):
        yield f"README.md: its tree does not name {name}"


@rule
def readme_and_contents_name_every_chapter(root):
    toc = yaml.safe_load(_read(root, "_toc.yml"))
    listed = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    titles = {}
    for name in listed:
        if name.startswith("chapters/") and (root / f"{name}.ipynb").is_file():
            first = json.loads(_read(root, f"{name}.ipynb"))["cells"][0]["source"]
            titles[name] = "".join(first).splitlines()[0].removeprefix("# ")
    sessions = re.findall(r"(?m)^\| \d+ \| ([^|]+) \|", _read(root, "README.md"))
    if [title.strip() for title in sessions] != list(titles.values()):
        yield (
            f"README.md: its table of sessions lists {sessions}; the chapters in the order of "
            f"_toc.yml are {list(titles.values())}"
        )
    cards = re.findall(r"(?m)^:link: (chapters/\S+)", _read(root, "index.md"))
    if cards != list(titles):
        yield f"index.md: its cards are {cards}; in the order of _toc.yml they are {list(titles)}"


def needed(root):
    """For each chapter those that its first box says it needs, but for what these need anyway."""
    needs = {}
    for path in sorted(root.glob("chapters/[!.]*.ipynb")):
        first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        said = first.partition("**You need**")[2]
        needs[path.stem] = dict.fromkeys(re.findall(r"\(([\w-]+)\.ipynb\)(?! helps)", said))

    def before(name):
        return {name}.union(*(before(other) for other in needs.get(name, ())))

    return {
        name: [one for one in found if not any(one in before(o) - {o} for o in found)]
        for name, found in needs.items()
        if found
    }


@rule
def the_map_on_the_landing_page_is_what_the_chapters_say(root):
    drawn = re.search(r"(?s)\nneeds = (\{.*?\n\})", _read(root, "index.md"))
    drawn = ast.literal_eval(drawn[1]) if drawn else {}
    for name, found in needed(root).items():
        if sorted(drawn.get(name, [])) != sorted(found):
            yield (
                f"index.md: its map draws {name} behind {drawn.get(name, [])}; the chapter says "
                f"that it needs {found}"
            )
    for name in set(drawn) - set(needed(root)):
        yield f"index.md: its map draws {name} behind others, and the chapter needs none"


@rule
def commands_that_are_named_exist(root):
    targets = set(re.findall(r"(?m)^([a-z]+):", _read(root, "Makefile")))
    for path in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "index.md"):
        for target in re.findall(r"`make ([a-z]+)|^make ([a-z]+)", _read(root, path), re.MULTILINE):
            if "".join(target) not in targets:
                yield f"{path}: there is no `make {''.join(target)}`"


@rule
def the_measures_that_are_told_are_those_that_are_tested(root):
    rows = {
        "words of the lesson": [test_chapters.WORDS],
        "cells of code in the lesson": [test_chapters.CELLS],
        "lines of a cell of code": [
            test_chapters.LINES,
            test_chapters.NINE_IN_TEN,
            test_chapters.TYPICAL,
        ],
        "columns of a line of code": [test_chapters.COLUMNS],
        "words to a line of code": [test_chapters.WORDS_A_LINE],
        "letters of a figure's": [test_chapters.LETTERS],
        "time": [test_chapters.WORDS_A_MINUTE, test_chapters.AN_EXERCISE],
    }
    text = _read(root, "CONTRIBUTING.md")
    for row, numbers in rows.items():
        told = re.search(rf"(?m)^\| {row}[^|]* \| (.*) \|$", text)
        if not told or [int(n) for n in re.findall(r"\d+", told[1])] != numbers:
            yield f"CONTRIBUTING.md: the measure of `{row}` is {numbers} in tests/test_chapters.py"


@rule
def licenses_are_told_apart_as_forges_do(root):
    text = _read(root, "LICENSE")
    if not text.startswith("BSD 3-Clause License\n") or "Creative Commons" in text:
        yield "LICENSE: holds the BSD 3-Clause License alone, or a forge recognizes none"
    others = [
        p.name for p in root.iterdir() if re.search(r"licen[sc]e|copying|copyright", p.name, re.I)
    ]
    for name in sorted(set(others) - {"LICENSE"}):
        yield f"{name}: a second file of this name makes forges say Other; NOTICE says the rest"
    if "https://creativecommons.org/licenses/by/4.0/legalcode" not in _read(root, "NOTICE"):
        yield "NOTICE: links to the full text of CC BY 4.0"
    if _toml(root)["project"]["license"] != "BSD-3-Clause":
        yield "pyproject.toml: the package is under BSD-3-Clause"
    if yaml.safe_load(_read(root, "CITATION.cff"))["license"] != ["BSD-3-Clause", "CC-BY-4.0"]:
        yield "CITATION.cff: its licenses are BSD-3-Clause and CC-BY-4.0"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project(rule):
    demand(rule(ROOT))


def test_the_python_of_the_readme_runs():
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```", _read(ROOT, "README.md"))
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def missing_from_a_run(names, cells):
    """What a full run lacks: `names` lists the tests of each file, `cells` counts those of each.

    Whoever runs some files on purpose is told nothing.
    """
    total = sum(map(len, names.values()))
    if total < TESTS_AT_LEAST:
        yield f"{total} tests were collected, fewer than {TESTS_AT_LEAST}: which guard is gone?"
    for chapter, count in cells.items():
        if (ran := len(names.get(chapter, []))) != count:
            yield f"chapters/{chapter}: {count} cells of code, and {ran} of them are run"


def test_a_full_run_holds_every_cell_and_no_fewer_tests_than_before(request):
    config, names, cells = request.config, {}, {}
    for path in CHAPTERS:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells[path.name] = sum(cell["cell_type"] == "code" for cell in notebook["cells"])
    # Compared by name: the workers of a parallel run are given other paths.
    given = {Path(argument.partition("::")[0]).name for argument in config.args}
    if config.option.keyword or config.option.markexpr != "not deep" or "tests" not in given:
        return
    if not given & set(cells) and "chapters" not in given:
        return
    for item in request.session.items:
        names.setdefault(item.path.name, []).append(item.name)
    demand(missing_from_a_run(names, cells))


@pytest.mark.parametrize(
    ("environment", "platform", "allowed"),
    [({}, "linux", True), ({"CI": "true"}, "linux", False), ({"CI": "true"}, "win32", True)],
)
def test_a_skipped_test_fails_in_continuous_integration(environment, platform, allowed):
    assert conftest.may_skip(environment, platform) is allowed
