"""The thorough reconciler compares row by row: channels with books, books with views, actions with papers.

Each check is one file in `checks/` and uses one kind of evidence. A finding names the smallest thing that is wrong and
the action that would repair it; `repair` carries out those actions over the operator's API. What will repair itself,
such as a page within its bound, is reported with the action `wait` and left alone.
"""

from __future__ import annotations

from mocklend.client import Client
from mocklend.reconcilers.checks import CHECKS
from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found


def reconcile(client: Client) -> list[Found]:
    """Return the breaks that it finds now, each once, sorted by loan."""
    evidence = Evidence(client)
    findings = {(finding.finding_class, finding.entity): finding for check in CHECKS for finding in check(evidence)}
    return sorted(findings.values(), key=lambda finding: (finding.loan_id or "", finding.finding_class, finding.entity))
