"""The clock, the audit and the answer key from the shell."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from mocklend.client import Client, Doc
from support.terminal import Run, repay

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


def test_the_clock_moves_by_a_duration_or_to_a_moment(run: Run) -> None:
    assert run("clock", "show").out.startswith("2026-01-05T02:00:00.000Z  manual: moves by `clock advance`")
    assert run("clock", "advance", "PT1H").out == "now 2026-01-05T03:00:00.000Z, 0 released\n"
    assert run("clock", "advance", "2026-01-06T00:00:00Z", "--json").document["now"] == "2026-01-06T00:00:00.000Z"


def test_advancing_prints_what_fell_due(run: Run, mocklend: Client, loan: Doc) -> None:
    mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet")

    ran = run("clock", "advance", "PT2S")

    assert "2 released" in ran.out
    assert "settlement" in ran.out
    assert "callback" in ran.out


def test_the_clock_goes_to_the_next_event_and_by_a_month(run: Run, mocklend: Client, loan: Doc) -> None:
    mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet")

    assert "next: settlement at 2026-01-05T02:00:02.000Z" in run("clock", "show").out
    assert run("clock", "advance", "next").out.startswith("now 2026-01-05T02:00:02.000Z, 2 released")
    assert run("clock", "advance", "P1M", "--json").document["now"] == "2026-02-05T02:00:02.000Z"


def test_moving_a_clock_back_prints_the_platforms_refusal(run: Run) -> None:
    ran = run("clock", "advance", "2025-01-01T00:00:00Z")

    assert ran.code == 2
    assert ran.err.startswith("A clock only moves forward.\n")
    assert "  Advance to a time that is not before now.\n" in ran.err


def test_a_refusal_is_the_problem_document_where_json_was_asked_for(run: Run) -> None:
    ran = run("clock", "advance", "2025-01-01T00:00:00Z", "--json")

    assert (ran.code, ran.document["code"], ran.document["status"]) == (2, "clock_backwards", 422)


def test_honest_books_are_clean(run: Run, mocklend: Client, loan: dict[str, object]) -> None:
    repay(mocklend, loan)

    ran = run("audit")

    assert ran.code == 0
    assert "clean" in ran.out.splitlines()[0]
    assert run("audit", "--json").document["clean"] is True


def test_an_audit_continues_from_the_mark_that_the_one_before_has_printed(
    run: Run, mocklend: Client, loan: Doc
) -> None:
    mark = run("audit").out.splitlines()[-1].removeprefix("mark: ")
    mocklend.borrow(loan["borrower_id"], 100_000, product_id="jiebei-like")

    ran = run("audit", "--since", mark)

    assert ran.code == 0
    assert "loans looked at: 1 of 2" in ran.out
    assert run("audit", "--since", "not-a-mark").code == 2


@needs_faults
def test_a_discrepancy_that_the_answer_key_explains_does_not_fail_the_audit(
    run: Run, mocklend: Client, loan: dict[str, object]
) -> None:
    mocklend.arm("cache.bounded_stale", lag_s=60)
    repay(mocklend, loan)

    ran = run("audit")

    assert ran.code == 0
    assert "discrepancies: 1, unexplained: 0" in ran.out
    assert "stale_view on loan_" in ran.out


def test_an_unexplained_discrepancy_fails_the_audit(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    money = {"amount_minor": 1, "currency": "JPY"}
    stray = {"class": "stale_view", "entity": "loan_1", "loan_id": "loan_1", "detail": "behind", **money}
    discrepancies = {
        "now": "2026-01-05T02:00:00.000Z", "clean": False, "discrepancies": [stray | {"explained_by": None}],
        "in_transit": [], "unobserved": [], "invariants": [], "mark": "1.0.0.1.x",
    }  # fmt: skip
    monkeypatch.setattr(Client, "audit", lambda self, since: discrepancies)

    ran = run("audit")

    assert ran.code == 1
    assert "stale_view on loan_1, 1 JPY: behind; UNEXPLAINED" in ran.out
    assert run("audit", "--json").code == 1


@needs_faults
def test_the_answer_key_shows_the_truth_and_what_was_served(
    run: Run, mocklend: Client, loan: dict[str, object]
) -> None:
    mocklend.arm("cache.bounded_stale", lag_s=60)
    repay(mocklend, loan)

    ran = run("answer-key", "--status", "active", "--loan", loan["id"])

    assert ran.code == 0
    assert f"cache.bounded_stale on {loan['id']}: active" in ran.out
    assert '"status": "CLEAR"' in ran.out
    assert '"status": "USING"' in ran.out
    assert run("answer-key", "--status", "healed", "--json").document == {"entries": [], "hint": None}


@needs_faults
def test_the_events_of_a_request_are_explained(run: Run, mocklend: Client, loan: Doc) -> None:
    mocklend.arm("transport.abort", match={"loan_id": "loan_1"})
    mocklend.loan(loan["id"])
    [body] = [
        request["id"]
        for request in mocklend.requests_made()["requests"]
        if request["path"] == f"/v1/loans/{loan['id']}"
    ]

    ran = run("faults", "explain", body)

    assert ran.code == 0
    assert "not_matched: loan_id is" in ran.out
    assert "api.answer" in ran.out
