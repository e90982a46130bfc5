"""The last use of sandboxes, their maximum number, and the deletion of old ones on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT, Bounds, Limit
from mocklend.storage.statements import run_many
from support.sql import recorded
from support.story import Clock

pytestmark = pytest.mark.security

DAY_MS = 86_400_000


@pytest.fixture
def opened(open_platform: Callable[..., Platform], clock: Clock) -> Platform:
    """A platform with room for three sandboxes, of which two may run by themselves."""
    platform = open_platform(real_ms=clock, bounds=Bounds(3, 2))
    platform.ensure_default(1)
    return platform


def last_used(platform: Platform) -> dict[str, int]:
    return {sandbox.id: used_ms for sandbox, used_ms in platform.uses.listed("", 100)}


def test_the_number_of_sandboxes_beside_default_is_limited(opened: Platform) -> None:
    sandbox = [opened.create_sandbox(seed=1, mode="manual") for _ in range(3)]

    with pytest.raises(Refused, match="too_many_sandboxes") as caught:
        opened.create_sandbox(seed=1, mode="manual")

    assert caught.value.expected == "at most 3"
    opened.delete_sandbox(sandbox[0].id)
    opened.create_sandbox(seed=1, mode="manual")


def test_the_number_of_running_clocks_is_limited(opened: Platform) -> None:
    runs, also_runs = (opened.create_sandbox(seed=1, mode="wall") for _ in range(2))
    stands = opened.create_sandbox(seed=1, mode="manual")

    with pytest.raises(Refused, match="too_many_clocks"):
        opened.set_pace(stands.id, 1)

    opened.set_pace(runs.id, 60)  # It runs already.
    opened.set_pace(also_runs.id, 0)
    opened.set_pace(stands.id, 1)
    with pytest.raises(Refused, match="too_many_clocks"):
        opened.set_pace(also_runs.id, 1)
    opened.set_pace(DEFAULT, 0)
    opened.set_pace(DEFAULT, 1)
    opened.delete_sandbox(also_runs.id)
    with pytest.raises(Refused, match="too_many_clocks"):
        opened.create_sandbox(seed=1, mode="wall")


def test_far_from_the_limit_most_sandboxes_are_made_without_counting_the_others(platform: Platform) -> None:
    limit = Limit(1_000, "id <> :default", "too_many_sandboxes", "there are {} already")
    with platform.read() as connection, recorded(platform) as statements:
        for _ in range(160):
            limit.refuse_one_more(connection)

    assert len([sql for sql in statements if "COUNT(*)" in sql]) == 10  # Each count is for 15 more.


def test_the_last_use_of_a_sandbox_is_known_after_a_restart(
    open_platform: Callable[..., Platform], opened: Platform, clock: Clock
) -> None:
    began_ms = clock.ms
    first, other = (opened.create_sandbox(seed=1, mode="manual").id for _ in range(2))
    clock.ms += 5 * DAY_MS
    opened.uses.note(first)

    opened.tick()

    used_at = last_used(open_platform(real_ms=clock))
    assert used_at == {DEFAULT: began_ms, first: clock.ms, other: began_ms}


def test_recording_uses_costs_one_commit_per_minute_and_none_without_requests(
    opened: Platform, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[int] = []
    honest = opened.uses.write

    def noted() -> None:
        notes.append(clock.ms)
        honest()

    monkeypatch.setattr(opened.uses, "write", noted)
    began_ms = clock.ms
    for second in range(180):
        clock.ms = began_ms + second * 1_000
        if second < 90:
            opened.uses.note(DEFAULT)
        opened.tick()

    assert [(at - began_ms) // 1_000 for at in notes] == [0, 60, 120]


def test_unused_sandboxes_are_deleted_on_request_and_default_never(opened: Platform, clock: Clock) -> None:
    old, used, new = (opened.create_sandbox(seed=1, mode="manual").id for _ in range(3))
    clock.ms += 8 * DAY_MS
    opened.uses.note(used)
    opened.delete_sandbox(new)
    new = opened.create_sandbox(seed=1, mode="manual").id

    assert [sandbox.id for sandbox, _ in opened.uses.listed("", 100, 7 * DAY_MS)] == sorted([DEFAULT, old])
    assert opened.expire_sandboxes(7 * DAY_MS) == ([old], False)

    assert set(last_used(opened)) == {DEFAULT, used, new}
    assert opened.expire_sandboxes(7 * DAY_MS) == ([], False)


def test_a_sandbox_that_is_used_while_others_expire_stays(
    opened: Platform, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (opened.create_sandbox(seed=1, mode="manual").id for _ in range(2))
    honest = opened.delete_sandbox

    def delete(sandbox_id: str) -> None:
        for id in {first, second} - {sandbox_id}:
            opened.uses.note(id)
        honest(sandbox_id)

    monkeypatch.setattr(opened, "delete_sandbox", delete)
    clock.ms += 8 * DAY_MS

    gone, _ = opened.expire_sandboxes(7 * DAY_MS)

    assert gone == [min(first, second)]


def test_sandboxes_of_an_older_version_count_as_used_when_the_new_one_starts(opened: Platform, clock: Clock) -> None:
    id = opened.create_sandbox(seed=1, mode="manual").id
    opened.writer.call(lambda connection: run_many(connection, "DELETE FROM sandbox_uses", [{}]))
    clock.ms += 8 * DAY_MS

    opened.ensure_default(1)

    assert last_used(opened) == {DEFAULT: clock.ms, id: clock.ms}
    assert opened.expire_sandboxes(DAY_MS) == ([], False)


def test_a_reset_counts_as_use(opened: Platform, clock: Clock) -> None:
    id = opened.create_sandbox(seed=1, mode="manual").id
    clock.ms += 8 * DAY_MS

    opened.reset_sandbox(id)

    assert last_used(opened)[id] == clock.ms


def test_expired_sandboxes_are_deleted_in_the_order_of_their_last_use(
    open_platform: Callable[..., Platform], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mocklend.sandbox_uses.EXPIRED_MAX", 2)
    platform = open_platform(real_ms=clock)
    sandboxes_made = []
    for _ in range(5):
        sandboxes_made.append(platform.create_sandbox(seed=1, mode="manual").id)
        clock.ms += 1_000
    clock.ms += DAY_MS

    answers: list[Any] = [platform.expire_sandboxes(DAY_MS // 2) for _ in range(3)]

    assert answers == [(sandboxes_made[:2], True), (sandboxes_made[2:4], True), (sandboxes_made[4:], False)]
