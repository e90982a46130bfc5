"""The journal, for reconcilers."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.documents import document
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.request_context import open_snapshot
from mocklend.api.responses import in_full, rendered
from mocklend.domain.nouns import JsonObject
from mocklend.ledger.beancount import export
from mocklend.views import reads
from mocklend.views.reads import TransactionList

ledger = APIBlueprint("ledger", __name__)


class JournalQuery(Paged):
    """Filters of the list of transactions."""

    loan_id: LoanId | None = None


@ledger.get("/v1/ledger/transactions")
@ledger.input(JournalQuery, location="query", arg_name="query")
@ledger.output(document(TransactionList))
@ledger.doc(**operation("listTransactions"))
def list_transactions(query: JournalQuery) -> Response:
    """The journal, by loan and number."""
    after = decode_cursor(query.cursor)
    with open_snapshot() as snapshot:
        return rendered(reads.transactions(snapshot, loan_id=query.loan_id, after=after, limit=query.limit))


def _text(operation: JsonObject) -> JsonObject:
    """The operation with its response 200: plain text."""
    text = {"description": "A Beancount file.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return operation | {"responses": {200: text, **operation["responses"]}}


@ledger.get("/v1/ledger/beancount")
@ledger.doc(**_text(operation("exportBeancount")))
def export_beancount() -> Response:
    """The whole journal as a Beancount file, with the balances as assertions that `bean-check` verifies."""
    with open_snapshot() as snapshot:
        response = in_full((f"{line}\n".encode() for line in export(snapshot)), "text/plain; charset=utf-8")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
