"""/-/rules: arming, changing, halting and forgetting rules, and what each has done."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool, WithJsonSchema

from mocklend.api.fields import Doc
from mocklend.api.openapi import described
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.problems import Refused
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.work import NoOp
from mocklend.validation import Body, schema_of
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.activation import Activate
from mocklend_faults.engine.commands import DeleteRule, HaltRules, PatchRule, PutRule
from mocklend_faults.engine.counting import Tally, tallies
from mocklend_faults.engine.lint import EXACT, LintResult, LintWarning, lint
from mocklend_faults.engine.loaded_rules import stored_of, usable
from mocklend_faults.engine.matching import MATCH_SCHEMA
from mocklend_faults.engine.rules import WITH_SCHEMA, ExpectBody, Rule, RuleBody, unknown
from mocklend_faults.engine.selection import Select

rules = APIBlueprint("rules", __name__, tag="Faults")


UNAVAILABLE = LintResult(
    EXACT, EXACT, (), (LintWarning("unavailable", "the kind is not installed here, so it cannot act"),)
)
RULE = {"fault": "cache.bounded_stale", "select": {"probability": 0.1}, "with": {"lag_s": 60}}
A_RULE = {"rule_id": "stale-pages"}
"""Examples of the documentation."""


class NewRule(RuleBody):
    """A fault, and whom it hits, when, how often and how. Only `fault` is needed."""


class RulePatch(Body):
    """Switch a rule on or off. To change anything else, put it again."""

    enabled: StrictBool = Field(description="False switches the rule off, true on again. Its counters stay.")


class WarningDoc(Doc):
    """Something that a rule cannot do, or that its author may not have meant."""

    code: str = Field(description="The kind of warning.")
    detail: str = Field(description="The warning, in a sentence.")


class LintDoc(Doc):
    """Whether the rule's injections can be repeated."""

    verdict: str = Field(
        description="In the company of the other rules: `exact`, or `order_dependent` or `time_dependent` where the "
        "order or the time of events decides."
    )
    alone: str = Field(description="The same, were it the only rule.")
    reasons: list[str] = Field(description="Why it is not `exact`, a sentence each.")
    warnings: list[WarningDoc] = Field(description="What the rule cannot do.")


class RuleDoc(Doc):
    """A rule and what it has done. `state`: armed, waiting, expired, disabled, or unavailable (kind not installed).

    `lint` says whether its injections can be repeated (exact, order_dependent, time_dependent) and warns of what it
    cannot do."""

    id: str = Field(description="The rule's id, as in its address.")
    fault: str = Field(description="The kind of fault that the rule arms, by its name in GET /-/faults.")
    match: Annotated[dict[str, Any], WithJsonSchema(MATCH_SCHEMA)] = Field(
        description="Whom the rule is about: conditions on the seam's fields, in the long form."
    )
    activate: Annotated[dict[str, Any], WithJsonSchema(schema_of(Activate))] = Field(description="When the rule acts.")
    select: Annotated[dict[str, Any], WithJsonSchema(schema_of(Select))] = Field(description="How often the rule acts.")
    settings: Annotated[dict[str, Any], WithJsonSchema(WITH_SCHEMA)] = Field(
        alias="with", description="The settings of the kind, those with their default too."
    )
    expect: Annotated[dict[str, Any], WithJsonSchema(schema_of(ExpectBody))] = Field(
        description="What the author expects a reconciler to report, beside what the seam says."
    )
    enabled: bool = Field(description="Whether the rule is switched on.")
    armed_at: str = Field(
        description="When the rule was armed; `activate` counts from here. RFC 3339, on the sandbox's clock."
    )
    state: str = Field(
        description="`armed`, `waiting` for its start or schedule, `expired`, `disabled`, or `unavailable` "
        "(its kind is not installed)."
    )
    evaluated: int = Field(description="How many events the rule was asked about.")
    matched: int = Field(description="How many of them met `match` while the rule was active.")
    selected: int = Field(description="How many of those chance and the limits let through.")
    injected: int = Field(description="How many of those were changed: entries on the answer key.")
    lint: LintDoc = Field(
        description="Whether the rule's injections can be repeated, and warnings about what it cannot do."
    )


