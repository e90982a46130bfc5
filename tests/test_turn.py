"""A fair lock: the thread that has waited longest gets it next."""

from __future__ import annotations

import threading

import pytest

from mocklend.turn import TurnLock

pytestmark = pytest.mark.security

LONG_S = 30


def until_waiting(lock: TurnLock, count: int) -> None:
    pause = threading.Event()
    for _ in range(LONG_S * 1_000):
        if len(lock._waiting) == count:
            return
        pause.wait(0.001)
    raise AssertionError("nobody waits")


def test_the_lock_is_passed_on_in_the_order_of_requests() -> None:
    lock, arrived = TurnLock(), []

    def come(name: int) -> None:
        with lock:
            arrived.append(name)

    assert lock.acquire()
    threads = [threading.Thread(target=come, args=(n,)) for n in range(3)]
    for n, thread in enumerate(threads):
        thread.start()
        until_waiting(lock, n + 1)

    lock.release()
    come(9)  # At once, as a writer does that always has work: behind those who wait.

    for thread in threads:
        thread.join(LONG_S)
    assert arrived == [0, 1, 2, 9]
    assert lock.acquire(timeout=0)


def test_a_thread_that_gave_up_waiting_is_skipped() -> None:
    lock = TurnLock()
    assert lock.acquire()

    assert not lock.acquire(timeout=0.001)

    lock.release()
    assert lock.acquire(timeout=0)
