"""The answer key: every injection, what was true, what was served instead, and what a reconciler should report.

A read, in the caller's snapshot. Whether an entry has healed because its lag is over is computed here, from the clock,
so nothing has to be written when a status page catches up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

from mocklend.domain.finding import Finding
from mocklend.domain.nouns import FindingClass, one_of, says
from mocklend.domain.statuses import EntryStatus
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.statements import Value
from mocklend_faults.engine import journal

STATUSES = tuple(EntryStatus)
ITSELF, ONCE, UNDONE, WITHSTOOD = "itself", "once", "undone", "withstood"

REASONS = {
    "shown": "the page shows a newer version",
    "rebuilt": "the page was rebuilt from the books",
    "recorded": "a newer fact is on the books",
    "applied": "the receipt is on the books",
    "reversed": "it was reversed",
    "approved": "a second person has approved it",
    "taken_back": "its channel has returned the payment",
    "posted": "it is on the books now",
    "closed": "the channel has finished the payout",
    "cleared": "the loan is paid off",
    "remade": "the channel has made the statement again",
    "told": "the channel itself reports it now",
    "correction_ordered": "another correction was ordered",
    "applied_for": "the partner has decided another application",
    "landed": "the payment is on the books, as an unapplied receipt",
    "injection": "a newer injection has replaced it",
}
"""Why an entry ended, by the kind of signal."""
_PLAIN = {
    ITSELF: "the lag is over",
    ONCE: "a single answer was wrong; the next is right",
    UNDONE: "another rule reversed it at once",
}


class TruthDoc(TypedDict):
    """The truth at a seam, before and after the event, in the fields of the seam."""

    before: Annotated[Mapping[str, Any], says("The truth before the event, in the seam's fields.")]
    after: Annotated[Mapping[str, Any], says("The truth after the event without the fault, in the seam's fields.")]


_Class = TypedDict("_Class", {"class": FindingClass})


class ExpectedFinding(_Class):
    """What a reconciler should report."""

    entity: Annotated[str, says("The id of the entity that is wrong.")]
    amount_minor: Annotated[int, says("The amount of the difference, in minor units of the entry's currency.")]
    severity: NotRequired[Annotated[str, says("The severity that the rule gives; left out if it gives none.")]]


class EntryDoc(TypedDict):
    """One injection: what was true, what was served, and what a reconciler should find."""

    injection: Annotated[str, says("The entry's id.")]
    rule: Annotated[str, says("The id of the rule that injected it.")]
    fault: Annotated[str, says("The kind of fault.")]
    seam: Annotated[str, says("The seam where it was injected.")]
    entity: Annotated[str, says("The id of the event's entity: a loan, a repayment, a receipt, an edit.")]
    loan_id: Annotated[str, says("The loan of the event; empty if it has none.")]
    occurrence: Annotated[int, says("The event's number among those of its entity at this seam, from 1.")]
    at: Annotated[str, says("When it was injected. RFC 3339, on the sandbox's clock.")]
    effect: Annotated[str, says("The fields of the event that the fault changed, each with its old and new value.")]
    truth: Annotated[TruthDoc, says("What is true.")]
    served: Annotated[Mapping[str, Any], says("What was served instead, in the seam's fields.")]
    amount_minor: Annotated[
        int, says("The amount of the difference, in minor units of `currency`; 0 if no amount is wrong.")
    ]
    currency: Annotated[str, says("The currency of `amount_minor`, by its ISO 4217 code.")]
    visible_from: Annotated[str, says("From when on it is visible. RFC 3339, on the sandbox's clock.")]
    visible_until: Annotated[
        str | None, says("Until when it is visible; null while that is open. RFC 3339, on the sandbox's clock.")
    ]
    expected: Annotated[
        ExpectedFinding, says("What a reconciler should report: the finding class, the entity, the amount.")
    ]
    status: Annotated[
        str,
        one_of(
            STATUSES,
            "PENDING not visible yet, ACTIVE visible, HEALED over, SUPERSEDED replaced by a newer injection, MASKED "
            "withstood by the platform.",
        ),
    ]
    status_reason: Annotated[str | None, says("Why the entry has ended; null until then.")]
    ended_at: Annotated[str | None, says("When it ended; null until then. RFC 3339, on the sandbox's clock.")]


@dataclass(frozen=True, slots=True)
class Entry:
    """One injection and its status at a moment."""

    injection: str
    rule: str
    fault: str
    seam: str
    entity: str
    loan_id: str
    occurrence: int
    at_ms: int
    effect: str
    truth_before: Mapping[str, Any]
    truth_after: Mapping[str, Any]
    served: Mapping[str, Any]
    currency: str
    finding: Finding
    expect: Mapping[str, str]
    from_ms: int
    until_ms: int | None
    status: str
    ended_by: str | None
    ended_ms: int | None

    @property
    def open(self) -> bool:
        """Whether the difference is visible now."""
        return self.status == EntryStatus.ACTIVE

    @property
    def order(self) -> tuple[int, str, str, str, int, str]:
        """The canonical order, independent of how clients interleave: equal stories have equal keys, byte for byte."""
        return (self.at_ms, self.loan_id, self.entity, self.seam, self.occurrence, self.rule)

    def to_json(self) -> EntryDoc:
        """The entry as GET /-/answer-key returns it."""
        expected: ExpectedFinding = {
            "class": self.expect.get("class", self.finding.finding_class),
            "entity": self.finding.entity,
            "amount_minor": self.finding.amount_minor,
        }
        if "severity" in self.expect:
            expected["severity"] = self.expect["severity"]
        return {
            "injection": self.injection,
            "rule": self.rule,
            "fault": self.fault,
            "seam": self.seam,
            "entity": self.entity,
            "loan_id": self.loan_id,
            "occurrence": self.occurrence,
            "at": rfc3339(self.at_ms),
            "effect": self.effect,
            "truth": {"before": self.truth_before, "after": self.truth_after},
            "served": self.served,
            "amount_minor": self.finding.amount_minor,
            "currency": self.currency,
            "visible_from": rfc3339(self.from_ms),
            "visible_until": maybe_rfc3339(self.until_ms if self.ended_ms is None else self.ended_ms),
            "expected": expected,
            "status": self.status,
            "status_reason": reason(self.ended_by),
            "ended_at": maybe_rfc3339(self.ended_ms),
        }


AT_ONCE = 500
"""How many entries one query reads, so that memory stays bounded."""
_ORDER = ("at_ms", "loan_id", "entity", "seam", "occurrence", "rule")


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which entries of the key; None leaves a condition out. `entity` is the seam's or that of the finding."""

    status: str | None = None
    entity: str | None = None
    loan_id: str | None = None
    rule: str | None = None
    fault: str | None = None


