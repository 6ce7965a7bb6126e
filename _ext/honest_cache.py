"""An execution cache that cannot publish a stale result.

jupyter-cache compares nothing but the cells of a notebook. With a helper changed, or another
version of a package installed, it would hand out the old numbers, and the build would succeed. So
the cache is emptied whenever anything behind the cells has changed; a hash kept inside the cache
tells.

Sphinx has the same weakness one level up: a page whose source is unchanged is not read again, so
its warnings are not repeated and a second run of a failed build succeeds. So every build reads
every page again, which is quick, since the cells come from the cache. It also begins with an empty
folder: what stands there afterwards is of this build, and of no earlier one.
"""

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

SETTINGS = ("requirements.txt", "constraints.txt", "pyproject.toml", "_config.yml")


def fingerprint(root):
    """A hash of all that can change a chapter's output beside the chapter itself."""
    helpers = importlib.util.find_spec("helpers")
    package = Path(helpers.origin).parent if helpers else root / "helpers"
    files = {name: root / name for name in SETTINGS}
    for path in package.rglob("*"):
        if "__pycache__" not in path.parts:
            files[f"helpers/{path.relative_to(package).as_posix()}"] = path
    digest = hashlib.sha256(sys.version.encode())
    for name in sorted(files):
        if files[name].is_file():
            digest.update(
                f"\n{name}\n".encode() + hashlib.sha256(files[name].read_bytes()).digest()
            )
    return digest.hexdigest()


def empty_stale_cache(app):
    """Remove the cache unless it was filled with the present code and settings."""
    cache = Path(app.config.nb_execution_cache_path or Path(app.outdir).parent / ".jupyter_cache")
    stamp = cache / "fingerprint.txt"
    now = fingerprint(Path(app.srcdir))
    if not stamp.is_file() or stamp.read_text() != now:
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir(parents=True)
        stamp.write_text(now)


def empty_output(app):
    for path in Path(app.outdir).glob("*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def read_every_page(app, env, added, changed, removed):
    return env.found_docs


def setup(app):
    app.connect("builder-inited", empty_stale_cache, priority=100)
    app.connect("builder-inited", empty_output, priority=100)
    app.connect("env-get-outdated", read_every_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
