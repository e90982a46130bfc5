"""scripts/crash: acknowledged requests are compared with the final state, and every loss and duplicate is found."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import crash
import crash_final
import pytest
from crash import Course, conclude
from crash_checks import (
    carried_over,
    live_receipts,
    lost_and_doubled,
    missing_and_extra,
    not_at_the_channel,
    stuck_callbacks,
)
from crash_clients import CrashClient, Ledger, SentRequest, ServerAddress
from crash_final import FinalState
from crash_targets import POSTGRESQL, PROCESS, TwoProcesses
from judge import FAIL, INCONCLUSIVE, PASS, Evidence

from mocklend.client import Doc

ROOT = Path(__file__).resolve().parents[2]
ANSWER = {"id": "rpy_ada", "loan_id": "loan_ada", "amount_minor": 1_000, "out_trade_no": "MLADA"}
ROW = {
    **ANSWER,
    "status": "S",
    "created_at": "2026-01-05T01:00:00.000Z",
    "applied_at": "2026-01-05T01:30:00.000Z",
}
RECEIPT = {"kind": "receipt", "ref": "rpy_ada", "postings": [{"amount_minor": 1_000}]}
UNDONE = {**RECEIPT, "kind": "receipt_reversal"}
TRADE = {"out_trade_no": "MLADA", "state": "SUCCESS", "amount_minor": 1_000}
NOW = "2026-01-05T02:00:00.000Z"


def judged(rows: list[Doc], journal: list[Doc], answers: Sequence[Doc] = (ANSWER,)) -> tuple[int, int]:
    """How many are lost and how many doubled."""
    lost, doubled = lost_and_doubled(answers, {"loan_ada": rows}, {"loan_ada": journal})
    return len(lost), len(doubled)


def test_a_repayment_that_is_there_once_is_neither_lost_nor_doubled() -> None:
    assert judged([ROW], [RECEIPT]) == (0, 0)


def test_a_repayment_posted_again_after_a_replay_is_there_once() -> None:
    assert judged([ROW], [RECEIPT, UNDONE, RECEIPT]) == (0, 0)
    assert live_receipts([RECEIPT, UNDONE, RECEIPT]) == {"rpy_ada": [1_000]}


def test_a_lost_repayment_is_found() -> None:
    assert judged([], []) == (1, 0)
    assert judged([{**ROW, "status": "PROCESSING"}], []) == (1, 0)
    assert judged([{**ROW, "amount_minor": 999}], [RECEIPT]) == (1, 0)
    assert judged([ROW], []) == (1, 0)
    assert judged([ROW], [RECEIPT, UNDONE]) == (1, 0)
    assert judged([ROW], [{**RECEIPT, "postings": [{"amount_minor": 999}]}]) == (1, 0)


def test_a_doubled_repayment_is_found() -> None:
    assert judged([ROW], [RECEIPT, RECEIPT]) == (0, 1)
    assert judged([ROW, ROW], [RECEIPT]) == (0, 1)
    assert judged([ROW, {**ROW, "id": "rpy_again"}], [RECEIPT]) == (0, 1)
    assert judged([ROW], [RECEIPT], (ANSWER, ANSWER)) == (0, 1)


def test_lost_and_doubled_loans_and_edits_are_found() -> None:
    loan = {"id": "loan_ada"}

    assert missing_and_extra("loan", [loan], ["loan_ada"]) == ([], [])
    assert missing_and_extra("loan", [loan], []) == (["loan loan_ada: not there"], [])
    assert missing_and_extra("loan", [loan], ["loan_ada", "loan_ada"])[1] == ["loan loan_ada: more than once"]
    assert missing_and_extra("loan", [loan, loan], ["loan_ada"])[1] == ["loan loan_ada: more than once"]
    assert missing_and_extra("loan", [], ["loan_eve"])[1] == ["loan loan_eve: not acknowledged"]


def test_money_that_the_channel_never_got_or_got_twice_is_found() -> None:
    assert not_at_the_channel([ANSWER], [TRADE]) == []
    assert len(not_at_the_channel([ANSWER], [])) == 1
    assert len(not_at_the_channel([ANSWER], [{**TRADE, "state": "CREATED"}])) == 1
    assert len(not_at_the_channel([ANSWER], [TRADE, TRADE])) == 1


def test_a_stuck_callback_is_found() -> None:
    done = {"id": "cb_1", "state": "ACKED", "next_attempt_at": None}
    given_up = {"id": "cb_2", "state": "EXHAUSTED", "next_attempt_at": None}
    waiting = {"id": "cb_3", "state": "RETRY", "next_attempt_at": "2026-01-05T02:00:00.001Z"}
    forgotten = {"id": "cb_4", "state": "QUEUED", "next_attempt_at": "2026-01-05T01:59:00.000Z"}

    stuck = stuck_callbacks([done, given_up, waiting, forgotten, {**waiting, "next_attempt_at": None}], NOW)

    assert [item.split(":")[0] for item in stuck] == ["cb_4", "cb_3"]


class Attempting:
    """A client of a platform that attempts a due callback only after it was asked a few times."""

    def __init__(self, attempted_after: int) -> None:
        self.due_for = attempted_after

    def callback(self, *_: str) -> Doc:
        self.due_for -= 1
        return {"id": "cb_1", "state": "ACKED" if self.due_for < 0 else "RETRY", "next_attempt_at": NOW}


@pytest.mark.parametrize(("attempted_after", "state"), [(0, "ACKED"), (3, "ACKED"), (100, "RETRY")])
def test_a_callback_is_stuck_only_if_it_stays_due(
    monkeypatch: pytest.MonkeyPatch, attempted_after: int, state: str
) -> None:
    real_s = iter(range(1_000))
    time = SimpleNamespace(monotonic=lambda: next(real_s), sleep=lambda _: None)
    monkeypatch.setattr(crash_final, "time", time)

    callback = crash_final._callback(Attempting(attempted_after), {"channel": "wallet", "out_trade_no": "ML1"}, NOW)  # type: ignore[arg-type]

    assert callback["state"] == state


def test_money_on_its_way_at_a_restart_is_counted_once() -> None:
    before, after = "2026-01-05T01:10:00.000Z", "2026-01-05T01:45:00.000Z"

    assert carried_over([ROW], [before, before, after]) == 1
    assert carried_over([ROW], [after]) == 0
    assert carried_over([{**ROW, "applied_at": None}], [before]) == 0


AUDIT = {
    "discrepancies": [],
    "unobserved": [],
    "in_transit": [],
    "invariants": [{"name": "B1", "holds": True, "states": "", "detail": []}],
}
COURSE = Course(1, restarts=["2026-01-05T01:10:00.000Z"])


def repayment_in_doubt() -> tuple[Ledger, FinalState]:
    """A client's log of one repayment that was in doubt, and the final state of a platform that has it."""
    loan, edit = (
        SentRequest("loan", "k1", "/", {}, {"id": "loan_ada"}),
        SentRequest("edit", "k3", "/", {}, {"id": "edt_ada"}),
    )
    push = SentRequest("payment", "k4", "/", {}, {"channel": "bill_pay", "out_trade_no": "PYADA"})
    ledger = Ledger(
        [loan, SentRequest("repayment", "k2", "/", {}, dict(ANSWER), in_doubt=True, had_happened=True), edit, push]
    )
    observed = FinalState(
        listed={"loan_ada": [ROW]},
        journal={"loan_ada": [RECEIPT]},
        loans=["loan_ada"],
        edits=["edt_ada"],
        callbacks=[{"id": "cb_ada", "state": "ACKED", "next_attempt_at": None}],
        trades=[TRADE],
        now=NOW,
        receipts=["PYADA"],
    )
    return ledger, observed


