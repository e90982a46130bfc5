"""The credit bureau: reports, scores, submission files; and the partner lenders that decide by them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool

from mocklend.api.documents import document
from mocklend.api.fields import Currency, Doc, MinorAmount
from mocklend.api.idempotency import idempotency
from mocklend.api.nouns import BorrowerId, CreatedAt, LoanId, NextCursor, PrincipalMinor
from mocklend.api.openapi import described
from mocklend.api.pagination import Paged, place
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.bureau import Apply, AskScore
from mocklend.bureau.inquiries import inquiries
from mocklend.bureau.partners import PARTNERS, PRODUCTS, ApplicationDoc, CopyDoc, copy_doc, copy_id, partner_of
from mocklend.bureau.reports import records, report, submission
from mocklend.bureau.scores import current_score
from mocklend.domain.bureau import CLASSES
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import RecordState
from mocklend.storage.entities import Borrower, PartnerCopy
from mocklend.storage.values import ReportDoc, ScoreDoc
from mocklend.validation import Body, OneOf, bounded_str
from mocklend.views import reads

bureau = APIBlueprint("bureau", __name__)

FiveClass = Annotated[str, OneOf(CLASSES)]
A_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class RecordDoc(Doc):
    """One report of a loan. It is never edited: the next one supersedes it."""

    id: str = Field(description="The record's id.")
    loan_id: LoanId
    version: int = Field(description="The number of the loan's record, from 1.")
    state: Annotated[str, OneOf(tuple(RecordState))] = Field(
        description="SNAPSHOT taken by the lender, SUBMITTED to the bureau, PUBLISHED, or SUPERSEDED by the next."
    )
    cause: Annotated[str, OneOf(("monthly", "change", "correction"))] = Field(
        description="Why it was reported: `monthly`, a `change` of status, or a `correction`."
    )
    reason: str | None = Field(description="What was corrected; null for the other causes.")
    as_of: str = Field(description="The day that the record describes, like 2026-01-05.")
    status: str = Field(description="The account's status in the report's own words.")
    days_overdue: int = Field(description="Days past due on that day; 0 where nothing was overdue.")
    balance_minor: int = Field(description="What was owed on that day, in minor units.")
    overdue_minor: int = Field(description="What was overdue on that day, in minor units.")
    months: str = Field(description="A code for each of the last months, the oldest first, as in the report.")
    last_month: str = Field(description="The last of those months, like 2026-01.")
    snapshot_at: str = Field(description="When the lender took the figures. RFC 3339, on the sandbox's clock.")
    submitted_at: str = Field(description="When the lender submits them. RFC 3339, on the sandbox's clock.")
    published_at: str = Field(description="When the bureau publishes them. RFC 3339, on the sandbox's clock.")


class RecordList(Doc):
    """A loan's records, oldest first."""

    loan_id: LoanId
    records: list[RecordDoc] = Field(description="The records, oldest first.")


class SubmissionLine(Doc):
    """One record of the file: a loan on a day."""

    record: str = Field(description="The record's id.")
    loan_id: LoanId
    borrower_id: BorrowerId
    cause: Annotated[str, OneOf(("monthly", "change", "correction"))] = Field(description="Why it is reported.")
    currency: Currency
    opened: str = Field(description="The day on which the loan was paid out, like 2026-01-05.")
    principal_minor: PrincipalMinor
    as_of: str = Field(description="The day that the line describes, like 2026-01-05.")
    status: str = Field(description="The loan's status on that day.")
    five_class: str = Field(description="The class of risk on that day, of the five that banks report.")
    days_overdue: int = Field(description="Days past due on that day; 0 where nothing was overdue.")
    balance_minor: int = Field(description="What was owed on that day, in minor units of `currency`.")
    overdue_minor: int = Field(description="What was overdue on that day, in minor units of `currency`.")
    month: str = Field(description="The month of `month_status`, like 2026-01.")
    month_status: str = Field(description="The month's code, as in the report.")


class SubmissionDoc(Doc):
    """What the lender submitted of a day. `sha256` is of all lines as the file has them, each with its line end."""

    date: str = Field(description="The day of the submission, like 2026-01-05.")
    count: int = Field(description="How many lines the whole file has.")
    sha256: str = Field(description="SHA-256 of the whole file, in small hexadecimal digits.")
    lines: list[SubmissionLine] = Field(description="The lines of this page.")
    next_cursor: NextCursor | None


class ScoreQuery(Body):
    """Under a `transaction_id` the first answer is repeated for 24 hours."""

    transaction_id: Annotated[str, bounded_str(64)] | None = Field(
        default=None,
        description="The client's own id of the question: asked again under it within 24 hours, the first "
        "answer is repeated.",
    )


class RuleDoc(Doc):
    """What a lender asks for on a product. `worst_month` is the worst code of the last 24 months that it overlooks."""

    amount_minor_max: int = Field(description="The most that is lent on the product, in minor units.")
    score_min: int = Field(description="The least score that is accepted.")
    worst_month: int = Field(
        description="The worst code of the last 24 months that is overlooked: 0 none, 1 to 7 as in the report."
    )
    score_required: bool = Field(description="Whether somebody without a score is refused.")


class LenderDoc(Doc):
    """A partner lender, how long it keeps its copy of a report, and its rules."""

    id: str = Field(description="The lender's id.")
    name: str = Field(description="The lender's name.")
    keeps_days: int = Field(
        description="How many days the lender keeps its copy of a report before it pulls a new one."
    )
    products: dict[str, RuleDoc] = Field(description="What the lender asks for, by product.")


class LenderList(Doc):
    """The partner lenders."""

    lenders: list[LenderDoc] = Field(description="The lenders, by their ids.")


