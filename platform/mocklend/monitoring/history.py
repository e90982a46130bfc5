"""The alerts of one run of the checks compared with those of the run before: what is new, what is still there or gone.

        alerts of now ──┬── not kept yet ──▶ opened
                        └── kept, open ────▶ seen again
        kept, open, and not among those of now ──▶ closed

A run looks at every loan, so it is made when somebody asks for it, and its result is kept: OPEN_MAX open alerts, those
that were raised first, and the CLOSED_MAX that were closed last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypedDict

from mocklend.documents import rendering
from mocklend.domain.nouns import NextCursor, says
from mocklend.language import Language
from mocklend.monitoring.alerts import Alert, AlertDoc, alert_doc, alerts
from mocklend.monitoring.sentences import Show, shown
from mocklend.sandboxes.jobs import Progress
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.scheduling.background import JobDoc, Made
from mocklend.storage.changes import number_of_loans
from mocklend.storage.entities import AlertRun
from mocklend.storage.schema import KeptAlertRow
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.statements import ENTITIES, FACTS, JOURNAL, VIEWS, Value, statement
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.views.reads import Lists, cursor, numbered_place

OPEN_MAX, CLOSED_MAX = 1_000, 1_000
OPEN, CLOSED = "open", "closed"
STATES = (OPEN, CLOSED)
LAST = "last"
"""The id of the row of the last run."""

_COLUMNS = KeptAlertRow.__struct_fields__
_KEY = "sandbox_id = :sandbox_id AND opened_run = :opened_run AND id = :id"
INSERT = statement(
    "kept_alerts.insert",
    f"INSERT INTO kept_alerts (sandbox_id, {', '.join(_COLUMNS)}) "
    f"VALUES (:sandbox_id, {', '.join(f':{name}' for name in _COLUMNS)})",
    rank=ENTITIES,
)
CHANGE = statement(
    "kept_alerts.change",
    f"""UPDATE kept_alerts SET loan_id = :loan_id, amount_minor = :amount_minor, since_ms = :since_ms,
            raised_ms = :raised_ms, detail = :detail WHERE {_KEY}""",
    rank=JOURNAL,
)
CLOSE = statement("kept_alerts.close", f"UPDATE kept_alerts SET closed_ms = :at_ms WHERE {_KEY}", rank=JOURNAL)
SEE = statement(
    "kept_alerts.see",
    "UPDATE kept_alerts SET seen_ms = :at_ms WHERE sandbox_id = :sandbox_id AND closed_ms IS NULL",
    rank=FACTS,
)
FORGET = statement("kept_alerts.forget", f"DELETE FROM kept_alerts WHERE {_KEY}", rank=VIEWS)

_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM kept_alerts WHERE sandbox_id = :sandbox_id"
KEPT = _SELECT
"""The SQL of all alerts that are kept."""
_OPEN = f"{_SELECT} AND closed_ms IS NULL ORDER BY opened_run, id"
_CLOSED_KEYS = """SELECT opened_run, id FROM kept_alerts WHERE sandbox_id = :sandbox_id AND closed_ms IS NOT NULL
    ORDER BY closed_ms DESC, opened_run DESC, id"""
_LISTED = f"{_SELECT} {{filters}} ORDER BY opened_run DESC, id LIMIT :most"
_IN_STATE = {OPEN: "AND closed_ms IS NULL", CLOSED: "AND closed_ms IS NOT NULL"}


class _Place(NamedTuple):
    opened_run: int
    id: str


class AlertRunDoc(TypedDict):
    """A run of the checks, whose result is kept."""

    n: Annotated[int, says("The number of the run, from 1.")]
    at: Annotated[str, says("Of when its result is. RFC 3339, on the sandbox's clock.")]
    open: Annotated[int, says("How many alerts there were.")]
    opened: Annotated[int, says("How many of them were not open at the run before, and are kept from now on.")]
    closed: Annotated[int, says("How many alerts of the run before are gone.")]
    left_out: Annotated[int, says("How many of the open alerts are not kept: 1,000 are, those that were raised first.")]


class AlertRunJobDoc(JobDoc):
    """A run of the checks beside the request that began it. The last one that is done is kept."""

    result: Annotated[AlertRunDoc | None, says("What the run has seen, in numbers, once it is done; null before.")]


class KeptAlertDoc(AlertDoc):
    """An alert that a run of the checks has seen. Its other fields are as of the last run that saw it."""

    opened_at: Annotated[str, says("When a run saw it first. RFC 3339, on the sandbox's clock.")]
    seen_at: Annotated[str, says("When a run saw it last. RFC 3339, on the sandbox's clock.")]
    closed_at: Annotated[
        str | None, says("When a run did not see it any more; null while it is open. RFC 3339, on the sandbox's clock.")
    ]


class AlertHistory(TypedDict):
    """A page of the alerts that are kept, and the last run of the checks."""

    last_run: Annotated[AlertRunDoc | None, says("The last run; null if there was none since the last reset.")]
    alerts: Annotated[list[KeptAlertDoc], says("The alerts of this page: those that were opened last come first.")]
    next_cursor: NextCursor | None


alert_run_doc = rendering(AlertRun, AlertRunDoc)


@dataclass(frozen=True, slots=True)
class KeepAlerts:
    """Keep what a run of the checks has seen. No effect if another run was kept meanwhile, or the sandbox was reset."""

    sandbox_id: str
    resets: int
    run: AlertRun
    opened: Sequence[KeptAlertRow]
    changed: Sequence[KeptAlertRow]
    closed: Sequence[_Place]
    forgotten: Sequence[_Place]
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The last run."""
        return (("alert_run", LAST),)

    def decide(self, work: Work) -> Answer:
        """200 and the run: this one, or the one that was kept meanwhile."""
        last = work.find(AlertRun, LAST)
        if work.sandbox.resets != self.resets:
            return Answer(200, alert_run_doc(self.run))
        if last is not None and last.n >= self.run.n:
            return Answer(200, alert_run_doc(last))
        at_ms = self.run.at_ms
        for row in self.opened:
            work.write(INSERT, **{name: getattr(row, name) for name in _COLUMNS})
        for row in self.changed:
            work.write(
                CHANGE, opened_run=row.opened_run, id=row.id, loan_id=row.loan_id, amount_minor=row.amount_minor,
                since_ms=row.since_ms, raised_ms=row.raised_ms, detail=row.detail,
            )  # fmt: skip
        for place in self.closed:
            work.write(CLOSE, at_ms=at_ms, opened_run=place.opened_run, id=place.id)
        work.write(SEE, at_ms=at_ms)
        for place in self.forgotten:
            work.write(FORGET, opened_run=place.opened_run, id=place.id)
        work.put(self.run)
        return Answer(200, alert_run_doc(self.run))


