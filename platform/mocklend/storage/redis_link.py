"""A link to a Redis server that never waits long: what it cannot say within 50 ms, it does not say. Knows the driver.

A failure opens a breaker: for a second nobody asks, and then one caller tries again. So a server that is gone, or that
has stopped, costs one wait a second and not one for each request.

Whoever asks is told the server's incarnation, which another start of the server does not have: names of keys that begin
with it cannot mean what an earlier one had, and may have restored from its disk. It is that of the very connection on
which the commands are sent, and a connection does not outlive the server's process.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine

from mocklend.logs import get_logger, in_a_line
from mocklend.storage.opening import CannotOpen, refuse_sqlite

WAIT_S = 0.05
"""Seconds that a connection, or a reply, is waited for."""
BREAK_S = 1.0
"""Seconds for which nobody asks after a failure."""

Asked = tuple[str | bytes | int, ...]
"""A command and its arguments."""
Reply = bytes | int | None | list[bytes | None]

_RUN_ID = re.compile(rb"run_id:([0-9a-f]{12})")

log = get_logger()


class RedisLink:
    """One server, by its URL. Thread-safe."""

    def __init__(self, url: str, *, wait_s: float, now: Callable[[], float] = time.monotonic) -> None:
        """Nothing is sent yet. Raises CannotOpen if the driver is missing, or the URL cannot be used."""
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.connection import parse_url
            from redis.retry import Retry
        except ImportError:
            raise CannotOpen(
                "Redis needs its driver, which is not installed.", "Install it: pip install 'mocklend[redis]'."
            ) from None
        own = {
            "socket_timeout": wait_s,
            "socket_connect_timeout": wait_s,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "decode_responses": False,
            "redis_connect_func": _greet,
        }
        try:
            self._pool: Any = redis.ConnectionPool(**{**parse_url(url), **own})  # type: ignore[no-untyped-call]
            self._pool.make_connection()  # It shows whether all options of the URL are known.
        except TypeError:
            raise CannotOpen(
                "The URL of Redis cannot be used: it has an option that the driver does not know.",
                "It is like redis://host:6379/0.",
            ) from None
        except (ValueError, redis.RedisError) as reason:
            raise CannotOpen(f"The URL of Redis cannot be used: {reason}.", "It is like redis://host:6379/0.") from None
        self._pool.reset()
        where = self._pool.connection_kwargs
        self.name = str(where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}")
        """The server's address."""
        self._now = now
        self._asked_again_s = 0.0
        self._down = False
        self._lock = threading.Lock()

    @property
    def is_down(self) -> bool:
        """Whether the last question was not answered."""
        return self._down

    def ask(self, make: Callable[[str], Sequence[Asked]]) -> list[Reply] | None:
        """The replies to the commands that are made for the server's incarnation; None where it does not reply to all.

        They may have been run all the same, or be run later.
        """
        if self._down and not self._may_try():
            return None
        try:
            connection = self._pool.get_connection()
        except Exception as failure:
            self._failed(failure)
            return None
        commands = make(connection.mocklend_incarnation)
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            replies: list[Reply] = [connection.read_response() for _ in commands]
        except Exception as failure:  # What answers there may be no Redis: then the driver fails in any way.
            connection.disconnect()  # Its replies may still come.
            self._failed(failure)
            return None
        finally:
            self._pool.release(connection)
        if self._down:
            self._down = False
            log.info("Redis answers again")
        return replies

    def close(self) -> None:
        """Close all connections."""
        self._pool.disconnect()

    def _may_try(self) -> bool:
        """Whether the breaker lets this caller try; others wait for another BREAK_S."""
        with self._lock:
            if self._now() < self._asked_again_s:
                return False
            self._asked_again_s = self._now() + BREAK_S
            return True

    def _failed(self, failure: Exception) -> None:
        with self._lock:
            self._asked_again_s = self._now() + BREAK_S
            if not self._down:
                self._down = True
                log.warning("Redis does not answer, so status pages come from the database", why=in_a_line(failure))


def open_link(database: str | Engine, url: str, wait_s: float | None = None) -> RedisLink:
    """A link for the processes of a database, which is its URL, a path, or an engine. `wait_s` is WAIT_S by default.

    Raises CannotOpen, also for SQLite.
    """
    if not isinstance(database, str):
        database = database.url.render_as_string(hide_password=True)
    refuse_sqlite(database, "it keeps status pages in memory, not in Redis", "Leave --redis and MOCKLEND_REDIS_URL out")
    return RedisLink(url, wait_s=WAIT_S if wait_s is None else wait_s)


def _greet(connection: Any) -> None:
    """Begin a connection, and note which incarnation of the server is at its other end."""
    try:
        connection.on_connect()
        connection.send_command("INFO", "server")
        told = connection.read_response()
        found = _RUN_ID.search(told) if isinstance(told, bytes) else None
        if found is None:
            raise OSError("it does not say its run_id")
    except BaseException:
        connection.disconnect()  # So that it cannot be used without its incarnation.
        raise
    connection.mocklend_incarnation = found[1].decode("ascii")
