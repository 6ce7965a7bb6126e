"""Pages that a screen reader and a keyboard can use, and that do not jump while they load.

The theme and the extensions leave a few gaps, which axe and an HTML checker find. They are closed
in the finished pages, because none of the templates that make them can be set from outside.
"""

from pathlib import Path

import imagesize
from bs4 import BeautifulSoup


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


def size_the_images(page, folder):
    """State the size of every image, so that the text below it does not move."""
    for image in page.select("img[src]:not([width])"):
        path = folder / image["src"]
        width, height = imagesize.get(path) if path.is_file() else (-1, -1)
        if width > 0:
            image["width"], image["height"] = round(width), round(height)


def finish_pages(app, error):
    if error or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        name_the_parts(page)
        size_the_images(page, path.parent)
        path.write_text(str(page), encoding="utf-8")


def setup(app):
    app.connect("build-finished", finish_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
