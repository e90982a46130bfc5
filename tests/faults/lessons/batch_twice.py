"""Ada's instalment is debited by two servers at once."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She borrows with auto-debit; her first due date passes."""
    run.loan(auto_debit=True)
    run.trades.append(("auto_debit", "none"))  # So that the channel's statements are read.
    run.client.advance("P32D")


def repair(run: StoryRun) -> None:
    """One of the two debits is taken back."""
    debits = run.client.repayments(run.loans[0])["repayments"]
    run.client.reverse_repayment(max(debit["id"] for debit in debits), operator="olga", memo="debited twice")
