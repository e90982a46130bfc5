"""Making, resetting and deleting a sandbox. The journal lives and dies with its sandbox: only then may rows go."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypedDict

from msgspec.structs import replace
from sqlalchemy import Connection

from mocklend.config import RUNNING_CLOCKS_MAX, SANDBOXES_MAX
from mocklend.domain.nouns import one_of, says
from mocklend.domain.problems import Refused
from mocklend.sandboxes.timestamps import LAST_MS, maybe_rfc3339, rfc3339
from mocklend.storage.schema import metadata
from mocklend.storage.snapshot import server_rows
from mocklend.storage.statements import flush, run_many
from mocklend.storage.stores import STORES, made
from mocklend.storage.tables import as_json
from mocklend.storage.work import Answer, Idempotency, Key, Sandbox, Work

DEFAULT_ZONE = "Asia/Shanghai"
NET_BY = ("none", "loan", "channel")
"""What differences of money may be set against each other, before monitoring looks whether they are worth telling."""
NETTING = (
    "Which differences are set against each other before the tolerance is applied: `none`, those of a `loan`, or those "
    "of a `channel`."
)
DEFAULT = "default"
"""The sandbox that a call without an API key on loopback is about."""

STAFF = "ms_"
"""How a staff key begins: it opens what a lender's staff and clients use, and not the control plane."""

KEPT = (
    "id", "api_key", "seed", "zone", "clock.mode", "clock.speed", "four_eyes_above_minor", "monitoring",
    "webhook_endpoints",
)  # fmt: skip
"""What of a sandbox stays when it is emptied. Products, channels and lenders are the platform's, and stay anyway."""
EMPTIED = (
    "borrowers", "loans", "repayments", "receipts", "edits", "payouts", "disputes", "certificates", "journal",
    "credit_reports", "statement_files", "callbacks", "webhooks", "idempotency_keys", "rules", "profile", "experiments",
    "answer_key", "requests",
)  # fmt: skip
"""What is gone then."""
NAMES = Sandbox.__struct_fields__
"""The columns of a sandbox, in the order of its fields."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many sandboxes a database may have beside `default`, and how many of their clocks may run by themselves."""

    sandboxes_max: int = SANDBOXES_MAX
    running_clocks_max: int = RUNNING_CLOCKS_MAX

    def refuse_one_more(self, connection: Connection) -> None:
        """Refuse a sandbox where there are as many as there may be."""
        there = _count(connection, "id <> :default")
        if there >= self.sandboxes_max:
            raise Refused("too_many_sandboxes", f"there are {there} already", expected=f"at most {self.sandboxes_max}")

    def refuse_one_more_clock(self, connection: Connection) -> None:
        """Refuse to let a clock run where as many do as may."""
        there = _count(connection, "id <> :default AND speed > 0")
        if there >= self.running_clocks_max:
            raise Refused("too_many_clocks", f"{there} run already", expected=f"at most {self.running_clocks_max}")


def _count(connection: Connection, condition: str) -> int:
    return server_rows(connection, int, f"SELECT COUNT(*) FROM sandboxes WHERE {condition}", default=DEFAULT)[0]


def create(connection: Connection, sandbox: Sandbox) -> None:
    """Put a sandbox's row."""
    flush(connection, [(STORES["sandbox"].insert, STORES["sandbox"].row_of(sandbox))])


def give_key(connection: Connection, sandbox: Sandbox) -> None:
    """Have a sandbox's row say which key opens it now."""
    row = {"id": sandbox.id, "key_hash": sandbox.key_hash, "callback_secrets": as_json(sandbox.callback_secrets)}
    sql = "UPDATE sandboxes SET key_hash = :key_hash, callback_secrets = :callback_secrets WHERE id = :id"
    run_many(connection, sql, [row])


def delete(connection: Connection, sandbox_id: str) -> None:
    """Remove a sandbox and everything in it."""
    run_many(connection, "DELETE FROM sandboxes WHERE id = :sandbox_id", [{"sandbox_id": sandbox_id}])
    for table in reversed(metadata.sorted_tables):
        if "sandbox_id" in table.columns:
            run_many(
                connection, f"DELETE FROM {table.name} WHERE sandbox_id = :sandbox_id", [{"sandbox_id": sandbox_id}]
            )


