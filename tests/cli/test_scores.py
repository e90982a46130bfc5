"""Scores, exports and data sets from the shell."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mocklend.client import Client
from support.terminal import Run, repay

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


@needs_faults
def test_a_score_exits_by_its_verdict_and_prints_the_reasons(
    run: Run, mocklend: Client, loan: dict[str, object], tmp_path: Path
) -> None:
    findings = tmp_path / "findings.jsonl"
    mocklend.arm("cache.bounded_stale")
    repay(mocklend, loan)
    assert run("reconcile", "--out", str(findings)).code == 0

    passed = run("score", str(findings))
    findings.write_text("")
    failed = run("score", str(findings))
    mocklend.arm("callback.dropped", rule_id="silent")
    findings.write_text(json.dumps({"class": "stale_view", "entity": loan["id"]}) + "\n")
    unsure = run("score", str(findings), "--json")

    assert (passed.code, passed.out.splitlines()[0].split()[0]) == (0, "PASS")
    assert (failed.code, failed.out.splitlines()[0].split()[0]) == (1, "FAIL")
    assert f"missed: stale_view on {loan['id']}" in failed.out
    assert (unsure.code, unsure.document["verdict"], unsure.document["silent_rules"]) == (3, "INCONCLUSIVE", ["silent"])


@needs_faults
def test_a_score_may_demand_only_what_was_visible_at_the_check_times(
    run: Run, mocklend: Client, loan: dict[str, object], tmp_path: Path
) -> None:
    findings = tmp_path / "findings.jsonl"
    findings.write_text("")
    before = mocklend.clock()["now"]
    mocklend.arm("cache.bounded_stale", lag_s=3_600)
    repay(mocklend, loan)
    during = mocklend.clock()["now"]
    mocklend.advance("P1D")

    assert run("score", str(findings), "--checked-at", before).code == 3
    assert run("score", str(findings), "--checked-at", before, "--checked-at", during).code == 1
    assert run("score", str(findings), "--checked-at", "2999-01-01T00:00:00Z").code == 2


@needs_faults
def test_a_threshold_may_be_lower(run: Run, mocklend: Client, loan: dict[str, object], tmp_path: Path) -> None:
    findings = tmp_path / "findings.jsonl"
    mocklend.arm("cache.bounded_stale")
    repay(mocklend, loan)
    guesses = [{"class": "stale_view", "entity": item} for item in (loan["id"], "loan_2")]
    findings.write_text("".join(json.dumps(guess) + "\n" for guess in guesses))

    assert run("score", str(findings)).code == 1
    assert run("score", str(findings), "--precision-min", "0.5").code == 0


@needs_faults
def test_a_line_that_is_no_finding_is_refused_by_its_number(run: Run, tmp_path: Path) -> None:
    findings = tmp_path / "findings.jsonl"
    findings.write_text('{"class": "stale_view", "entity": "a"}\n\n{"class": "stale", "entity": "a"}\n')
    unknown = run("score", str(findings))
    findings.write_text('{"class": "stale_view", "entity": "a"}\nnot json\n')
    unreadable = run("score", str(findings))

    assert (unknown.code, unreadable.code) == (2, 2)
    assert "line 3.class" in unknown.err
    assert "line 2: not JSON" in unreadable.err


def test_the_help_of_score_says_its_exit_codes(run: Run) -> None:
    assert "0 on PASS, 1 on FAIL, 3 on INCONCLUSIVE" in " ".join(run("score", "--help").out.split())


@needs_faults
@pytest.mark.parametrize("name", ["key.jsonl", "key.parquet"])
def test_the_answer_key_is_exported(
    run: Run, mocklend: Client, loan: dict[str, object], tmp_path: Path, name: str
) -> None:
    mocklend.arm("cache.bounded_stale")
    repay(mocklend, loan)

    ran = run("answer-key", "--export", str(tmp_path / name), "--json")

    assert (ran.code, ran.document["entries"]) == (0, 1)
    assert (tmp_path / name).stat().st_size > 100
    assert run("answer-key", "--export", str(tmp_path / "key.csv")).code == 2


def test_a_data_set_is_written_and_says_what_is_in_it(run: Run, tmp_path: Path) -> None:
    ran = run("dataset", str(tmp_path / "season"), "--loans", "3", "--days", "5", "--profile", "none", "--json")

    assert ran.code == 0, ran.err
    assert ran.err == "", "no progress where nobody looks"
    assert ran.document["rows"]["reconciler/loans"] == 3
    assert (tmp_path / "season" / "reconciler" / "journal.csv").exists()


def test_a_data_set_that_cannot_be_made_is_refused_in_words(run: Run, tmp_path: Path) -> None:
    ran = run("dataset", str(tmp_path / "season"), "--loans", "0", "--profile", "none")

    assert ran.code == 2
    assert "--loans is 0, and should be from 1" in ran.err
    assert not list(tmp_path.iterdir())
