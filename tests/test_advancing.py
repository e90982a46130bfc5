"""Concurrent advances of one clock: each counts or is refused, none is lost, and each ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from mocklend.domain.problems import Refused
from mocklend.lending import Repay
from mocklend.runtime import Platform
from mocklend.sandboxes.advances import ClaimAdvance, MoveClock
from mocklend.scheduling import driver
from mocklend.storage.entities import Repayment
from mocklend.storage.work import Answer, Idempotency
from support.story import Story

T = TypeVar("T")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def at_once(many: int, act: Callable[[int], T], threads: int = 4) -> tuple[list[T], list[str]]:
    """What came of so many calls, from threads that begin together: the answers, and the codes of refusals."""
    ready = threading.Barrier(threads)

    def act_after_the_others(n: int) -> T:
        if n < threads:
            ready.wait(30)
        return act(n)

    answers: list[T] = []
    refusals: list[str] = []
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(act_after_the_others, n) for n in range(many)]:
            try:
                answers.append(future.result())
            except Refused as refused:
                refusals.append(refused.code)
    return answers, refusals


def test_forty_concurrent_advances_by_an_hour_are_forty_hours(story: Story) -> None:
    began = story.now_ms

    answers, refusals = at_once(40, lambda _: story.platform.advance(story.sandbox_id, by_ms=HOUR_MS).now_ms)

    assert refusals == []
    assert sorted(answers) == [began + n * HOUR_MS for n in range(1, 41)]
    assert story.now_ms == began + 40 * HOUR_MS


def test_concurrent_advances_in_two_processes_all_count(story: Story, open_platform: Callable[..., Platform]) -> None:
    """Each answers with its own hour; due work on the way is done once, by either process."""
    loan_id = story.borrow()
    repayments = [story.order(loan_id, 1_000, "bill_pay") for _ in range(3)]
    processes, began = [story.platform, open_platform()], story.now_ms

    answers, refusals = at_once(24, lambda n: processes[n % 2].advance(story.sandbox_id, by_ms=HOUR_MS).now_ms)

    assert refusals == []
    assert sorted(answers) == [began + n * HOUR_MS for n in range(1, 25)]
    assert story.now_ms == began + 24 * HOUR_MS
    assert {story.entity(Repayment, id).status for id in repayments} == {"S"}
    assert story.discrepancies() == []


def test_an_advance_counts_from_the_target_of_another_process(
    story: Story, open_platform: Callable[..., Platform]
) -> None:
    began = story.now_ms
    story.platform.run(ClaimAdvance(story.sandbox_id, None, DAY_MS))  # It has answered nothing yet.

    assert open_platform().advance(story.sandbox_id, by_ms=HOUR_MS).now_ms == began + DAY_MS + HOUR_MS


def test_concurrent_advances_to_a_time_are_reached_or_refused(story: Story) -> None:
    began = story.now_ms

    answers, refusals = at_once(
        40, lambda n: story.platform.advance(story.sandbox_id, began + (n % 10 + 1) * HOUR_MS).now_ms
    )

    assert set(answers) <= {began + n * HOUR_MS for n in range(1, 11)}
    assert set(refusals) <= {"clock_backwards"}
    assert max(answers) == story.now_ms == began + 10 * HOUR_MS


def test_an_advance_to_before_the_target_of_another_process_is_refused(
    story: Story, open_platform: Callable[..., Platform]
) -> None:
    began = story.now_ms
    story.platform.run(ClaimAdvance(story.sandbox_id, began + DAY_MS, None))

    with pytest.raises(Refused, match="clock_backwards"):
        open_platform().advance(story.sandbox_id, began + HOUR_MS)


def test_an_advance_concurrent_with_a_reset_is_before_or_after_it(story: Story) -> None:
    began = story.now_ms
    story.order(story.borrow(), 1_000)

    answers, refusals = at_once(
        20,
        lambda n: (
            story.platform.reset_sandbox(story.sandbox_id).sandbox_ms
            if n == 9
            else story.platform.advance(story.sandbox_id, by_ms=HOUR_MS).now_ms
        ),
    )

    hours = (story.now_ms - began) // HOUR_MS
    after = [began + n * HOUR_MS for n in range(1, hours + 1)]
    before = [began + n * HOUR_MS for n in range(1, 19 - hours + 1)]
    assert sorted(answers) == sorted([*before, began, *after])
    assert refusals == []


def test_an_advance_of_another_process_does_not_move_what_was_reset_meanwhile(story: Story) -> None:
    began = story.now_ms
    claimed = story.platform.run(ClaimAdvance(story.sandbox_id, None, DAY_MS)).body
    story.platform.reset_sandbox(story.sandbox_id)

    with pytest.raises(Refused, match="clock_reset"):
        story.platform.writer.run_all([MoveClock(story.sandbox_id, claimed["to_ms"], claimed["resets"])])

    assert story.now_ms == began
    assert story.platform.advance(story.sandbox_id, by_ms=HOUR_MS).now_ms == began + HOUR_MS


def test_an_advance_of_another_process_does_not_move_a_clock_that_was_let_run_meanwhile(story: Story) -> None:
    claimed = story.platform.run(ClaimAdvance(story.sandbox_id, None, DAY_MS)).body
    story.platform.set_pace(story.sandbox_id, 1)

    with pytest.raises(Refused, match="clock_not_manual"):
        story.platform.writer.run_all([MoveClock(story.sandbox_id, claimed["to_ms"], claimed["resets"])])


def test_advances_concurrent_with_changes_of_mode_count_or_are_refused(
    open_platform: Callable[..., Platform], story: Story, seed: int
) -> None:
    real = iter(range(10**12, 2 * 10**12))
    platform = open_platform(real_ms=lambda: next(real))
    sandbox = platform.create_sandbox(seed=seed, mode="manual", now_ms=story.now_ms)

    answers, refusals = at_once(
        40,
        lambda n: (
            platform.set_pace(sandbox.id, n % 4 and 1).status
            if n % 4 in (0, 2)
            else platform.advance(sandbox.id, by_ms=HOUR_MS).now_ms
        ),
    )

    counted = [answer for answer in answers if answer > 1_000]
    assert {answer for answer in answers if answer not in counted} <= {200}
    assert set(refusals) <= {"clock_not_manual"}
    gone_on = platform.now_ms(sandbox.id) - story.now_ms
    assert gone_on // HOUR_MS == len(counted)


def test_an_advance_concurrent_with_the_deletion_of_its_sandbox_is_before_it_or_not_found(story: Story) -> None:
    def act(n: int) -> int | None:
        if n == 9:
            story.platform.delete_sandbox(story.sandbox_id)
            return None
        return story.platform.advance(story.sandbox_id, by_ms=HOUR_MS).now_ms

    _, refusals = at_once(20, act)

    assert set(refusals) <= {"sandbox_unknown"}
    with pytest.raises(Refused, match="sandbox_unknown"):
        story.platform.advance(story.sandbox_id, by_ms=HOUR_MS)


def test_an_advance_whose_answer_was_lost_can_be_repeated_with_its_key(story: Story) -> None:
    began, key = story.now_ms, Idempotency("key-1", "fingerprint-1")

    first = story.platform.advance(story.sandbox_id, by_ms=HOUR_MS, idem=key)
    story.platform.advance(story.sandbox_id, by_ms=HOUR_MS)
    again = story.platform.advance(story.sandbox_id, by_ms=HOUR_MS, idem=key)

    assert (first.now_ms, first.replayed) == (began + HOUR_MS, False)
    assert (again.now_ms, again.replayed, again.total) == (began + HOUR_MS, True, 0)
    assert story.now_ms == began + 2 * HOUR_MS


def test_an_advance_that_failed_half_way_is_continued_by_the_next(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = story.now_ms
    loan_id = story.borrow()
    repayment = story.order(loan_id, 1_000, "bill_pay")
    run_due = story.platform.clocks._run_due

    def broken(*_: Any, **__: Any) -> None:
        raise ConnectionError("the database is gone")

    with monkeypatch.context() as gone:
        gone.setattr(story.platform.clocks, "_run_due", broken)
        with pytest.raises(ConnectionError):
            story.platform.advance(story.sandbox_id, by_ms=HOUR_MS)
    assert story.platform.clocks._run_due == run_due
    assert story.now_ms == began

    assert story.platform.advance(story.sandbox_id, by_ms=0).now_ms == began + HOUR_MS
    assert story.entity(Repayment, repayment).status == "S"


def test_an_advance_ends_although_new_work_keeps_coming(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every step another client orders: seven minutes would be two hundred steps with an order at each."""
    loan_id = story.borrow()
    story.order(loan_id, 1_000)
    story.order(loan_id, 1_000, "bank_card")
    run_due = story.platform.clocks._run_due
    coming: list[Future[Answer]] = []

    def beside(*about: Any, **more: Any) -> float:
        n = len(coming)
        key = Idempotency(f"coming-{n}", f"coming-{n}")
        order = Repay(story.sandbox_id, key, loan_id, 100, "wallet", "OVD_AND_CURRENT", None, None)
        coming.append(story.platform.writer.submit(order))
        assert n < 50, "it does what keeps coming, and never ends"
        return run_due(*about, **more)

    monkeypatch.setattr(story.platform.clocks, "_run_due", beside)
    monkeypatch.setattr(story.platform.clocks, "_monotonic", lambda: 0.0)

    advanced = story.platform.advance(story.sandbox_id, by_ms=420_000)

    assert advanced.by_kind == {"settlement": 2, "callback": 2}
    assert {item.result(10).status for item in coming} == {202}, "who came meanwhile was answered when it had arrived"
    assert len(coming) == 4


