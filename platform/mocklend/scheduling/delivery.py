"""The webhooks of an advance: they are sent beside it, in the order of their due times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mocklend.sandboxes import lifecycle
from mocklend.sandboxes.timestamps import LAST_MS
from mocklend.scheduling.due import Due, due_webhooks
from mocklend.storage.engines import reading
from mocklend.storage.entities import Webhook
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.work import Sandbox
from mocklend.webhooks.attempts import ResendWebhook, WebhookDoc, webhook_doc
from mocklend.webhooks.workers import Parcel

if TYPE_CHECKING:
    from mocklend.scheduling.driver import ClockDriver

OFFERED_MAX = 500
"""How many webhooks of a sandbox are passed to the workers at a time."""
RESENT_WITHIN_S = 5.0
"""How many seconds the answer to a request to resend a webhook waits for its receiver."""
DELIVERED_MAX = 5_000
"""How many webhooks an advance waits for; the rest is sent after its answer."""


def parcel_of(sandbox_id: str, item: Due, *, in_order: bool = False) -> Parcel:
    """The parcel of a webhook that is due."""
    return Parcel(sandbox_id, item.extra, item.id, item.due_ms, in_order)


def endpoint_ids(sandbox: Sandbox) -> list[str]:
    """The ids of a sandbox's webhook endpoints."""
    return [endpoint["id"] for endpoint in sandbox.endpoints]


def resend(driver: ClockDriver, sandbox_id: str, webhook_id: str) -> WebhookDoc:
    """Send a message once more, also where the clock stands, and wait for its receiver, for RESENT_WITHIN_S at most.

    Returns it with its attempts; what is not over by then goes on. Raises Refused `webhook_unknown`,
    `endpoint_unknown`.
    """
    message: WebhookDoc = driver._writer.run(ResendWebhook(sandbox_id, webhook_id)).body  # type: ignore[assignment]
    workers = driver.delivery_workers
    if workers.offer(Parcel(sandbox_id, message["endpoint_id"], webhook_id, LAST_MS, in_order=False)):
        workers.wait({(sandbox_id, webhook_id)}, RESENT_WITHIN_S)
    with reading(driver._engine) as connection:
        sent = SandboxReader(connection, sandbox_id).find(Webhook, webhook_id)
    return message if sent is None else webhook_doc(sent)


class Delivery:
    """The webhooks of one advance: passed to workers as the clock passes them, and awaited at its end."""

    def __init__(self, driver: ClockDriver, sandbox_id: str) -> None:
        self._driver, self._sandbox_id = driver, sandbox_id
        self._sent: dict[tuple[str, int], Due] = {}

    @property
    def sent(self) -> list[Due]:
        """Every attempt that was passed to a worker."""
        return list(self._sent.values())

    def send_out(self) -> set[str]:
        """Pass on what is due. Returns the ids of the messages that are being sent."""
        return self._hand_over(self._due(OFFERED_MAX))

    def wait(self, seconds: float) -> bool:
        """Wait until what is due is delivered or was tried as often as it is due; False if the time ran out.

        What becomes due from now on is not waited for.
        """
        driver = self._driver
        until, ours = driver._monotonic() + seconds, {item.id for item in self._due(DELIVERED_MAX)}
        while under_way := self._hand_over([item for item in self._due(DELIVERED_MAX) if item.id in ours]):
            remaining = until - driver._monotonic()
            if remaining <= 0 or not driver.delivery_workers.wait(
                {(self._sandbox_id, id) for id in under_way}, remaining
            ):
                return False
        return True

    def _due(self, most: int) -> Sequence[Due]:
        with reading(self._driver._engine) as connection:
            sandbox = lifecycle.required(connection, self._sandbox_id)
            return due_webhooks(SandboxReader(connection, sandbox.id), endpoint_ids(sandbox), sandbox.sandbox_ms, most)

    def _hand_over(self, items: Sequence[Due]) -> set[str]:
        under_way = set()
        for item in items:
            if self._driver.delivery_workers.offer(parcel_of(self._sandbox_id, item, in_order=True)):
                self._sent[(item.id, item.due_ms)] = item
                under_way.add(item.id)
        return under_way
