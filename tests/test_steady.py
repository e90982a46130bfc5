"""Real time never goes back, after a change of the machine's clock and after a restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mocklend import runtime as lending
from mocklend.runtime import Platform
from mocklend.steady import MARK_EVERY_MS, SteadyTime, start_after
from support.story import Story

pytestmark = pytest.mark.security

START_MS = 1_767_578_400_000
HOUR_MS = 3_600_000


class Machine:
    """A machine whose clock can be set, and whose monotonic clock runs whatever is done to it."""

    def __init__(self) -> None:
        self.wall_ms, self.up_ms = START_MS, 5_000

    def wall(self) -> int:
        return self.wall_ms * 1_000_000

    def monotonic(self) -> int:
        return self.up_ms * 1_000_000

    def run(self, ms: int) -> None:
        self.wall_ms += ms
        self.up_ms += ms


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The machine that platforms of this test run on."""
    clock = Machine()
    monkeypatch.setattr(
        lending, "start_after", lambda mark_ms: start_after(mark_ms, clock.wall, clock.monotonic), raising=True
    )
    return clock


@pytest.mark.parametrize("step_ms", [-20_000, -HOUR_MS, HOUR_MS, 365 * 24 * HOUR_MS])
def test_time_continues_after_the_clock_was_set(machine: Machine, step_ms: int) -> None:
    now = SteadyTime(machine.wall, machine.monotonic)
    machine.run(1_000)
    machine.wall_ms += step_ms

    assert now() == START_MS + 1_000
    machine.run(250)
    assert now() == START_MS + 1_250


def test_time_does_not_go_back_if_the_monotonic_clock_does(machine: Machine) -> None:
    now = SteadyTime(machine.wall, machine.monotonic)
    machine.run(HOUR_MS)
    assert now() == START_MS + HOUR_MS

    machine.up_ms -= HOUR_MS // 2

    assert now() == START_MS + HOUR_MS
    machine.run(250)
    assert now() == START_MS + HOUR_MS + 250


def test_interleaved_reads_of_two_threads_are_no_step_of_the_clock(machine: Machine) -> None:
    now = SteadyTime(machine.wall, machine.monotonic)
    machine.run(1_000)
    now()

    machine.up_ms -= 2  # Another thread has read before us, and looks after us.

    assert now() == START_MS + 998
    machine.up_ms += 2
    assert now() == START_MS + 1_000


@pytest.mark.parametrize(
    ("step_ms", "starts_ms"),
    [(0, START_MS), (5, START_MS + 5), (HOUR_MS, START_MS + HOUR_MS),
     (-1, START_MS + MARK_EVERY_MS), (-HOUR_MS, START_MS + MARK_EVERY_MS)],
)  # fmt: skip
def test_a_process_starts_not_before_the_time_that_the_last_one_showed(
    machine: Machine, step_ms: int, starts_ms: int
) -> None:
    machine.wall_ms += step_ms

    assert start_after(START_MS, machine.wall, machine.monotonic)() == starts_ms


def test_a_process_behind_another_catches_up_and_one_ahead_stays(machine: Machine) -> None:
    now = SteadyTime(machine.wall, machine.monotonic)

    now.catch_up(START_MS - 1)
    assert now() == START_MS
    now.catch_up(START_MS + 700)
    assert now() == START_MS + 700


@pytest.mark.parametrize("back_ms", [20_000, HOUR_MS])
def test_settling_goes_on_while_the_clock_is_set_back(
    open_platform: Callable[..., Platform], story: Story, machine: Machine, seed: int, back_ms: int
) -> None:
    platform = open_platform()
    wall = type(story)(platform, platform.create_sandbox(seed=seed, mode="wall"))
    loan_id = wall.borrow()
    wall.order(loan_id, 9_500)
    before_ms = wall.now_ms

    machine.wall_ms -= back_ms
    machine.run(2_000)
    while platform.tick():
        pass

    assert wall.now_ms == before_ms + 2_000
    assert wall.page(loan_id)["paid_minor"] == 9_500
    assert wall.discrepancies() == []


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "killed"])
@pytest.mark.parametrize("back_ms", [0, 400, 20_000, HOUR_MS])
def test_a_restart_after_the_clock_was_set_back_does_not_go_back(
    open_platform: Callable[..., Platform], story: Story, machine: Machine, seed: int, back_ms: int, closed: bool
) -> None:
    platform = open_platform()
    sandbox = platform.create_sandbox(seed=seed, mode="wall")
    machine.run(5_000)
    platform.tick()
    machine.run(900)
    shown_ms = platform.now_ms(sandbox.id)
    if closed:
        platform.close()

    machine.wall_ms -= back_ms
    machine.up_ms = 100 if not closed else machine.up_ms  # The machine itself may have started anew.
    machine.run(950)
    again = open_platform()

    assert again.now_ms(sandbox.id) >= shown_ms
    assert again.now_ms(sandbox.id) <= shown_ms + 950 + MARK_EVERY_MS
    machine.run(1_000)
    assert again.now_ms(sandbox.id) >= shown_ms + 1_000


def test_storing_the_time_costs_one_commit_per_second(
    open_platform: Callable[..., Platform], machine: Machine, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    platform = open_platform()
    for _ in range(3):
        platform.create_sandbox(seed=seed, mode="wall")
    calls: list[Any] = []
    call = platform.writer.call

    def noted(act: Any, **more: Any) -> Any:
        calls.append(more)
        return call(act, **more)

    monkeypatch.setattr(platform.writer, "call", noted)

    for _ in range(20):
        machine.run(200)
        platform.tick()

    assert calls == [{"waits_for_disk": False}] * 4
