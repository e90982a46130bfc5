"""A console that others can reach, in a real Chromium: signing in as teacher and as student, and what each then sees."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from mocklend.config import Settings
from mocklend.language import Language
from mocklend.runtime import NewSandbox, Platform
from mocklend_faults.engine.layer import FaultLayer
from support.accessibility import barriers
from support.databases import Databases
from support.event_reader import until
from support.served_console import CHROMIUM, WHY_NOT, ServedConsole, chromium, served
from support.story import MONDAY_MS

pytestmark = pytest.mark.long

TOKEN = "the-teachers-token"
STORY = "settled-shown-unpaid"
WIDE, NARROW = 1280, 390
Theme = Literal["light", "dark"]
PLAYS = {Language.EN: "Play the story", Language.ZH: "开始演示"}
TO_CHAPTERS_END = {Language.EN: "To the end of the chapter", Language.ZH: "演示到本章结束"}


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
    """A served console with the fault layer, off loopback."""
    platform = Platform(module_databases(), FaultLayer(), fast=True)
    platform.ensure_default(1)
    with served(platform, Settings(host="0.0.0.0", control_token=TOKEN)) as opened:
        yield opened
    platform.close()


@pytest.fixture
def sandbox(console: ServedConsole) -> NewSandbox:
    """A sandbox of the test's own."""
    return console.platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A new window, whose errors are failures but for the refusal that a page itself is."""
    wrong: list[str] = []
    pages: list[Page] = []

    def opened(language: Language = Language.EN, *, theme: Theme = "light", width: int = WIDE) -> Page:
        page = browser.new_page(locale=language.tag, color_scheme=theme, viewport={"width": width, "height": 900})
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda message: (
                wrong.append(message.text)
                if message.type in ("error", "warning") and "401" not in message.text
                else None
            ),
        )
        page.on("request", lambda asked: None if "://127.0.0.1" in asked.url else wrong.append(asked.url))
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert wrong == []


def sign_in(page: Page, url: str, secret: str) -> None:
    """Open a page, and sign in with a token or key."""
    page.goto(url)
    page.fill("#secret", secret)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_teacher_signs_in_and_plays_a_story(
    console: ServedConsole, open_page: Callable[..., Page], language: Language, theme: Theme, width: int
) -> None:
    page = open_page(language, theme=theme, width=width)
    page.goto(console.url)
    expect(page.locator("#secret")).to_be_visible()
    found = barriers(page)

    sign_in(page, console.url, "wrong")
    expect(page.locator("#refused")).to_be_visible()
    found += barriers(page)
    sign_in(page, console.url, TOKEN)
    page.goto(f"{console.url}/console/default/scenarios/{STORY}")
    found += barriers(page)
    page.get_by_role("button", name=PLAYS[language]).click()
    for _ in range(3):
        page.get_by_role("button", name=TO_CHAPTERS_END[language]).click()
    expect(page.locator(".believes .mark.first_wrong").first).to_be_visible()
    found += barriers(page)

    assert not found, "\n".join(found)


def test_a_students_live_page_has_a_stream_of_one_sandbox_and_no_truth(
    console: ServedConsole, sandbox: NewSandbox, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    sign_in(page, console.url, sandbox.api_key)
    expect(page.locator("h1")).to_have_text("Loans")
    open_before = len(console.door.streams)

    page.goto(f"{console.url}/console/{sandbox.id}/live")
    until(lambda: len(console.door.streams) == open_before + 1)
    console.platform.live_series.count(sandbox.id, 200, 0.002, stale=True)

    expect(page.locator("#figure-requests span")).to_have_text("of 1", timeout=5_000)
    assert page.locator("#plot-lies, #plot-stale, .below").count() == 0
    assert barriers(page) == []
    page.goto(f"{console.url}/console/default/live")
    expect(page.locator("main")).to_contain_text("another sandbox")


def test_who_has_signed_out_sees_nothing_more(
    console: ServedConsole, sandbox: NewSandbox, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    sign_in(page, console.url, TOKEN)
    page.goto(f"{console.url}/console/{sandbox.id}/live")

    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#secret")).to_be_visible()
    answer = page.goto(f"{console.url}/console/{sandbox.id}/live")

    assert answer is not None
    assert answer.status == 401
    expect(page.locator("#secret")).to_be_visible()
