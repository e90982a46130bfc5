"""Which sandboxes a tick visits: idle ones are skipped, and due work is never late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mocklend.runtime import Platform
from mocklend.sandboxes.ids import out_trade_no
from mocklend.scheduling.agenda import BEHIND_LOGGED_S, BEHIND_S, LOOK_AGAIN_MS, Agenda, Behind, Portions
from mocklend.storage.entities import Repayment, Trade
from support.story import Clock, Story

pytestmark = pytest.mark.security

DAY_MS = 86_400_000


@pytest.fixture
def looks(wall: Story, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sandboxes that ticks look at."""
    checked: list[str] = []
    honest = wall.platform.clocks._tick_one

    def note(sandbox_id: str) -> Any:
        checked.append(sandbox_id)
        return honest(sandbox_id)

    monkeypatch.setattr(wall.platform.clocks, "_tick_one", note)
    return checked


def test_idle_sandboxes_are_visited_once_and_then_skipped(wall: Story, clock: Clock, looks: list[str]) -> None:
    others = {wall.platform.create_sandbox(seed=1, mode="wall").id for _ in range(20)}
    wall.platform.tick()
    assert set(looks) == others | {wall.sandbox_id}
    looks.clear()

    for _ in range(50):
        clock.ms += 200
        wall.platform.tick()

    assert looks == []


