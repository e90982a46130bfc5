"""A served console, and Debian's Chromium to open it, driven by Playwright."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WHY_NOT = "no Chromium: scripts/chromium installs it"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--force-color-profile=srgb")
"""It runs as root in CI, where its sandbox cannot."""


@dataclass(frozen=True)
class ServedConsole:
    """Where a platform's API and console answer."""

    platform: Platform
    url: str


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing: a test says what went wrong."""


@contextmanager
def served(platform: Platform) -> Iterator[ServedConsole]:
    """Serve API and console on a port of loopback."""
    server = make_server("127.0.0.1", 0, create_app(Settings(), platform), threaded=True, request_handler=_Quiet)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield ServedConsole(platform, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
