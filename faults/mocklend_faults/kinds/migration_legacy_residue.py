"""A loan's books begin with a residue that an old system has left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.loan_opened import LoanOpened
from mocklend_faults.engine.fault import Fault, setting

MORE, LESS = "more", "less"


@dataclass(frozen=True, slots=True)
class LegacyResidue(Fault):
    """The old system is switched off on a Friday, and by Monday its balances are the opening balances of the new one.

    The old one lost a day of interest here and counted a payment twice there, and nobody corrected it, since it was to
    go. So Ada's loan begins with 7 cents less than she was lent, although she has paid nothing; and when she pays what
    her contract says, she has paid more than was due. The entry balances, it has a memo and a name under it, and there
    is neither money nor a decision behind it. Leave the loan alone until that is clear, rebuild its history from the
    evidence, and reverse what has none.
    """

    name: ClassVar[str] = "migration.legacy_residue"
    finding: ClassVar[str] = "unsupported"
    precondition: ClassVar[str] = "A loan is opened and paid out at once."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "another amount than was lent, with nothing paid",
        "list": "the same",
        "instalments": "an instalment that differs from the contract",
        "books": "an opening entry with nothing behind it",
        "console": "an edit of `migration`, and no act of the desk that tells of it",
    }
    heals: ClassVar[str] = "Reversing the edit."
    action: ClassVar[str] = "No money and no decision is behind the entry: reverse it, and post nothing else."

    residue_minor: int = setting(7, "By how much the opening balance is off, in minor units.", least=1, most=10**9)
    asks_for: str = setting(LESS, "Whether the books then ask for more or for less.", options=(MORE, LESS))

    def loan_opened(self, event: LoanOpened) -> LoanOpened:
        """What was carried over. A loan is not paid off by it, nor grown beyond what the books can hold."""
        off = self.residue_minor if self.asks_for == MORE else -self.residue_minor
        residue = event.residue_minor + off
        return replace(event, residue_minor=max(event.amount_minor_min, min(event.amount_minor_max, residue)))
