"""The attempts to deliver a webhook, as they are stored and shown. `webhooks.delivery` makes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypedDict

from msgspec.structs import replace

from mocklend.documents import rendering
from mocklend.domain.channel import RETRY_SCHEDULES
from mocklend.domain.nouns import LoanId, column, one_of, says
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import DeliveryState
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Webhook
from mocklend.storage.values import Attempt, EndpointDoc
from mocklend.storage.work import Answer, Idempotency, Key, Sandbox, Work
from mocklend.webhooks.events import EVENTS

TIMED_OUT, GONE = "timeout", "gone"


class Delivered(NamedTuple):
    """What came of one attempt: `acked` or the reason why not, and the receiver's HTTP status, if it has answered."""

    outcome: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class RecordDelivery:
    """Log the outcome of one attempt."""

    sandbox_id: str
    webhook_id: str
    attempt: int
    outcome: str
    at_ms: int | None = None
    """When it was made on the sandbox's clock; None: now. A manual clock may be past the due time."""
    resets: int = 0
    """The sandbox's number of resets when it was made."""
    status: int | None = None
    """The receiver's HTTP status; None if it has not answered."""
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The message."""
        return (("webhook", self.webhook_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the delivery log."""
        webhook = work.find(Webhook, self.webhook_id)
        if webhook is None or work.sandbox.resets != self.resets:
            return Answer(200, {})  # The sandbox was reset during the attempt.
        if webhook.due_ms is None or webhook.attempts + 1 != self.attempt:
            return Answer(200, webhook_doc(webhook))  # Another worker has logged this attempt.
        endpoint = endpoint_of(work.sandbox, webhook.endpoint_id)
        retry_schedule = RETRY_SCHEDULES[endpoint["profile"]] if endpoint else ()
        acked = self.outcome == "acked"
        at_ms = work.now_ms if self.at_ms is None else self.at_ms
        ended = acked or self.outcome == GONE or self.attempt >= len(retry_schedule)
        log = (*webhook.log, Attempt(self.attempt, rfc3339(at_ms), self.outcome, status=self.status))
        webhook = replace(
            webhook,
            state=DeliveryState.ACKED if acked else (DeliveryState.EXHAUSTED if ended else DeliveryState.RETRY),
            attempts=self.attempt,
            log=log,
            due_ms=None if ended else at_ms + retry_schedule[self.attempt] * 1000,
            acked_ms=at_ms if acked and webhook.acked_ms is None else webhook.acked_ms,
        )
        work.put(webhook)
        return Answer(200, webhook_doc(webhook))


@dataclass(frozen=True, slots=True)
class ResendWebhook:
    """Make a message due now, whatever has become of it. A failed attempt is followed by the rest of its schedule."""

    sandbox_id: str
    webhook_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The message."""
        return (("webhook", self.webhook_id),)

    def decide(self, work: Work) -> Answer:
        """202 and the delivery log. Raises Refused `webhook_unknown`, `endpoint_unknown`."""
        webhook = work.find(Webhook, self.webhook_id)
        if webhook is None:
            raise Refused("webhook_unknown", f"no webhook {self.webhook_id}", webhook_id=self.webhook_id)
        if endpoint_of(work.sandbox, webhook.endpoint_id) is None:
            raise Refused(
                "endpoint_unknown", f"its endpoint {webhook.endpoint_id} was removed", endpoint_id=webhook.endpoint_id
            )
        state = DeliveryState.RETRY if webhook.attempts else DeliveryState.QUEUED
        webhook = replace(webhook, state=state, due_ms=work.now_ms)
        work.put(webhook)
        return Answer(202, webhook_doc(webhook))


def endpoint_of(sandbox: Sandbox, endpoint_id: str) -> EndpointDoc | None:
    """A sandbox's endpoint with this id, or None."""
    return next((endpoint for endpoint in sandbox.endpoints if endpoint["id"] == endpoint_id), None)


class WebhookAttemptDoc(TypedDict):
    """One attempt to deliver a message.

    `outcome`: `acked`, `status_` and the HTTP status, `gone`, `timeout`, `unreachable`, or `address_refused` if the
    URL leads to an address that this server does not call.
    """

    n: Annotated[int, says("The attempt's number, from 1.")]
    at: Annotated[str, says("When it was made. RFC 3339, on the sandbox's clock.")]
    outcome: Annotated[
        str, says("`acked`, `status_` and the HTTP status, `gone`, `timeout`, `unreachable`, or `address_refused`.")
    ]
    status: Annotated[int | None, says("The HTTP status of the receiver's answer; null if it has not answered.")]


def _attempt_docs(log: Iterable[Attempt]) -> list[WebhookAttemptDoc]:
    return [{"n": each.n, "at": each.at, "outcome": each.outcome, "status": each.status} for each in log]


class WebhookDoc(TypedDict):
    """A message to an endpoint, and its delivery log."""

    id: Annotated[str, says("The message's id, as in the header `webhook-id`.")]
    endpoint_id: Annotated[str, says("The endpoint that it is sent to.")]
    loan_id: LoanId
    event: Annotated[str, one_of(("*", *EVENTS), "The type of the event.")]
    state: Annotated[
        str,
        one_of(
            DeliveryState,
            "QUEUED before its first attempt, RETRY between attempts, ACKED when it was accepted, EXHAUSTED "
            "when no attempt is left.",
        ),
    ]
    attempts: Annotated[
        list[WebhookAttemptDoc], column("log", _attempt_docs), says("Every attempt to deliver it, oldest first.")
    ]
    body: Annotated[str, says("The body of the request, as it is sent: JSON, see the event.")]
    queued_at: Annotated[str, says("When it was put in the outbox. RFC 3339, on the sandbox's clock.")]
    next_attempt_at: Annotated[
        str | None,
        column("due_ms"),
        says("When the next attempt is due; null when no attempt is left or needed. RFC 3339, on the sandbox's clock."),
    ]
    acked_at: Annotated[
        str | None, says("When the receiver answered with 2xx; null until then. RFC 3339, on the sandbox's clock.")
    ]


webhook_doc = rendering(Webhook, WebhookDoc)
