"""The sandbox's clock: reading it, and moving a manual one."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import rendered
from mocklend.api.asking import lender, sandbox_id, snapshot
from mocklend.api.fields import Body, Doc, Moment, Span
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.api.sandboxes import ClockDoc
from mocklend.sandboxes.lifecycle import clock_doc
from mocklend.sandboxes.moments import LAST_MS, rfc3339

clock = APIBlueprint("clock", __name__)


class Advance(Body):
    """Exactly one of a moment (`to`) and a duration (`by`: ISO 8601, or seconds)."""

    to: Moment | None = None
    by: Span | None = None


class Released(Doc):
    """Something that fell due on the way."""

    at: str
    kind: str
    id: str
    loan_id: str | None


class AdvancedClock(Doc):
    """The new time, and what ran on the way, in order.

    `released` lists the first 1,000 things; `released_more` says that there were others, and the counts include them.
    """

    now: str
    released: list[Released]
    released_total: int
    released_more: bool
    released_by_kind: dict[str, int]


@clock.get("/-/clock")
@clock.output(ClockDoc)
@clock.doc(**described("getClock"))
def get_clock() -> Response:
    """The sandbox's clock."""
    with snapshot() as (connection, sandbox, now_ms):
        return rendered(clock_doc(lender().sandbox(connection, sandbox), now_ms))


@clock.post("/-/clock/advance")
@clock.input(Advance, arg_name="asked")
@clock.output(AdvancedClock)
@clock.doc(**described("advanceClock", "clock_not_manual", "clock_backwards"))
def advance(asked: Advance) -> Response:
    """Move a manual clock, running all that falls due on the way."""
    if (asked.to is None) == (asked.by is None):
        raise field_problem("to", "exactly one of to and by", "neither" if asked.to is None else "both")
    to_ms = asked.to if asked.to is not None else lender().now_ms(sandbox_id()) + (asked.by or 0)
    if to_ms > LAST_MS:
        raise field_problem("by", f"a time not after {rfc3339(LAST_MS)}", rfc3339(to_ms))
    return rendered(lender().advance(sandbox_id(), to_ms).to_json())
