"""The credit report lags behind the books for longer than the bureau's normal lag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.bureau_report import BureauReport
from mocklend_faults.engine.fault import Fault, setting

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class BureauLag(Fault):
    """The platform's file is submitted, and the bureau publishes it late.

    A field has the wrong length, so the bureau rejects the file; it is corrected on Monday, and queued behind the
    month-end files of other lenders. The loan has been CLEAR for a week and the report still says in use. Later records
    wait behind it, because files are processed in order. Within the bureau's normal lag this is not an error and only
    has to be explained. After it: escalate, and give the borrower a letter meanwhile.
    """

    name: ClassVar[str] = "bureau.lag"
    title: ClassVar[str] = "The credit report is late"
    finding: ClassVar[str] = "wrong_bureau"
    precondition: ClassVar[str] = "An account is reported, at a change of its status or a month's end."
    symptom: ClassVar[Mapping[str, str]] = {
        "alerts": "a record that is late",
        "report": "the account as it was reported before, or none",
    }
    heals: ClassVar[str] = "Time: `lag_days` after the record should have been published."
    action: ClassVar[str] = "Within the normal lag, explain it; then escalate. Correct nothing: the file is right."

    lag_days: int = setting(
        7, "How many days after its normal lag a record is published.", least=1, most=366, title="Additional lag"
    )

    def bureau_report(self, event: BureauReport) -> BureauReport:
        """Publish the record later. A record that is not sent has no lag."""
        if not event.sent:
            return event
        return replace(event, lag_s=event.lag_s + self.lag_days * DAY_S)
