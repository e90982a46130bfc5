"""scripts/determinism: one seed, one answer key, with any number of clients and of processes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mocklend.exit_codes import ExitCode
from support import concurrent_stories
from support.concurrent_stories import ConcurrentRun


@pytest.fixture
def determinism(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script's own module. It leaves the logs of the other tests alone."""
    monkeypatch.setattr(logging, "disable", lambda _level: None)
    spec = spec_from_file_location("determinism_run", Path(__file__).with_name("determinism_run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "determinism_run", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(determinism: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ExitCode]:
    """Run it over a server of one process and one of three, whose stories and clients are made up."""

    def run_it(keys: dict[str, str], *, served: int = 3, explained_by: str | None = "inj_1") -> ExitCode:
        @contextmanager
        def servers(processes: int) -> Iterator[list[Any]]:
            place = determinism.Place
            yield [place("one", (1, 8)), place("several", (8, 32), processes, lambda: set(range(served)))]

        def tell(url: str, _rules: object, *, after_chapter: Callable[[], None], **_: object) -> ConcurrentRun:
            after_chapter()
            audit = {"discrepancies": [{"explained_by": explained_by}], "unobserved": []}
            return ConcurrentRun(frozenset({"exact"}), keys[url], audit)

        monkeypatch.setattr(determinism, "_servers", servers)
        monkeypatch.setattr(concurrent_stories, "tell", tell)
        exit_code: ExitCode = determinism.main(["--processes", "3", "--seeds", "2"])
        return exit_code

    return run_it


def test_answer_keys_that_are_the_same_pass(run: Callable[..., ExitCode], capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"one": "{}", "several": "{}"}) == ExitCode.PASS

    first, second = capsys.readouterr().out.splitlines()
    assert "1 and 8 clients of 1 process and 8 and 32 clients of 3 processes, byte for byte the same" in first
    assert (first[:6], second[:6]) == ("seed 1", "seed 2")


def test_an_answer_key_of_several_processes_that_differs_fails(
    run: Callable[..., ExitCode], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run({"one": '{"occurrence": 1}', "several": '{"occurrence": 2}'}) == ExitCode.FAIL
    assert "AND NOT THE SAME" in capsys.readouterr().out


def test_a_discrepancy_that_nothing_explains_fails(run: Callable[..., ExitCode]) -> None:
    assert run({"one": "{}", "several": "{}"}, explained_by=None) == ExitCode.FAIL


def test_a_process_without_a_client_shows_nothing(run: Callable[..., ExitCode]) -> None:
    assert run({"one": "{}", "several": "{}"}, served=2) == ExitCode.INCONCLUSIVE


@pytest.mark.long
def test_one_process_and_four_have_the_same_answer_key(
    determinism: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code = determinism.main(["--processes", "4", "--seeds", "1", "--borrowers", "8"])

    assert exit_code == ExitCode.PASS, capsys.readouterr().out
