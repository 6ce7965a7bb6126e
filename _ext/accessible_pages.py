"""Pages that a screen reader and a keyboard can use, that do not jump, and load what they use.

The theme and the extensions leave a few gaps, which axe and an HTML checker find. They are closed
in the finished pages, because none of the templates that make them can be set from outside.

Two kinds of script go. The icons are drawn by a font, so the script of half a megabyte that would
draw them again is left out. And the theme loads the search on every page, for a search as you type
that is not used here; Sphinx takes any page with a search for the page of results, and no longer
marks the words that a reader searched for.
"""

import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import imagesize
from bs4 import BeautifulSoup, NavigableString

ICON_SCRIPT = '[src*="scripts/fontawesome.js"], link[href*="scripts/fontawesome.js"]'
SEARCH_SCRIPTS = ", ".join(
    f'script[src*="{name}.js"]' for name in ("searchtools", "language_data", "searchindex")
)
PUNCTUATION = re.compile(r"[^\w\s]+")


def name_the_parts(page):
    """Give every part of the frame a role and a name, and hide what only decorates."""
    if logo := page.select_one(".sidebar-primary-item:has(> .navbar-brand)"):
        logo["role"], logo["aria-label"] = "region", "Home"
    for named in page.select("button.search-button-field[aria-label], summary[aria-label]"):
        del named["aria-label"]  # its own text is its name
    for icon in page.select('[class*="fa-"]'):
        if not icon.get_text(strip=True):
            icon["aria-hidden"] = "true"
    for header in page.select("thead th:not([scope])"):
        if header.get_text(strip=True):
            header["scope"] = "col"
        else:
            header.name = "td"
    for entry in page.select('[role="doc-biblioentry"]'):
        entry["role"] = "listitem"


def be_light_without_a_script(page):
    """The theme's script chooses between light and dark; its style sheets want one of them."""
    page.html["data-theme"] = "light"


def keep_punctuation_with_formulas(page):
    """A browser may break a line between a formula and its comma, unless one box holds both."""
    for formula in page.select("article span.math"):
        after = formula.next_sibling
        if isinstance(after, NavigableString) and (mark := PUNCTUATION.match(after)):
            box = formula.wrap(page.new_tag("span", attrs={"class": "unbroken"}))
            box.append(mark[0])
            after.replace_with(after[mark.end() :])


def drop_unused_scripts(page, name):
    for script in page.select(ICON_SCRIPT + (", " + SEARCH_SCRIPTS if name != "search" else "")):
        script.decompose()


def size_the_images(page, folder):
    """State the size of every image, so that the text below it does not move."""
    for image in page.select("img[src]:not([width])"):
        path = folder / image["src"]
        width, height = imagesize.get(path) if path.is_file() else (-1, -1)
        if width > 0:
            image["width"], image["height"] = round(width), round(height)


def finish(path):
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    name_the_parts(page)
    be_light_without_a_script(page)
    size_the_images(page, path.parent)
    keep_punctuation_with_formulas(page)
    drop_unused_scripts(page, path.stem)
    path.write_text(str(page), encoding="utf-8")


def finish_pages(app, error):
    """Finish every page, on all cores: it takes a second for a chapter."""
    if error or app.builder.format != "html":
        return
    with ProcessPoolExecutor() as pool:
        list(pool.map(finish, Path(app.outdir).rglob("*.html")))


def setup(app):
    app.connect("build-finished", finish_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
