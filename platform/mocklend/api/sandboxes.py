"""Sandboxes: making, looking at, emptying and deleting one."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict
from zoneinfo import available_timezones

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool

from mocklend.api.documents import document
from mocklend.api.fields import Duration, LimitMinor, Moment, Seed
from mocklend.api.json_body import asked_request
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.pagination import Paged, cursor_of, place
from mocklend.api.problems import field_problem
from mocklend.api.request_context import current_platform, open_snapshot, sandbox_id
from mocklend.api.responses import rendered
from mocklend.domain.names import did_you_mean
from mocklend.domain.nouns import NextCursor, says
from mocklend.sandboxes.lifecycle import (
    DEFAULT_ZONE,
    NET_BY,
    NETTING,
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

sandboxes = APIBlueprint("sandboxes", __name__)

NOTHING: dict[str, Any] = {
    "required": False,
    "content": {"application/json": {"schema": {"type": "object", "additionalProperties": False}}},
}
SPEED_MAX = 86_400
"""A day a second."""


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
    """A clock that runs (`wall`, perhaps from another moment and faster) or that only moves when told (`manual`)."""

    mode: Annotated[str, OneOf(("wall", "manual"))] = Field(
        default="wall", description="`wall`: the clock runs; `manual`: it moves only when told."
    )
    now: Moment | None = Field(default=None, description="Where it starts; now, in real time, if not given.")
    speed: Annotated[int, bounded_int(1, SPEED_MAX)] | None = Field(
        default=None, description="How many times as fast as real time a `wall` clock runs; 1 if not given."
    )


class Monitoring(Body):
    """The platform's own monitoring, and how wide its tolerance is. Strict by default: every row, to the minor unit."""

    enabled: StrictBool = Field(default=True, description="False: no alerts at all.")
    tolerance_minor: LimitMinor = Field(default=0, description="Differences up to this are not told, in minor units.")
    net_by: NetBy = "none"


class NewSandbox(Body):
    """A world of its own. Where `four_eyes_above_minor` is given, staff need a second person for larger amounts, and
    for every write-off and refund."""

    seed: Seed = Field(
        description="All chance of the sandbox comes from this number: the same seed and story give the same answers."
    )
    clock: NewClock = Field(default_factory=NewClock, description="The sandbox's clock.")
    zone: Zone = DEFAULT_ZONE
    four_eyes_above_minor: LimitMinor | None = Field(
        default=None, description="For larger amounts, in minor units, staff need a second person; never if not given."
    )
    monitoring: Monitoring = Field(default_factory=Monitoring, description="The platform's own monitoring.")


class SandboxList(TypedDict):
    """A page of sandboxes, by their ids."""

    sandboxes: Annotated[list[ListedSandbox], says("The sandboxes of this page.")]
    next_cursor: NextCursor | None


class SandboxQuery(Paged):
    """Which sandboxes: with `unused_for`, those in which nobody has asked anything for so long, like P7D."""

    unused_for: Duration | None = Field(
        default=None, description="Only sandboxes in which nobody has asked anything for so long, in real time."
    )


class Expiry(Body):
    """How long nobody has asked anything in the sandboxes that are to go, like P7D: at least a minute."""

    unused_for: Duration = Field(
        description="For how long nobody has asked anything in the sandboxes that are to go, in real time: "
        "at least a minute."
    )


class ExpiredSandboxes(TypedDict):
    """The sandboxes that are gone, and whether others are left that nobody has used for as long."""

    deleted: Annotated[list[str], says("The ids of the sandboxes that are gone.")]
    more: Annotated[bool, says("Whether others are left that nobody has used for as long: ask again.")]


