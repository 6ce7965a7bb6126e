"""The website as a reader meets it: built once, read as HTML, then opened in a real browser."""

import functools
import importlib
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
NOT_SOURCES = shutil.ignore_patterns(".*", "_build", "__pycache__", "*.egg-info", "tests")
CACHE = Path("_build", ".jupyter_cache")
NEITHER_READ_NOR_SHOWN = "script, style, pre, code, .math, .onlyprint"
VIEWS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1400, "height": 900}},
    "dark-phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
BROWSER_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
AXE = {
    "resultTypes": ["violations"],
    "preload": False,
    "rules": {"label-content-name-mismatch": {"enabled": True}},
}
FORMULAS = """() => ({
  unrendered: [...document.querySelectorAll(".math")]
    .filter(e => !e.querySelector("mjx-container")).map(e => e.textContent),
  erroneous: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map(e => e.outerHTML),
  undefined: [...document.querySelectorAll("mjx-assistive-mml [mathcolor=red]")]
    .map(e => e.textContent),
})"""
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"
OPEN_EVERYTHING = """() => {
  document.querySelectorAll("details").forEach(e => e.open = true);
  document.querySelectorAll(".toggle-button-hidden").forEach(e => e.click());
  return new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));
}"""
# Axe takes a minute over thousands of equal parts: of each kind of word in code the first is
# kept as it is, and of the formulas three and those that scroll.
THIN_OUT = """() => {
  const seen = new Set();
  for (const word of document.querySelectorAll(".highlight span")) {
    const kind = word.closest("[class*=highlight-]").className + word.className;
    seen.has(kind) ? word.replaceWith(...word.childNodes) : seen.add(kind);
  }
  [...document.querySelectorAll("mjx-container")]
    .filter(e => e.scrollWidth <= e.clientWidth).slice(3).forEach(e => e.replaceChildren());
}"""


