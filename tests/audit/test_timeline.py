"""A loan's timeline: what happened, who did it, what a lie made wrong; in pages, and read without a trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mocklend.audit.timeline.docs import SENTENCES, Code, Kind
from mocklend.client import Client, Doc, ProblemError
from mocklend.language import Language, is_translated


@pytest.fixture
def loan_id(mocklend: Client) -> str:
    """Ada pays her loan off by bill pay; the reference is lost, and the first due date passes."""
    mocklend.arm("channel.unrecognised", rule_id="lost-reference", select={"times": 1})
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")["id"]
    mocklend.advance("P10D")
    quote = mocklend.quote(loan)
    mocklend.pay_at_channel("bill_pay", quote["total_minor"], payer_name="Ada", payer_reference=loan, type="CLEAR")
    mocklend.advance("P22DT10M")
    mocklend.apply("harbour-bank", ada["id"], "mortgage", 50_000_000)
    return str(loan)


def timeline(client: Client, loan_id: str, query: str = "") -> Doc:
    """A page of a loan's timeline."""
    return client.request(method="GET", path=f"/-/loans/{loan_id}/timeline{query}")


def pages(client: Client, loan_id: str, query: str) -> Iterator[Doc]:
    """The events of all pages."""
    page = timeline(client, loan_id, query)
    yield from page["events"]
    while page["next_cursor"] is not None:
        page = timeline(client, loan_id, f"{query}&after={page['next_cursor']}")
        yield from page["events"]


def test_the_story_is_told_in_order_with_what_the_lie_made_wrong(mocklend: Client, loan_id: str) -> None:
    events = timeline(mocklend, loan_id)["events"]

    assert [(event["at"][:16], event["party"], event["code"], event["tone"]) for event in events] == [
        ("2026-01-05T02:00", "client", "borrowed", "true"),
        ("2026-01-05T02:00", "books", "posted", "true"),
        ("2026-01-05T02:00", "books", "posted", "true"),
        ("2026-01-06T16:00", "bureau", "report_published", "true"),
        ("2026-01-15T02:00", "client", "quoted", "true"),
        ("2026-01-15T02:00", "client", "paid_at_channel", "true"),
        ("2026-01-15T02:10", "channel", "trade_paid", "true"),
        ("2026-01-15T02:10", "channel", "callback_tried", "true"),
        ("2026-01-15T02:10", "lie", "injected", "lie"),
        ("2026-01-15T02:10", "books", "landed", "wrong"),
        ("2026-01-16T02:10", "monitoring", "alert_raised", "true"),
        ("2026-02-01T16:00", "bureau", "report_published", "wrong"),
        ("2026-02-05T16:00", "books", "end_of_day", "wrong"),
        ("2026-02-05T16:00", "page", "page_shown", "wrong"),
        ("2026-02-05T16:00", "bureau", "score_computed", "wrong"),
        ("2026-02-06T02:10", "lender", "decided", "wrong"),
    ]


def test_an_event_has_its_sentence_its_amount_its_postings_and_its_request(mocklend: Client, loan_id: str) -> None:
    by_code = {event["code"]: event for event in timeline(mocklend, loan_id)["events"]}
    requests = {request["id"]: request for request in mocklend.requests_made()["requests"]}

    paid, landed, passed = by_code["paid_at_channel"], by_code["landed"], by_code["end_of_day"]
    assert paid["text"] == f"Pays 1,004.50 through bill_pay and types {loan_id}"
    assert requests[paid["request_id"]]["path"] == "/channels/bill_pay/payments"
    assert requests[by_code["quoted"]["request_id"]]["at"] == paid["at"]
    assert (landed["amount_minor"], landed["request_id"]) == (100_450, None)
    assert landed["postings"] == [
        {
            "debit": "1002:bill_pay",
            "debit_name": "channel clearing",
            "credit": "2102",
            "credit_name": "unapplied receipts",
            "amount_minor": 100_450,
        }
    ]
    assert passed["params"]["accrued_minor"] == 1_395
    assert by_code["injected"]["injection"] == mocklend.answer_key()["entries"][0]["injection"]


def test_the_pages_have_every_event_once_in_either_order(mocklend: Client, loan_id: str) -> None:
    whole = timeline(mocklend, loan_id)["events"]

    assert list(pages(mocklend, loan_id, "?limit=5")) == whole
    assert list(pages(mocklend, loan_id, "?limit=3&order=newest")) == whole[::-1]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_kind_is_a_filter(mocklend: Client, loan_id: str, kind: str) -> None:
    whole = timeline(mocklend, loan_id)["events"]

    page = timeline(mocklend, loan_id, f"?kind={kind}")

    assert page["events"] == [event for event in whole if event["kind"] == kind]
    assert page["total"] == len(page["events"])


def test_what_is_due_is_said_to_be(mocklend: Client) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")["id"]
    mocklend.repay(loan, 9_500, "wallet", type="OVD_AND_CURRENT")

    [due] = [event for event in timeline(mocklend, loan)["events"] if event["due"]]

    assert (due["code"], due["text"]) == ("trade_due", "wallet will settle 95.00")


def test_reading_it_changes_neither_key_nor_counters(mocklend: Client, loan_id: str) -> None:
    before = (mocklend.answer_key(), mocklend.rules(), mocklend.requests_made()["requests"])

    timeline(mocklend, loan_id)

    assert (mocklend.answer_key(), mocklend.rules(), mocklend.requests_made()["requests"]) == before


def test_a_loan_a_kind_and_a_cursor_that_there_are_not_are_refused(mocklend: Client, loan_id: str) -> None:
    for path, code in (
        ("/-/loans/loan_x/timeline", "loan_unknown"),
        (f"/-/loans/{loan_id}/timeline?kind=rumours", "validation_failed"),
        (f"/-/loans/{loan_id}/timeline?after=abcd", "validation_failed"),
    ):
        with pytest.raises(ProblemError, match=code):
            mocklend.request(method="GET", path=path)


def test_every_code_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Code)


@pytest.mark.parametrize("code", list(Code))
def test_every_sentence_is_translated(code: Code) -> None:
    assert is_translated(Language.ZH, SENTENCES[code])


def test_each_attempt_to_tell_a_client_is_an_event_and_so_is_the_next_one(mocklend: Client) -> None:
    mocklend.add_webhook_endpoint("http://127.0.0.1:9/nobody", events=["loan.disbursed"])
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")["id"]
    mocklend.advance("PT1M")

    events = [each for each in timeline(mocklend, loan, "?kind=messages")["events"] if "webhook" in each["code"]]

    [message] = mocklend.all_webhooks(loan_id=loan)["webhooks"]
    assert [(each["code"], each["params"]["attempt"], each["due"]) for each in events] == [
        ("webhook_tried", 1, False), ("webhook_tried", 2, False), ("webhook_due", 3, True),
    ]  # fmt: skip
    assert [each["at"] for each in events] == [
        *(attempt["at"] for attempt in message["attempts"]), message["next_attempt_at"],
    ]  # fmt: skip
    assert events[0]["text"] == "loan.disbursed is sent, attempt 1: unreachable"
