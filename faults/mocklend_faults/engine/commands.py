"""Commands that arm, change and halt rules: decided purely and committed by the writer, as all commands are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from msgspec import structs

from mocklend.domain.problems import Refused
from mocklend.storage.statements import LAYER
from mocklend.storage.stores import entity
from mocklend.storage.work import Answer, Entity, Idempotency, Key, Work
from mocklend_faults.engine.counting import on_in
from mocklend_faults.engine.rules import Rule, StoredRule, unknown

ALL = "all"
RULES_MAX = 200
RULES_BYTES_MAX = 1024 * 1024
"""How many rules, and how many bytes of JSON, a sandbox may have: each change reads and writes all of it."""


@entity("rulesets", rank=LAYER)
class Ruleset(Entity, frozen=True):
    """A sandbox's rules as one document, since they change seldom and are read together. `doc` is a JSON list by id."""

    kind: ClassVar[str] = "ruleset"
    id: str  # always "all"
    doc: str


class _OnRules:
    """The base of the commands: they need the ruleset, carry no idempotency key, and are idempotent by themselves."""

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> Iterable[Key]:
        """The ruleset."""
        return ((Ruleset.kind, ALL),)


@dataclass(frozen=True, slots=True)
class PutRule(_OnRules):
    """Arm a rule. To arm the same rule again changes nothing, neither its counters nor its time of arming."""

    sandbox_id: str
    rule: Rule

    def decide(self, work: Work) -> Answer:
        """201, or 200 if there was a rule of that id. Raises Refused `too_many_rules`."""
        is_new = self.rule.id not in read(work)
        stored = arm(work, (self.rule,))
        return Answer(201 if is_new else 200, stored[self.rule.id])


@dataclass(frozen=True, slots=True)
class PutRules(_OnRules):
    """Arm several rules, all of them or none. Each is armed as `PutRule` arms it; other rules stay as they are."""

    sandbox_id: str
    rules: tuple[Rule, ...]

    def decide(self, work: Work) -> Answer:
        """200 and the ids of the rules. Raises Refused `too_many_rules`."""
        arm(work, self.rules)
        return Answer(200, {"armed": [rule.id for rule in self.rules]})


@dataclass(frozen=True, slots=True)
class PatchRule(_OnRules):
    """Switch a rule on or off. Switched on, it is armed again: its window starts again, its counters continue."""

    sandbox_id: str
    rule_id: str
    enabled: bool

    def decide(self, work: Work) -> Answer:
        """200 and the rule. Raises Refused `rule_unknown`."""
        rules = read(work)
        rule = rules.get(self.rule_id)
        if rule is None:
            raise unknown(self.rule_id, rules)
        if rule["rule"]["enabled"] != self.enabled:
            rearm = self.enabled and "group" not in rule  # A stage of an experiment keeps to its plan.
            armed_ms = work.now_ms if rearm else rule["armed_ms"]
            rule = {**_switched(rule, self.enabled), "armed_ms": armed_ms}
            write(work, rules | {self.rule_id: rule})
        return Answer(200, rule)


@dataclass(frozen=True, slots=True)
class DeleteRule(_OnRules):
    """Delete a rule. Its injections stay in the answer key and end as they would have with the rule."""

    sandbox_id: str
    rule_id: str

    def decide(self, work: Work) -> Answer:
        """204. Raises Refused `rule_unknown`."""
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
        """200 and the ids of the rules that were on."""
        rules = read(work)
        halted = [id for id, rule in rules.items() if rule["rule"]["enabled"]]
        for id in halted:
            rules[id] = _switched(rules[id], False)
        if halted:
            write(work, rules)
        return Answer(200, {"halted": halted})


def arm(work: Work, rules: Iterable[Rule]) -> dict[str, StoredRule]:
    """Arm rules now, and return all that are stored then. A rule that is armed already stays, with its counters.

    Raises Refused `too_many_rules`.
    """
    stored = read(work)
    revision = work.sandbox.rules_version + 1
    changed = False
    for rule in rules:
        previous = stored.get(rule.id)
        if previous is None or previous["rule"] != rule.to_json():
            armed = replace(rule, armed_ms=work.now_ms, revision=revision, zone=work.sandbox.zone)
            stored[rule.id] = armed.to_stored()
            changed = True
    if changed:
        refuse_too_many(stored)
        write(work, stored)
    return stored


def _switched(rule: StoredRule, enabled: bool) -> StoredRule:
    return {**rule, "rule": {**rule["rule"], "enabled": enabled}}


def replace_group(
    work: Work, others: Mapping[str, StoredRule], group: str, rules: Iterable[Rule]
) -> dict[str, StoredRule]:
    """The other rules and these, which are armed now as one group.

    Raises Refused `validation_failed` if an id is taken, `too_many_rules`.
    """
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
        stored[rule.id] = {**armed.to_stored(), "group": group}
    refuse_too_many(stored)
    return stored


def refuse_too_many(stored: Mapping[str, StoredRule]) -> None:
    """Raise Refused `too_many_rules` if these are more than a sandbox may have.

    Commands that only switch rules off or delete them do not call it, so a fault can always be disarmed.
    """
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


def _json(stored: Iterable[StoredRule]) -> str:
    return json.dumps(list(stored), separators=(",", ":"))


def read(work: Work) -> dict[str, StoredRule]:
    """The stored rules by id."""
    ruleset = work.find(Ruleset, ALL)
    return by_id(json.loads(ruleset.doc)) if ruleset else {}


def by_id(stored: Sequence[StoredRule]) -> dict[str, StoredRule]:
    """Stored rules by id, in the order of their ids."""
    return {rule["id"]: rule for rule in sorted(stored, key=lambda rule: rule["id"])}


def write(work: Work, stored: Mapping[str, StoredRule]) -> None:
    """Store the rules under a new version, which makes every process load them again."""
    version = work.sandbox.rules_version + 1
    rules = [on_in(rule, version) for rule in by_id(list(stored.values())).values()]
    work.put(Ruleset(ALL, _json(rules)))
    work.put(structs.replace(work.sandbox, rules_version=version))
