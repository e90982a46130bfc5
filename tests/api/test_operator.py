import pytest

from support.caller import Caller

BY = {"memo": "a late fee", "operator": "wei"}


def test_an_operator_adds_a_fee_and_reverses_it(api: Caller) -> None:
    loan = api.borrow()
    edit = {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 500, **BY}

    added = api.post(f"/operator/loans/{loan['id']}/edits", edit)

    assert added.status_code == 201
    sandbox_added = added.get_json()
    assert (
        sandbox_added["state"],
        sandbox_added["before"]["outstanding_minor"],
        sandbox_added["after"]["outstanding_minor"],
    ) == (
        "APPLIED",
        100_000,
        100_500,
    )
    assert api.made(api.get(f"/v1/loans/{loan['id']}"))["outstanding_minor"] == 100_500
    reversed_ = api.made(api.post(f"/operator/edits/{sandbox_added['id']}/reverse", BY))
    assert reversed_["state"] == "REVERSED"
    assert api.made(api.get(f"/operator/loans/{loan['id']}/edits"))["edits"] == [reversed_]
    assert api.made(api.get(f"/v1/loans/{loan['id']}"))["outstanding_minor"] == 100_000
    api.problem(api.post(f"/operator/edits/{sandbox_added['id']}/reverse", BY), 409, "edit_already_reversed")


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"kind": "MODIFY_BILL_AMOUNT"}, "amount_minor"),
        ({"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 1, "status": "CLEAR"}, "status"),
        ({"kind": "MODIFY_BILL_STATUS"}, "status"),
        ({"kind": "MODIFY_BILL_STATUS", "status": "VALID", "amount_minor": 1}, "amount_minor"),
        ({"kind": "MODIFY_BILL_STATUS", "status": "PAID"}, "status"),
        ({"kind": "FORGIVE"}, "kind"),
        ({"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 10**15 + 1}, "amount_minor"),
    ],
)
def test_an_edit_has_what_its_kind_needs_and_no_more(api: Caller, edit: dict[str, object], field: str) -> None:
    loan = api.borrow()

    document = api.problem(api.post(f"/operator/loans/{loan['id']}/edits", edit | BY), 422, "validation_failed")

    assert document["errors"][0]["field"] == field


def test_a_waiver_above_what_is_owed_is_refused(api: Caller) -> None:
    loan = api.borrow()
    waiver = {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": -100_000, **BY}

    api.problem(api.post(f"/operator/loans/{loan['id']}/edits", waiver), 409, "waiver_too_large")


def test_a_status_edit_only_confirms_what_the_books_derive(api: Caller) -> None:
    loan = api.borrow()
    mark = {"kind": "MODIFY_BILL_STATUS", **BY}

    contradiction = api.post(f"/operator/loans/{loan['id']}/edits", mark | {"status": "OVERDUE"})
    confirmation = api.post(f"/operator/loans/{loan['id']}/edits", mark | {"status": "VALID"})

    assert api.problem(contradiction, 409, "override_contradicts_books")["expected"] == "VALID"
    assert confirmation.status_code == 201


def test_a_repayment_is_reversed_and_the_loan_is_open_again(api: Caller) -> None:
    loan = api.borrow()
    repayment = api.repay(loan["id"], api.quote(loan["id"])["total_minor"], type="CLEAR")
    api.wait(2)

    reversed_ = api.post(f"/operator/repayments/{repayment['id']}/reverse", BY)

    assert (reversed_.status_code, reversed_.get_json()["status"]) == (201, "REVERSED")
    assert api.made(api.get(f"/operator/loans/{loan['id']}"))["status"] == "USING"
    api.problem(api.post(f"/operator/repayments/{repayment['id']}/reverse", BY), 409, "repayment_not_applied")


def test_querying_the_channel_before_it_has_the_money_changes_nothing(api: Caller) -> None:
    repayment = api.repay(api.borrow()["id"], 1000)

    answer = api.post(f"/operator/repayments/{repayment['id']}/query", {"operator": "wei"})

    assert api.problem(answer, 409, "trade_not_paid")["received"] == "CREATED"


def test_querying_the_channel_for_a_posted_repayment_returns_the_repayment(api: Caller) -> None:
    repayment = api.repay(api.borrow()["id"], 1000)
    api.wait(2)

    answer = api.made(api.post(f"/operator/repayments/{repayment['id']}/query", {"operator": "wei"}))

    assert answer == api.made(api.get(f"/v1/repayments/{repayment['id']}"))


def test_the_operators_view_has_the_figures_of_the_books(api: Caller) -> None:
    loan = api.borrow()

    booked = api.made(api.get(f"/operator/loans/{loan['id']}"))

    sums = dict.fromkeys(
        ["unapplied_minor", "revoked_minor", "written_off_minor", "recovered_minor", "refunding_minor"], 0
    )
    assert booked == loan | {"status_override": None} | sums
