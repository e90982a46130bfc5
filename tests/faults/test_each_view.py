"""Each view of a loan: a fault that delays it is found, and the audit names the view."""

from __future__ import annotations

from typing import Any

import pytest

from mocklend.client import Client, Doc
from mocklend.views.reads import FROM_MS

ONE_BEHIND: list[tuple[str, dict[str, Any], str]] = [
    ("cache.bounded_stale", {}, "page"),
    ("cache.lost_invalidation", {}, "page"),
    ("cache.stale_set", {"right_for_s": 1}, "page"),
    ("projection.partial_lag", {"view": "page"}, "page"),
    ("projection.partial_lag", {"view": "list"}, "list"),
    ("projection.partial_lag", {"view": "instalments"}, "instalments"),
    ("read.non_monotonic", {}, "replica"),
]
"""A kind, its settings, and the first of the views that it leaves behind."""


def test_every_view_has_a_fault_that_delays_it() -> None:
    assert {view for _, _, view in ONE_BEHIND} == set(FROM_MS)


@pytest.mark.parametrize(("fault", "settings", "view"), ONE_BEHIND)
def test_the_audit_names_the_view_that_a_fault_delays(
    mocklend_server: str, fault: str, settings: Doc, view: str
) -> None:
    client = Client(mocklend_server).sandbox(seed=7, now="2026-01-05T02:00:00Z")
    ada = client.add_borrower("ada", "Ada")["id"]
    loan = client.borrow(ada, 100_000, product_id="jiebei-like")["id"]
    client.arm(fault, **settings)

    client.settle(client.repay(loan, 9_500, "wallet", type="OVD_AND_CURRENT"))
    client.advance("PT10S")

    [discrepancy] = client.audit()["discrepancies"]
    assert (discrepancy["class"], discrepancy["entity"]) == ("stale_view", loan)
    assert discrepancy["detail"].startswith(f"the {view} shows version 1 (USING), the books are at 2"), discrepancy[
        "detail"
    ]
    assert discrepancy["explained_by"] is not None
