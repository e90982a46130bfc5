"""Deciding a dispute: upheld, rejected or unverifiable; an upheld dispute is corrected in all copies of the data.

`corrections` has the automatic corrections and what is left to staff. A dispute with something left to do stays UPHELD
and lists it; it is decided again once staff have done that with their own requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.bureau import correct, unflag_disputed
from mocklend.domain.money import format_minor
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import DisputeState
from mocklend.lending.books import state_of
from mocklend.lending.operator_log import CORRECTION_ORDERED, DISPUTE_DECIDED, bill_of, log_operator_action
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.servicing.compensation import compensate, compensation_of
from mocklend.servicing.corrections import Corrections
from mocklend.servicing.disputes import (
    CORRECTED_NOTE,
    dispute_doc,
    evidence_of,
    refuse_unless,
    require_dispute,
    step,
)
from mocklend.servicing.evidence import verify
from mocklend.storage.entities import Dispute, Loan
from mocklend.storage.values import DecisionDoc, FindingDoc
from mocklend.storage.work import Answer, Idempotency, Key, Work

Findings = Sequence[FindingDoc]


@dataclass(frozen=True, slots=True)
class DecideDispute:
    """An operator decides a dispute. An upheld one can be corrected and compensated, now or in a later request."""

    sandbox_id: str
    idem: Idempotency | None
    dispute_id: str
    decision: str
    memo: str
    operator: str
    correct: bool = False
    compensation_minor: int | None = None

    def needs(self) -> Iterable[Key]:
        """The dispute; `decide` loads its loan and evidence."""
        return (("dispute", self.dispute_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the dispute."""
        dispute = require_dispute(work, self.dispute_id)
        self._refuse(dispute)
        findings = verify(work, dispute.loan_id, evidence_of(dispute))

        undecided = dispute.state == DisputeState.VERIFYING
        if undecided:
            decision = DecisionDoc(
                decision=self.decision, memo=self.memo, operator=self.operator, at=rfc3339(work.now_ms)
            )
            dispute = replace(dispute, decision=decision, findings=tuple(findings), due_ms=None)
            dispute = step(work, dispute, self.decision, self.memo, event="decided")
            self._log(work, dispute, DISPUTE_DECIDED)
            if self.decision == DisputeState.REJECTED:
                # The loan's data are right, so the bureau's record is no longer disputed.
                dispute = _unflag(work, dispute)
        if self.correct:
            dispute = self._correct(work, dispute, findings)
            if not undecided:  # A later correction: the decision itself was logged before.
                ordered = sum(entry["note"].startswith(CORRECTED_NOTE) for entry in dispute.progress)
                self._log(work, dispute, CORRECTION_ORDERED, n=ordered)
        if self.compensation_minor is not None:
            dispute = self._compensate(work, dispute, self.compensation_minor)
        return Answer(200, dispute_doc(dispute))

    def _refuse(self, dispute: Dispute) -> None:
        more = self.correct or self.compensation_minor is not None
        assert self.decision == DisputeState.UPHELD or not more, "only an upheld dispute is corrected and compensated"
        if self.decision == DisputeState.UPHELD and more:
            refuse_unless(dispute, DisputeState.VERIFYING, DisputeState.UPHELD, DisputeState.CORRECTED)
        else:
            refuse_unless(dispute, DisputeState.VERIFYING)
        if self.compensation_minor is not None and dispute.payout_id is not None:
            raise Refused(
                "dispute_state",
                f"payout {dispute.payout_id} already compensates for it",
                expected="a dispute without a compensation",
                received=dispute.compensation_minor,
                dispute_id=dispute.id,
            )
        if self.compensation_minor is not None and dispute.compensation_minor not in (0, self.compensation_minor):
            raise Refused(
                "dispute_state",
                "another compensation was agreed and is not posted yet",
                expected=dispute.compensation_minor,
                received=self.compensation_minor,
                dispute_id=dispute.id,
            )

    def _correct(self, work: Work, dispute: Dispute, findings: Findings) -> Dispute:
        """Make the automatic corrections; the dispute is CORRECTED once nothing is left to do."""
        corrections = Corrections(work, dispute, self.sandbox_id, self.memo, self.operator)
        made_now = corrections.correct(findings)
        left = corrections.left_to_do(findings)
        correct(work, dispute.loan_id, f"dispute {dispute.id}")
        dispute = replace(
            dispute,
            corrections=(*dispute.corrections, *made_now),
            left_to_do=tuple(left),
        )
        corrected = ", ".join(f"{item['what']} {item['id']}" for item in made_now)
        if left:
            todo = "; ".join(f"{item['what']} {item['id']}" for item in left)
            note = f"{CORRECTED_NOTE} {corrected or 'nothing yet'}. Left to do: {todo}."
            return step(work, dispute, DisputeState.UPHELD, note, event="left_to_do")
        dispute = _unflag(work, dispute)
        loan = work.get(Loan, dispute.loan_id)
        dispute = replace(dispute, corrected_version=loan.version)
        note = f"{CORRECTED_NOTE} {corrected or 'nothing, the books were already right'}."
        return step(work, dispute, DisputeState.CORRECTED, note, event="corrected")

    def _compensate(self, work: Work, dispute: Dispute, amount_minor: int) -> Dispute:
        promised = dispute.compensation_minor > 0
        payout = compensate(
            work,
            dispute.loan_id,
            amount_minor=amount_minor,
            about=dispute.id,
            memo=self.memo,
            operator=self.operator,
            promised=promised,
        )
        promise = compensation_of(work, dispute.id)
        dispute = replace(dispute, compensation_minor=amount_minor, compensation_id=promise)
        if payout is not None:
            dispute = replace(dispute, payout_id=payout.id, due_ms=payout.due_ms)
        loan = work.get(Loan, dispute.loan_id)
        amount = format_minor(amount_minor, loan.currency)
        note = f"The compensation of {amount} was posted." if promised else f"A compensation of {amount} was agreed."
        return step(work, dispute, dispute.state, note, event="compensation_agreed")

    def _log(self, work: Work, dispute: Dispute, action: str, *, n: int = 1) -> None:
        """Log the decision, which changes no bill. Corrections have log entries of their own."""
        loan = work.get(Loan, dispute.loan_id)
        bill = bill_of(loan, state_of(loan))
        log_operator_action(
            work, loan, action, dispute.id, memo=self.memo, operator=self.operator, before=bill, after=bill, n=n
        )


def _unflag(work: Work, dispute: Dispute) -> Dispute:
    if dispute.marked:
        unflag_disputed(work, dispute.loan_id, dispute.id)
        dispute = replace(dispute, marked=0)
        work.put(dispute)
    return dispute
