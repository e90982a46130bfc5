"""The page Alerts: it runs no check by itself, keeps what the last run has seen, and says how old that is."""

from __future__ import annotations

import sys
from concurrent.futures import Future

import pytest

from mocklend.config import Settings
from mocklend.console.app import create_console
from mocklend.domain.statuses import ReceiptState
from mocklend.language import Language
from mocklend.runtime import Platform
from mocklend.sandboxes.jobs import CHECKS, BeginJob
from mocklend.storage.entities import Receipt
from support.console import Browser, english_sentences, seen
from support.plants import plant
from support.story import Story


def unapplied(story: Story) -> None:
    """Money without an owner, for more than a day."""
    receipt = Receipt(
        id="rct_x", state=ReceiptState.UNAPPLIED, loan_id=None, channel="wallet", out_trade_no="PYX",
        channel_trade_no="CHX", amount_minor=500, currency="CNY", scope="OVD_AND_CURRENT", payer_name="Ada",
        payer_reference="?", landed=1, paid_ms=story.now_ms, received_ms=story.now_ms, applied_ms=None,
    )  # fmt: skip
    plant(story, lambda work: work.put(receipt))
    story.wait(days=2)


def run(browser: Browser, language: Language = Language.EN) -> str:
    """The page after its button."""
    return browser.go("/alerts", {"from": f"/console/{browser.sandbox_id}/alerts"}, language)


@pytest.mark.parametrize("language", list(Language))
def test_before_the_first_run_the_page_says_what_it_would_show(browser: Browser, language: Language) -> None:
    page = browser.get("/alerts", language)

    assert {"en": "The checks have not run yet.", "zh": "检查还没有运行过。"}[language] in seen(page)
    assert '<button class="strong">' in page


