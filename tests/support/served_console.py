"""A served console, and Debian's Chromium to open it, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.door import Door
from mocklend.language import Language
from mocklend.runtime import Platform
from support.event_reader import doored

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WHY_NOT = "no Chromium: scripts/chromium installs it"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--force-color-profile=srgb")
"""It runs as root in CI, where its sandbox cannot."""
WIDE, NARROW = 1280, 390
"""The widths of windows, in px: a desk, and a phone."""
Theme = Literal["light", "dark"]


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
def served_with_faults(database: str, settings: Settings | None = None) -> Iterator[ServedConsole]:
    """Serve a platform with the fault layer and the sandbox `default` on an empty database."""
    from mocklend_faults.engine.layer import FaultLayer

    platform = Platform(database, FaultLayer(), fast=True)
    platform.ensure_default(1)
    with served(platform, settings) as console:
        yield console
    platform.close()


def require_chromium() -> None:
    """Skip what needs Chromium where there is none, but never in CI."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail(WHY_NOT)
        pytest.skip(WHY_NOT)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def windows(browser: Browser, *, refused: str | None = None) -> Iterator[Callable[..., Page]]:
    """What opens a new window. What one logs, or whom else it asks, is a failure in the end.

    Messages about a page that is itself a refusal with the HTTP status `refused` are none.
    """
    wrong: list[str] = []
    pages: list[Page] = []

    def note(kind: str, text: str) -> None:
        if kind in ("error", "warning") and (refused is None or refused not in text):
            wrong.append(text)

    def opened(
        language: Language = Language.EN, *, theme: Theme = "light", width: int = WIDE, scripts: bool = True
    ) -> Page:
        page = browser.new_page(
            locale=language.tag,
            color_scheme=theme,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
        )
        page.on("console", lambda message: note(message.type, message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: None if "://127.0.0.1" in asked.url else wrong.append(asked.url))
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert wrong == []
