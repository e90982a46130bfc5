"""Ada pays through her bank, types the loan's number, and nothing of it arrives."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """A bank transfer with the right reference."""
    loan = told.loan()
    payment = told.client.pay_at_channel("bank_transfer", 20_000, payer_name="Ada", payer_reference=loan)
    told.paid(payment)
    told.client.advance("P1D")


def repair(told: Told) -> None:
    """Match the receipt by her slip."""
    [receipt] = told.client.receipts(state="UNAPPLIED")["receipts"]
    told.client.match_receipt(receipt["id"], told.loans[0], operator="olga", memo="her bank slip")
