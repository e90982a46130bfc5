"""Borrowers and their credit limits."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import LimitMinor, Name, Reference
from mocklend.api.nouns import Search
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.lending import AddBorrower, found
from mocklend.lending.borrow import BorrowerDoc, borrower_doc
from mocklend.lending.found import BorrowerList
from mocklend.storage.entities import Borrower
from mocklend.validation import Body
from mocklend.views import reads
from mocklend.views.reads import Lists

borrowers = APIBlueprint("borrowers", __name__)


class NewBorrower(Body):
    """A borrower to add."""

    reference: Reference = Field(description="The client's own name for the borrower, unique in the sandbox.")
    name: Name = Field(description="The borrower's full name.")
    credit_limit_minor: LimitMinor = Field(
        default=5_000_000,
        description="How much principal may be outstanding at one time, over all loans, in minor units.",
    )


@borrowers.post("/v1/borrowers")
@borrowers.input(NewBorrower, arg_name="new")
@borrowers.output(document(BorrowerDoc), status_code=201)
@borrowers.doc(**operation("addBorrower", "reference_taken", may_be_200=True))
def add_borrower(new: NewBorrower) -> Response:
    """Add a borrower. Repeating the same request returns the borrower that it added."""
    return answered(run(AddBorrower(sandbox_id(), new.reference, new.name, new.credit_limit_minor)))


class BorrowerQuery(Paged):
    """Filters of the list of borrowers."""

    q: Search | None = Field(
        default=None,
        description="Only borrowers whose id, reference or name begins with this text, as it is written; found by id "
        "first, then by reference, then by name.",
    )


@borrowers.get("/v1/borrowers")
@borrowers.input(BorrowerQuery, location="query", arg_name="query")
@borrowers.output(document(BorrowerList))
@borrowers.doc(**operation("listBorrowers"))
def list_borrowers(query: BorrowerQuery) -> Response:
    """Borrowers by id, or those whose id, reference or name begins with a text."""
    after = decode_cursor(found.list_of(Lists.BORROWERS, query.q, found.BY_ID), query.cursor)
    with open_snapshot() as snapshot:
        return rendered(found.borrowers(snapshot, q=query.q, after=after, limit=query.limit))


@borrowers.get("/v1/borrowers/<id:borrower_id>")
@borrowers.output(document(BorrowerDoc))
@borrowers.doc(**operation("getBorrower", "borrower_unknown"))
def get_borrower(borrower_id: str) -> Response:
    """One borrower."""
    with open_snapshot() as snapshot:
        return rendered(borrower_doc(reads.entity(snapshot, Borrower, borrower_id)))
