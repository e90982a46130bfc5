"""Delivering webhooks to clients, over real HTTP. Redirects and proxies are not followed.

        name ─▶ its addresses ─▶ connect ─▶ the address that was reached ─▶ TLS ─▶ request
                  refused?                          refused?

Which addresses are refused is the policy of `receivers`. The first look keeps connections away from them, so that
nobody learns which ports are open there; the second one holds where a name resolves to something else a moment later.
"""

from __future__ import annotations

import heapq
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from typing import Annotated, Any, TypedDict

import requests
from msgspec.structs import replace
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from mocklend.documents import rendering
from mocklend.domain.channel import RETRY_SCHEDULES
from mocklend.domain.nouns import LoanId, column, one_of, says
from mocklend.domain.statuses import DeliveryState
from mocklend.logs import get_logger
from mocklend.machine_clock import wall_ns
from mocklend.receivers import ReceiverPolicy
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.signing import signed_headers
from mocklend.storage.entities import Webhook
from mocklend.storage.values import Attempt, EndpointDoc
from mocklend.storage.work import Answer, Idempotency, Key, Sandbox, Work
from mocklend.webhooks.events import EVENTS

TIMEOUT_S = (2, 15)
"""To connect, and to answer. Standard Webhooks suggests 15 to 30 s for the answer."""
WHOLE_S = 15.0
"""For the whole attempt. The timeouts above are for each wait, and a receiver may answer a byte at a time."""
TIMED_OUT = "timeout"


log = get_logger()


class Deadlines:
    """Ends connections whose time is up, from one thread for all of them. A wait of requests has no whole."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = count()
        self._due: list[tuple[float, int]] = []
        self._lines: dict[int, list[socket.socket]] = {}
        self._over: set[int] = set()
        self._thread: threading.Thread | None = None

    @contextmanager
    def whole(self, seconds: float) -> Iterator[int]:
        """An attempt that has so long. Gives its number, to be asked whether it is `over`."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="mocklend-deadlines", daemon=True)
                self._thread.start()
            number = next(self._numbers)
            self._lines[number] = []
            heapq.heappush(self._due, (time.monotonic() + seconds, number))
            self._changed.notify()
        _attempt.number = number
        try:
            yield number
        finally:
            _attempt.number = None
            with self._changed:
                for line in self._lines.pop(number):
                    line.close()
                self._over.discard(number)

    def over(self, number: int) -> bool:
        """Whether an attempt was ended because its time was up."""
        return number in self._over

    def watch(self, line: Any) -> None:
        """The connection of this thread's attempt. A second handle on it, since TLS takes the first away."""
        number = getattr(_attempt, "number", None)
        if number is None or line is None:
            return
        handle = socket.socket(fileno=os.dup(line.fileno()))
        with self._changed:
            if number in self._over:
                _end(handle)
            self._lines[number].append(handle)

    def _watch(self) -> None:
        with self._changed:
            while True:
                if not self._due:
                    self._changed.wait()
                    continue
                at, number = self._due[0]
                left = at - time.monotonic()
                if number in self._lines and left > 0:
                    self._changed.wait(left)
                    continue
                heapq.heappop(self._due)
                if number in self._lines:
                    self._over.add(number)
                    for line in self._lines[number]:
                        _end(line)


def _end(line: socket.socket) -> None:
    with suppress(OSError):  # The other side may have been faster.
        line.shutdown(socket.SHUT_RDWR)


_attempt = threading.local()
DEADLINES = Deadlines()


class AddressRefused(Exception):
    """The endpoint's host is at an address that this server does not call.

    No OSError, which urllib3 would take for a network that failed and hide in an error of its own.
    """


def _guarded(base: type[Any], receivers: ReceiverPolicy) -> type[Any]:
    class Guarded(base):  # type: ignore[misc]
        """A connection that looks where it leads before it is used, and is ended when its attempt's time is up."""

        def _new_conn(self) -> Any:
            # TLS begins after this, so neither a handshake nor a request is sent to what is refused.
            for *_, place in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
                self._refuse(str(place[0]))
            line = super()._new_conn()
            try:
                self._refuse(line.getpeername()[0])
            except BaseException:
                line.close()
                raise
            DEADLINES.watch(line)
            return line

        def _refuse(self, address: str) -> None:
            if receivers.refuses(self.host, address):
                raise AddressRefused(f"{self.host} is at {address}")

        def getresponse(self) -> Any:
            DEADLINES.watch(self.sock)  # It may be a connection that an earlier attempt has left open.
            return super().getresponse()

    return Guarded


class GuardedAdapter(HTTPAdapter):
    """Requests' adapter over guarded connections."""

    def __init__(self, receivers: ReceiverPolicy) -> None:
        self._receivers = receivers
        super().__init__(max_retries=0, pool_maxsize=32)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Give the pool manager pools of guarded connections."""
        super().init_poolmanager(*args, **kwargs)
        pools = {"http": (HTTPConnectionPool, HTTPConnection), "https": (HTTPSConnectionPool, HTTPSConnection)}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": self._guard(connection)})
            for scheme, (pool, connection) in pools.items()
        }

    def _guard(self, connection: type[Any]) -> type[Any]:
        return _guarded(connection, self._receivers)


def open_session(receivers: ReceiverPolicy) -> requests.Session:
    """A session that reaches only where it may."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # Receivers have nothing to do with each other.
    for scheme in ("http://", "https://"):
        session.mount(scheme, GuardedAdapter(receivers))
    return session


