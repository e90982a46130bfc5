"""The webhooks of an advance: they are sent beside it, in the order of their due times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mocklend.sandboxes import lifecycle
from mocklend.scheduling.due import Due, due_webhooks
from mocklend.storage.engines import reading
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.work import Sandbox
from mocklend.webhooks.workers import Parcel

if TYPE_CHECKING:
    from mocklend.scheduling.driver import ClockDriver

OFFERED_MAX = 500
"""How many webhooks of a sandbox are passed to the workers at a time."""
DELIVERED_MAX = 5_000
"""How many webhooks an advance waits for; the rest is sent after its answer."""


def parcel_of(sandbox_id: str, item: Due, *, in_order: bool = False) -> Parcel:
    """The parcel of a webhook that is due."""
    return Parcel(sandbox_id, item.extra, item.id, item.due_ms, in_order)


def endpoint_ids(sandbox: Sandbox) -> list[str]:
    """The ids of a sandbox's webhook endpoints."""
    return [endpoint["id"] for endpoint in sandbox.endpoints]


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
