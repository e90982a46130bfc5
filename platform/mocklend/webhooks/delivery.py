"""Delivering webhooks to clients, over real HTTP. Redirects and proxies are not followed.

        name ─▶ its addresses ─▶ connect ─▶ the address that was reached ─▶ TLS ─▶ request
                  refused?                          refused?

`receivers` has the policy of refused addresses. The first check prevents connections to them, so that a client cannot
scan their ports; the second check covers a name that resolves to another address a moment later.
"""

from __future__ import annotations

import heapq
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from typing import ClassVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from mocklend.logs import get_logger
from mocklend.machine_clock import wall_ns
from mocklend.receivers import ReceiverPolicy
from mocklend.signing import signed_headers
from mocklend.storage.entities import Webhook
from mocklend.storage.values import EndpointDoc
from mocklend.webhooks.attempts import GONE, TIMED_OUT, Delivered

TIMEOUT_S = (2, 15)
"""(connect, answer) in seconds. Standard Webhooks suggests 15 to 30 s for the answer."""
WHOLE_S = 15.0
"""Seconds for the whole attempt. TIMEOUT_S limits each single wait, and a receiver may answer byte by byte."""
log = get_logger()


class Deadlines:
    """Ends connections after their deadline, from one thread for all: requests limits only each wait of an attempt."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = count()
        self._due: list[tuple[float, int]] = []
        self._connections: dict[int, list[socket.socket]] = {}
        self._over: set[int] = set()
        self._thread: threading.Thread | None = None

    @contextmanager
    def whole(self, seconds: float) -> Iterator[int]:
        """Limit an attempt to this many seconds. Yields its number, for `over`."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._end_overdue, name="mocklend-deadlines", daemon=True)
                self._thread.start()
            number = next(self._numbers)
            self._connections[number] = []
            heapq.heappush(self._due, (time.monotonic() + seconds, number))
            self._changed.notify()
        _attempt.number = number
        try:
            yield number
        finally:
            _attempt.number = None
            with self._changed:
                for connection in self._connections.pop(number):
                    connection.close()
                self._over.discard(number)

    def over(self, number: int) -> bool:
        """Whether an attempt was ended at its deadline."""
        return number in self._over

    def watch(self, connection: socket.socket | None) -> None:
        """Register the connection of this thread's attempt, by a second handle, since TLS detaches the first."""
        number = getattr(_attempt, "number", None)
        if number is None or connection is None:
            return
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        with self._changed:
            if number in self._over:
                _shut_down(handle)
            self._connections[number].append(handle)

    def _end_overdue(self) -> None:
        with self._changed:
            while True:
                if not self._due:
                    self._changed.wait()
                    continue
                at, number = self._due[0]
                left = at - time.monotonic()
                if number in self._connections and left > 0:
                    self._changed.wait(left)
                    continue
                heapq.heappop(self._due)
                if number in self._connections:
                    self._over.add(number)
                    for connection in self._connections[number]:
                        _shut_down(connection)


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):  # The other side may have closed it before.
        connection.shutdown(socket.SHUT_RDWR)


_attempt = threading.local()
DEADLINES = Deadlines()


class AddressRefused(Exception):
    """The endpoint's host is at an address that this server does not call.

    Not an OSError, which urllib3 would wrap in an error of its own as a network failure.
    """


class GuardedConnection(HTTPConnection):
    """A connection that checks its address before use, and is ended at its attempt's deadline.

    It stands before urllib3's own class, of HTTP or of HTTPS, among the bases of the class that is used.
    """

    receivers: ClassVar[ReceiverPolicy]

    def _new_conn(self) -> socket.socket:
        # TLS begins after this, so a refused address gets neither a handshake nor a request.
        for *_, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            self._refuse(str(address[0]))
        connection = super()._new_conn()
        try:
            self._refuse(connection.getpeername()[0])
        except BaseException:
            connection.close()
            raise
        DEADLINES.watch(connection)
        return connection

    def _refuse(self, address: str) -> None:
        if self.receivers.refuses(self.host, address):
            raise AddressRefused(f"{self.host} is at {address}")

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # As urllib3 has it.
        """The response. The connection may be one that an earlier attempt has left open."""
        DEADLINES.watch(self.sock)
        return super().getresponse()


class GuardedAdapter(HTTPAdapter):
    """An adapter of requests with guarded connections."""

    def __init__(self, receivers: ReceiverPolicy) -> None:
        self._receivers = receivers
        super().__init__(max_retries=0, pool_maxsize=32)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object) -> None:
        """Use pools of guarded connections."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        pools = {"http": (HTTPConnectionPool, HTTPConnection), "https": (HTTPSConnectionPool, HTTPSConnection)}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": self._guarded(connection)})
            for scheme, (pool, connection) in pools.items()
        }

    def _guarded(self, connection: type[HTTPConnection]) -> type:
        return type(f"Guarded{connection.__name__}", (GuardedConnection, connection), {"receivers": self._receivers})


def open_session(receivers: ReceiverPolicy) -> requests.Session:
    """A session that connects only to addresses that the policy allows."""
    session = requests.Session()
    session.trust_env = False
    # Cookies of one receiver must not reach another.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, GuardedAdapter(receivers))
    return session


def deliver(session: requests.Session, endpoint: EndpointDoc, webhook: Webhook) -> Delivered:
    """Make one attempt. Signed with real time, which receivers verify.

    Every error is a failed attempt, which the retry schedule follows.
    """
    with DEADLINES.whole(WHOLE_S) as attempt:
        delivered = _attempt_once(session, endpoint, webhook)
        return Delivered(TIMED_OUT) if DEADLINES.over(attempt) else delivered


def _attempt_once(session: requests.Session, endpoint: EndpointDoc, webhook: Webhook) -> Delivered:
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
        return Delivered("address_refused")
    except requests.Timeout:
        return Delivered(TIMED_OUT)
    except (requests.RequestException, HTTPError, OSError, ValueError):
        return Delivered("unreachable")  # An invalid host name raises errors of several libraries.
    except Exception as failure:
        log.warning("a receiver could not be called", endpoint=endpoint["id"], why=repr(failure)[:200])
        return Delivered("unreachable")
    status = answer.status_code
    if status == 410:
        return Delivered(GONE, status)
    return Delivered("acked" if 200 <= status < 300 else f"status_{status}", status)
