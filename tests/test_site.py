"""The website as a reader meets it: built once, read as HTML, then opened in a real browser."""

import copy
import functools
import importlib
import io
import itertools
import re
import shutil
import subprocess
import sys
import unicodedata
from base64 import b64encode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from browser import QuietHandler, serving
from bs4 import BeautifulSoup
from filelock import FileLock
from live_figures import LIVE
from PIL import Image, ImageChops
from print_book import assemble, print_site
from pypdf import PdfReader

ROOT = Path(__file__).parents[1]
NOT_SOURCES = shutil.ignore_patterns(".*", "_build", "__pycache__", "*.egg-info", "tests")
CACHE = Path("_build", ".jupyter_cache")
SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
NEITHER_READ_NOR_SHOWN = "script, style, pre, code, .math, .onlyprint"
# With less motion nothing fades in: a measurement before the end would see half-transparent text.
VIEWS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark-phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
for view in VIEWS.values():
    view["reduced_motion"] = "reduce"
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
# What scrolls by itself can take the focus; of what is far below that is found out when idle.
ALL_IN_REACH = """[...document.querySelectorAll(
  "pre, div.math, .output, .pst-scrollable-table-container"
)].every(e =>
  e.scrollWidth <= e.clientWidth + 2 || e.closest("[tabindex='0']") || e.querySelector("[tabindex]")
  || getComputedStyle(e).overflowX === "visible")"""
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"
OPEN_EVERYTHING = """async () => {
  document.querySelectorAll("details").forEach(e => e.open = true);
  await new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));
}"""
# After a key has been pressed, what takes the focus shows it.
WITHOUT_RING = """() => {
  const ring = style => style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
  const found = [...document.querySelectorAll("a, button, input, summary, [tabindex='0']")]
    .filter(e => e.checkVisibility({visibilityProperty: true})).filter(e => {
      e.focus({preventScroll: true});
      return document.activeElement === e
        && ring(getComputedStyle(e)) < 2 && ring(getComputedStyle(e, "::after")) < 2;
    });
  document.activeElement.blur();
  return found.map(e => e.outerHTML.slice(0, 120));
}"""
# What does not fit must scroll by itself; a formula that scrolls must not lose its exponents.
CUT = """() => {
  const isCut = e => {
    let box = e.parentElement;
    while (getComputedStyle(box).overflowX === "visible") box = box.parentElement ?? e;
    return box !== e && getComputedStyle(box).overflowX === "hidden"
      && e.getBoundingClientRect().right > box.getBoundingClientRect().right + 1;
  };
  const isClipped = e =>
    getComputedStyle(e).overflowY !== "visible" && e.scrollHeight > e.clientHeight + 1;
  return [
    ...[...document.querySelectorAll("article :is(table, pre, img)")].filter(isCut),
    ...[...document.querySelectorAll("article span.math")].filter(isClipped),
  ].map(e => e.outerHTML.slice(0, 200));
}"""
COLUMNS = """() => {
  const blocks = [...document.querySelectorAll("article .highlight pre")];
  const lines = blocks.map(pre => pre.appendChild(document.createElement("span")));
  lines.forEach(line => line.textContent = "0".repeat(100));
  const columns = blocks.map((pre, i) => {
    const {paddingLeft, paddingRight} = getComputedStyle(pre);
    const room = pre.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    return 100 * room / lines[i].getBoundingClientRect().width;
  });
  lines.forEach(line => line.remove());
  return Math.min(...columns);
}"""
DRAWINGS = """() => [...document.querySelectorAll('article .cell img[src$=".svg"]')]
  .map(e => [e.getAttribute("src"), e.getBoundingClientRect().width])"""