ALL = KeyFilter()


def entries(snapshot: Snapshot, wanted: KeyFilter = ALL) -> list[Entry]:
    """The sandbox's answer key now, in canonical order."""
    return list(stream(snapshot, wanted))


def stream(
    snapshot: Snapshot, wanted: KeyFilter = ALL, *, after: Entry | None = None, newest_first: bool = False
) -> Iterator[Entry]:
    """The same entries one by one, in bounded memory; only those behind the entry `after`."""
    while True:
        batch = _batch(snapshot, wanted, after, newest_first=newest_first)
        yield from (entry for entry in batch if wanted.status in (None, entry.status))
        if len(batch) < AT_ONCE:
            return
        after = batch[-1]


def key_page(
    snapshot: Snapshot, wanted: KeyFilter, after: Entry | None, limit: int, *, newest_first: bool = False
) -> list[Entry]:
    """At most `limit` entries behind the entry `after`."""
    return list(islice(stream(snapshot, wanted, after=after, newest_first=newest_first), limit))


def batches(
    open_snapshot: Callable[[], AbstractContextManager[Snapshot]], wanted: KeyFilter = ALL
) -> Iterator[list[Entry]]:
    """The key as of one time, batch by batch, each in a snapshot of its own: none is open between two batches.

    `open_snapshot` opens a snapshot of the data of now, but with the same `now_ms` each time. An entry that was added
    after `now_ms` is in no batch; an entry that has ended since is returned as it stood then. What happens in the
    millisecond of `now_ms` while the batches are read may be included or not.
    """
    after: Entry | None = None
    while True:
        with open_snapshot() as snapshot:
            batch = _batch(snapshot, wanted, after, as_then=True)
        yield [entry for entry in batch if wanted.status in (None, entry.status)]
        if len(batch) < AT_ONCE:
            return
        after = batch[-1]


