"""A kind of fault: the seams for which it has a method, and its description."""

from __future__ import annotations

from mocklend_faults.engine.fault import Fault
from mocklend_faults.kinds.cache_bounded_stale import BoundedStale
from support.layer_harness import DROP, LAG, MARK, LayerHarness


def test_a_fault_acts_only_at_seams_for_which_it_has_a_method() -> None:
    assert Fault.seams() == ()
    assert BoundedStale.seams() == ("view.refresh",)


def test_a_kind_describes_itself(harness: LayerHarness) -> None:
    operation = {name: kind.describe() for name, kind in harness.layer.catalogue.items()}

    assert operation[LAG]["settings"] == [
        {
            "name": "lag_s",
            "type": "integer from 1 to 31536000",
            "default": 60,
            "doc": "How long the page lags behind the books, in seconds.",
        }
    ]
    assert operation[MARK]["seams"] == ["operator.edit", "repayment.filed"]
    assert operation[DROP]["settings"][0]["default"] is None
    assert all(entry["story"] and entry["finding"] for entry in operation.values())
