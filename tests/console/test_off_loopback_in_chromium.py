"""A console that others can reach, in a real Chromium: signing in as teacher and as student, and what each then sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from mocklend.config import Settings
from mocklend.language import Language
from mocklend.runtime import NewSandbox
from support.accessibility import barriers
from support.databases import Databases
from support.door_place import until
from support.served_console import (
    NARROW,
    WIDE,
    ServedConsole,
    Theme,
    served_with_faults,
    windows,
)
from support.story import MONDAY_MS

pytestmark = pytest.mark.long

TOKEN = "the-teachers-token"
STORY = "settled-shown-unpaid"
PLAYS = {Language.EN: "Play the story", Language.ZH: "开始演示"}
TO_CHAPTERS_END = {Language.EN: "To the end of the chapter", Language.ZH: "演示到本章结束"}


@pytest.fixture(scope="module")
def console(module_databases: Databases) -> Iterator[ServedConsole]:
    """A served console with the fault layer, off loopback."""
    with served_with_faults(module_databases(), Settings(host="0.0.0.0", control_token=TOKEN)) as opened:
        yield opened


@pytest.fixture
def sandbox(console: ServedConsole) -> NewSandbox:
    """A sandbox of the test's own."""
    return console.platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)


@pytest.fixture
def open_page(chromium_browser: Browser) -> Iterator[Callable[..., Page]]:
    """A new window, whose errors are failures but for the refusal that a page itself is."""
    with windows(chromium_browser, refused="401") as opened:
        yield opened


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