def find(snapshot: Snapshot, injection: str) -> Entry | None:
    """The entry of an injection, with its status now."""
    sql = f"SELECT {', '.join(_Row._fields)} FROM injections WHERE sandbox_id = :sandbox_id AND id = :id"
    rows = snapshot.rows(_Row, sql, id=injection)
    return _entry(rows[0], snapshot.now_ms) if rows else None


_OF_LOAN = "WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id"
_OF_CLASS = "WHERE sandbox_id = :sandbox_id AND ended_ms IS NULL AND finding_class = :finding_class AND finding_entity"


def open_of_loan(snapshot: Snapshot, loan_id: str) -> list[Entry]:
    """The entries about a loan that have not ended, not visible ones included."""
    sql = f"SELECT {', '.join(_Row._fields)} FROM injections {_OF_LOAN} AND ended_ms IS NULL"
    return [_entry(row, snapshot.now_ms) for row in snapshot.rows(_Row, sql, loan_id=loan_id)]


def newest_of_loan(snapshot: Snapshot, loan_id: str, most: int) -> list[Entry]:
    """The newest entries about a loan, open or not."""
    sql = f"SELECT {', '.join(_Row._fields)} FROM injections {_OF_LOAN} ORDER BY at_ms DESC, id LIMIT :most"
    return [_entry(row, snapshot.now_ms) for row in snapshot.rows(_Row, sql, loan_id=loan_id, most=most)]


def effects_of(snapshot: Snapshot, injections: Sequence[str]) -> dict[str, str]:
    """What each of these injections changed, by its id."""
    if not injections:
        return {}
    sql = "SELECT id, effect FROM injections WHERE sandbox_id = :sandbox_id AND id"
    return dict(snapshot.rows_in(_Effect, sql, injections))


def newest_open(snapshot: Snapshot, shown: int, most: int) -> list[Entry]:
    """The newest of the entries that are visible now, the newest first. At most `most` of each kind are looked at."""
    ids = snapshot.ids(journal.NEWEST_OPEN, now_ms=snapshot.now_ms, most=most, shown=shown)
    head = f"SELECT {', '.join(_Row._fields)} FROM injections WHERE sandbox_id = :sandbox_id AND id"
    found = {row.id: _entry(row, snapshot.now_ms) for row in snapshot.rows_in(_Row, head, ids)} if ids else {}
    return [found[id] for id in ids]


def open_of_findings(snapshot: Snapshot, finding_class: str, entities: Sequence[str]) -> list[Entry]:
    """The entries that have not ended and whose finding is of this class on one of these entities."""
    head = f"SELECT {', '.join(_Row._fields)} FROM injections {_OF_CLASS}"
    rows = snapshot.rows_in(_Row, head, entities, finding_class=finding_class)
    return [_entry(row, snapshot.now_ms) for row in rows]


