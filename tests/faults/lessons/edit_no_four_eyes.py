"""A large fee is booked where a second person should have looked at it first."""

from support.paired_runs import StoryRun

SANDBOX = {"four_eyes_above_minor": 1_000}


def story(run: StoryRun) -> None:
    """An edit above the limit, with no approver named."""
    loan = run.loan()
    run.client.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=5_000, operator="olaf", memo="ticket 4711")
    run.client.advance("PT1M")


def repair(run: StoryRun) -> None:
    """Somebody else looks at it now."""
    [edit] = run.client.edits(run.loans[0])["edits"]
    run.client.approve_edit(edit["id"], approver="olga")
