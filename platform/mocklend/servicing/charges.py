"""Charges and waivers: a fee or a penalty that falls due on a day, and the waiver of part of what is owed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from mocklend.servicing.operations import EditRequest, submit
from mocklend.storage.work import Answer, Idempotency, Key, Work

CHARGED = {"fee": "CHARGE_FEE", "penalty": "CHARGE_PENALTY"}
WAIVED = {"fee": "WAIVE_FEE", "interest": "WAIVE_INTEREST", "penalty": "WAIVE_PENALTY"}


@dataclass(frozen=True, slots=True)
class Charge:
    """Charge a fee (1105/4004) or a penalty (1103/4002).

    It is added to the instalment that falls due on `due` or next after it, or to the last one.
    """

    sandbox_id: str
    idem: Idempotency | None
    loan_id: str
    kind: str
    amount_minor: int
    due: date
    memo: str
    operator: str
    approver: str | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the charge as an edit; or 202 and a draft."""
        kind = CHARGED[self.kind]
        request = EditRequest(
            kind, self.memo, self.operator, self.approver, amount_minor=self.amount_minor, due=self.due
        )
        return submit(work, self.idem, self.loan_id, request)


@dataclass(frozen=True, slots=True)
class Waive:
    """Waive part of what is owed, oldest instalment first (5003 against the receivable). Never principal."""

    sandbox_id: str
    idem: Idempotency | None
    loan_id: str
    part: str
    amount_minor: int
    memo: str
    operator: str
    approver: str | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the waiver as an edit, whose relative amount is below 0; or 202 and a draft."""
        request = EditRequest(
            WAIVED[self.part], self.memo, self.operator, self.approver, amount_minor=-self.amount_minor
        )
        return submit(work, self.idem, self.loan_id, request)
