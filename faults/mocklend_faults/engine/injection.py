"""One injection on its way into the answer key, and the open entries of a rule, which a limit counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import orjson

from mocklend.domain.statuses import EntryStatus
from mocklend.sandboxes.ids import make_id
from mocklend.seams.seam import Consequence, EventContext, Seam, SeamEvent, Write
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import Value
from mocklend_faults.engine import journal
from mocklend_faults.engine.answer_key import ONCE, UNDONE, WITHSTOOD
from mocklend_faults.engine.rules import Rule


@dataclass(frozen=True, slots=True)
class OpenInjection:
    """An open injection, with what a limit on open ones needs; `ends_on` is the status by signal."""

    finding_class: str
    finding_entity: str
    until_ms: int | None
    ends_on: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Injection:
    """One change of an event by a rule, on its way into the answer key. `changes` is (before, after) by field."""

    id: str
    rule: Rule
    event: Seam
    changes: Mapping[str, tuple[Any, Any]]
    consequence: Consequence
    undone: bool  # it reverses the change of an earlier rule

    @classmethod
    def of(
        cls, context: EventContext, rule: Rule, original: SeamEvent, event: SeamEvent, outcome: SeamEvent
    ) -> Injection:
        """The injection of a rule that changed `event` to `outcome`.

        Its consequence is the difference from the `original` event, before any rule: a reconciler compares with that.
        """
        changes = {
            field.name: (getattr(event, field.name), getattr(outcome, field.name))
            for field in fields(event)
            if getattr(event, field.name) != getattr(outcome, field.name)
        }
        intended = event
        if event is not original:  # An earlier rule has changed it.
            intended = replace(event, **{name: getattr(original, name) for name in changes})
        return cls(
            id=make_id("inj", context.seed, rule.id, event.seam, event.entity, event.occurrence),
            rule=rule,
            event=event,
            changes=changes,
            consequence=intended.consequence(outcome),
            undone=intended == outcome,
        )

    @property
    def over(self) -> bool:
        """Whether it is over at once: the platform withstood it, or it was visible in a single answer."""
        until_ms = self.consequence.until_ms
        return self.consequence.withstood is not None or (until_ms is not None and until_ms <= self.event.now_ms)

    def ending(self) -> tuple[str, str | None]:
        """The status that its entry starts with, and the reason if it is over at once."""
        if self.undone:
            return EntryStatus.MASKED, UNDONE
        if self.consequence.withstood is not None:
            return EntryStatus.MASKED, f"{WITHSTOOD}:{self.consequence.withstood}"
        return (EntryStatus.HEALED, ONCE) if self.over else (EntryStatus.ACTIVE, None)

    @property
    def key(self) -> tuple[str, str]:
        """The class and entity of the finding: at most one entry of a key is open."""
        return (self.consequence.finding.finding_class, self.consequence.finding.entity)

    @property
    def opened(self) -> OpenInjection:
        """Its open entry."""
        return OpenInjection(*self.key, self.consequence.until_ms, self.consequence.ends_on)

    def row(self, context: EventContext) -> dict[str, Value]:
        """Its row of the table `injections`, by column."""
        consequence = self.consequence
        status, ended_by = self.ending()
        return {
            "sandbox_id": context.sandbox_id,
            "id": self.id,
            "rule": self.rule.id,
            "revision": self.rule.revision,
            "fault": self.rule.fault.name,
            "seam": self.event.seam,
            "entity": self.event.entity,
            "loan_id": consequence.loan_id,
            "occurrence": self.event.occurrence,
            "at_ms": context.now_ms,
            "effect": ", ".join(f"{name}: {_text(a)} -> {_text(b)}" for name, (a, b) in self.changes.items()),
            "truth_before": _json(consequence.truth_before),
            "truth_after": _json(consequence.truth_after),
            "served": _json(consequence.served),
            "currency": self.event.currency,
            "finding_class": consequence.finding.finding_class,
            "finding_entity": consequence.finding.entity,
            "finding_amount_minor": consequence.finding.amount_minor,
            "expect": _json(self.rule.expect or {}),
            "from_ms": max(context.now_ms, consequence.from_ms or 0),
            "until_ms": consequence.until_ms,
            "status": status,
            "ended_by": ended_by,
            "ended_ms": context.now_ms if ended_by else None,
        }

    def writes(self, context: EventContext, ended: set[tuple[str, str]]) -> list[Write]:
        """Its rows, and those that end the entries with these keys, which it supersedes."""
        written: list[Write] = [
            (
                journal.SUPERSEDE,
                {
                    "sandbox_id": context.sandbox_id,
                    "finding_class": finding_class,
                    "finding_entity": finding_entity,
                    "now_ms": context.now_ms,
                    "newer": f"injection:{self.id}",
                },
            )
            for finding_class, finding_entity in sorted(ended)
        ]
        written.append((journal.OPEN, self.row(context)))
        if not (self.over or self.undone):
            where = {"sandbox_id": context.sandbox_id, "injection": self.id}
            for signal, status in sorted(self.consequence.ends_on.items()):
                written.append((journal.END_ON, where | {"signal": signal, "status": status}))
        return written


def replaced_by(injection: Injection, earlier: Sequence[Injection]) -> set[tuple[str, str]]:
    """The keys of the entries that it supersedes: its own, and those of earlier rules that changed the same fields."""
    if injection.over:
        return set()  # It does not last, so it supersedes none.
    same_fields = {other.key for other in earlier if other.changes.keys() & injection.changes.keys()}
    return {injection.key} | same_fields


class _Open(NamedTuple):
    id: str
    finding_class: str
    finding_entity: str
    until_ms: int | None
    signal: str | None
    status: str


def open_injections(reader: SandboxReader, rule_id: str) -> dict[str, OpenInjection]:
    """A rule's open entries, by the injection's id."""
    by_id: dict[str, OpenInjection] = {}
    for id, finding_class, entity, until_ms, signal, status in reader.rows(_Open, journal.OPEN_OF_RULE, rule=rule_id):
        ends_on = dict(by_id[id].ends_on) if id in by_id else {}
        if signal:
            ends_on[signal] = status
        by_id[id] = OpenInjection(finding_class, entity, until_ms, ends_on)
    return by_id


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _text(value: Any) -> str:
    return "none" if value is None else str(value)
