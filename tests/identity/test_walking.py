"""scripts/identity: it prints its progress, and a failure before the search for a shorter story."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from identity import state_machine
from identity.actors import base
from mocklend.exit_codes import ExitCode
from support import postgresql


class Tally(RuleBasedStateMachine):
    """A story that goes wrong as soon as somebody pays 1,000 or more."""

    steps = 0

    @rule(amount_minor=st.integers(0, 1_000_000))
    def pay(self, amount_minor: int) -> None:
        type(self).steps += 1
        assert amount_minor < 1_000, f"the audit sees {amount_minor}, the answer key says nothing"


class Honest(Tally):
    """A story that never goes wrong."""

    @rule(amount_minor=st.integers(0, 1))
    def pay(self, amount_minor: int) -> None:
        type(self).steps += 1


@pytest.fixture
def walking(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script's own module; the load test has one of the same name."""
    spec = spec_from_file_location("walking", Path(__file__).with_name("run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(state_machine, "Story", Tally)
    return module


def test_a_failure_is_printed_with_its_seed_before_it_is_shrunk(
    walking: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told_before: list[str] = []
    honest = run_state_machine_as_test

    def shrinking(machine: Any, *, settings: Any) -> None:
        told_before.append(capsys.readouterr().out)
        honest(machine, settings=settings)

    monkeypatch.setattr(state_machine, "run_state_machine_as_test", shrinking)

    assert walking.main(["--steps", "400", "--seed", "11"]) == ExitCode.FAIL

    [before_anything, before_shrinking] = told_before
    assert "found" not in before_anything
    assert "AssertionError: the audit sees" in before_shrinking
    assert "scripts/identity --steps 400 --seed 11" in before_shrinking
    # The shortest story: one payment of just 1,000.
    printed = capsys.readouterr()
    assert "the audit sees 1000, the answer key says nothing" in printed.err
    assert printed.out.splitlines()[-1].startswith("FAIL: ")


def test_a_failure_without_a_shorter_story_is_a_failure_too(
    walking: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AssertionError, match="the audit sees"):
        state_machine.walk(400, seed=11, shrink=False)

    assert "to walk this again: scripts/identity --steps 400 --seed 11" in capsys.readouterr().out


def test_a_walk_prints_its_progress(
    walking: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(state_machine, "Story", Honest)
    monkeypatch.setattr(walking, "EVERY_S", 0.001)

    assert walking.main(["--steps", "400", "--seed", "3"]) == ExitCode.PASS

    assert " of 400 steps, " in capsys.readouterr().out


def test_a_walk_that_is_stopped_has_no_verdict(
    walking: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(state_machine, "walk", interrupted)

    assert walking.main(["--steps", "400", "--seed", "11"]) == ExitCode.INCONCLUSIVE
    assert "INCONCLUSIVE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "walked"),
    [
        ([], (1, 0)),
        (["--engine", "postgresql"], (1, 1)),
        (["--processes", "4"], (4, 1)),
    ],
)
def test_a_walk_takes_its_turns_in_processes_on_the_engine_of_its_options(
    walking: ModuleType, monkeypatch: pytest.MonkeyPatch, options: list[str], walked: tuple[int, int]
) -> None:
    seen: list[tuple[int, int]] = []

    @contextmanager
    def running() -> Iterator[str]:
        yield "postgresql+psycopg://postgres@/postgres"

    def walk(*_: object, **__: object) -> int:
        seen.append((base.PROCESSES[0], len(base.DATABASES)))
        return 400

    monkeypatch.setattr(base, "PROCESSES", [1])
    monkeypatch.setattr(base, "DATABASES", [])
    monkeypatch.setattr(base, "PLATFORMS", [])
    monkeypatch.setattr(postgresql, "running", running)
    monkeypatch.setattr(state_machine, "walk", walk)

    assert walking.main(["--steps", "400", "--seed", "3", *options]) == ExitCode.PASS

    assert seen == [walked]


def test_several_processes_on_sqlite_are_refused(walking: ModuleType) -> None:
    with pytest.raises(SystemExit) as left:
        walking.main(["--engine", "sqlite", "--processes", "2"])

    assert left.value.code == ExitCode.WRONG_USE