class RuleList(Doc):
    """The sandbox's rules, in the order in which they act."""

    rules: list[RuleDoc] = Field(description="The rules, in the order in which they act.")


class Halted(Doc):
    """The rules that were on."""

    halted: list[str] = Field(description="The ids of the rules that were switched off.")


@rules.get("/-/rules")
@rules.output(RuleList)
@rules.doc(**described("listRules"))
def list_rules() -> Response:
    """Every rule with its counters."""
    return rendered({"rules": rules_told()})


@rules.get("/-/rules/<id:rule_id>")
@rules.output(RuleDoc)
@rules.doc(**described("getRule", "rule_unknown", parameters=A_RULE))
def get_rule(rule_id: str) -> Response:
    """A rule with its counters."""
    return rendered(_told(rule_id))


@rules.put("/-/rules/<id:rule_id>")
@rules.input(NewRule, arg_name="new")
@rules.output(RuleDoc, status_code=201)
@rules.doc(**described("putRule", "fault_unknown", "too_many_rules", may_be_200=True, example=RULE, parameters=A_RULE))
def put_rule(rule_id: str, new: NewRule) -> Response:
    """Arm a rule. The same again changes nothing; another one in its place counts anew."""
    answer = run(PutRule(sandbox_id(), Rule.from_body(rule_id, new, fault_layer().catalogue)))
    return rendered(_told(rule_id), answer.status)


@rules.patch("/-/rules/<id:rule_id>")
@rules.input(RulePatch, arg_name="patch")
@rules.output(RuleDoc)
@rules.doc(**described("patchRule", "rule_unknown", example={"enabled": False}, parameters=A_RULE))
def patch_rule(rule_id: str, patch: RulePatch) -> Response:
    """Switch a rule on or off."""
    answer = run(PatchRule(sandbox_id(), rule_id, patch.enabled))
    return rendered(_told(rule_id), answer.status)


@rules.delete("/-/rules/<id:rule_id>")
@rules.output({}, status_code=204)
@rules.doc(**described("deleteRule", "rule_unknown", parameters=A_RULE))
def delete_rule(rule_id: str) -> Response:
    """Forget a rule. What it injected stays on the answer key."""
    return answered(run(DeleteRule(sandbox_id(), rule_id)))


@rules.post("/-/rules/halt")
@rules.output(Halted)
@rules.doc(**described("haltRules"))
def halt_rules() -> Response:
    """Switch every rule off, at once."""
    return answered(run(HaltRules(sandbox_id())))


def rules_told() -> list[dict[str, Any]]:
    """The rules of the request's sandbox, each with its counters, as `GET /-/rules` has them."""
    layer = fault_layer()
    if layer.write_counts(sandbox_id()):
        with suppress(Refused):  # Where the platform is too busy, it tells what was written by now.
            run(NoOp(sandbox_id()))
    with open_snapshot() as snapshot:
        stored = stored_of(snapshot)
        rules = usable(stored, layer.catalogue)
        counted = tallies(snapshot, stored, rules)
        mode = snapshot.sandbox.mode
    known, linted = {rule.id: rule for rule in rules}, lint(rules, mode=mode)
    return [_doc(one, known.get(one["id"]), counted[one["id"]], snapshot.now_ms, linted) for one in stored]


def _told(rule_id: str) -> dict[str, Any]:
    known = {told["id"]: told for told in rules_told()}
    if rule_id not in known:
        raise unknown(rule_id, known)
    return known[rule_id]


def _doc(
    stored: dict[str, Any],
    rule: Rule | None,
    tally: Tally,
    now_ms: int,
    linted: Mapping[str, LintResult],
) -> dict[str, Any]:
    told: dict[str, Any] = stored["rule"] | {
        "armed_at": rfc3339(stored["armed_ms"]),
        "state": rule.state(now_ms) if rule is not None else "unavailable",
        "evaluated": tally.evaluated,
        "matched": tally.matched,
        "selected": tally.selected,
        "injected": tally.injected,
        "lint": (linted[rule.id] if rule is not None else UNAVAILABLE).to_json(),
    }
    return told
