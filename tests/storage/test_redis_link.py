"""The link to Redis: it answers or it says that it cannot, soon; and it names the incarnation that it talks to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from mocklend.storage.opening import CannotOpen
from mocklend.storage.redis_link import BREAK_S, WAIT_S, RedisLink, open_link
from support.redis_server import Fake, Real

PATIENT_S = 20.0


class Seconds:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """The breaker's clock."""
    return Seconds()


@pytest.fixture
def link(redis_server: Fake | Real, seconds: Seconds) -> Iterator[RedisLink]:
    """A link to a Redis that answers."""
    opened = RedisLink(redis_server.url, wait_s=PATIENT_S, now=seconds)
    yield opened
    opened.close()


def incarnation(link: RedisLink) -> str | None:
    """The incarnation that a link talks to; None if it does not answer."""
    told: list[str] = []
    replies = link.ask(lambda name: told.append(name) or [("PING",)])  # type: ignore[func-returns-value]
    return told[0] if replies is not None else None


def test_commands_are_answered_in_order(link: RedisLink) -> None:
    replies = link.ask(lambda _: [("SET", "a", 1), ("GET", "a"), ("GET", "b"), ("MGET", "a", "b")])

    assert replies == [b"OK", b"1", None, [b"1", None]]


def test_a_refused_command_is_a_failure_and_the_next_question_begins_anew(link: RedisLink, seconds: Seconds) -> None:
    assert link.ask(lambda _: [("SET", "a", 1), ("RPUSH", "a", "x"), ("GET", "a")]) is None
    assert link.is_down

    seconds.now += BREAK_S
    assert link.ask(lambda _: [("GET", "a")]) == [b"1"]
    assert not link.is_down


def test_the_incarnation_stays_while_the_server_runs(link: RedisLink, redis_server: Fake | Real) -> None:
    other = RedisLink(redis_server.url, wait_s=PATIENT_S)

    assert incarnation(link) == incarnation(link) == incarnation(other)
    other.close()


def test_another_start_of_the_server_is_another_incarnation(real_redis: Real, seconds: Seconds) -> None:
    link = RedisLink(real_redis.url, wait_s=PATIENT_S, now=seconds)
    before = incarnation(link)
    with real_redis.client() as client:
        client.set(f"{before}:page", "old")
        client.save()
    real_redis.kill()
    real_redis.start()

    with real_redis.client() as client:
        assert client.get(f"{before}:page") == b"old"  # It has restored what was saved.
    after = incarnation(link) or incarnation_later(link, seconds)
    assert after not in (None, before)
    link.close()


def incarnation_later(link: RedisLink, seconds: Seconds) -> str | None:
    """The incarnation once the breaker lets somebody ask again."""
    seconds.now += BREAK_S
    return incarnation(link)


def test_a_server_that_is_gone_is_asked_once_a_second(real_redis: Real, seconds: Seconds) -> None:
    link = RedisLink(real_redis.url, wait_s=PATIENT_S, now=seconds)
    assert incarnation(link) is not None
    real_redis.kill()
    assert incarnation(link) is None
    real_redis.start()

    assert incarnation(link) is None  # Nobody asks: the breaker is open.
    seconds.now += BREAK_S
    assert incarnation(link) is not None
    assert not link.is_down
    link.close()


def test_one_caller_at_a_time_tries_again(seconds: Seconds) -> None:
    link = RedisLink("redis://127.0.0.1:1", wait_s=PATIENT_S, now=seconds)
    assert incarnation(link) is None
    seconds.now += BREAK_S

    assert [link._may_try(), link._may_try()] == [True, False]


def test_a_server_that_stands_still_is_not_waited_for(real_redis: Real, seconds: Seconds) -> None:
    link = RedisLink(real_redis.url, wait_s=WAIT_S, now=seconds)
    patient = RedisLink(real_redis.url, wait_s=PATIENT_S)
    real_redis.stop()
    try:
        assert incarnation(link) is None
        assert link.is_down
    finally:
        real_redis.go_on()
    assert incarnation(patient) is not None
    assert WAIT_S <= 0.05
    for each in (link, patient):
        each.close()


RUBBISH = (
    b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$-1\r\n" * 9, b"+OK\r\n" * 9, b":1\r\n" * 9, b"\x00" * 99, b"$9\r\n",
    b"*2\r\n$1\r\na\r\n$1\r\nb\r\n" * 9, b"*1\r\n" * 9_000, b"$x\r\n" * 9, b"-ERR no\r\n" * 9, b"%1\r\n+a\r\n" * 9,
    b"$16\r\nrun_id:0123456789\r\n" * 9, b"$19\r\nrun_id:0123456789ab\r\n" * 2,
)  # fmt: skip


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_whatever_answers_at_its_address_nothing_is_raised(rubbish: bytes, seconds: Seconds) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.recv(1024)
                        connection.sendall(rubbish)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        link = RedisLink(f"redis://127.0.0.1:{listening.getsockname()[1]}", wait_s=WAIT_S, now=seconds)

        for _ in range(3):
            assert incarnation(link) is None
            assert link.is_down
            seconds.now += BREAK_S
        link.close()
        listening.shutdown(socket.SHUT_RDWR)
    serving.join()


def test_a_url_cannot_make_it_wait_longer() -> None:
    link = RedisLink("redis://127.0.0.1:1?socket_timeout=30&socket_connect_timeout=30", wait_s=WAIT_S)

    options = link._pool.connection_kwargs
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (WAIT_S, WAIT_S)


@pytest.mark.parametrize(
    "url", ["http://x", "redis", "", "redis://x:port", "redis://x/?what=1", "redis://x:99999999", "redis://x/?db=one"]
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(CannotOpen, match=r"The URL of Redis cannot be used|cannot"):
        RedisLink(url, wait_s=WAIT_S)


def test_sqlite_has_no_use_for_it() -> None:
    with pytest.raises(CannotOpen, match="keeps status pages in memory, not in Redis"):
        open_link("mocklend.db", "redis://127.0.0.1:1")


def test_a_missing_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "redis", None)

    with pytest.raises(CannotOpen) as refused:
        RedisLink("redis://127.0.0.1:1", wait_s=WAIT_S)
    assert "mocklend[redis]" in refused.value.remedy
