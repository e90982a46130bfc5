"""Borrowers: who may borrow, and up to what."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import answered, rendered
from mocklend.api.asking import run, sandbox_id, snapshot
from mocklend.api.fields import Body, Doc, LimitMinor, Name, Reference
from mocklend.api.openapi import described
from mocklend.lending import AddBorrower
from mocklend.lending.borrow import borrower_doc
from mocklend.views import reads

borrowers = APIBlueprint("borrowers", __name__)


class NewBorrower(Body):
    """Who is to borrow."""

    reference: Reference
    name: Name
    credit_limit_minor: LimitMinor = 5_000_000


class BorrowerDoc(Doc):
    """A borrower."""

    id: str
    reference: str
    name: str
    credit_limit_minor: int
    created_at: str


@borrowers.post("/v1/borrowers")
@borrowers.input(NewBorrower, arg_name="new")
@borrowers.output(BorrowerDoc, status_code=201)
@borrowers.doc(**described("addBorrower", "reference_taken", may_be_200=True))
def add_borrower(new: NewBorrower) -> Response:
    """Make a borrower, or find the one that the same request made before."""
    return answered(run(AddBorrower(sandbox_id(), new.reference, new.name, new.credit_limit_minor)))


@borrowers.get("/v1/borrowers/<id:borrower_id>")
@borrowers.output(BorrowerDoc)
@borrowers.doc(**described("getBorrower", "borrower_unknown"))
def get_borrower(borrower_id: str) -> Response:
    """One borrower."""
    with snapshot() as (connection, sandbox, _):
        return rendered(borrower_doc(reads.entity(connection, sandbox, "borrower", borrower_id)))
