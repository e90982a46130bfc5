"""The sandbox's clock: reading it, advancing a manual clock, switching between manual and running.

An advance runs beside its request. The request is answered 200 if it ends in time, else 202 with its address.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import MomentOrNext, SpanOfTime
from mocklend.api.idempotency import HEADER, idempotency
from mocklend.api.openapi import KEY_CODES, operation
from mocklend.api.preferences import preferences
from mocklend.api.problems import field_problem
from mocklend.api.request_context import current_platform, leaves_truth_out, open_snapshot, sandbox_id, shows_truth
from mocklend.api.request_log import clock_changes
from mocklend.api.responses import REPLAYED, RETRY_AFTER_S, in_progress, rendered
from mocklend.api.sandboxes import SPEED_MAX
from mocklend.domain.nouns import says
from mocklend.sandboxes import advances
from mocklend.sandboxes.advances import Move
from mocklend.sandboxes.lifecycle import advance_id
from mocklend.sandboxes.timestamps import LAST_MS, rfc3339
from mocklend.scheduling.clock_now import ClockNow, clock_now
from mocklend.scheduling.released import AdvancedClock, AdvanceDoc
from mocklend.validation import Body, OneOf, bounded_int

clock = APIBlueprint("clock", __name__)

ADVANCES = "/-/clock/advances"
NEXT = "next"


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

    to: MomentOrNext | None = Field(
        default=None,
        description="The moment to which the clock moves, not before now; or `next`, when the next thing is due.",
    )
    by: SpanOfTime | None = Field(
        default=None,
        description="The duration by which the clock moves. Months and years are those of the sandbox's time zone: the "
        "same day and time, or the last day of a shorter month. A day is 24 hours.",
    )


class AdvanceList(TypedDict):
    """The last advances of a sandbox."""

    advances: Annotated[list[AdvanceDoc], says("The last 16 advances, newest first.")]


@clock.get("/-/clock")
@clock.output(document(ClockNow))
@clock.doc(**operation("getClock"))
@leaves_truth_out
def get_clock() -> Response:
    """The sandbox's clock, what is due next, and the advance in progress."""
    return _clock()


def _clock() -> Response:
    released = current_platform().clocks.released_so_far(sandbox_id())
    with open_snapshot() as snapshot:
        return rendered(clock_now(snapshot, released, shows_truth=shows_truth(snapshot.sandbox)))


@clock.put("/-/clock")
@clock.input(Pace, arg_name="pace")
@clock.output(document(ClockNow))
@clock.doc(**operation("setClock"))
def set_clock(pace: Pace) -> Response:
    """Stop the clock, so that only `POST /-/clock/advance` moves it, or let it run. Its time does not change."""
    if pace.mode == "manual" and pace.speed is not None:
        raise field_problem("speed", "no value: a manual clock does not run", pace.speed)
    with clock_changes(sandbox_id()):
        current_platform().set_pace(sandbox_id(), 0 if pace.mode == "manual" else pace.speed or 1)
    return _clock()


@clock.post("/-/clock/advance")
@clock.input(Advance, arg_name="move")
@clock.output(document(AdvancedClock))
@clock.doc(
    **operation(
        "advanceClock", "clock_not_manual", "clock_backwards", "clock_reset", "clock_advancing", "nothing_due",
        *KEY_CODES[1:], in_progress="AdvanceDoc",
    )
)  # fmt: skip
def advance(move: Advance) -> Response:
    """Advance a manual clock, and run what falls due meanwhile. With an `Idempotency-Key`, retries move it once.

    If it takes longer than 20 seconds, or than the client prefers to wait, the answer is 202, and `Location` is where
    to watch it. It goes on if the client goes away.
    """
    goes = move_of(move)
    with open_snapshot() as snapshot:
        sandbox, now_ms = snapshot.sandbox, snapshot.now_ms
    if move.by is not None and move.by.after(now_ms, sandbox.zone) > LAST_MS:
        raise field_problem("by", f"a duration that ends at {rfc3339(LAST_MS)} or earlier", move.by)
    idem = idempotency() if request.headers.get(HEADER) is not None else None
    preferred = preferences(request.headers.get("Prefer"))
    runs, within_s = current_platform().clocks.runs, preferred.within_s()
    advanced = runs.advance(sandbox_id(), goes, idem, within_s, shows_truth=shows_truth(sandbox))
    if isinstance(advanced, int):
        response = in_progress(_advance(advance_id(advanced)), f"{ADVANCES}/{advance_id(advanced)}")
    else:
        response = rendered(advanced.to_json())
        if advanced.replayed:
            response.headers[REPLAYED] = "true"
    return preferred.applied(response)


def move_of(move: Advance) -> Move:
    """How far an advance goes. Raises Refused `validation_failed` unless exactly one of `to` and `by` says it."""
    if (move.to is None) == (move.by is None):
        raise field_problem("to", "exactly one of to and by", "neither" if move.to is None else "both")
    """How far an advance goes."""
    if move.by is not None:
        return Move(by_ms=move.by.ms, by_months=move.by.months)
    return Move(to_next=True) if move.to == NEXT else Move(to_ms=int(move.to or 0))


def _advance(id: str) -> AdvanceDoc:
    with open_snapshot() as snapshot:
        return current_platform().clocks.runs.doc(snapshot, advances.by_id(snapshot, id))


@clock.get(ADVANCES)
@clock.output(document(AdvanceList))
@clock.doc(**operation("listAdvances"))
def list_advances() -> Response:
    """The last 16 advances of the sandbox's clock, newest first."""
    with open_snapshot() as snapshot:
        doc = current_platform().clocks.runs.doc
        return rendered(AdvanceList(advances=[doc(snapshot, stored) for stored in advances.newest(snapshot)]))


@clock.get(f"{ADVANCES}/<id:advance_id>")
@clock.output(document(AdvanceDoc))
@clock.doc(**operation("getAdvance", "advance_unknown", parameters={"advance_id": "adv_1"}))
def get_advance(advance_id: str) -> Response:
    """One advance: whether it runs, how far the clock has come, and its result or the problem that ended it."""
    shown = _advance(advance_id)
    response = rendered(shown)
    if shown["state"] == advances.RUNNING:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response
