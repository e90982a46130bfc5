"""The sandbox's clock: reading it, moving a manual one, holding one and letting it run."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Duration, Moment
from mocklend.api.idempotency import HEADER, idempotency
from mocklend.api.openapi import KEY_CODES, operation
from mocklend.api.problems import field_problem
from mocklend.api.request_context import current_platform, open_snapshot, sandbox_id
from mocklend.api.request_log import clock_changes
from mocklend.api.responses import answered, rendered
from mocklend.api.sandboxes import SPEED_MAX
from mocklend.domain.nouns import says
from mocklend.sandboxes.lifecycle import ClockDoc, clock_doc
from mocklend.sandboxes.timestamps import LAST_MS, rfc3339
from mocklend.validation import Body, OneOf, bounded_int

clock = APIBlueprint("clock", __name__)


class Pace(Body):
    """`manual` holds the clock where it is; `wall` lets it run on from there, `speed` times as fast as real time."""

    mode: Annotated[str, OneOf(("wall", "manual"))] = Field(
        description="`manual`: the clock stands; `wall`: it runs on from where it is."
    )
    speed: Annotated[int, bounded_int(1, SPEED_MAX)] | None = Field(
        default=None, description="How many times as fast as real time a `wall` clock runs; 1 if not given."
    )


class Advance(Body):
    """Exactly one of a moment (`to`) and a duration (`by`: ISO 8601, or seconds)."""

    to: Moment | None = Field(default=None, description="Where to move the clock. Not before now.")
    by: Duration | None = Field(default=None, description="By how much to move the clock.")


class Released(TypedDict):
    """Something that fell due on the way."""

    at: Annotated[str, says("When it fell due. RFC 3339, on the sandbox's clock.")]
    kind: Annotated[str, says("What kind of thing fell due.")]
    id: Annotated[str, says("What fell due, by its id.")]
    loan_id: Annotated[str | None, says("The loan that it is about; empty or null where it is about none.")]


class AdvancedClock(TypedDict):
    """The new time, and what ran on the way, in order.

    `released` lists the first 1,000 things; `released_more` says that there were others, and the counts include them.
    """

    now: Annotated[str, says("Where the clock is. RFC 3339.")]
    released: Annotated[list[Released], says("The first 1,000 things that fell due on the way, in order.")]
    released_total: Annotated[int, says("How many things fell due.")]
    released_more: Annotated[bool, says("Whether there were more than are listed.")]
    released_by_kind: Annotated[dict[str, int], says("How many of each kind fell due.")]


@clock.get("/-/clock")
@clock.output(document(ClockDoc))
@clock.doc(**operation("getClock"))
def get_clock() -> Response:
    """The sandbox's clock."""
    with open_snapshot() as snapshot:
        return rendered(clock_doc(snapshot.sandbox, snapshot.now_ms))


@clock.put("/-/clock")
@clock.input(Pace, arg_name="asked")
@clock.output(document(ClockDoc))
@clock.doc(**operation("setClock"))
def set_clock(asked: Pace) -> Response:
    """Hold the clock, so that it moves only when told, or let it run on. It never jumps, and never goes back."""
    if asked.mode == "manual" and asked.speed is not None:
        raise field_problem("speed", "no value: a manual clock does not run", asked.speed)
    with clock_changes(sandbox_id()):
        return answered(current_platform().set_pace(sandbox_id(), 0 if asked.mode == "manual" else asked.speed or 1))


@clock.post("/-/clock/advance")
@clock.input(Advance, arg_name="asked")
@clock.output(document(AdvancedClock))
@clock.doc(**operation("advanceClock", "clock_not_manual", "clock_backwards", "clock_reset", *KEY_CODES[1:]))
def advance(asked: Advance) -> Response:
    """Move a manual clock, running all that falls due on the way. With an `Idempotency-Key` a retry moves it once."""
    if (asked.to is None) == (asked.by is None):
        raise field_problem("to", "exactly one of to and by", "neither" if asked.to is None else "both")
    if asked.by is not None and current_platform().now_ms(sandbox_id()) + asked.by > LAST_MS:
        raise field_problem("by", f"a time that ends not after {rfc3339(LAST_MS)}", asked.by)
    idem = idempotency() if request.headers.get(HEADER) is not None else None
    advanced = current_platform().advance(sandbox_id(), asked.to, by_ms=asked.by, idem=idem)
    response = rendered(advanced.to_json())
    if advanced.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response
