"""Arming, changing and halting rules: commands like any other, decided purely and committed by the writer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from msgspec import Struct, structs

from mocklend.domain.problems import Refused
from mocklend.storage.statements import LAYER
from mocklend.storage.stores import entity
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend_faults.engine.counting import on_in
from mocklend_faults.engine.rules import Rule, unknown

ALL = "all"
RULES_MAX = 200
RULES_BYTES_MAX = 1024 * 1024
"""So many rules, and so much JSON, one sandbox may have: all of it is read and written with each change."""


@entity("rulesets", rank=LAYER)
class Ruleset(Struct, frozen=True):
    """A sandbox's rules, as one document: they change seldom and are read together. JSON, in the order of their ids."""

    kind: ClassVar[str] = "ruleset"
    id: str  # always "all"
    doc: str


class _OnRules:
    """What the commands share: they need the ruleset, carry no idempotency key, and are idempotent by themselves."""

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> Iterable[Key]:
        """The ruleset."""
        return ((Ruleset.kind, ALL),)


@dataclass(frozen=True, slots=True)
class PutRule(_OnRules):
    """Arm a rule. The same rule again changes nothing, neither its counters nor its time of arming."""

    sandbox_id: str
    rule: Rule

    def decide(self, work: Work) -> Answer:
        """201, or 200 where there was a rule of that id."""
        stored = read(work)
        wanted = self.rule.to_json()
        known = stored.get(self.rule.id)
        if known is not None and known["rule"] == wanted:
            return Answer(200, known)
        revision = work.sandbox.rules_version + 1
        armed = replace(self.rule, armed_ms=work.now_ms, revision=revision, zone=work.sandbox.zone)
        stored[self.rule.id] = armed.to_stored()
        refuse_too_many(stored)
        write(work, stored)
        return Answer(201 if known is None else 200, stored[self.rule.id])


@dataclass(frozen=True, slots=True)
class PatchRule(_OnRules):
    """Switch a rule on or off. On again means armed again: its window starts anew, its counters go on."""

    sandbox_id: str
    rule_id: str
    enabled: bool

    def decide(self, work: Work) -> Answer:
        """200 and the rule."""
        stored = read(work)
        known = stored.get(self.rule_id)
        if known is None:
            raise unknown(self.rule_id, stored)
        if known["rule"]["enabled"] != self.enabled:
            anew = self.enabled and "group" not in known  # A stage of an experiment keeps to its plan.
            armed_ms = work.now_ms if anew else known["armed_ms"]
            known = known | {"rule": known["rule"] | {"enabled": self.enabled}, "armed_ms": armed_ms}
            write(work, stored | {self.rule_id: known})
        return Answer(200, known)


@dataclass(frozen=True, slots=True)
class DeleteRule(_OnRules):
    """Forget a rule. What it has injected stays in the answer key and ends as it would have."""

    sandbox_id: str
    rule_id: str

    def decide(self, work: Work) -> Answer:
        """204."""
        stored = read(work)
        if stored.pop(self.rule_id, None) is None:
            raise unknown(self.rule_id, stored)
        write(work, stored)
        return Answer(204, {})


@dataclass(frozen=True, slots=True)
class HaltRules(_OnRules):
    """Switch every rule off: no new injection from here on."""

    sandbox_id: str

    def decide(self, work: Work) -> Answer:
        """200 and the ids of those that were on."""
        stored = read(work)
        halted = [id for id, one in stored.items() if one["rule"]["enabled"]]
        for id in halted:
            stored[id] = stored[id] | {"rule": stored[id]["rule"] | {"enabled": False}}
        if halted:
            write(work, stored)
        return Answer(200, {"halted": halted})


def replace_group(
    work: Work, others: Mapping[str, dict[str, Any]], group: str, rules: Iterable[Rule]
) -> dict[str, dict[str, Any]]:
    """The stored rules with these beside the others, armed now and as one group. Refuses an id that is taken."""
    stored = dict(others)
    for rule in rules:
        if rule.id in stored:
            raise Refused(
                "validation_failed",
                f"there is a rule {rule.id} already",
                expected="an id that no other rule has",
                received=rule.id,
            )
        armed = replace(rule, armed_ms=work.now_ms, revision=work.sandbox.rules_version + 1, zone=work.sandbox.zone)
        stored[rule.id] = armed.to_stored() | {"group": group}
    refuse_too_many(stored)
    return stored


def refuse_too_many(stored: Mapping[str, dict[str, Any]]) -> None:
    """Refuse to arm more rules than a sandbox may have. Switching one off, or deleting one, is never refused."""
    if len(stored) > RULES_MAX:
        raise Refused(
            "too_many_rules",
            "the sandbox would have too many rules",
            expected=f"at most {RULES_MAX}",
            received=len(stored),
        )
    size = len(_json(stored.values()))
    if size > RULES_BYTES_MAX:
        raise Refused(
            "too_many_rules",
            "the sandbox's rules would be too long, all together",
            expected=f"at most {RULES_BYTES_MAX} bytes of JSON",
            received=size,
        )


def _json(stored: Iterable[dict[str, Any]]) -> str:
    return json.dumps(list(stored), separators=(",", ":"))


def read(work: Work) -> dict[str, dict[str, Any]]:
    """The stored rules by id."""
    ruleset = work.find(Ruleset, ALL)
    return by_id(json.loads(ruleset.doc)) if ruleset else {}


def by_id(stored: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Stored rules by id, in that order."""
    return {one["id"]: one for one in sorted(stored, key=lambda one: one["id"])}


def write(work: Work, stored: dict[str, dict[str, Any]]) -> None:
    """The rules, and the version that makes every writer load them anew."""
    version = work.sandbox.rules_version + 1
    rules = [on_in(one, version) for one in by_id(list(stored.values())).values()]
    work.put(Ruleset(ALL, _json(rules)))
    work.put(structs.replace(work.sandbox, rules_version=version))
