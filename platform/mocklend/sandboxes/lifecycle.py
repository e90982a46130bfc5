"""The row of a sandbox, its clock, and what is shown of both. Its other rows are deleted by `emptying`."""

from __future__ import annotations

import hashlib
import hmac
import threading
from dataclasses import dataclass
from functools import partial
from typing import Annotated, NamedTuple, TypedDict

from msgspec.structs import replace
from sqlalchemy import Connection

from mocklend.config import RUNNING_CLOCKS_MAX, SANDBOXES_MAX
from mocklend.domain.nouns import one_of, says
from mocklend.domain.problems import Refused
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.storage.quick import QuickReader
from mocklend.storage.snapshot import server_rows
from mocklend.storage.statements import flush, run_one
from mocklend.storage.stores import STORES, entity_of_row
from mocklend.storage.tables import as_json
from mocklend.storage.work import Answer, Idempotency, Key, Sandbox, Work

DEFAULT_ZONE = "Asia/Shanghai"
NET_BY = ("none", "loan", "channel")
"""How monitoring nets differences of money before it applies the tolerance."""
NETTING = (
    "Which differences are netted before the tolerance is applied: `none`, those of one `loan`, or those "
    "of one `channel`."
)
DEFAULT = "default"
"""The sandbox of a request without an API key on loopback."""

STAFF = "ms_"
"""The prefix of a staff key: it opens what a lender's staff and clients use, but not the control plane."""

ADVANCE = "adv_"
"""The prefix of the id of an advance."""
SHOWN, HIDDEN, REVEALED = "shown", "hidden", "revealed"
TRUTH = (SHOWN, HIDDEN, REVEALED)
LABEL_MAX = 80
"""The greatest length of a label, in characters."""
KEPT = (
    "id", "api_key", "label", "truth", "seed", "zone", "clock.mode", "clock.speed", "four_eyes_above_minor",
    "monitoring", "webhook_endpoints",
)  # fmt: skip
"""What a reset keeps of a sandbox. Products, channels and lenders belong to the platform, and stay too."""
EMPTIED = (
    "borrowers", "loans", "repayments", "receipts", "edits", "payouts", "disputes", "certificates", "journal",
    "credit_reports", "statement_files", "callbacks", "webhooks", "idempotency_keys", "rules", "profile", "experiments",
    "answer_key", "requests",
)  # fmt: skip
"""What a reset deletes."""
FREE_SHARE = 64
"""A process counts again once it has used a 64th of what was free below a limit."""
NAMES = Sandbox.__struct_fields__
"""The columns of a sandbox, in the order of its fields."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most sandboxes of a database beside `default`, and the most of their clocks that run by themselves."""

    sandboxes_max: int = SANDBOXES_MAX
    running_clocks_max: int = RUNNING_CLOCKS_MAX

    def limits(self) -> Limits:
        """Both limits, for one process."""
        return Limits(
            sandboxes=Limit(self.sandboxes_max, "id <> :default", "too_many_sandboxes", "there are {} already"),
            clocks=Limit(self.running_clocks_max, "id <> :default AND speed > 0", "too_many_clocks", "{} run already"),
        )


class Limit:
    """A limit on the sandboxes that meet a condition, for one process. Thread-safe.

    Counting reads all of them, so a process that has counted does not count again for the next 64th of what is free.
    Near the limit each call counts. One process never exceeds the limit; of several on one database, each may exceed it
    by the part that it had left when another one reached it.
    """

    def __init__(self, most: int, condition: str, code: str, detail: str) -> None:
        self._most, self._code, self._detail = most, code, detail
        self._sql = f"SELECT COUNT(*) FROM sandboxes WHERE {condition}"
        self._uncounted = 0
        self._lock = threading.Lock()

    def refuse_one_more(self, connection: Connection) -> None:
        """Raise Refused if the limit is reached."""
        with self._lock:
            if self._uncounted:
                self._uncounted -= 1
                return
            (count,) = server_rows(connection, int, self._sql, default=DEFAULT)
            if count >= self._most:
                raise Refused(self._code, self._detail.format(count), expected=f"at most {self._most}")
            self._uncounted = (self._most - count - 1) // FREE_SHARE


class Limits(NamedTuple):
    """The limit on sandboxes, and that on running clocks."""

    sandboxes: Limit
    clocks: Limit


def create(connection: Connection, sandbox: Sandbox) -> None:
    """Insert a sandbox's row."""
    flush(connection, [(STORES["sandbox"].insert, STORES["sandbox"].row_of(sandbox))])


def store_key(connection: Connection, sandbox: Sandbox) -> None:
    """Store the key hash and callback secrets of a sandbox, for a new key."""
    sql = "UPDATE sandboxes SET key_hash = :key_hash, callback_secrets = :callback_secrets WHERE id = :id"
    secrets = as_json(sandbox.callback_secrets)
    run_one(connection, sql, id=sandbox.id, key_hash=sandbox.key_hash, callback_secrets=secrets)


