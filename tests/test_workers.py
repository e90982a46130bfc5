"""Workers: the number of running jobs, the order of lanes, bounded waiting, and jobs that yield their slot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from mocklend.workers import Workers, yield_slot

pytestmark = pytest.mark.security

LONG_S = 30


@dataclass
class Jobs:
    """Jobs that stay where they are until they are let go."""

    workers: Workers
    order: list[str] = field(default_factory=list)
    left: dict[str, threading.Event] = field(default_factory=dict)
    arrived: dict[str, threading.Event] = field(default_factory=dict)
    gone: dict[str, threading.Event] = field(default_factory=dict)

    def submit(self, name: str, lane: str = "", *, steps_aside: bool = False) -> bool:
        for events in (self.left, self.arrived, self.gone):
            events[name] = threading.Event()
        return self.workers.submit(lane or name, lambda: self._work(name, steps_aside))

    def let_go(self, name: str) -> None:
        self.left[name].set()
        assert self.gone[name].wait(LONG_S)

    def started(self, name: str) -> bool:
        return self.arrived[name].wait(LONG_S)

    def _work(self, name: str, steps_aside: bool) -> None:
        with ExitStack() as stack:
            if steps_aside:
                stack.enter_context(yield_slot())
            self.order.append(f"{name} comes")
            self.arrived[name].set()
            assert self.left[name].wait(LONG_S)
        self.order.append(f"{name} goes")
        self.gone[name].set()


class Time:
    """Seconds that pass when the test says so."""

    s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def place() -> Iterator[Callable[..., Jobs]]:
    all_jobs: list[Jobs] = []

    def new_jobs(**settings: object) -> Jobs:
        defaults = {"at_once": 1, "threads_max": 8, "lane_running_max": 8, "lane_waiting_max": 8, "patience_s": LONG_S}
        all_jobs.append(Jobs(Workers("test", **{**defaults, **settings})))  # type: ignore[arg-type]
        return all_jobs[-1]

    yield new_jobs
    for jobs in all_jobs:
        for left in jobs.left.values():
            left.set()


def test_no_more_jobs_run_than_there_are_slots(place: Callable[..., Jobs]) -> None:
    jobs = place()
    jobs.submit("first")
    assert jobs.started("first")

    jobs.submit("second")
    jobs.let_go("first")

    assert jobs.started("second")
    assert jobs.order == ["first comes", "first goes", "second comes"]


def test_a_waiting_job_yields_its_slot(place: Callable[..., Jobs]) -> None:
    jobs = place()
    jobs.submit("sleeper", steps_aside=True)
    assert jobs.started("sleeper")

    jobs.submit("second")

    assert jobs.started("second")


def test_a_job_that_continues_precedes_new_jobs(place: Callable[..., Jobs]) -> None:
    jobs = place()
    jobs.submit("sleeper", steps_aside=True)
    assert jobs.started("sleeper")
    jobs.submit("second")
    assert jobs.started("second")
    jobs.submit("third")

    jobs.left["sleeper"].set()  # It waits for the slot of the second now, or takes it when it gets there.
    pause = threading.Event()
    while not jobs.workers._returning:
        pause.wait(0.001)
    jobs.let_go("second")

    assert jobs.started("third")
    assert jobs.order.index("sleeper goes") < jobs.order.index("third comes")


def test_lanes_take_turns_however_many_jobs_one_has(place: Callable[..., Jobs]) -> None:
    jobs = place()
    jobs.submit("a1", "a")
    assert jobs.started("a1")
    for name in ("a2", "a3", "b1", "a4"):
        jobs.submit(name, name[0])

    for name in ("a1", "a2", "b1", "a3", "a4"):
        assert jobs.started(name)
        jobs.let_go(name)

    assert [entry for entry in jobs.order if entry.endswith("comes")] == [
        "a1 comes", "a2 comes", "b1 comes", "a3 comes", "a4 comes",
    ]  # fmt: skip


def test_the_number_of_threads_of_a_lane_is_limited(place: Callable[..., Jobs]) -> None:
    jobs = place(at_once=8, lane_running_max=2)
    for name in ("a1", "a2", "a3"):
        jobs.submit(name, "a")
    jobs.submit("b1", "b")

    assert jobs.started("a1")
    assert jobs.started("a2")
    assert jobs.started("b1")
    assert not jobs.arrived["a3"].is_set()

    jobs.let_go("a1")
    assert jobs.started("a3")


def test_the_number_of_waiting_jobs_of_a_lane_is_limited(place: Callable[..., Jobs]) -> None:
    jobs = place(lane_waiting_max=2)
    jobs.submit("a1", "a")
    assert jobs.started("a1")

    assert jobs.submit("a2", "a")
    assert jobs.submit("a3", "a")
    assert not jobs.submit("a4", "a")
    assert jobs.submit("b1", "b")


def test_the_wait_behind_long_jobs_is_bounded(place: Callable[..., Jobs]) -> None:
    time = Time()
    jobs = place(patience_s=1.0, now_s=time)
    for name in ("first", "second", "third"):
        jobs.submit(name)
    assert jobs.started("first")
    jobs.workers.relieve()
    assert not jobs.arrived["second"].is_set()

    time.s = 1.0
    jobs.workers.relieve()

    assert jobs.started("second")
    assert jobs.started("third")
    assert jobs.workers.waiting == 0


def test_the_wait_of_a_continuing_job_is_bounded(place: Callable[..., Jobs]) -> None:
    jobs = place(patience_s=0.01)
    jobs.submit("sleeper", steps_aside=True)
    assert jobs.started("sleeper")
    jobs.submit("second")
    assert jobs.started("second")

    jobs.let_go("sleeper")

    assert jobs.order[-1] == "sleeper goes"


def test_all_threads_taken_leave_the_next_job_waiting_until_one_is_back(place: Callable[..., Jobs]) -> None:
    jobs = place(threads_max=2)
    for name in ("first", "second"):
        jobs.submit(name, steps_aside=True)
        assert jobs.started(name)
    jobs.submit("third")
    assert jobs.workers.waiting == 1

    jobs.let_go("first")

    assert jobs.started("third")


@pytest.mark.parametrize("breaks_aside", [False, True])
def test_a_failing_job_releases_its_slot(place: Callable[..., Jobs], breaks_aside: bool) -> None:
    jobs = place()
    reported = threading.Semaphore(0)
    threading.excepthook, before = lambda _: reported.release(), threading.excepthook

    def breaks() -> None:
        with ExitStack() as stack:
            if breaks_aside:
                stack.enter_context(yield_slot())
            raise LookupError("a bug in the app")

    try:
        for _ in range(5):
            jobs.workers.submit("a", breaks)
            assert reported.acquire(timeout=LONG_S)
    finally:
        threading.excepthook = before
    jobs.submit("after")
    assert jobs.started("after")


def test_many_jobs_of_many_lanes_are_all_done_and_leave_nothing_behind() -> None:
    workers = Workers("test", at_once=2, threads_max=16, lane_running_max=4, lane_waiting_max=10_000)
    done, lock, over = [0], threading.Lock(), threading.Event()

    def job() -> None:
        with yield_slot(), lock:
            done[0] += 1
            if done[0] == 3_000:
                over.set()

    submitting = [
        threading.Thread(target=lambda lane=str(n): [workers.submit(lane, job) for _ in range(500)]) for n in range(6)
    ]
    for thread in submitting:
        thread.start()
    for thread in submitting:
        thread.join()

    assert over.wait(LONG_S)
    while workers.running:
        over.wait(0.001)
    assert (workers.waiting, workers._free, len(workers._returning)) == (0, 2, 0)


def test_yielding_outside_a_worker_does_nothing() -> None:
    with yield_slot():
        pass
