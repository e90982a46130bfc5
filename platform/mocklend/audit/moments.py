"""The loans whose findings may change without a write, because the clock has passed a moment.

A page becomes visible or is replaced by an older one, a report is published or is late, a quote lapses, an answer to a
dispute is due. Whatever else an audit finds follows from what is stored. Each query has an index on its moment.
"""

from __future__ import annotations

from mocklend.domain.bureau import LAG_MS
from mocklend.seams.view_refresh import NEVER_MS
from mocklend.storage.entities import CORRECTED_ONCE, LATE, PAYOFF
from mocklend.storage.snapshot import Snapshot

DAY_MS = 86_400_000

_MOMENTS = ("visible_ms", "list_ms", "instalments_ms", "replica_ms", "back_ms", "again_ms")
# Versions that wait have a due time; one that is replaced for good by an older one has none, but an index of its own.
_PAGES = f"""SELECT loan_id FROM loan_views WHERE sandbox_id = :sandbox_id AND due_ms IS NOT NULL
      AND ({" OR ".join(f"({moment} > :from_ms AND {moment} <= :until_ms)" for moment in _MOMENTS)})
    UNION SELECT loan_id FROM loan_views WHERE sandbox_id = :sandbox_id AND back_ms < {NEVER_MS}
      AND back_ms > :from_ms AND back_ms <= :until_ms"""
# A report that is published within the lag is never late. An ordered correction is missed once the lag after the next
# midnight is over.
_REPORTS = f"""SELECT loan_id FROM bureau_records
    WHERE sandbox_id = :sandbox_id AND published_ms > :from_ms AND published_ms <= :until_ms
    UNION SELECT loan_id FROM bureau_records
    WHERE sandbox_id = :sandbox_id AND {LATE} AND cut_ms > :late_from_ms AND cut_ms <= :late_until_ms
    UNION SELECT id FROM bureau_accounts
    WHERE sandbox_id = :sandbox_id AND {CORRECTED_ONCE}
      AND ordered_ms > :missed_from_ms AND ordered_ms <= :late_until_ms"""
_QUOTES = f"""SELECT loan_id FROM quotes WHERE sandbox_id = :sandbox_id AND {PAYOFF}
    AND valid_until_ms >= :from_ms AND valid_until_ms < :until_ms"""
_DISPUTES = """SELECT loan_id FROM disputes
    WHERE sandbox_id = :sandbox_id AND answer_by_ms > :from_ms AND answer_by_ms <= :until_ms
    UNION SELECT loan_id FROM disputes
    WHERE sandbox_id = :sandbox_id AND taken_up_ms > :from_ms AND taken_up_ms <= :until_ms"""


def loans_whose_time_came(snapshot: Snapshot, from_ms: int) -> set[str]:
    """The loans with a moment after `from_ms` and not after now, at which a finding may appear or disappear."""
    until_ms = snapshot.now_ms
    if until_ms == from_ms:
        return set()
    since = {"from_ms": from_ms, "until_ms": until_ms}
    return {
        *snapshot.ids(_PAGES, **since),
        *snapshot.ids(
            _REPORTS,
            late_from_ms=from_ms - LAG_MS,
            late_until_ms=until_ms - LAG_MS,
            missed_from_ms=from_ms - LAG_MS - 2 * DAY_MS,
            **since,
        ),
        *snapshot.ids(_QUOTES, **since),
        *snapshot.ids(_DISPUTES, **since),
    }
