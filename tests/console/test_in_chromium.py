"""The console in a real Chromium: the first lie by three clicks, keys, no violation of policy or accessibility."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from mocklend.language import Language
from mocklend.runtime import Platform
from mocklend_faults.engine.layer import FaultLayer
from support.databases import Databases
from support.served_console import CHROMIUM, WHY_NOT, ServedConsole, chromium, served

pytestmark = pytest.mark.long

SETTLED = {Language.EN: "Settled", Language.ZH: "已结清"}
UNPAID = {Language.EN: "Unpaid", Language.ZH: "未还清"}
WIDE, NARROW = 1280, 390
Theme = Literal["light", "dark"]
LANGUAGES = pytest.mark.parametrize("language", list(Language))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Without one these tests are skipped, but never in CI."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail(WHY_NOT)
        pytest.skip(WHY_NOT)
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def console(module_databases: Databases) -> Iterator[ServedConsole]:
    """A served console with the fault layer."""
    platform = Platform(module_databases(), FaultLayer(), fast=True)
    platform.ensure_default(1)
    with served(platform) as opened:
        yield opened
    platform.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A new window. Whatever it logs or whomever else it asks is a failure."""
    wrong: list[str] = []
    pages: list[Page] = []

    def opened(
        language: Language = Language.EN, *, theme: Theme = "light", width: int = WIDE, scripts: bool = True
    ) -> Page:
        page = browser.new_page(
            locale=language.tag,
            color_scheme=theme,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
        )
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: None if "://127.0.0.1" in asked.url else wrong.append(asked.url))
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert wrong == []


def first_lie(page: Page, url: str) -> None:
    """Three clicks from `/`."""
    page.goto(url)
    for _ in range(3):
        page.locator(".step.next button:not([disabled])").click()


@LANGUAGES
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_newcomer_sees_the_first_lie_after_three_clicks(
    console: ServedConsole, open_page: Callable[..., Page], language: Language, scripts: bool
) -> None:
    page = open_page(language, scripts=scripts)

    first_lie(page, console.url)

    expect(page.locator(".beside > div").nth(0).locator(".big")).to_have_text(SETTLED[language])
    expect(page.locator(".beside > div").nth(1).locator(".big")).to_have_text(UNPAID[language])
    expect(page.locator("tr.break")).to_have_count(1)


def test_the_first_lie_is_reached_by_keys_alone(console: ServedConsole, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(console.url)
    page.locator(".step.next button").focus()

    for step in range(3):
        page.keyboard.press("Enter")
        expect(page.locator(".step .done")).to_have_count(step + 1)
        expect(page.locator(".step.next button")).to_be_focused()

    expect(page.locator("tr.break")).to_have_count(1)
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.locator("h1")).to_have_text("Loans")


def test_keys_move_the_clock(console: ServedConsole, open_page: Callable[..., Page]) -> None:
    page = open_page()
    first_lie(page, console.url)

    page.keyboard.press("d")

    expect(page.locator(".bar .now b")).to_have_text("2026-01-06 10:01")
    expect(page.locator(".moved")).to_contain_text("fell due")


@LANGUAGES
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_page_is_accessible_and_fits(
    console: ServedConsole, open_page: Callable[..., Page], language: Language, theme: Theme, width: int
) -> None:
    page = open_page(language, theme=theme, width=width)
    first_lie(page, console.url)
    page.click(".foot a[href*='/loans/']")
    loan = page.url
    links = [link.get_attribute("href") for link in page.locator("nav.side li a").all()]
    found: list[str] = []
    for address in (loan, f"{loan}?open=page&all=1", f"{loan}/repay", *(f"{console.url}{link}" for link in links)):
        page.goto(address)
        results = Axe().run(page)
        found += [f"{address}: {results.generate_report()}"] if results.violations_count else []
        scrolls = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        found += [f"{address} scrolls sideways"] if scrolls else []

    assert not found, "\n".join(found)