# What is wrong on a sheet of A4, of which 688 pixels are left between the margins.
ON_PAPER = """() => {
  dispatchEvent(new Event("beforeprint"));
  const wrong = [
    ...[...document.querySelectorAll("article pre")].filter(e => e.scrollWidth > e.clientWidth + 1),
    ...[...document.querySelectorAll("article :is(table, img, mjx-math)")]
      .filter(e => e.getBoundingClientRect().right > innerWidth + 1),
    ...document.querySelectorAll("article details:not([open], .hide)"),
    ...[...document.querySelectorAll(".bd-sidebar, .bd-header-article, .copybtn, details.hide")]
      .filter(e => e.checkVisibility()),
  ].map(e => e.outerHTML.slice(0, 200));
  if (document.documentElement.dataset.theme !== "light") wrong.push("a dark page");
  dispatchEvent(new Event("afterprint"));
  return wrong;
}"""
# Axe takes a minute over thousands of equal parts: of each kind of word in code the first is
# kept as it is, of the buttons that copy it three, and of the formulas three and those that scroll.
THIN_OUT = """() => {
  const seen = new Set();
  for (const word of document.querySelectorAll(".highlight span")) {
    const kind = word.closest("[class*=highlight-]").className + word.className;
    seen.has(kind) ? word.replaceWith(...word.childNodes) : seen.add(kind);
  }
  [...document.querySelectorAll(".copybtn")].slice(3).forEach(e => e.remove());
  [...document.querySelectorAll("mjx-container")]
    .filter(e => e.scrollWidth <= e.clientWidth).slice(3).forEach(e => e.replaceChildren());
  // What is not laid out has a place that is not its own, and seems to lie on something else.
  document.querySelectorAll("article section > *")
    .forEach(e => e.style.contentVisibility = "visible");
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
CHAPTERS = [name for name in DOCUMENTS if name.startswith("chapters/")]
each_chapter = pytest.mark.parametrize("name", CHAPTERS)
each_view = pytest.mark.parametrize("view", VIEWS)


@pytest.fixture(scope="module")
def build(tmp_path_factory, worker_id):
    """The finished build of a copy whose path has a space, with warnings as errors.

    Workers of one run share it: the first to need it builds, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    base = base if worker_id == "master" else base.parent
    copy, log, status = (base / name for name in ("a copy", "build.log", "build.status"))
    with FileLock(base / "build.lock"):
        if not status.exists():
            shutil.copytree(ROOT, copy, ignore=NOT_SOURCES)
            if (ROOT / CACHE).is_dir():
                shutil.copytree(ROOT / CACHE, copy / CACHE)
            command = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
            build = [command, "build", ".", "-W", "-n", "--keep-going"]
            with log.open("wb") as output:
                run = subprocess.run(build, cwd=copy, stdout=output, stderr=subprocess.STDOUT)
            status.write_text(str(run.returncode))
    return SimpleNamespace(
        folder=copy / "_build" / "html",
        status=int(status.read_text()),
        log=log.read_text(encoding="utf-8", errors="replace"),
    )


@pytest.fixture(scope="module")
def site(build):
    """The folder of the built site."""
    if build.status:
        pytest.skip("the book does not build")
    return build.folder


@pytest.fixture(scope="module")
def whole(build, tmp_path_factory):
    """The folder of the site whose style sheet has all rules, also those that no page can use."""
    copy = shutil.copytree(build.folder.parents[1], tmp_path_factory.mktemp("whole") / "copy")
    module = copy / "_ext" / "one_style_sheet.py"
    text = module.read_text(encoding="utf-8")
    asked = "if can_match(text, words)"
    assert asked in text
    module.write_text(text.replace(asked, "if True"), encoding="utf-8")
    command = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    subprocess.run([command, "build", ".", "-W", "-n"], cwd=copy, check=True, capture_output=True)
    return copy / "_build" / "html"


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


def test_no_figure_is_heavier_than_100_kB(site, read):
    heavy = [
        f"{name}, {image.find_parent('figure')['id']}: {size} bytes"
        for name in DOCUMENTS
        for image in read(name).select("article figure img")
        if (size := (site / name).parent.joinpath(image["src"]).stat().st_size) > 100_000
    ]
    assert heavy == []


