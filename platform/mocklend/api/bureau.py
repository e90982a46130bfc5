"""The credit bureau: reports, scores, submission files; and the partner lenders, which decide by the reports."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool

from mocklend.api.documents import document
from mocklend.api.fields import MinorAmount
from mocklend.api.idempotency import idempotency
from mocklend.api.nouns import BorrowerId
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.peek import is_peek
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.bureau import Apply, AskScore
from mocklend.bureau.inquiries import InquiriesDoc, inquiries
from mocklend.bureau.partners import (
    PARTNERS,
    PRODUCTS,
    ApplicationDoc,
    CopyDoc,
    LenderDoc,
    copy_doc,
    copy_id,
    partner_of,
)
from mocklend.bureau.reports import RecordList, SubmissionDoc, records, report, submission
from mocklend.bureau.scores import current_score
from mocklend.domain.nouns import says
from mocklend.domain.problems import Refused
from mocklend.storage.entities import Borrower, PartnerCopy
from mocklend.storage.values import ReportDoc, ScoreDoc
from mocklend.storage.work import Idempotency
from mocklend.validation import Body, OneOf, bounded_str
from mocklend.views import reads
from mocklend.views.reads import Lists

bureau = APIBlueprint("bureau", __name__)

A_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class ScoreQuery(Body):
    """With a `transaction_id`, the first answer is repeated for 24 hours."""

    transaction_id: Annotated[str, bounded_str(64)] | None = Field(
        default=None,
        description="The client's own id for the request. Requests with the same id within 24 hours get the "
        "first answer.",
    )


class LenderList(TypedDict):
    """The partner lenders."""

    lenders: Annotated[list[LenderDoc], says("The lenders, by their ids.")]


class NewApplication(Body):
    """An application for credit at a partner lender."""

    borrower_id: BorrowerId
    product: Annotated[str, OneOf(PRODUCTS)] = Field(description="The kind of credit.")
    amount_minor: MinorAmount = Field(description="The amount of the credit, in minor units.")
    refresh: StrictBool = Field(
        default=False,
        description="True: the lender pulls a new report even if its copy of the last one is still valid.",
    )


@bureau.get("/bureau/borrowers/<id:borrower_id>/inquiries")
@bureau.output(document(InquiriesDoc))
@bureau.doc(**operation("listInquiries", "borrower_unknown"))
def list_inquiries(borrower_id: str) -> Response:
    """The inquiries about a borrower, each with the lender that made it and the answer."""
    with open_snapshot() as snapshot:
        return rendered(inquiries(snapshot, borrower_id))


@bureau.get("/bureau/borrowers/<id:borrower_id>/report")
@bureau.output(document(ReportDoc))
@bureau.doc(**operation("getCreditReport", "borrower_unknown"))
def get_report(borrower_id: str) -> Response:
    """A borrower's credit report."""
    with open_snapshot() as snapshot:
        return rendered(report(snapshot, borrower_id))


@bureau.get("/bureau/borrowers/<id:borrower_id>/score")
@bureau.input(ScoreQuery, location="query", arg_name="query")
@bureau.output(document(ScoreDoc))
@bureau.doc(**operation("getCreditScore", "borrower_unknown"))
def get_score(borrower_id: str, query: ScoreQuery) -> Response:
    """A borrower's credit score. It is refreshed on the 6th of each month."""
    if query.transaction_id is not None and not is_peek():
        return answered(run(AskScore(sandbox_id(), borrower_id, query.transaction_id)))
    with open_snapshot() as snapshot:
        reads.entity(snapshot, Borrower, borrower_id)
        return rendered(current_score(snapshot, borrower_id))


@bureau.get("/bureau/loans/<id:loan_id>/records")
@bureau.output(document(RecordList))
@bureau.doc(**operation("listBureauRecords", "loan_unknown"))
def list_records(loan_id: str) -> Response:
    """The bureau records of a loan, each with its state."""
    with open_snapshot() as snapshot:
        return rendered(records(snapshot, loan_id))


@bureau.get("/bureau/submissions/<id:date>")
@bureau.input(Paged, location="query", arg_name="query")
@bureau.output(document(SubmissionDoc))
@bureau.doc(**operation("getSubmission", "submission_unknown"))
def get_submission(date: str, query: Paged) -> Response:
    """The file of one day that the platform submitted to the bureau."""
    with open_snapshot() as snapshot:
        return rendered(
            submission(snapshot, _date(date), after=decode_cursor(Lists.SUBMISSION, query.cursor), limit=query.limit)
        )


def _date(text: str) -> dt.date:
    try:
        if A_DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise Refused(
        "submission_unknown", "there is no such day", expected="a date like 2026-01-05", received=text, date=text
    )


@bureau.get("/bureau/lenders")
@bureau.output(document(LenderList))
@bureau.doc(**operation("listLenders"))
def list_lenders() -> Response:
    """The partner lenders, with the rules by which they decide."""
    with open_snapshot():
        return rendered(LenderList(lenders=[partner.to_json() for partner in PARTNERS.values()]))


@bureau.post("/bureau/lenders/<id:lender>/applications")
@bureau.input(NewApplication, arg_name="new")
@bureau.output(document(ApplicationDoc), status_code=201)
@bureau.doc(
    **operation("applyAtLender", "lender_unknown", "borrower_unknown", "product_not_offered", moves_money=True)
)  # fmt: skip
def apply(lender: str, new: NewApplication) -> Response:
    """Apply for credit at a partner lender. The inquiry goes on the credit report, and inquiries lower the score."""
    return answered(run(application_of(sandbox_id(), idempotency(), lender, new)))


def application_of(sandbox_id: str, idem: Idempotency, lender: str, new: NewApplication) -> Apply:
    """The command for a request."""
    return Apply(
        sandbox_id,
        idem,
        partner=lender,
        borrower_id=new.borrower_id,
        product=new.product,
        amount_minor=new.amount_minor,
        refresh=new.refresh,
    )


@bureau.get("/bureau/lenders/<id:lender>/copies/<id:borrower_id>")
@bureau.output(document(CopyDoc))
@bureau.doc(**operation("getLenderCopy", "lender_unknown", "copy_unknown"))
def get_copy(lender: str, borrower_id: str) -> Response:
    """A partner lender's copy of a borrower's credit report. It may be older than the report."""
    partner = partner_of(lender)
    with open_snapshot() as snapshot:
        copy = snapshot.find(PartnerCopy, copy_id(partner.id, borrower_id))
        if copy is None:
            raise Refused(
                "copy_unknown",
                f"{partner.name} has no copy of this borrower's report",
                lender=partner.id,
                borrower_id=borrower_id,
            )
        return rendered(copy_doc(copy))