def test_a_crash_after_which_everything_is_there_once_passes() -> None:
    document = conclude(COURSE, *repayment_in_doubt(), Evidence(audit=AUDIT))

    assert (document["verdict"], document["reasons"]) == (PASS, [])
    assert (document["acknowledged"], document["lost"], document["doubled"]) == (1, 0, 0)
    assert (document["in_doubt"], document["in_doubt_had_happened"], document["carried_over"]) == (1, 1, 1)


def test_each_loss_after_a_crash_fails() -> None:
    planted: list[tuple[dict[str, Any], str]] = [
        ({"listed": {"loan_ada": []}}, "lost"),
        ({"journal": {"loan_ada": [RECEIPT, RECEIPT]}}, "doubled"),
        ({"loans": []}, "lost"),
        ({"edits": ["edt_ada", "edt_ada"]}, "doubled"),
        ({"trades": []}, "lost"),
        ({"receipts": []}, "lost"),
        ({"receipts": ["PYADA", "PYADA"]}, "doubled"),
        ({"callbacks": [{"id": "cb_ada", "state": "QUEUED", "next_attempt_at": None}]}, "callbacks_stuck"),
        ({"undelivered": ["loan.disbursed of loan_ada"]}, "webhooks_undelivered"),
    ]
    for changed, figure in planted:
        ledger, observed = repayment_in_doubt()
        document = conclude(COURSE, ledger, replace(observed, **changed), Evidence(audit=AUDIT))

        assert (document["verdict"], document[figure]) == (FAIL, 1), changed


