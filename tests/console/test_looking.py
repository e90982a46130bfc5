"""Looking changes nothing: with every page open and asked again at each step, answer key and counters are the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.console.app import ENTRIES, create_console
from mocklend.language import Language
from mocklend.runtime import NewSandbox, Platform
from mocklend.scenarios.in_process import client_of
from mocklend_faults.engine.layer import FaultLayer
from support.console import Browser, seen
from support.faulty_story import RULES, told, what_is_left
from support.story import MONDAY_MS, SEED


@pytest.fixture
def faulty(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with the fault layer."""
    return open_platform(FaultLayer())


def sandbox_of(platform: Platform, id: str) -> NewSandbox:
    """A sandbox with the seed of all."""
    return platform.create_sandbox(seed=SEED, mode="manual", now_ms=MONDAY_MS, id=id)


def every_page(browser: Browser, loan_id: str) -> list[str]:
    """The address of each page of the sidebar, and of the loan's."""
    entries = browser.client.application.extensions[ENTRIES]
    with browser.client.application.test_request_context():
        from flask import url_for

        listed = [url_for(entry.endpoint, sandbox=browser.sandbox_id) for entry in entries]
    return [
        *listed,
        f"/loans/{loan_id}",
        f"/loans/{loan_id}?all=1&open=page",
        f"/loans/{loan_id}/operator",
        f"/loans/{loan_id}/forms/repay",
    ]


def test_the_answer_key_is_the_same_with_every_page_open(faulty: Platform) -> None:
    app = create_app(Settings(), faulty).wsgi_app
    browser = Browser(create_console(faulty, Settings()).test_client(), "looked-at")
    for id in ("alone", "looked-at"):
        sandbox_of(faulty, id)
    looks = 0

    def look(loan_id: str) -> None:
        nonlocal looks
        for path in every_page(browser, loan_id):
            for language in Language:
                browser.get(path, language)
                looks += 1

    told(client_of(app, "alone"), lambda loan_id: None)
    told(client_of(app, "looked-at"), look)

    alone, looked_at = (what_is_left(faulty, client_of(app, id), id) for id in ("alone", "looked-at"))
    assert alone == looked_at
    assert alone[0], "something was injected"
    assert looks > 100


def test_during_a_full_outage_every_page_answers(faulty: Platform) -> None:
    app = create_app(Settings(), faulty).wsgi_app
    sandbox_of(faulty, "down")
    client = client_of(app, "down")
    borrower = client.add_borrower("ada", "Ada")
    loan_id = client.borrow(borrower["id"], 100_000, product_id="jiebei-like")["id"]
    client.put_rule("down", {"fault": "outage.full"})
    browser = Browser(create_console(faulty, Settings()).test_client(), "down")

    for path in every_page(browser, loan_id):
        page = browser.get(path)
        assert "A bug of Mocklend" not in seen(page), path

    row = browser.get(f"/loans/{loan_id}").partition("Status page<")[2].partition("</tr>")[0]
    assert "a client gets 503 unavailable" in seen(f"<body>{row}")
    assert "客户端得到 503 unavailable" in browser.get(f"/loans/{loan_id}", Language.ZH)


def test_a_student_sees_no_truth(faulty: Platform) -> None:
    app = create_app(Settings(), faulty).wsgi_app
    sandbox = sandbox_of(faulty, "exam")
    loans: list[str] = []
    told(client_of(app, "exam"), loans.append)
    with faulty.snapshot("exam") as snapshot:
        assert faulty.layer is not None
        secrets = {entry.injection for entry in faulty.layer.answer_key(snapshot)} | set(RULES)
        secrets |= {str(rule["fault"]) for rule in RULES.values()}
    settings = Settings(host="0.0.0.0", control_token="the-teachers-token")
    browser = Browser(create_console(faulty, settings).test_client(), "exam")
    browser.client.post("/console/sign-in", data={"secret": sandbox.api_key})
    assert browser.client.post("/console/exam/alerts", data={"from": ""}).status_code == 303

    for loan_id in loans:
        for path in every_page(browser, loan_id):
            answer = browser.client.get(f"/console/exam{path}" if not path.startswith("/console") else path)
            assert answer.status_code in (200, 401, 403), path
            found = {secret for secret in secrets if re.search(rf"\b{re.escape(secret)}\b", answer.text)}
            assert not found, f"{path} says {sorted(found)}"


def test_without_the_truth_the_loan_page_says_what_each_view_says(faulty: Platform) -> None:
    app = create_app(Settings(), faulty).wsgi_app
    sandbox_of(faulty, "guess")
    client = client_of(app, "guess")
    client.put_rule("slow-page", {"fault": "cache.bounded_stale", "with": {"lag_s": 3600}})
    loan_id = client.borrow(client.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")["id"]
    client.settle(client.repay_quote(client.quote(loan_id, "CLEAR"), "wallet"))
    browser = Browser(create_console(faulty, Settings()).test_client(), "guess")

    english = browser.get(f"/loans/{loan_id}?truth=hidden")
    chinese = browser.get(f"/loans/{loan_id}?truth=hidden", Language.ZH)

    rows = {row.partition("<")[0]: row for row in english.partition("said-title")[2].split('class="view">')[1:]}
    assert "World" not in rows
    assert "CLEAR" in rows["Books"]
    assert "USING" in rows["Status page"]
    assert "各视图所示" in chinese
    assert "slow-page" not in english
    assert "agrees" not in english
