"""The books are corrected, and the correction is not sent to the credit bureau."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.bureau_report import BureauReport
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class CorrectionNotSent(Fault):
    """The repair ends with the books.

    The dispute is upheld, the payment is on the loan, the page is right, and the letter to the borrower says that the
    bureau was informed. Informing it was a task on a checklist that nobody has used since the last reorganisation. The
    month stays `1` for two years, every lender sees it, and for the platform the case is closed. A correction has to
    reach every copy: check the report after the bureau's lag, and order the correction again.
    """

    name: ClassVar[str] = "bureau.correction_not_sent"
    title: ClassVar[str] = "A correction is not sent to the bureau"
    finding: ClassVar[str] = "wrong_bureau"
    precondition: ClassVar[str] = "A correction is decided for an account that was reported."
    symptom: ClassVar[Mapping[str, str]] = {"report": "the months before the correction"}
    heals: ClassVar[str] = "Deciding the correction again."
    action: ClassVar[str] = "Check the report after the bureau's lag; if it is not corrected, order the correction."

    def bureau_report(self, event: BureauReport) -> BureauReport:
        """Do not send a correction. Other records are sent."""
        if event.cause != "correction":
            return event
        return replace(event, sent=False, lag_s=0)
