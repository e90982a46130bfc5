"""Webhook endpoints: where a client wants to be told, and of what."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.answers import answered, rendered
from mocklend.api.asking import lender, run, sandbox_id, snapshot
from mocklend.api.fields import Body, Choice, Doc, UrlText
from mocklend.api.lists import Paged, place
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.domain.channel import RETRY_SCHEDULES
from mocklend.domain.problems import Refused
from mocklend.views import reads
from mocklend.webhooks.delivery import STATES, endpoint_of, webhook_doc
from mocklend.webhooks.endpoints import AddEndpoint, RemoveEndpoint
from mocklend.webhooks.events import EVENTS

webhook_endpoints = APIBlueprint("webhook_endpoints", __name__)

Url = Annotated[str, UrlText()]
Event = Annotated[str, Choice(("*", *EVENTS))]
Events = Annotated[tuple[Event, ...], Field(min_length=1, max_length=len(EVENTS) + 1)]


class NewEndpoint(Body):
    """Where to deliver, and which events."""

    url: Url
    events: Events = ("*",)
    profile: Annotated[str, Choice(tuple(RETRY_SCHEDULES))] = "standard"


class EndpointDoc(Doc):
    """An endpoint, with the secret that its deliveries are signed with."""

    id: str
    url: str
    events: list[str]
    profile: str
    secret: str
    created_at: str


class EndpointList(Doc):
    """The sandbox's endpoints."""

    endpoints: list[EndpointDoc]


class WebhookQuery(Paged):
    """Which messages."""

    state: Annotated[str, Choice(STATES)] | None = None


class WebhookAttemptDoc(Doc):
    """One attempt to deliver a message.

    `outcome`: `acked`, `status_` and what was answered, `gone`, `timeout`, `unreachable`, or `address_refused` where
    the URL leads to an address that this server does not call.
    """

    n: int
    at: str
    outcome: str


class WebhookDoc(Doc):
    """A message to an endpoint, and its delivery log. Its body is that of the event."""

    id: str
    endpoint_id: str
    loan_id: str
    event: Event
    state: Annotated[str, Choice(STATES)]
    attempts: list[WebhookAttemptDoc]
    queued_at: str
    next_attempt_at: str | None
    acked_at: str | None


class WebhookList(Doc):
    """Messages."""

    webhooks: list[WebhookDoc]
    next_cursor: str | None


@webhook_endpoints.post("/v1/webhook-endpoints")
@webhook_endpoints.input(NewEndpoint, arg_name="new")
@webhook_endpoints.output(EndpointDoc, status_code=201)
@webhook_endpoints.doc(**described("addWebhookEndpoint", "too_many_endpoints", may_be_200=True))
def add_endpoint(new: NewEndpoint) -> Response:
    """Register an endpoint."""
    if lender().receivers.refuses_url(new.url):
        raise field_problem("url", "a URL at an address that this server calls (MOCKLEND_CALLBACK_ALLOW)", new.url)
    return answered(run(AddEndpoint(sandbox_id(), new.url, tuple(dict.fromkeys(new.events)), new.profile)))


@webhook_endpoints.get("/v1/webhook-endpoints")
@webhook_endpoints.output(EndpointList)
@webhook_endpoints.doc(**described("listWebhookEndpoints"))
def list_endpoints() -> Response:
    """Every endpoint of the sandbox."""
    with snapshot() as (connection, sandbox, _):
        return rendered({"endpoints": reads.endpoints(lender().sandbox(connection, sandbox))})


@webhook_endpoints.get("/v1/webhook-endpoints/<id:endpoint_id>/webhooks")
@webhook_endpoints.input(WebhookQuery, location="query", arg_name="query")
@webhook_endpoints.output(WebhookList)
@webhook_endpoints.doc(**described("listWebhooks", "endpoint_unknown"))
def list_webhooks(endpoint_id: str, query: WebhookQuery) -> Response:
    """The messages to an endpoint by id, and what came of each attempt to deliver them."""
    after = place(query.cursor)
    with snapshot() as (connection, sandbox, _):
        if endpoint_of(lender().sandbox(connection, sandbox).endpoints, endpoint_id) is None:
            raise Refused("endpoint_unknown", f"no endpoint {endpoint_id}", endpoint_id=endpoint_id)
        found, cursor = reads.webhooks(
            connection, sandbox, endpoint_id, state=query.state, after=after, limit=query.limit
        )
    return rendered({"webhooks": [webhook_doc(one) for one in found], "next_cursor": cursor})


@webhook_endpoints.delete("/v1/webhook-endpoints/<id:endpoint_id>")
@webhook_endpoints.output({}, status_code=204)
@webhook_endpoints.doc(**described("removeWebhookEndpoint", "endpoint_unknown"))
def remove_endpoint(endpoint_id: str) -> Response:
    """Forget an endpoint."""
    return answered(run(RemoveEndpoint(sandbox_id(), endpoint_id)))
