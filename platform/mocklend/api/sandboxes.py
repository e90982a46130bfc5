"""Sandboxes: creating, reading, resetting and deleting them."""

from __future__ import annotations

from functools import cache
from typing import Annotated, TypedDict
from zoneinfo import available_timezones

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool

from mocklend.api.documents import document
from mocklend.api.fields import Duration, LimitMinor, Moment, Seed
from mocklend.api.json_body import asked_request
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.problems import field_problem
from mocklend.api.request_context import (
    current_platform,
    holds_control,
    leaves_truth_out,
    open_snapshot,
    sandbox_id,
    shows_truth,
    truth_hidden,
)
from mocklend.api.responses import answered, rendered
from mocklend.domain.names import did_you_mean
from mocklend.domain.nouns import JsonObject, NextCursor, says
from mocklend.sandboxes.lifecycle import (
    DEFAULT_ZONE,
    LABEL_MAX,
    NET_BY,
    NETTING,
    SHOWN,
    TRUTH,
    ChangeSandbox,
    EmptiedSandbox,
    ListedSandbox,
    MadeSandbox,
    SandboxDoc,
    reset_doc,
    sandbox_doc,
    staff_key,
)
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.sandboxes.uses import NOTED_EVERY_MS
from mocklend.storage.work import Sandbox
from mocklend.validation import Body, Expecting, Means, OneOf, bounded_int, bounded_str
from mocklend.views.reads import Lists, cursor

sandboxes = APIBlueprint("sandboxes", __name__)

NOTHING: JsonObject = {
    "required": False,
    "content": {"application/json": {"schema": {"type": "object", "additionalProperties": False}}},
}
TRUTH_MEANS = (
    "`hidden`: whoever has only the sandbox's key sees neither what really happened nor the faults, and does not move "
    "its clock. `revealed`: as shown, and whoever signed in to the console with the key sees the truth there, too."
)
SPEED_MAX = 86_400
"""The greatest speed of a running clock: a day per second."""


A_ZONE = "a zone of the IANA database, like Asia/Shanghai"
Zone = Annotated[
    str,
    bounded_str(64, pattern=r"[A-Za-z0-9_+\-/]+"),
    Expecting(A_ZONE),
    Means("The zone whose midnight ends a business day, by its name in the IANA database."),
]

NetBy = Annotated[
    str,
    OneOf(NET_BY),
    Means(NETTING),
]


class NewClock(Body):
    """The clock of a new sandbox."""

    mode: Annotated[str, OneOf(("wall", "manual"))] = Field(
        default="wall", description="`wall`: the clock runs; `manual`: it moves only by POST /-/clock/advance."
    )
    now: Moment | None = Field(default=None, description="The time at which it starts; the real time if not given.")
    speed: Annotated[int, bounded_int(1, SPEED_MAX)] | None = Field(
        default=None, description="How many times as fast as real time a `wall` clock runs; 1 if not given."
    )


class Monitoring(Body):
    """The platform's own monitoring and its tolerance. By default every difference raises an alert."""

    enabled: StrictBool = Field(default=True, description="False: no alerts.")
    tolerance_minor: LimitMinor = Field(default=0, description="Differences up to this raise no alert, in minor units.")
    net_by: NetBy = "none"


class NewSandbox(Body):
    """A sandbox to create."""

    seed: Seed = Field(
        description="All ids and random draws of the sandbox follow from it: the same seed and requests give the same "
        "answers."
    )
    clock: NewClock = Field(default_factory=NewClock, description="The sandbox's clock.")
    zone: Zone = DEFAULT_ZONE
    four_eyes_above_minor: LimitMinor | None = Field(
        default=None,
        description="Edits above this amount, in minor units, and all write-offs and refunds need an approver. "
        "Without it, no edit does.",
    )
    monitoring: Monitoring = Field(default_factory=Monitoring, description="The platform's own monitoring.")
    label: Annotated[str, bounded_str(LABEL_MAX)] | None = Field(default=None, description="What people call it.")
    truth: Annotated[str, OneOf(TRUTH)] = Field(default=SHOWN, description=TRUTH_MEANS)


