"""One style sheet instead of ten, with the rules that some page can use, and a font of its icons.

The theme brings rules for all that it could show; four in five fit nothing in this book. A rule
stays if every element, class and id that it names occurs in a page, or as a word in a script, which
may add it later.
"""

import functools
import hashlib
import logging
import posixpath
import re
from urllib.parse import urljoin, urlsplit

import tinycss2
from fontTools import subset

SHEET = "_static/downhill.css"
ICON_FONT = "_static/vendor/fontawesome/webfonts/fa-solid-900.woff2"
NESTING = ("media", "supports", "container")
logging.getLogger("fontTools").setLevel(logging.WARNING)
ADDRESS = re.compile(r"url\((?!['\"]?(?:data:|#))(['\"]?)(.+?)\1\)")
FUNCTION = re.compile(r"\[[^\]]*\]|::?[\w-]+(?:\([^()]*\)|(?![\w(-]))")


def words_of(page):
    """The elements, classes and ids of a page."""
    found = set()
    for element in page.find_all(True):
        found |= {element.name, element.get("id", ""), *element.get("class", ())}
    return found


def style_class(style):
    return "s" + hashlib.sha256(style.encode()).hexdigest()[:6]


def take_styles(page, name):
    """Give a page one style sheet, and classes for style attributes; return what they replace."""
    links = page.select("link[rel=stylesheet]")
    sheets = [urlsplit(urljoin(f"{name}.html", link["href"])).path for link in links]
    links[0]["href"] = "../" * name.count("/") + SHEET
    for link in links[1:]:
        link.decompose()
    styles = set()
    for element in page.select("[style]"):
        style = element.attrs.pop("style").strip().rstrip(";")
        styles.add(style)
        element["class"] = [*element.get("class", ()), style_class(style)]
    return sheets, styles


def can_match(selector, words):
    """Whether all elements, classes and ids of a selector are known; :is() and its kin may be."""
    inner = None
    while inner != selector:
        inner, selector = selector, FUNCTION.sub("", selector)
    return words.issuperset(re.findall(r"[A-Za-z_][\w-]*", selector.replace("\\", "")))


def pruned(rules, words):
    """The text of those rules that can match."""
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = functools.reduce(_split_at_comma, rule.prelude, [[]])
            texts = [tinycss2.serialize(tokens).strip() for tokens in selectors]
            if kept := [text for text in texts if can_match(text, words)]:
                yield ",".join(kept) + "{" + tinycss2.serialize(rule.content).strip() + "}\n"
        elif rule.at_keyword in NESTING:
            inner = "".join(pruned(tinycss2.parse_rule_list(rule.content, True, True), words))
            if inner:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{\n{inner}}}\n"
        elif rule.at_keyword != "charset":
            yield rule.serialize() + "\n"


def _split_at_comma(parts, token):
    if token.type == "literal" and token.value == ",":
        return [*parts, []]
    return [*parts[:-1], [*parts[-1], token]]


def rules_of(site, sheet):
    """The rules of a style sheet and of those that it imports, with addresses as from ours."""

    def readdress(match):
        path = urljoin(sheet, match[2])
        return f"url({posixpath.relpath(path, posixpath.dirname(SHEET))})"

    text = ADDRESS.sub(readdress, (site / sheet).read_text(encoding="utf-8"))
    for rule in tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True):
        if rule.type == "at-rule" and rule.at_keyword == "import":
            yield from rules_of(site, urljoin(sheet, rule.prelude[1].value))
        else:
            yield rule


def write_sheet(site, sheets, styles, words):
    """Write the one style sheet, and cut the font of the icons down to those that it names."""
    for script in site.rglob("*.js"):
        words |= set(re.findall(r"[\w-]+", script.read_text(encoding="utf-8")))
    text = '@charset "utf-8";\n'
    text += "".join("".join(pruned(rules_of(site, sheet), words)) for sheet in sheets)
    for style in sorted(styles):
        important = "".join(f"{part.strip()}!important;" for part in style.split(";"))
        text += f".{style_class(style)}{{{important}}}\n"
    (site / SHEET).write_text(text, encoding="utf-8")
    for sheet in sheets:
        (site / sheet).unlink()
    font = subset.load_font(site / ICON_FONT, subset.Options(flavor="woff2"))
    cutter = subset.Subsetter()
    cutter.populate(text=text)  # its icons are characters of the sheet
    cutter.subset(font)
    subset.save_font(font, site / ICON_FONT, subset.Options(flavor="woff2"))
