"""Webhook endpoints: the URLs to which events are sent, and the messages to them."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.failures import refuse_a_body
from mocklend.api.fields import Id, Url
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.problems import field_problem
from mocklend.api.request_context import current_platform, open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.api.sandboxes import NOTHING
from mocklend.domain.channel import RETRY_SCHEDULES
from mocklend.domain.nouns import NextCursor, says
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import DeliveryState
from mocklend.scheduling.delivery import resend
from mocklend.storage.entities import Webhook
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.values import EndpointDoc
from mocklend.validation import Body, OneOf
from mocklend.views import messages, reads
from mocklend.views.reads import Lists
from mocklend.webhooks.attempts import WebhookDoc, endpoint_of, webhook_doc
from mocklend.webhooks.endpoints import AddEndpoint, RemoveEndpoint
from mocklend.webhooks.events import EVENTS

webhook_endpoints = APIBlueprint("webhook_endpoints", __name__)

Event = Annotated[str, OneOf(("*", *EVENTS))]
Events = Annotated[tuple[Event, ...], Field(min_length=1, max_length=len(EVENTS) + 1)]


class NewEndpoint(Body):
    """A webhook endpoint to add."""

    url: Url = Field(description="The URL to which messages are sent, by POST.")
    events: Events = Field(default=("*",), description="The events that are sent; `*` means all.")
    profile: Annotated[str, OneOf(tuple(RETRY_SCHEDULES))] = Field(
        default="standard", description="The retry schedule of its messages."
    )


class EndpointList(TypedDict):
    """The sandbox's endpoints."""

    endpoints: Annotated[list[EndpointDoc], says("The endpoints, oldest first.")]


class WebhookQuery(Paged):
    """Filters of the list of messages."""

    state: Annotated[str, OneOf(tuple(DeliveryState))] | None = Field(
        default=None, description="Only messages in this state."
    )


class MessageQuery(WebhookQuery):
    """Filters of the list of all messages."""

    loan_id: LoanId | None = None
    event: Annotated[str, OneOf(tuple(EVENTS))] | None = Field(
        default=None, description="Only messages about this type of event."
    )
    endpoint_id: Id | None = Field(default=None, description="Only messages to this endpoint.")


class WebhookList(TypedDict):
    """A page of messages."""

    webhooks: Annotated[list[WebhookDoc], says("The messages of this page.")]
    next_cursor: NextCursor | None


@webhook_endpoints.post("/v1/webhook-endpoints")
@webhook_endpoints.input(NewEndpoint, arg_name="new")
@webhook_endpoints.output(document(EndpointDoc), status_code=201)
@webhook_endpoints.doc(**operation("addWebhookEndpoint", "too_many_endpoints", may_be_200=True))
def add_endpoint(new: NewEndpoint) -> Response:
    """Add a webhook endpoint."""
    if current_platform().receivers.refuses_url(new.url):
        raise field_problem("url", "a URL at an address that MOCKLEND_CALLBACK_ALLOW permits", new.url)
    return answered(run(AddEndpoint(sandbox_id(), new.url, tuple(dict.fromkeys(new.events)), new.profile)))


@webhook_endpoints.get("/v1/webhook-endpoints")
@webhook_endpoints.output(document(EndpointList))
@webhook_endpoints.doc(**operation("listWebhookEndpoints"))
def list_endpoints() -> Response:
    """The webhook endpoints of the sandbox."""
    with open_snapshot() as snapshot:
        return rendered({"endpoints": reads.endpoints(snapshot.sandbox)})


@webhook_endpoints.get("/v1/webhook-endpoints/<id:endpoint_id>/webhooks")
@webhook_endpoints.input(WebhookQuery, location="query", arg_name="query")
@webhook_endpoints.output(document(WebhookList))
@webhook_endpoints.doc(**operation("listWebhooks", "endpoint_unknown"))
def list_webhooks(endpoint_id: str, query: WebhookQuery) -> Response:
    """The messages to an endpoint by id, each with the results of its delivery attempts."""
    after = decode_cursor(Lists.ENDPOINT_WEBHOOKS, query.cursor)
    with open_snapshot() as snapshot:
        if endpoint_of(snapshot.sandbox, endpoint_id) is None:
            raise Refused("endpoint_unknown", f"no endpoint {endpoint_id}", endpoint_id=endpoint_id)
        page, cursor = reads.webhooks(snapshot, endpoint_id, state=query.state, after=after, limit=query.limit)
    return rendered(WebhookList(webhooks=[webhook_doc(webhook) for webhook in page], next_cursor=cursor))


@webhook_endpoints.get("/v1/webhooks")
@webhook_endpoints.input(MessageQuery, location="query", arg_name="query")
@webhook_endpoints.output(document(WebhookList))
@webhook_endpoints.doc(**operation("listAllWebhooks"))
def list_all_webhooks(query: MessageQuery) -> Response:
    """The messages to all endpoints, the newest first, each with its body and the results of its attempts.

    A page looks at 1,000 messages: with a filter it may be short, and `next_cursor` still goes on.
    """
    with open_snapshot() as snapshot:
        return rendered(webhooks_of(snapshot, query))


def webhooks_of(snapshot: Snapshot, query: MessageQuery) -> WebhookList:
    """A page of the list of all messages."""
    page, cursor = messages.messages(
        snapshot,
        Webhook,
        loan_id=query.loan_id,
        state=query.state,
        event=query.event,
        endpoint_id=query.endpoint_id,
        after=decode_cursor(Lists.WEBHOOKS, query.cursor),
        limit=query.limit,
    )
    return WebhookList(webhooks=[webhook_doc(webhook) for webhook in page], next_cursor=cursor)


@webhook_endpoints.post("/v1/webhooks/<id:webhook_id>/resend")
@webhook_endpoints.output(document(WebhookDoc), status_code=202)
@webhook_endpoints.doc(**operation("resendWebhook", "webhook_unknown", "endpoint_unknown", *BODY_CODES, reads=NOTHING))
def resend_webhook(webhook_id: str) -> Response:
    """Send a message once more, at once, also where the clock stands.

    The answer waits for the receiver for 5 seconds; a message whose `next_attempt_at` has passed is still on its way.
    """
    refuse_a_body()
    return rendered(resend(current_platform().clocks, sandbox_id(), webhook_id), 202)


@webhook_endpoints.delete("/v1/webhook-endpoints/<id:endpoint_id>")
@webhook_endpoints.output({}, status_code=204)
@webhook_endpoints.doc(**operation("removeWebhookEndpoint", "endpoint_unknown"))
def remove_endpoint(endpoint_id: str) -> Response:
    """Remove a webhook endpoint. Its messages are not sent any more."""
    return answered(run(RemoveEndpoint(sandbox_id(), endpoint_id)))