def staff_key(sandbox_id: str, key_hash: str) -> str:
    """A sandbox's staff key. It is derived from the API key, which cannot be derived from it."""
    proof = hmac.new(key_hash.encode(), b"staff", hashlib.sha256).hexdigest()
    return f"{STAFF}{sandbox_id}.{proof[:40]}"


def find(connection: Connection, column: str, value: str, *, to_write: bool = False) -> Sandbox | None:
    """The sandbox with this value of `id` or `key_hash`, or None. `to_write` locks its row, on PostgreSQL."""
    assert column in ("id", "key_hash")
    sql = f"SELECT {', '.join(NAMES)} FROM sandboxes WHERE {column} = :value"
    if to_write and connection.dialect.name == "postgresql":
        sql += " FOR UPDATE"
    return next(iter(server_rows(connection, partial(entity_of_row, Sandbox), sql, value=value)), None)


def required(connection: Connection, sandbox_id: str, *, to_write: bool = False) -> Sandbox:
    """The sandbox in this snapshot, locked with `to_write`. Raises Refused `sandbox_unknown`."""
    sandbox = find(connection, "id", sandbox_id, to_write=to_write)
    if sandbox is None:
        raise absent(connection, sandbox_id)
    return sandbox


def absent(connection: Connection, sandbox_id: str) -> Refused:
    """The refusal of a sandbox that has no row: `sandbox_emptying` while a reset empties it, else `sandbox_unknown`."""
    if is_emptying(connection, "id", sandbox_id):
        return being_reset(sandbox_id)
    return Refused("sandbox_unknown", f"no sandbox {sandbox_id}", sandbox_id=sandbox_id)


def is_emptying(connection: Connection, column: str, value: str) -> bool:
    """Whether a reset empties the sandbox with this value of `id` or `key_hash`."""
    assert column in ("id", "key_hash")
    sql = f"SELECT id FROM emptying WHERE {column} = :value AND after_reset IS NOT NULL"
    return bool(server_rows(connection, str, sql, value=value))


def being_reset(sandbox_id: str | None = None) -> Refused:
    """The refusal of a request to a sandbox that a reset empties."""
    named = {} if sandbox_id is None else {"sandbox_id": sandbox_id}
    return Refused("sandbox_emptying", "a reset deletes what is in the sandbox", **named)


class _Clock(NamedTuple):
    sandbox_ms: int
    real_ms: int
    speed: int


def now_from(reader: QuickReader, sandbox_id: str, real_ms: int) -> int | None:
    """A sandbox's time (ms) at a real time; None if the reader cannot say it at once, or there is no such sandbox."""
    clocks = reader.rows(_Clock, "SELECT sandbox_ms, real_ms, speed FROM sandboxes WHERE id = :id", {"id": sandbox_id})
    if not clocks:
        return None
    clock = clocks[0]
    return clock.sandbox_ms + max(0, real_ms - clock.real_ms) * clock.speed


Zone = Annotated[str, says("The time zone whose midnight ends a business day, by its IANA name.")]


class ClockDoc(TypedDict):
    """A clock. `moving_to` is the target of an advance in progress."""

    mode: Annotated[str, one_of(("wall", "manual"), "`wall`: the clock runs; `manual`: it moves only by requests.")]
    now: Annotated[str, says("The time that the clock shows. RFC 3339.")]
    moving_to: Annotated[str | None, says("The target of an advance in progress; null where there is none. RFC 3339.")]
    speed: Annotated[int | None, says("Its speed as a multiple of real time; null for a `manual` clock.")]
    zone: Zone


class MonitoringDoc(TypedDict):
    """How a sandbox is monitored."""

    enabled: Annotated[bool, says("Whether monitoring raises alerts.")]
    tolerance_minor: Annotated[int, says("Differences up to this amount raise no alert, in minor units.")]
    net_by: Annotated[str, one_of(NET_BY, NETTING)]


class SandboxDoc(TypedDict):
    """A sandbox, without its key."""

    id: Annotated[str, says("The sandbox's id.")]
    label: Annotated[
        str | None,
        says(
            "What people call it; null if it has no label. Without one, a sandbox in which a scenario was played has "
            "the title of its story, for those who may see the truth."
        ),
    ]
    truth: Annotated[
        str,
        one_of(
            TRUTH,
            "Whether a request with the sandbox's key alone sees what really happened, and the faults; the control "
            "token always does. `revealed`: in the console, too, whoever signed in with the key sees it.",
        ),
    ]
    seed: Annotated[int, says("All random choices of the sandbox are derived from this number.")]
    zone: Zone
    clock: Annotated[ClockDoc, says("The sandbox's clock.")]
    four_eyes_above_minor: Annotated[
        int | None, says("Edits above this amount need a second person, in minor units; null: none does.")
    ]
    monitoring: Annotated[MonitoringDoc, says("The platform's own monitoring.")]


