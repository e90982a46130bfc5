"""Another lender decides by an old copy."""

from __future__ import annotations

from mocklend.seams.partner_application import PartnerApplication
from mocklend.seams.signals import applied_for
from mocklend_faults.kinds.lender_cached_refusal import CachedRefusal
from support.events import example
from support.layer_harness import LayerHarness


def test_the_lender_uses_its_old_copy() -> None:
    assert not CachedRefusal().partner_application(example(PartnerApplication)).pulled


def test_the_next_application_supersedes_it(harness: LayerHarness) -> None:
    harness.arm("old", "lender.cached_refusal")
    harness.meet(example(PartnerApplication))
    assert harness.statuses() == ["active"]

    harness.hear(applied_for("swift-card.brw_ada"))

    assert harness.statuses() == ["superseded"]