def test_every_entry_of_the_toc_has_a_page_and_every_page_an_entry(site):
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    assert pages == set(PAGES)


def test_every_chapter_and_reference_page_on_disk_is_in_the_toc():
    sources = [*ROOT.glob("chapters/[!.]*.*"), *ROOT.glob("reference/*.md")]
    names = {path.relative_to(ROOT).with_suffix("").as_posix() for path in sources}
    assert names == {name for name in DOCUMENTS if "/" in name}


@functools.cache
def anchors(path):
    """The places of a page that a link can lead to."""
    return set(re.findall(r'\b(?:id|name)="([^"]+)"', path.read_text(encoding="utf-8")))


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
            if unquote(target.fragment) not in anchors(path):
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


@each_chapter
def test_figures_are_numbered_within_their_chapter(read, name):
    chapters = [document for document in DOCUMENTS if document.startswith("chapters/")]
    numbers = [n.get_text(strip=True) for n in read(name).select("article .caption-number")]
    chapter = chapters.index(name) + 1
    assert numbers == [f"Figure {chapter}.{figure + 1}" for figure in range(len(numbers))]
    assert read(name).select_one("main article h1").get_text().startswith(f"{chapter}. ")


@each_document
def test_no_executed_page_shows_a_warning_or_a_traceback(read, name):
    assert read(name).select(".stderr, .traceback") == []


def parts(drawing, kind):
    """The groups of an SVG whose names begin with a kind, such as axes or line2d."""
    groups = drawing.iter(f"{SVG}g")
    return [group for group in groups if group.get("id", "").startswith(f"{kind}_")]


def line_styles(axes):
    """(color, all other properties) of every line that is clipped to a set of axes of an SVG."""
    for line in parts(axes, "line2d"):
        markers = sorted({use.get(f"{XLINK}href") for use in line.iter(f"{SVG}use")})
        for path in line.findall(f"{SVG}path[@clip-path]"):
            style = dict(part.split(": ") for part in path.get("style").split("; "))
            if style.get("fill") == "none" and "stroke" in style:
                yield style.pop("stroke"), (*sorted(style.items()), *markers)


def luminance(color):
    channels = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in channels)
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def drawings(site, page):
    """(file name, parsed SVG, code of its cell) of every line drawing of a page."""
    for image in page.select('article .cell img[src$=".svg"]'):
        code = image.find_parent(class_="cell").select_one(".cell_input")
        path = site / "_images" / Path(image["src"]).name
        yield path.name, ElementTree.parse(path).getroot(), code.get_text()


@each_chapter
def test_the_lines_of_a_figure_differ_by_more_than_their_color(site, read, name):
    alike = []
    for file, drawing, _ in drawings(site, read(name)):
        for axes in parts(drawing, "axes"):
            styles = set(line_styles(axes))
            alike += [
                (file, *pair)
                for pair in itertools.combinations(sorted({color for color, _ in styles}), 2)
                if contrast(*pair) < 3
                and {s for c, s in styles if c == pair[0]} & {s for c, s in styles if c == pair[1]}
            ]
    assert alike == []


@each_chapter
def test_a_figure_whose_lines_have_labels_has_a_legend(site, read, name):
    labels = re.compile(r"(?<!\w)label=")
    without = [
        file
        for file, drawing, code in drawings(site, read(name))
        if labels.search(code) and not parts(drawing, "legend")
    ]
    assert without == []


@each_document
def test_no_line_can_begin_with_the_comma_after_a_formula(read, name):
    after = [formula.next_sibling for formula in read(name).select("article span.math")]
    loose = [text for text in after if isinstance(text, str) and re.match(r"[^\w\s]", text)]
    assert [text for text in loose if "unbroken" not in text.parent.get("class", [])] == []


