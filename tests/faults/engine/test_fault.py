"""A kind of fault: the seams that it has a method for, and what it says of itself."""

from __future__ import annotations

from mocklend_faults.engine.fault import Fault
from mocklend_faults.kinds.cache_bounded_stale import BoundedStale
from support.layer_harness import DROP, LAG, MARK, LayerHarness


def test_a_fault_acts_where_it_has_a_method_and_nowhere_else() -> None:
    assert Fault.seams() == ()
    assert BoundedStale.seams() == ("view.refresh",)


def test_a_kind_describes_itself(floor: LayerHarness) -> None:
    operation = {name: kind.describe() for name, kind in floor.layer.catalogue.items()}

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
