"""GET /-/explain: why each rule did or did not change the events of an entity, a loan or a request."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import Doc, Id, PageSize
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import operation
from mocklend.api.problems import field_problem
from mocklend.api.request_context import open_snapshot
from mocklend.api.responses import rendered
from mocklend.validation import Body, OneOf
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.explain import OUTCOMES, explain_rules
from mocklend_faults.engine.loaded_rules import stored_of, usable
from mocklend_faults.engine.rules import unknown
from mocklend_faults.engine.trail import EVENTS_MAX

explanations = APIBlueprint("explanations", __name__, tag="Faults")


class ExplainQuery(Body):
    """Which events: those about an entity, about a loan, of a request, or of a rule. At least one is required.

    `request_id` is the header `Mocklend-Request-Id` of the answer. `GET /-/requests` lists it too.
    """

    entity: Id | None = Field(
        default=None, description="Events about this entity: a loan, a repayment, a receipt or an edit, by its id."
    )
    loan_id: LoanId | None = None
    request_id: Id | None = Field(
        default=None, description="Events that this request caused: the `Mocklend-Request-Id` of its answer."
    )
    rule: Id | None = Field(default=None, description="Only this rule, by its id.")
    outcome: Annotated[str, OneOf(OUTCOMES)] | None = Field(
        default=None, description="Only events on which a rule had this outcome."
    )
    limit: PageSize | None = Field(
        default=None, description="Only so many events of each rule, the newest; all if not given."
    )


class ExplainedEvent(Doc):
    """An event and its outcome for a rule. The values that decided it are further members, beside `why`."""

    seam: str = Field(description="The seam of the event.")
    entity: str = Field(description="The id of its entity: a loan, a repayment, a receipt, an edit.")
    loan_id: str | None = Field(description="The loan that it is about; null if it is about none.")
    occurrence: int = Field(description="Its number among the events of its entity at this seam, from 1.")
    at: str | None = Field(description="When it happened. RFC 3339, on the sandbox's clock.")
    request_id: str | None = Field(description="The request that caused it; null if the clock did.")
    outcome: Annotated[str, OneOf(OUTCOMES)] = Field(description="The outcome of the rule on the event.")
    why: str = Field(description="Why it has this outcome, in a sentence.")
    u: float | None = Field(
        default=None, description="The number drawn for it, from 0 to 1; left out if the rule did not draw."
    )
    threshold: float | None = Field(
        default=None, description="The event is selected if `u` is below this: the probability, or that of a ramp."
    )


class ExplainedRule(Doc):
    """A rule, and the events at its seams."""

    rule: str = Field(description="The rule's id.")
    fault: str = Field(description="The kind of fault that it arms.")
    enabled: bool = Field(description="Whether it is switched on.")
    events: list[ExplainedEvent] = Field(description="The events at its seams, oldest first.")
    why: str = Field(default="", description="Why there is no such event; left out if there is one.")


class ExplanationDoc(Doc):
    """For each rule, the requested events that are still in memory, each with its outcome and the reason."""

    rules: list[ExplainedRule] = Field(description="Each armed rule, with the events at its seams and their outcomes.")
    events_known: int = Field(description="How many of the requested events this server has in memory.")
    events_kept_max: int = Field(
        description="How many events of a sandbox the server keeps in memory; the oldest are dropped."
    )


@explanations.get("/-/explain")
@explanations.input(ExplainQuery, location="query", arg_name="query")
@explanations.output(ExplanationDoc)
@explanations.doc(**operation("explain", "rule_unknown", parameters={"entity": "rpy_of_a_repayment"}))
def explain(query: ExplainQuery) -> Response:
    """Why each rule did or did not change the events of an entity, a loan or a request."""
    if query.entity is None and query.loan_id is None and query.request_id is None and query.rule is None:
        raise field_problem("entity", "an entity, a loan_id, a request_id or a rule", None)
    with open_snapshot() as snapshot:
        stored = stored_of(snapshot)
    armed = usable(stored, fault_layer().catalogue)
    if query.rule is not None:
        if query.rule not in (ids := [rule["id"] for rule in stored]):
            raise unknown(query.rule, ids)
        armed = [rule for rule in armed if rule.id == query.rule]
    about = (query.entity, query.loan_id, query.request_id)
    events = [event for event in fault_layer().events_of(snapshot.sandbox_id) if event.is_about(*about)]
    explained = explain_rules(armed, events, outcome=query.outcome, limit=query.limit)
    return rendered({"rules": explained, "events_known": len(events), "events_kept_max": EVENTS_MAX})
