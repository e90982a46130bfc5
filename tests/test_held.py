"""Answers that are held back: each is sent at its time and not before, in order, and none is lost."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.held import HeldAnswers
from support.door_place import until

LONG_S = 30.0
FAR_S = 3_600.0


class Sent:
    """What was sent, in order; a test can wait for so many."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._came = threading.Semaphore(0)

    def __call__(self, name: str) -> None:
        self.names.append(name)
        self._came.release()

    def wait(self, count: int) -> list[str]:
        for _ in range(count):
            assert self._came.acquire(timeout=LONG_S)
        return self.names


@pytest.fixture
def sent() -> Sent:
    return Sent()


def test_what_is_due_is_sent_and_what_is_not_waits(sent: Sent) -> None:
    held = HeldAnswers(lambda: 10.0)

    held.hold(10.0 + FAR_S, partial(sent, "later"))
    held.hold(10.0, partial(sent, "now"))

    assert sent.wait(1) == ["now"]


def test_an_answer_that_is_due_before_those_that_wait_is_sent_first(sent: Sent) -> None:
    """The thread sleeps until the first of them: it is woken."""
    held, looked = HeldAnswers(), threading.Event()

    def now_s() -> float:
        looked.set()
        return 10.0

    held._now_s = now_s
    held.hold(10.0 + FAR_S, partial(sent, "last"))
    assert looked.wait(LONG_S)
    for name, until_s in (("second", 10.0), ("first", 9.0)):
        held.hold(until_s, partial(sent, name))

    assert sorted(sent.wait(2)) == ["first", "second"]
    held.stop()
    assert sent.wait(1)[2:] == ["last"]


@given(st.lists(st.integers(1, 5), max_size=30))
def test_a_server_that_stops_sends_all_in_the_order_of_their_times(times: list[int]) -> None:
    sent, held = Sent(), HeldAnswers(lambda: 0.0)
    for number, at in enumerate(times):
        held.hold(float(at), partial(sent, f"{at}.{number:02}"))
    assert sent.names == []

    held.stop()

    assert sent.wait(len(times)) == sorted(sent.names)


def test_once_it_stops_each_answer_is_sent_at_once(sent: Sent) -> None:
    held = HeldAnswers(lambda: 0.0)
    held.stop()

    held.hold(FAR_S, partial(sent, "first"))
    assert sent.wait(1) == ["first"]
    held.hold(FAR_S, partial(sent, "second"))
    assert sent.wait(1) == ["first", "second"]


def test_it_counts_an_answer_until_it_is_sent() -> None:
    held, sending, go_on = HeldAnswers(lambda: 0.0), threading.Event(), threading.Event()

    def send() -> None:
        sending.set()
        assert go_on.wait(LONG_S)

    assert len(held) == 0
    held.hold(0.0, send)
    assert sending.wait(LONG_S)
    assert len(held) == 1
    go_on.set()
    held.hold(0.0, sending.clear)
    until(lambda: len(held) == 0)


def test_an_answer_that_fails_is_logged_and_takes_none_with_it(sent: Sent, capfd: pytest.CaptureFixture[str]) -> None:
    held = HeldAnswers(lambda: 0.0)

    def fail() -> None:
        raise LookupError("the connection is gone")

    held.hold(FAR_S, fail)
    held.hold(FAR_S, partial(sent, "next"))
    held.stop()

    assert sent.wait(1) == ["next"]
    line = capfd.readouterr().err
    assert "an answer that was held back could not be sent" in line
    assert "LookupError: the connection is gone" in line
