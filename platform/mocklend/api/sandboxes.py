"""Sandboxes: making, looking at, emptying and deleting one."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import available_timezones

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool

from mocklend.api.answers import rendered
from mocklend.api.asking import lender, sandbox_id, snapshot
from mocklend.api.fields import Body, Choice, Doc, LimitMinor, Moment, Seed, Span, Text, Whole
from mocklend.api.lists import Paged, cursor_of, place
from mocklend.api.openapi import BODY_CODES, described
from mocklend.api.problems import field_problem
from mocklend.api.reading import asked_request
from mocklend.domain.names import did_you_mean
from mocklend.sandboxes.lifecycle import DEFAULT_ZONE, NET_BY, reset_doc, sandbox_doc, staff_key
from mocklend.sandboxes.moments import rfc3339
from mocklend.sandboxes.uses import NOTED_EVERY_MS
from mocklend.storage.work import Sandbox

sandboxes = APIBlueprint("sandboxes", __name__)

NOTHING: dict[str, Any] = {
    "required": False,
    "content": {"application/json": {"schema": {"type": "object", "additionalProperties": False}}},
}
SPEED_MAX = 86_400
"""A day a second."""


A_ZONE = "a zone of the IANA database, like Asia/Shanghai"
Zone = Annotated[str, Text(64, pattern=r"[A-Za-z0-9_+\-/]+", called=A_ZONE)]

NetBy = Annotated[str, Choice(NET_BY)]


class NewClock(Body):
    """A clock that runs (`wall`, perhaps from another moment and faster) or that only moves when told (`manual`)."""

    mode: Annotated[str, Choice(("wall", "manual"))] = "wall"
    now: Moment | None = None
    speed: Annotated[int, Whole(1, SPEED_MAX)] | None = None


class Monitoring(Body):
    """The platform's own monitoring, and how wide its tolerance is. Strict by default: every row, to the minor unit."""

    enabled: StrictBool = True
    tolerance_minor: LimitMinor = 0
    net_by: NetBy = "none"


class NewSandbox(Body):
    """A world of its own. Where `four_eyes_above_minor` is given, staff need a second person for larger amounts, and
    for every write-off and refund."""

    seed: Seed
    clock: NewClock = Field(default_factory=NewClock)
    zone: Zone = DEFAULT_ZONE
    four_eyes_above_minor: LimitMinor | None = None
    monitoring: Monitoring = Field(default_factory=Monitoring)


class ClockDoc(Doc):
    """A clock."""

    mode: Annotated[str, Choice(("wall", "manual"))]
    now: str
    moving_to: str | None
    speed: int | None
    zone: str


class MonitoringDoc(Doc):
    """How a sandbox is monitored."""

    enabled: bool
    tolerance_minor: int
    net_by: NetBy


class SandboxDoc(Doc):
    """A sandbox."""

    id: str
    seed: int
    zone: str
    clock: ClockDoc
    four_eyes_above_minor: int | None
    monitoring: MonitoringDoc


class MadeSandbox(SandboxDoc):
    """A new sandbox and its key, which is shown only here."""

    api_key: str


class ListedSandbox(SandboxDoc):
    """A sandbox, and when a request was last made in it: in real time, to the minute."""

    last_used_at: str


class SandboxList(Doc):
    """A page of sandboxes, by their ids."""

    sandboxes: list[ListedSandbox]
    next_cursor: str | None


class SandboxQuery(Paged):
    """Which sandboxes: with `unused_for`, those in which nobody has asked anything for so long, like P7D."""

    unused_for: Span | None = None


class Expiry(Body):
    """How long nobody has asked anything in the sandboxes that are to go, like P7D: at least a minute."""

    unused_for: Span


class ExpiredSandboxes(Doc):
    """The sandboxes that are gone, and whether others are left that nobody has used for as long."""

    deleted: list[str]
    more: bool


class ResetDoc(Doc):
    """What stays when a sandbox is emptied, what is gone, and where its clock is then."""

    kept: list[str]
    emptied: list[str]
    clock: Annotated[str, Choice(("back_at_its_start", "runs_on"))]


class EmptiedSandbox(SandboxDoc):
    """A sandbox that was emptied."""

    reset: ResetDoc


