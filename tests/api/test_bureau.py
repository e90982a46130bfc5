"""The bureau and the partner lenders over HTTP."""

from __future__ import annotations

import pytest

from support.caller import Caller


def test_a_report_shows_what_is_published(api: Caller) -> None:
    loan = api.borrow()
    before = api.made(api.get(f"/bureau/borrowers/{loan['borrower_id']}/report"))

    api.wait("P2D")
    report = api.made(api.get(f"/bureau/borrowers/{loan['borrower_id']}/report"))

    assert (before["accounts"], before["version"]) == ([], 0)
    (account,) = report["accounts"]
    assert (account["loan_id"], account["class"], account["record_state"]) == (loan["id"], "NORMAL", "PUBLISHED")
    assert (len(account["months_24"].split()), len(account["months_60"].split())) == (24, 60)
    assert account["months_60"].endswith("/ / *")
    assert report["version"] == 1


def test_a_loan_s_records_and_the_day_s_file_can_be_read(api: Caller) -> None:
    loan = api.borrow()
    api.wait("P2D")

    records = api.made(api.get(f"/bureau/loans/{loan['id']}/records"))["records"]
    file = api.made(api.get("/bureau/submissions/2026-01-05"))

    assert [(record["state"], record["cause"], record["months"]) for record in records] == [
        ("PUBLISHED", "change", "*")
    ]
    assert (file["count"], file["lines"][0]["record"], file["next_cursor"]) == (1, records[0]["id"], None)


def test_a_score_can_be_asked_for_with_and_without_a_transaction(api: Caller) -> None:
    borrower_id = api.borrow()["borrower_id"]
    first = api.made(api.get(f"/bureau/borrowers/{borrower_id}/score", transaction_id="t-1"))
    api.wait("P33D")

    now = api.made(api.get(f"/bureau/borrowers/{borrower_id}/score"))
    again = api.made(api.get(f"/bureau/borrowers/{borrower_id}/score", transaction_id="t-1"))

    assert (first["score"], first["transaction_id"]) == ("N/A", "t-1")
    assert (now["score"], now["transaction_id"], again["score"]) == (700, None, 700)


def test_a_lender_decides_an_application_by_its_copy_of_the_report(api: Caller) -> None:
    borrower_id = api.borrow()["borrower_id"]
    api.wait("P33D")
    body = {"borrower_id": borrower_id, "product": "mortgage", "amount_minor": 100_000_000}

    application = api.made(api.post("/bureau/lenders/harbour-bank/applications", body))
    copy = api.made(api.get(f"/bureau/lenders/harbour-bank/copies/{borrower_id}"))

    assert (application["decision"], application["score"], application["reasons"]) == ("APPROVED", 700, [])
    assert (copy["score"], copy["pulled_at"], copy["report"]["version"]) == (
        700,
        application["report_pulled_at"],
        application["report_version"],
    )


def test_the_lenders_show_their_rules(api: Caller) -> None:
    lenders = api.made(api.get("/bureau/lenders"))["lenders"]

    assert [lender["id"] for lender in lenders] == ["harbour-bank", "meridian-auto", "swift-card"]
    assert lenders[0]["products"]["mortgage"]["score_min"] == 650


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/bureau/borrowers/nobody/report", 404, "borrower_unknown"),
        ("/bureau/borrowers/nobody/score", 404, "borrower_unknown"),
        ("/bureau/borrowers/nobody/score?transaction_id=t", 404, "borrower_unknown"),
        ("/bureau/borrowers/nobody/score?transaction_id=", 422, "validation_failed"),
        ("/bureau/loans/nothing/records", 404, "loan_unknown"),
        ("/bureau/submissions/2026-01-04", 404, "submission_unknown"),
        ("/bureau/submissions/yesterday", 404, "submission_unknown"),
        ("/bureau/submissions/2026-13-01", 404, "submission_unknown"),
        ("/bureau/lenders/nobody/copies/ada", 404, "lender_unknown"),
        ("/bureau/lenders/harbour-bank/copies/ada", 404, "copy_unknown"),
    ],
)
def test_an_unknown_loan_lender_or_borrower_is_refused(api: Caller, path: str, status: int, code: str) -> None:
    address, _, query = path.partition("?")

    api.problem(api.call("GET", address, query_string=query), status, code)


@pytest.mark.parametrize(
    ("partner", "change", "status", "code"),
    [
        ("nobody", {}, 404, "lender_unknown"),
        ("swift-card", {}, 422, "product_not_offered"),
        ("harbour-bank", {"borrower_id": "nobody"}, 404, "borrower_unknown"),
        ("harbour-bank", {"product": "boat"}, 422, "validation_failed"),
        ("harbour-bank", {"amount_minor": 0}, 422, "validation_failed"),
        ("harbour-bank", {"refresh": 1}, 422, "validation_failed"),
    ],
)
def test_an_application_that_cannot_be_made_is_refused(
    api: Caller, partner: str, change: dict[str, object], status: int, code: str
) -> None:
    body = {"borrower_id": api.borrower(), "product": "mortgage", "amount_minor": 100} | change

    api.problem(api.post(f"/bureau/lenders/{partner}/applications", body), status, code)
