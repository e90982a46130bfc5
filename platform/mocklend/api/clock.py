"""The sandbox's clock: reading it, advancing a manual clock, switching between manual and running."""

from __future__ import annotations

from typing import Annotated

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
from mocklend.sandboxes.lifecycle import ClockDoc, clock_doc
from mocklend.sandboxes.timestamps import LAST_MS, rfc3339
from mocklend.scheduling.driver import AdvancedClock
from mocklend.validation import Body, OneOf, bounded_int

clock = APIBlueprint("clock", __name__)


class Pace(Body):
    """`manual` stops the clock where it is; `wall` lets it run from there, `speed` times as fast as real time."""

    mode: Annotated[str, OneOf(("wall", "manual"))] = Field(
        description="`manual`: the clock stops where it is; `wall`: it runs from there."
    )
    speed: Annotated[int, bounded_int(1, SPEED_MAX)] | None = Field(
        default=None, description="How many times as fast as real time a `wall` clock runs; 1 if not given."
    )


class Advance(Body):
    """Exactly one of a moment (`to`) and a duration (`by`: ISO 8601, or seconds)."""

    to: Moment | None = Field(default=None, description="The moment to which the clock moves; not before now.")
    by: Duration | None = Field(default=None, description="The duration by which the clock moves.")


@clock.get("/-/clock")
@clock.output(document(ClockDoc))
@clock.doc(**operation("getClock"))
def get_clock() -> Response:
    """The sandbox's clock."""
    with open_snapshot() as snapshot:
        return rendered(clock_doc(snapshot.sandbox, snapshot.now_ms))


@clock.put("/-/clock")
@clock.input(Pace, arg_name="pace")
@clock.output(document(ClockDoc))
@clock.doc(**operation("setClock"))
def set_clock(pace: Pace) -> Response:
    """Stop the clock, so that only `POST /-/clock/advance` moves it, or let it run. Its time does not change."""
    if pace.mode == "manual" and pace.speed is not None:
        raise field_problem("speed", "no value: a manual clock does not run", pace.speed)
    with clock_changes(sandbox_id()):
        return answered(current_platform().set_pace(sandbox_id(), 0 if pace.mode == "manual" else pace.speed or 1))


@clock.post("/-/clock/advance")
@clock.input(Advance, arg_name="move")
@clock.output(document(AdvancedClock))
@clock.doc(**operation("advanceClock", "clock_not_manual", "clock_backwards", "clock_reset", *KEY_CODES[1:]))
def advance(move: Advance) -> Response:
    """Advance a manual clock, and run what falls due meanwhile. With an `Idempotency-Key`, retries move it once."""
    if (move.to is None) == (move.by is None):
        raise field_problem("to", "exactly one of to and by", "neither" if move.to is None else "both")
    if move.by is not None and current_platform().now_ms(sandbox_id()) + move.by > LAST_MS:
        raise field_problem("by", f"a duration that ends at {rfc3339(LAST_MS)} or earlier", move.by)
    idem = idempotency() if request.headers.get(HEADER) is not None else None
    advanced = current_platform().advance(sandbox_id(), move.to, by_ms=move.by, idem=idem)
    response = rendered(advanced.to_json())
    if advanced.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response