@sandboxes.post("/-/sandboxes")
@sandboxes.input(NewSandbox, arg_name="new")
@sandboxes.output(MadeSandbox, status_code=201)
@sandboxes.doc(**described("createSandbox", "too_many_sandboxes", "too_many_clocks"))
def create_sandbox(new: NewSandbox) -> Response:
    """Make a sandbox."""
    if new.zone not in available_timezones():
        raise field_problem("zone", A_ZONE + did_you_mean(new.zone, sorted(available_timezones())), new.zone)
    if new.clock.mode == "manual" and new.clock.speed is not None:
        raise field_problem("clock.speed", "no value: a manual clock does not run", new.clock.speed)
    made = lender().create_sandbox(
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
    return rendered({**_doc(made), "api_key": made.api_key}, 201)


@sandboxes.get("/-/sandboxes")
@sandboxes.input(SandboxQuery, location="query", arg_name="query")
@sandboxes.output(SandboxList)
@sandboxes.doc(**described("listSandboxes"))
def list_sandboxes(query: SandboxQuery) -> Response:
    """All sandboxes, without their keys, and when each was last used."""
    found = lender().sandboxes(place(query.cursor), query.limit + 1, query.unused_for)
    page = found[: query.limit]
    return rendered(
        {
            "sandboxes": [{**_doc(one), "last_used_at": rfc3339(used_ms)} for one, used_ms in page],
            "next_cursor": cursor_of(page[-1][0].id) if len(found) > query.limit else None,
        }
    )


@sandboxes.delete("/-/sandboxes")
@sandboxes.input(Expiry, location="query", arg_name="query")
@sandboxes.output(ExpiredSandboxes)
@sandboxes.doc(**described("expireSandboxes", parameters={"unused_for": "P7D"}))
def expire_sandboxes(query: Expiry) -> Response:
    """Delete the sandboxes that nobody has used for so long, and everything in them; `default` stays.

    At most 500 at a time, those first that were used longest ago: ask again while there are `more`.
    """
    if query.unused_for < NOTED_EVERY_MS:
        raise field_problem("unused_for", "a duration of at least PT1M", f"{query.unused_for / 1000:g} s")
    deleted, more = lender().expire_sandboxes(query.unused_for)
    return rendered({"deleted": deleted, "more": more})


@sandboxes.get("/-/sandboxes/<id:id>")
@sandboxes.output(SandboxDoc)
@sandboxes.doc(**described("getSandbox", "sandbox_unknown"))
def get_sandbox(id: str) -> Response:
    """One sandbox, without its key."""
    with lender().read() as connection:
        return rendered(_doc(lender().sandbox(connection, id)))


@sandboxes.delete("/-/sandboxes/<id:id>")
@sandboxes.output({}, status_code=204)
@sandboxes.doc(**described("deleteSandbox", "sandbox_unknown", "sandbox_default"))
def delete_sandbox(id: str) -> Response:
    """Delete a sandbox and everything in it. `default` stays: it can only be emptied."""
    lender().delete_sandbox(id)
    return Response(status=204)


class StaffKey(Doc):
    """A key that opens the sandbox's /v1, /operator, /channels and /bureau, and not its answer key."""

    staff_key: str


@sandboxes.get("/-/staff-key")
@sandboxes.output(StaffKey)
@sandboxes.doc(**described("getStaffKey"))
def get_staff_key() -> Response:
    """The sandbox's second key, for students and for reconcilers: it opens all but the control plane."""
    with snapshot() as (connection, id, _):
        return rendered({"staff_key": staff_key(lender().sandbox(connection, id))})


@sandboxes.post("/-/reset")
@sandboxes.output(EmptiedSandbox)
@sandboxes.doc(**described("resetSandbox", "sandbox_unknown", *BODY_CODES, reads=NOTHING))
def reset_sandbox() -> Response:
    """Empty the sandbox of the key. The same seed again, so the same story has the same ids.

    The key, seed, zone, clock mode, webhook endpoints and how it is monitored stay; rules, experiments, the answer key
    and all that was borrowed and paid go. The answer lists both.
    """
    request = asked_request()
    if request.body() and request.get_json() != {}:
        raise field_problem("", "no body, or an empty object", request.get_json())
    emptied = lender().reset_sandbox(sandbox_id())
    return rendered({**_doc(emptied), "reset": reset_doc(emptied)})


def _doc(sandbox: Sandbox) -> dict[str, Any]:
    return sandbox_doc(sandbox, sandbox.now_ms(lender().real_ms()))
