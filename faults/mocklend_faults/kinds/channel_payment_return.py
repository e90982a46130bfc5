"""A channel takes back, days later, money that it had reported as paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.trade_settled import TradeSettled
from mocklend_faults.engine.fault import Fault, setting

DAY_S = 86_400
SILENT, TOLD = "silent", "told"


@dataclass(frozen=True, slots=True)
class PaymentReturn(Fault):
    """The channel reported SUCCESS on Monday, and on Thursday the bank returns the payment.

    The account was empty, or its owner has objected to the debit. By then the loan is CLEAR and Ada has a settlement
    certificate. The channel changes the state of its trade and adds a row to Thursday's statement, but sends no
    callback about a payment return, and nobody queries a settled order again. Check the statements for returned
    payments, query the order, and reopen the loan; inform the borrower before she is reported as overdue.
    """

    name: ClassVar[str] = "channel.payment_return"
    title: ClassVar[str] = "Money is taken back"
    finding: ClassVar[str] = "missing_in_channel"
    precondition: ClassVar[str] = "A payment through a channel."
    symptom: ClassVar[Mapping[str, str]] = {
        "channel": "RETURNED, which is the truth; page and books still say paid",
        "statement": "a row on the day of the return",
        "alerts": "money on the books that its channel does not confirm",
    }
    heals: ClassVar[str] = "An order query, which posts the payment return."
    action: ClassVar[str] = "Query the channel by out_trade_no; reverse the receipt as of the channel's day."

    after_days: int = setting(
        3, "How many days after the payment the money is returned.", least=1, most=366, title="Returned after"
    )
    says: str = setting(
        SILENT,
        "Whether the channel sends a callback about the return. With a callback no view is wrong.",
        options=(SILENT, TOLD),
        title="Callback about the return",
    )

    def trade_settled(self, event: TradeSettled) -> TradeSettled:
        """Return the payment later, unless another fault returns it already."""
        if event.fails_after_s is not None:
            return event
        return replace(event, fails_after_s=self.after_days * DAY_S, tells=self.says == TOLD)
