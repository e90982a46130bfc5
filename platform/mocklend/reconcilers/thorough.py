"""The thorough reconciler: three ways, row by row. Channels against books, books against views, acts against papers.

Each check is one file in `checks/` and knows one kind of evidence. A finding names the smallest thing that is wrong and
the act that would put it right; `repair` carries those acts out over the operator's API. What will be right by itself,
such as a page within its bound, is reported with the action `wait` and left alone.
"""

from __future__ import annotations

from mocklend.client import Client
from mocklend.reconcilers.checks import CHECKS
from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found


def reconcile(client: Client) -> list[Found]:
    """What it finds, now: each break once, in the order of loans."""
    evidence = Evidence(client)
    found = {(one.finding_class, one.entity): one for check in CHECKS for one in check(evidence)}
    return sorted(found.values(), key=lambda one: (one.loan_id or "", one.finding_class, one.entity))
