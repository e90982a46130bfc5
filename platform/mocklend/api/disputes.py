"""Disputes: a borrower claims that a record is wrong; staff verify, decide, correct and compensate."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool

from mocklend.api.documents import document
from mocklend.api.fields import Memo, MinorAmount, Moment
from mocklend.api.idempotency import idempotency
from mocklend.api.nouns import ChannelId, LoanId, Operator
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, place
from mocklend.api.problems import field_problem
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.nouns import NextCursor, says
from mocklend.domain.statuses import DisputeState as States
from mocklend.servicing import AddStatement, DecideDispute, OpenDispute, VerifyDispute
from mocklend.servicing.disputes import CLAIMS, DisputeDoc, dispute_doc
from mocklend.servicing.evidence import Piece
from mocklend.storage.entities import Dispute
from mocklend.storage.values import DECISIONS, EVIDENCE_KINDS
from mocklend.validation import Body, OneOf, bounded_str
from mocklend.views import reads

disputes = APIBlueprint("disputes", __name__)

PIECES_MAX = 20

Claim = Annotated[str, OneOf(CLAIMS)]
DisputeState = Annotated[str, OneOf(tuple(States))]
Decision = Annotated[str, OneOf(DECISIONS)]
EvidenceKind = Annotated[str, OneOf(EVIDENCE_KINDS)]


class NewPiece(Body):
    """What shows that money was paid. The number may be the channel's or the order's."""

    kind: EvidenceKind = Field(description="What kind of document it is.")
    channel: ChannelId
    channel_trade_no: Annotated[str, bounded_str(64)] | None = Field(
        default=None, description="The payment's number that the document shows: the channel's or the order's."
    )
    amount_minor: MinorAmount = Field(
        description="The amount that the document shows, in minor units of the loan's currency."
    )
    paid_at: Moment = Field(
        description="The time of payment that the document shows; a day's difference is overlooked."
    )
    note: Memo | None = Field(default=None, description="What the borrower says about it.")


class NewDispute(Body):
    """What is wrong with the record of a loan, and the evidence for it."""

    loan_id: LoanId
    claim: Claim = Field(description="What is wrong.")
    statement: Memo | None = Field(default=None, description="What the borrower says, in their own words.")
    evidence: Annotated[list[NewPiece], Field(max_length=PIECES_MAX, default_factory=list)] = Field(
        description="What shows that money was paid."
    )


class Statement(Body):
    """What a borrower who still disagrees puts on record."""

    statement: Memo = Field(description="What the borrower says, in their own words.")


class Verification(Body):
    """Who verifies."""

    operator: Operator


class NewDecision(Body):
    """The answer. Only what is upheld can be corrected and compensated."""

    decision: Decision = Field(
        description="UPHELD where the borrower is right, REJECTED where not, UNVERIFIABLE where nobody can tell."
    )
    memo: Memo
    operator: Operator
    correct: StrictBool = Field(
        default=False, description="True: what the platform can put right by itself is put right at once."
    )
    compensation_minor: MinorAmount | None = Field(
        default=None, description="What is paid to the borrower for the trouble, in minor units of the loan's currency."
    )


class DisputeList(TypedDict):
    """A page of disputes."""

    disputes: Annotated[list[DisputeDoc], says("The disputes of this page.")]
    next_cursor: NextCursor | None


class DisputeQuery(Paged):
    """Which disputes."""

    loan_id: LoanId | None = None
    state: DisputeState | None = Field(default=None, description="Only disputes in this state.")


@disputes.post("/v1/disputes")
@disputes.input(NewDispute, arg_name="new")
@disputes.output(document(DisputeDoc), status_code=201)
@disputes.doc(**operation("openDispute", "loan_unknown", "channel_unknown", moves_money=True))
def open_dispute(new: NewDispute) -> Response:
    """Dispute what is said of a loan: it is marked on the credit report at once."""
    evidence = tuple(
        Piece(one.kind, one.channel, one.channel_trade_no, one.amount_minor, one.paid_at, one.note)
        for one in new.evidence
    )
    return answered(run(OpenDispute(sandbox_id(), idempotency(), new.loan_id, new.claim, new.statement, evidence)))


@disputes.get("/v1/disputes")
@disputes.input(DisputeQuery, location="query", arg_name="asked")
@disputes.output(document(DisputeList))
@disputes.doc(**operation("listDisputes"))
def list_disputes(asked: DisputeQuery) -> Response:
    """Disputes by id."""
    after = place(asked.cursor)
    with open_snapshot() as snapshot:
        found, cursor = reads.disputes(
            snapshot, loan_id=asked.loan_id, state=asked.state, after=after, limit=asked.limit
        )
    return rendered(DisputeList(disputes=[dispute_doc(dispute) for dispute in found], next_cursor=cursor))


@disputes.get("/v1/disputes/<id:dispute_id>")
@disputes.output(document(DisputeDoc))
@disputes.doc(**operation("getDispute", "dispute_unknown"))
def get_dispute(dispute_id: str) -> Response:
    """A dispute and its progress."""
    with open_snapshot() as snapshot:
        return rendered(dispute_doc(reads.entity(snapshot, Dispute, dispute_id)))


@disputes.post("/v1/disputes/<id:dispute_id>/statement")
@disputes.input(Statement, arg_name="new")
@disputes.output(document(DisputeDoc), status_code=201)
@disputes.doc(**operation("addStatement", "dispute_unknown", "dispute_state", moves_money=True))
def add_statement(dispute_id: str, new: Statement) -> Response:
    """Put on record that a rejection is not agreed with."""
    return answered(run(AddStatement(sandbox_id(), idempotency(), dispute_id, new.statement)))


@disputes.post("/operator/disputes/<id:dispute_id>/verify")
@disputes.input(Verification, arg_name="by")
@disputes.output(document(DisputeDoc))
@disputes.doc(**operation("verifyDispute", "dispute_unknown", "dispute_state", "dispute_queued", moves_money=True))
def verify_dispute(dispute_id: str, by: Verification) -> Response:
    """Hold each piece of evidence against the channel's record and the books."""
    return answered(run(VerifyDispute(sandbox_id(), idempotency(), dispute_id, by.operator)))


@disputes.post("/operator/disputes/<id:dispute_id>/decide")
@disputes.input(NewDecision, arg_name="new")
@disputes.output(document(DisputeDoc))
@disputes.doc(**operation("decideDispute", "dispute_unknown", "dispute_state", moves_money=True))
def decide_dispute(dispute_id: str, new: NewDecision) -> Response:
    """Answer a dispute; correct and compensate what is upheld, now or in a later call."""
    for field in ("correct", "compensation_minor"):
        if new.decision != States.UPHELD and getattr(new, field):
            raise field_problem(field, f"nothing, unless the decision is {States.UPHELD}", getattr(new, field))
    command = DecideDispute(
        sandbox_id(),
        idempotency(),
        dispute_id=dispute_id,
        decision=new.decision,
        memo=new.memo,
        operator=new.operator,
        correct=new.correct,
        compensation_minor=new.compensation_minor,
    )
    return answered(run(command))
