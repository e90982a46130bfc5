"""What somebody does next because of an outcome: a wrong but well-formed command of the platform, as plain data.

        work.at(event) ── outcome ──▶ outcome.follow_ups() ──▶ the command of each, decided in the same commit

`mocklend.servicing.follow_ups` says which command carries out which. Its ids are the event's, so they are known
before, and the same wherever and whenever it happens. A seam that has follow-ups is met only where none of them would
be refused.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A command that is submitted at once."""


@dataclass(frozen=True, slots=True)
class PostReceiptAgain(FollowUp):
    """A clerk posts a receipt that the books have already, by hand."""

    repayment_id: str
    receipt_id: str
    operator: str
    memo: str


@dataclass(frozen=True, slots=True)
class OverrideStatus(FollowUp):
    """A clerk sets the status of a loan, whatever its books say."""

    loan_id: str
    edit_id: str
    status: str
    operator: str
    memo: str


@dataclass(frozen=True, slots=True)
class TakeCopyForPayment(FollowUp):
    """An inbox takes a copy of a callback, under another trade number, for another payment."""

    repayment_id: str
    receipt_id: str


@dataclass(frozen=True, slots=True)
class TakeOrderForClosed(FollowUp):
    """An inbox takes an event from before the payment for news, and the receipt off its loan."""

    repayment_id: str


@dataclass(frozen=True, slots=True)
class CarryResidueOver(FollowUp):
    """A migration carries a residue of the old system over onto the new books: below zero it asks for less."""

    loan_id: str
    edit_id: str
    residue_minor: int
