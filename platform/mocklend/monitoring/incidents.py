"""Incidents: the kept alerts of one check and one channel that overlap in time, as staff are called once for them.

        alert ├──────┤
        alert     ├───────────┤            one incident, open as long as one of its alerts is
        alert                     ├───     another: all were closed before it was opened

They are computed from the alerts that are kept, so an incident loses its oldest alerts where those are forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypedDict

from mocklend.domain.finding import CLASSES
from mocklend.domain.nouns import ChannelId, Currency, NextCursor, one_of, says
from mocklend.language import Language, translate
from mocklend.monitoring.alerts import CHECKS
from mocklend.monitoring.history import (
    CLOSED,
    EVERY_KEPT,
    KEPT,
    OPEN,
    STATES,
    AlertRunDoc,
    KeptAlertDoc,
    KeptFilter,
    alert_run_doc,
    kept_doc,
    last_run,
)
from mocklend.monitoring.sentences import Show, shown
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.storage.schema import KeptAlertRow
from mocklend.storage.snapshot import Snapshot
from mocklend.views.reads import Lists, cursor, numbered_place

ALERTS_MAX = 5
"""How many alerts stand beneath an incident: those that were opened first."""


class IncidentAmount(TypedDict):
    """The sum of the amounts of the alerts in one currency."""

    currency: Currency
    amount_minor: Annotated[int, says("The sum, in minor units of `currency`.")]


_Class = TypedDict(
    "_Class",
    {"class": Annotated[Annotated[str, one_of(CLASSES)] | None, says("The class of break of its alerts, or null.")]},
)


class IncidentDoc(_Class):
    """Alerts of one check and one channel that overlap in time."""

    id: Annotated[str, says("The incident's id.")]
    check: Annotated[str, one_of(CHECKS, "The check that raised its alerts.")]
    title: Annotated[str, says("What the check has found, in a sentence in the language of `Accept-Language`.")]
    channel: Annotated[ChannelId | None, says("The channel of its alerts; null where they are about none.")]
    state: Annotated[str, one_of(STATES, "`open` as long as one of its alerts is; then `closed`: it is resolved.")]
    alert_count: Annotated[int, says("How many alerts it has.")]
    open_count: Annotated[int, says("How many of them are open.")]
    amounts: Annotated[list[IncidentAmount], says("The amounts of its alerts, by currency.")]
    since: Annotated[str, says("When the first of its causes began. RFC 3339, on the sandbox's clock.")]
    opened_at: Annotated[str, says("When a run saw the first of its alerts. RFC 3339, on the sandbox's clock.")]
    seen_at: Annotated[str, says("When a run saw one of its alerts last. RFC 3339, on the sandbox's clock.")]
    closed_at: Annotated[str | None, says("When its last alert was closed; null while it is open. RFC 3339.")]
    alerts: Annotated[
        list[KeptAlertDoc], says("The first 5 of its alerts; `GET /operator/alerts/history` has all of them.")
    ]


class IncidentList(TypedDict):
    """A page of incidents, and the last run of the checks."""

    last_run: Annotated[AlertRunDoc | None, says("The last run; null if there was none since the last reset.")]
    incidents: Annotated[list[IncidentDoc], says("The incidents of this page: those that were opened last come first.")]
    next_cursor: NextCursor | None


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts that overlap in time, those that were opened first come first."""

    alerts: Sequence[KeptAlertRow]

    @property
    def id(self) -> str:
        """The same incident has the same id, as long as its first alert is kept."""
        first = self.alerts[0]
        return f"inc_{first.check_name}.{first.channel or 'none'}.{first.opened_run}"

    @property
    def closed_ms(self) -> int | None:
        """When its last alert was closed; None while one is open."""
        closed = [alert.closed_ms for alert in self.alerts if alert.closed_ms is not None]
        return max(closed) if len(closed) == len(self.alerts) else None

    @property
    def place(self) -> tuple[int, str]:
        """Its place in the list."""
        return -self.alerts[0].opened_run, self.id


def incidents_of(rows: Iterable[KeptAlertRow]) -> list[Incident]:
    """The incidents of kept alerts, those that were opened last first.

    An alert that is opened by the run that closes the others belongs to them: the cause has only moved on.
    """
    groups: Mapping[tuple[str, str | None], list[list[KeptAlertRow]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.opened_run, row.id)):
        group = groups[row.check_name, row.channel]
        before = Incident(group[-1]) if group else None
        if before is not None and (before.closed_ms is None or row.opened_ms <= before.closed_ms):
            group[-1].append(row)
        else:
            group.append([row])
    return sorted((Incident(alerts) for group in groups.values() for alerts in group), key=lambda each: each.place)


def incidents(
    snapshot: Snapshot,
    only: KeptFilter = EVERY_KEPT,
    *,
    after: str = "",
    limit: int = 50,
    language: Language = Language.EN,
    show: Show = shown,
) -> IncidentList:
    """A list page of the incidents, those that were opened last first.

    Raises Refused `validation_failed` for a wrong cursor.
    """
    last, after_place = last_run(snapshot), None
    if after:
        run, id = numbered_place(after)
        after_place = (-run, id)
    listed = [
        each
        for each in incidents_of(snapshot.rows(KeptAlertRow, KEPT))
        if only.state in (None, CLOSED if each.closed_ms is not None else OPEN)
        and only.finding_class in (None, each.alerts[0].finding_class)
        and only.check in (None, each.alerts[0].check_name)
        and only.channel in (None, each.alerts[0].channel)
        and (only.loan_id is None or any(alert.loan_id == only.loan_id for alert in each.alerts))
        and (after_place is None or each.place > after_place)
    ]
    page = listed[:limit]
    return {
        "last_run": None if last is None else alert_run_doc(last),
        "incidents": [_doc(each, language, show) for each in page],
        "next_cursor": cursor(Lists.INCIDENTS, f"{-page[-1].place[0]}/{page[-1].id}") if len(listed) > limit else None,
    }


def _doc(incident: Incident, language: Language, show: Show) -> IncidentDoc:
    alerts, first = incident.alerts, incident.alerts[0]
    amounts: dict[str, int] = {}
    for alert in alerts:
        if alert.currency is not None and alert.amount_minor:
            amounts[alert.currency] = amounts.get(alert.currency, 0) + alert.amount_minor
    return {
        "id": incident.id,
        "check": first.check_name,
        "title": translate(language, CHECKS.get(first.check_name, first.check_name)),
        "class": first.finding_class,
        "channel": first.channel,
        "state": OPEN if incident.closed_ms is None else CLOSED,
        "alert_count": len(alerts),
        "open_count": sum(alert.closed_ms is None for alert in alerts),
        "amounts": [{"currency": currency, "amount_minor": amount} for currency, amount in sorted(amounts.items())],
        "since": rfc3339(min(alert.since_ms for alert in alerts)),
        "opened_at": rfc3339(first.opened_ms),
        "seen_at": rfc3339(max(alert.seen_ms for alert in alerts)),
        "closed_at": maybe_rfc3339(incident.closed_ms),
        "alerts": [kept_doc(alert, language, show) for alert in alerts[:ALERTS_MAX]],
    }
