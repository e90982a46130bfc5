"""channel.unrecognised: the reference that names the loan does not arrive."""

from __future__ import annotations

import pytest

from mocklend.seams.payment_reference import PaymentReference
from mocklend_faults.kinds.channel_unrecognised import Unrecognised
from support.events import example


@pytest.mark.parametrize(("garble", "arrives"), [("blank", ""), ("truncated", "loan_ada"), ("name_only", "Ada")])
def test_the_receipt_names_no_loan(garble: str, arrives: str) -> None:
    outcome = Unrecognised(garble=garble).payment_reference(example(PaymentReference))

    assert outcome.reference == arrives
    assert outcome.typed_reference == "loan_ada"


def test_the_answer_key_expects_the_receipt_to_be_found_unidentified() -> None:
    honest = example(PaymentReference, amount_minor=100_045)

    consequence = honest.consequence(Unrecognised().payment_reference(honest))

    assert consequence.finding.finding_class == "unidentified"
    assert (consequence.finding.entity, consequence.finding.amount_minor) == ("rct_ada", 100_045)
