"""Ada has two loans and pays one of them without a usable reference; the clerk takes the other line of her file."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """Money by bank transfer, matched by her slip, which names the loan."""
    paid_loan, _ = run.loan(reference="bicycle"), run.loan(reference="piano")
    payment = run.client.pay_at_channel("bank_transfer", 20_000, payer_name="Ada", payer_reference="for my loan")
    run.paid(payment)
    run.client.advance("P1D")
    [receipt] = run.client.receipts(state="UNAPPLIED")["receipts"]
    run.client.match_receipt(receipt["id"], paid_loan, operator="olaf", memo=f"her bank slip names {paid_loan}")
    run.client.advance("PT1M")


def repair(run: StoryRun) -> None:
    """Move it to the loan that the slip names."""
    [receipt] = run.client.receipts()["receipts"]
    run.client.move_receipt(receipt["id"], run.loans[0], operator="olga", memo=f"the slip names {run.loans[0]}")
