"""scripts/crash: acknowledged requests are compared with the final state, and every loss and duplicate is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import crash
from crash import FinalState, conclude
from crash_checks import (
    carried_over,
    live_receipts,
    lost_and_doubled,
    missing_and_extra,
    not_at_the_channel,
    stuck_callbacks,
)
from crash_clients import Ledger, SentRequest
from judge import FAIL, INCONCLUSIVE, PASS, Evidence

from mocklend.client import Doc

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
RESTARTS = ("2026-01-05T01:10:00.000Z",)


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
    document = conclude(1, *repayment_in_doubt(), Evidence(audit=AUDIT), RESTARTS)

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
        document = conclude(1, ledger, replace(observed, **changed), Evidence(audit=AUDIT), RESTARTS)

        assert (document["verdict"], document[figure]) == (FAIL, 1), changed


def test_a_discrepancy_after_a_restart_fails() -> None:
    loose = {"class": "stale_view", "entity": "loan_ada", "amount_minor": 5, "detail": "", "explained_by": None}
    evidence = Evidence(audit=AUDIT, audits_under_load=[{**AUDIT, "discrepancies": [loose]}])

    document = conclude(1, *repayment_in_doubt(), evidence, RESTARTS)

    assert (document["verdict"], document["unexplained_discrepancies"]) == (FAIL, 1)


def test_kills_that_interrupt_nothing_are_inconclusive() -> None:
    ledger, observed = repayment_in_doubt()
    ledger.requests[1].in_doubt = False

    document = conclude(1, ledger, observed, Evidence(audit=AUDIT), ())

    assert document["verdict"] == INCONCLUSIVE
    assert len(document["reasons"]) == 2


def test_a_refusal_that_nothing_explains_fails() -> None:
    ledger, observed = repayment_in_doubt()
    ledger.unexplained.append("repayment: 500 internal_error")

    assert conclude(1, ledger, observed, Evidence(audit=AUDIT), RESTARTS)["verdict"] == FAIL


def test_the_verdict_is_printed_in_sentences() -> None:
    document = {**conclude(1, *repayment_in_doubt(), Evidence(audit=AUDIT), RESTARTS), "seed": 7, "seconds": 9.5}

    lines = crash.sentences(document)

    assert lines[0] == "1 kills in 9.5 s, seed 7."
    assert lines[-1] == PASS
