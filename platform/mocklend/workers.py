"""A server's threads: many, of which few work at one time, assigned in turn to the lanes that wait.

        lane a  ▢▢▢▢▢ ─┐                    ┌─ 2 at work ───▶ answered
        lane b  ▢     ─┼─▶ one a lane ─────▶│     ▲
        lane c  ▢▢    ─┘    in turn         └─────┴─ set aside: waiting for the writer's commit

There are many threads since many may wait for a commit. But working threads pass the interpreter's lock to each other
at every query, and the more there are, the more time that takes: with 64 at once, almost half. So a thread needs a slot
to work. A thread that is done passes its slot on: first to a thread that returns from waiting, then to the next lane's
next job. A lane is what must not delay the others: a sandbox.

A job that has waited `patience_s` seconds starts without a slot (see `relieve`), and so does a thread that returns.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Job = Callable[[], None]

AT_ONCE = 2
"""Threads that work at once: one, and another while that one reads the disk."""
ACQUIRE_TIMEOUT_S = 1.0
IDLE_S = 30.0
"""A thread ends after it was idle for this time."""

_thread = threading.local()


class Workers:
    """A pool of threads that runs jobs. Thread-safe."""

    def __init__(
        self,
        name: str,
        *,
        at_once: int = AT_ONCE,
        threads_max: int,
        lane_running_max: int,
        lane_waiting_max: int,
        patience_s: float = ACQUIRE_TIMEOUT_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lane_running_max` jobs of a lane have a thread at once, and `lane_waiting_max` more may wait."""
        self._name = name
        self._free = at_once
        self._threads_max = threads_max
        self._lane_running_max = lane_running_max
        self._lane_waiting_max = lane_waiting_max
        self._patience_s = patience_s
        self._now_s = now_s
        self._lock = threading.Lock()
        self._threads = 0
        self._idle: list[_Worker] = []
        self._returning: deque[threading.Lock] = deque()
        self._running: dict[str, int] = {}
        self._waiting: OrderedDict[str, deque[tuple[float, Job]]] = OrderedDict()
        self._count = 0

    @property
    def waiting(self) -> int:
        """The number of jobs that have no thread yet."""
        return sum(len(jobs) for jobs in self._waiting.values())

    @property
    def running(self) -> int:
        """The number of jobs that have a thread, working or waiting."""
        return sum(self._running.values())

    def submit(self, lane: str, job: Job) -> bool:
        """Queue a job, or start it at once; False if too many of the lane are waiting."""
        with self._lock:
            if self._free > 0 and self._has_room(lane) and not self._waiting and self._start(lane, job):
                self._free -= 1
                return True
            jobs = self._waiting.get(lane)
            if jobs is None:
                jobs = self._waiting[lane] = deque()
            elif len(jobs) >= self._lane_waiting_max:
                return False
            jobs.append((self._now_s(), job))
            if self._free > 0:
                self._start_waiting()
            return True

    def relieve(self) -> None:
        """Start each job that has waited longer than `patience_s`, without a slot. To be called regularly."""
        latest_s = self._now_s() - self._patience_s
        with self._lock:
            for lane in list(self._waiting):
                jobs = self._waiting[lane]
                while jobs and jobs[0][0] <= latest_s and self._has_room(lane) and self._start(lane, jobs[0][1], False):
                    jobs.popleft()
                if not jobs:
                    del self._waiting[lane]

    # --- called with the lock held ---

    def _has_room(self, lane: str) -> bool:
        return self._running.get(lane, 0) < self._lane_running_max

    def _start(self, lane: str, job: Job, has_slot: bool = True) -> bool:
        """Start a job on a thread; False if there is none left."""
        if self._idle:
            worker = self._idle.pop()
        elif self._threads < self._threads_max:
            self._threads += 1
            self._count += 1
            worker = _Worker(self, f"{self._name}-{self._count}")
        else:
            return False
        self._running[lane] = self._running.get(lane, 0) + 1
        worker.hand(lane, job, has_slot)
        return True

    def _next(self) -> tuple[str, Job] | None:
        """Take the next job, from the lane that has waited longest for its turn."""
        for lane, jobs in self._waiting.items():
            if self._has_room(lane):
                job = jobs.popleft()[1]
                if jobs:
                    self._waiting.move_to_end(lane)
                else:
                    del self._waiting[lane]
                return lane, job
        return None

    def _start_waiting(self) -> None:
        """Start waiting jobs on the free slots."""
        while self._free > 0 and self._waiting and (self._idle or self._threads < self._threads_max):
            next_job = self._next()
            if next_job is None:
                return
            started = self._start(*next_job)
            assert started
            self._free -= 1

    def _hand_on(self) -> None:
        """Pass a slot on."""
        if self._returning:
            self._returning.popleft().release()
            return
        self._free += 1
        self._start_waiting()

    def _left(self, lane: str) -> None:
        remaining = self._running[lane] - 1
        if remaining:
            self._running[lane] = remaining
        else:
            del self._running[lane]


class _Worker:
    """One thread."""

    def __init__(self, pool: Workers, name: str) -> None:
        self._pool = pool
        self._wake = threading.Lock()
        self._wake.acquire()
        self._assigned: tuple[str, Job] | None = None
        self._has_slot = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def hand(self, lane: str, job: Job, has_slot: bool) -> None:
        self._assigned, self._has_slot = (lane, job), has_slot
        self._wake.release()

    def _run(self) -> None:
        pool = self._pool
        _thread.worker = self
        while True:
            if not self._wake.acquire(timeout=IDLE_S):
                with pool._lock:
                    if self._assigned is None:
                        pool._idle.remove(self)
                        pool._threads -= 1
                        return
                self._wake.acquire()
            while self._assigned is not None:
                lane, job = self._assigned
                self._assigned = None
                try:
                    job()
                except BaseException:
                    threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
                finally:
                    self._done(lane)

    def _done(self, lane: str) -> None:
        """Continue with the next waiting job on this thread, or wait for one."""
        pool = self._pool
        with pool._lock:
            pool._left(lane)
            if not self._has_slot and pool._free > 0:
                pool._free -= 1
                self._has_slot = True
            if self._has_slot:
                if pool._returning:
                    pool._returning.popleft().release()
                else:
                    next_job = pool._next()
                    if next_job is not None:
                        pool._running[next_job[0]] = pool._running.get(next_job[0], 0) + 1
                        self._assigned = next_job
                        return
                    pool._free += 1
                self._has_slot = False
            pool._idle.append(self)

    def give_way(self) -> bool:
        if not self._has_slot:
            return False
        with self._pool._lock:
            self._has_slot = False
            self._pool._hand_on()
        return True

    def come_back(self) -> None:
        pool = self._pool
        with pool._lock:
            if pool._free > 0:
                pool._free -= 1
                self._has_slot = True
                return
            turn = threading.Lock()
            turn.acquire()
            pool._returning.append(turn)
        if turn.acquire(timeout=pool._patience_s):
            self._has_slot = True
            return
        with pool._lock:
            try:
                pool._returning.remove(turn)
            except ValueError:
                self._has_slot = True  # It was handed over in this very moment.


@contextmanager
def yield_slot() -> Iterator[None]:
    """Pass the slot on while this thread only waits. Does nothing on a thread that is not a worker."""
    worker: _Worker | None = getattr(_thread, "worker", None)
    if worker is None or not worker.give_way():
        yield
        return
    try:
        yield
    finally:
        worker.come_back()


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch Python's cyclic garbage collector off. The objects parsed from a long body have no cycles, and each
    collection that visits them would stop all threads for a fifth of a second."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
