"""/-/rules: arm, change, halt and delete rules, and read their counters."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool, WithJsonSchema

from mocklend.api.fields import Doc
from mocklend.api.openapi import operation
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.nouns import JsonObject
from mocklend.domain.problems import Refused
from mocklend.storage.work import NoOp
from mocklend.validation import Body, schema_of
from mocklend_faults.api.sentences import SentenceDoc
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.activation import Activate
from mocklend_faults.engine.commands import DeleteRule, HaltRules, PatchRule, PutRule, PutRules
from mocklend_faults.engine.counted_rules import counted_rules
from mocklend_faults.engine.matching import MATCH_SCHEMA
from mocklend_faults.engine.rule_sets import RuleSetBody, read_rule_set
from mocklend_faults.engine.rules import WITH_SCHEMA, CountedRule, ExpectBody, Rule, RuleBody, unknown
from mocklend_faults.engine.selection import Select

rules = APIBlueprint("rules", __name__, tag="Faults")


RULE = {"fault": "cache.bounded_stale", "select": {"probability": 0.1}, "with": {"lag_s": 60}}
A_RULE = {"rule_id": "stale-pages"}
"""Examples of the documentation."""


class NewRule(RuleBody):
    """A fault, the events that it changes, when, how often, and its settings. Only `fault` is required."""


class NewRules(RuleSetBody):
    """Rules that are armed together: all of them, or none if one is wrong."""


class RulePatch(Body):
    """Switch a rule on or off. To change anything else, PUT the rule."""

    enabled: StrictBool = Field(description="False switches the rule off, true on again. Its counters stay.")


class WarningDoc(Doc):
    """A property of a rule that its author may not intend."""

    code: str = Field(description="The kind of warning.")
    detail: str = Field(description="The warning, in a sentence.")


class LintDoc(Doc):
    """Whether the rule's injections can be repeated."""

    verdict: str = Field(
        description="With the other rules: `exact`, or `order_dependent` or `time_dependent` if the order or the "
        "time of events decides."
    )
    alone: str = Field(description="The verdict if it were the only rule.")
    reasons: list[str] = Field(description="Why it is not `exact`, a sentence each.")
    sentences: list[SentenceDoc] = Field(description="The reasons as texts with placeholders, and their values.")
    warnings: list[WarningDoc] = Field(description="Properties of the rule that may not be intended.")


class RuleDoc(Doc):
    """A rule with its state, its counters and its lint."""

    id: str = Field(description="The rule's id, as in its path.")
    fault: str = Field(description="The kind of fault that the rule arms, by its name in GET /-/faults.")
    match: Annotated[JsonObject, WithJsonSchema(MATCH_SCHEMA)] = Field(
        description="Which events the rule matches: conditions on the seam's fields, in the long form."
    )
    activate: Annotated[JsonObject, WithJsonSchema(schema_of(Activate))] = Field(description="When the rule acts.")
    select: Annotated[JsonObject, WithJsonSchema(schema_of(Select))] = Field(description="How often the rule acts.")
    settings: Annotated[JsonObject, WithJsonSchema(WITH_SCHEMA)] = Field(
        alias="with", description="The settings of the kind, the defaults included."
    )
    expect: Annotated[JsonObject, WithJsonSchema(schema_of(ExpectBody))] = Field(
        description="What a reconciler should report, where it differs from what the seam says."
    )
    enabled: bool = Field(description="Whether the rule is switched on.")
    armed_at: str = Field(
        description="When the rule was armed; `activate` counts from here. RFC 3339, on the sandbox's clock."
    )
    state: str = Field(
        description="`armed`, `waiting` for its start or schedule, `expired`, `disabled`, or `unavailable` "
        "(its kind is not installed)."
    )
    evaluated: int = Field(description="How many events at the fault's seams the rule was evaluated on.")
    matched: int = Field(description="How many of them met `match` while the rule was active.")
    selected: int = Field(description="How many of those were selected by probability and limits.")
    injected: int = Field(description="How many of those were changed: entries of the answer key.")
    lint: LintDoc = Field(description="Whether the rule's injections can be repeated, and warnings.")


