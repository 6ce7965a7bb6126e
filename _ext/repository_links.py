"""Links to the repository that this copy of the book was cloned from.

An address written into the configuration is wrong in every fork. So it is taken from the
variables of the continuous integration, or from the clone's own remote; without either the page
has no such links. A chapter that was downloaded needs the repository, so every page says where it
is, or that the site does not know.
"""

import os
import re
import subprocess
from pathlib import Path

REMOTE = re.compile(
    r"(?:(?:https|ssh)://)?(?:[^@/]+@)?(?P<host>github\.com|gitlab\.com|bitbucket\.org)[:/]"
    r"(?P<path>[^/?#]+/[^/?#]+?)(?:\.git)?/?"
)
NOWHERE = (
    "This copy of the site was built without an address of the repository; "
    "whoever gave it to you knows where it is."
)


def git(root, *arguments):
    """What git says about the repository at `root` itself, or nothing."""
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(root.parent)}
    try:
        run = subprocess.run(
            ["git", *arguments], cwd=root, env=environment, capture_output=True, text=True
        )
    except OSError:
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def repository(root):
    """The address of the repository, without any name or password, or nothing."""
    if name := os.environ.get("GITHUB_REPOSITORY"):
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"
    match = REMOTE.fullmatch(git(root, "remote", "get-url", "origin"))
    return f"https://{match['host']}/{match['path']}" if match else ""


def published_at():
    """Where GitHub's pages put the site that the continuous integration builds, or nothing."""
    owner, _, name = os.environ.get("GITHUB_REPOSITORY", "").partition("/")
    host = f"{owner.lower()}.github.io"
    return owner and f"https://{host}/" + ("" if name.lower() == host else f"{name}/")


def set_links(app, config):
    root = Path(app.srcdir)
    address = repository(root)
    where = f"The repository is at <{address}>." if address else NOWHERE
    config.myst_substitutions = config.myst_substitutions | {"repository": where}
    link = f'<a href="{address}">the repository</a>' if address else "the repository of the course"
    config.html_theme_options["extra_footer"] = (
        f"<p>The chapters are notebooks that run in {link}.</p>"
    )
    if address:
        branch = git(root, "rev-parse", "--abbrev-ref", "origin/HEAD").removeprefix("origin/")
        config.html_theme_options |= {
            "repository_url": address,
            "repository_branch": branch or "main",
            "use_repository_button": True,
            "use_source_button": True,
            "use_issues_button": True,
        }
    if site := published_at():
        config.html_baseurl = config.ogp_site_url = site
        app.setup_extension("sphinx_sitemap")
        config.sitemap_url_scheme = "{link}"
        config.sitemap_excludes = ["search.html"]


def setup(app):
    app.connect("config-inited", set_links, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
