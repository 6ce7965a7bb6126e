"""A picture for whoever shares a page: its title beside the first of its own figures.

Hosts that show a shared link want a bitmap, with an address that begins with https; the book knows
one when it is published. A page without a figure gets the figure of the landing page.
"""

import html
import io
import textwrap
from pathlib import Path

import matplotlib
import resvg_py
from docutils import nodes
from PIL import Image, ImageDraw, ImageFont

SIZE, TITLE, MARGIN = (1200, 630), 400, 40
INK, ACCENT = "#123a63", "#007a5c"
TAG = '<meta property="{}" content="{}" />\n'


def first_figure(doctree):
    """The name of the file that holds the first figure of a page, or None."""
    figures = doctree.findall(nodes.figure)
    images = (image for figure in figures for image in figure.findall(nodes.image))
    return next((Path(image["uri"]).name for image in images), None)


def announce(app, pagename, templatename, context, doctree):
    if doctree is None:
        return
    card = f"_images/card-{pagename.replace('/', '-')}.png"
    app.social_cards[card] = (first_figure(doctree), doctree.next_node(nodes.title).astext())
    tags = {
        "og:image": app.config.ogp_site_url.rstrip("/") + f"/{card}",
        "og:image:width": SIZE[0],
        "og:image:height": SIZE[1],
        "og:image:alt": f"{context['title']}: a figure from this page of {app.config.project}",
        "twitter:card": "summary_large_image",
    }
    context["metatags"] += "".join(TAG.format(k, html.escape(str(v))) for k, v in tags.items())


def draw(svg, title, project):
    """The card: the title on the left, the figure on the right."""
    card = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(card)
    fonts = Path(matplotlib.get_data_path(), "fonts", "ttf")
    bold, plain = (
        ImageFont.truetype(fonts / f"DejaVuSans{kind}.ttf", size)
        for kind, size in (("-Bold", 42), ("", 30))
    )
    pen.rectangle((0, 0, 16, SIZE[1]), fill=ACCENT)
    pen.text((MARGIN + 16, MARGIN), project, font=plain, fill=ACCENT)
    lines = "\n".join(textwrap.wrap(title, 14, break_long_words=False))
    pen.multiline_text((MARGIN + 16, 2.5 * MARGIN), lines, font=bold, fill=INK, spacing=12)
    if svg is None:
        return card
    picture = Image.open(
        io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_path=str(svg), width=1000, dpi=96)))
    )
    room = (SIZE[0] - TITLE - 2 * MARGIN, SIZE[1] - 2 * MARGIN)
    picture.thumbnail(room)
    corner = (SIZE[0] - MARGIN - room[0] // 2 - picture.width // 2, (SIZE[1] - picture.height) // 2)
    card.paste(picture, corner, picture.convert("RGBA"))
    return card


def draw_cards(app, error):
    if error or app.builder.format != "html":
        return
    images = Path(app.outdir) / "_images"
    default = next((figure for figure, _ in app.social_cards.values() if figure), None)
    for card, (figure, title) in app.social_cards.items():
        figure = figure or default
        drawn = draw(images / figure if figure else None, title, app.config.project)
        path = Path(app.outdir) / card
        path.parent.mkdir(exist_ok=True)
        drawn.quantize(128).save(path, optimize=True)


def start(app):
    app.social_cards = {}


def setup(app):
    app.connect("builder-inited", start)
    app.connect("html-page-context", announce)
    app.connect("build-finished", draw_cards)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
