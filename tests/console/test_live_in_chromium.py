"""The page Live in a real Chromium: its stream, what it does without one, and what rules did below the charts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Browser, Page, expect

from mocklend.runtime import NewSandbox
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.layer import FaultLayer
from mocklend_faults.engine.rules import Rule
from support.databases import Databases
from support.door_place import until
from support.served_console import (
    WIDE,
    ServedConsole,
    served_with_faults,
)
from support.story import MONDAY_MS, Story

pytestmark = pytest.mark.long

BEHIND = """() => {
    const live = document.getElementById("live"), seconds = document.getElementById("plot-requests").drawn.data[0];
    return Date.now() / 1000 - (Number(live.dataset.since) + seconds.at(-1) + 1);
}"""
"""How long ago the last second that is drawn was over, in seconds."""
DRAWN = "() => document.getElementById('plot-requests').drawn.data[0].length"
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def has_drawn(page: Page, seconds: int) -> bool:
    """Whether so many seconds are drawn."""
    return bool(page.evaluate(DRAWN) >= seconds)


@pytest.fixture(scope="module")
def console(module_databases: Databases) -> Iterator[ServedConsole]:
    """A served console with the fault layer."""
    with served_with_faults(module_databases()) as opened:
        yield opened


@pytest.fixture
def sandbox(console: ServedConsole) -> NewSandbox:
    """A sandbox of the test's own."""
    return console.platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)


@pytest.fixture
def page(chromium_browser: Browser) -> Iterator[Page]:
    """A window."""
    opened = chromium_browser.new_page(locale="en-US", viewport={"width": WIDE, "height": 900})
    yield opened
    opened.close()


def test_it_follows_a_stream_and_is_at_most_two_seconds_behind(
    page: Page, console: ServedConsole, sandbox: NewSandbox
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{console.url}/console/{sandbox.id}/live?window=all")

    for second in range(1, 5):
        for n in range(40):
            console.platform.live_series.count(sandbox.id, 200, 0.001 + n / 10_000)
        until(partial(has_drawn, page, second))
        assert page.evaluate(BEHIND) <= 2

    assert sum("/live/events" in url for url in asked) == 1
    assert not [url for url in asked if "/live/rows" in url]
    expect(page.locator("#behind")).to_have_text("")


def test_a_hidden_tab_holds_no_stream(page: Page, console: ServedConsole, sandbox: NewSandbox) -> None:
    page.goto(f"{console.url}/console/{sandbox.id}/live")
    until(lambda: len(console.door.streams) == 1)

    page.evaluate(HIDE, True)
    until(lambda: len(console.door.streams) == 0)
    page.evaluate(HIDE, False)

    until(lambda: len(console.door.streams) == 1)


def test_without_a_stream_it_asks_every_two_seconds_and_says_so(
    page: Page, console: ServedConsole, sandbox: NewSandbox
) -> None:
    most, console.door.streams.most = console.door.streams.most, 0
    page.clock.install()
    try:
        with page.expect_response("**/live/events*") as refused, page.expect_response("**/live/rows*"):
            page.goto(f"{console.url}/console/{sandbox.id}/live")
        assert refused.value.status == 503
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for n in range(1, 4):
            with page.expect_response("**/live/rows*"):
                page.clock.run_for(2_000)
            expect(page.locator("#behind")).to_contain_text("polling")
            assert sum("/live/rows" in url for url in asked) == n
        console.platform.live_series.count(sandbox.id, 200, 0.002)
    finally:
        console.door.streams.most = most
    with page.expect_response("**/live/events*") as followed:
        for _ in range(8):
            page.clock.run_for(2_000)
    assert followed.value.status == 200
    expect(page.locator("#behind")).to_have_text("", timeout=5_000)


def test_it_says_as_of_when_it_is_in_the_sandboxs_zone(page: Page, console: ServedConsole, sandbox: NewSandbox) -> None:
    most, console.door.streams.most = console.door.streams.most, 0
    try:
        page.goto(f"{console.url}/console/{sandbox.id}/live")
        expect(page.locator("#behind")).to_have_text(re.compile(r"as of \d\d:\d\d:\d\d, polling"), timeout=10_000)
        said = page.locator("#behind").inner_text()
        hours = page.evaluate(
            "() => new Intl.DateTimeFormat('en', {hour: '2-digit', hour12: false, timeZone: 'Asia/Shanghai'}).format()"
        )
        assert int(said[6:8]) in ((int(hours) - 1) % 24, int(hours) % 24)
    finally:
        console.door.streams.most = most


def test_a_broken_stream_is_replaced_by_questions_and_by_another_stream(
    page: Page, console: ServedConsole, sandbox: NewSandbox
) -> None:
    page.goto(f"{console.url}/console/{sandbox.id}/live")
    until(lambda: len(console.door.streams) == 1)

    with page.expect_response("**/live/rows*"):
        console.platform.reset_sandbox(sandbox.id)

    expect(page.locator("#behind")).to_contain_text("polling")
    page.click("#pause")
    expect(page.locator("#behind")).to_have_text("Paused.")
    page.click("#pause")
    until(lambda: len(console.door.streams) == 1)
    expect(page.locator("#behind")).to_have_text("")


def test_what_rules_did_is_renewed_and_leads_to_the_loans(
    page: Page, console: ServedConsole, sandbox: NewSandbox
) -> None:
    story = Story(console.platform, sandbox)
    layer = console.platform.layer
    assert isinstance(layer, FaultLayer)
    page.clock.install()
    page.goto(f"{console.url}/console/{sandbox.id}/live")
    expect(page.locator(".below")).to_contain_text("No rule is armed.")

    console.platform.run(PutRule(sandbox.id, Rule.from_json("lost", {"fault": "callback.dropped"}, layer.catalogue)))
    loan = story.borrow(50_000)
    story.order(loan, 1_000)
    story.wait(3_600)
    with page.expect_response("**/live/wrong"):
        page.clock.run_for(5_000)

    expect(page.locator("section[aria-labelledby=still-wrong] .title")).to_contain_text("1")
    expect(page.locator("section[aria-labelledby=by-rule] tbody tr")).to_contain_text("A callback is lost")
    page.click(f".below a[href$='/loans/{loan}']")
    expect(page.locator("tr.break")).to_contain_text("rule lost")