def test_the_bibliography_is_sorted_by_the_author_and_year_that_texts_cite(read):
    page = read("reference/bibliography")
    labels = [label.get_text().strip("[]") for label in page.select(".citation > .label")]
    plain = [unicodedata.normalize("NFD", label).casefold() for label in labels]
    letters = ["".join(c for c in label if c.isalnum() or c == " ") for label in plain]
    assert letters == sorted(letters)
    assert all(re.fullmatch(r".+, \d{4}[a-z]?", label) for label in labels)
    text = page.article.get_text()
    for name in ("nn.Linear", "kaiming_uniform", "reset_parameters", "scikit-hep/iminuit"):
        assert name in text


def test_the_glossary_is_sorted_and_each_term_stands_there_once(read):
    terms = [term.find(string=True).casefold() for term in read("reference/glossary").select("dt")]
    assert terms == sorted(set(terms))


def test_the_landing_page_says_that_a_site_built_without_a_remote_knows_no_repository(read):
    assert "built without an address of the repository" in read("index").article.get_text()


@each_document
def test_no_formula_is_left_as_its_source(read, name):
    article = copy.copy(read(name).article)
    for element in article.select(NEITHER_READ_NOR_SHOWN):
        element.decompose()
    assert re.findall(r"[^\n]*(?:\$|\\[a-zA-Z(\[])[^\n]*", article.get_text()) == []


# What a browser finds in them


def wait_until(page, condition):
    """Wait for a condition in a page whose policy forbids Playwright's own way, an `eval`."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"after ten seconds it is not so that {condition}")


@functools.cache
def strict_policy(path):
    """A policy that allows a page its own host's files, and the scripts that stand in it."""
    found = re.findall(
        r"(?s)<script[^>]*>(.*?)</script>|<noscript>\s*<style>(.*?)</style>",
        path.read_text(encoding="utf-8"),
    )
    texts = filter(None, itertools.chain(*found))
    digests = {b64encode(sha256(text.encode()).digest()).decode() for text in texts}
    inline = " ".join(sorted(f"'sha256-{digest}'" for digest in digests))
    return f"default-src 'self' {inline}; img-src 'self' data:"