class RuleList(Doc):
    """The sandbox's rules, in the order in which they act."""

    rules: list[RuleDoc] = Field(description="The rules, in the order in which they act.")


class Halted(Doc):
    """The rules that were switched off."""

    halted: list[str] = Field(description="The ids of the rules that were switched off.")


@rules.get("/-/rules")
@rules.output(RuleList)
@rules.doc(**operation("listRules"))
def list_rules() -> Response:
    """Every rule with its counters."""
    return rendered({"rules": rule_documents()})


@rules.post("/-/rules")
@rules.input(NewRules, arg_name="new")
@rules.output(RuleList)
@rules.doc(**operation("putRules", "too_many_rules", example={"rules": [{"id": "stale-pages", **RULE}]}))
def put_rules(new: NewRules) -> Response:
    """Arm several rules at once, or none of them if one is wrong. Rules of other ids stay as they are."""
    answer = run(PutRules(sandbox_id(), read_rule_set(new, fault_layer().catalogue)))
    armed = set(answer.body["armed"])
    return rendered({"rules": [document for document in rule_documents() if document["id"] in armed]})


@rules.get("/-/rules/<id:rule_id>")
@rules.output(RuleDoc)
@rules.doc(**operation("getRule", "rule_unknown", parameters=A_RULE))
def get_rule(rule_id: str) -> Response:
    """A rule with its counters."""
    return rendered(_document(rule_id))


@rules.put("/-/rules/<id:rule_id>")
@rules.input(NewRule, arg_name="new")
@rules.output(RuleDoc, status_code=201)
@rules.doc(**operation("putRule", "fault_unknown", "too_many_rules", may_be_200=True, example=RULE, parameters=A_RULE))
def put_rule(rule_id: str, new: NewRule) -> Response:
    """Arm a rule. Sending the same rule again changes nothing; a changed rule starts its counters from 0."""
    answer = run(PutRule(sandbox_id(), Rule.from_body(rule_id, new, fault_layer().catalogue)))
    return rendered(_document(rule_id), answer.status)


@rules.patch("/-/rules/<id:rule_id>")
@rules.input(RulePatch, arg_name="patch")
@rules.output(RuleDoc)
@rules.doc(**operation("patchRule", "rule_unknown", example={"enabled": False}, parameters=A_RULE))
def patch_rule(rule_id: str, patch: RulePatch) -> Response:
    """Switch a rule on or off."""
    answer = run(PatchRule(sandbox_id(), rule_id, patch.enabled))
    return rendered(_document(rule_id), answer.status)


@rules.delete("/-/rules/<id:rule_id>")
@rules.output({}, status_code=204)
@rules.doc(**operation("deleteRule", "rule_unknown", parameters=A_RULE))
def delete_rule(rule_id: str) -> Response:
    """Delete a rule. Its injections stay in the answer key."""
    return answered(run(DeleteRule(sandbox_id(), rule_id)))


@rules.post("/-/rules/halt")
@rules.output(Halted)
@rules.doc(**operation("haltRules"))
def halt_rules() -> Response:
    """Switch every rule off."""
    return answered(run(HaltRules(sandbox_id())))


def rule_documents() -> list[CountedRule]:
    """The rules of the request's sandbox with their counters, as `GET /-/rules` returns them."""
    layer = fault_layer()
    if layer.write_counts(sandbox_id()):
        with suppress(Refused):  # If the platform is too busy, the counters are those that are written already.
            run(NoOp(sandbox_id()))
    with open_snapshot() as snapshot:
        return counted_rules(snapshot, layer.catalogue)


def _document(rule_id: str) -> CountedRule:
    documents = {document["id"]: document for document in rule_documents()}
    if rule_id not in documents:
        raise unknown(rule_id, documents)
    return documents[rule_id]
