"""Several processes share the clocks of a database: each runs its own sandboxes, and those of one that died."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from mocklend.audit import audit
from mocklend.runtime import Platform
from mocklend.scheduling.processes import DEAD_AFTER_S, FORGOTTEN_AFTER_S, SERVER, SETTLED_AFTER_S, WORKER, Processes
from mocklend.storage.entities import Callback, Repayment, Webhook
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.answer_key import entries
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.rules import Rule
from support.story import DAY_MS, MONDAY_MS, Clock, Story
from support.webhook_receiver import Receiver, listen

SANDBOXES = [f"sbx_{n}" for n in range(200)]


@pytest.fixture
def seconds() -> list[float]:
    """The readers' own clock."""
    return [0.0]


@pytest.fixture
def process(postgresql_alone: str, seconds: list[float]) -> Iterator[Callable[..., Processes]]:
    """Another process of one database."""
    with ExitStack() as opened:
        engine = opened.enter_context(closing(Platform(postgresql_alone))).engine
        now = iter(range(10_000))

        def start(kind: str = SERVER, *, runs_clocks: bool = True) -> Processes:
            return Processes(
                engine,
                kind=kind,
                runs_clocks=runs_clocks,
                real_ms=lambda: next(now),  # A process that is alive writes another time with each beat.
                monotonic=lambda: seconds[0],
            )

        yield start


def runners(*processes: Processes) -> Counter[int]:
    """How many sandboxes have so many of these processes that run them."""
    return Counter(sum(process.runs(id) for process in processes) for id in SANDBOXES)


def test_each_sandbox_is_run_by_one_process_and_each_process_has_its_share(
    process: Callable[..., Processes],
) -> None:
    three = [process(), process(), process(WORKER)]
    for each in three * 2:
        each.beat()

    assert runners(*three) == {1: len(SANDBOXES)}
    assert all(sum(each.runs(id) for id in SANDBOXES) > len(SANDBOXES) / 6 for each in three)
    assert [three[0].alive(kind) for kind in (SERVER, WORKER)] == [2, 1]
    assert not three[0].alone


def test_only_the_sandboxes_of_a_process_that_leaves_change_hands(process: Callable[..., Processes]) -> None:
    one, two, three = process(), process(), process()
    for each in (one, two, three, one, two):
        each.beat()
    before = {id for id in SANDBOXES if one.runs(id)}

    three.leave()
    one.beat()
    two.beat()

    assert {id for id in SANDBOXES if one.runs(id)} >= before
    assert runners(one, two) == {1: len(SANDBOXES)}


def test_the_sandboxes_of_a_process_that_falls_silent_are_run_by_the_others(
    process: Callable[..., Processes], seconds: list[float]
) -> None:
    one, two = process(), process()
    one.beat()
    two.beat()
    one.beat()
    assert not one.alone

    seconds[0] = DEAD_AFTER_S - 1
    one.beat()
    assert not one.alone
    seconds[0] = DEAD_AFTER_S
    one.beat()
    assert one.alone
    assert all(one.runs(id) for id in SANDBOXES)
    two.beat()  # It was only slow.
    one.beat()
    assert not one.alone


def test_a_row_that_is_long_silent_is_deleted(process: Callable[..., Processes], seconds: list[float]) -> None:
    one, two = process(), process()
    two.beat()
    one.beat()
    seconds[0] = FORGOTTEN_AFTER_S
    one.beat()
    seconds[0] = 2 * FORGOTTEN_AFTER_S

    late = process()
    late.beat()

    assert late.alive(SERVER) == 2


def test_a_server_without_ticker_runs_no_clock(process: Callable[..., Processes]) -> None:
    server, worker = process(runs_clocks=False), process(WORKER)
    worker.beat()
    server.beat()
    worker.beat()

    assert all(worker.runs(id) and not server.runs(id) for id in SANDBOXES)
    worker.stop_running()
    worker.beat()
    server.beat()
    assert not any(each.runs(id) for id in SANDBOXES for each in (server, worker))


def test_a_change_is_reported_at_once_and_again_when_all_have_seen_it(
    process: Callable[..., Processes], seconds: list[float]
) -> None:
    one, changes = process(), []
    one.on_change = lambda: changes.append(seconds[0])
    one.beat()
    process().beat()
    for seconds[0] in (1.0, 2.0, 1.0 + SETTLED_AFTER_S, 2.0 + SETTLED_AFTER_S):
        one.beat()

    assert changes[:2] == [1.0, 1.0 + SETTLED_AFTER_S]
    assert one.others_served


