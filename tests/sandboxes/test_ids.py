"""Ids repeat: they depend on the seed and the client's own request, and not on the order of requests."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mocklend.sandboxes.ids import callback_of, make_id, out_trade_no, repayment_of

WORDS = st.text(st.characters(blacklist_characters="\x1f", blacklist_categories=["Cs"]), max_size=40)


def test_an_id_is_its_prefix_and_a_hundred_bits() -> None:
    assert re.fullmatch(r"loan_[a-z2-7]{20}", make_id("loan", 7, "first"))
    assert make_id("loan", 7, "first") == "loan_woff242g22m35waeqohe"  # What clients have noted down stays true.


@given(
    seed=st.integers(), words=st.lists(WORDS, max_size=3), others=st.lists(WORDS, max_size=3), other_seed=st.integers()
)
def test_equal_parts_give_equal_ids_and_other_parts_other_ids(
    seed: int, words: list[str], others: list[str], other_seed: int
) -> None:
    assert make_id("loan", seed, *words) == make_id("loan", seed, *words)
    alike = make_id("loan", seed, *words) == make_id("loan", other_seed, *others)
    assert alike == ((seed, words) == (other_seed, others))
    assert make_id("loan", seed, *words) != make_id("rpy", seed, *words)


@given(seed=st.integers(), words=WORDS)
def test_the_repayment_id_follows_from_the_order_number(seed: int, words: str) -> None:
    repayment_id = make_id("rpy", seed, words)

    assert repayment_of(out_trade_no(repayment_id)) == repayment_id
    assert re.fullmatch(r"ML[A-Z2-7]{20}", out_trade_no(repayment_id))
    assert callback_of(repayment_id).removeprefix("cb_") == repayment_id.removeprefix("rpy_")