def test_a_discrepancy_after_a_restart_fails() -> None:
    loose = {"class": "stale_view", "entity": "loan_ada", "amount_minor": 5, "detail": "", "explained_by": None}
    evidence = Evidence(audit=AUDIT, audits_under_load=[{**AUDIT, "discrepancies": [loose]}])

    document = conclude(COURSE, *repayment_in_doubt(), evidence)

    assert (document["verdict"], document["unexplained_discrepancies"]) == (FAIL, 1)


def test_kills_that_interrupt_nothing_are_inconclusive() -> None:
    ledger, observed = repayment_in_doubt()
    ledger.requests[1].in_doubt = False

    document = conclude(Course(1), ledger, observed, Evidence(audit=AUDIT))

    assert document["verdict"] == INCONCLUSIVE
    assert len(document["reasons"]) == 2


def test_a_refusal_that_nothing_explains_fails() -> None:
    ledger, observed = repayment_in_doubt()
    ledger.unexplained.append("repayment: 500 internal_error")

    assert conclude(COURSE, ledger, observed, Evidence(audit=AUDIT))["verdict"] == FAIL


def test_the_verdict_is_printed_in_sentences() -> None:
    document = {**conclude(COURSE, *repayment_in_doubt(), Evidence(audit=AUDIT)), "seed": 7, "seconds": 9.5}

    lines = crash.sentences(document)

    assert lines[0] == "1 kills in 9.5 s, seed 7."
    assert lines[-1] == PASS


# --- on PostgreSQL ---

ON_POSTGRESQL = Course(2, 2, 1, ["2026-01-05T01:10:00.000Z"], [0.3])


def test_the_kills_of_postgresql_are_told_apart_from_those_of_a_process() -> None:
    ledger, observed = repayment_in_doubt()
    ledger.requests[1].unavailable = True

    document = conclude(ON_POSTGRESQL, ledger, observed, Evidence(audit=AUDIT))
    lines = crash.sentences({**document, "seed": 7, "seconds": 9.5})

    assert document["verdict"] == PASS
    assert lines[0] == "2 kills of one of 2 processes and 1 of PostgreSQL in 9.5 s, seed 7."
    assert (
        "1 requests were answered 503 while PostgreSQL was away, 1 of them had been carried out; "
        "it was used again within 0.3 s." in lines
    )


def test_a_kill_of_postgresql_that_nobody_notices_is_inconclusive() -> None:
    document = conclude(ON_POSTGRESQL, *repayment_in_doubt(), Evidence(audit=AUDIT))

    assert document["reasons"] == ["no request was answered 503 while PostgreSQL was away"]


