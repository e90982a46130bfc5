"""Sandboxes that are emptied in portions: full or empty for everybody, also if a process dies between two portions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from mocklend.domain.problems import Refused
from mocklend.lending import AddBorrower
from mocklend.runtime import NewSandbox, Platform
from mocklend.sandboxes import emptying
from mocklend.sandboxes.lifecycle import DEFAULT
from mocklend.storage.entities import Borrower
from mocklend.storage.schema import metadata
from support.processes import Process
from support.sql import rows
from support.story import Story

BORROWERS = 30


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of ten rows."""
    monkeypatch.setattr(emptying, "PORTION_FIRST", 10)
    monkeypatch.setattr(emptying, "PORTION_MIN", 10)
    monkeypatch.setattr(emptying, "PORTION_MAX", 10)


class Died(Exception):
    """The process has died here."""


def fill(platform: Platform, sandbox_id: str) -> None:
    """Add some borrowers."""
    for n in range(BORROWERS):
        platform.run(AddBorrower(sandbox_id, f"b{n}", "B", 1))


def die_after(monkeypatch: pytest.MonkeyPatch, commits: int) -> None:
    """Let the process die after so many of the commits that empty a sandbox."""
    honest, done = emptying.go_on, list[int]()

    def go_on(*about: object) -> bool:
        if len(done) == commits - 1:
            raise Died
        done.append(1)
        return honest(*about)  # type: ignore[arg-type]

    monkeypatch.setattr(emptying, "go_on", go_on)


def counts(platform: Platform, sandbox_id: str) -> dict[str, int]:
    """How many rows of a sandbox each table has, whoever may see them."""
    with platform.read() as connection:
        return {
            table.name: count
            for table in metadata.sorted_tables
            if "sandbox_id" in table.columns
            for count in rows(
                connection, int, f"SELECT COUNT(*) FROM {table.name} WHERE sandbox_id = :id", id=sandbox_id
            )
            if count
        }


def refusal(act: Callable[[], object]) -> str:
    """The code of what is refused."""
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code


def tick(platform: Platform) -> int:
    """Tick until no sandbox is half empty. Returns how many ticks that took."""
    for ticks in range(1_000):
        platform.emptier._next_look_ms = 0
        platform.emptier.tick()
        with platform.read() as connection:
            if not emptying.left(connection):
                return ticks + 1
    raise AssertionError("it is never empty")