def reset(connection: Connection, sandbox: Sandbox) -> Sandbox:
    """Empty a sandbox. A manual clock goes back to where it began; a running one runs on. Endpoints stay."""
    delete(connection, sandbox.id)
    start_ms = sandbox.created_ms if sandbox.mode == "manual" else sandbox.sandbox_ms
    emptied = replace(
        sandbox,
        sandbox_ms=start_ms,
        rules_version=sandbox.rules_version + 1,
        target_ms=None,
        resets=sandbox.resets + 1,
    )
    create(connection, emptied)
    return emptied


def staff_key(sandbox: Sandbox) -> str:
    """The sandbox's second key. It follows from the first, and the first cannot be had from it."""
    proof = hmac.new(sandbox.key_hash.encode(), b"staff", hashlib.sha256).hexdigest()
    return f"{STAFF}{sandbox.id}.{proof[:40]}"


def find(connection: Connection, column: str, value: str) -> Sandbox | None:
    """The sandbox with this id or key_hash."""
    assert column in ("id", "key_hash")
    sql = f"SELECT {', '.join(NAMES)} FROM sandboxes WHERE {column} = :value"
    return next(iter(server_rows(connection, partial(made, Sandbox), sql, value=value)), None)


def required(connection: Connection, sandbox_id: str) -> Sandbox:
    """A sandbox as it is in this snapshot. Raises Refused `sandbox_unknown`."""
    found = find(connection, "id", sandbox_id)
    if found is None:
        raise Refused("sandbox_unknown", f"no sandbox {sandbox_id}", sandbox_id=sandbox_id)
    return found


Zone = Annotated[str, says("The zone whose midnight ends a business day, by its name in the IANA database.")]


class ClockDoc(TypedDict):
    """A clock. One that is on its way says how far it goes."""

    mode: Annotated[str, one_of(("wall", "manual"), "`wall`: the clock runs; `manual`: it moves only when told.")]
    now: Annotated[str, says("Where the clock is. RFC 3339.")]
    moving_to: Annotated[str | None, says("Where an advance under way takes the clock; null where none is. RFC 3339.")]
    speed: Annotated[int | None, says("How many times as fast as real time it runs; null for a `manual` clock.")]
    zone: Zone


class MonitoringDoc(TypedDict):
    """How a sandbox is monitored."""

    enabled: Annotated[bool, says("Whether there are alerts.")]
    tolerance_minor: Annotated[int, says("Differences up to this are not told, in minor units.")]
    net_by: Annotated[str, one_of(NET_BY, NETTING)]


class SandboxDoc(TypedDict):
    """A sandbox, without its key."""

    id: Annotated[str, says("The sandbox's id.")]
    seed: Annotated[int, says("All chance of the sandbox comes from this number.")]
    zone: Zone
    clock: Annotated[ClockDoc, says("The sandbox's clock.")]
    four_eyes_above_minor: Annotated[
        int | None, says("For larger amounts, in minor units, staff need a second person; null: never.")
    ]
    monitoring: Annotated[MonitoringDoc, says("The platform's own monitoring.")]


class ResetDoc(TypedDict):
    """What stays when a sandbox is emptied, what is gone, and where its clock is then."""

    kept: Annotated[list[str], says("What stays.")]
    emptied: Annotated[list[str], says("What is gone.")]
    clock: Annotated[
        str,
        one_of(("back_at_its_start", "runs_on"), "`back_at_its_start` for a manual clock, `runs_on` for a wall clock."),
    ]


class MadeSandbox(SandboxDoc):
    """A new sandbox and its key, which is shown only here."""

    api_key: Annotated[str, says("The key that opens all of the sandbox. It is shown only here.")]


class ListedSandbox(SandboxDoc):
    """A sandbox, and when a request was last made in it: in real time, to the minute."""

    last_used_at: Annotated[str, says("When a request was last made in it, to the minute. RFC 3339, real time.")]


class EmptiedSandbox(SandboxDoc):
    """A sandbox that was emptied."""

    reset: Annotated[ResetDoc, says("What stayed and what is gone.")]


def sandbox_doc(sandbox: Sandbox, now_ms: int) -> SandboxDoc:
    """A sandbox as JSON, without its key."""
    return {
        "id": sandbox.id,
        "seed": sandbox.seed,
        "zone": sandbox.zone,
        "clock": clock_doc(sandbox, now_ms),
        "four_eyes_above_minor": sandbox.four_eyes_above_minor,
        "monitoring": monitoring_doc(sandbox),
    }


def reset_doc(sandbox: Sandbox) -> ResetDoc:
    """What emptying a sandbox has left and taken, as JSON."""
    clock = "back_at_its_start" if sandbox.mode == "manual" else "runs_on"
    return {"kept": list(KEPT), "emptied": list(EMPTIED), "clock": clock}


