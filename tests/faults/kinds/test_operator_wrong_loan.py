"""operator.wrong_loan: the right money on the wrong one of a borrower's loans."""

from __future__ import annotations

import pytest

from mocklend.seams.receipt_match import ReceiptMatch
from mocklend.seams.signals import applied, taken_back
from mocklend_faults.kinds.operator_wrong_loan import WrongLoan
from support.events import example
from support.layer_harness import LayerHarness


@pytest.mark.parametrize(("line", "chosen"), [("first", "loan_bicycle"), ("last", "loan_piano")])
def test_the_operator_takes_another_loan_of_the_borrower(line: str, chosen: str) -> None:
    outcome = WrongLoan(line=line).receipt_match(example(ReceiptMatch, siblings=("loan_bicycle", "loan_piano")))

    assert outcome.loan_id == chosen


def test_with_one_loan_there_is_no_other_to_take() -> None:
    honest = example(ReceiptMatch, siblings=())

    assert WrongLoan().receipt_match(honest) == honest


@pytest.mark.parametrize(
    ("signal", "status", "reason"),
    [
        (applied("rct_ada"), "healed", "the receipt is on the books: rct_ada"),
        (taken_back("rct_ada"), "superseded", "its channel has returned the payment: rct_ada"),
    ],
)
def test_it_is_misapplied_until_it_is_moved_or_reversed(
    harness: LayerHarness, signal: str, status: str, reason: str
) -> None:
    harness.arm("line", "operator.wrong_loan")

    harness.meet(example(ReceiptMatch, amount_minor=20_000))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "misapplied", "entity": "rct_ada", "amount_minor": 20_000}
    assert (entry.loan_id, entry.truth_after, entry.served) == (
        "loan_ada",
        {"loan_id": "loan_ada"},
        {"loan_id": "loan_piano"},
    )

    harness.hear(signal)

    [entry] = harness.key()
    assert (entry.status, entry.to_json()["status_reason"]) == (status, reason)
