"""A loan's opening balance contains an error of the system from which it was migrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.loan_opened import LoanOpened
from mocklend_faults.engine.fault import Fault, setting

MORE, LESS = "more", "less"


@dataclass(frozen=True, slots=True)
class LegacyResidue(Fault):
    """The old system is switched off on a Friday, and its balances become the opening balances of the new one.

    The old system had lost a day of interest on some loans and counted payments twice on others, and nobody corrected
    that before the migration. So Ada's loan begins with 7 cents less than she was lent, although she has paid nothing;
    when she pays what her contract says, she overpays. The opening entry balances and has a memo and a name, but
    neither a payment nor a decision supports it. Change nothing on the loan until that is clear, rebuild its history
    from the evidence, and reverse the unsupported entry.
    """

    name: ClassVar[str] = "migration.legacy_residue"
    title: ClassVar[str] = "A migrated balance is wrong"
    finding: ClassVar[str] = "unsupported"
    precondition: ClassVar[str] = "A loan is opened and paid out at once."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "another amount than the lent one, with nothing paid",
        "list": "the same",
        "instalments": "an instalment that differs from the contract",
        "books": "an opening entry without support",
        "console": "an edit by `migration`, without an action in the operator log",
    }
    heals: ClassVar[str] = "Reversing the edit."
    action: ClassVar[str] = "No payment and no decision supports the entry: reverse it, and post nothing else."

    residue_minor: int = setting(
        7, "The error of the opening balance, in minor units.", least=1, most=10**9, title="Error of the balance"
    )
    asks_for: str = setting(
        LESS, "Whether the opening balance is too high or too low.", options=(MORE, LESS), title="Too high or too low"
    )

    def loan_opened(self, event: LoanOpened) -> LoanOpened:
        """Change the opening balance, within the bounds that keep the loan open and its amounts valid."""
        off = self.residue_minor if self.asks_for == MORE else -self.residue_minor
        residue = event.residue_minor + off
        return replace(event, residue_minor=max(event.amount_minor_min, min(event.amount_minor_max, residue)))
