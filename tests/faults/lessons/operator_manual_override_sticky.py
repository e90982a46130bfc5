"""Ada is late, the desk says so by hand, and she pays what is overdue."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """The mark is right when it is made: the books say OVD as well."""
    loan = told.loan()
    told.client.advance("P36D")
    told.client.edit(loan, "MODIFY_BILL_STATUS", status="OVERDUE", operator="olaf", memo="she is late, I rang her up")
    owed = told.client.quote(loan, type="OVD_AND_CURRENT")["total_minor"]
    told.repaid(told.client.repay(loan, owed, "wallet", type="OVD_AND_CURRENT"))


def repair(told: Told) -> None:
    """The mark is older than the receipt: take it back."""
    [edit] = told.client.edits(told.loans[0])["edits"]
    told.client.reverse_edit(edit["id"], operator="olga", memo="paid since, the journal shows nothing overdue")
