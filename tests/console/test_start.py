"""The page Start: the first lie in three clicks, in both languages, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mocklend.config import Settings
from mocklend.console.app import create_console
from mocklend.language import Language
from mocklend.runtime import Platform
from mocklend_faults.engine.layer import FaultLayer
from support.console import Browser, english_sentences, seen


@pytest.fixture
def viewer(open_platform: Callable[..., Platform]) -> Browser:
    """A newcomer, who opens `/`."""
    platform = open_platform(FaultLayer())
    platform.ensure_default(1)
    return Browser(create_console(platform, Settings()).test_client(), "default")


def click(browser: Browser, page: str, language: Language) -> str:
    """Click the one button that can be clicked next."""
    forms = re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', page, re.DOTALL)
    [(action, form)] = [
        (action, form)
        for action, form in forms
        if "/start/" in action and re.search(r"<button[^>]*>", form) and "disabled" not in form
    ]
    return browser.go(action, dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form)), language)


@pytest.mark.parametrize(
    ("language", "settled", "unpaid"), [(Language.EN, "Settled", "Unpaid"), (Language.ZH, "已结清", "未还清")]
)
def test_three_clicks_lead_to_the_first_lie(viewer: Browser, language: Language, settled: str, unpaid: str) -> None:
    page = viewer.get("/start", language)
    for _ in range(3):
        page = click(viewer, page, language)

    beside = page.partition('class="beside"')[2].partition("<table")[0]
    assert settled in beside.partition("off")[0]
    assert unpaid in beside.partition("off")[2]
    assert "view.refresh lag_s 0 → 3600" in page
    assert language is Language.EN or english_sentences(re.sub(r"<b>[^<]*</b>\s*<code>", "", page)) == []


def test_after_an_hour_the_page_catches_up(viewer: Browser) -> None:
    page = viewer.get("/start")
    for _ in range(3):
        page = click(viewer, page, Language.EN)
    [address] = re.findall(r'name="from" value="([^"]+/start\?loan=[^"]+)"><button class="strong" name="by"', page)

    page = viewer.go(re.sub(r"/start\?.*", "/clock", address), {"by": "PT1H", "from": address})

    assert "All views agree" not in seen(page)
    assert seen(page).count("Settled") >= 4
    assert "Unpaid" not in seen(page)
    assert "+1 hour" not in page
    assert re.search(r"/scenarios/settled-shown-unpaid\">See such a lie<", page)


def test_the_steps_are_taken_in_order(viewer: Browser) -> None:
    page = viewer.get("/start")

    assert page.count("disabled") == 2
