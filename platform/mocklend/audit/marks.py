"""The mark of an audit: how far it has seen, for an audit that looks only at what has changed since.

audit ─▶ mark ─▶ audit(since=mark): the subjects of later changes, and those whose time has come since
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mocklend.domain.problems import Refused
from mocklend.storage.changes import KEPT, known_since, latest_change
from mocklend.storage.snapshot import Snapshot

MARK_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Mark:
    """An audit has seen the changes up to number `n`, at `now_ms` of the clock, after so many `resets`.

    `even`: the invariants about the whole sandbox held. `loans`: how many there were.
    """

    n: int
    now_ms: int
    resets: int
    even: bool
    loans: int

    def text(self, sandbox_id: str) -> str:
        """The mark as clients have it. It ends with a checksum of the sandbox, to tell a mark of another one."""
        seen = f"{self.n}.{self.now_ms}.{self.resets}.{int(self.even)}.{self.loans}"
        return f"{seen}.{hashlib.blake2b(f'{sandbox_id}.{seen}'.encode(), digest_size=6).hexdigest()}"


def mark_of(snapshot: Snapshot, *, even: bool, loans: int) -> Mark:
    """The mark of an audit in this snapshot."""
    return Mark(latest_change(snapshot), snapshot.now_ms, snapshot.sandbox.resets, even, loans)


def read_mark(text: str, snapshot: Snapshot) -> Mark:
    """The mark that an earlier audit of this sandbox has answered.

    Raises Refused `mark_unknown` if it is of another sandbox, of this one before a reset, or no mark; `mark_too_old` if
    so much has changed since that not all of it is known.
    """
    mark = _parsed(text)
    if mark is None or mark.text(snapshot.sandbox_id) != text:
        raise _unknown("no audit of this sandbox has answered it", text)
    if mark.resets != snapshot.sandbox.resets:
        raise _unknown("the sandbox was reset since", text)
    if mark.n > latest_change(snapshot) or mark.now_ms > snapshot.now_ms:
        raise _unknown("the database is older than the mark", text)
    if mark.n < known_since(snapshot):
        raise Refused("mark_too_old", f"more than {KEPT} changes were made since", received=text)
    return mark


def _parsed(text: str) -> Mark | None:
    try:
        n, now_ms, resets, even, loans, _ = text.split(".")
        return Mark(int(n), int(now_ms), int(resets), even == "1", int(loans))
    except ValueError:
        return None


def _unknown(why: str, received: str) -> Refused:
    return Refused("mark_unknown", why, received=received[:MARK_LENGTH_MAX])
