"""One act of a rule, on its way into the answer key, and the entries that are open as far as a limit needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from mocklend.domain.statuses import EntryStatus
from mocklend.sandboxes.ids import make_id
from mocklend.seams.seam import Consequence, EventContext, Write
from mocklend.storage.snapshot import SandboxReader
from mocklend_faults.engine import journal
from mocklend_faults.engine.answer_key import ONCE, UNDONE, WITHSTOOD
from mocklend_faults.engine.rules import Rule


@dataclass(frozen=True, slots=True)
class OpenInjection:
    """An open injection, as far as a limit on open ones needs to know it."""

    finding_class: str
    finding_entity: str
    until_ms: int | None
    ends_on: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Injection:
    """One act of a rule, on its way into the answer key."""

    id: str
    rule: Rule
    event: Any
    changes: Mapping[str, tuple[Any, Any]]
    consequence: Consequence
    undone: bool  # an earlier rule's change, taken back

    @classmethod
    def of(cls, context: EventContext, rule: Rule, honest: Any, event: Any, outcome: Any) -> Injection:
        """What the rule changed, measured against the honest event: that is what a reconciler can compare with."""
        changes = {
            field.name: (getattr(event, field.name), getattr(outcome, field.name))
            for field in fields(event)
            if getattr(event, field.name) != getattr(outcome, field.name)
        }
        meant = replace(event, **{name: getattr(honest, name) for name in changes})
        return cls(
            id=make_id("inj", context.seed, rule.id, event.seam, event.entity, event.occurrence),
            rule=rule,
            event=event,
            changes=changes,
            consequence=meant.consequence(outcome),
            undone=meant == outcome,
        )

    @property
    def over(self) -> bool:
        """Whether there is nothing to see later: the platform withstood it, or it was one answer."""
        until_ms = self.consequence.until_ms
        return self.consequence.withstood is not None or (until_ms is not None and until_ms <= self.event.now_ms)

    def ending(self) -> tuple[str, str | None]:
        """The status that it starts with, and why it is over where it is."""
        if self.undone:
            return EntryStatus.MASKED, UNDONE
        if self.consequence.withstood is not None:
            return EntryStatus.MASKED, f"{WITHSTOOD}:{self.consequence.withstood}"
        return (EntryStatus.HEALED, ONCE) if self.over else (EntryStatus.ACTIVE, None)

    @property
    def key(self) -> tuple[str, str]:
        """The class and entity of the finding: one open entry each."""
        return (self.consequence.finding.finding_class, self.consequence.finding.entity)

    @property
    def opened(self) -> OpenInjection:
        """The open entry that it is."""
        return OpenInjection(*self.key, self.consequence.until_ms, self.consequence.ends_on)

    def row(self, context: EventContext) -> dict[str, Any]:
        """The row of `injections`."""
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
            "effect": ", ".join(f"{name}: {_say(a)} -> {_say(b)}" for name, (a, b) in self.changes.items()),
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
        """Its rows, and those that end the entries whose place it takes."""
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
    """The entries that it ends: an open one of its own key, and what earlier rules did to the same fields."""
    if injection.over:
        return set()  # It is no lie that lasts, so it takes no other's place.
    same = {one.key for one in earlier if one.changes.keys() & injection.changes.keys()}
    return {injection.key} | same


class _Open(NamedTuple):
    id: str
    finding_class: str
    finding_entity: str
    until_ms: int | None
    signal: str | None
    status: str


def open_injections(reader: SandboxReader, rule_id: str) -> dict[str, OpenInjection]:
    """A rule's open entries, by the injection's id."""
    found: dict[str, OpenInjection] = {}
    for id, finding_class, entity, until_ms, signal, status in reader.rows(_Open, journal.OPEN_OF_RULE, rule=rule_id):
        ends_on = dict(found[id].ends_on) if id in found else {}
        if signal:
            ends_on[signal] = status
        found[id] = OpenInjection(finding_class, entity, until_ms, ends_on)
    return found


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _say(value: Any) -> str:
    return "none" if value is None else str(value)