def deliver(session: requests.Session, endpoint: EndpointDoc, webhook: Webhook) -> str:
    """One attempt: `acked`, or why not. Signed with real time: the receiver's library compares it with its own.

    Whatever goes wrong is an attempt that failed, and has its place on the retry schedule.
    """
    with DEADLINES.whole(WHOLE_S) as attempt:
        outcome = _attempted(session, endpoint, webhook)
        return TIMED_OUT if DEADLINES.over(attempt) else outcome


def _attempted(session: requests.Session, endpoint: EndpointDoc, webhook: Webhook) -> str:
    headers = signed_headers(endpoint["secret"], webhook.id, wall_ns() // 1_000_000, webhook.body)
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
        return TIMED_OUT
    except (requests.RequestException, HTTPError, OSError, ValueError):
        return "unreachable"  # A name that is no host name is found out about deep down, by one library or another.
    except Exception as failure:
        log.warning("a receiver could not be called", endpoint=endpoint["id"], why=repr(failure)[:200])
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
    at_ms: int | None = None
    """When it was made on the sandbox's clock; None: now. A manual clock may be past the moment that it was due."""
    resets: int = 0
    """The life of the sandbox that it was made in."""
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The message."""
        return (("webhook", self.webhook_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the delivery log."""
        webhook = work.find(Webhook, self.webhook_id)
        if webhook is None or work.sandbox.resets != self.resets:
            return Answer(200, {})  # The sandbox was reset while its receiver thought about it.
        if webhook.due_ms is None or webhook.attempts + 1 != self.attempt:
            return Answer(200, webhook_doc(webhook))  # Somebody else was faster.
        endpoint = endpoint_of(work.sandbox, webhook.endpoint_id)
        retry_schedule = RETRY_SCHEDULES[endpoint["profile"]] if endpoint else ()
        acked = self.outcome == "acked"
        at_ms = work.now_ms if self.at_ms is None else self.at_ms
        over = acked or self.outcome == "gone" or self.attempt >= len(retry_schedule)
        log = (*webhook.log, Attempt(self.attempt, rfc3339(at_ms), self.outcome))
        webhook = replace(
            webhook,
            state=DeliveryState.ACKED if acked else (DeliveryState.EXHAUSTED if over else DeliveryState.RETRY),
            attempts=self.attempt,
            log=log,
            due_ms=None if over else at_ms + retry_schedule[self.attempt] * 1000,
            acked_ms=at_ms if acked else None,
        )
        work.put(webhook)
        return Answer(200, webhook_doc(webhook))


def endpoint_of(sandbox: Sandbox, endpoint_id: str) -> EndpointDoc | None:
    """One of a sandbox's endpoints."""
    return next((endpoint for endpoint in sandbox.endpoints if endpoint["id"] == endpoint_id), None)


class WebhookAttemptDoc(TypedDict):
    """One attempt to deliver a message.

    `outcome`: `acked`, `status_` and what was answered, `gone`, `timeout`, `unreachable`, or `address_refused` where
    the URL leads to an address that this server does not call.
    """

    n: Annotated[int, says("The attempt's number, from 1.")]
    at: Annotated[str, says("When it was made. RFC 3339, on the sandbox's clock.")]
    outcome: Annotated[
        str, says("`acked`, `status_` and what was answered, `gone`, `timeout`, `unreachable`, or `address_refused`.")
    ]


class WebhookDoc(TypedDict):
    """A message to an endpoint, and its delivery log. Its body is that of the event."""

    id: Annotated[str, says("The message's id, as `webhook-id` has it.")]
    endpoint_id: Annotated[str, says("The endpoint that it is sent to.")]
    loan_id: LoanId
    event: Annotated[str, one_of(("*", *EVENTS), "What it tells.")]
    state: Annotated[
        str,
        one_of(
            DeliveryState,
            "QUEUED before its first attempt, RETRY between attempts, ACKED when it was taken, EXHAUSTED "
            "when no attempt is left.",
        ),
    ]
    attempts: Annotated[list[WebhookAttemptDoc], column("log"), says("Every attempt to deliver it, oldest first.")]
    queued_at: Annotated[str, says("When it was put in the outbox. RFC 3339, on the sandbox's clock.")]
    next_attempt_at: Annotated[
        str | None,
        column("due_ms"),
        says("When it is tried again; null when no attempt is left or needed. RFC 3339, on the sandbox's clock."),
    ]
    acked_at: Annotated[
        str | None, says("When the receiver answered with 2xx; null until then. RFC 3339, on the sandbox's clock.")
    ]


webhook_doc = rendering(Webhook, WebhookDoc)
