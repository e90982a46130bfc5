"""Money arrives, and nobody can tell whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.payment_reference import PaymentReference
from mocklend_faults.engine.fault import Fault, setting

BLANK, TRUNCATED, NAME_ONLY = "blank", "truncated", "name_only"
KEPT = 8
"""How many characters a truncating channel passes on: too few to name a loan."""


@dataclass(frozen=True, slots=True)
class Unrecognised(Fault):
    """The borrower settles through bill-pay or a bank transfer, and the reference does not survive the journey.

    The other app has a field for it that our channel does not read, or its bank passes on eight characters of twenty.
    The slip in the borrower's hand shows the payment; the channel's bill has it; our books have it too, under
    unapplied receipts, where it helps nobody. The page says unpaid, penalty runs, and a collector phones. Match it by
    amount, name and time against the borrower's evidence, effective on the day on which the channel was paid.
    """

    name: ClassVar[str] = "channel.unrecognised"
    finding: ClassVar[str] = "unidentified"
    precondition: ClassVar[str] = "A payment without an order of ours, whose payer typed the loan's reference."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid",
        "list": "unpaid",
        "instalments": "unpaid",
        "books": "the money under 2102, on no loan",
        "receipts": "a receipt that is UNAPPLIED",
        "webhook": "no word of the payment",
    }
    heals: ClassVar[str] = "Matching the receipt to its loan."
    action: ClassVar[str] = "Match by amount, name and time against the borrower's evidence."

    garble: str = setting(
        BLANK,
        "What arrives instead: nothing, the first characters, or the payer's name.",
        options=(BLANK, TRUNCATED, NAME_ONLY),
    )

    def payment_reference(self, event: PaymentReference) -> PaymentReference:
        """The reference that names the loan is lost on the way."""
        arrives = {BLANK: "", TRUNCATED: event.typed_reference[:KEPT], NAME_ONLY: event.payer_name}
        return replace(event, reference=arrives[self.garble])
