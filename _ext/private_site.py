"""A site that talks to nobody: no page loads anything from another host.

MathJax comes from an installed package instead of a content delivery network; only the files that
pages with TeX can ask for are copied. Thebe, which the theme starts on every page though no page
uses it, is disconnected. The theme's files that no page asks for are left out.
"""

import importlib.util
import shutil
from pathlib import Path

MATHJAX = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts/woff-v2")
UNUSED = ("scripts/fontawesome.js*", "**/*.map", "**/*.ttf", "**/*-macros.html", "locales")


def disconnect_thebe(app, config):
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if listener.handler.__module__.startswith("sphinx_thebe"):
                app.disconnect(listener.id)
    app.registry.css_files[:] = [css for css in app.registry.css_files if "thebe" not in css[0]]


def copy_mathjax(app, error):
    if error or app.builder.format != "html":
        return
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(package.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in MATHJAX:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            shutil.copy(source / name, target / name)


def drop_unused_files(app, error):
    if error or app.builder.format != "html":
        return
    for pattern in UNUSED:
        for path in list((Path(app.outdir) / "_static").glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def setup(app):
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.connect("config-inited", disconnect_thebe)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", drop_unused_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
