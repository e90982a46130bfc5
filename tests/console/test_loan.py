"""The loan page: read once from one snapshot, with a timeline that has every event and opens to its request."""

from __future__ import annotations

import html
import re
from contextlib import AbstractContextManager

import pytest

from mocklend.app import create_app
from mocklend.audit.chain import traced
from mocklend.audit.chain.subject import Subject, subject_of
from mocklend.config import Settings
from mocklend.console import loans
from mocklend.runtime import Platform
from mocklend.scenarios.in_process import client_of
from mocklend.storage.snapshot import Snapshot
from support.console import Browser, seen
from support.story import Story


def test_the_page_audits_its_loan_once_and_is_of_one_moment(
    browser: Browser, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = story.borrow()
    audited: list[str] = []
    opened: list[str] = []
    snapshot = Platform.snapshot

    def audit_and_count(reader: Snapshot, id: str) -> Subject:
        audited.append(id)
        return subject_of(reader, id)

    def open_and_count(self: Platform, sandbox_id: str) -> AbstractContextManager[Snapshot]:
        opened.append(sandbox_id)
        return snapshot(self, sandbox_id)

    monkeypatch.setattr(traced, "subject_of", audit_and_count)
    monkeypatch.setattr(Platform, "snapshot", open_and_count)

    browser.get(f"/loans/{loan_id}")

    assert audited == [loan_id]
    assert opened == [story.sandbox_id]


def events_in(page: str) -> list[str]:
    """The events of a page of the timeline, as they stand on it."""
    return re.findall(r'<li class="[^"]*" id="([^"]+)"', page)


def test_the_newest_events_come_first_and_earlier_leads_to_all_others(browser: Browser, story: Story) -> None:
    loan_id = story.borrow()
    for _ in range(20):
        story.repay(loan_id, 100)
    client = client_of(create_app(Settings(), story.platform).wsgi_app, story.sandbox_id)
    doc = client.request(method="GET", path=f"/-/loans/{loan_id}/timeline?limit=500")

    address, pages = f"/loans/{loan_id}", []
    while address:
        page = browser.get(address)
        pages.append(events_in(page))
        earlier = re.search(r'href="([^"]*after=[^"]+)"[^>]*>Earlier<', page)
        address = html.unescape(earlier[1]) if earlier else ""

    assert [event for page in reversed(pages) for event in page] == [event["id"] for event in doc["events"]]
    assert {len(page) for page in pages[:-1]} == {50}
    assert len(pages) > 1
    assert [event["code"] for event in doc["events"]].count("repayment_ordered") == 20


def test_what_is_still_to_come_is_listed_as_such(browser: Browser, story: Story) -> None:
    loan_id = story.borrow()
    story.order(loan_id, 1_000)

    [due] = re.findall(r'<li class="\w+ due".*?</li>', browser.get(f"/loans/{loan_id}"), re.DOTALL)

    assert "will settle 10.00 still to come" in seen(f"<body>{due}")


def test_an_event_opens_to_the_request_and_the_answer_behind_it(platform: Platform, story: Story) -> None:
    app = create_app(Settings(), platform)
    loan_id = story.borrow()
    client = client_of(app.wsgi_app, story.sandbox_id)
    order = client.repay(loan_id, 1_234, "wallet", "OVD_AND_CURRENT")
    browser = Browser(app.test_client(), story.sandbox_id)

    page = browser.get(f"/loans/{loan_id}")
    [opens] = re.findall(rf'href="([^"]*event=repayment_ordered.{order["id"]}[^"]*)"', page)
    opened = browser.get(html.unescape(opens).partition("#")[0])

    assert f"POST /v1/loans/{loan_id}/repayments" in opened
    assert "&#34;amount_minor&#34;: 1234" in opened
    assert order["out_trade_no"] in opened.partition('class="asked"')[2].partition("</li>")[0]
    assert 'class="asked"' not in page


@pytest.mark.parametrize("sent", [b"[" * 20_000, b'["\\ud800"]', b"\xff\xfe", b'{"a": NaN}', b""])
def test_whatever_was_sent_is_shown_as_text(sent: bytes) -> None:
    shown = loans.as_text(sent)

    assert len(shown.encode()) <= loans.SHOWN_MAX + len("…".encode())