@sandboxes.post("/-/sandboxes")
@sandboxes.input(NewSandbox, arg_name="new")
@sandboxes.output(document(MadeSandbox), status_code=201)
@sandboxes.doc(**operation("createSandbox", "too_many_sandboxes", "too_many_clocks"))
def create_sandbox(new: NewSandbox) -> Response:
    """Make a sandbox."""
    if new.zone not in available_timezones():
        raise field_problem("zone", A_ZONE + did_you_mean(new.zone, sorted(available_timezones())), new.zone)
    if new.clock.mode == "manual" and new.clock.speed is not None:
        raise field_problem("clock.speed", "no value: a manual clock does not run", new.clock.speed)
    made = current_platform().create_sandbox(
        seed=new.seed,
        mode=new.clock.mode,
        now_ms=new.clock.now,
        speed=new.clock.speed or 1,
        zone=new.zone,
        four_eyes_above_minor=new.four_eyes_above_minor,
        monitored=new.monitoring.enabled,
        tolerance_minor=new.monitoring.tolerance_minor,
        net_by=new.monitoring.net_by,
    )
    return rendered(MadeSandbox(**_doc(made), api_key=made.api_key), 201)


@sandboxes.get("/-/sandboxes")
@sandboxes.input(SandboxQuery, location="query", arg_name="query")
@sandboxes.output(document(SandboxList))
@sandboxes.doc(**operation("listSandboxes"))
def list_sandboxes(query: SandboxQuery) -> Response:
    """All sandboxes, without their keys, and when each was last used."""
    found = current_platform().sandboxes(place(query.cursor), query.limit + 1, query.unused_for)
    page = found[: query.limit]
    return rendered(
        SandboxList(
            sandboxes=[ListedSandbox(**_doc(sandbox), last_used_at=rfc3339(used_ms)) for sandbox, used_ms in page],
            next_cursor=cursor_of(page[-1][0].id) if len(found) > query.limit else None,
        )
    )


@sandboxes.delete("/-/sandboxes")
@sandboxes.input(Expiry, location="query", arg_name="query")
@sandboxes.output(document(ExpiredSandboxes))
@sandboxes.doc(**operation("expireSandboxes", parameters={"unused_for": "P7D"}))
def expire_sandboxes(query: Expiry) -> Response:
    """Delete the sandboxes that nobody has used for so long, and everything in them; `default` stays.

    At most 500 at a time, those first that were used longest ago: ask again while there are `more`.
    """
    if query.unused_for < NOTED_EVERY_MS:
        raise field_problem("unused_for", "a duration of at least PT1M", f"{query.unused_for / 1000:g} s")
    deleted, more = current_platform().expire_sandboxes(query.unused_for)
    return rendered(ExpiredSandboxes(deleted=deleted, more=more))


@sandboxes.get("/-/sandboxes/<id:id>")
@sandboxes.output(document(SandboxDoc))
@sandboxes.doc(**operation("getSandbox", "sandbox_unknown"))
def get_sandbox(id: str) -> Response:
    """One sandbox, without its key."""
    with current_platform().read() as connection:
        return rendered(_doc(current_platform().sandbox(connection, id)))


@sandboxes.delete("/-/sandboxes/<id:id>")
@sandboxes.output({}, status_code=204)
@sandboxes.doc(**operation("deleteSandbox", "sandbox_unknown", "sandbox_default"))
def delete_sandbox(id: str) -> Response:
    """Delete a sandbox and everything in it. `default` stays: it can only be emptied."""
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
    """The sandbox's second key, for students and for reconcilers: it opens all but the control plane."""
    with open_snapshot() as snapshot:
        return rendered(StaffKey(staff_key=staff_key(snapshot.sandbox)))


@sandboxes.post("/-/reset")
@sandboxes.output(document(EmptiedSandbox))
@sandboxes.doc(**operation("resetSandbox", "sandbox_unknown", *BODY_CODES, reads=NOTHING))
def reset_sandbox() -> Response:
    """Empty the sandbox of the key. The same seed again, so the same story has the same ids.

    The key, seed, zone, clock mode, webhook endpoints and how it is monitored stay; rules, experiments, the answer key
    and all that was borrowed and paid go. The answer lists both.
    """
    request = asked_request()
    if request.body() and request.get_json() != {}:
        raise field_problem("", "no body, or an empty object", request.get_json())
    emptied = current_platform().reset_sandbox(sandbox_id())
    return rendered(EmptiedSandbox(**_doc(emptied), reset=reset_doc(emptied)))


def _doc(sandbox: Sandbox) -> SandboxDoc:
    return sandbox_doc(sandbox, sandbox.now_ms(current_platform().real_ms()))
