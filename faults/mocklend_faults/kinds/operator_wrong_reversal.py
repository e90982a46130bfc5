"""An operator reverses the good repayment instead of the bad one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.repayment_reversal import RepaymentReversal
from mocklend_faults.engine.fault import Fault, setting

FIRST, LAST = "first", "last"


@dataclass(frozen=True, slots=True)
class WrongReversal(Fault):
    """A payment came twice, the desk is told to take the second one back, and takes the first.

    Both stand on the screen, one under the other, and the amounts look alike. The duplicate stays, the real payment is
    gone; since it was earlier, interest is worked out anew from its day on, later payments are split otherwise, and a
    penalty may appear. Reversing more does not help: take the wrong reversal back first, then reverse what was meant.
    """

    name: ClassVar[str] = "operator.wrong_reversal"
    finding: ClassVar[str] = "misapplied"
    precondition: ClassVar[str] = "A repayment is reversed, and the loan has another one that could be."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "another amount outstanding",
        "list": "the same",
        "instalments": "the same",
        "repayment": "the good one REVERSED, the bad one S",
        "books": "the good one unapplied, and what follows from its absence",
        "webhook": "`repayment.reversed` of the good one",
        "console": "a reversal of the good one, whose memo names the other",
    }
    heals: ClassVar[str] = "Taking the reversal back."
    action: ClassVar[str] = "Reinstate the good repayment, then reverse the one that was meant."

    line: str = setting(
        FIRST, "Which of the loan's other repayments is taken, in the order of their ids.", options=(FIRST, LAST)
    )

    def repayment_reversal(self, event: RepaymentReversal) -> RepaymentReversal:
        """Another line of the screen, where there is one."""
        others = [id for id in event.siblings if id != event.repayment_id]
        if not others:
            return event
        return replace(event, repayment_id=others[0] if self.line == FIRST else others[-1])
