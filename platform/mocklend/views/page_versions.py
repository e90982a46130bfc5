"""The versions of a status page: which of them it shows, and until when. That long it may be kept in a cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from mocklend.domain.problems import Refused
from mocklend.seams.view_refresh import NEVER_MS
from mocklend.storage.quick import QuickReader
from mocklend.storage.snapshot import Snapshot
from mocklend.views.reads import REPLICA, loan_in_view
from mocklend.views.replica_rotation import ReplicaRotation

_PAGES_WITH_CLOCK = """SELECT CAST(v.doc AS BLOB), v.visible_ms, v.back_ms, v.again_ms, v.replica_ms,
           sandboxes.sandbox_ms, sandboxes.real_ms, sandboxes.speed
    FROM sandboxes JOIN loan_views v ON v.sandbox_id = sandboxes.id AND v.loan_id = :loan_id
    WHERE sandboxes.id = :sandbox_id ORDER BY v.version DESC"""
"""The clock and all versions of the status page in one statement; nearly always there is one version."""


def pages_of_many(asked: str) -> str:
    """A statement for the status pages that `asked` names, a query of rows (sandbox_id, loan_id, n).

    Each row of the result is `n`, what is known of the sandbox (`Known`), and a `VersionAndClock`, whose first columns
    are NULL where there is no such loan. The newest versions of a page come first. For PostgreSQL.
    """
    return f"""WITH asked (sandbox_id, loan_id, n) AS ({asked})
        SELECT asked.n, sandboxes.id, sandboxes.key_hash, sandboxes.seed, sandboxes.rules_version, sandboxes.resets,
            v.doc, v.visible_ms, v.back_ms, v.again_ms, v.replica_ms,
            sandboxes.sandbox_ms, sandboxes.real_ms, sandboxes.speed
        FROM asked JOIN sandboxes ON sandboxes.id = asked.sandbox_id
        LEFT JOIN loan_views v ON v.sandbox_id = asked.sandbox_id AND v.loan_id = asked.loan_id
        ORDER BY asked.n, v.version DESC"""


class VersionAndClock(NamedTuple):
    """A version of a status page, its stored JSON in UTF-8, and the clock of its sandbox. Times in ms."""

    body: bytes
    visible_ms: int
    back_ms: int
    again_ms: int
    replica_ms: int
    sandbox_ms: int
    clock_ms: int
    speed: int


class PageForNow(NamedTuple):
    """A status page's stored JSON, and the real time (ms) until which it is shown; None: until something is written."""

    body: bytes
    until_ms: int | None
    stale: bool = False  # whether it shows an older version than the newest


def page_for_now(reader: QuickReader, sandbox_id: str, real_ms: int, loan_id: str) -> PageForNow | None:
    """The status page at a real time; None where there is none or its replicas differ. For SQLite."""
    versions = reader.rows(VersionAndClock, _PAGES_WITH_CLOCK, {"sandbox_id": sandbox_id, "loan_id": loan_id})
    return page_among(versions, real_ms) if versions else None


def page_among(versions: Sequence[VersionAndClock], real_ms: int) -> PageForNow | None:
    """The status page at a real time, of all its versions, newest first; None where its replicas differ."""
    clock = versions[0]
    now_ms = clock.sandbox_ms + max(0, real_ms - clock.clock_ms) * clock.speed
    shown, until_ms = _shown_until(versions, now_ms)
    if shown is None or now_ms < shown.replica_ms:
        return None
    if until_ms == NEVER_MS or clock.speed == 0:
        return PageForNow(shown.body, None, shown is not versions[0])
    return PageForNow(
        shown.body, clock.clock_ms + -(-(until_ms - clock.sandbox_ms) // clock.speed), shown is not versions[0]
    )


class PageSpan(NamedTuple):
    """A status page's stored JSON, its version, and from when until when it is shown if nothing is written (ms)."""

    doc: str
    version: int
    from_ms: int
    until_ms: int
    stale: bool  # whether there was a newer version when this was read


class PageRead(NamedTuple):
    """A status page's stored JSON, whether there is a newer version, and how long it is shown, where that is known."""

    doc: str
    stale: bool
    span: PageSpan | None


_PAGES = """SELECT v.doc, v.version, v.visible_ms, v.back_ms, v.again_ms, v.replica_ms FROM loan_views v
    WHERE v.sandbox_id = :sandbox_id AND v.loan_id = :loan_id ORDER BY v.version DESC"""


class _Version(NamedTuple):
    doc: str
    version: int
    visible_ms: int
    back_ms: int
    again_ms: int
    replica_ms: int


V = TypeVar("V", VersionAndClock, _Version)


def _shown_until(versions: Sequence[V], now_ms: int) -> tuple[V | None, int]:
    """Of all versions of a page, newest first: which it shows at a time (sandbox ms), and until when.

    NEVER_MS: until something is written.
    """
    shown, until_ms = None, NEVER_MS
    for each in versions:
        if shown is None and each.visible_ms <= now_ms and (now_ms < each.back_ms or each.again_ms <= now_ms):
            shown = each
        for moment in (each.visible_ms, each.back_ms, each.again_ms):
            if now_ms < moment < until_ms:
                until_ms = moment
    return shown, until_ms


def page_span(snapshot: Snapshot, loan_id: str, replica_rotation: ReplicaRotation) -> PageRead:
    """The status page and how long it is shown; None while its replicas differ, and reads alternate.

    Raises Refused `loan_unknown`.
    """
    versions, now_ms = snapshot.rows(_Version, _PAGES, loan_id=loan_id), snapshot.now_ms
    shown, until_ms = _shown_until(versions, now_ms)
    if shown is None:
        raise Refused("loan_unknown", f"no loan {loan_id}", loan_id=loan_id)
    stale = shown is not versions[0]
    if now_ms < shown.replica_ms:
        if not replica_rotation.second(snapshot.sandbox_id, loan_id):
            return PageRead(shown.doc, stale, None)
        replica = loan_in_view(snapshot, loan_id, REPLICA)
        return PageRead(replica.doc, replica.version < replica.newest, None)
    moments = [moment for version in versions for moment in (version.visible_ms, version.back_ms, version.again_ms)]
    from_ms = max(shown.replica_ms, *(moment for moment in moments if moment <= now_ms))
    return PageRead(shown.doc, stale, PageSpan(shown.doc, shown.version, from_ms, until_ms, stale))