def test_a_large_reset_lets_others_write_between_its_portions(
    platform: Platform, tell: Callable[..., Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    large, other = tell(), tell()
    fill(platform, large.sandbox_id)
    honest, seen = emptying.go_on, list[bool]()

    def go_on(*about: object) -> bool:
        done = honest(*about)  # type: ignore[arg-type]
        seen.append(done)
        return done

    def beside() -> bool:
        written = other.platform.run(AddBorrower(other.sandbox_id, f"beside {len(seen)}", "B", 1)).status == 201
        seen.append(written)
        return written

    monkeypatch.setattr(emptying, "go_on", go_on)
    portion = platform.emptier._portion
    monkeypatch.setattr(platform.emptier, "_portion", lambda id: beside() and portion(id))

    again = platform.reset_sandbox(large.sandbox_id)

    assert again.resets == 1
    assert seen.count(True) >= 4
    assert counts(platform, large.sandbox_id) == {"sandbox_uses": 1}


@pytest.mark.parametrize("commits", [1, 2, 3])
def test_a_reset_that_died_half_way_shows_nothing_and_ends_after_the_restart(
    platform: Platform,
    sandbox: NewSandbox,
    open_platform: Callable[..., Platform],
    monkeypatch: pytest.MonkeyPatch,
    commits: int,
) -> None:
    fill(platform, sandbox.id)
    with monkeypatch.context() as dying:
        die_after(dying, commits)
        with pytest.raises(Died):
            platform.reset_sandbox(sandbox.id)
    left = sum(counts(platform, sandbox.id).values())
    assert 0 < left < BORROWERS + 5, "the death came between two portions"
    platform.close()

    after = open_platform()
    assert refusal(lambda: after.sandbox_of_key(sandbox.api_key)) == "sandbox_emptying"
    assert refusal(lambda: after.now_ms(sandbox.id)) == "sandbox_emptying"
    assert refusal(lambda: after.run(AddBorrower(sandbox.id, "ada", "Ada", 1))) == "sandbox_emptying"
    assert refusal(lambda: after.advance(sandbox.id, by_ms=1)) == "sandbox_emptying"
    assert refusal(lambda: after.reset_sandbox(sandbox.id)) == "sandbox_emptying"
    assert refusal(lambda: after.delete_sandbox(sandbox.id)) == "sandbox_emptying"
    assert after.uses.listed("", 10) == []
    assert tick(after) >= left // 10

    assert after.sandbox_of_key(sandbox.api_key) == sandbox.id
    assert counts(after, sandbox.id) == {"sandbox_uses": 1}
    with after.snapshot(sandbox.id) as snapshot:
        assert (snapshot.sandbox.resets, snapshot.sandbox.seed) == (1, sandbox.seed)
    assert after.run(AddBorrower(sandbox.id, "b1", "B", 1)).status == 201


def test_a_deletion_that_died_half_way_is_a_deletion(
    platform: Platform, sandbox: NewSandbox, open_platform: Callable[..., Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(platform, sandbox.id)
    with monkeypatch.context() as dying:
        die_after(dying, 2)
        with pytest.raises(Died):
            platform.delete_sandbox(sandbox.id)
    platform.close()

    after = open_platform()
    assert after.sandbox_of_key(sandbox.api_key) is None
    assert refusal(lambda: after.run(AddBorrower(sandbox.id, "ada", "Ada", 1))) == "sandbox_unknown"
    tick(after)

    assert counts(after, sandbox.id) == {}
    assert refusal(lambda: after.now_ms(sandbox.id)) == "sandbox_unknown"


def test_the_sandbox_of_calls_without_a_key_is_emptied_before_a_server_serves_it(
    platform: Platform, open_platform: Callable[..., Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.ensure_default(seed=7)
    fill(platform, DEFAULT)
    with monkeypatch.context() as dying:
        die_after(dying, 2)
        with pytest.raises(Died):
            platform.reset_sandbox(DEFAULT)
    platform.close()

    after = open_platform()

    assert (after.ensure_default(seed=8).seed, after.ensure_default(seed=8).resets) == (7, 1)
    assert counts(after, DEFAULT) == {"sandbox_uses": 1}


def test_a_stopping_server_leaves_the_rest_to_the_next_one(
    platform: Platform, sandbox: NewSandbox, open_platform: Callable[..., Platform]
) -> None:
    fill(platform, sandbox.id)
    platform.stop_clocks()

    assert refusal(lambda: platform.reset_sandbox(sandbox.id)) == "server_stopping"

    platform.close()
    after = open_platform()
    tick(after)
    assert counts(after, sandbox.id) == {"sandbox_uses": 1}


def test_a_portion_that_keeps_the_key_of_the_old_row_in_sight_is_found(
    platform: Platform, sandbox: NewSandbox, open_platform: Callable[..., Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted bug: the row stays until the end, as if rows could be deleted under it."""
    monkeypatch.setattr(emptying, "TAKE_AWAY", "UPDATE sandboxes SET resets = resets WHERE id = :sandbox_id")

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test_a_reset_that_died_half_way_shows_nothing_and_ends_after_the_restart(
            platform, sandbox, open_platform, monkeypatch, 2
        )


def test_another_process_refuses_and_ends_what_one_began(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Platform(postgresql)) as first, closing(Platform(postgresql)) as second:
        one, other = Process(first), Process(second)
        id, key = one.sandbox()
        for n in range(BORROWERS):
            other.done("POST", "/v1/borrowers", key, {"reference": f"b{n}", "name": "B"})
        with monkeypatch.context() as dying:
            die_after(dying, 2)
            with pytest.raises(Died):
                first.reset_sandbox(id)

        assert other.ask("GET", "/v1/loans", key)[1]["code"] == "sandbox_emptying"
        assert other.ask("GET", "/v1/loans", "mk_nobody")[1]["code"] == "credential_invalid"
        tick(second)
        assert [process.ask("GET", "/v1/loans", key)[0] for process in (one, other)] == [200, 200]
        assert counts(second, id) == {"sandbox_uses": 1}
        with second.snapshot(id) as snapshot:
            assert snapshot.find_all(Borrower, [f"b{n}" for n in range(BORROWERS)]) == []


def test_a_portion_takes_about_a_slice() -> None:
    with pytest.MonkeyPatch.context() as bounds:
        bounds.setattr(emptying, "PORTION_MIN", 100)
        bounds.setattr(emptying, "PORTION_MAX", 50_000)

        assert emptying.next_portion(1_000, 0.025, 0.05) == 2_000
        assert emptying.next_portion(1_000, 0.001, 0.05) == 2_000
        assert emptying.next_portion(1_000, 0.1, 0.05) == 500
        assert emptying.next_portion(1_000, 10.0, 0.05) == 100
        assert emptying.next_portion(40_000, 0.0, 0.05) == 50_000