@pytest.fixture
def two(postgresql_alone: str, clock: Clock) -> Iterator[list[Platform]]:
    """Two platforms on one database."""
    with ExitStack() as opened:
        yield [opened.enter_context(closing(Platform(postgresql_alone, FaultLayer(), real_ms=clock))) for _ in range(2)]


def test_what_one_process_writes_in_a_sandbox_of_another_is_run_by_that_one(two: list[Platform], clock: Clock) -> None:
    joined = [platform.join(SERVER) for platform in two]
    for processes in joined * 2:
        assert processes is not None
        clock.ms += 1
        processes.beat()
    for n in range(6):
        story = Story(two[n % 2], two[n % 2].create_sandbox(seed=n, mode="wall"))
        loan_id = story.borrow()
        for platform in two:
            platform.clocks.look_for_clocks()
            platform.tick()  # Nothing is due, so neither looks here again for half a minute.
        repayment_id = story.order(loan_id, 9_500)
        clock.ms += 2_000

        done = [0, 0]
        for _ in range(3):
            for index, platform in enumerate(two):
                done[index] += platform.tick()

        assert sorted(done) == [0, 2]  # One of them, and only that one: the settlement and the callback.
        assert story.entity(Repayment, repayment_id).applied_ms == clock.ms
    assert all(platform.others_served for platform in two)


def test_two_processes_that_run_one_sandbox_do_everything_once(two: list[Platform], clock: Clock) -> None:
    """As long as a hand-over takes, both may run it. Neither has joined, so each takes itself for the only one."""
    with Receiver() as receiver:
        serving = threading.Thread(target=receiver.serve_forever)
        serving.start()
        try:
            story = Story(two[0], two[0].create_sandbox(seed=7, mode="wall"))
            listen(story, receiver.url)
            loans = [story.borrow(reference=f"loan {n}") for n in range(4)]
            for round in range(6):
                for loan_id in loans:
                    story.order(loan_id, 2_500)
                clock.ms += 2_000 if round % 2 else 20 * DAY_MS
                tick_at_once(two)
            clock.ms += DAY_MS
            tick_at_once(two)
        finally:
            receiver.shutdown()
            serving.join()

    repayments, callbacks = story.entities(Repayment), story.entities(Callback)
    assert len(repayments) == 24
    assert {repayment.status for repayment in repayments} == {"S"}
    assert {(callback.state, callback.attempts) for callback in callbacks} == {("ACKED", 1)}
    assert all([attempt.n for attempt in webhook.log] == [1] for webhook in story.entities(Webhook) if webhook.log)
    assert {webhook.state for webhook in story.entities(Webhook)} == {"ACKED"}
    assert story.discrepancies() == []


def test_what_two_processes_inject_in_one_sandbox_is_in_the_answer_key_once_and_explains_the_audit(
    two: list[Platform], clock: Clock
) -> None:
    """Each works off a list of its own, so what becomes due meanwhile may come later than with one process."""
    platform, layer = two[0], FaultLayer()
    story = Story(platform, platform.create_sandbox(seed=7, mode="wall", now_ms=MONDAY_MS))
    for kind, rule in (("batch.partial", {}), ("callback.dropped", {"probability": 0.5}), ("bureau.lag", {})):
        platform.run(PutRule(story.sandbox_id, Rule.from_json(kind, {"fault": kind, "select": rule}, installed())))
    loans = [story.borrow(reference=f"loan {n}") for n in range(6)]
    for _ in range(5):
        for loan_id in loans[:3]:
            story.order(loan_id, 2_500)
        clock.ms += 20 * DAY_MS
        tick_at_once(two)

    with platform.snapshot(story.sandbox_id) as snapshot:
        key, discrepancies = entries(snapshot), [each.finding for each in audit(snapshot).discrepancies]
        match = layer.explain_audit(snapshot, discrepancies)
    assert {entry.rule for entry in key} == {"batch.partial", "bureau.lag", "callback.dropped"}
    assert len({entry.injection for entry in key}) == len(key)
    assert discrepancies
    assert None not in match.explained_by
    assert match.unobserved == ()


def tick_at_once(platforms: list[Platform]) -> None:
    """Let all of them run what is due, at the same time, until nothing is left."""
    barrier = threading.Barrier(len(platforms))

    def tick(platform: Platform) -> None:
        barrier.wait(30)
        platform.clocks.look_for_clocks()
        while platform.tick():
            pass

    threads = [threading.Thread(target=tick, args=(platform,)) for platform in platforms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for platform in platforms:
        platform.clocks._agenda.touch_all()
        while platform.tick():
            pass
        assert platform.delivery_workers.wait(set(platform.delivery_workers._in_progress), 30)
