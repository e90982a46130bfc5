"""The credit bureau: reports, scores, submission files; and the partner lenders that decide by them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import StrictBool

from mocklend.api.answers import answered, rendered
from mocklend.api.asking import lender, run, sandbox_id, snapshot
from mocklend.api.fields import Body, Choice, Doc, Id, MinorAmount, Text
from mocklend.api.idempotency import idempotency
from mocklend.api.lists import Paged, place
from mocklend.api.openapi import described
from mocklend.bureau import Apply, AskScore
from mocklend.bureau.enquiries import enquiries
from mocklend.bureau.partners import PARTNERS, PRODUCTS, REASONS, copy_doc, copy_id, partner_of
from mocklend.bureau.reports import records, report, submission
from mocklend.bureau.scores import current_score
from mocklend.domain.bureau import CLASSES
from mocklend.domain.problems import Refused
from mocklend.storage.entities import PartnerCopy
from mocklend.storage.stores import load_all
from mocklend.views import reads

bureau = APIBlueprint("bureau", __name__)

FiveClass = Annotated[str, Choice(CLASSES)]
A_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class ReportedAccount(Doc):
    """A loan as its lender reported it. `months_24` and `months_60` end with `last_month`, a code a month.

    `/` not opened, `*` nothing was due, `N` paid as agreed, `1` to `7` overdue (up to 30, 60, 90, 120, 150, 180
    days, and more), `C` settled, `B` bad debt, `G` ended otherwise, `#` not reported.
    """

    loan_id: str
    opened: str
    principal_minor: int
    currency: str
    as_of: str
    balance_minor: int
    overdue_minor: int
    days_overdue: int
    status: str
    last_month: str
    months_24: str
    months_60: str
    disputed: bool
    record_state: Annotated[str, Choice(("PUBLISHED", "DISPUTED", "CORRECTED"))]
    published_at: str
    version: int


class ReportDoc(Doc):
    """A borrower's report: what is published of each of their loans. It is at least a day behind the books."""

    borrower_id: str
    as_of: str
    version: int
    accounts: list[ReportedAccount]


class RecordDoc(Doc):
    """One report of a loan. It is never edited: the next one supersedes it."""

    id: str
    loan_id: str
    version: int
    state: Annotated[str, Choice(("SNAPSHOT", "SUBMITTED", "PUBLISHED", "SUPERSEDED"))]
    cause: Annotated[str, Choice(("monthly", "change", "correction"))]
    reason: str | None
    as_of: str
    status: str
    days_overdue: int
    balance_minor: int
    overdue_minor: int
    months: str
    last_month: str
    snapshot_at: str
    submitted_at: str
    published_at: str


class RecordList(Doc):
    """A loan's records, oldest first."""

    loan_id: str
    records: list[RecordDoc]


class SubmissionDoc(Doc):
    """What the lender submitted of a day. `sha256` is of all lines as the file has them, each with its line end."""

    date: str
    count: int
    sha256: str
    lines: list[dict[str, Any]]
    next_cursor: str | None


class ScoreQuery(Body):
    """Under a `transaction_id` the first answer is repeated for 24 hours."""

    transaction_id: Annotated[str, Text(64)] | None = None


class ScoreDoc(Doc):
    """A score from 350 to 950, or N/A where nothing was reported when scores were last made."""

    borrower_id: str
    score: int | str
    transaction_id: str | None
    answered_at: str
    refreshed_at: str
    next_refresh: str


class RuleDoc(Doc):
    """What a lender asks for on a product. `worst_month` is the worst code of the last 24 months that it overlooks."""

    most_minor: int
    least_score: int
    worst_month: int
    score_required: bool


class LenderDoc(Doc):
    """A partner lender, how long it keeps its copy of a report, and its rules."""

    id: str
    name: str
    keeps_days: int
    products: dict[str, RuleDoc]


class LenderList(Doc):
    """The partner lenders."""

    lenders: list[LenderDoc]


class NewApplication(Body):
    """What is applied for. With `refresh` the lender pulls a new report although its copy would do."""

    borrower_id: Id
    product: Annotated[str, Choice(PRODUCTS)]
    amount_minor: MinorAmount
    refresh: StrictBool = False


class ApplicationDoc(Doc):
    """A decision, and the copy of the report that it was made by."""

    id: str
    lender: str
    borrower_id: str
    product: Annotated[str, Choice(PRODUCTS)]
    amount_minor: int
    decision: Annotated[str, Choice(("APPROVED", "REFUSED"))]
    reasons: list[Annotated[str, Choice(tuple(REASONS))]]
    report_version: int
    report_pulled_at: str
    score: int | str
    created_at: str


