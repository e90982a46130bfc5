"""Disputes: a borrower claims that a record is wrong; staff verify, decide, correct and compensate."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool

from mocklend.api.answers import answered, rendered
from mocklend.api.asking import run, sandbox_id, snapshot
from mocklend.api.fields import Body, Choice, Doc, Id, Memo, MinorAmount, Moment, Person, Text
from mocklend.api.idempotency import idempotency
from mocklend.api.lists import Paged, place
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.servicing import AddStatement, DecideDispute, OpenDispute, VerifyDispute
from mocklend.servicing.corrections import CORRECTIONS, LEFT_TO_DO
from mocklend.servicing.decisions import DECISIONS
from mocklend.servicing.disputes import CLAIMS, STATES, UPHELD, dispute_doc
from mocklend.servicing.evidence import KINDS, Piece
from mocklend.views import reads

disputes = APIBlueprint("disputes", __name__)

PIECES_MAX = 20

Claim = Annotated[str, Choice(CLAIMS)]
DisputeState = Annotated[str, Choice(STATES)]
Decision = Annotated[str, Choice(DECISIONS)]
EvidenceKind = Annotated[str, Choice(KINDS)]


class NewPiece(Body):
    """What shows that money was paid. The number may be the channel's or the order's."""

    kind: EvidenceKind
    channel: Id
    channel_trade_no: Annotated[str, Text(64)] | None = None
    amount_minor: MinorAmount
    paid_at: Moment
    note: Memo | None = None


class NewDispute(Body):
    """What is wrong with the record of a loan, and the evidence for it."""

    loan_id: Id
    claim: Claim
    statement: Memo | None = None
    evidence: Annotated[list[NewPiece], Field(max_length=PIECES_MAX, default_factory=list)]


class Statement(Body):
    """What a borrower who still disagrees puts on record."""

    statement: Memo


class Verification(Body):
    """Who verifies."""

    operator: Person


class NewDecision(Body):
    """The answer. Only what is upheld can be corrected and compensated."""

    decision: Decision
    memo: Memo
    operator: Person
    correct: StrictBool = False
    compensation_minor: MinorAmount | None = None


class PieceDoc(Doc):
    """A piece of evidence."""

    kind: EvidenceKind
    channel: str
    channel_trade_no: str | None
    amount_minor: int
    paid_at: str
    note: str | None


class FindingDoc(Doc):
    """What verifying a piece found: at the channel, and on the books."""

    n: int
    matches_channel: bool
    on_books: bool
    loan_id: str | None
    out_trade_no: str | None
    booked: str
    differs: list[str]
    detail: str


class DecisionDoc(Doc):
    """Who answered what, and why."""

    decision: Decision
    memo: str
    operator: str
    at: str


class CorrectionDoc(Doc):
    """One thing that was put right."""

    what: Annotated[str, Choice(CORRECTIONS)]
    id: str


class LeftDoc(Doc):
    """One thing that staff have to put right before the dispute is CORRECTED, and how."""

    what: Annotated[str, Choice(LEFT_TO_DO)]
    id: str
    detail: str


class StepDoc(Doc):
    """A line of a dispute's progress."""

    state: DisputeState
    at: str
    note: str


class DisputeDoc(Doc):
    """A dispute with its progress. It has to be answered by `due_at`; the desk gets to it at `taken_up_at`."""

    id: str
    loan_id: str
    claim: Claim
    statement: str | None
    evidence: list[PieceDoc]
    findings: list[FindingDoc]
    state: DisputeState
    decision: DecisionDoc | None
    corrections: list[CorrectionDoc]
    left_to_do: list[LeftDoc]
    compensation_minor: int
    compensation_id: str | None
    payout_id: str | None
    disagreement: str | None
    marked: bool
    breached: bool
    created_at: str
    due_at: str
    taken_up_at: str
    progress: list[StepDoc]


class DisputeList(Doc):
    """A page of disputes."""

    disputes: list[DisputeDoc]
    next_cursor: str | None


class DisputeQuery(Paged):
    """Which disputes."""

    loan_id: Id | None = None
    state: DisputeState | None = None


@disputes.post("/v1/disputes")
@disputes.input(NewDispute, arg_name="new")
@disputes.output(DisputeDoc, status_code=201)
@disputes.doc(**described("openDispute", "loan_unknown", "channel_unknown", moves_money=True))
def open_dispute(new: NewDispute) -> Response:
    """Dispute what is said of a loan: it is marked on the credit report at once."""
    evidence = tuple(
        Piece(one.kind, one.channel, one.channel_trade_no, one.amount_minor, one.paid_at, one.note)
        for one in new.evidence
    )
    return answered(run(OpenDispute(sandbox_id(), idempotency(), new.loan_id, new.claim, new.statement, evidence)))


@disputes.get("/v1/disputes")
@disputes.input(DisputeQuery, location="query", arg_name="asked")
@disputes.output(DisputeList)
@disputes.doc(**described("listDisputes"))
def list_disputes(asked: DisputeQuery) -> Response:
    """Disputes by id."""
    after = place(asked.cursor)
    with snapshot() as (connection, sandbox, _):
        found, cursor = reads.disputes(
            connection, sandbox, loan_id=asked.loan_id, state=asked.state, after=after, limit=asked.limit
        )
    return rendered({"disputes": [dispute_doc(one) for one in found], "next_cursor": cursor})


@disputes.get("/v1/disputes/<id:dispute_id>")
@disputes.output(DisputeDoc)
@disputes.doc(**described("getDispute", "dispute_unknown"))
def get_dispute(dispute_id: str) -> Response:
    """A dispute and its progress."""
    with snapshot() as (connection, sandbox, _):
        return rendered(dispute_doc(reads.entity(connection, sandbox, "dispute", dispute_id)))


@disputes.post("/v1/disputes/<id:dispute_id>/statement")
@disputes.input(Statement, arg_name="new")
@disputes.output(DisputeDoc, status_code=201)
@disputes.doc(**described("addStatement", "dispute_unknown", "dispute_state", moves_money=True))
def add_statement(dispute_id: str, new: Statement) -> Response:
    """Put on record that a rejection is not agreed with."""
    return answered(run(AddStatement(sandbox_id(), idempotency(), dispute_id, new.statement)))


@disputes.post("/operator/disputes/<id:dispute_id>/verify")
@disputes.input(Verification, arg_name="by")
@disputes.output(DisputeDoc)
@disputes.doc(**described("verifyDispute", "dispute_unknown", "dispute_state", "dispute_queued", moves_money=True))
def verify_dispute(dispute_id: str, by: Verification) -> Response:
    """Hold each piece of evidence against the channel's record and the books."""
    return answered(run(VerifyDispute(sandbox_id(), idempotency(), dispute_id, by.operator)))


@disputes.post("/operator/disputes/<id:dispute_id>/decide")
@disputes.input(NewDecision, arg_name="new")
@disputes.output(DisputeDoc)
@disputes.doc(**described("decideDispute", "dispute_unknown", "dispute_state", moves_money=True))
def decide_dispute(dispute_id: str, new: NewDecision) -> Response:
    """Answer a dispute; correct and compensate what is upheld, now or in a later call."""
    for field in ("correct", "compensation_minor"):
        if new.decision != UPHELD and getattr(new, field):
            raise field_problem(field, f"nothing, unless the decision is {UPHELD}", getattr(new, field))
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