class NewApplication(Body):
    """What is applied for. With `refresh` the lender pulls a new report although its copy would do."""

    borrower_id: BorrowerId
    product: Annotated[str, OneOf(PRODUCTS)] = Field(description="What kind of credit is applied for.")
    amount_minor: MinorAmount = Field(description="How much is applied for, in minor units.")
    refresh: StrictBool = Field(
        default=False, description="True: the lender pulls a new report although its copy would do."
    )


class ScoreInquiry(Doc):
    """A score that was answered under a transaction id. Asked again, it is repeated until `remembered_until`."""

    id: str = Field(description="The inquiry's id.")
    transaction_id: str = Field(description="The id under which the score was asked for.")
    score: int | str = Field(description="What was answered: 350 to 950, or the text N/A.")
    answered_at: str = Field(description="When it was first answered. RFC 3339, on the sandbox's clock.")
    refreshed_at: str = Field(description="When that score was made. RFC 3339, on the sandbox's clock.")
    remembered_until: str = Field(
        description="Until when the same id gets the same answer. RFC 3339, on the sandbox's clock."
    )


class ApplicationInquiry(Doc):
    """An application to a lender, with the age of the report that decided it."""

    id: str = Field(description="The application's id.")
    lender: str = Field(description="The lender's id.")
    product: str = Field(description="What kind of credit was applied for.")
    decision: str = Field(description="APPROVED or REFUSED.")
    score: int | str = Field(description="The score that decided it: 350 to 950, or the text N/A.")
    asked_anew: bool = Field(description="Whether the lender pulled a new report for it.")
    report_pulled_at: str = Field(
        description="When the lender had pulled the report that decided it. RFC 3339, on the sandbox's clock."
    )
    created_at: CreatedAt


class InquiriesDoc(Doc):
    """Who asked about a borrower, oldest first; applications by lender."""

    borrower_id: BorrowerId
    scores: list[ScoreInquiry] = Field(description="Scores that were asked for under a transaction id.")
    applications: list[ApplicationInquiry] = Field(description="Applications to lenders.")


@bureau.get("/bureau/borrowers/<id:borrower_id>/inquiries")
@bureau.output(InquiriesDoc)
@bureau.doc(**described("listInquiries", "borrower_unknown"))
def list_inquiries(borrower_id: str) -> Response:
    """Who asked the bureau about a borrower, and what they were told."""
    with open_snapshot() as snapshot:
        return rendered(inquiries(snapshot, borrower_id))


@bureau.get("/bureau/borrowers/<id:borrower_id>/report")
@bureau.output(document(ReportDoc))
@bureau.doc(**described("getCreditReport", "borrower_unknown"))
def get_report(borrower_id: str) -> Response:
    """What the bureau says of a borrower."""
    with open_snapshot() as snapshot:
        return rendered(report(snapshot, borrower_id))


@bureau.get("/bureau/borrowers/<id:borrower_id>/score")
@bureau.input(ScoreQuery, location="query", arg_name="query")
@bureau.output(document(ScoreDoc))
@bureau.doc(**described("getCreditScore", "borrower_unknown"))
def get_score(borrower_id: str, query: ScoreQuery) -> Response:
    """The score, made anew on the 6th of each month."""
    if query.transaction_id is not None:
        return answered(run(AskScore(sandbox_id(), borrower_id, query.transaction_id)))
    with open_snapshot() as snapshot:
        reads.entity(snapshot, Borrower, borrower_id)
        return rendered(current_score(snapshot, borrower_id))


@bureau.get("/bureau/loans/<id:loan_id>/records")
@bureau.output(RecordList)
@bureau.doc(**described("listBureauRecords", "loan_unknown"))
def list_records(loan_id: str) -> Response:
    """Everything that was reported of a loan, and how far each record has come."""
    with open_snapshot() as snapshot:
        return rendered(records(snapshot, loan_id))


@bureau.get("/bureau/submissions/<id:date>")
@bureau.input(Paged, location="query", arg_name="query")
@bureau.output(SubmissionDoc)
@bureau.doc(**described("getSubmission", "submission_unknown"))
def get_submission(date: str, query: Paged) -> Response:
    """The file that the lender submitted of a day."""
    with open_snapshot() as snapshot:
        found = submission(snapshot, _date(date), after=place(query.cursor), limit=query.limit)
        return rendered(found)


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
@bureau.output(LenderList)
@bureau.doc(**described("listLenders"))
def list_lenders() -> Response:
    """The partner lenders, with the rules that they decide by."""
    with open_snapshot():
        return rendered({"lenders": [partner.to_json() for partner in PARTNERS.values()]})


@bureau.post("/bureau/lenders/<id:lender>/applications")
@bureau.input(NewApplication, arg_name="new")
@bureau.output(document(ApplicationDoc), status_code=201)
@bureau.doc(
    **described("applyAtLender", "lender_unknown", "borrower_unknown", "product_not_offered", moves_money=True)
)  # fmt: skip
def apply(lender: str, new: NewApplication) -> Response:
    """Apply to a partner lender. It is an inquiry on record, and inquiries cost score."""
    command = Apply(
        sandbox_id(),
        idempotency(),
        partner=lender,
        borrower_id=new.borrower_id,
        product=new.product,
        amount_minor=new.amount_minor,
        refresh=new.refresh,
    )
    return answered(run(command))


@bureau.get("/bureau/lenders/<id:lender>/copies/<id:borrower_id>")
@bureau.output(document(CopyDoc))
@bureau.doc(**described("getLenderCopy", "lender_unknown", "copy_unknown"))
def get_copy(lender: str, borrower_id: str) -> Response:
    """The copy that a lender keeps. It may be older than the report."""
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
