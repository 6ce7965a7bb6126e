"""Where a Chromium is on this machine, and how to start it so that it asks no other host."""

import shutil

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def find_chromium():
    """The path of a Chromium or a Chrome, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)
