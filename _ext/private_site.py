"""A site that talks to nobody: no page loads anything from another host.

Thebe, which the theme starts on every page though no page uses it, is disconnected. The theme's
files that no page asks for are left out.
"""

import shutil
from pathlib import Path

UNUSED = ("scripts/fontawesome.js*", "**/*.map", "**/*.ttf", "**/*-macros.html", "locales")


def disconnect_thebe(app, config):
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if listener.handler.__module__.startswith("sphinx_thebe"):
                app.disconnect(listener.id)
    app.registry.css_files[:] = [css for css in app.registry.css_files if "thebe" not in css[0]]


def drop_unused_files(app, error):
    if error or app.builder.format != "html":
        return
    for pattern in UNUSED:
        for path in list((Path(app.outdir) / "_static").glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def setup(app):
    app.connect("config-inited", disconnect_thebe)
    app.connect("build-finished", drop_unused_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