def test_each_sandbox_is_visited_again_from_time_to_time_and_not_all_at_once(
    wall: Story, clock: Clock, looks: list[str]
) -> None:
    others = {wall.platform.create_sandbox(seed=1, mode="wall").id for _ in range(40)}
    wall.platform.tick()
    looks.clear()

    busiest = 0
    for _ in range(LOOK_AGAIN_MS // 1_000):
        clock.ms += 1_000
        before = len(looks)
        wall.platform.tick()
        busiest = max(busiest, len(looks) - before)

    assert set(looks) == others | {wall.sandbox_id}
    assert busiest < 20


def test_due_work_is_done_at_its_time(wall: Story, clock: Clock, looks: list[str]) -> None:
    order = wall.order(wall.borrow(), 1_000, "wallet")
    while wall.platform.tick():
        pass
    settles_ms = wall.entity(Trade, out_trade_no(order)).due_ms
    assert settles_ms is not None

    clock.ms = settles_ms - 1
    wall.platform.tick()
    early = wall.entity(Repayment, order).status
    clock.ms = settles_ms
    looks.clear()
    wall.platform.tick()
    wall.platform.tick()

    assert (early, wall.entity(Repayment, order).status) == ("PROCESSING", "S")
    assert looks


def test_due_work_on_a_fast_clock_is_done_at_the_sandboxs_time(wall: Story, clock: Clock) -> None:
    wall.platform.set_pace(wall.sandbox_id, 3_600)
    order = wall.order(wall.borrow(), 1_000, "wallet")
    wall.platform.tick()

    clock.ms += 1_000
    wall.platform.tick()
    wall.platform.tick()

    assert wall.entity(Repayment, order).status == "S"


@pytest.mark.parametrize("pace", [1, 60])
def test_a_clock_that_starts_to_run_is_visited_at_once(wall: Story, clock: Clock, pace: int) -> None:
    order = wall.order(wall.borrow(), 1_000, "wallet")
    wall.platform.tick()
    wall.platform.set_pace(wall.sandbox_id, 0)
    clock.ms += 60_000
    wall.platform.tick()
    assert wall.entity(Repayment, order).status == "PROCESSING"

    wall.platform.set_pace(wall.sandbox_id, pace)
    clock.ms += 60_000 // pace
    wall.platform.tick()
    wall.platform.tick()

    assert wall.entity(Repayment, order).status == "S"


def test_work_of_a_dead_process_is_done_after_a_while(
    wall: Story, open_platform: Callable[..., Platform], clock: Clock
) -> None:
    loan_id = wall.borrow()
    while wall.platform.tick():
        pass
    wall.platform.tick()
    other = type(wall)(open_platform(real_ms=clock), wall.sandbox)
    other._keys = 100

    order = other.order(loan_id, 1_000, "wallet")
    clock.ms += LOOK_AGAIN_MS
    wall.platform.tick()
    wall.platform.tick()

    assert wall.entity(Repayment, order).status == "S"


def test_work_written_during_a_visit_is_not_missed() -> None:
    agenda = Agenda()

    agenda.look("a")
    agenda.touch(["a"])
    agenda.wait("a", 1_000, 5_000)
    assert agenda.wants("a", 1_000)

    agenda.look("a")
    agenda.wait("a", 1_000, 5_000)
    assert not agenda.wants("a", 4_999)
    assert agenda.wants("a", 5_000)
    agenda.touch(["a", "b"])
    assert agenda.wants("a", 1_000)


def test_a_batch_has_as_many_items_as_fit_a_time_slice() -> None:
    portions = Portions(64, 0.05)
    assert portions.of("a", "callback") == 4

    grown = []
    for _ in range(5):
        portions.took("a", "callback", portions.of("a", "callback"), 0.001)
        grown.append(portions.of("a", "callback"))
    assert grown == [8, 16, 32, 64, 64], "twice as many at most"

    portions.took("a", "callback", 64, 0.64)
    assert portions.of("a", "callback") == 5, "ten milliseconds each: five of them in fifty"
    assert (portions.of("a", "settlement"), portions.of("b", "callback")) == (4, 4)
    portions.took("a", "callback", 5, 0.04)
    assert portions.of("a", "callback") == 6
    portions.took("a", "callback", 1, 0.001)
    assert portions.of("a", "callback") == 6, "one alone says nothing about many"
    portions.took("a", "callback", 1, 9)
    assert portions.of("a", "callback") == 1, "but that it took too long does"
    portions.took("a", "callback", 1, 0.0)
    assert portions.of("a", "callback") == 2
    portions.forget("a")
    assert portions.of("a", "callback") == 4


def test_a_batch_is_never_larger_than_the_maximum() -> None:
    assert Portions(1, 0.05).of("a", "callback") == 1


def test_the_oldest_due_work_tells_how_far_the_clocks_are_behind(wall: Story, clock: Clock) -> None:
    behind = wall.platform.clocks.behind
    wall.order(wall.borrow(), 9_500)
    wall.platform.tick()
    assert behind.seconds() == 0

    clock.ms += 2_000 + 7_000  # The wallet settles after 2 s.
    with wall.platform.clocks.advance_lock(wall.sandbox_id):
        wall.platform.tick()
    wall.platform.clocks._look(wall.sandbox_id)
    assert behind.seconds() == 7
    clock.ms += 500
    assert behind.seconds() == 7.5

    while wall.platform.tick():
        pass
    assert behind.seconds() == 0


def test_a_stopped_or_emptied_sandbox_is_not_behind(wall: Story, clock: Clock) -> None:
    clocks, behind = wall.platform.clocks, wall.platform.clocks.behind
    wall.order(wall.borrow(), 9_500)
    clock.ms += 9_000
    clocks._look(wall.sandbox_id)
    assert behind.seconds() == 7

    clocks.emptied(wall.sandbox_id)
    assert behind.seconds() == 0

    clocks._look(wall.sandbox_id)
    clocks.set_pace(wall.sandbox_id, 0)
    clocks._look(wall.sandbox_id)
    assert behind.seconds() == 0


def test_work_that_is_far_behind_is_logged_now_and_then(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    behind = Behind(clock)

    def lines() -> int:
        behind.log()
        return capsys.readouterr().err.count("due work is behind")

    behind.note("sbx_1", clock.ms)
    clock.ms += round(BEHIND_S * 1000) - 1
    assert lines() == 0
    clock.ms += 1
    assert [lines(), lines()] == [1, 0]
    clock.ms += round(BEHIND_LOGGED_S * 1000)
    assert lines() == 1
    behind.note("sbx_1", None)
    clock.ms += round(BEHIND_LOGGED_S * 1000)
    assert lines() == 0
