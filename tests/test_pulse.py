"""The pulse: the known state of the database is reported at once, also while a write waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mocklend.domain.problems import Refused
from mocklend.pulse import UNKNOWN_S_MAX, Beat, Pulse
from mocklend.storage.ground import DISK_FULL, LOCKED, Ground, Unavailable

pytestmark = pytest.mark.security

LONG_S = 30


class Looks:
    """Looks at a database: they wait until they are let go, and end as was said."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began = threading.Semaphore(0)
        self.count = 0
        self.ends: Exception | None = None

    def __call__(self) -> None:
        self.count += 1
        self.began.release()
        assert self.go.wait(LONG_S)
        if self.ends is not None:
            raise self.ends


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ground() -> Ground:
    return Ground("a database")


@pytest.fixture
def pulse(looks: Looks, ground: Ground, clock: Clock) -> Iterator[Pulse]:
    started = Pulse(looks, ground, clock)
    started.answers_within_s = 0.01
    yield started
    looks.go.set()
    started.close()


def well(pulse: Pulse) -> Beat:
    """What it says once a look that was let go has ended."""
    pulse.answers_within_s = LONG_S
    return pulse.ask()


def test_a_waiting_check_delays_nobody_and_is_the_only_one(pulse: Pulse, looks: Looks, clock: Clock) -> None:
    warnings = []
    for _ in range(20):
        warnings.append(pulse.ask())
        clock.now_s += 0.1

    assert looks.began.acquire(timeout=LONG_S)
    assert [beat.writes for beat in warnings] == ["unknown"] * 20
    assert [beat.waits_ms for beat in warnings] == [n * 100 for n in range(20)]
    assert looks.count == 1
    looks.go.set()
    assert well(pulse) == Beat("ok", 0)


def test_a_check_that_waits_too_long_is_a_failure_until_it_returns(pulse: Pulse, looks: Looks, clock: Clock) -> None:
    pulse.ask()
    clock.now_s += UNKNOWN_S_MAX + 0.1

    with pytest.raises(Refused, match=r"a write has been waiting for 6\.1 s"):
        pulse.ask()
    looks.go.set()
    assert well(pulse).writes == "ok"


def test_a_failed_check_is_reported_and_the_next_query_checks_again(pulse: Pulse, looks: Looks) -> None:
    pulse.answers_within_s = LONG_S
    looks.go.set()
    looks.ends = Unavailable(DISK_FULL)

    with pytest.raises(Unavailable, match="disk is full"):
        pulse.ask()
    looks.ends = None
    assert pulse.ask() == Beat("ok", 0)
    assert looks.count == 2


def test_a_known_outage_is_reported_while_a_thread_tries_again(pulse: Pulse, ground: Ground) -> None:
    ground.went(LOCKED, "by somebody")

    with pytest.raises(Unavailable, match="lock"):
        pulse.ask()
