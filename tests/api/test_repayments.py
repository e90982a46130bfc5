import pytest

from support.caller import Caller

pytestmark = pytest.mark.parametrize("app", ["flask", "hot"], indirect=True)


def test_a_repayment_is_ordered_first_and_on_the_books_after_the_channel_has_called_back(api: Caller) -> None:
    loan = api.borrow()
    total = api.quote(loan["id"])["total_minor"]

    ordered = api.post(
        f"/v1/loans/{loan['id']}/repayments", {"amount_minor": total, "channel": "wallet", "type": "CLEAR"}
    )

    assert ordered.status_code == 202
    repayment = ordered.get_json()
    assert (repayment["status"], repayment["applied_at"]) == ("PROCESSING", None)
    api.wait(2)
    stored = api.made(api.get(f"/v1/repayments/{repayment['id']}"))
    assert (stored["status"], stored["applied_minor"]) == ("S", total)
    assert stored["paid_at"] == "2026-01-05T02:00:02.000Z"
    assert api.made(api.get(f"/v1/loans/{loan['id']}"))["status"] == "CLEAR"


def test_a_repayment_has_the_amount_and_type_of_its_quote(api: Caller) -> None:
    loan = api.borrow()
    quote = api.quote(loan["id"])
    body = {"amount_minor": quote["total_minor"] - 1, "channel": "wallet", "type": "CLEAR", "quote_id": quote["id"]}

    document = api.problem(api.post(f"/v1/loans/{loan['id']}/repayments", body), 409, "quote_mismatch")

    assert document["expected"]["amount_minor"] == quote["total_minor"]


def test_a_loan_that_is_clear_takes_no_more_repayments(api: Caller) -> None:
    loan = api.borrow()
    api.repay(loan["id"], api.quote(loan["id"])["total_minor"], type="CLEAR")
    api.wait(2)

    late = api.post(
        f"/v1/loans/{loan['id']}/repayments", {"amount_minor": 1, "channel": "wallet", "type": "OVD_AND_CURRENT"}
    )

    assert api.problem(late, 409, "loan_not_active")["received"] == "CLEAR"


def test_an_unknown_channel_is_refused_with_the_known_ones(api: Caller) -> None:
    loan = api.borrow()

    refused = api.post(f"/v1/loans/{loan['id']}/repayments", {"amount_minor": 1, "channel": "cash", "type": "CLEAR"})

    assert "wallet" in api.problem(refused, 404, "channel_unknown")["expected"]


def test_a_loans_repayments_come_in_pages(api: Caller) -> None:
    loan = api.borrow()
    ids = sorted(api.repay(loan["id"], amount)["id"] for amount in (100, 200, 300))

    first = api.made(api.get(f"/v1/loans/{loan['id']}/repayments", limit=2))
    second = api.made(api.get(f"/v1/loans/{loan['id']}/repayments", limit=2, cursor=first["next_cursor"]))

    assert [repayment["id"] for repayment in first["repayments"] + second["repayments"]] == ids
    assert second["next_cursor"] is None
