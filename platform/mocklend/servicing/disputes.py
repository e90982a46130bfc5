"""Disputes: a borrower claims that a loan's data are wrong, submits evidence, and gets an answer within twenty days.

        OPEN ─▶ MARKED ─▶ VERIFYING ─▶ UPHELD ─▶ CORRECTED ─▶ COMPENSATED
                               │
                               ├─────▶ REJECTED ─▶ STATEMENT
                               └─────▶ UNVERIFIABLE

The credit report marks the loan as disputed at once, and the borrower can read each step. Verification is here, the
decision in `decisions`. `FollowDispute` runs when the deadline of a dispute has passed, and when its compensation
should have been paid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, TypedDict

from msgspec.structs import replace

from mocklend.bureau import flag_disputed
from mocklend.documents import rendering
from mocklend.domain.channel import channel_of
from mocklend.domain.nouns import CreatedAt, LoanId, column, one_of, says
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import DisputeState, PayoutState
from mocklend.lending.required import require_loan
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.dispute_opened import DisputeOpened
from mocklend.servicing.evidence import Piece, verify
from mocklend.storage.entities import Dispute, Loan, Payout
from mocklend.storage.values import CorrectionDoc, DecisionDoc, FindingDoc, LeftDoc, PieceDoc, StepDoc
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.events import DisputeData
from mocklend.webhooks.outbox import emit

CLAIMS = ("settled_but_unpaid", "wrong_amount", "wrong_status", "wrong_report", "other")
CORRECTED_NOTE = "Corrected:"
"""The beginning of a progress note about a correction, complete or partial."""
UNDECIDED = (DisputeState.OPEN, DisputeState.MARKED, DisputeState.VERIFYING)
CHECK_AGAIN_MS = 86_400_000
"""Milliseconds until the next check whether a compensation was paid."""
ANSWER_WITHIN_MS = 20 * 86_400_000
"""Regulation on the Credit Reporting Industry, article 25: verified, and answered in writing, within twenty days."""


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """A borrower disputes a loan's data."""

    sandbox_id: str
    idem: Idempotency | None
    loan_id: str
    claim: str
    statement: str | None
    evidence: tuple[Piece, ...]

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the dispute, marked on the credit report. Raises Refused `loan_unknown`, `channel_unknown`."""
        loan = require_loan(work, self.loan_id)
        for piece in self.evidence:
            channel_of(piece.channel)
        assert self.idem is not None, "a dispute is opened once, and needs an idempotency key"
        due_ms = work.now_ms + ANSWER_WITHIN_MS
        dispute = Dispute(
            id=make_id("dsp", work.sandbox.seed, loan.id, self.idem.key),
            loan_id=loan.id,
            claim=self.claim,
            statement=self.statement,
            evidence=tuple(piece.to_json() for piece in self.evidence),
            findings=(),
            state=DisputeState.OPEN,
            progress=(),
            decision=None,
            corrections=(),
            left_to_do=(),
            corrected_version=None,
            disagreement=None,
            compensation_minor=0,
            compensation_id=None,
            payout_id=None,
            marked=0,
            breached=0,
            created_ms=work.now_ms,
            answer_by_ms=due_ms,
            taken_up_ms=work.now_ms,
            due_ms=due_ms,
        )
        dispute = self._queued(work, loan, dispute)
        dispute = step(work, dispute, DisputeState.OPEN, f"Received: {self.claim}.", event="opened")
        flag_disputed(work, loan.id, dispute.id)
        dispute = step(
            work, replace(dispute, marked=1), DisputeState.MARKED, "Marked on the credit report.", event="marked"
        )
        return Answer(201, dispute_doc(dispute))

    @staticmethod
    def _queued(work: Work, loan: Loan, dispute: Dispute) -> Dispute:
        """The dispute with the time at which operations staff take it up."""
        outcome = work.at(
            DisputeOpened(
                entity=dispute.id,
                occurrence=1,
                now_ms=work.now_ms,
                loan_id=loan.id,
                dispute_id=dispute.id,
                claim=dispute.claim,
                currency=loan.currency,
                answer_by_ms=dispute.answer_by_ms,
            )
        )
        return replace(dispute, taken_up_ms=work.now_ms + outcome.queue_s * 1000)


@dataclass(frozen=True, slots=True)
class VerifyDispute:
    """An operator compares each piece of evidence with the channel and the books. It can be repeated."""

    sandbox_id: str
    idem: Idempotency | None
    dispute_id: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The dispute; `decide` loads its evidence."""
        return (("dispute", self.dispute_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the dispute with a finding for each piece. Raises Refused `dispute_unknown`, `dispute_state`,
        `dispute_queued`."""
        dispute = require_dispute(work, self.dispute_id)
        refuse_unless(dispute, DisputeState.MARKED, DisputeState.VERIFYING)
        if work.now_ms < dispute.taken_up_ms:
            raise Refused(
                "dispute_queued",
                "operations staff have not taken up this dispute yet",
                expected=f"from {rfc3339(dispute.taken_up_ms)}",
                dispute_id=dispute.id,
            )
        findings = verify(work, dispute.loan_id, evidence_of(dispute))
        fitting = sum(finding["matches_channel"] for finding in findings)
        note = f"{self.operator} verified the evidence: the channels confirm {fitting} of {len(findings)} pieces."
        dispute = step(work, replace(dispute, findings=tuple(findings)), DisputeState.VERIFYING, note, event="verified")
        return Answer(200, dispute_doc(dispute))


@dataclass(frozen=True, slots=True)
class AddStatement:
    """The borrower of a rejected dispute adds a statement of disagreement."""

    sandbox_id: str
    idem: Idempotency | None
    dispute_id: str
    statement: str

    def needs(self) -> Iterable[Key]:
        """The dispute."""
        return (("dispute", self.dispute_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the dispute. Raises Refused `dispute_unknown`, `dispute_state`."""
        dispute = require_dispute(work, self.dispute_id)
        refuse_unless(dispute, DisputeState.REJECTED)
        dispute = replace(dispute, disagreement=self.statement)
        note = "The borrower's statement was added."
        return Answer(201, dispute_doc(step(work, dispute, DisputeState.STATEMENT, note, event="statement_added")))


@dataclass(frozen=True, slots=True)
class FollowDispute:
    """Follow up a dispute whose deadline has passed, or whose compensation should have been paid."""

    sandbox_id: str
    dispute_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The dispute."""
        return (("dispute", self.dispute_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the dispute."""
        dispute = require_dispute(work, self.dispute_id)
        if dispute.due_ms is None or dispute.due_ms > work.now_ms:
            return Answer(200, dispute_doc(dispute))
        if dispute.state in UNDECIDED:
            late = replace(dispute, breached=1, due_ms=None)
            dispute = step(work, late, dispute.state, "The deadline for an answer has passed.", event="breached")
        elif dispute.payout_id is not None:
            payout = work.get(Payout, dispute.payout_id)
            if payout.state == PayoutState.PAID:
                note = f"The compensation was paid through {payout.channel}."
                dispute = step(work, replace(dispute, due_ms=None), DisputeState.COMPENSATED, note, event="compensated")
            else:  # It is stuck at its channel: check again later.
                dispute = replace(dispute, due_ms=work.now_ms + CHECK_AGAIN_MS)
                work.put(dispute)
        return Answer(200, dispute_doc(dispute))


def require_dispute(work: Work, dispute_id: str) -> Dispute:
    """The dispute. Raises Refused `dispute_unknown`."""
    dispute = work.find(Dispute, dispute_id)
    if dispute is None:
        raise Refused("dispute_unknown", f"no dispute {dispute_id}", dispute_id=dispute_id)
    return dispute


def refuse_unless(dispute: Dispute, *states: str) -> None:
    """Raise Refused `dispute_state` unless the dispute is in one of these states."""
    if dispute.state not in states:
        raise Refused(
            "dispute_state",
            f"the dispute is {dispute.state}",
            expected=" or ".join(states),
            received=dispute.state,
            dispute_id=dispute.id,
        )


def evidence_of(dispute: Dispute) -> list[Piece]:
    """The borrower's evidence."""
    return [Piece.from_json(stored) for stored in dispute.evidence]


def step(work: Work, dispute: Dispute, state: str, note: str, *, event: str) -> Dispute:
    """Store the dispute's next step and emit it as an event."""
    progress = (*dispute.progress, StepDoc(state=state, at=rfc3339(work.now_ms), note=note))
    dispute = replace(dispute, state=state, progress=progress)
    work.put(dispute)
    payload: DisputeData = {"dispute_id": dispute.id, "loan_id": dispute.loan_id, "state": state, "note": note}
    emit(work, f"dispute.{event}", dispute.loan_id, f"{dispute.id}.{len(progress)}", payload)
    return dispute


class DisputeDoc(TypedDict):
    """A dispute with its progress. Its answer is due at `due_at`; operations staff take it up at `taken_up_at`."""

    id: Annotated[str, says("The dispute's id.")]
    loan_id: LoanId
    claim: Annotated[str, one_of(CLAIMS, "The data that the borrower disputes.")]
    statement: Annotated[str | None, says("The borrower's statement; null where there is none.")]
    evidence: Annotated[list[PieceDoc], says("The documents that the borrower submitted.")]
    findings: Annotated[list[FindingDoc], says("The result of verifying each document; empty until then.")]
    state: Annotated[str, one_of(DisputeState, "The state of the dispute.")]
    decision: Annotated[DecisionDoc | None, says("The decision; null until there is one.")]
    corrections: Annotated[list[CorrectionDoc], says("What was corrected.")]
    left_to_do: Annotated[list[LeftDoc], says("What staff have to correct before the dispute is CORRECTED.")]
    compensation_minor: Annotated[int, says("The compensation of the borrower, in minor units; 0 where there is none.")]
    compensation_id: Annotated[
        str | None, says("The entry on the books for the compensation; null where there is none.")
    ]
    payout_id: Annotated[str | None, says("The payout that pays the compensation; null where there is none.")]
    disagreement: Annotated[
        str | None, says("The statement of a borrower who disagrees with the decision; null where there is none.")
    ]
    marked: Annotated[bool, says("Whether the credit report marks the loan as disputed.")]
    breached: Annotated[bool, says("Whether the dispute was not answered in time.")]
    created_at: CreatedAt
    due_at: Annotated[
        str, column("answer_by_ms"), says("The deadline for the answer. RFC 3339, on the sandbox's clock.")
    ]
    taken_up_at: Annotated[str, says("When operations staff take it up. RFC 3339, on the sandbox's clock.")]
    progress: Annotated[list[StepDoc], says("The dispute's steps, oldest first.")]


dispute_doc = rendering(Dispute, DisputeDoc)
