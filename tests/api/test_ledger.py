from typing import Any

import pytest

from mocklend.client import Doc
from support.caller import Caller


def test_the_journal_shows_where_the_principal_went(api: Caller) -> None:
    loan = api.borrow()

    transactions = api.made(api.get("/v1/ledger/transactions", loan_id=loan["id"]))["transactions"]

    first = transactions[0]
    assert (first["seq"], first["loan_id"], first["effective_date"]) == (1, loan["id"], "2026-01-05")
    assert first["postings"] == [{"debit": "1101", "credit": "2001", "amount_minor": 100_000, "currency": "CNY"}]


def test_reading_page_by_page_reads_the_whole_journal_once(api: Caller) -> None:
    for n in range(3):
        loan = api.borrow(10_000, reference=f"loan {n}")
        api.repay(loan["id"], 500)
    api.wait(2)
    whole = api.made(api.get("/v1/ledger/transactions", limit=500))["transactions"]

    read: list[Any] = []
    following: dict[str, str] = {}
    while True:
        page = api.made(api.get("/v1/ledger/transactions", limit=2, **following))
        read += page["transactions"]
        if page["next_cursor"] is None:
            break
        following = {"cursor": page["next_cursor"]}

    assert read == whole
    assert len(whole) > 6


def pages(api: Caller, **query: object) -> list[Doc]:
    """Every transaction that a query finds, page by page."""
    listed: list[Doc] = []
    cursor: dict[str, object] = {}
    while True:
        page = api.made(api.get("/v1/ledger/transactions", limit=2, **query, **cursor))
        listed += page["transactions"]
        if page["next_cursor"] is None:
            return listed
        cursor = {"cursor": page["next_cursor"]}


def test_the_journal_is_listed_newest_first_and_by_account_kind_and_day(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    loans = [api.borrow(reference=f"loan-{n}")["id"] for n in range(2)]
    api.wait("P1D")
    for loan_id in loans:
        api.repay(loan_id, 9_500)
    api.wait("PT2S")
    everything = pages(api)
    monkeypatch.setattr("mocklend.ledger.listing.SCANNED_MAX", 3)

    newest = pages(api, order="newest")
    assert sorted(t["id"] for t in newest) == sorted(t["id"] for t in everything)
    assert [t["recorded_at"] for t in newest] == sorted((t["recorded_at"] for t in newest), reverse=True)
    for order in ("chain", "newest"):
        in_clearing = pages(api, account="1002:wallet", order=order)
        assert sorted(t["id"] for t in in_clearing) == sorted(
            t["id"] for t in everything if any("1002:wallet" in (leg["debit"], leg["credit"]) for leg in t["postings"])
        )
        assert {t["kind"] for t in pages(api, kind="disbursement_accepted", order=order)} == {"disbursement_accepted"}
    assert {t["recorded_at"][:10] for t in pages(api, day="2026-01-06")} == {"2026-01-06"}
    assert {t["loan_id"] for t in pages(api, day="2026-01-05")} == set(loans)
    assert pages(api, day="2026-01-07") == []
    assert pages(api, day="0001-01-01") == []
    assert pages(api, day="9999-12-31") == [], "the day after it is on no calendar"
    assert [t["loan_id"] for t in pages(api, loan_id=loans[0], order="newest")] == [loans[0]] * len(
        pages(api, loan_id=loans[0])
    )


@pytest.mark.parametrize("query", [{"account": "cash"}, {"order": "oldest"}, {"day": "today"}, {"cursor": "bm8"}])
def test_a_filter_of_the_journal_that_makes_no_sense_is_refused(api: Caller, query: dict[str, str]) -> None:
    api.problem(api.get("/v1/ledger/transactions", **({"order": "newest"} | query)), 422, "validation_failed")


def test_the_trial_balance_is_what_the_journal_moved_until_a_day(api: Caller) -> None:
    loan = api.borrow()
    api.wait("P1D")
    api.repay(loan["id"], 9_500)
    api.wait("PT2S")

    now, before = (api.made(api.get("/v1/ledger/balances", **query)) for query in ({}, {"as_of": "2026-01-05"}))
    moved: dict[str, int] = {}
    for transaction in pages(api):
        for leg in transaction["postings"]:
            moved[leg["debit"]] = moved.get(leg["debit"], 0) + leg["amount_minor"]
            moved[leg["credit"]] = moved.get(leg["credit"], 0) - leg["amount_minor"]

    assert now["balanced"] is before["balanced"] is True
    assert {balance["account"]: balance["balance_minor"] for balance in now["balances"]} == moved
    assert (now["as_of"], before["as_of"]) == (None, "2026-01-05")
    principal = {balance["account"]: balance for balance in before["balances"]}["1101"]
    assert principal == {
        "account": "1101", "name": "principal receivable", "currency": "CNY", "debit_minor": 100_000,
        "credit_minor": 0, "balance_minor": 100_000,
    }  # fmt: skip
