"""The opened platform: clocks that run everything in order, and nothing lost between two openings."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mocklend import plugins
from mocklend.domain.problems import Refused
from mocklend.domain.replay import replay
from mocklend.lending import books
from mocklend.runtime import Platform, database_url, find_layer
from mocklend.sandboxes.advances import ADVANCES_KEPT
from mocklend.scheduling import driver, released
from mocklend.scheduling.agenda import Portions
from mocklend.storage.entities import Repayment
from mocklend.webhooks import delivery
from mocklend.webhooks.endpoints import AddEndpoint
from mocklend_faults.engine import FaultLayer
from support.story import Clock, Story

DAY_MS = 86_400_000


def test_advancing_does_all_due_work_in_order_and_reports_it(story: Story) -> None:
    loan_id = story.borrow()
    first = story.order(loan_id, 1_000, "bank_card")
    second = story.order(loan_id, 2_000, "wallet")

    advanced = story.platform.advance(story.sandbox_id, story.now_ms + 40 * DAY_MS)

    released = advanced.released
    assert advanced.now_ms == story.now_ms
    settled_items = [(item["kind"], item["at"]) for item in released]
    assert settled_items == sorted(settled_items, key=lambda item: item[1])
    assert [entry for entry in settled_items if entry[0] in ("settlement", "callback", "due_date")] == [
        ("settlement", "2026-01-05T02:00:02.000Z"),
        ("callback", "2026-01-05T02:00:02.000Z"),
        ("settlement", "2026-01-05T02:00:05.000Z"),
        ("callback", "2026-01-05T02:00:05.000Z"),
        ("due_date", "2026-02-05T16:00:00.000Z"),
    ]
    assert {item["loan_id"] for item in released if item["kind"] == "callback"} == {loan_id}
    paid_ms = [story.entity(Repayment, id).paid_ms for id in (first, second)]
    assert [ms % DAY_MS // 1000 % 60 for ms in paid_ms if ms is not None] == [5, 2]


def test_the_number_of_advances_makes_no_difference(tell: Callable[..., Story]) -> None:
    once, often = tell(), tell()
    for story in (once, often):
        story.order(story.borrow(), 9_500, "bill_pay")

    released = once.wait(days=100)
    in_steps = [item for _ in range(50) for item in often.wait(days=2)]

    assert released == in_steps
    once_stored, often_stored = once.everything(), often.everything()
    assert (len(once_stored.pop("advances")), len(often_stored.pop("advances"))) == (1, ADVANCES_KEPT)
    assert once_stored == often_stored


def test_each_event_has_its_own_time_however_far_the_clock_is_moved(story: Story) -> None:
    loan_id = story.borrow()

    story.wait(days=400)

    recorded = [t["recorded_at"] for t in story.journal(loan_id) if t["kind"] == "accrual"]
    assert recorded[0] == "2026-02-05T16:00:00.000Z"
    assert recorded == sorted(set(recorded))
    assert len(recorded) == 12


def test_more_due_items_than_a_batch_are_all_done(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "DUE_AT_ONCE", 3)
    for n in range(8):
        story.order(story.borrow(reference=f"loan-{n}"), 1_000)

    released = story.wait(2)

    assert sorted(item["kind"] for item in released) == ["callback"] * 8 + ["settlement"] * 8
    assert story.discrepancies() == []


def test_an_advance_counts_all_released_items_and_lists_the_first(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(released, "RELEASED_MAX", 3)
    for n in range(4):
        story.order(story.borrow(reference=f"loan-{n}"), 1_000)

    answer = story.platform.advance(story.sandbox_id, story.now_ms + 2_000).to_json()

    assert [item["kind"] for item in answer["released"]] == ["settlement"] * 3
    assert (answer["released_total"], answer["released_more"]) == (8, True)
    assert answer["released_by_kind"] == {"callback": 4, "settlement": 4}
    assert not story.platform.advance(story.sandbox_id, story.now_ms + 1_000).to_json()["released_more"]


def test_concurrent_advances_of_one_clock_run_one_after_the_other(story: Story) -> None:
    story.order(story.borrow(), 9_500)
    to_ms = story.now_ms + 40 * DAY_MS
    outcomes: list[Any] = []

    def advance() -> None:
        outcomes.append(story.platform.advance(story.sandbox_id, to_ms).released)

    threads = [threading.Thread(target=advance) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(map(bool, outcomes)) == [False, False, False, True]
    assert story.discrepancies() == []


class Turnstile:
    """A lock that tells when somebody asks for it while another has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.waiting = threading.Event()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self.waiting.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@pytest.mark.parametrize("act", ["reset_sandbox", "delete_sandbox"])
