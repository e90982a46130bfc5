"""The lesson of docs/lesson-zh.md, clicked in a real Chromium: each step shows what the page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.databases import Databases
from support.served_console import (
    chromium,
    require_chromium,
    served_with_faults,
)

pytestmark = pytest.mark.long

LESSON = (Path(__file__).resolve().parents[2] / "docs" / "lesson-zh.md").read_text(encoding="utf-8")
CHAPTERS = (
    ("张三借款，十天后还清", ("已结清 0.00", "已付 1,004.50", "挂账 1,004.50", "未还清")),
    ("还款日过去", ("逾期 90.90", "批准")),
    ("记录扩散", ("逾期 183.25", "616", "拒绝")),
    ("张三提出异议，附上回单", ("已入账", "在途")),
    ("更正到达每一份副本", ("688", "批准")),
)
"""The chapters, and what the page says that one then sees."""


@pytest.fixture
def page(databases: Databases) -> Iterator[Page]:
    """A Chinese browser at `/`. Without Chromium the lesson is skipped, but never in CI."""
    require_chromium()
    with served_with_faults(databases()) as console, chromium() as browser:
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.goto(f"{console.url}/?lang=zh")
        yield opened


def in_the_lesson(*texts: str) -> None:
    """The page of the lesson says this, too."""
    missing = [text for text in texts if text not in LESSON]
    assert not missing


def test_the_lesson_is_as_its_page_says(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("看第一个谎言")
    for button in ("放款", "启用", "还款"):
        page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".beside > div").nth(0)).to_contain_text("已结清")
    expect(page.locator(".beside > div").nth(1)).to_contain_text("未还清")
    expect(page.locator("tr.break b")).to_have_text("借款页滞后")
    page.get_by_role("button", name="+1 小时").click()
    expect(page.locator(".moved")).to_contain_text("到期 1 件事：借款页赶上 1")
    expect(page.locator(".beside .off")).to_have_count(0)

    page.get_by_role("link", name="去看这种谎言").click()
    expect(page.locator("h1")).to_have_text("已结清，却仍显示未还款")
    page.get_by_role("button", name="开始演示").click()
    for number, (title, seen) in enumerate(CHAPTERS, 1):
        page.get_by_role("button", name="演示到本章结束").click()
        for text in seen:
            expect(page.locator(".believes")).to_contain_text(text)
        in_the_lesson(title, *seen)
        if number == 3:
            who_must_correct_what(page)
    expect(page.locator(".believes .mark.first_wrong, .believes .mark.passes_on")).to_have_count(0)


def who_must_correct_what(page: Page) -> None:
    """Open the loan, and go back to the story."""
    story = page.url
    page.get_by_role("link", name="借款").first.click()
    page.get_by_role("link", name="张三").click()
    expect(page.locator(".say")).to_have_text("1月15日已还清，53 天后借款页仍显示“逾期”。")
    expect(page.locator("tr.break")).to_contain_text("payment.reference")
    expect(page.locator("main")).to_contain_text("按金额、姓名、时间，结合借款人的凭证匹配。")
    expect(page.locator("main")).to_contain_text("一笔到账挂账已超过一天。")
    in_the_lesson("1月15日已还清，53 天后借款页仍显示", "payment.reference", "一笔到账挂账已超过一天")
    page.goto(story)
