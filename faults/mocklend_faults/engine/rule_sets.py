"""Several rules in one document, as they are exported, kept in a file, and armed again: all of them or none.

        {"rules": [{"id": "lost", "fault": "callback.dropped", "select": {"probability": 0.1}}, …]}

Only `id` and `fault` of a rule are required.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from pydantic import Field

from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import FieldError, Invalid
from mocklend.validation import Body, Reader, attempt, invalid_fields
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.commands import RULES_MAX
from mocklend_faults.engine.rules import Rule, RuleBody, RuleDoc, RuleId
from mocklend_faults.engine.selection import OCCURRENCE

PARTS = ("id", "fault", "match", "activate", "select", "with", "expect", "enabled")
"""The fields of a rule that arm it. What GET /-/rules has beside them is how the rule stands."""
DEFAULTS: Mapping[str, Mapping[str, object]] = {"select": {"unit": OCCURRENCE}, "activate": {"start_delay_s": 0}}
"""What a rule has without being told."""


class ListedRule(RuleBody):
    """A rule with its id. Beside it only `fault` is required."""

    id: RuleId = Field(description="The rule's id.")


class RuleSetBody(Body):
    """Rules that are armed together."""

    rules: list[ListedRule] = Field(
        min_length=1, max_length=RULES_MAX, description="The rules, each with an `id` that no other of them has."
    )


BODY = Reader(RuleSetBody)


def read_rule_set(body: RuleSetBody, catalogue: Catalogue) -> tuple[Rule, ...]:
    """The rules of a validated body. Raises Refused `validation_failed` with every wrong field of every rule."""
    errors: list[FieldError] = []
    rules: list[Rule] = []
    ids: set[str] = set()
    for n, listed in enumerate(body.rules):
        at = f"rules.{n}"
        if listed.id in ids:
            errors.append(FieldError(f"{at}.id", "an id that no other rule of the list has", listed.id))
        ids.add(listed.id)
        if listed.fault not in catalogue:
            expected = f"a kind of GET /-/faults{did_you_mean(listed.fault, catalogue)}"
            errors.append(FieldError(f"{at}.fault", expected, listed.fault))
            continue
        rule = attempt(at, partial(Rule.parse, listed.id, listed, catalogue), errors)
        if rule is not None:
            rules.append(rule)
    if errors:
        raise invalid_fields(Invalid(*errors))
    return tuple(rules)


def rule_set(rules: Iterable[RuleDoc]) -> dict[str, list[dict[str, object]]]:
    """The document that arms these rules again: without their counters, and without what is left out by default."""
    return {"rules": [armable(rule) for rule in rules]}


def armable(rule: Mapping[str, object]) -> dict[str, object]:
    """The parts of a rule that arm it, without those that say nothing."""
    parts = {name: _without_defaults(name, rule[name]) for name in PARTS if name in rule}
    if parts.get("enabled") is True:
        del parts["enabled"]
    return {name: value for name, value in parts.items() if value not in ({}, None)}


def _without_defaults(name: str, part: object) -> object:
    defaults = DEFAULTS.get(name, {})
    if not isinstance(part, Mapping):
        return part
    return {key: value for key, value in part.items() if key not in defaults or value != defaults[key]}
