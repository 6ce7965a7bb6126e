"""Pages that a screen reader and a keyboard can use, that do not jump, and load little, and late.

The theme and the extensions leave a few gaps, which axe and an HTML checker find. They are closed
in the finished pages, because none of the templates that make them can be set from outside.

Two kinds of script go. The icons are drawn by a font, so the script of half a megabyte that would
draw them again is left out. And the theme loads the search on every page, for a search as you type
that is not used here; Sphinx takes any page with a search for the page of results, and no longer
marks the words that a reader searched for. The other scripts come after the text, which needs none
of them; but for the one that chooses between light and dark.
"""

import re
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import imagesize
from bs4 import BeautifulSoup, NavigableString
from live_figures import offer
from one_style_sheet import take_styles, words_of, write_sheet
from sphinx.errors import ExtensionError

ICON_SCRIPT = '[src*="scripts/fontawesome.js"], link[href*="scripts/fontawesome.js"]'
SEARCH_SCRIPTS = ", ".join(
    f'script[src*="{name}.js"]' for name in ("searchtools", "language_data", "searchindex")
)
THEME = (
    'getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")'
)
SCROLLING = re.compile(r'\["pre"(,"[^"]+")+\]\.join\(", "\)')
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


def be_light_or_dark_at_once(page):
    """Light without scripts; with them what the reader set, here or in the system.

    The theme's script says "auto" first and one of them later, which styles the page twice.
    """
    page.html["data-theme"] = "light"
    chooser = page.head.select_one("script[data-cfasync]")
    chooser.string = chooser.string.replace('getItem("theme") || "auto"', THEME)


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


def load_scripts_last(page):
    """Scripts below the text, in their order; no page has handlers in its tags."""
    for script in page.head.select("script:not([data-cfasync])"):
        page.body.append(script.extract())
    for early in page.select("link[rel=preload][as=script]"):
        early.decompose()
    for button in page.select("[onclick]"):
        del button["onclick"]  # keyboard.js does it


def size_the_images(page, folder):
    """State the size of every image, so that the text below it does not move."""
    for image in page.select("img[src]:not([width])"):
        path = folder / image["src"]
        width, height = imagesize.get(path) if path.is_file() else (-1, -1)
        if width > 0:
            image["width"], image["height"] = round(width), round(height)
    for number, image in enumerate(page.select("article img")):
        image["decoding"] = "async"
        if number:
            image["loading"] = "lazy"


def finish(site, path):
    """Finish a page, and return what the one style sheet wants to know of it."""
    name = path.relative_to(site).with_suffix("").as_posix()
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    name_the_parts(page)
    be_light_or_dark_at_once(page)
    size_the_images(page, path.parent)
    keep_punctuation_with_formulas(page)
    drop_unused_scripts(page, path.stem)
    load_scripts_last(page)
    offer(page, name)
    sheets, styles = take_styles(page, name)
    path.write_text(str(page), encoding="utf-8")
    return sheets, styles, words_of(page)


def look_for_nothing_wide(script):
    """Take out of the theme's script that it looks, at once, for what is wider than the screen.

    That makes the browser lay out all of a page; keyboard.js looks when the reader comes near.
    """
    text, count = SCROLLING.subn('"nothing"', script.read_text(encoding="utf-8"))
    if count != 1:
        raise ExtensionError("finished_pages: the theme's script is not the one that is known here")
    script.write_text(text, encoding="utf-8")


def finish_pages(app, error):
    """Finish every page, on all cores: it takes a second for a chapter."""
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(partial(finish, site), site.rglob("*.html")))
    sheets, styles, words = zip(*found, strict=True)
    look_for_nothing_wide(site / "_static" / "scripts" / "pydata-sphinx-theme.js")
    in_order = dict.fromkeys(sheet for each in sheets for sheet in each)
    write_sheet(site, list(in_order), set().union(*styles), set().union(*words))


def setup(app):
    app.connect("build-finished", finish_pages, priority=900)  # all pages and sheets are there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
