"""Ada pays exactly what she was quoted, and a fen is left."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """After twenty days she asks what would pay her loan off, pays that, and thinks no more of it."""
    loan = run.loan()
    run.client.advance("P20D")
    quote = run.client.quote(loan)
    run.note("quote", lambda: quote)
    run.repaid(run.client.repay_quote(quote, "wallet"))
    run.client.advance("P40D")


def repair(run: StoryRun) -> None:
    """What is left is below what anybody should collect: it is written off, with the quote as the reason."""
    [loan] = run.loans
    left = run.client.books(loan)["outstanding_minor"]
    [order] = run.client.repayments(loan)["repayments"]
    memo = f"left out by {order['quote_id']}"
    run.client.edit(loan, "MODIFY_REVOKE_AMOUNT", amount_minor=left, operator="olga", memo=memo)
