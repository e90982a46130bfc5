"""Ada pays exactly what she was quoted, and a fen is left."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """After twenty days she asks what would pay her loan off, pays that, and thinks no more of it."""
    loan = told.loan()
    told.client.advance("P20D")
    quote = told.note("quote", lambda: told.client.quote(loan))
    told.repaid(told.client.repay_quote(quote, "wallet"))
    told.client.advance("P40D")


def repair(told: Told) -> None:
    """What is left is below what anybody should collect: it is written off, with the quote as the reason."""
    [loan] = told.loans
    left = told.client.books(loan)["outstanding_minor"]
    [order] = told.client.repayments(loan)["repayments"]
    memo = f"left out by {order['quote_id']}"
    told.client.edit(loan, "MODIFY_REVOKE_AMOUNT", amount_minor=left, operator="olga", memo=memo)
