"""GET /-/explain: why each rule fired on the events of a story, or did not."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import Doc, Id
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import operation
from mocklend.api.problems import field_problem
from mocklend.api.request_context import open_snapshot
from mocklend.api.responses import rendered
from mocklend.validation import Body, OneOf
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.explain import OUTCOMES, explained
from mocklend_faults.engine.loaded_rules import stored_of, usable
from mocklend_faults.engine.trail import EVENTS_MAX

explanations = APIBlueprint("explanations", __name__, tag="Faults")


class ExplainQuery(Body):
    """Whose story: an entity's (a loan, a repayment, a receipt, an edit, by its id), a loan's, a request's, or of each.

    `request_id` is what the answer had in the header `Mocklend-Request-Id`, and what `GET /-/requests` lists.
    """

    entity: Id | None = Field(
        default=None, description="Events about this entity: a loan, a repayment, a receipt or an edit, by its id."
    )
    loan_id: LoanId | None = None
    request_id: Id | None = Field(
        default=None, description="Events that this request led to: the `Mocklend-Request-Id` of its answer."
    )


class ExplainedEvent(Doc):
    """An event that a rule met, and how far it came. What decided stands beside `why`, by its name."""

    seam: str = Field(description="The seam where it happened.")
    entity: str = Field(description="What it was about: a loan, a repayment, a receipt, an edit, by its id.")
    occurrence: int = Field(description="Its number among the events of its entity at this seam, from 1.")
    at: str | None = Field(description="When it happened. RFC 3339, on the sandbox's clock.")
    request_id: str | None = Field(description="The request that led to it; null where the clock did.")
    outcome: Annotated[str, OneOf(OUTCOMES)] = Field(description="How far it came with the rule.")
    why: str = Field(description="Why it came so far and no further, in a sentence.")


class ExplainedRule(Doc):
    """A rule, and the events of the story that it met."""

    rule: str = Field(description="The rule's id.")
    fault: str = Field(description="The kind of fault that it arms.")
    enabled: bool = Field(description="Whether it is switched on.")
    events: list[ExplainedEvent] = Field(description="The events that it met, oldest first.")
    why: str = Field(default="", description="Where it met none: why. Left out otherwise.")


class ExplanationDoc(Doc):
    """For each rule, each event of the story that is still known, how far it came with the rule, and why no further."""

    rules: list[ExplainedRule] = Field(
        description="Each armed rule, with the events of the story that it met, and what became of each."
    )
    events_known: int = Field(description="How many events of the story this server still remembers.")
    events_kept_max: int = Field(
        description="How many events of a sandbox the server remembers at most; the oldest are forgotten."
    )


@explanations.get("/-/explain")
@explanations.input(ExplainQuery, location="query", arg_name="query")
@explanations.output(ExplanationDoc)
@explanations.doc(**operation("explain", parameters={"entity": "rpy_of_a_repayment"}))
def explain(query: ExplainQuery) -> Response:
    """Why each rule fired on an entity, or on what a request led to, or did not."""
    if query.entity is None and query.loan_id is None and query.request_id is None:
        raise field_problem("entity", "an entity, a loan_id or a request_id", None)
    with open_snapshot() as snapshot:
        armed = usable(stored_of(snapshot), fault_layer().catalogue)
    whose = (query.entity, query.loan_id, query.request_id)
    events = [one for one in fault_layer().events_of(snapshot.sandbox_id) if one.is_about(*whose)]
    document = {"rules": explained(armed, events), "events_known": len(events), "events_kept_max": EVENTS_MAX}
    return rendered(document)
