"""channel.unrecognised: the reference that names the loan does not arrive."""

from __future__ import annotations

import pytest

from mocklend_faults.kinds.channel_unrecognised import Unrecognised
from support.events import Events


@pytest.mark.parametrize(("garble", "arrives"), [("blank", ""), ("truncated", "loan_ada"), ("name_only", "Ada")])
def test_what_arrives_names_no_loan(events: Events, garble: str, arrives: str) -> None:
    happened = Unrecognised(garble=garble).payment_reference(events.typed())

    assert happened.reference == arrives
    assert happened.typed_reference == "loan_ada"


def test_the_answer_key_expects_the_receipt_to_be_found_unidentified(events: Events) -> None:
    honest = events.typed(amount_minor=100_045)

    consequence = honest.consequence(Unrecognised().payment_reference(honest))

    assert consequence.finding.finding_class == "unidentified"
    assert (consequence.finding.entity, consequence.finding.amount_minor) == ("rct_ada", 100_045)