class ResetDoc(TypedDict):
    """The result of a reset: what stays, what is deleted, and the clock's position."""

    kept: Annotated[list[str], says("What the reset keeps.")]
    emptied: Annotated[list[str], says("What the reset deletes.")]
    clock: Annotated[
        str,
        one_of(("back_at_its_start", "runs_on"), "`back_at_its_start` for a manual clock, `runs_on` for a wall clock."),
    ]


class MadeSandbox(SandboxDoc):
    """A new sandbox and its key, which is shown only here."""

    api_key: Annotated[str, says("The API key of the sandbox. It is shown only here.")]


class ListedSandbox(SandboxDoc):
    """A sandbox with the time of its last request: in real time, to the minute."""

    last_used_at: Annotated[str, says("The time of its last request, to the minute. RFC 3339, real time.")]


class EmptiedSandbox(SandboxDoc):
    """A sandbox after a reset."""

    reset: Annotated[ResetDoc, says("What the reset kept and deleted.")]


def sandbox_doc(sandbox: Sandbox, now_ms: int, *, shows_truth: bool) -> SandboxDoc:
    """A sandbox as JSON, without its key. Without `shows_truth` it does not say which story was played in it."""
    return {
        "id": sandbox.id,
        "label": sandbox.name(shows_truth=shows_truth),
        "truth": sandbox.truth,
        "seed": sandbox.seed,
        "zone": sandbox.zone,
        "clock": clock_doc(sandbox, now_ms),
        "four_eyes_above_minor": sandbox.four_eyes_above_minor,
        "monitoring": monitoring_doc(sandbox),
    }


def reset_doc(sandbox: Sandbox) -> ResetDoc:
    """The result of a reset as JSON."""
    clock = "back_at_its_start" if sandbox.mode == "manual" else "runs_on"
    return {"kept": list(KEPT), "emptied": list(EMPTIED), "clock": clock}


def monitoring_doc(sandbox: Sandbox) -> MonitoringDoc:
    """A sandbox's monitoring as JSON."""
    return {
        "enabled": bool(sandbox.monitored),
        "tolerance_minor": sandbox.tolerance_minor,
        "net_by": sandbox.net_by,
    }


def advance_id(n: int) -> str:
    """The id of a sandbox's nth advance."""
    return f"{ADVANCE}{n}"


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
    """Refuse to move a running clock, or to move a clock behind its time or the target of an advance in progress.

    Raises Refused `clock_not_manual`, `clock_backwards`."""
    if sandbox.mode != "manual":
        raise Refused("clock_not_manual", "the clock runs on real time", sandbox_id=sandbox.id)
    if to_ms < target_or_now(sandbox):
        raise Refused(
            "clock_backwards",
            "the clock is past that time",
            expected=f"not before {rfc3339(target_or_now(sandbox))}",
            received=rfc3339(to_ms),
        )


def target_or_now(sandbox: Sandbox) -> int:
    """The time (ms) of a manual clock, or the target of its advance in progress."""
    return max(sandbox.sandbox_ms, sandbox.target_ms or 0)


@dataclass(frozen=True, slots=True)
class ChangeSandbox:
    """Change a sandbox's label or whether it shows the truth; None leaves either as it is. An empty label is none."""

    sandbox_id: str
    label: str | None
    truth: str | None
    sees_hidden: bool = False  # whether the answer is for the teacher, who sees also what is hidden
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200 and the sandbox."""
        sandbox = work.sandbox
        if self.label is not None:
            sandbox = replace(sandbox, label=self.label or None)
        if self.truth is not None:
            sandbox = replace(sandbox, truth=self.truth)
        work.put(sandbox)
        shown = self.sees_hidden or sandbox.truth != HIDDEN
        return Answer(200, sandbox_doc(sandbox, work.now_ms, shows_truth=shown))


@dataclass(frozen=True, slots=True)
class SetClock:
    """Set a manual clock to a moment that is not in its past."""

    sandbox_id: str
    to_ms: int
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200 and the clock. Raises Refused `clock_not_manual`, `clock_backwards`."""
        refuse_move(work.sandbox, self.to_ms)
        work.set_clock(self.to_ms)
        return Answer(200, clock_doc(work.sandbox, work.now_ms))


@dataclass(frozen=True, slots=True)
class SetPace:
    """Stop a clock, or let it run from where it is. `real_ms` is the real time at which it starts to run."""

    sandbox_id: str
    speed: int
    real_ms: int
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200 and the clock. A speed of 0 makes it a manual clock. It never moves backwards."""
        mode = "wall" if self.speed else "manual"
        sandbox = replace(work.sandbox, mode=mode, sandbox_ms=work.now_ms, real_ms=self.real_ms, speed=self.speed)
        work.put(replace(sandbox, target_ms=None))
        return Answer(200, clock_doc(work.sandbox, work.now_ms))