class SandboxChange(Body):
    """What to change of a sandbox."""

    label: Annotated[str, bounded_str(LABEL_MAX, shortest=0)] | None = Field(
        default=None, description="What people call it; empty for none. It stays as it is if not given."
    )
    truth: Annotated[str, OneOf(TRUTH)] | None = Field(
        default=None, description=f"{TRUTH_MEANS} It needs the control token, on loopback too."
    )


class SandboxList(TypedDict):
    """A page of sandboxes, by their ids."""

    sandboxes: Annotated[list[ListedSandbox], says("The sandboxes of this page.")]
    next_cursor: NextCursor | None


class SandboxQuery(Paged):
    """Filters of the list of sandboxes."""

    unused_for: Duration | None = Field(
        default=None, description="Only sandboxes without a request for this duration of real time, like P7D."
    )


class Expiry(Body):
    """Which sandboxes to delete."""

    unused_for: Duration = Field(
        description="Delete the sandboxes without a request for this duration of real time, like P7D; at least PT1M."
    )


class ExpiredSandboxes(TypedDict):
    """The sandboxes that were deleted."""

    deleted: Annotated[list[str], says("The ids of the deleted sandboxes.")]
    more: Annotated[bool, says("Whether there are further sandboxes to delete: repeat the request.")]


@cache
def _zones() -> frozenset[str]:
    """The zones of the IANA database, read once: that reads its whole folder."""
    return frozenset(available_timezones())


@sandboxes.post("/-/sandboxes")
@sandboxes.input(NewSandbox, arg_name="new")
@sandboxes.output(document(MadeSandbox), status_code=201)
@sandboxes.doc(**operation("createSandbox", "too_many_sandboxes", "too_many_clocks"))
@leaves_truth_out
def create_sandbox(new: NewSandbox) -> Response:
    """Create a sandbox."""
    if new.zone not in _zones():
        raise field_problem("zone", A_ZONE + did_you_mean(new.zone, sorted(_zones())), new.zone)
    if new.clock.mode == "manual" and new.clock.speed is not None:
        raise field_problem("clock.speed", "no value: a manual clock does not run", new.clock.speed)
    created = current_platform().create_sandbox(
        seed=new.seed,
        mode=new.clock.mode,
        now_ms=new.clock.now,
        speed=new.clock.speed or 1,
        zone=new.zone,
        four_eyes_above_minor=new.four_eyes_above_minor,
        monitored=new.monitoring.enabled,
        tolerance_minor=new.monitoring.tolerance_minor,
        net_by=new.monitoring.net_by,
        label=new.label,
        truth=new.truth,
    )
    return rendered(MadeSandbox(**_doc(created), api_key=created.api_key), 201)


@sandboxes.get("/-/sandboxes")
@sandboxes.input(SandboxQuery, location="query", arg_name="query")
@sandboxes.output(document(SandboxList))
@sandboxes.doc(**operation("listSandboxes"))
@leaves_truth_out
def list_sandboxes(query: SandboxQuery) -> Response:
    """All sandboxes, without their keys, and when each was last used."""
    sandboxes = current_platform().uses.listed(
        decode_cursor(Lists.SANDBOXES, query.cursor), query.limit + 1, query.unused_for
    )
    page = sandboxes[: query.limit]
    return rendered(
        SandboxList(
            sandboxes=[ListedSandbox(**_doc(sandbox), last_used_at=rfc3339(used_ms)) for sandbox, used_ms in page],
            next_cursor=cursor(Lists.SANDBOXES, page[-1][0].id) if len(sandboxes) > query.limit else None,
        )
    )


