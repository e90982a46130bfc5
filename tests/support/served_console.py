"""A served console, and Debian's Chromium to open it, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.door import Door
from mocklend.runtime import Platform
from support.event_reader import doored

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WHY_NOT = "no Chromium: scripts/chromium installs it"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--force-color-profile=srgb")
"""It runs as root in CI, where its sandbox cannot."""


@dataclass(frozen=True)
class ServedConsole:
    """Where a platform's API and console answer, and the door in front of them."""

    platform: Platform
    url: str
    door: Door


@contextmanager
def served(platform: Platform, settings: Settings | None = None) -> Iterator[ServedConsole]:
    """Serve API and console on a port of loopback, as `mocklend serve` does."""
    settings = settings or Settings()
    app = create_app(settings, platform).wsgi_app
    with doored(app, settings.live_streams, on_loopback=settings.on_loopback) as (door, port):
        yield ServedConsole(platform, f"http://127.0.0.1:{port}", door)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
