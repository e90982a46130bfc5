"""GET /-/explain: why each rule fired on the events of a story, or did not."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.answers import rendered
from mocklend.api.asking import snapshot
from mocklend.api.fields import Body, Doc, Id
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.explain import explained
from mocklend_faults.engine.layer import stored_of, usable
from mocklend_faults.engine.trail import EVENTS_MOST

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


class ExplanationDoc(Doc):
    """For each rule, each event of the story that is still known, how far it came with the rule, and why no further."""

    rules: list[dict[str, Any]] = Field(
        description="Each armed rule, with the events of the story that it met, and what became of each."
    )
    events_known: int = Field(description="How many events of the story this server still remembers.")
    events_kept_most: int = Field(
        description="How many events of a sandbox the server remembers at most; the oldest are forgotten."
    )


@explanations.get("/-/explain")
@explanations.input(ExplainQuery, location="query", arg_name="query")
@explanations.output(ExplanationDoc)
@explanations.doc(**described("explain", parameters={"entity": "rpy_of_a_repayment"}))
def explain(query: ExplainQuery) -> Response:
    """Why each rule fired on an entity, or on what a request led to, or did not."""
    if query.entity is None and query.loan_id is None and query.request_id is None:
        raise field_problem("entity", "an entity, a loan_id or a request_id", None)
    with snapshot() as (connection, sandbox, _):
        armed = usable(stored_of(connection, sandbox), fault_layer().catalogue)
    whose = (query.entity, query.loan_id, query.request_id)
    events = [one for one in fault_layer().events_of(sandbox) if one.is_about(*whose)]
    document = {"rules": explained(armed, events), "events_known": len(events), "events_kept_most": EVENTS_MOST}
    return rendered(document)
