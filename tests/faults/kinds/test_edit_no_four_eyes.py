"""edit.no_four_eyes: an edit above the limit is posted without a second person."""

from __future__ import annotations

import pytest

from mocklend.seams.edit_approval import EditApproval
from mocklend.seams.signals import approved, reversed_
from support.events import example
from support.layer_harness import LayerHarness


@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        (approved("edt_ada"), "a second person has approved it: edt_ada"),
        (reversed_("edt_ada"), "it was reversed: edt_ada"),
    ],
)
def test_the_edit_is_unapproved_until_it_is_approved_or_reversed(
    harness: LayerHarness, signal: str, reason: str
) -> None:
    harness.arm("lax", "edit.no_four_eyes")

    outcome = harness.meet(example(EditApproval, amount_minor=5_000))

    assert not outcome.needed
    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "unapproved", "entity": "edt_ada", "amount_minor": 5_000}

    harness.hear(signal)

    [entry] = harness.key()
    assert (entry.status, entry.to_json()["status_reason"]) == ("healed", reason)


def test_a_rule_may_match_one_kind_of_edit(harness: LayerHarness) -> None:
    harness.arm("lax", "edit.no_four_eyes", match={"kind": {"equal_to": "WRITE_OFF"}})

    assert harness.meet(example(EditApproval)).needed
    assert not harness.meet(example(EditApproval, kind="WRITE_OFF", occurrence=2)).needed