class StrictHandler(QuietHandler):
    """A server that sends each page with its strict policy."""

    def end_headers(self):
        path = Path(self.translate_path(self.path))
        if path.suffix == ".html" and path.is_file():
            self.send_header("Content-Security-Policy", strict_policy(path))
        super().end_headers()


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served, on the loopback interface only."""
    with serving(site, StrictHandler) as address:
        yield address


@pytest.fixture
def tab(chromium):
    context = chromium.new_context(**VIEWS["light"])
    yield context.new_page()
    context.close()


def listen(page, complaints):
    """Write down what a page says of its errors, and what the browser says."""

    def hear(message):
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", hear)


# What a reader opens, and the headings: [weight, size] of the first one of each level.
BOXES = ("details.solution", "details:not([class])")
HEADINGS = """() => ["h1", "h2", "h3", "h4"].map(e => document.querySelector("article " + e))
  .filter(Boolean).map(getComputedStyle).map(s => [s.fontWeight, parseFloat(s.fontSize)])"""


def opens_by_enter(page, box):
    """Whether the first box of a kind is closed, and opens by the Enter key."""
    if not page.locator(box).count():
        return False
    inside = page.locator(box).first.locator("p").first
    seen_before = inside.is_visible()
    page.locator(f"{box} > summary").first.focus()
    page.keyboard.press("Enter")
    return inside.is_visible() and not seen_before


@pytest.fixture(scope="module")
def visit(chromium, address):
    """A function from a page and a view to what a browser meets there; each is loaded once."""

    @functools.cache
    def load(name, view):
        context = chromium.new_context(**VIEWS[view])
        page = context.new_page()
        requests, complaints = [], []
        page.on("request", lambda request: requests.append(request.url))
        listen(page, complaints)
        page.goto(f"{address}/{name}.html")
        found = SimpleNamespace(
            theme=page.evaluate("document.documentElement.dataset.theme"),
            formulas=page.evaluate(FORMULAS),
            too_wide=page.evaluate(TOO_WIDE),
            headings=page.evaluate(HEADINGS),
            opened=[box for box in BOXES if opens_by_enter(page, box)],
        )
        if view == "dark-phone":
            page.emulate_media(media="print")
            page.set_viewport_size({"width": 688, "height": 1000})
            found.wrong_on_paper = page.evaluate(ON_PAPER)
            page.emulate_media(media="screen")
            page.set_viewport_size(VIEWS[view]["viewport"])
        page.evaluate(OPEN_EVERYTHING)
        found.columns = page.evaluate(COLUMNS)
        found.drawings = page.evaluate(DRAWINGS)
        found.cut = page.evaluate(CUT)
        page.keyboard.press("Tab")
        found.without_ring = page.evaluate(WITHOUT_RING)
        wait_until(page, ALL_IN_REACH)
        found.elsewhere = [url for url in requests if not url.startswith((address, "data:"))]
        found.complaints = list(complaints)
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


@each_page
@each_view
def test_nothing_is_cut_off(visit, name, view):
    assert visit(name, view).cut == []


@each_page
@each_view
def test_whatever_takes_the_focus_by_keyboard_has_a_ring(visit, name, view):
    assert visit(name, view).without_ring == []


@each_document
def test_no_text_in_a_figure_is_below_9_pixels_on_a_phone(visit, site, name):
    small = []
    for source, width in visit(name, "dark-phone").drawings:
        drawing = (site / name).parent.joinpath(source).read_text(encoding="utf-8")
        scale = width / float(re.search(r'viewBox="0 0 ([\d.]+)', drawing)[1])
        # Matplotlib draws letters as paths, of a hundredth of their size.
        sizes = [100 * float(size) for size in re.findall(r"scale\(([\d.]+) -\1\)", drawing)]
        if sizes and scale * min(sizes) < 9:
            small.append(f"{source}: {scale * min(sizes):.1f} px")
    assert small == []


@each_document
def test_80_columns_of_code_fit_a_screen_of_1280_pixels(visit, name):
    assert visit(name, "light").columns >= 80


@each_document
def test_on_paper_code_is_whole_and_answers_are_open(visit, name):
    assert visit(name, "dark-phone").wrong_on_paper == []


@pytest.mark.parametrize(
    ("look", "fault"),
    [
        (WITHOUT_RING, '<a href="#" style="outline: none">a link</a>'),
        (CUT, '<div style="overflow: hidden; width: 99px"><img width="300" height="9"></div>'),
        (ON_PAPER, '<img width="9000" height="9">'),
        (ON_PAPER, "<details><summary>Answer</summary>So.</details>"),
        (f"!({ALL_IN_REACH})", '<pre style="overflow: auto; width: 9px">wide</pre>'),
        (f"({FORMULAS})().unrendered", '<span class="math">x^2</span>'),
        (f"{TOO_WIDE} > 0", '<img width="9000" height="9">'),
    ],
)
def test_a_fault_that_only_a_browser_sees_is_seen(tab, look, fault):
    tab.goto("data:text/html,<!DOCTYPE html><html data-theme=light>")
    tab.locator("body").evaluate("(e, html) => e.innerHTML = html", "<article></article>")
    article = tab.locator("article")
    article.evaluate("(e, html) => e.innerHTML = html", "<p>Nothing is wrong.</p>")
    tab.keyboard.press("Tab")
    assert not tab.evaluate(look)
    article.evaluate("(e, html) => e.innerHTML = html", fault)
    assert tab.evaluate(look)


def test_axe_sees_a_fault(tab):
    tab.goto("data:text/html,<!DOCTYPE html><html lang=en><title>t</title><main><h1>h</h1><img>")
    assert {v["id"] for v in Axe().run(tab, options=AXE).response["violations"]} == {"image-alt"}


@pytest.mark.parametrize(
    ("words", "target"),
    {
        "gradient": "reference/glossary.html#term-gradient",
        "vanishing gradient": "chapters/initialization-variance.html",
        "confidence interval": "chapters/uncertainties.html",
        "overfitting": "reference/glossary.html#term-overfitting",
        "saddle": "chapters/local-minima.html#",
    }.items(),
)
def test_search_leads_to_the_place_and_marks_the_words(tab, address, words, target):
    tab.goto(f"{address}/index.html")
    tab.keyboard.press("Control+KeyK")
    tab.keyboard.type(words)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search.html?q=*")
    link = tab.locator(f'#search-results a[href*="{target}"]').first
    link.wait_for()
    excerpts = tab.locator("#search-results .context").all_text_contents()
    assert not any(re.search(r"\\\(|Contents", text) for text in excerpts)
    link.click()
    tab.wait_for_url(f"**/{target}*")
    mark = tab.locator("article .highlighted").first
    mark.wait_for(state="attached")
    assert mark.text_content().lower() in words


def test_the_magnifier_stands_beside_what_is_searched_for(tab, address):
    tab.goto(f"{address}/search.html?q=gradient")
    icon, field = (tab.locator(f".bd-search-container .bd-search {e}") for e in ("i", "input"))
    padding = field.evaluate("e => parseFloat(getComputedStyle(e).paddingLeft)")
    edge = icon.bounding_box()["x"] + icon.bounding_box()["width"]
    assert edge < field.bounding_box()["x"] + padding


def test_buttons_have_names_and_the_color_mode_keeps_the_focus(tab, address):
    tab.goto(f"{address}/{DOCUMENTS[1]}.html", wait_until="networkidle")
    for name in ("Copy this code", "Color mode", "Fullscreen mode", "Toggle primary sidebar"):
        assert tab.get_by_role("button", name=name).count() >= 1
    tab.keyboard.press("Tab")
    tab.locator(".theme-switch-button").focus()
    themes = set()
    for _ in range(2):
        tab.keyboard.press("Enter")
        themes.add(tab.evaluate("document.documentElement.dataset.theme"))
        assert tab.evaluate("document.activeElement.matches('.theme-switch-button')")
    assert themes == {"light", "dark"}


@each_chapter
@each_view
def test_headings_grow_lighter_and_smaller_with_their_level(visit, name, view):
    looks = visit(name, view).headings
    assert looks == sorted(looks, reverse=True)
    assert len({size for _, size in looks}) == len(looks)


def test_the_first_stop_of_the_keyboard_skips_to_the_text(tab, address):
    tab.goto(f"{address}/reference/glossary.html")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to main content"
    tab.keyboard.press("Enter")
    tab.wait_for_url("**#main-content")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.querySelector('main').contains(document.activeElement)")


@each_chapter
@each_view
def test_a_solution_and_an_answer_open_by_the_enter_key(visit, name, view):
    assert visit(name, view).opened == list(BOXES)


@each_chapter
def test_without_scripts_a_chapter_shows_formulas_and_figures_and_opens_its_solutions(
    chromium, address, name
):
    context = chromium.new_context(java_script_enabled=False, **VIEWS["light"])
    page = context.new_page()
    page.goto(f"{address}/{name}.html")
    formulas, typeset = page.locator(".math"), page.locator(".math > mjx-container > mjx-math")
    assert formulas.count() == typeset.count() > 0
    assert page.locator("figure img").first.bounding_box()["height"] > 100
    inside = page.locator("details.solution").first.locator("p").first
    assert not inside.is_visible()
    page.locator("details.solution > summary").first.click()
    assert inside.is_visible()
    context.close()


PICTURED = {
    f"{scheme}, {width} px": {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    for scheme in ("light", "dark")
    for width in (390, 1400)
}


def _picture(browser, address, view):
    context = browser.new_context(reduced_motion="reduce", **view)
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    page.evaluate(OPEN_EVERYTHING)
    page.add_style_tag(content="* { content-visibility: visible !important; }")
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    context.close()
    return picture


@pytest.mark.deep
@pytest.mark.parametrize("view", PICTURED)
def test_the_one_style_sheet_shows_every_page_as_all_of_the_rules_do(chromium, site, whole, view):
    """The whole style sheets are those of a second build, in which no rule is left out."""

    def difference(name):
        pictures = (
            _picture(chromium, (folder / f"{name}.html").as_uri(), PICTURED[view])
            for folder in (site, whole)
        )
        return ImageChops.difference(*pictures).point(lambda shade: 255 * (shade > 40)).getbbox()

    # What differs once was drawn late: now and then the mark of a folded part.
    boxes = {name: difference(name) and difference(name) for name in PAGES}
    assert {name: box for name, box in boxes.items() if box} == {}


# Figures that can be touched

IN_ITS_FIGURE = """e => ({
  width: e.getBoundingClientRect().width,
  top: e.getBoundingClientRect().top - e.closest("figure").getBoundingClientRect().top,
})"""
# Axe reads all of a page to look at a part of it.
ALONE = """e => document.querySelectorAll("article section > *").forEach(other =>
  other.contains(e) || other.remove())"""
TOUCHED = sorted(LIVE["figures"])


@pytest.fixture(scope="module")
def page_of(site):
    """The page of each figure that can be touched."""
    places = {
        name: [page for page in DOCUMENTS if name in anchors(site / f"{page}.html")]
        for name in TOUCHED
    }
    assert all(len(pages) == 1 for pages in places.values()), places
    return {name: pages[0] for name, pages in places.items()}


@pytest.mark.parametrize("name", TOUCHED)
@each_view
def test_a_figure_comes_alive_when_asked_and_not_before(chromium, address, page_of, name, view):
    context = chromium.new_context(**VIEWS[view])
    page = context.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    listen(page, complaints)
    page.goto(f"{address}/{page_of[name]}.html")
    figure = page.locator(f"figure#{name}")
    figure.scroll_into_view_if_needed()
    assert not [url for url in asked if "/playground/" in url]
    picture, button = figure.locator("img"), figure.locator(".try button")
    before = picture.evaluate(IN_ITS_FIGURE)
    button.press("Enter")
    live = figure.locator(".live")
    live.locator(".live-told").filter(has_text=".").wait_for()
    drawn = live.locator("svg").first.evaluate(IN_ITS_FIGURE)
    assert not picture.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate(f"Boolean(document.activeElement.closest('#{name} .live'))")
    assert abs(drawn["width"] - before["width"]) < 2
    assert abs(drawn["top"] - before["top"]) < 2
    said = live.locator(".live-told").inner_text()
    handle = live.locator("input, .handle").first
    for _ in range(10):
        handle.press("ArrowRight")
        handle.press("ArrowUp")
    wait_until(page, f"document.querySelector('#{name} .live-told').innerText !== {said!r}")
    small = live.locator("button, select, input").evaluate_all(
        "all => all.filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
    )
    assert small == []
    figure.evaluate(ALONE)
    violations = Axe().run(page, f"figure#{name}", options=AXE).response["violations"]
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in violations] == []
    button.press("Enter")
    assert picture.is_visible() and not live.is_visible()
    assert complaints == []
    assert all(url.startswith((address, "data:")) for url in asked)
    context.close()


def test_the_playground_shows_what_its_address_says_and_keeps_what_is_chosen(tab, address):
    tab.goto(f"{address}/reference/playground.html?surface=beale&start=-1,2&lr=0.3&lr=moon")
    tab.locator(".live-told").filter(has_text="After").wait_for()
    assert "lr=moon" in tab.locator(".live-notice").inner_text()
    assert tab.locator("select").first.input_value() == "beale"
    tab.locator("select").nth(1).select_option("Newton")
    wait_until(tab, "location.search.includes('optimizer=Newton')")
    violations = Axe().run(tab, options=AXE).response["violations"]
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in violations] == []


# The whole book on paper


@pytest.fixture(scope="module")
def one_page(site):
    """All pages in one, as they are printed into a PDF."""
    return BeautifulSoup(assemble(site), "html.parser")


def test_on_paper_every_link_within_the_book_leads_to_one_place(one_page):
    ids = Counter(element["id"] for element in one_page.select("[id]"))
    assert [name for name, count in ids.items() if count > 1] == []
    within = [a["href"] for a in one_page.select("a[href]") if not urlsplit(a["href"]).scheme]
    assert [href for href in within if href.removeprefix("#") not in ids] == []


def test_on_paper_every_chapter_stands_with_its_pictures_and_its_solutions_at_the_end(
    one_page, site, read
):
    titles = [line.a.get_text() for line in one_page.select(".contents .page-line")]
    solutions = one_page.select(".solutions > h2")
    for name in CHAPTERS:
        page = read(name)
        title = page.h1.find(string=True, recursive=False)
        assert sum(entry.endswith(title) for entry in titles) == 2
        (end,) = [sheet for sheet in solutions if sheet.get_text().endswith(title)]
        assert len(end.parent.select("div.solution")) == len(page.select("details.solution"))
    assert not one_page.select("details:not([open]), .leaf:not(.solutions) .solution")
    pictures = [site / unquote(image["src"]) for image in one_page.select("img[src]")]
    assert pictures and all(path.is_file() for path in pictures)


@pytest.mark.deep
def test_the_printed_book_has_bookmarks_and_page_numbers_and_no_empty_page(
    chromium, site, tmp_path
):
    copy = shutil.copytree(site, tmp_path / "html")
    with ThreadPoolExecutor(1) as own_thread:  # of which each has one Playwright
        own_thread.submit(print_site, copy, tmp_path / "book.pdf").result()
    reader = PdfReader(tmp_path / "book.pdf")
    assert len(reader.outline) > len(CHAPTERS) / 2
    for number, page in enumerate(reader.pages, 1):
        lines = page.extract_text().split()
        assert lines[-1] == str(number)
        assert len(lines) > 1, f"page {number} is empty"


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
    empty_stale_cache(tmp_path)
    result = tmp_path / CACHE / "result"
    result.touch()
    empty_stale_cache(tmp_path)
    assert result.exists()
    (tmp_path / changed).write_text("after")
    empty_stale_cache(tmp_path)
    assert not result.exists()


def test_runs_that_begin_together_empty_the_cache_once(extension, tmp_path):
    cache = extension("honest_cache")
    (tmp_path / CACHE).mkdir(parents=True)
    with ThreadPoolExecutor(8) as runs:
        list(runs.map(cache.empty_stale_cache, [tmp_path] * 8))
    assert cache.get_cache(tmp_path / CACHE).list_cache_records() == []


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
    config = SimpleNamespace(html_theme_options={}, myst_substitutions={})
    links.set_links(SimpleNamespace(srcdir=tmp_path), config)
    assert config.html_theme_options.get("repository_url", "") == link
    assert (f"<{link}>" if link else links.NOWHERE) in config.myst_substitutions["repository"]


def test_in_continuous_integration_the_links_lead_to_the_repository_that_runs_it(
    extension, monkeypatch, tmp_path
):
    monkeypatch.setenv("GITHUB_REPOSITORY", "Some/course")
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    links = extension("repository_links")
    assert links.repository(tmp_path) == "https://github.com/Some/course"
    assert links.published_at() == "https://some.github.io/course/"
