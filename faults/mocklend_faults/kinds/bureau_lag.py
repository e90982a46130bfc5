"""The credit report is behind the books for longer than it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.bureau_report import BureauReport
from mocklend_faults.engine.fault import Fault, setting

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class BureauLag(Fault):
    """The lender's file is sent, and the bureau takes its time.

    A field has the wrong length, so the file goes back; somebody mends it on Monday, and it waits in the queue behind
    the month-end files of everybody else. The loan has been clear for a week, the report still says in use, and what
    comes after waits behind it, since files are taken in order. Up to the bureau's normal lag this is no error and
    needs an explanation only. After it: escalate, and give the borrower a letter meanwhile.
    """

    name: ClassVar[str] = "bureau.lag"
    finding: ClassVar[str] = "wrong_bureau"
    precondition: ClassVar[str] = "An account is reported: its status has changed, or a month is over."
    symptom: ClassVar[Mapping[str, str]] = {
        "alerts": "a record that is late",
        "report": "the account as it was reported before, or none",
    }
    heals: ClassVar[str] = "Time: `lag_days` after the record should have been published."
    action: ClassVar[str] = "Within the normal lag explain it; after it escalate. Correct nothing: the file is right."

    lag_days: int = setting(7, "How long after its normal lag a record is published.", least=1, most=366)

    def bureau_report(self, event: BureauReport) -> BureauReport:
        """The record is published later. One that is not sent at all has no lag."""
        if not event.sent:
            return event
        return replace(event, lag_s=event.lag_s + self.lag_days * DAY_S)