def monitoring_doc(sandbox: Sandbox) -> MonitoringDoc:
    """How a sandbox is monitored, as JSON."""
    return {
        "enabled": bool(sandbox.monitored),
        "tolerance_minor": sandbox.tolerance_minor,
        "net_by": sandbox.net_by,
    }


def clock_doc(sandbox: Sandbox, now_ms: int) -> ClockDoc:
    """A clock as JSON."""
    moving = sandbox.target_ms is not None and sandbox.target_ms > now_ms
    return {
        "mode": sandbox.mode,
        "now": rfc3339(now_ms),
        "moving_to": maybe_rfc3339(sandbox.target_ms) if moving else None,
        "speed": sandbox.speed if sandbox.mode == "wall" else None,
        "zone": sandbox.zone,
    }


def refuse_move(sandbox: Sandbox, to_ms: int) -> None:
    """Only a manual clock can be moved, and only forward; not behind where somebody else has told it to go, either."""
    if sandbox.mode != "manual":
        raise Refused("clock_not_manual", "the clock runs on real time", sandbox_id=sandbox.id)
    if to_ms < stands_at(sandbox):
        raise Refused(
            "clock_backwards",
            "the clock is past that",
            expected=f"not before {rfc3339(stands_at(sandbox))}",
            received=rfc3339(to_ms),
        )


def stands_at(sandbox: Sandbox) -> int:
    """Where a manual clock is, or will be once it has come to where it was told to go."""
    return max(sandbox.sandbox_ms, sandbox.target_ms or 0)


@dataclass(frozen=True, slots=True)
class ClaimAdvance:
    """Tell a manual clock to go on: `to_ms`, or `by_ms` from wherever it stands. From this commit on it counts.

    Two that come at once are two commits on one row, so each starts from where the other ends. Should the process die
    on the way, the claim stands, and the next advance goes there first.
    """

    sandbox_id: str
    to_ms: int | None
    by_ms: int | None
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing but the sandbox, which is loaded anyway."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200, and how far it goes, and the life of the sandbox that this is about: a reset begins another."""
        sandbox = work.sandbox
        to_ms = self.to_ms if self.to_ms is not None else stands_at(sandbox) + (self.by_ms or 0)
        refuse_move(sandbox, to_ms)
        if to_ms > LAST_MS:
            raise Refused("validation_failed", "no clock goes so far", expected=f"a time not after {rfc3339(LAST_MS)}")
        work.put(replace(sandbox, target_ms=to_ms))
        return Answer(200, {"to_ms": to_ms, "resets": sandbox.resets})


@dataclass(frozen=True, slots=True)
class MoveClock:
    """One stretch of an advance's way. A clock that another process has moved further already is left where it is."""

    sandbox_id: str
    to_ms: int
    resets: int
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing but the sandbox, which is loaded anyway."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200. Refused where the sandbox was reset meanwhile: what is there now was never told to go anywhere."""
        if work.sandbox.resets != self.resets:
            raise Refused("clock_reset", "the sandbox was reset while its clock moved", sandbox_id=self.sandbox_id)
        if work.sandbox.mode != "manual":
            raise Refused("clock_not_manual", "somebody has let the clock run", sandbox_id=self.sandbox_id)
        if work.sandbox.sandbox_ms < self.to_ms:
            work.set_clock(self.to_ms)
        return Answer(200, {})


@dataclass(frozen=True, slots=True)
class SetClock:
    """Move a manual clock to a moment that is not before now."""

    sandbox_id: str
    to_ms: int
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing but the sandbox, which is loaded anyway."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200 and the clock."""
        refuse_move(work.sandbox, self.to_ms)
        work.set_clock(self.to_ms)
        return Answer(200, clock_doc(work.sandbox, work.now_ms))


@dataclass(frozen=True, slots=True)
class SetPace:
    """Hold a clock where it is, or let it run on from there. `real_ms` is the real time from which on it runs."""

    sandbox_id: str
    speed: int
    real_ms: int
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing but the sandbox, which is loaded anyway."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200 and the clock. A speed of 0 is a manual clock. No time that was shown before comes again."""
        mode = "wall" if self.speed else "manual"
        held = replace(work.sandbox, mode=mode, sandbox_ms=work.now_ms, real_ms=self.real_ms, speed=self.speed)
        work.put(replace(held, target_ms=None))
        return Answer(200, clock_doc(work.sandbox, work.now_ms))
