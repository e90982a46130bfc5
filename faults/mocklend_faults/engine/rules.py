"""A rule: a fault armed with whom it is about, when it acts, how often, and its settings.

        {"fault": "cache.bounded_stale", "match": {"channel": "wallet"}, "activate": {"duration_s": 3600},
         "select": {"probability": 0.1}, "with": {"lag_s": 60}, "expect": {"severity": "minor"}}

Everything but `fault` may be left out: then it acts on everything, at once, every time, with the fault's defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mocklend.domain.finding import CLASSES
from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused
from mocklend_faults.engine.activation import Activate
from mocklend_faults.engine.catalogue import Catalogue, find
from mocklend_faults.engine.fault import Fault
from mocklend_faults.engine.matching import Match
from mocklend_faults.engine.selection import Select
from mocklend_faults.engine.strict import choice, flag, mapping, one_of, text, wrong

RULE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
FIELDS = ("id", "fault", "match", "activate", "select", "with", "expect", "enabled")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a sandbox. `revision` is the rules' version that it was written in; its counters belong to that."""

    id: str
    fault: Fault
    match: Match = field(default_factory=Match)
    activate: Activate = field(default_factory=Activate)
    select: Select = field(default_factory=Select)
    expect: Mapping[str, str] | None = None
    enabled: bool = True
    armed_ms: int = 0
    revision: int = 0
    zone: str = "UTC"  # the sandbox's, for a schedule

    @classmethod
    def from_json(cls, id: str, raw: Any, catalogue: Catalogue) -> Rule:
        """Read a rule as a client sends it."""
        given = mapping(raw, "", FIELDS)
        if not RULE_ID.fullmatch(id):
            raise wrong("id", expected=f"an id like {RULE_ID.pattern}", received=id)
        if given.get("id", id) != id:
            raise wrong("id", expected=f"the id in the address, {id}", received=given["id"])
        if "fault" not in given:
            raise wrong("fault", expected=one_of(catalogue, None), received=None)
        kind = find(catalogue, text(given["fault"], "fault"))
        return cls(
            id=id,
            fault=kind.from_json(given.get("with", {})),
            match=Match.from_json(given.get("match", {}), kind.seams()),
            activate=Activate.from_json(given.get("activate", {})),
            select=Select.from_json(given.get("select", {})),
            expect=_expect(given.get("expect", {})),
            enabled=flag(given.get("enabled", True), "enabled"),
        )

    def to_json(self) -> dict[str, Any]:
        """The rule as it can be sent again."""
        return {
            "id": self.id,
            "fault": self.fault.name,
            "match": self.match.to_json(),
            "activate": self.activate.to_json(),
            "select": self.select.to_json(),
            "with": self.fault.to_json(),
            "expect": dict(self.expect or {}),
            "enabled": self.enabled,
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any], catalogue: Catalogue) -> Rule:
        """Read a rule as the database has it."""
        rule = cls.from_json(stored["id"], stored["rule"], catalogue)
        return replace(
            rule, armed_ms=stored["armed_ms"], revision=stored["revision"], zone=stored.get("zone", rule.zone)
        )

    def to_stored(self) -> dict[str, Any]:
        """The rule and its arming."""
        return {
            "id": self.id,
            "rule": self.to_json(),
            "armed_ms": self.armed_ms,
            "revision": self.revision,
            "zone": self.zone,
        }

    def state(self, now_ms: int) -> str:
        """`disabled`, `waiting` for its start or its schedule, `armed`, or `expired`."""
        start, end = self.activate.window(self.armed_ms)
        if not self.enabled:
            return "disabled"
        if end is not None and now_ms >= end:
            return "expired"
        return "armed" if now_ms >= start and self.activate.open(now_ms, self.zone) else "waiting"


def _expect(raw: Any) -> Mapping[str, str]:
    """What the author expects a reconciler to report, beside what the seam says."""
    given = mapping(raw, "expect", ("class", "severity"))
    if "class" in given:
        choice(given["class"], "expect.class", CLASSES)
    return {name: text(value, f"expect.{name}", most=40) for name, value in given.items()}


def unknown(rule_id: str, known: Iterable[str] = ()) -> Refused:
    """There is no such rule among those that are known."""
    detail = f"no rule {rule_id[:64]!r}{did_you_mean(rule_id, known)}"
    return Refused("rule_unknown", detail, rule_id=rule_id[:64])
