"""Ada is late, operations set the status by hand, and she pays what is overdue."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """The mark is right when it is made: the books say OVD as well."""
    loan = run.loan()
    run.client.advance("P36D")
    run.client.edit(loan, "MODIFY_BILL_STATUS", status="OVERDUE", operator="olaf", memo="she is late, I rang her up")
    owed = run.client.quote(loan, type="OVD_AND_CURRENT")["total_minor"]
    run.repaid(run.client.repay(loan, owed, "wallet", type="OVD_AND_CURRENT"))


def repair(run: StoryRun) -> None:
    """The mark is older than the receipt: take it back."""
    [edit] = run.client.edits(run.loans[0])["edits"]
    run.client.reverse_edit(edit["id"], operator="olga", memo="paid since, the journal shows nothing overdue")
