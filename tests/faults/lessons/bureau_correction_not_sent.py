"""Ada's lost payment comes onto the books by her dispute, and her report stays as it was."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """The callback is lost in both tellings, months are reported as overdue, the dispute is upheld and corrected."""
    client = run.client
    client.arm("callback.dropped", rule_id="lost-in-both-tellings")
    loan = run.loan()
    repayment = client.repay_quote(client.quote(loan), "wallet")
    run.repaid(repayment)
    client.disarm("lost-in-both-tellings")
    client.advance("P60D")
    trade = client.trade("wallet", repayment["out_trade_no"])
    evidence = {"kind": "transfer_record", "channel": "wallet", "channel_trade_no": trade["channel_trade_no"]}
    evidence |= {"amount_minor": trade["amount_minor"], "paid_at": trade["paid_at"]}
    dispute = client.open_dispute(loan, "settled_but_unpaid", [evidence])["id"]
    run.disputes.append(dispute)
    client.verify_dispute(dispute, operator="olga")
    client.decide_dispute(dispute, "UPHELD", operator="olga", memo="her slip", correct=True)
    client.advance("P3D")


def repair(run: StoryRun) -> None:
    """The correction is ordered again, and this time it is sent."""
    client = run.client
    client.decide_dispute(run.disputes[0], "UPHELD", operator="olga", memo="again", correct=True)
    client.advance("P3D")
