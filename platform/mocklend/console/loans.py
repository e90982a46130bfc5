"""The pages Loans and Loan."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, render_template, request

from mocklend.api.asked import AskedOfApp
from mocklend.api.loans import LoanQuery
from mocklend.api.pagination import decode_cursor
from mocklend.audit.chain import said_of, traced_loan, views_of
from mocklend.audit.chain.docs import AnswerDoc, View, ViewsDoc
from mocklend.audit.chain.subject import Subject
from mocklend.audit.timeline import Asked, TimelineDoc, timeline_of
from mocklend.console.chain import Wording, draw
from mocklend.console.formats import Formats, indented
from mocklend.console.forms import Filled, read_form
from mocklend.console.loan_forms import FORMS
from mocklend.console.mount import ASKED
from mocklend.console.remedies import evidence_of, form_address, remedies_of
from mocklend.console.timeline import KINDS, PARTIES, draw_timeline
from mocklend.console.visit import open_snapshot, platform, visit
from mocklend.console.words import LOAN_STATUS
from mocklend.domain.problems import Refused
from mocklend.lending import found
from mocklend.monitoring.alerts import CHECKS
from mocklend.storage.entities import Borrower, Loan
from mocklend.views import reads
from mocklend.views.reads import Lists

loan_pages = Blueprint("loans", __name__)

SHOWN = ("q", "status", "cursor")
"""The query parameters of the list."""
SHOWN_MAX = 4_000
"""How many characters of a body are shown."""


@loan_pages.get("/loans")
def loans() -> str:
    """The loans of the sandbox, as their list shows them."""
    filled, query = Filled(), LoanQuery()
    try:
        query = read_form(LoanQuery, {name: request.args.get(name) for name in SHOWN})
    except Refused as refused:
        filled = Filled.refused_with(refused)
    with open_snapshot() as snapshot:
        listed = found.found_loans(
            snapshot,
            q=query.q,
            status=query.status,
            order=found.NEWEST,
            after=decode_cursor(found.list_of(Lists.LOANS, query.q, found.NEWEST), query.cursor),
            limit=query.limit,
        )
        borrowers = snapshot.find_all(Borrower, [loan["borrower_id"] for loan in listed["loans"]])
    return render_template(
        "loans.html",
        filled=filled,
        loans=listed["loans"],
        names={borrower.id: borrower.name for borrower in borrowers},
        next=listed["next_cursor"],
        query=query,
        status_words=LOAN_STATUS,
        statuses=list(LOAN_STATUS),
    )


def _asked_about(subject: Subject) -> Sequence[Asked]:
    """The requests about a loan and its newest money that the API has logged."""
    log: AskedOfApp | None = request.environ.get(ASKED)
    if log is None:
        return ()
    return log.of(
        subject.snapshot.sandbox,
        [subject.loan.id, *(trade.id for trade in subject.trades), *(order.id for order in subject.orders)],
    )


def _page_answer(views: ViewsDoc) -> AnswerDoc | None:
    """What a client gets that asks for the status page now; None where it gets the page."""
    return next((row["answer"] for row in views["rows"] if row["view"] == View.PAGE), None)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as an opened event shows them: bodies as indented JSON, cut off."""

    method: str
    path: str
    body: str
    status: int
    answer: str


def _asked_behind(timeline: TimelineDoc, event_id: str) -> Exchange | None:
    """The request that an event came from, if the API has it in its log."""
    log: AskedOfApp | None = request.environ.get(ASKED)
    ids = [event["request_id"] for event in timeline["events"] if event["id"] == event_id]
    entry = log.logged(visit().sandbox_id, ids[0]) if log is not None and ids and ids[0] is not None else None
    if entry is None:
        return None
    return Exchange(entry.method, entry.path, as_text(entry.body), entry.status, as_text(entry.answer))


def as_text(data: bytes) -> str:
    """What was sent, as text: a request that was refused may be anything."""
    text = data.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = indented(text).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


def _event_of(timeline: TimelineDoc, ref: str) -> str | None:
    """The newest event of a timeline that is about this, by its id."""
    return next((event["id"] for event in reversed(timeline["events"]) if ref and event["ref"] == ref), None)


@loan_pages.get("/loans/<loan_id>")
def loan(loan_id: str) -> str:
    """One loan: what is true, and what each view says of it. Without the truth: only what each view says."""
    views, timeline, said = None, None, None
    kind = request.args.get("kind") if request.args.get("kind") in KINDS else None
    with open_snapshot() as snapshot:
        entity = reads.entity(snapshot, Loan, loan_id)
        borrower = snapshot.get(Borrower, entity.borrower_id)
        if visit().shows_truth:
            traced = traced_loan(snapshot, platform().layer, loan_id)
            views = views_of(traced)
            timeline = timeline_of(
                traced,
                _asked_about(traced.subject),
                kind=kind,
                after=decode_cursor(Lists.TIMELINE, request.args.get("after"), "after"),
                newest_first=True,
            )
            timeline["events"].reverse()
        else:
            said = said_of(snapshot, loan_id)
        write = Formats(visit().language, snapshot.sandbox.zone)
    return render_template(
        "loan.html",
        borrower=borrower,
        asked=None if timeline is None else _asked_behind(timeline, request.args.get("event", "")),
        checks=CHECKS,
        done=FORMS.get(request.args.get("done", "")),
        done_event=None if timeline is None else _event_of(timeline, request.args.get("ref", "")),
        drawn=None if views is None else draw(views, every="all" in request.args),
        drawn_timeline=None if timeline is None else draw_timeline(timeline, write),
        event_kinds=KINDS,
        evidence={} if views is None else evidence_of(views),
        form=partial(form_address, loan_id),
        kind=kind,
        loan=entity,
        page_answer=None if views is None else _page_answer(views),
        parties=PARTIES,
        said=said,
        remedies=[] if views is None else remedies_of(views),
        status_words=LOAN_STATUS,
        timeline=timeline,
        views=views,
        wording=Wording(visit(), write, entity.currency),
    )
