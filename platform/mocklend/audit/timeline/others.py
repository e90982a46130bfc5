"""What bureau, lenders, monitoring, people and faults did, and what a client asked that left no row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from mocklend.audit.chain.docs import Param
from mocklend.audit.chain.subject import Subject
from mocklend.audit.timeline.docs import Code, Kind, Party
from mocklend.audit.timeline.event import Asked, Event, Place
from mocklend.bureau.partners import partner_of
from mocklend.bureau.reporting import history_of
from mocklend.bureau.scores import refresh_before
from mocklend.domain.bureau import INQUIRY_DAYS, History, score
from mocklend.monitoring.alerts import AlertDoc
from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.seams.layer import TracedInjection
from mocklend.seams.view_refresh import NEVER_MS
from mocklend.storage.entities import Application, BureauRecord, OperatorAction

APPLICATIONS_MAX, REFRESHES_MAX, DAY_MS = 200, 24, 86_400_000


def page_events(subject: Subject) -> Iterator[Event]:
    """The versions of the page that a view still shows or will show, each when the page gets it."""
    loan = subject.loan
    for version in loan.view_versions:
        at_ms = version.showing.page_ms
        if at_ms < NEVER_MS:
            params: dict[str, Param] = {
                "version": version.version, "status": str(version.status),
                "outstanding_minor": version.outstanding_minor,
            }  # fmt: skip
            yield Event(
                at_ms, Place.SHOWING, Party.PAGE, Kind.VIEWS, Code.PAGE_SHOWN, None, version.outstanding_minor, params,
                about=f".{version.version}",
            )  # fmt: skip


def bureau_events(subject: Subject) -> Iterator[Event]:
    """Reports as they were published, scores as they changed, and what lenders decided by them."""
    snapshot, borrower = subject.snapshot, subject.borrower
    reporting = subject.audited.reporting
    for record in reporting.records if reporting is not None else ():
        if record.published_ms <= snapshot.now_ms:
            yield Event(
                record.published_ms, Place.PUBLISHING, Party.BUREAU, Kind.VIEWS, Code.REPORT_PUBLISHED, record.id,
                record.overdue_minor,
                {
                    "status": str(record.status), "days": record.days_overdue, "five_class": record.five_class,
                    "balance_minor": record.balance_minor, "as_of": record.as_of, "cause": record.cause,
                },
                record=record,
            )  # fmt: skip
    applications = snapshot.where(
        Application,
        "borrower_id = :borrower_id ORDER BY created_ms DESC, id LIMIT :most",
        borrower_id=borrower.id,
        most=APPLICATIONS_MAX,
    )[::-1]
    yield from _scores(subject, applications)
    for application in applications:
        lender = partner_of(application.partner).name
        params: dict[str, Param] = {
            "lender": lender, "product": application.product, "amount_minor": application.amount_minor,
            "decision": application.decision, "score": application.score, "reasons": ", ".join(application.reasons),
        }  # fmt: skip
        yield Event(
            application.created_ms, Place.DECIDING, Party.LENDER, Kind.VIEWS, Code.DECIDED, application.id,
            application.amount_minor, params,
            record=_newest(reporting.records if reporting is not None else (), application.pulled_ms),
        )  # fmt: skip
    for dispute in subject.disputes:
        yield Event(
            dispute.created_ms, Place.ASKING, Party.CLIENT, Kind.REQUESTS, Code.DISPUTED, dispute.id, None,
            {"claim": dispute.claim},
        )  # fmt: skip


def _newest(records: Sequence[BureauRecord], at_ms: int) -> BureauRecord | None:
    return next((record for record in reversed(records) if record.published_ms <= at_ms), None)


def _scores(subject: Subject, applications: Sequence[Application]) -> Iterator[Event]:
    """Each refresh at which the score changed, from all records of the borrower and the inquiries."""
    snapshot, zone = subject.snapshot, subject.snapshot.sandbox.zone
    records = snapshot.where(
        BureauRecord, "borrower_id = :borrower_id ORDER BY published_ms, loan_id", borrower_id=subject.borrower.id
    )
    if not records:
        return
    computed: list[tuple[int, int | None, BureauRecord | None]] = []
    at = refresh_before(snapshot.now_ms, zone)
    for _ in range(REFRESHES_MAX):
        newest = {record.loan_id: record for record in records if record.published_ms <= at.at_ms}
        histories = [history for record in newest.values() if (history := history_of(record)) is not None]
        computed.append((at.at_ms, _score(histories, applications, at.at_ms, at.day), newest.get(subject.loan.id)))
        if at.at_ms < records[0].published_ms:
            break
        at = refresh_before(at.at_ms - 1, zone)
    for (_, before, _), (at_ms, value, record) in zip(computed[:0:-1], computed[-2::-1], strict=True):
        if before != value:
            yield Event(
                at_ms, Place.PUBLISHING, Party.BUREAU, Kind.VIEWS, Code.SCORE_COMPUTED, subject.borrower.id, None,
                {"before": "N/A" if before is None else before, "score": "N/A" if value is None else value},
                record=record, about=f".{at_ms}",
            )  # fmt: skip


def _score(histories: Iterable[History], applications: Iterable[Application], at_ms: int, on: date) -> int | None:
    since_ms = at_ms - INQUIRY_DAYS * DAY_MS
    return score(histories, sum(since_ms <= each.created_ms < at_ms for each in applications), on)


def people_events(subject: Subject) -> Iterator[Event]:
    """What operators did, by the operator log, and the progress of disputes."""
    actions = subject.snapshot.where(
        OperatorAction, "loan_id = :loan_id ORDER BY at_ms, version, id", loan_id=subject.loan.id
    )
    for action in actions:
        params: dict[str, Param] = {
            "operator": action.operator, "action": action.action, "about": action.about, "memo": action.memo,
        }  # fmt: skip
        yield Event(
            action.at_ms, Place.ACTING, Party.PEOPLE, Kind.PEOPLE, Code.OPERATOR_ACTED, action.about, None, params,
            about=f".{action.id}",
        )  # fmt: skip
    for dispute in subject.disputes:
        for n, step in enumerate(dispute.progress):
            yield Event(
                parse_rfc3339(step["at"]), Place.ACTING, Party.PEOPLE, Kind.PEOPLE, Code.DISPUTE_MOVED, dispute.id,
                None, {"state": step["state"], "note": step["note"]}, about=f".{n}",
            )  # fmt: skip


def alert_events(alerts: Iterable[AlertDoc]) -> Iterator[Event]:
    """What monitoring has noticed and still lists."""
    for alert in alerts:
        yield Event(
            parse_rfc3339(alert["raised_at"]), Place.ALERTING, Party.MONITORING, Kind.ALERTS, Code.ALERT_RAISED,
            alert["entity"], alert["amount_minor"], {"check": alert["check"], "detail": alert["detail"]},
            about=f".{alert['check']}",
        )  # fmt: skip


def lie_events(traced: Iterable[TracedInjection]) -> Iterator[Event]:
    """What faults did, and when that ended."""
    for injection in traced:
        params: dict[str, Param] = {
            "title": injection.title or injection.fault, "fault": injection.fault, "seam": injection.seam,
            "rule": injection.rule,
        }  # fmt: skip
        amount = injection.finding.amount_minor or None
        yield Event(
            injection.at_ms, Place.LYING, Party.LIE, Kind.LIES, Code.INJECTED, injection.id, amount, params,
            injection=injection.id,
        )  # fmt: skip
        if injection.ended_ms is not None and injection.ended_ms > injection.at_ms:
            yield Event(
                injection.ended_ms, Place.LYING, Party.LIE, Kind.LIES, Code.INJECTION_ENDED, injection.id, amount,
                params, injection=injection.id,
            )  # fmt: skip


def asked_events(subject: Subject, asked: Iterable[Asked], known: set[str]) -> Iterator[Event]:
    """Requests that name this loan and changed nothing that has an event: quotes, and what was refused."""
    for request in asked:
        if subject.loan.id not in request.path or request.method == "GET" or request.entity in known:
            continue
        quoted = request.path.endswith("/quotes") and request.status < 300
        params: dict[str, Param] = {
            "method": request.method, "path": request.path, "status": request.status,
            "amount_minor": request.amount_minor,
        }  # fmt: skip
        yield Event(
            request.at_ms, Place.ASKING, Party.CLIENT, Kind.REQUESTS, Code.QUOTED if quoted else Code.REQUESTED,
            request.entity or request.id, request.amount_minor, params, about=f".{request.id}",
        )  # fmt: skip
