"""Reconcilers, sandboxes and seasons from the shell."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mocklend.client import Client, Doc
from support.terminal import Run

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


@needs_faults
def test_a_reconciler_finds_a_lost_payment_writes_it_down_and_repairs_it(
    run: Run, mocklend: Client, loan: Doc, tmp_path: Path
) -> None:
    mocklend.arm("callback.dropped")
    repayment = mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
    mocklend.halt()
    file = tmp_path / "findings.jsonl"

    ran = run("reconcile", "--with", "thorough", "--repair", "--out", str(file))

    assert (ran.code, ran.out.splitlines()[0]) == (0, "findings: 1")
    [finding] = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert (finding["class"], finding["entity"]) == ("missing_in_books", repayment["id"])
    assert mocklend.loan(loan["id"])["status"] == "CLEAR"
    assert run("reconcile", "--json").document == {"findings": [], "outcomes": None}


def test_a_reconciler_can_be_a_file(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("def reconcile(client):\n    return []\n", encoding="utf-8")

    assert run("reconcile", "--with", str(mine)).out == "findings: 0\n"
    mine.write_text("def reconcile(client):\r\n    return []\r\n", encoding="utf-8-sig")
    assert run("reconcile", "--with", str(mine)).out == "findings: 0\n"


@pytest.mark.parametrize("which", ["clever", "not-there.py"])
def test_an_unknown_reconciler_is_refused_with_the_known_ones(run: Run, which: str) -> None:
    ran = run("reconcile", "--with", which)

    assert ran.code == 2
    assert "naive, thorough" in ran.err


def test_a_sandbox_can_be_made_and_used_from_the_shell(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run("sandbox", "--seed", "9", "--now", "2026-03-01T00:00:00Z")

    assert ran.code == 0
    monkeypatch.setenv("MOCKLEND_API_KEY", ran.out.split("export MOCKLEND_API_KEY=")[1].strip())
    assert run("clock", "show", "--json").document["now"] == "2026-03-01T00:00:00.000Z"


def test_a_sandbox_starts_where_the_fixture_does_and_says_so(
    run: Run, mocklend: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run("sandbox")
    monkeypatch.setenv("MOCKLEND_API_KEY", ran.out.split("export MOCKLEND_API_KEY=")[1].strip())

    assert "its clock is manual, at 2026-01-05T02:00:00.000Z, as that of the pytest fixture" in ran.out
    assert run("clock", "show", "--json").document == mocklend.clock()


def test_a_running_sandbox_may_be_fast_and_starts_at_real_time_by_default(run: Run) -> None:
    fast = run("sandbox", "--wall", "--speed", "86400", "--now", "2026-01-05T02:00:00Z", "--json").document
    real = run("sandbox", "--wall")
    refused = run("sandbox", "--speed", "2")

    assert (fast["clock"]["mode"], fast["clock"]["speed"]) == ("wall", 86_400)
    assert "runs by itself" in real.out
    assert "2026-01-05T02:00:00" not in real.out
    assert "pytest" not in real.out
    assert (refused.code, "--wall" in refused.err) == (2, True)


def test_a_clock_is_held_and_let_run_from_the_shell(run: Run, mocklend: Client) -> None:
    running = run("clock", "run", "--speed", "60")
    answer = run("clock", "hold")

    assert "wall: runs by itself, speed 60" in running.out
    assert "manual: moves by `clock advance`" in answer.out
    assert mocklend.clock()["mode"] == "manual"


@needs_faults
def test_a_season_prints_what_people_did_and_what_was_injected(run: Run, mocklend: Client, tmp_path: Path) -> None:
    honest = run("live", "--loans", "2", "--days", "3")
    lied = run("live", "--loans", "4", "--days", "40", "--profile", "hostile", "--json")

    assert honest.code == 0
    assert "3 days played, 2026-01-06 to 2026-01-08; the clock says 2026-01-09T04:00:00.000Z" in honest.out
    assert "  2  loans" in honest.out
    assert "live --profile hostile" in honest.out
    document = lied.document
    assert (document["did"]["borrow"], document["now"]) == (4, mocklend.clock()["now"])
    assert document["lies"] == len(mocklend.answer_key()["entries"]) > 0
    assert document["rules_that_fired"] > 1
    assert mocklend.profile()["name"] == "hostile"


def test_a_season_without_loans_or_days_is_refused_in_words(run: Run) -> None:
    ran = run("live", "--loans", "0")

    assert (ran.code, "loans must be a number from 1 to 10000, not 0" in ran.err) == (2, True)


@needs_faults
def test_an_empty_answer_key_and_an_empty_score_suggest_the_next_command(
    run: Run, mocklend: Client, tmp_path: Path
) -> None:
    findings = tmp_path / "findings.jsonl"
    findings.write_text("")
    mocklend.arm("callback.dropped")

    results = [
        run("answer-key"),
        run("score", str(findings)),
        run("answer-key", "--export", str(tmp_path / "key.jsonl")),
    ]

    for ran in results:
        assert "hint: No request has met a rule yet: 1 rule armed." in ran.out
        assert "mocklend live`" in ran.out
    assert run("answer-key", "--json").document["hint"].startswith("No request has met a rule yet")


def test_sandboxes_are_listed_and_old_ones_deleted_from_the_shell(run: Run, mocklend: Client) -> None:
    listed = run("sandboxes", "list")
    assert listed.out.splitlines()[0] == f"sandboxes: {len(run('sandboxes', 'list', '--json').document['sandboxes'])}"
    assert f"  {mocklend.sandbox_id}  last used " in listed.out
    assert mocklend.api_key is not None
    assert mocklend.api_key not in listed.out

    assert run("sandboxes", "list", "--unused-for", "P1D").out == "sandboxes: 0\n"
    assert run("sandboxes", "expire", "--unused-for", "P1D", "--json").document == {"deleted": []}
    assert run("sandboxes", "expire", "--unused-for", "P1D").out == "deleted: 0\n"
    refused = run("sandboxes", "expire", "--unused-for", "PT1S")
    assert (refused.code, "at least PT1M" in refused.err) == (2, True)
    assert run("sandboxes", "expire").code == 2