def _batch(
    snapshot: Snapshot, wanted: KeyFilter, after: Entry | None, *, as_then: bool = False, newest_first: bool = False
) -> list[Entry]:
    """The next entries in canonical order. A status that only the clock decides is filtered by the caller.

    With `as_then` the data may be newer than the snapshot's time, and the entries are those of that time.
    """
    sql = f"SELECT {', '.join(_Row._fields)} FROM injections WHERE sandbox_id = :sandbox_id"
    now_ms = snapshot.now_ms
    parameters: dict[str, Value] = {}
    if as_then:
        sql += " AND at_ms <= :now_ms"
        parameters["now_ms"] = now_ms
    for column in ("loan_id", "rule", "fault"):
        value = getattr(wanted, column)
        if value is not None:
            sql += f" AND {column} = :only_{column}"
            parameters[f"only_{column}"] = value
    if wanted.entity is not None:
        sql += " AND (entity = :only_entity OR finding_entity = :only_entity)"
        parameters["only_entity"] = wanted.entity
    if wanted.status == EntryStatus.ACTIVE:
        sql += " AND (ended_ms IS NULL OR ended_ms > :now_ms)" if as_then else " AND ended_ms IS NULL"
    # Texts are ordered by their bytes, as Python sorts them, and not by the locale of the database.
    bytewise = ' COLLATE "C"' if snapshot.connection.dialect.name == "postgresql" else ""
    ordered = [name if name in ("at_ms", "occurrence") else name + bytewise for name in _ORDER]
    behind, direction = ("<", " DESC") if newest_first else (">", "")
    if after is not None:
        # The first condition makes the database use the index.
        place = ", ".join(":" + name for name in _ORDER)
        sql += f" AND at_ms {behind}= :at_ms AND ({', '.join(ordered)}) {behind} ({place})"
        parameters |= dict(zip(_ORDER, after.order, strict=True))
    sql += f" ORDER BY {', '.join(name + direction for name in ordered)} LIMIT {AT_ONCE}"
    return [_entry(row, now_ms, as_then=as_then) for row in snapshot.rows(_Row, sql, **parameters)]


def reason(ended_by: str | None) -> str | None:
    """Why an entry ended, as a sentence; None where it has not."""
    if ended_by is None:
        return None
    if ended_by in _PLAIN:
        return _PLAIN[ended_by]
    kind, _, which = ended_by.partition(":")
    if kind == WITHSTOOD:
        return which
    return f"{REASONS[kind]}: {which}" if kind in REASONS else ended_by


class _Effect(NamedTuple):
    id: str
    effect: str


class _Row(NamedTuple):
    id: str
    rule: str
    fault: str
    seam: str
    entity: str
    loan_id: str
    occurrence: int
    at_ms: int
    effect: str
    truth_before: str
    truth_after: str
    served: str
    currency: str
    finding_class: str
    finding_entity: str
    finding_amount_minor: int
    expect: str
    from_ms: int
    until_ms: int | None
    status: str
    ended_by: str | None
    ended_ms: int | None


def _entry(row: _Row, now_ms: int, *, as_then: bool = False) -> Entry:
    (
        injection, rule, fault, seam, entity, loan_id, occurrence, at_ms, effect, before, after, served, currency,
        finding_class, finding_entity, amount_minor, expect, from_ms, until_ms, status, ended_by, ended_ms,
    ) = row  # fmt: skip
    if as_then and ended_ms is not None and ended_ms > now_ms:
        status, ended_by, ended_ms = EntryStatus.ACTIVE, None, None  # It has ended since then.
    if ended_ms is None and until_ms is not None and until_ms <= now_ms:
        status, ended_by, ended_ms = EntryStatus.HEALED, ITSELF, until_ms
    elif ended_ms is None and from_ms > now_ms:
        status = EntryStatus.PENDING
    return Entry(
        injection=injection,
        rule=rule,
        fault=fault,
        seam=seam,
        entity=entity,
        loan_id=loan_id,
        occurrence=occurrence,
        at_ms=at_ms,
        effect=effect,
        truth_before=json.loads(before),
        truth_after=json.loads(after),
        served=json.loads(served),
        currency=currency,
        finding=Finding(finding_class, finding_entity, amount_minor),
        expect=json.loads(expect),
        from_ms=from_ms,
        until_ms=until_ms,
        status=status,
        ended_by=ended_by,
        ended_ms=ended_ms,
    )