@sandboxes.delete("/-/sandboxes")
@sandboxes.input(Expiry, location="query", arg_name="query")
@sandboxes.output(document(ExpiredSandboxes))
@sandboxes.doc(**operation("expireSandboxes", parameters={"unused_for": "P7D"}))
@leaves_truth_out
def expire_sandboxes(query: Expiry) -> Response:
    """Delete the sandboxes that were unused for a duration, with all their data, but not `default`.

    At most 500 per request, the longest unused first. Repeat the request while `more` is true.
    """
    if query.unused_for < NOTED_EVERY_MS:
        raise field_problem("unused_for", "a duration of at least PT1M", f"{query.unused_for / 1000:g} s")
    deleted, more = current_platform().expire_sandboxes(query.unused_for)
    return rendered(ExpiredSandboxes(deleted=deleted, more=more))


@sandboxes.get("/-/sandboxes/<id:id>")
@sandboxes.output(document(SandboxDoc))
@sandboxes.doc(**operation("getSandbox", "sandbox_unknown"))
@leaves_truth_out
def get_sandbox(id: str) -> Response:
    """One sandbox, without its key."""
    with current_platform().read() as connection:
        return rendered(_doc(current_platform().sandbox(connection, id)))


@sandboxes.patch("/-/sandboxes/<id:id>")
@sandboxes.input(SandboxChange, arg_name="change")
@sandboxes.output(document(SandboxDoc))
@sandboxes.doc(**operation("changeSandbox", "sandbox_unknown", "truth_hidden"))
@leaves_truth_out
def change_sandbox(id: str, change: SandboxChange) -> Response:
    """Change a sandbox's label, or whether its key alone shows the truth."""
    if change.truth is not None and not holds_control():
        raise truth_hidden("only the control token says whether the truth is shown")
    return answered(current_platform().run(ChangeSandbox(id, change.label, change.truth, holds_control())))


@sandboxes.delete("/-/sandboxes/<id:id>")
@sandboxes.output({}, status_code=204)
@sandboxes.doc(**operation("deleteSandbox", "sandbox_unknown", "sandbox_default"))
@leaves_truth_out
def delete_sandbox(id: str) -> Response:
    """Delete a sandbox with all its data. `default` cannot be deleted, only reset."""
    current_platform().delete_sandbox(id)
    return Response(status=204)


class StaffKey(TypedDict):
    """A key that opens the sandbox's /v1, /operator, /channels and /bureau, and not its answer key."""

    staff_key: Annotated[
        str, says("A key that opens the sandbox's /v1, /operator, /channels and /bureau, and not its answer key.")
    ]


@sandboxes.get("/-/staff-key")
@sandboxes.output(document(StaffKey))
@sandboxes.doc(**operation("getStaffKey"))
def get_staff_key() -> Response:
    """The sandbox's second key, for students and reconcilers: it opens every plane but the control plane."""
    with open_snapshot() as snapshot:
        return rendered(StaffKey(staff_key=staff_key(snapshot.sandbox.id, snapshot.sandbox.key_hash)))


@sandboxes.post("/-/reset")
@sandboxes.output(document(EmptiedSandbox))
@sandboxes.doc(**operation("resetSandbox", "sandbox_unknown", *BODY_CODES, reads=NOTHING))
def reset_sandbox() -> Response:
    """Reset the sandbox of the key. Its seed stays, so the same requests get the same ids again.

    Key, seed, zone, clock mode, webhook endpoints and monitoring stay. Borrowers, loans, payments, rules, experiments
    and the answer key are deleted. The answer lists both.
    """
    request = asked_request()
    if request.body() and request.get_json() != {}:
        raise field_problem("", "no body, or an empty object", request.get_json())
    sandbox = current_platform().reset_sandbox(sandbox_id())
    return rendered(EmptiedSandbox(**_doc(sandbox), reset=reset_doc(sandbox)))


def _doc(sandbox: Sandbox) -> SandboxDoc:
    now_ms = sandbox.now_ms(current_platform().real_ms())
    return sandbox_doc(sandbox, now_ms, shows_truth=shows_truth(sandbox))
