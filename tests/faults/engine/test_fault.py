"""A kind of fault: the seams for which it has a method, and its description."""

from __future__ import annotations

from mocklend_faults.engine.fault import Fault
from mocklend_faults.kinds.cache_bounded_stale import BoundedStale


def test_a_fault_acts_only_at_seams_for_which_it_has_a_method() -> None:
    assert Fault.seams() == ()
    assert BoundedStale.seams() == ("view.refresh",)
