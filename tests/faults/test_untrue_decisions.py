"""A dispute that is CORRECTED without its correction is found: each correction is left out in turn."""

from __future__ import annotations

from typing import Any

import pytest

from mocklend.servicing.corrections import Corrections
from mocklend.storage.values import CORRECTIONS
from support import disputes, paired_runs

OVERLOOKED = {
    "callback.dropped": ("_lost_payments", "repayment_applied", None),
    "operator.double_entry": ("_second_receipts", "receipt_reversed", "is still on the books as a second receipt"),
    "operator.prepay_as_partial": ("_bookings", "repayment_rebooked", "is still booked as INSTALMENT"),
    "operator.marked_overdue": ("_overrides", "override_reversed", "still says OVERDUE"),
    "batch.skipped": ("_caught_up", "loan_caught_up", "end of day has skipped it and it is not caught up"),
    "amount.rounding_drift": ("_rest_of_a_quote", "rest_written_off", None),
    "cache.bounded_stale": ("_page", "page_rebuilt", "was right, but was not shown by every replica"),
    "cache.evicted_before_flush": ("_page", "page_rebuilt", "is off by"),
}
"""For a kind: the correction that its lie needs, what it is called, and what the audit says where it is not done.

What a payment or a rest is wrong about, the books do not know: there only the claim can be looked at (below).
"""


def untrue(run: paired_runs.StoryRun) -> list[str]:
    """The discrepancies about decisions that are not true."""
    discrepancies = run.client.audit()["discrepancies"]
    return [finding["detail"] for finding in discrepancies if finding["class"] == "untrue_decision"]


def disputed(run: paired_runs.StoryRun, kind: str) -> str:
    """Inject the fault, dispute the loan and decide the dispute; returns the loan."""
    lesson = paired_runs.lesson_of(kind)
    run.client.arm(kind, rule_id="lesson", match=lesson.match, select=lesson.select, **lesson.settings)
    lesson.story(run)
    run.client.halt()
    loan_id = run.loans[0]
    assert disputes.decided(run, loan_id, "settled_but_unpaid")["state"] == "CORRECTED"
    return loan_id


@pytest.mark.parametrize("kind", sorted(OVERLOOKED))
def test_a_correction_that_operations_overlook_is_found(
    kind: str, mocklend_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    does, _, sentence = OVERLOOKED[kind]
    monkeypatch.setattr(Corrections, does, lambda *_: ())
    monkeypatch.setattr(Corrections, "left_to_do", lambda *_: [])
    with paired_runs.story_run(mocklend_server, **paired_runs.lesson_of(kind).sandbox) as run:
        disputed(run, kind)

        assert [sentence is not None and sentence in item for item in untrue(run)] == (
            [] if sentence is None else [True]
        )


@pytest.mark.parametrize("kind", sorted(OVERLOOKED))
def test_a_claimed_correction_that_was_not_made_is_found(
    kind: str, mocklend_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    does, claimed, _ = OVERLOOKED[kind]

    def claims(self: Corrections, *_: Any) -> list[dict[str, Any]]:
        loan = self.loan.id
        ids = {"override_reversed": self.case_file.edits, "receipt_reversed": self.case_file.receipts}
        orders = {"repayment_applied": self.case_file.orders, "repayment_rebooked": self.case_file.orders}
        return [{"what": claimed, "id": ((ids | orders).get(claimed) or (loan + "_rest",))[-1]}]

    monkeypatch.setattr(Corrections, does, claims)
    monkeypatch.setattr(Corrections, "left_to_do", lambda *_: [])
    with paired_runs.story_run(mocklend_server, **paired_runs.lesson_of(kind).sandbox) as run:
        disputed(run, kind)

        assert len(untrue(run)) == 1


def test_the_table_has_every_correction() -> None:
    left_out = {"receipt_applied"}  # Like `repayment_applied`: on the books or not.
    assert {claimed for _, claimed, _ in OVERLOOKED.values()} == set(CORRECTIONS) - left_out


def test_a_page_that_healed_by_itself_does_not_make_the_decision_untrue(mocklend_server: str) -> None:
    """The list of what a page may show keeps older versions for a while: that they are listed shows them to nobody."""
    with paired_runs.story_run(mocklend_server) as run:
        client = run.client
        loan_id = run.loan()
        client.arm("cache.bounded_stale", rule_id="late", lag_s=3_600)
        run.repaid(client.repay(loan_id, 10_000, "wallet", type="OVD_AND_CURRENT"))
        run.repaid(client.repay(loan_id, 10_000, "wallet", type="OVD_AND_CURRENT"))
        client.halt()
        client.advance("P1D")

        decided = disputes.decided(run, loan_id, "settled_but_unpaid")

        assert (decided["state"], decided["corrections"]) == ("CORRECTED", [])
        assert untrue(run) == []


def test_an_order_reinstated_after_the_decision_does_not_make_it_untrue(mocklend_server: str) -> None:
    """Reversed when operations checked it, it was booked as nothing."""
    lesson = paired_runs.lesson_of("operator.prepay_as_partial")
    with paired_runs.story_run(mocklend_server, **lesson.sandbox) as run:
        client = run.client
        client.arm("operator.prepay_as_partial", rule_id="lesson", **lesson.settings)
        lesson.story(run)
        client.halt()
        [loan_id], [order] = run.loans, run.repayments
        client.reverse_repayment(order, operator="olga", memo="wrong")
        opened = client.open_dispute(loan_id, "other", evidence=[])["id"]
        client.verify_dispute(opened, operator="wang")
        decided = client.decide_dispute(opened, "UPHELD", correct=True, operator="wang", memo="nothing is wrong")
        assert decided["state"] == "CORRECTED"

        client.reinstate_repayment(order, operator="olga", memo="it was right")

        assert untrue(run) == []
