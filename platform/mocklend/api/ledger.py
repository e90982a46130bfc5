"""The journal, for reconcilers."""

from __future__ import annotations

from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.answers import in_full, rendered
from mocklend.api.asking import snapshot
from mocklend.api.fields import Body, Doc, Id, PageSize
from mocklend.api.lists import Cursor, place
from mocklend.api.openapi import described
from mocklend.api.signatures import HASH_RULE, PREV_HASH_RULE
from mocklend.ledger.beancount import export
from mocklend.views import reads

ledger = APIBlueprint("ledger", __name__)


class JournalQuery(Body):
    """Which transactions to list. `after` is a `next_cursor`."""

    loan_id: Id | None = None
    after: Cursor | None = None
    limit: PageSize = 50


class PostingDoc(Doc):
    """An amount that moves from the account `credit` to the account `debit`."""

    debit: str
    credit: str
    amount_minor: int
    currency: str


class TransactionDoc(Doc):
    """A transaction. `reverses` is the `seq` of the one that it takes back."""

    id: str
    loan_id: str | None
    chain: str
    seq: int
    kind: str
    effective_date: str
    recorded_at: str
    reverses: int | None
    ref: str
    period_from: str | None
    period_to: str | None
    postings: list[PostingDoc]
    prev_hash: Annotated[str, Field(description=PREV_HASH_RULE)]
    hash: Annotated[str, Field(description=HASH_RULE)]


class TransactionList(Doc):
    """A page of the journal."""

    transactions: list[TransactionDoc]
    next_cursor: str | None


@ledger.get("/v1/ledger/transactions")
@ledger.input(JournalQuery, location="query", arg_name="query")
@ledger.output(TransactionList)
@ledger.doc(**described("listTransactions"))
def list_transactions(query: JournalQuery) -> Response:
    """The journal, by loan and number."""
    after = place(query.after, "after")
    with snapshot() as (connection, sandbox, _):
        return rendered(reads.transactions(connection, sandbox, loan_id=query.loan_id, after=after, limit=query.limit))


def _text(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation with its 200: plain text."""
    text = {"description": "A Beancount file.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return operation | {"responses": {200: text, **operation["responses"]}}


@ledger.get("/v1/ledger/beancount")
@ledger.doc(**_text(described("exportBeancount")))
def export_beancount() -> Response:
    """The whole journal as a Beancount file, with our balances as assertions: check it with bean-check."""
    with snapshot() as (connection, sandbox, _):
        response = in_full((f"{line}\n".encode() for line in export(connection, sandbox)), "text/plain; charset=utf-8")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
