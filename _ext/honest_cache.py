"""An execution cache that cannot publish a stale result.

jupyter-cache compares nothing but the cells of a notebook. With a helper changed, or another
version of a package installed, it would hand out the old numbers, and the build would succeed. So
the cache is emptied whenever anything behind the cells has changed; a hash kept inside the cache
tells.

Sphinx has the same weakness one level up: a page whose source is unchanged is not read again, so
its warnings are not repeated and a second run of a failed build succeeds. So every build reads
every page again, which is quick, since the cells come from the cache. It also begins with an empty
folder: what stands there afterwards is of this build, and of no earlier one.

What is not in the cache is executed into it before the first page is read, as many notebooks at a
time as there are cores, each on one thread: sharing a core costs torch more than it gains.
"""

import hashlib
import importlib.util
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from filelock import FileLock
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from sphinx.errors import ExtensionError
from sphinx.util import logging

logger = logging.getLogger(__name__)
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


def cache_folder(root):
    return Path(root) / "_build" / ".jupyter_cache"


def empty_stale_cache(root):
    """Remove the cache unless it was filled with the present code and settings.

    Of several runs that begin together in one folder the first does it, and the others wait.
    """
    cache = cache_folder(root)
    stamp = cache / "fingerprint.txt"
    now = fingerprint(Path(root))
    cache.parent.mkdir(exist_ok=True)
    with FileLock(cache.with_suffix(".lock")):
        if not stamp.is_file() or stamp.read_text() != now:
            shutil.rmtree(cache, ignore_errors=True)
            cache.mkdir(exist_ok=True)
            get_cache(cache).list_cache_records()  # its tables, before several processes want them
            stamp.write_text(now)


def keep(root, path, notebook, seconds):
    """Put an executed notebook into the cache."""
    bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
    cache = get_cache(cache_folder(root))
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def execute(root, timeout, job):
    """Execute a notebook in its folder and keep it; return what went wrong, if anything did."""
    path, notebook = job
    logger.info("%s: Executing notebook", path)
    run = single_nb_execution(notebook, cwd=str(path.parent), timeout=timeout, allow_errors=False)
    if run.err is None:
        keep(root, path, notebook, run.time)
    return run.exc_string if run.err else ""


def fill_cache(app, env, docnames):
    """Execute the notebooks that the cache does not hold, side by side."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cache, jobs = get_cache(cache_folder(app.srcdir)), {}
    for name in docnames:
        path = Path(env.doc2path(name))
        source = [path.read_text(encoding="utf-8")]
        app.emit("source-read", name, source)  # as the page will be read: the cache compares it
        reader = create_nb_reader(str(path), env.myst_config, env.mystnb_config, source[0])
        if reader:
            notebook = reader.read(source[0])
            try:
                cache.match_cache_notebook(notebook)
            except KeyError:
                jobs[path] = notebook
    # The longest first, so that no core waits for one at the end.
    jobs = dict(sorted(jobs.items(), key=lambda job: len(job[1].cells), reverse=True))
    run = partial(execute, app.srcdir, app.config.nb_execution_timeout)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = dict(zip(jobs, pool.map(run, jobs.items()), strict=True))
    failed = [path for path, problem in problems.items() if problem]
    for path in failed:
        logger.error("%s: %s", path, problems[path])
    if failed:
        raise ExtensionError("these notebooks failed: " + ", ".join(map(str, failed)))


def empty_output(app):
    for path in Path(app.outdir).glob("*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def read_every_page(app, env, added, changed, removed):
    return env.found_docs


def setup(app):
    app.connect("builder-inited", lambda app: empty_stale_cache(app.srcdir), priority=100)
    app.connect("builder-inited", empty_output, priority=100)
    app.connect("env-get-outdated", read_every_page)
    app.connect("env-before-read-docs", fill_cache)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