def test_a_reset_waits_for_an_advance(story: Story, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    """Else the clock would go on in the emptied sandbox, and what was due would be done in nobody's name."""
    platform, turnstile, order = story.platform, Turnstile(), []
    story.order(story.borrow(), 9_500)
    monkeypatch.setattr(platform.clocks, "advance_lock", lambda sandbox_id: turnstile)
    honest, began_ms = platform.clocks._run_due, story.now_ms
    threads: list[threading.Thread] = []

    def empty() -> None:
        try:
            getattr(platform, act)(story.sandbox_id)
            order.append("emptied")
        finally:
            turnstile.waiting.set()

    def run_due(*args: Any, **more: Any) -> Any:
        if not threads:  # In the midst of the move somebody empties the sandbox, and is waited for: done, or waiting.
            threads.append(threading.Thread(target=empty))
            threads[0].start()
            assert turnstile.waiting.wait(30)
        honest(*args, **more)
        order.append("moved")  # As long as it is moved, and not after it: then somebody else may be faster.

    monkeypatch.setattr(platform.clocks, "_run_due", run_due)
    platform.advance(story.sandbox_id, began_ms + 40 * DAY_MS)
    threads[0].join(30)

    assert (order[0], order[-1], order.count("emptied")) == ("moved", "emptied", 1)
    if act == "reset_sandbox":
        assert story.now_ms == began_ms
        assert {name for name, rows in story.everything().items() if rows} <= {"sandboxes"}
    else:
        assert not any(story.everything().values())


@pytest.mark.parametrize("act", ["reset_sandbox", "delete_sandbox"])
def test_delivery_workers_and_faults_are_notified_of_a_reset_sandbox(
    open_platform: Callable[..., Platform], monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    platform = open_platform(FaultLayer())
    sandbox_id = platform.create_sandbox(seed=7, mode="wall").id
    events: list[tuple[str, str]] = []
    monkeypatch.setattr(platform.delivery_workers, "forget", lambda id: events.append(("delivery_workers", id)))
    monkeypatch.setattr(platform.layer, "sandbox_reset", lambda id: events.append(("faults", id)))

    getattr(platform, act)(sandbox_id)

    assert sorted(events) == [("delivery_workers", sandbox_id), ("faults", sandbox_id)]


def test_a_change_of_speed_waits_for_an_advance(wall: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    platform, turnstile, answered = wall.platform, Turnstile(), []
    monkeypatch.setattr(platform.clocks, "advance_lock", lambda sandbox_id: turnstile)

    def hold() -> None:
        try:
            answered.append(platform.set_pace(wall.sandbox_id, 0).status)
        finally:
            turnstile.waiting.set()

    thread = threading.Thread(target=hold)
    with turnstile:
        thread.start()
        assert turnstile.waiting.wait(30)
        assert answered == []
    thread.join(30)

    assert answered == [200]


def test_a_tick_skips_a_sandbox_that_another_thread_works_on(wall: Story, clock: Clock) -> None:
    wall.order(wall.borrow(), 9_500)
    clock.ms += 2_000

    with wall.platform.clocks.advance_lock(wall.sandbox_id):
        meanwhile = wall.platform.tick()

    assert (meanwhile, wall.platform.tick() + wall.platform.tick()) == (0, 2)


def test_a_tick_does_due_work_on_running_clocks_only(wall: Story, story: Story, clock: Clock) -> None:
    running, standing = wall.borrow(), story.borrow()
    wall.order(running, 9_500)
    story.order(standing, 9_500)

    clock.ms += 1_999
    early = wall.platform.tick()
    clock.ms += 1
    done = wall.platform.tick() + wall.platform.tick()

    assert (early, done) == (0, 2)
    assert wall.page(running)["paid_minor"] == 9_500
    assert story.page(standing)["paid_minor"] == 0
    assert wall.discrepancies() == []


def test_a_late_ticker_catches_up_and_settlements_keep_their_times(wall: Story, clock: Clock) -> None:
    loan_id = wall.borrow()
    repayment_id = wall.order(loan_id, 9_500)
    ordered_ms = wall.now_ms

    clock.ms += 40 * DAY_MS
    while wall.platform.tick():
        pass

    repayment = wall.entity(Repayment, repayment_id)
    assert (repayment.paid_ms, repayment.applied_ms) == (ordered_ms + 2_000, clock.ms)
    assert wall.page(loan_id)["status"] == "USING"
    assert wall.discrepancies() == []
    assert wall.platform.tick() == 0


def test_a_clock_may_run_a_day_per_second(
    open_platform: Callable[..., Platform], story: Story, clock: Clock, seed: int
) -> None:
    platform = open_platform(real_ms=clock)
    fast = type(story)(platform, platform.create_sandbox(seed=seed, mode="wall", speed=86_400))
    loan_id = fast.borrow()

    clock.ms += 32_000
    while platform.tick():
        pass

    assert fast.page(loan_id)["status"] == "OVD"
    assert fast.discrepancies() == []


def test_a_sandbox_with_much_due_work_does_not_delay_the_others(
    wall: Story, clock: Clock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall.platform.clocks._portions = Portions(1, driver.SLICE_S)
    busy = type(wall)(wall.platform, wall.platform.create_sandbox(seed=seed, mode="wall", id="a_busy_one"))
    loans = [busy.borrow() for _ in range(6)]
    for loan_id in loans:
        busy.order(loan_id, 9_500)
    other = wall.borrow()
    wall.order(other, 9_500)
    seconds = [0.0]

    def later() -> float:
        seconds[0] += 0.03  # Each look at the time takes so long: two groups are a slice.
        return seconds[0]

    wall.platform.clocks._monotonic = later
    monkeypatch.setattr(driver, "ROUNDS_S", 0.1)  # One round: no second slice for the busy one, which comes first.
    clock.ms += 2_000
    wall.platform.tick()

    assert wall.page(other)["paid_minor"] == 9_500
    assert 0 < [busy.page(loan_id)["paid_minor"] for loan_id in loans].count(9_500) < 6
    wall.platform.clocks._monotonic = lambda: 0.0
    while wall.platform.tick():
        pass
    assert [busy.page(loan_id)["paid_minor"] for loan_id in loans] == [9_500] * 6


def test_what_a_tick_leaves_is_run_at_once(wall: Story, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    loans = [wall.borrow() for _ in range(6)]
    for loan_id in loans:
        wall.order(loan_id, 9_500)
    clock.ms += 2_000
    seconds = itertools.count()
    wall.platform.clocks._portions = Portions(1, driver.SLICE_S)
    wall.platform.clocks._monotonic = lambda: float(next(seconds))
    monkeypatch.setattr(driver, "ROUNDS_S", 2.5)

    wall.platform.tick()
    assert wall.platform.clocks.has_more
    assert [wall.page(loan_id)["paid_minor"] for loan_id in loans].count(9_500) < 6
    wall.platform.run_clocks()

    assert [wall.page(loan_id)["paid_minor"] for loan_id in loans] == [9_500] * 6
    assert not wall.platform.clocks.has_more


def test_stopped_clocks_leave_nothing_to_be_run_at_once(wall: Story, clock: Clock) -> None:
    wall.order(wall.borrow(), 9_500)
    clock.ms += 2_000

    wall.platform.stop_clocks()
    wall.platform.run_clocks()

    assert not wall.platform.clocks.has_more


def test_a_tick_ends_soon_once_the_clocks_are_stopped(wall: Story, clock: Clock) -> None:
    loan_id = wall.borrow()
    wall.order(loan_id, 9_500)
    clock.ms += 2_000

    wall.platform.stop_clocks()

    assert wall.platform.tick() == 0
    assert wall.page(loan_id)["paid_minor"] == 0


def test_a_slow_receiver_delays_no_other(wall: Story, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    requested, go = threading.Event(), threading.Event()

    def slowly(*_: Any) -> str:
        requested.set()
        assert go.wait(10)
        return "acked"

    monkeypatch.setattr(delivery, "deliver", slowly)
    wall.platform.run(AddEndpoint(wall.sandbox_id, "http://127.0.0.1:9/", ("loan.disbursed",), "standard"))
    loan_id = wall.borrow()
    wall.order(loan_id, 9_500)
    wall.platform.tick()
    assert requested.wait(10)

    clock.ms += 2_000
    while wall.platform.tick():
        pass

    assert wall.page(loan_id)["paid_minor"] == 9_500
    assert [row["state"] for row in wall.everything()["webhooks"]] == ["QUEUED"]
    go.set()
    wall.platform.close()
    assert wall.discrepancies() == []


def test_every_answered_write_is_there_after_a_restart(story: Story, open_platform: Callable[..., Platform]) -> None:
    loan_id = story.borrow()
    story.order(loan_id, 9_500, "bank_transfer")
    before = story.everything()
    story.platform.close()

    story.platform = open_platform()

    assert story.everything() == before
    story.wait(1_800)
    assert story.page(loan_id)["paid_minor"] == 9_500
    assert story.discrepancies() == []


def test_a_read_sees_one_state(story: Story) -> None:
    from mocklend.views import reads

    loan_id = story.borrow()

    with story.platform.read() as connection:
        before = reads.page(story.snapshot(connection, DAY_MS), loan_id)
        story.repay(loan_id, 9_500)
        during = reads.page(story.snapshot(connection, DAY_MS), loan_id)

    assert during == before
    assert story.page(loan_id)["paid_minor"] == 9_500


def test_an_unknown_sandbox_has_no_clock(platform: Platform) -> None:
    for ask in (platform.now_ms, platform.audit, lambda id: platform.advance(id, 0)):
        with pytest.raises(Refused, match="sandbox_unknown"):
            ask("sbx_x")


def test_a_path_is_a_database_and_so_is_a_url(tmp_path: Path) -> None:
    assert database_url(str(tmp_path / "a.db")) == f"sqlite:///{tmp_path}/a.db"
    assert database_url("postgresql+psycopg://localhost/a") == "postgresql+psycopg://localhost/a"


def test_without_a_fault_layer_the_platform_is_honest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "entries_of", lambda group: ())

    assert find_layer() is None


def test_a_late_platform_processes_callbacks_in_the_order_of_their_times(
    wall: Story, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = wall.borrow()
    for _ in range(6):
        wall.order(loan_id, 100)
        clock.ms += 7
    replays: list[int] = []

    def counted(*args: Any) -> Any:
        replays.append(1)
        return replay(*args)

    monkeypatch.setattr(books, "replay", counted)
    clock.ms += 60_000

    while wall.platform.tick():
        pass

    assert wall.page(loan_id)["paid_minor"] == 600
    assert replays == []  # Nothing came before what the books had already.


def test_an_advance_ends_soon_where_the_platform_stops_and_goes_on_when_asked_again(
    open_platform: Callable[..., Platform], story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.borrow()
    platform, start_ms = story.platform, story.now_ms
    # Each look at the time takes a second.
    monkeypatch.setattr(platform.clocks, "_monotonic", itertools.count().__next__)
    run_all = platform.writer.run_all

    def stopping(commands: Any) -> Any:
        platform.stop_clocks()
        return run_all(commands)

    monkeypatch.setattr(platform.writer, "run_all", stopping)
    to_ms = start_ms + 400 * DAY_MS
    for _ in range(2):
        with pytest.raises(Refused, match="server_stopping"):
            platform.advance(story.sandbox_id, to_ms)
    assert story.now_ms < to_ms

    again = open_platform()
    again.advance(story.sandbox_id, to_ms)

    assert again.now_ms(story.sandbox_id) == to_ms