def checks_task(snapshot: Snapshot, progress: Progress) -> Made:
    """A run of the checks as a job: its result is the kept run."""
    command = run_checks(snapshot, progress)
    return Made({}, number_of_loans(snapshot), command=command)


def run_checks(snapshot: Snapshot, progress: Progress | None = None) -> KeepAlerts:
    """Run every check, and compare what it sees with what is kept. The command keeps the result."""
    last, now_ms = last_run(snapshot), snapshot.now_ms
    n = 1 if last is None else last.n + 1
    seen = {alert.id: alert for alert in alerts(snapshot, limit=None, progress=progress).alerts}
    kept = {row.id: row for row in snapshot.rows(KeptAlertRow, _OPEN)}
    closed = [_Place(row.opened_run, row.id) for row in kept.values() if row.id not in seen]
    room = OPEN_MAX - (len(kept) - len(closed))
    new = sorted(
        (alert for alert in seen.values() if alert.id not in kept), key=lambda alert: (alert.raised_ms, alert.id)
    )
    opened = [_row(alert, n, now_ms, now_ms) for alert in new[:room]]
    changed = [row for row in _seen_again(kept, seen, now_ms) if row is not None]
    forgotten = snapshot.rows(_Place, _CLOSED_KEYS)[max(0, CLOSED_MAX - len(closed)) :]
    run = AlertRun(LAST, n, now_ms, len(seen), len(opened), len(closed), len(new) - len(opened))
    return KeepAlerts(snapshot.sandbox_id, snapshot.sandbox.resets, run, opened, changed, closed, forgotten)


