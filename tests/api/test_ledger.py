from typing import Any

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


def test_a_cursor_of_another_list_is_refused(api: Caller) -> None:
    for n in range(2):
        api.borrow(1000, reference=f"loan {n}")
    cursor = api.made(api.get("/v1/loans", limit=1))["next_cursor"]

    api.problem(api.get("/v1/ledger/transactions", cursor=cursor), 422, "validation_failed")
