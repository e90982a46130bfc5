"""Money arrives without its reference, so it cannot be matched to a loan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.payment_reference import PaymentReference
from mocklend_faults.engine.fault import Fault, setting

BLANK, TRUNCATED, NAME_ONLY = "blank", "truncated", "name_only"
KEPT = 8
"""How many characters a truncating channel passes on: too few to identify a loan."""


@dataclass(frozen=True, slots=True)
class Unrecognised(Fault):
    """The borrower settles by bill pay or bank transfer, and the payment reference is lost on the way.

    The channel does not read the field of the other app, or the bank passes on eight characters of twenty. The
    borrower's slip shows the payment, and so does the channel's statement; the books have it too, as an unapplied
    receipt. The page says unpaid, penalty accrues, and the collections team calls. Match the receipt by amount, name
    and time with the borrower's evidence, effective on the day on which the channel was paid.
    """

    name: ClassVar[str] = "channel.unrecognised"
    title: ClassVar[str] = "A payment nobody recognises"
    finding: ClassVar[str] = "unidentified"
    precondition: ClassVar[str] = "A payment without an order, whose payer typed the loan's reference."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid",
        "list": "unpaid",
        "instalments": "unpaid",
        "books": "the money under 2102, on no loan",
        "receipts": "a receipt that is UNAPPLIED",
        "webhook": "no event of the payment",
    }
    heals: ClassVar[str] = "Matching the receipt to its loan."
    action: ClassVar[str] = "Match it by amount, name and time with the borrower's evidence."

    garble: str = setting(
        BLANK,
        "What arrives instead: nothing, the first characters, or the payer's name.",
        options=(BLANK, TRUNCATED, NAME_ONLY),
        title="What arrives as reference",
    )

    def payment_reference(self, event: PaymentReference) -> PaymentReference:
        """Replace the reference that names the loan."""
        arrives = {BLANK: "", TRUNCATED: event.typed_reference[:KEPT], NAME_ONLY: event.payer_name}
        return replace(event, reference=arrives[self.garble])
