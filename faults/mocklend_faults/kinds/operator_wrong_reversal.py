"""An operator reverses the right repayment instead of the wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.repayment_reversal import RepaymentReversal
from mocklend_faults.engine.fault import Fault, setting

FIRST, LAST = "first", "last"


@dataclass(frozen=True, slots=True)
class WrongReversal(Fault):
    """A payment was posted twice; an operator is asked to reverse the second one, and reverses the first.

    Both are on the screen, one below the other, with the same amount. The duplicate stays and the real payment is
    reversed. As that one was earlier, interest is computed anew from its day on, later payments are allocated
    differently, and a penalty may be added. A further reversal does not help: reinstate the repayment first, then
    reverse the duplicate.
    """

    name: ClassVar[str] = "operator.wrong_reversal"
    title: ClassVar[str] = "The wrong repayment is reversed"
    finding: ClassVar[str] = "misapplied"
    precondition: ClassVar[str] = "A repayment is reversed, and the loan has another one that could be reversed."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "another amount outstanding",
        "list": "the same",
        "instalments": "the same",
        "repayment": "the right one REVERSED, the wrong one S",
        "books": "the right one unapplied, and the interest and penalty that follow",
        "webhook": "`repayment.reversed` of the right one",
        "console": "a reversal of the right one, whose memo names the other",
    }
    heals: ClassVar[str] = "Reinstating the repayment."
    action: ClassVar[str] = "Reinstate the right repayment, then reverse the intended one."

    line: str = setting(
        FIRST,
        "Which of the loan's other repayments is reversed, in the order of ids.",
        options=(FIRST, LAST),
        title="Which other repayment",
    )

    def repayment_reversal(self, event: RepaymentReversal) -> RepaymentReversal:
        """Reverse another repayment of the loan, if there is one."""
        others = [id for id in event.siblings if id != event.repayment_id]
        if not others:
            return event
        return replace(event, repayment_id=others[0] if self.line == FIRST else others[-1])