def test_the_kills_come_in_an_order_of_the_seed() -> None:
    target = TwoProcesses.__new__(TwoProcesses)
    target._kills, target._server_kills = 30, 10

    planned = target.kills(random.Random(7))

    assert (planned.count(PROCESS), planned.count(POSTGRESQL)) == (30, 10)
    assert planned == target.kills(random.Random(7))
    assert planned != target.kills(random.Random(8))


def test_a_killed_process_that_has_its_connections_for_a_moment_more_is_not_its_own_replacement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second, third = (SimpleNamespace(pid=pid, kill=lambda: None) for pid in (1, 2, 3))
    target = TwoProcesses.__new__(TwoProcesses)
    target._places = [first, second]
    target._server = SimpleNamespace(gone=lambda: None)  # type: ignore[assignment]
    serving = iter([[first, second], [second, third]])
    monkeypatch.setattr(target, "_serving", lambda: next(serving))

    target._strike_process(0, SimpleNamespace(slow=lambda: None))  # type: ignore[arg-type]

    assert target._places == [third, second]


class Scripted:
    """A session with fixed answers: each a status, a document and headers."""

    def __init__(self, *answers: tuple[int, Doc, Doc]) -> None:
        self.answers = list(answers)

    def post(self, url: str, **_: object) -> Scripted:
        status, self.document, self.headers = self.answers.pop(0)
        self.status_code, self.ok = status, status < 400
        return self

    def json(self) -> Doc:
        return self.document


AWAY: Doc = {"code": "unavailable"}
DONE = (202, {"id": "rpy_ada"}, {"Idempotency-Replayed": "true"})


def sent(address: ServerAddress, *answers: tuple[int, Doc, Doc]) -> tuple[SentRequest, list[str]]:
    """A request of a client that gets these answers, and what nothing explains."""
    ledger = Ledger()
    client = CrashClient(1, 7, "key", address, ledger, ["wallet"])
    client.session = Scripted(*answers)  # type: ignore[assignment]
    address.open("http://127.0.0.1:1")
    return client._send("repayment", "/", {}), ledger.unexplained


def test_a_503_while_the_database_is_away_is_repeated_until_it_is_answered() -> None:
    address = ServerAddress()
    with address.outage():
        request, unexplained = sent(address, (503, AWAY, {"Retry-After": "1"}), DONE)

    assert (request.answer, unexplained) == ({"id": "rpy_ada"}, [])
    assert (request.unavailable, request.had_happened, request.in_doubt) == (True, True, False)
    assert address.answers == 1


@pytest.mark.parametrize(("outage", "headers"), [(False, {"Retry-After": "1"}), (True, {})])
def test_a_503_without_an_outage_or_without_retry_after_is_found(outage: bool, headers: Doc) -> None:
    address = ServerAddress()
    if outage:
        with address.outage():
            pass

    request, unexplained = sent(address, (503, AWAY, headers), DONE)

    assert (request.answer, unexplained) == (None, ["repayment: 503 unavailable"])


def run(*options: str) -> tuple[int, Doc]:
    """The command on PostgreSQL, as a user starts it."""
    command = [sys.executable, str(ROOT / "loadtests" / "crash.py"), "--engine", "postgresql", "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.long
def test_no_repayment_is_lost_or_doubled_when_a_process_or_postgresql_is_killed() -> None:
    code, document = run("--kills", "4", "--server-kills", "2")

    assert (document["verdict"], code) == (PASS, 0), document["reasons"]
    assert (document["lost"], document["doubled"]) == (0, 0)
    assert document["acknowledged"] > 10
    assert document["unavailable"] > 0


@pytest.mark.long
def test_commits_that_a_kill_of_postgresql_loses_are_found() -> None:
    code, document = run("--kills", "1", "--server-kills", "2", "--lossy")

    assert (document["verdict"], code) == (FAIL, 1), document["reasons"]
    assert document["lost"] > 0


@pytest.mark.parametrize("option", [("--server-kills", "1"), ("--lossy",)])
def test_options_about_postgresql_are_refused_on_sqlite(option: Sequence[str]) -> None:
    with pytest.raises(SystemExit) as left:
        crash.main(option)

    assert left.value.code == 2
