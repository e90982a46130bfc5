"""A sandbox's clock as its clients see it: its time, what is due next, and how far an advance has come."""

from __future__ import annotations

from typing import Annotated, TypedDict

from mocklend.domain.nouns import one_of, says
from mocklend.sandboxes import advances
from mocklend.sandboxes.lifecycle import ClockDoc, clock_doc
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.scheduling.due import EVERY, PUBLICATION, next_due
from mocklend.storage.snapshot import Snapshot

KINDS = (*EVERY, PUBLICATION)
"""The kinds of what is due."""


class NextDueDoc(TypedDict):
    """What is due next."""

    at: Annotated[
        str,
        says("When it is due; not after now if it is due already, and waits for the clock to move. RFC 3339."),
    ]
    kind: Annotated[
        str,
        one_of(
            KINDS,
            "`due_date` a loan's end of day, `bureau` a loan's report, `publication` a report that is published, "
            "`view` a version of a loan that a view shows late.",
        ),
    ]
    loan_id: Annotated[
        str | None, says("The loan that it belongs to; null if it belongs to none, or to many, as a publication does.")
    ]


_From = TypedDict("_From", {"from": Annotated[str, says("The clock's time from which it counts. RFC 3339.")]})


class AdvancingDoc(_From):
    """An advance in progress."""

    id: Annotated[str, says("The id of the advance: see GET /-/clock/advances/{advance_id}.")]
    to: Annotated[str, says("Its target. RFC 3339.")]
    now: Annotated[str, says("How far the clock has come. RFC 3339.")]
    released: Annotated[
        int | None, says("How many things it has released so far; null if another process runs it, or none does.")
    ]


class ClockNow(ClockDoc):
    """A clock, what is due next, and the advance in progress."""

    next: Annotated[
        NextDueDoc | None,
        says(
            "What is due next; null if nothing is. What a fault may have delayed is left out for those who may not see "
            "the truth."
        ),
    ]
    advancing: Annotated[
        AdvancingDoc | None, says("The newest advance, while the clock has not arrived; null where there is none.")
    ]


def clock_now(snapshot: Snapshot, released: int | None = None, *, shows_truth: bool = True) -> ClockNow:
    """A sandbox's clock. `released` is what `ClockDriver.released_so_far` says of the sandbox."""
    sandbox, now_ms = snapshot.sandbox, snapshot.now_ms
    clock = clock_doc(sandbox, now_ms)
    coming = next_due(snapshot, shows_truth=shows_truth)
    advance = advances.find(snapshot, sandbox.advances) if clock["moving_to"] is not None else None
    return {
        **clock,
        "next": None
        if coming is None
        else {"at": rfc3339(coming.due_ms), "kind": coming.what, "loan_id": coming.loan_id or None},
        "advancing": None
        if advance is None
        else {
            "id": advance.id,
            "from": rfc3339(advance.began_ms),
            "to": rfc3339(advance.to_ms),
            "now": clock["now"],
            "released": released,
        },
    }
