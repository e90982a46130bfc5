"""scripts/identity: it prints its progress, and a failure before the search for a shorter story."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from identity import state_machine
from mocklend.exit_codes import ExitCode


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
