"""An operator marks a bill as overdue that is not."""

from __future__ import annotations

import pytest

from mocklend.seams.operator_edit import OperatorEdit
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.seam import Seam
from mocklend.seams.signals import recorded, reversed_
from mocklend_faults.kinds.operator_marked_overdue import MarkedOverdue
from support.events import example, example_mark
from support.layer_harness import LayerHarness


@pytest.mark.parametrize("books", ["USING", "CLEAR"])
def test_the_operator_overrides_the_status_of_a_loan_that_was_just_paid(books: str) -> None:
    assert MarkedOverdue().repayment_filed(example(RepaymentFiled, books_status=books)).override_status == "OVERDUE"


def test_a_loan_that_is_overdue_by_the_books_is_no_injection() -> None:
    filed, mark = example(RepaymentFiled, books_status="OVD"), example_mark(books_status="OVD", status="OVERDUE")

    assert MarkedOverdue().repayment_filed(filed) == filed
    assert MarkedOverdue().operator_edit(mark) == mark


def test_a_status_edit_sets_the_wrong_status() -> None:
    assert MarkedOverdue().operator_edit(example_mark(status="VALID")).status == "OVERDUE"


def test_an_edit_of_an_amount_is_unchanged() -> None:
    assert MarkedOverdue().operator_edit(example(OperatorEdit)) == example(OperatorEdit)


@pytest.mark.parametrize(("event", "edit_id"), [(example(RepaymentFiled), "edt_desk"), (example_mark(), "edt_ada")])
def test_the_status_override_contradicts_the_books_until_it_is_reversed(
    harness: LayerHarness, event: Seam, edit_id: str
) -> None:
    harness.arm("mark", "operator.marked_overdue")

    harness.meet(event)

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "status_mismatch", "entity": "loan_ada", "amount_minor": 0}
    assert entry.served["status"] == "OVERDUE"

    harness.hear(reversed_(edit_id), recorded("loan_ada"))

    assert harness.statuses() == ["healed"]


def test_a_newer_fact_outdates_the_status_override(harness: LayerHarness) -> None:
    harness.arm("mark", "operator.marked_overdue")
    harness.meet(example(RepaymentFiled))

    harness.hear(recorded("loan_ada"))

    assert harness.statuses() == ["superseded"]