def test_looking_runs_no_check(browser: Browser, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    unapplied(story)
    run(browser)
    checks = sys.modules["mocklend.monitoring.alerts"]  # The package has a function of that name.
    monkeypatch.setattr(checks, "SANDBOX_CHECKS", None)
    monkeypatch.setattr(checks, "loans_to_look_at", None)

    assert "A receipt has been unapplied for more than a day." in seen(browser.get("/alerts"))


def test_an_open_alert_has_check_amount_and_times(browser: Browser, story: Story) -> None:
    unapplied(story)

    page = run(browser)

    assert "A receipt has been unapplied for more than a day." in seen(page)
    assert "unapplied_beyond_matching_window" in page
    assert "CN¥5.00" in page
    assert "just now" in seen(page)
    assert "1 opened, 0 closed" in seen(page)


@pytest.mark.parametrize(
    ("seconds", "age"), [(60, "1 minute ago"), (7_200, "2 hours ago"), (86_400, "1 day ago"), (300_000, "3 days ago")]
)
def test_the_page_says_how_old_the_last_run_is(browser: Browser, story: Story, seconds: int, age: str) -> None:
    run(browser)
    story.wait(seconds)

    assert age in seen(browser.get("/alerts"))


def test_an_alert_about_a_loan_leads_to_it_and_is_closed_after_its_repair(browser: Browser, story: Story) -> None:
    loan_id = story.borrow()
    order = story.order(loan_id, 1_000)
    story.settle_silently(order)
    story.sleep(7_200)
    assert f"/loans/{loan_id}" in run(browser)

    story.query_channel(order)
    page = run(browser)

    assert "No alert is open." in seen(page)
    closed = browser.get("/alerts?state=closed")
    assert f"/loans/{loan_id}" in closed
    assert "Alerts" in seen(closed)


def test_filters_are_in_the_address_and_a_wrong_one_is_explained(browser: Browser, story: Story) -> None:
    unapplied(story)
    run(browser)

    assert "A receipt has been" in seen(browser.get("/alerts?check=unapplied_beyond_matching_window"))
    assert "No alert is open." in seen(browser.get("/alerts?check=paid_twice"))
    assert 'id="error-check"' in browser.get("/alerts?check=none")
    assert 'aria-describedby="error-loan_id"' in browser.get("/alerts?loan_id=no%20id")


@pytest.mark.parametrize("language", list(Language))
def test_while_a_run_is_under_way_the_page_says_how_far_it_is(
    browser: Browser, platform: Platform, monkeypatch: pytest.MonkeyPatch, language: Language
) -> None:
    monkeypatch.setattr(platform.jobs._pool, "submit", lambda *_: Future())
    monkeypatch.setattr("mocklend.console.alerts.WITHIN_S", 0)

    page = run(browser, language)

    assert {"en": "0 of 0 loans are looked at.", "zh": "已查看 0 / 0 笔借款。"}[language] in seen(page)
    assert '<div id="seen" data-refresh="1">' in page
    assert language is Language.EN or english_sentences(page) == []


@pytest.mark.parametrize("language", list(Language))
def test_a_run_that_failed_or_was_interrupted_says_so(
    browser: Browser, platform: Platform, monkeypatch: pytest.MonkeyPatch, language: Language
) -> None:
    monkeypatch.setattr("mocklend.monitoring.history.run_checks", lambda *_: 1 // 0)
    failed = run(browser, language)
    platform.run(BeginJob(browser.sandbox_id, CHECKS, "another process"))
    interrupted = browser.get("/alerts", language)

    assert {"en": "The last run failed.", "zh": "上次运行失败。"}[language] in seen(failed)
    assert {"en": "The last run was interrupted", "zh": "上次运行中断"}[language] in seen(interrupted)
    assert "data-refresh" not in failed + interrupted
    assert language is Language.EN or english_sentences(failed) == english_sentences(interrupted) == []


def test_the_sidebar_has_the_number_of_open_alerts(browser: Browser, story: Story) -> None:
    unapplied(story)
    run(browser)

    page = browser.get("/loans")

    assert '>Alerts<span class="figure">1</span>' in page


def test_without_monitoring_the_page_says_so(platform: Platform) -> None:
    sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=1_767_578_400_000, monitored=False)
    browser = Browser(create_console(platform, Settings()).test_client(), sandbox.id)

    assert "Monitoring is switched off" in seen(browser.get("/alerts"))


def test_the_chinese_page_has_no_english_sentence(browser: Browser, story: Story) -> None:
    unapplied(story)

    assert english_sentences(run(browser, Language.ZH)) == []
    assert english_sentences(browser.get("/alerts?state=closed", Language.ZH)) == []


@pytest.mark.parametrize(
    ("language", "says"),
    [
        (Language.EN, "CN¥5.00 through Wallet balance is unapplied; payer: Ada; reference: ?"),
        (Language.ZH, "经余额的 5.00 CNY 挂账；付款人：Ada；附言：?"),
    ],
)
def test_an_incident_has_its_count_its_times_and_its_alerts(
    browser: Browser, story: Story, language: Language, says: str
) -> None:
    unapplied(story)

    page = run(browser, language)

    assert says.replace("CN¥5.00", "5.00 CNY") in seen(page)
    assert '<h3 id="inc_unapplied_beyond_matching_window.wallet.1">' in page
    words = {"en": ("Open incidents", "First seen", "Last seen"), "zh": ("进行中的事故", "首次发现于", "最近发现于")}
    assert all(word in seen(page) for word in words[language])
    assert language is Language.EN or english_sentences(page) == []


@pytest.mark.parametrize("language", list(Language))
def test_alerts_are_listed_one_by_one_too(browser: Browser, story: Story, language: Language) -> None:
    unapplied(story)
    run(browser)

    page = browser.get("/alerts?by=alert", language)

    assert "unapplied_beyond_matching_window</code>" in page
    assert 'class="incident"' not in page
    assert language is Language.EN or english_sentences(page) == []


def test_a_student_sees_the_alerts_and_runs_the_checks(platform: Platform, story: Story) -> None:
    unapplied(story)
    client = create_console(platform, Settings(host="0.0.0.0", control_token="the-teachers-token")).test_client()
    client.post("/console/sign-in", data={"secret": story.sandbox.api_key})
    page = f"/console/{story.sandbox_id}/alerts"

    assert client.post(page, data={"from": page}).status_code == 303
    assert "A receipt has been unapplied for more than a day." in seen(client.get(page).text)
