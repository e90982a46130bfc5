"""A loan's opening balance contains an error of the system from which it was migrated."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.loan_opened import LoanOpened
from mocklend.seams.signals import recorded, reversed_
from mocklend_faults.kinds.migration_legacy_residue import LegacyResidue
from support.events import example
from support.layer_harness import LayerHarness


@pytest.mark.parametrize(("asks_for", "residue"), [("less", -7), ("more", 7)])
def test_the_opening_balance_is_off_by_a_few_cents(asks_for: str, residue: int) -> None:
    assert LegacyResidue(asks_for=asks_for).loan_opened(example(LoanOpened)).residue_minor == residue


def test_two_residues_add_up() -> None:
    opened = LegacyResidue(100).loan_opened(example(LoanOpened))

    assert LegacyResidue(30, asks_for="more").loan_opened(opened).residue_minor == -70


def test_a_loan_of_one_cent_cannot_begin_with_less() -> None:
    smallest = example(LoanOpened, principal_minor=1, amount_minor_min=0)

    assert LegacyResidue().loan_opened(smallest) == smallest


@given(
    residue=st.integers(1, 10**9),
    asks_for=st.sampled_from(["more", "less"]),
    principal=st.integers(1, 10**12),
    room=st.integers(0, 10**9),
)
def test_the_books_accept_every_residue(residue: int, asks_for: str, principal: int, room: int) -> None:
    opened = LoanOpened(
        entity="loan_ada", occurrence=1, now_ms=0, loan_id="loan_ada", borrower_id="brw_ada", reference="ada-1",
        product_id=None, edit_id="edt_ada", currency="CNY", principal_minor=principal, amount_minor_min=1 - principal,
        amount_minor_max=room,
    )  # fmt: skip

    outcome = LegacyResidue(residue, asks_for).loan_opened(opened)

    assert replace(outcome, residue_minor=0) == opened
    assert opened.amount_minor_min <= outcome.residue_minor <= opened.amount_minor_max
    assert abs(outcome.residue_minor) <= residue


def test_the_opening_entry_is_unsupported_until_it_is_reversed(harness: LayerHarness) -> None:
    harness.arm("residue", "migration.legacy_residue")

    harness.meet(example(LoanOpened))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "unsupported", "entity": "edt_migrated", "amount_minor": 7}
    assert (entry.truth_after, entry.served) == ({"outstanding_minor": 100_000}, {"outstanding_minor": 99_993})

    harness.hear(recorded("loan_ada"))
    assert harness.statuses() == ["active"]
    harness.hear(reversed_("edt_migrated"))
    assert harness.statuses() == ["healed"]