def test_a_request_during_an_advance_waits_for_one_burst_only(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock costs 0.4 s here, so that a burst has two steps."""
    loan_id = story.borrow()
    for channel in ("wallet", "bank_card", "auto_debit"):
        story.order(loan_id, 1_000, channel)
    looks = iter(range(10_000))
    monkeypatch.setattr(story.platform.clocks, "_monotonic", lambda: next(looks) * 0.4)
    answered_after: list[int] = []
    run_due, steps = story.platform.clocks._run_due, []
    put_aside, has_come = story.platform.writer._without_held, threading.Event()

    def take_group(group: Any) -> Any:
        free = put_aside(group)
        has_come.set()
        return free

    def beside(*about: Any, **more: Any) -> float:
        steps.append(1)
        if len(steps) == 1:
            key = Idempotency("beside", "beside")
            order = Repay(story.sandbox_id, key, loan_id, 100, "wallet", "OVD_AND_CURRENT", None, None)
            waiting = story.platform.writer.submit(order)
            waiting.add_done_callback(lambda _: answered_after.append(len(steps)))
            assert has_come.wait(10), "the writer's thread takes what is asked"
        return run_due(*about, **more)

    monkeypatch.setattr(story.platform.clocks, "_run_due", beside)
    monkeypatch.setattr(story.platform.writer, "_without_held", take_group)
    story.platform.advance(story.sandbox_id, by_ms=60_000)

    assert answered_after == [2]
    assert len(steps) > 4
    assert story.discrepancies() == []


def test_other_sandboxes_do_not_wait_for_an_advance(
    tell: Callable[..., Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    moving, other = tell(), tell()
    moving.order(moving.borrow(), 1_000)
    run_due = moving.platform.clocks._run_due
    answers: list[str] = []

    def beside(*about: Any, **more: Any) -> float:
        answers.append(other.borrow(reference=f"loan-{len(answers)}"))
        return run_due(*about, **more)

    monkeypatch.setattr(moving.platform.clocks, "_run_due", beside)
    moving.wait(60)

    assert len(answers) == 2


def test_an_item_that_stays_due_after_its_command_raises_and_does_not_loop(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.order(story.borrow(), 1_000)
    monkeypatch.setattr(driver, "command_for", lambda sandbox_id, _: MoveClock(sandbox_id, 0, 0))

    with pytest.raises(AssertionError, match="stays due"):
        story.wait(60)