def last_run(reader: SandboxReader) -> AlertRun | None:
    """The last run that is kept; None if there was none since the last reset."""
    return reader.find(AlertRun, LAST)


@dataclass(frozen=True, slots=True)
class KeptFilter:
    """Which kept alerts a list has, or which incidents: those that have such an alert. None filters nothing out."""

    state: str | None = None
    finding_class: str | None = None
    check: str | None = None
    channel: str | None = None
    loan_id: str | None = None


EVERY_KEPT = KeptFilter()


def history(
    snapshot: Snapshot,
    only: KeptFilter = EVERY_KEPT,
    *,
    after: str = "",
    limit: int = 50,
    language: Language = Language.EN,
    show: Show = shown,
) -> AlertHistory:
    """A list page of the kept alerts, those that were opened last first. `show` shows the values in their sentences.

    Raises Refused `validation_failed` for a wrong cursor.
    """
    columns = {
        "finding_class": only.finding_class,
        "check_name": only.check,
        "channel": only.channel,
        "loan_id": only.loan_id,
    }
    values: dict[str, Value] = {name: value for name, value in columns.items() if value is not None}
    filters = [f"AND {name} = :{name}" for name in values]
    if only.state is not None:
        filters.append(_IN_STATE[only.state])
    if after:
        values["after_run"], values["after_id"] = numbered_place(after)
        filters.append("AND (opened_run < :after_run OR (opened_run = :after_run AND id > :after_id))")
    rows = snapshot.rows(KeptAlertRow, _LISTED.format(filters=" ".join(filters)), most=limit + 1, **values)
    last, page = last_run(snapshot), rows[:limit]
    return {
        "last_run": None if last is None else alert_run_doc(last),
        "alerts": [kept_doc(row, language, show) for row in page],
        "next_cursor": cursor(Lists.ALERT_HISTORY, f"{page[-1].opened_run}/{page[-1].id}")
        if len(rows) > limit
        else None,
    }


def _seen_again(kept: dict[str, KeptAlertRow], seen: dict[str, Alert], now_ms: int) -> Iterator[KeptAlertRow | None]:
    for id, row in kept.items():
        alert = seen.get(id)
        if alert is not None:
            now = _row(alert, row.opened_run, row.opened_ms, row.seen_ms)
            yield now if now != row else None


def _row(alert: Alert, opened_run: int, opened_ms: int, seen_ms: int) -> KeptAlertRow:
    return KeptAlertRow(
        opened_run=opened_run,
        id=alert.id,
        check_name=alert.check,
        finding_class=alert.finding_class,
        entity=alert.entity,
        loan_id=alert.loan_id,
        channel=alert.channel,
        amount_minor=alert.amount_minor,
        currency=alert.currency,
        since_ms=alert.since_ms,
        raised_ms=alert.raised_ms,
        detail=json.dumps(alert.detail),
        opened_ms=opened_ms,
        seen_ms=seen_ms,
        closed_ms=None,
    )


def kept_doc(row: KeptAlertRow, language: Language, show: Show) -> KeptAlertDoc:
    """A kept alert as JSON, with its sentences in a language."""
    alert = Alert(
        row.check_name, row.finding_class, row.entity, row.loan_id, row.amount_minor, row.since_ms, row.raised_ms,
        json.loads(row.detail), row.channel, row.currency,
    )  # fmt: skip
    return {
        **alert_doc(alert, language, show),
        "opened_at": rfc3339(row.opened_ms),
        "seen_at": rfc3339(row.seen_ms),
        "closed_at": maybe_rfc3339(row.closed_ms),
    }
