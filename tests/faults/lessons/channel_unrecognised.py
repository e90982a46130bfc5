"""Ada pays through her bank, types the loan's number, and nothing of it arrives."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """A bank transfer with the right reference."""
    loan = run.loan()
    payment = run.client.pay_at_channel("bank_transfer", 20_000, payer_name="Ada", payer_reference=loan)
    run.paid(payment)
    run.client.advance("P1D")


def repair(run: StoryRun) -> None:
    """Match the receipt by her slip."""
    [receipt] = run.client.receipts(state="UNAPPLIED")["receipts"]
    run.client.match_receipt(receipt["id"], run.loans[0], operator="olga", memo="her bank slip")
