"""Delivering webhooks to clients, over real HTTP.

Only loopback is ever called unless the server itself is bound elsewhere; redirects and proxies are not followed. The
address that was really reached is checked after connecting and before any byte of the request is sent.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from mocklend.channels.channel import LADDERS
from mocklend.channels.signing import signed_headers
from mocklend.sandboxes.moments import rfc3339
from mocklend.storage.entities import Webhook
from mocklend.storage.work import Answer, Idempotency, Key, Work

TIMEOUT_S = (2, 15)
"""To connect, and to answer. Standard Webhooks suggests 15 to 30 s for the answer."""


class AddressRefused(Exception):
    """The endpoint's host is at an address that this server does not call.

    No OSError, which urllib3 would take for a network that failed and hide in an error of its own.
    """


def _check(address: str, *, loopback_only: bool) -> None:
    if loopback_only and not ipaddress.ip_address(address).is_loopback:
        raise AddressRefused(f"{address} is not a loopback address")


def _guarded(base: type[Any], *, loopback_only: bool) -> type[Any]:
    class Guarded(base):  # type: ignore[misc]
        """A connection that looks at its peer before it is used."""

        def connect(self) -> None:
            super().connect()
            try:
                _check(self.sock.getpeername()[0], loopback_only=loopback_only)
            except AddressRefused:
                self.close()
                raise

    return Guarded


class GuardedAdapter(HTTPAdapter):
    """Requests' adapter over guarded connections."""

    def __init__(self, *, loopback_only: bool) -> None:
        self._loopback_only = loopback_only
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Give the pool manager pools of guarded connections."""
        super().init_poolmanager(*args, **kwargs)
        pools = {"http": (HTTPConnectionPool, HTTPConnection), "https": (HTTPSConnectionPool, HTTPSConnection)}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": self._guard(connection)})
            for scheme, (pool, connection) in pools.items()
        }

    def _guard(self, connection: type[Any]) -> type[Any]:
        return _guarded(connection, loopback_only=self._loopback_only)


def open_session(*, loopback_only: bool = True) -> requests.Session:
    """A session that reaches only where it may."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, GuardedAdapter(loopback_only=loopback_only))
    return session


def deliver(session: requests.Session, endpoint: dict[str, Any], webhook: Webhook) -> str:
    """One attempt: `acked`, or why not. Signed with real time: the receiver's library compares it with its own."""
    headers = signed_headers(endpoint["secret"], webhook.id, time.time_ns() // 1_000_000, webhook.body)
    headers["content-type"] = "application/json"
    try:
        answer = session.post(
            endpoint["url"],
            data=webhook.body.encode(),
            headers=headers,
            timeout=TIMEOUT_S,
            allow_redirects=False,
            stream=True,
        )
        answer.close()
    except AddressRefused:
        return "address_refused"
    except requests.Timeout:
        return "timeout"
    except requests.RequestException:
        return "unreachable"
    if answer.status_code == 410:
        return "gone"
    return "acked" if 200 <= answer.status_code < 300 else f"status_{answer.status_code}"


@dataclass(frozen=True, slots=True)
class RecordDelivery:
    """What came of one attempt."""

    sandbox_id: str
    webhook_id: str
    attempt: int
    outcome: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The message."""
        return (("webhook", self.webhook_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the delivery log."""
        webhook: Webhook = work.get("webhook", self.webhook_id)
        if webhook.due_ms is None or webhook.attempts + 1 != self.attempt:
            return Answer(200, webhook_doc(webhook))  # Somebody else was faster.
        endpoint = endpoint_of(work.sandbox.endpoints, webhook.endpoint_id)
        ladder = LADDERS[endpoint["profile"]] if endpoint else ()
        acked = self.outcome == "acked"
        over = acked or self.outcome == "gone" or self.attempt >= len(ladder)
        log = [*json.loads(webhook.log), {"n": self.attempt, "at": rfc3339(work.now_ms), "outcome": self.outcome}]
        webhook = replace(
            webhook,
            state="ACKED" if acked else ("EXHAUSTED" if over else "RETRY"),
            attempts=self.attempt,
            log=json.dumps(log, separators=(",", ":")),
            due_ms=None if over else work.now_ms + ladder[self.attempt] * 1000,
            acked_ms=work.now_ms if acked else None,
        )
        work.put(webhook)
        return Answer(200, webhook_doc(webhook))


def endpoint_of(endpoints: str, endpoint_id: str) -> dict[str, Any] | None:
    """One of a sandbox's endpoints."""
    found = (endpoint for endpoint in json.loads(endpoints) if endpoint["id"] == endpoint_id)
    return next(found, None)


def webhook_doc(webhook: Webhook) -> dict[str, Any]:
    """A message's delivery log as JSON."""
    return {
        "id": webhook.id,
        "endpoint_id": webhook.endpoint_id,
        "event": webhook.event,
        "state": webhook.state,
        "attempts": json.loads(webhook.log),
    }
