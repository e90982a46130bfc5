"""Money that a channel had reported is gone again days later."""

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
    """The channel said SUCCESS on Monday, and on Thursday the bank takes its money back.

    The account had been empty, or its owner has objected to the debit. By then the loan is CLEAR and Ada has a
    certificate that says so. The channel changes the state of its trade and puts a line on Thursday's statement; a
    message it sends for payments, not for what happens to them later, and nobody reads a settled order twice. Read the
    statements for money that goes out again, ask for the order, and reopen the loan; tell the borrower before the
    bureau hears that she is overdue.
    """

    name: ClassVar[str] = "channel.payment_return"
    finding: ClassVar[str] = "missing_in_channel"
    precondition: ClassVar[str] = "A payment through a channel."
    symptom: ClassVar[Mapping[str, str]] = {
        "channel": "RETURNED, which is the truth; page and books still say paid",
        "statement": "a line on the day on which the money went out again",
        "alerts": "money on the books that its channel does not confirm",
    }
    heals: ClassVar[str] = "An order query, which brings the failure onto the books."
    action: ClassVar[str] = "Ask the channel by out_trade_no; take the receipt back as of the channel's day."

    after_days: int = setting(3, "How long after it was paid the money is taken back.", least=1, most=366)
    says: str = setting(
        SILENT,
        "Whether the channel sends a callback about it. If it does, the truth changes and nobody lies.",
        options=(SILENT, TOLD),
    )

    def trade_settled(self, event: TradeSettled) -> TradeSettled:
        """It fails later. What fails already does so once."""
        if event.fails_after_s is not None:
            return event
        return replace(event, fails_after_s=self.after_days * DAY_S, tells=self.says == TOLD)