class CopyDoc(Doc):
    """The report and score that a lender keeps of somebody."""

    lender: str
    borrower_id: str
    pulled_at: str
    expires_at: str
    report: dict[str, Any]
    score: int | str


class ScoreEnquiry(Doc):
    """A score that was answered under a transaction id. Asked again, it is repeated until `remembered_until`."""

    id: str
    transaction_id: str
    score: int | str
    answered_at: str
    refreshed_at: str
    remembered_until: str


class ApplicationEnquiry(Doc):
    """An application to a lender, with the age of the report that decided it."""

    id: str
    lender: str
    product: str
    decision: str
    score: int | str
    asked_anew: bool
    report_pulled_at: str
    created_at: str


class EnquiriesDoc(Doc):
    """Who asked about a borrower, oldest first; applications by lender."""

    borrower_id: str
    scores: list[ScoreEnquiry]
    applications: list[ApplicationEnquiry]


@bureau.get("/bureau/borrowers/<id:borrower_id>/enquiries")
@bureau.output(EnquiriesDoc)
@bureau.doc(**described("listEnquiries", "borrower_unknown"))
def list_enquiries(borrower_id: str) -> Response:
    """Who asked the bureau about a borrower, and what they were told."""
    with snapshot() as (connection, sandbox, _):
        return rendered(enquiries(connection, sandbox, borrower_id))


@bureau.get("/bureau/borrowers/<id:borrower_id>/report")
@bureau.output(ReportDoc)
@bureau.doc(**described("getCreditReport", "borrower_unknown"))
def get_report(borrower_id: str) -> Response:
    """What the bureau says of a borrower."""
    with snapshot() as (connection, sandbox, now_ms):
        return rendered(report(connection, sandbox, now_ms, borrower_id))


@bureau.get("/bureau/borrowers/<id:borrower_id>/score")
@bureau.input(ScoreQuery, location="query", arg_name="query")
@bureau.output(ScoreDoc)
@bureau.doc(**described("getCreditScore", "borrower_unknown"))
def get_score(borrower_id: str, query: ScoreQuery) -> Response:
    """The score, made anew on the 6th of each month."""
    if query.transaction_id is not None:
        return answered(run(AskScore(sandbox_id(), borrower_id, query.transaction_id)))
    with snapshot() as (connection, sandbox, now_ms):
        reads.entity(connection, sandbox, "borrower", borrower_id)
        return rendered(current_score(connection, lender().sandbox(connection, sandbox), now_ms, borrower_id))


@bureau.get("/bureau/loans/<id:loan_id>/records")
@bureau.output(RecordList)
@bureau.doc(**described("listBureauRecords", "loan_unknown"))
def list_records(loan_id: str) -> Response:
    """Everything that was reported of a loan, and how far each record has come."""
    with snapshot() as (connection, sandbox, now_ms):
        return rendered(records(connection, sandbox, now_ms, loan_id))


@bureau.get("/bureau/submissions/<id:date>")
@bureau.input(Paged, location="query", arg_name="query")
@bureau.output(SubmissionDoc)
@bureau.doc(**described("getSubmission", "submission_unknown"))
def get_submission(date: str, query: Paged) -> Response:
    """The file that the lender submitted of a day."""
    with snapshot() as (connection, sandbox, now_ms):
        found = submission(connection, sandbox, now_ms, _date(date), after=place(query.cursor), limit=query.limit)
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
    with snapshot():
        return rendered({"lenders": [partner.to_json() for partner in PARTNERS.values()]})


@bureau.post("/bureau/lenders/<id:lender>/applications")
@bureau.input(NewApplication, arg_name="new")
@bureau.output(ApplicationDoc, status_code=201)
@bureau.doc(
    **described("applyAtLender", "lender_unknown", "borrower_unknown", "product_not_offered", moves_money=True)
)  # fmt: skip
def apply(lender: str, new: NewApplication) -> Response:
    """Apply to a partner lender. It is an enquiry on record, and enquiries cost score."""
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
@bureau.output(CopyDoc)
@bureau.doc(**described("getLenderCopy", "lender_unknown", "copy_unknown"))
def get_copy(lender: str, borrower_id: str) -> Response:
    """The copy that a lender keeps. It may be older than the report."""
    partner = partner_of(lender)
    with snapshot() as (connection, sandbox, _):
        key = (sandbox, ("partner_copy", copy_id(partner.id, borrower_id)))
        copy: PartnerCopy | None = load_all(connection, [key])[key]
        if copy is None:
            raise Refused(
                "copy_unknown",
                f"{partner.name} has no copy of this borrower's report",
                lender=partner.id,
                borrower_id=borrower_id,
            )
        return rendered(copy_doc(copy))