def toc_entries():
    """The documents that _toc.yml names, in reading order, without suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [toc["root"], *parts]


DOCUMENTS = toc_entries()
PAGES = [*DOCUMENTS, "search"]
each_page = pytest.mark.parametrize("name", PAGES)
each_document = pytest.mark.parametrize("name", DOCUMENTS)
each_chapter = pytest.mark.parametrize("name", [d for d in DOCUMENTS if d.startswith("chapters/")])
each_view = pytest.mark.parametrize("view", VIEWS)


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """The finished build of a copy whose path has a space, with warnings as errors."""
    copy = tmp_path_factory.mktemp("site") / "a copy"
    shutil.copytree(ROOT, copy, ignore=NOT_SOURCES)
    if (ROOT / CACHE).is_dir():
        shutil.copytree(ROOT / CACHE, copy / CACHE)
    command = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    run = subprocess.run(
        [command, "build", ".", "-W", "-n", "--keep-going"],
        cwd=copy,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return SimpleNamespace(folder=copy / "_build" / "html", status=run.returncode, log=run.stdout)


@pytest.fixture(scope="module")
def site(build):
    """The folder of the built site."""
    if build.status:
        pytest.skip("the book does not build")
    return build.folder


@pytest.fixture(scope="module")
def read(site):
    """A function from the path of a page, as in the toc or as a file, to its parsed HTML."""

    @functools.cache
    def parse(path):
        return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")

    return lambda page: parse(site / f"{page}.html" if isinstance(page, str) else page)


# What the pages say


def test_the_book_builds_without_a_warning(build):
    assert build.status == 0, build.log[-6000:]


def test_no_figure_is_heavier_than_100_kB(site):
    heavy = [path.name for path in site.glob("_images/*") if path.stat().st_size > 100_000]
    assert heavy == []


def test_every_entry_of_the_toc_has_a_page_and_every_page_an_entry(site):
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    assert pages == set(PAGES)


def test_every_chapter_and_reference_page_on_disk_is_in_the_toc():
    sources = [*ROOT.glob("chapters/[!.]*.*"), *ROOT.glob("reference/*.md")]
    names = {path.relative_to(ROOT).with_suffix("").as_posix() for path in sources}
    assert names == {name for name in DOCUMENTS if "/" in name}


@each_page
def test_every_link_and_image_of_a_page_leads_somewhere(site, read, name):
    broken = []
    for element in read(name).select("[href], [src]"):
        link = element.get("href", element.get("src"))
        target = urlsplit(urljoin(f"/{name}.html", link))
        if target.scheme or target.netloc:
            continue
        path = site / unquote(target.path).lstrip("/")
        if link.startswith("/") or not path.is_file():
            broken.append(link)
        elif target.fragment and path.suffix == ".html":
            anchor = unquote(target.fragment)
            if not read(path).find(lambda tag, a=anchor: a in (tag.get("id"), tag.get("name"))):
                broken.append(link)
    assert broken == []


@each_page
def test_a_page_loads_nothing_from_another_host(read, name):
    loaded = read(name).select("script[src], img[src], iframe[src], link[rel=stylesheet], source")
    addresses = [element.get("src", element.get("href")) for element in loaded]
    assert [address for address in addresses if urlsplit(address or "").netloc] == []


@each_page
def test_a_page_has_a_language_a_title_one_heading_and_no_id_twice(read, name):
    page = read(name)
    ids = [element["id"] for element in page.select("[id]")]
    assert page.html["lang"] == "en"
    assert page.title.get_text().strip() not in ("", "Downhill" if name != "index" else "")
    assert len(page.select("main h1:not(.onlyprint h1)")) == 1
    assert sorted(ids) == sorted(set(ids))


def test_no_two_pages_have_the_same_title_or_description(read):
    titles = [read(name).title.get_text() for name in DOCUMENTS]
    descriptions = [
        read(name).select_one("meta[name=description]")["content"] for name in DOCUMENTS
    ]
    assert len(set(titles)) == len(set(descriptions)) == len(DOCUMENTS)


@each_document
def test_a_page_describes_itself_in_words(read, name):
    (description,) = read(name).select("meta[name=description]")
    assert 40 <= len(description["content"]) <= 200
    assert not re.search(r"[\\$]", description["content"])


@each_document
def test_every_image_has_an_alternative_text_and_a_size(read, name):
    images = read(name).select("article img")
    assert [image["src"] for image in images if len(image.get("alt", "")) < 15] == []
    assert [
        image["src"] for image in images if not (image.get("width") and image.get("height"))
    ] == []


@each_chapter
def test_every_picture_of_a_chapter_is_a_numbered_figure_with_a_caption(read, name):
    for image in read(name).select("article img"):
        caption = image.find_parent("figure").figcaption
        assert caption.select_one(".caption-number")
        assert len(caption.select_one(".caption-text").get_text()) > 20


@each_document
def test_no_formula_is_left_as_its_source(read, name):
    article = BeautifulSoup(str(read(name).article), "html.parser")
    for element in article.select(NEITHER_READ_NOR_SHOWN):
        element.decompose()
    assert re.findall(r"[^\n]*(?:\$|\\[a-zA-Z(\[])[^\n]*", article.get_text()) == []


# What a browser finds in them


@pytest.fixture(scope="module")
def chromium():
    """A real browser; without one these tests are skipped, but on a CI machine they fail."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing = "no Chromium found: install it to test the site in a browser"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS.split())
        yield browser
        browser.close()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served, on the loopback interface only."""
    handler = functools.partial(QuietHandler, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def tab(chromium):
    context = chromium.new_context(**VIEWS["light"])
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def visit(chromium, address):
    """A function from a page and a view to what a browser meets there; each is loaded once."""

    @functools.cache
    def load(name, view):
        context = chromium.new_context(**VIEWS[view])
        page = context.new_page()
        requests, complaints = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
        page.evaluate("MathJax?.startup?.promise") if page.query_selector(".math") else None
        found = SimpleNamespace(
            theme=page.evaluate("document.documentElement.dataset.theme"),
            elsewhere=[url for url in requests if not url.startswith((address, "data:"))],
            complaints=list(complaints),
            formulas=page.evaluate(FORMULAS),
            too_wide=page.evaluate(TOO_WIDE),
        )
        page.evaluate(OPEN_EVERYTHING)
        page.evaluate(THIN_OUT)
        violations = Axe().run(page, options=AXE).response["violations"]
        found.violations = [
            f"{violation['id']}: {node['html'][:200]}"
            for violation in violations
            for node in violation["nodes"]
        ]
        context.close()
        return found

    return load


@each_page
@each_view
def test_a_page_asks_no_other_host_and_the_browser_has_nothing_to_complain_of(visit, name, view):
    found = visit(name, view)
    assert found.elsewhere == []
    assert found.complaints == []
    assert found.theme == view.split("-")[0]


@each_document
def test_every_formula_is_typeset_without_an_error(visit, name):
    assert visit(name, "light").formulas == {"unrendered": [], "erroneous": [], "undefined": []}


@each_page
@each_view
def test_axe_finds_no_barrier(visit, name, view):
    assert visit(name, view).violations == []


@each_page
def test_a_page_fits_a_narrow_screen(visit, name):
    assert visit(name, "dark-phone").too_wide <= 0


def test_search_finds_a_word(tab, address):
    tab.goto(f"{address}/index.html")
    tab.keyboard.press("Control+KeyK")
    tab.keyboard.type("gradient")
    tab.keyboard.press("Enter")
    results = tab.locator("#search-results a")
    results.first.wait_for()
    assert tab.url.endswith("search.html?q=gradient")
    assert any("reference/glossary.html" in link.get_attribute("href") for link in results.all())


def test_the_first_stop_of_the_keyboard_skips_to_the_text(tab, address):
    tab.goto(f"{address}/reference/glossary.html")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to main content"
    tab.keyboard.press("Enter")
    tab.wait_for_url("**#main-content")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.querySelector('main').contains(document.activeElement)")


@each_chapter
def test_a_solution_and_an_answer_open_by_the_enter_key(tab, address, name):
    tab.goto(f"{address}/{name}.html", wait_until="networkidle")
    for box, handle in ((".solution", ".toggle-button"), ("details.sd-dropdown", "summary")):
        inside = tab.locator(box).first.locator("p:not(.admonition-title)").first
        assert not inside.is_visible()
        tab.locator(box).first.locator(handle).focus()
        tab.keyboard.press("Enter")
        assert inside.is_visible()


# What the local extensions promise


@pytest.fixture
def extension(monkeypatch):
    """A function that imports a local extension by its name."""
    monkeypatch.syspath_prepend(ROOT / "_ext")
    return importlib.import_module


@pytest.mark.parametrize(
    "changed", ["constraints.txt", "helpers/__init__.py", "helpers/a.mplstyle"]
)
def test_the_execution_cache_is_emptied_when_what_it_rests_on_changes(
    extension, monkeypatch, tmp_path, changed
):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "helpers", raising=False)
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").touch()
    (tmp_path / changed).write_text("before")
    empty_stale_cache = extension("honest_cache").empty_stale_cache
    app = SimpleNamespace(
        srcdir=tmp_path,
        outdir=tmp_path / "_build" / "html",
        config=SimpleNamespace(nb_execution_cache_path=""),
    )
    empty_stale_cache(app)
    result = tmp_path / CACHE / "result"
    result.touch()
    empty_stale_cache(app)
    assert result.exists()
    (tmp_path / changed).write_text("after")
    empty_stale_cache(app)
    assert not result.exists()


@pytest.mark.parametrize(
    ("remote", "link"),
    {
        "https://user:secret@github.com/some/fork.git": "https://github.com/some/fork",
        "git@github.com:some/fork.git": "https://github.com/some/fork",
        "ssh://git@gitlab.com/some/fork": "https://gitlab.com/some/fork",
        "/srv/git/course.git": "",
        "https://example.org/some/fork.git": "",
    }.items(),
)
def test_links_lead_to_the_remote_of_the_clone_without_its_password(
    extension, monkeypatch, tmp_path, remote, link
):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    links = extension("repository_links")
    assert links.repository(tmp_path) == ""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    assert links.repository(tmp_path) == ""
    subprocess.run(["git", "remote", "add", "origin", remote], cwd=tmp_path, check=True)
    assert links.repository(tmp_path) == link


def test_in_continuous_integration_the_links_lead_to_the_repository_that_runs_it(
    extension, monkeypatch, tmp_path
):
    monkeypatch.setenv("GITHUB_REPOSITORY", "Some/course")
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    links = extension("repository_links")
    assert links.repository(tmp_path) == "https://github.com/Some/course"
    assert links.published_at() == "https://some.github.io/course/"
