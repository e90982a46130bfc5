"""The journal, for reconcilers."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import BusinessDate
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.request_context import open_snapshot
from mocklend.api.responses import in_full, rendered
from mocklend.domain.nouns import JsonObject
from mocklend.ledger import listing
from mocklend.ledger.beancount import export
from mocklend.ledger.listing import TransactionList, TrialBalance
from mocklend.validation import Body, Expecting, OneOf, bounded_str
from mocklend.views.reads import Lists

ledger = APIBlueprint("ledger", __name__)


Account = Annotated[
    str,
    bounded_str(80, pattern=r"[0-9]{4}(:[A-Za-z0-9_.\-]{1,75})?"),
    Expecting("an account like 1101, or 1002:wallet"),
]


class JournalQuery(Paged):
    """Filters of the list of transactions."""

    loan_id: LoanId | None = None
    account: Account | None = Field(default=None, description="Only transactions that move something on this account.")
    kind: Annotated[str, bounded_str(80)] | None = Field(
        default=None, description="Only transactions of this kind, like `disbursement` or `interest_accrual`."
    )
    day: BusinessDate | None = Field(
        default=None, description="Only what was posted on this day, in the sandbox's zone; the newest first."
    )
    order: Annotated[str, OneOf(listing.ORDERS)] | None = Field(
        default=None, description="`chain`: by loan and number, which is the default; `newest`: what was posted last."
    )


class BalancesQuery(Body):
    """Of when the trial balance is."""

    as_of: BusinessDate | None = Field(
        default=None, description="Only transactions that take effect until this business day; all if not given."
    )


@ledger.get("/v1/ledger/transactions")
@ledger.input(JournalQuery, location="query", arg_name="query")
@ledger.output(document(TransactionList))
@ledger.doc(**operation("listTransactions"))
def list_transactions(query: JournalQuery) -> Response:
    """The journal, by loan and number, or the newest first.

    A page looks at 1,000 transactions: with `account` or `kind` it may be short, and `next_cursor` still goes on.
    """
    order = query.order or (listing.BY_CHAIN if query.day is None else listing.NEWEST)
    after = decode_cursor(Lists.JOURNAL.ordered(order), query.cursor)
    with open_snapshot() as snapshot:
        return rendered(
            listing.transactions(
                snapshot,
                loan_id=query.loan_id,
                account=query.account,
                kind=query.kind,
                recorded_ms=None if query.day is None else listing.day_of(snapshot, query.day),
                order=order,
                after=after,
                limit=query.limit,
            )
        )


@ledger.get("/v1/ledger/balances")
@ledger.input(BalancesQuery, location="query", arg_name="query")
@ledger.output(document(TrialBalance))
@ledger.doc(**operation("getTrialBalance"))
def get_trial_balance(query: BalancesQuery) -> Response:
    """The trial balance: debits, credits and balance of each account. It reads the whole journal."""
    with open_snapshot() as snapshot:
        return rendered(listing.trial_balance(snapshot, query.as_of))


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
