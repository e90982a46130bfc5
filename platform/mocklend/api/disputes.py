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
from mocklend.api.pagination import Paged, decode_cursor
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
from mocklend.storage.work import Idempotency
from mocklend.validation import Body, OneOf, bounded_str
from mocklend.views import reads
from mocklend.views.reads import Lists

disputes = APIBlueprint("disputes", __name__)

PIECES_MAX = 20

Claim = Annotated[str, OneOf(CLAIMS)]
DisputeState = Annotated[str, OneOf(tuple(States))]
Decision = Annotated[str, OneOf(DECISIONS)]
EvidenceKind = Annotated[str, OneOf(EVIDENCE_KINDS)]


class NewPiece(Body):
    """Evidence of a payment. Its number may be the channel's or the order's."""

    kind: EvidenceKind = Field(description="The kind of document.")
    channel: ChannelId
    channel_trade_no: Annotated[str, bounded_str(64)] | None = Field(
        default=None, description="The number on the document: the channel's trade number or the order's number."
    )
    amount_minor: MinorAmount = Field(description="The amount on the document, in minor units of the loan's currency.")
    paid_at: Moment = Field(description="The time of payment on the document. A difference of up to a day is accepted.")
    note: Memo | None = Field(default=None, description="What the borrower says about it.")


class NewDispute(Body):
    """A borrower's claim about a loan, and the evidence for it."""

    loan_id: LoanId
    claim: Claim = Field(description="What the borrower claims is wrong.")
    statement: Memo | None = Field(default=None, description="What the borrower says, in their own words.")
    evidence: Annotated[list[NewPiece], Field(max_length=PIECES_MAX, default_factory=list)] = Field(
        description="Evidence of the payments."
    )


class Statement(Body):
    """A borrower's statement after a rejection."""

    statement: Memo = Field(description="What the borrower says, in their own words.")


class Verification(Body):
    """The operator who verifies."""

    operator: Operator


class NewDecision(Body):
    """The decision on a dispute. Only an upheld dispute can be corrected and compensated."""

    decision: Decision = Field(
        description="UPHELD: the claim is right; REJECTED: it is wrong; UNVERIFIABLE: neither can be shown."
    )
    memo: Memo
    operator: Operator
    correct: StrictBool = Field(
        default=False, description="True: make at once the corrections that the platform can make by itself."
    )
    compensation_minor: MinorAmount | None = Field(
        default=None, description="The compensation to the borrower, in minor units of the loan's currency."
    )


class DisputeList(TypedDict):
    """A page of disputes."""

    disputes: Annotated[list[DisputeDoc], says("The disputes of this page.")]
    next_cursor: NextCursor | None


class DisputeQuery(Paged):
    """Filters of the list of disputes."""

    loan_id: LoanId | None = None
    state: DisputeState | None = Field(default=None, description="Only disputes in this state.")


@disputes.post("/v1/disputes")
@disputes.input(NewDispute, arg_name="new")
@disputes.output(document(DisputeDoc), status_code=201)
@disputes.doc(**operation("openDispute", "loan_unknown", "channel_unknown", moves_money=True))
def open_dispute(new: NewDispute) -> Response:
    """Open a dispute about a loan. The credit report shows the loan as disputed at once."""
    return answered(run(dispute_of(sandbox_id(), idempotency(), new)))


def dispute_of(sandbox_id: str, idem: Idempotency, new: NewDispute) -> OpenDispute:
    """The command for a request."""
    evidence = tuple(
        Piece(piece.kind, piece.channel, piece.channel_trade_no, piece.amount_minor, piece.paid_at, piece.note)
        for piece in new.evidence
    )
    return OpenDispute(sandbox_id, idem, new.loan_id, new.claim, new.statement, evidence)


@disputes.get("/v1/disputes")
@disputes.input(DisputeQuery, location="query", arg_name="query")
@disputes.output(document(DisputeList))
@disputes.doc(**operation("listDisputes"))
def list_disputes(query: DisputeQuery) -> Response:
    """Disputes by id."""
    after = decode_cursor(Lists.DISPUTES, query.cursor)
    with open_snapshot() as snapshot:
        page, cursor = reads.disputes(
            snapshot, loan_id=query.loan_id, state=query.state, after=after, limit=query.limit
        )
    return rendered(DisputeList(disputes=[dispute_doc(dispute) for dispute in page], next_cursor=cursor))


@disputes.get("/v1/disputes/<id:dispute_id>")
@disputes.output(document(DisputeDoc))
@disputes.doc(**operation("getDispute", "dispute_unknown"))
def get_dispute(dispute_id: str) -> Response:
    """A dispute and its state."""
    with open_snapshot() as snapshot:
        return rendered(dispute_doc(reads.entity(snapshot, Dispute, dispute_id)))


@disputes.post("/v1/disputes/<id:dispute_id>/statement")
@disputes.input(Statement, arg_name="new")
@disputes.output(document(DisputeDoc), status_code=201)
@disputes.doc(**operation("addStatement", "dispute_unknown", "dispute_state", moves_money=True))
def add_statement(dispute_id: str, new: Statement) -> Response:
    """Add the borrower's statement to a rejected dispute."""
    return answered(run(AddStatement(sandbox_id(), idempotency(), dispute_id, new.statement)))


@disputes.post("/operator/disputes/<id:dispute_id>/verify")
@disputes.input(Verification, arg_name="by")
@disputes.output(document(DisputeDoc))
@disputes.doc(**operation("verifyDispute", "dispute_unknown", "dispute_state", "dispute_queued", moves_money=True))
def verify_dispute(dispute_id: str, by: Verification) -> Response:
    """Compare each piece of evidence with the channel's record and the books."""
    return answered(run(VerifyDispute(sandbox_id(), idempotency(), dispute_id, by.operator)))


@disputes.post("/operator/disputes/<id:dispute_id>/decide")
@disputes.input(NewDecision, arg_name="new")
@disputes.output(document(DisputeDoc))
@disputes.doc(**operation("decideDispute", "dispute_unknown", "dispute_state", moves_money=True))
def decide_dispute(dispute_id: str, new: NewDecision) -> Response:
    """Decide a dispute. An upheld one can be corrected and compensated, in this call or a later one."""
    return answered(run(decision_of(sandbox_id(), idempotency(), dispute_id, new)))


def decision_of(sandbox_id: str, idem: Idempotency, dispute_id: str, new: NewDecision) -> DecideDispute:
    """The command for a request. Refused `validation_failed` if it corrects what it does not uphold."""
    for field in ("correct", "compensation_minor"):
        if new.decision != States.UPHELD and getattr(new, field):
            raise field_problem(field, f"nothing, unless the decision is {States.UPHELD}", getattr(new, field))
    return DecideDispute(
        sandbox_id,
        idem,
        dispute_id=dispute_id,
        decision=new.decision,
        memo=new.memo,
        operator=new.operator,
        correct=new.correct,
        compensation_minor=new.compensation_minor,
    )
