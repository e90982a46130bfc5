"""The journal, for reconcilers."""

from __future__ import annotations

from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import Currency, Doc
from mocklend.api.nouns import AmountMinor, LoanId, NextCursor
from mocklend.api.openapi import described
from mocklend.api.pagination import Paged, place
from mocklend.api.request_context import open_snapshot
from mocklend.api.responses import in_full, rendered
from mocklend.api.signatures import HASH_RULE, PREV_HASH_RULE
from mocklend.ledger.beancount import export
from mocklend.views import reads

ledger = APIBlueprint("ledger", __name__)


class JournalQuery(Paged):
    """Which transactions to list."""

    loan_id: LoanId | None = None


class PostingDoc(Doc):
    """An amount that moves from the account `credit` to the account `debit`."""

    debit: str = Field(description="The account that is debited, by its number.")
    credit: str = Field(description="The account that is credited, by its number.")
    amount_minor: AmountMinor
    currency: Currency


class TransactionDoc(Doc):
    """A transaction. `reverses` is the `seq` of the one that it takes back."""

    id: str = Field(description="The transaction's id.")
    loan_id: LoanId | None
    chain: str = Field(
        description="The hash chain that it belongs to: a loan's, or a channel's for money without a loan."
    )
    seq: int = Field(description="Its number in the chain, from 1, without gaps.")
    kind: str = Field(description="What happened: a disbursement, a repayment, an accrual, and so on.")
    effective_date: str = Field(
        description="The business day on which it counts, like 2026-01-05, in the sandbox's zone."
    )
    recorded_at: str = Field(description="When it was posted. RFC 3339, on the sandbox's clock.")
    reverses: int | None = Field(description="The `seq` of the transaction that it takes back; null for all others.")
    ref: str = Field(description="What caused it: a repayment, an edit, a payout, by its id.")
    period_from: str | None = Field(
        description="The day from which an accrual counts interest, like 2026-01-05; null for all others."
    )
    period_to: str | None = Field(
        description="The day up to which it does, where the next accrual begins; null for all others."
    )
    postings: list[PostingDoc] = Field(description="Its postings; debits and credits are equal.")
    prev_hash: Annotated[str, Field(description=PREV_HASH_RULE)]
    hash: Annotated[str, Field(description=HASH_RULE)]


class TransactionList(Doc):
    """A page of the journal."""

    transactions: list[TransactionDoc] = Field(description="The transactions of this page, oldest first.")
    next_cursor: NextCursor | None


@ledger.get("/v1/ledger/transactions")
@ledger.input(JournalQuery, location="query", arg_name="query")
@ledger.output(TransactionList)
@ledger.doc(**described("listTransactions"))
def list_transactions(query: JournalQuery) -> Response:
    """The journal, by loan and number."""
    after = place(query.cursor)
    with open_snapshot() as snapshot:
        return rendered(reads.transactions(snapshot, loan_id=query.loan_id, after=after, limit=query.limit))


def _text(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation with its 200: plain text."""
    text = {"description": "A Beancount file.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return operation | {"responses": {200: text, **operation["responses"]}}


@ledger.get("/v1/ledger/beancount")
@ledger.doc(**_text(described("exportBeancount")))
def export_beancount() -> Response:
    """The whole journal as a Beancount file, with our balances as assertions: check it with bean-check."""
    with open_snapshot() as snapshot:
        response = in_full((f"{line}\n".encode() for line in export(snapshot)), "text/plain; charset=utf-8")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
