from datetime import date

import pytest
from apiflask import APIFlask

from support.caller import Caller, Documented

BY = {"memo": "as agreed", "operator": "wei"}


@pytest.fixture
def strict(app: APIFlask, documented: Documented, stranger: Caller) -> Caller:
    """The key of a sandbox that asks for a second person above 10.00."""
    clock = {"mode": "manual", "now": "2026-01-05T10:00:00+08:00"}
    sandbox = stranger.made(stranger.post("/-/sandboxes", {"seed": 7, "clock": clock, "four_eyes_above_minor": 1000}))
    assert sandbox["four_eyes_above_minor"] == 1000
    return Caller(app, documented, sandbox["api_key"])


def test_a_fee_is_charged_with_a_due_date(api: Caller) -> None:
    loan = api.borrow()
    charge = {"kind": "fee", "amount_minor": 500, "due_date": "2026-02-05", **BY}

    answer = api.post(f"/operator/loans/{loan['id']}/charges", charge)

    assert answer.status_code == 201
    document = answer.get_json()
    assert (document["kind"], document["due_date"], document["state"]) == ("CHARGE_FEE", "2026-02-05", "APPLIED")
    assert api.made(api.get(f"/operator/edits/{document['id']}")) == document
    assert api.made(api.get(f"/v1/loans/{loan['id']}"))["outstanding_minor"] == 100_500
    late = api.post(f"/operator/loans/{loan['id']}/charges", charge | {"due_date": "2026-01-04"})
    assert date(2026, 1, 5).isoformat() in api.problem(late, 422, "date_out_of_range")["expected"]


def test_a_waiver_names_the_bucket_that_it_reduces(api: Caller) -> None:
    loan = api.borrow()
    api.made(
        api.post(
            f"/operator/loans/{loan['id']}/charges",
            {"kind": "penalty", "amount_minor": 500, "due_date": "2026-02-05", **BY},
        )
    )
    waiver = {"part": "penalty", "amount_minor": 200, **BY}

    answer = api.made(api.post(f"/operator/loans/{loan['id']}/waivers", waiver))

    assert (answer["kind"], answer["amount_minor"], answer["after"]["outstanding_minor"]) == (
        "WAIVE_PENALTY",
        -200,
        100_300,
    )
    refused = api.post(f"/operator/loans/{loan['id']}/waivers", waiver | {"part": "fee"})
    assert api.problem(refused, 409, "waiver_too_large")["expected"] == 0


def test_a_loan_is_written_off_and_recovered(api: Caller) -> None:
    loan = api.borrow()

    answer = api.made(api.post(f"/operator/loans/{loan['id']}/write-offs", BY))

    assert (answer["kind"], answer["amount_minor"], answer["after"]["status"]) == ("WRITE_OFF", 100_000, "OFF")
    booked = api.made(api.get(f"/operator/loans/{loan['id']}"))
    assert (booked["status"], booked["written_off_minor"], booked["recovered_minor"]) == ("OFF", 100_000, 0)
    api.repay(loan["id"], api.quote(loan["id"])["total_minor"], type="CLEAR")
    api.wait(2)
    booked = api.made(api.get(f"/operator/loans/{loan['id']}"))
    assert (booked["status"], booked["recovered_minor"]) == ("CLEAR", 100_000)


def test_an_overpaid_amount_is_refunded(api: Caller) -> None:
    loan = api.borrow()
    api.repay(loan["id"], api.quote(loan["id"])["total_minor"] + 700, type="CLEAR")
    api.wait(2)
    path = f"/operator/loans/{loan['id']}/refunds"
    refused = api.post(path, {"channel": "wallet", "amount_minor": 701, **BY})
    assert api.problem(refused, 409, "refund_too_large")["expected"] == 700
    api.problem(api.post(path, {"channel": "pigeon", **BY}), 404, "channel_unknown")

    answer = api.made(api.post(path, {"channel": "wallet", **BY}))

    assert (answer["kind"], answer["amount_minor"], answer["channel"]) == ("REFUND", 700, "wallet")
    [waiting] = [
        payout for payout in api.made(api.get(f"/operator/loans/{loan['id']}/payouts"))["payouts"]
        if payout["purpose"] == "refund"
    ]  # fmt: skip
    assert (waiting["state"], waiting["amount_minor"], waiting["paid_at"]) == ("ORDERED", 700, None)
    api.wait(2)
    paid = api.made(api.get(f"/operator/loans/{loan['id']}/payouts"))["payouts"][-1]
    assert (paid["id"], paid["state"]) == (waiting["id"], "PAID")
    api.problem(api.post(f"/operator/edits/{answer['id']}/reverse", BY), 409, "edit_not_reversible")


def test_a_large_edit_waits_for_a_second_operator(strict: Caller) -> None:
    loan = strict.borrow()
    edit = {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 1001, **BY}

    drafted = strict.post(f"/operator/loans/{loan['id']}/edits", edit)

    assert drafted.status_code == 202
    draft = drafted.get_json()
    assert (draft["state"], draft["after"]) == ("DRAFT", None)
    assert strict.made(strict.get("/operator/edits", state="DRAFT"))["edits"] == [draft]
    path = f"/operator/edits/{draft['id']}/approve"
    strict.problem(strict.post(path, {"approver": "wei"}), 409, "four_eyes")
    applied = strict.made(strict.post(path, {"approver": "li"}))
    assert (applied["state"], applied["approver"]) == ("APPLIED", "li")
    strict.problem(strict.post(path, {"approver": "li"}), 409, "edit_not_draft")
    assert strict.made(strict.get("/operator/edits", state="DRAFT"))["edits"] == []
    acts = strict.made(strict.get(f"/operator/loans/{loan['id']}/log"))["actions"]
    assert [act["action"] for act in acts] == ["edit.drafted", "edit.approved"]


def test_a_draft_is_rejected(strict: Caller) -> None:
    loan = strict.borrow()
    draft = strict.post(f"/operator/loans/{loan['id']}/write-offs", BY).get_json()

    rejected = strict.made(strict.post(f"/operator/edits/{draft['id']}/reject", {"memo": "not yet", "operator": "li"}))

    assert rejected["state"] == "REJECTED"
    strict.problem(strict.post(f"/operator/edits/{draft['id']}/reverse", BY), 409, "edit_not_applied")
    assert strict.made(strict.get(f"/v1/loans/{loan['id']}"))["status"] == "USING"


def test_the_list_of_edits_comes_in_pages(api: Caller) -> None:
    loan = api.borrow()
    for amount in (1, 2, 3):
        api.made(
            api.post(
                f"/operator/loans/{loan['id']}/edits", {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": amount, **BY}
            )
        )

    first = api.made(api.get("/operator/edits", limit=2))
    second = api.made(api.get("/operator/edits", limit=2, cursor=first["next_cursor"]))

    assert (len(first["edits"]), len(second["edits"]), second["next_cursor"]) == (2, 1, None)
    assert {edit["amount_minor"] for edit in [*first["edits"], *second["edits"]]} == {1, 2, 3}
