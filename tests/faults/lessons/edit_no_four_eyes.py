"""A large fee is booked where a second person should have looked at it first."""

from support.paired_runs import Told

SANDBOX = {"four_eyes_above_minor": 1_000}


def story(told: Told) -> None:
    """An edit above the limit, with no approver named."""
    loan = told.loan()
    told.client.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=5_000, operator="olaf", memo="ticket 4711")
    told.client.advance("PT1M")


def repair(told: Told) -> None:
    """Somebody else looks at it now."""
    [edit] = told.client.edits(told.loans[0])["edits"]
    told.client.approve_edit(edit["id"], approver="olga")
