"""What an advance of a clock released, and how an advance is shown while it runs and afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypedDict

from mocklend.domain.nouns import JsonObject, one_of, says
from mocklend.domain.problems import Refused
from mocklend.sandboxes.advances import DONE, RUNNING, StoredAdvance
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.scheduling.due import Due

RELEASED_MAX = 1_000
"""How many released things an advance lists; it counts the rest: a year of many loans has millions."""
INTERRUPTED = "interrupted"


class Released(TypedDict):
    """Something that fell due while the clock moved."""

    at: Annotated[str, says("When it fell due. RFC 3339, on the sandbox's clock.")]
    kind: Annotated[str, says("The kind of what fell due.")]
    id: Annotated[str, says("The id of what fell due.")]
    loan_id: Annotated[str | None, says("The loan that it belongs to; empty or null if it belongs to none.")]


class AdvancedClock(TypedDict):
    """The new time, and what fell due while the clock moved, in order.

    `released` lists the first 1,000 items; the counts include all of them.
    """

    now: Annotated[str, says("The clock's time. RFC 3339.")]
    released: Annotated[list[Released], says("The first 1,000 items that fell due, in order.")]
    released_total: Annotated[int, says("How many items fell due.")]
    released_more: Annotated[bool, says("Whether more items fell due than are listed.")]
    released_by_kind: Annotated[dict[str, int], says("How many of each kind fell due.")]


@dataclass(slots=True)
class Advanced:
    """What an advance released: the first things one by one, and the number of all of them by kind."""

    now_ms: int
    released: list[Released] = field(default_factory=list)
    by_kind: dict[str, int] = field(default_factory=dict)
    replayed: bool = False

    @property
    def total(self) -> int:
        """The number of things that fell due on the way."""
        return sum(self.by_kind.values())

    def count(self, items: Sequence[Due]) -> None:
        """Add things that were run, in this order."""
        self.released += [_released(item) for item in items[: RELEASED_MAX - len(self.released)]]
        for item in items:
            self.by_kind[item.what] = self.by_kind.get(item.what, 0) + 1

    def count_webhooks(self, items: Sequence[Due]) -> None:
        """Add webhooks that were sent meanwhile, sorted in by their due times."""
        if items:
            sent = [_released(item) for item in sorted(items, key=lambda item: (item.due_ms, item.id))]
            self.released = sorted([*self.released, *sent], key=lambda entry: entry["at"])[:RELEASED_MAX]
            self.by_kind["webhook"] = len(items)

    def store(self) -> str:
        """Return its text in the database."""
        return json.dumps(self.to_json())

    @classmethod
    def stored(cls, advance: StoredAdvance) -> Advanced:
        """The result of an advance that is done."""
        document: AdvancedClock = json.loads(advance.outcome or "{}")
        return cls(advance.to_ms, document["released"], document["released_by_kind"], replayed=True)

    def to_json(self) -> AdvancedClock:
        """Return the answer of the control API."""
        return {
            "now": rfc3339(self.now_ms),
            "released": self.released,
            "released_total": self.total,
            "released_more": self.total > len(self.released),
            "released_by_kind": dict(sorted(self.by_kind.items())),
        }


def _released(item: Due) -> Released:
    return {"at": rfc3339(item.due_ms), "kind": item.what, "id": item.id, "loan_id": item.loan_id}


class AdvanceDoc(TypedDict):
    """An advance of a manual clock. It is kept until 16 more were started, also over a restart of the server."""

    id: Annotated[str, says("The id of the advance.")]
    state: Annotated[
        str,
        one_of(
            (RUNNING, DONE, "failed", INTERRUPTED),
            "`running`; `done`, with its `result`; `failed` or `interrupted`, with the `problem` that ended it. "
            "`interrupted`: its process has ended. Then the next advance goes to its target first.",
        ),
    ]
    began_at: Annotated[str, says("The clock's time from which it counts. RFC 3339.")]
    to: Annotated[str, says("Its target. RFC 3339.")]
    now: Annotated[str, says("How far the clock has come, at most its target. RFC 3339.")]
    result: Annotated[AdvancedClock | None, says("What an answer 200 would have been, once it is done; null before.")]
    problem: Annotated[
        JsonObject | None, says("The problem that ended it, as problem+json would have said it; null if none has.")
    ]


def advance_doc(advance: StoredAdvance, now_ms: int, *, is_run: bool) -> AdvanceDoc:
    """An advance as JSON, at a time of its clock. `is_run`: whether a process runs it."""
    state = INTERRUPTED if advance.state == RUNNING and not is_run else advance.state
    reached_ms = advance.to_ms if state == DONE else max(min(now_ms, advance.to_ms), advance.began_ms)
    outcome = None if advance.outcome is None else json.loads(advance.outcome)
    if state == INTERRUPTED:
        detail = f"the process that moved the clock has ended, and the clock is at {rfc3339(now_ms)}"
        outcome = Refused("advance_interrupted", detail).to_json()
    return {
        "id": advance.id,
        "state": state,
        "began_at": rfc3339(advance.began_ms),
        "to": rfc3339(advance.to_ms),
        "now": rfc3339(reached_ms),
        "result": outcome if state == DONE else None,
        "problem": None if state in (RUNNING, DONE) else outcome,
    }
