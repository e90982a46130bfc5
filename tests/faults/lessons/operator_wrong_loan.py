"""Ada has two loans and pays one of them without a usable reference; the clerk takes the other line of her file."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """Money by bank transfer, matched by her slip, which names the loan."""
    meant, _ = told.loan(reference="bicycle"), told.loan(reference="piano")
    payment = told.client.pay_at_channel("bank_transfer", 20_000, payer_name="Ada", payer_reference="for my loan")
    told.paid(payment)
    told.client.advance("P1D")
    [receipt] = told.client.receipts(state="UNAPPLIED")["receipts"]
    told.client.match_receipt(receipt["id"], meant, operator="olaf", memo=f"her bank slip names {meant}")
    told.client.advance("PT1M")


def repair(told: Told) -> None:
    """Move it to the loan that the slip names."""
    [receipt] = told.client.receipts()["receipts"]
    told.client.move_receipt(receipt["id"], told.loans[0], operator="olga", memo=f"the slip names {told.loans[0]}")
