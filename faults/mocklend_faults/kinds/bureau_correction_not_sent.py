"""The books are put right, and the credit bureau never hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.bureau_report import BureauReport
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class CorrectionNotSent(Fault):
    """The repair stops at the books.

    The dispute is upheld, the payment is on the loan, the page is right, and the letter to the borrower says that the
    bureau was informed. The task that should inform it was on a checklist that nobody has kept since the last
    reorganisation. The month stays `1` for two years, every lender sees it, and on our side the case is closed. A
    correction has to reach every copy: look at the report after its lag, and decide the correction again.
    """

    name: ClassVar[str] = "bureau.correction_not_sent"
    finding: ClassVar[str] = "wrong_bureau"
    precondition: ClassVar[str] = "A correction was decided for an account that has been reported."
    symptom: ClassVar[Mapping[str, str]] = {"report": "the months as they were, although they were corrected"}
    heals: ClassVar[str] = "Deciding the correction again."
    action: ClassVar[str] = "Look at the report after the bureau's lag; if it still says the old, order the correction."

    def bureau_report(self, event: BureauReport) -> BureauReport:
        """The correction is not sent; ordinary records are."""
        if event.cause != "correction":
            return event
        return replace(event, sent=False, lag_s=0)
