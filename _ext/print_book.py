"""Print the whole book into one PDF; `make pdf` runs this on the pages that `make book` built.

The articles of all pages are put into one page, in the order of _toc.yml, and a Chromium prints it,
with bookmarks and page numbers. What is folded on the site is open on paper, but for solutions and
answers: they stand at the end. The table of contents needs page numbers, which are known when the
book has been printed; so it is printed twice.
"""

import io
import re
import sys
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import yaml
from browser import FLAGS, find_chromium
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

ROOT = Path(__file__).parents[1]
PDF = ROOT / "_build" / "downhill.pdf"
NOT_PRINTED = "script, button, .headerlink, details.hide, .sd-container-fluid"
ANSWERED = "details.solution, section[id$='--check-yourself'] details"
STYLE = """
.part { break-before: page; padding-top: 9cm; text-align: center; }
.part h1 { font-size: 2.6rem; }
.leaf { break-before: page; }
.leaf img { max-width: 13cm !important; max-height: 13cm !important; }
.leaf > h2, .leaf > section > h2 { font-size: 2.2rem; margin: 0 0 1.5rem; }
.contents p { display: flex; align-items: end; margin: 0 0 0.3rem; }
.contents p.part-line { font-weight: 600; margin-top: 0.9rem; }
.contents a { color: inherit !important; text-decoration: none; }
.contents i { flex: 1; border-bottom: 1px dotted; margin: 0 0.5rem 0.3rem; }
.solutions .solution, .solutions .answer { margin-left: 1rem; }
"""
PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">
<title>{title}</title>{head}<style>{style}</style></head>
<body><div class="bd-container__inner"><main class="bd-main"><div class="bd-content">
<div class="bd-article-container"><article class="bd-article">{body}</article></div>
</div></main></div></body></html>"""
FOOTER = """<div style="width: 100%; text-align: center; font: 8pt sans-serif; color: #444">
<span class="pageNumber"></span></div>"""
NUMBERS = """pages => document.querySelectorAll(".contents p").forEach(line => {
  line.querySelector("b").textContent = pages[line.querySelector("a").hash.slice(1)] + 1;
})"""


def key(name, anchor):
    """The id that an anchor of a page has in the one page, where no two are alike."""
    return "--".join(filter(None, (re.sub(r"\W", "-", name), anchor)))


def read(site, name):
    return BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


def article(page, name, names):
    """A page's article, as a section of the one page: headings a level lower, links within."""
    leaf = page.select_one("article.bd-article").extract()
    for unwanted in leaf.select(NOT_PRINTED):
        unwanted.decompose()
    for heading in leaf.select("h1, h2, h3, h4, h5"):
        heading.name = f"h{int(heading.name[1]) + 1}"
    for element in leaf.select("[id]"):
        element["id"] = key(name, element["id"])
    for image in leaf.select("img[src]"):
        image["src"] = urljoin(f"{name}.html", image["src"])
        image.attrs.pop("loading", None)
    for link in leaf.select("a[href]"):
        target = urlsplit(urljoin(f"{name}.html", link["href"]))
        page_name = target.path.removesuffix(".html")
        if not target.scheme and page_name in names:
            link["href"] = "#" + key(page_name, target.fragment)
    leaf.name, leaf["id"], leaf["class"] = "section", key(name, ""), ["leaf"]
    return leaf


def take_solutions(leaf):
    """Take the solutions and answers out of a chapter, each with a heading, and leave links."""
    new, taken = BeautifulSoup("", "html.parser").new_tag, []
    for number, box in enumerate(leaf.select(ANSWERED)):
        here, there = f"{leaf['id']}--to-{number}", f"{leaf['id']}--from-{number}"
        kind = "Solution" if "solution" in box.get("class", ()) else "Answer"
        question = box.find_previous("h4" if kind == "Solution" else "strong").get_text()
        link = new("p", attrs={"id": here})
        link.append(new("a", href=f"#{there}", string=f"{kind} at the end of the book"))
        heading = new("h3" if kind == "Solution" else "p", attrs={"id": there})
        heading.append(new("a", href=f"#{here}", string=question))
        box.replace_with(link)
        box.summary.decompose()
        box.name, box["class"] = "div", [kind.lower()]
        taken += [heading, box]
    for note in leaf.select("details"):
        note["open"] = ""
    return taken


def assemble(site):
    """The HTML of the one page, made of the pages of a site."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [(part["caption"], [c["file"] for c in part["chapters"]]) for part in toc["parts"]]
    names = [toc["root"], *(name for _, files in parts for name in files)]
    start, new = read(site, toc["root"]), BeautifulSoup("", "html.parser").new_tag
    head = start.select("link[rel=stylesheet]")
    body, lines, solutions = [article(start, toc["root"], names)], [], []

    def enter(target, text, kind):
        line = new("p", attrs={"class": kind})
        line.extend([new("a", href=f"#{target}", string=text), new("i"), new("b")])
        lines.append(line)

    def part(title):
        sheet = new("section", attrs={"class": "part", "id": key("part-" + title, "")})
        sheet.append(new("h1", string=title))
        enter(sheet["id"], title, "part-line")
        body.append(sheet)

    for caption, files in parts:
        part(caption)
        for name in files:
            leaf = article(read(site, name), name, names)
            title = leaf.h2.get_text()
            enter(leaf["id"], title, "page-line")
            body.append(leaf)
            if taken := take_solutions(leaf):
                sheet = new(
                    "section", attrs={"class": "leaf solutions", "id": f"{leaf['id']}--end"}
                )
                sheet.append(new("h2", string=title))
                sheet.extend(taken)
                solutions.append(sheet)
    part("Solutions and answers")
    for sheet in solutions:
        enter(sheet["id"], sheet.h2.get_text(), "page-line")
    contents = new("section", attrs={"class": "leaf contents", "id": "contents"})
    contents.extend([new("h2", string="Contents"), *lines])
    body.insert(1, contents)
    everything = "\n".join(map(str, body + solutions))
    title = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]
    return PAGE.format(title=title, head="".join(map(str, head)), style=STYLE, body=everything)


def print_pdf(tab):
    """The bytes of the PDF, and the page on which each thing that is linked to stands."""
    data = tab.pdf(
        prefer_css_page_size=True,
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOTER,
        outline=True,
        tagged=True,
    )
    reader = PdfReader(io.BytesIO(data))
    targets = reader.named_destinations.items()
    return data, {k.lstrip("/"): reader.get_destination_page_number(v) for k, v in targets}


def print_site(site, pdf):
    """Print the pages of a site into a PDF, and return how many sheets it has."""
    one_page = site / "print.html"
    one_page.write_text(assemble(site), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        tab = browser.new_page()
        tab.set_default_timeout(300_000)
        tab.goto(one_page.as_uri(), wait_until="load")
        _, pages = print_pdf(tab)
        tab.evaluate(NUMBERS, pages)
        data, _ = print_pdf(tab)
        browser.close()
    one_page.unlink()
    pdf.write_bytes(data)
    return len(PdfReader(pdf).pages)


def main():
    if find_chromium() is None:
        sys.exit("make pdf: needs Chromium or Chrome to print with, and found none; install one")
    sheets = print_site(ROOT / "_build" / "html", PDF)
    print(f"The book is in {PDF.relative_to(ROOT)}, {sheets} pages.")


if __name__ == "__main__":
    main()
