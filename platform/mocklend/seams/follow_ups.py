"""What happens next because of an outcome: a wrong but well-formed command of the platform, as plain data.

        work.at(event) ── outcome ──▶ outcome.follow_ups() ──▶ the command of each, decided in the same commit

`mocklend.servicing.follow_ups` maps each to its command. The ids in it come from the event, so they are known before
and do not depend on when it happens. A seam with follow-ups is reached only if none of them would be refused.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A command that is run at once."""


@dataclass(frozen=True, slots=True)
class PostReceiptAgain(FollowUp):
    """A clerk posts by hand a receipt that is already on the books."""

    repayment_id: str
    receipt_id: str
    operator: str
    memo: str


@dataclass(frozen=True, slots=True)
class OverrideStatus(FollowUp):
    """A clerk sets the status of a loan to another one than the books derive."""

    loan_id: str
    edit_id: str
    status: str
    operator: str
    memo: str


@dataclass(frozen=True, slots=True)
class TakeCopyForPayment(FollowUp):
    """An inbox takes a copy of a callback, with another trade number, for another payment."""

    repayment_id: str
    receipt_id: str


@dataclass(frozen=True, slots=True)
class TakeOrderForClosed(FollowUp):
    """An inbox takes an event from before the payment for a newer one, and reverses the receipt."""

    repayment_id: str


@dataclass(frozen=True, slots=True)
class CarryResidueOver(FollowUp):
    """A migration posts a residue of the old system on the new books; a negative one lowers the bill."""

    loan_id: str
    edit_id: str
    residue_minor: int
