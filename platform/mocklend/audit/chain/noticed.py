"""What the platform's own monitoring has noticed of one loan and of the money that belongs to it."""

from __future__ import annotations

from mocklend.audit.chain.subject import Subject
from mocklend.monitoring.alerts import AlertDoc, alert_doc, alerts_of_loan
from mocklend.monitoring.seen import Scope
from mocklend.sandboxes.ids import callback_of, return_of


def noticed(subject: Subject) -> list[AlertDoc]:
    """The alerts about the loan, its orders, receipts, payouts and disputes."""
    moneys = [trade.repayment_id for trade in subject.trades]
    scope = Scope.of_loan(
        subject.loan.id,
        [trade.id for trade in subject.trades],
        [receipt.id for receipt in subject.receipts],
        [callback_of(id) for money in moneys for id in (money, return_of(money))],
    )
    return [alert_doc(alert) for alert in alerts_of_loan(subject.snapshot, subject.loan.id, scope)]
