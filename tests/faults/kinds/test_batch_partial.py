"""The end-of-day batch stops half way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.batch_item import BatchItem
from mocklend_faults.kinds.batch_partial import BatchPartial
from support.events import example, example_debit


@given(share=st.integers(0, 99), place=st.integers(0, 99))
def test_a_loan_after_the_set_share_of_the_batch_is_left_out(share: int, place: int) -> None:
    item = example(BatchItem, batch_position_percent=place)

    assert BatchPartial(share_done_percent=share).batch_item(item).runs == (1 if place < share else 0)


def test_debits_are_another_job() -> None:
    debit = example_debit(batch_position_percent=99)

    assert BatchPartial(share_done_percent=0).batch_item(debit) is debit
