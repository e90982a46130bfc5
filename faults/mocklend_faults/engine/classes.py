"""Classes: groups of students, each in a sandbox of its own with the truth hidden, on one clock, ranked by scores.

        making ─▶ open: groups look and hand in ─▶ ended: the truth is revealed, and what is handed in counts no more

A class is rows of the server, not of a sandbox, so any process goes on with it. Of each group the newest score counts.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Annotated, NamedTuple, TypedDict

from msgspec import Struct
from sqlalchemy import Connection

from mocklend.domain.finding import TIMING
from mocklend.domain.nouns import JsonObject, one_of, says
from mocklend.domain.problems import FieldError, Invalid, Refused
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.storage.snapshot import server_rows
from mocklend.storage.statements import Value, run_many, run_one
from mocklend.storage.tables import Unique, table_of
from mocklend.validation import invalid_fields
from mocklend_faults.engine.score_verdict import PASS

GROUPS_MAX = 60
CLASSES_MAX = 50
"""How many groups a class may have, and how many classes a server."""
MAKING, OPEN, ENDED, FAILED = "making", "open", "ended", "failed"
STATES = (MAKING, OPEN, ENDED, FAILED)
SAME, OWN = "same", "own"
SEEDS = (SAME, OWN)
NOT_MADE, NOT_BEGUN, BEGUN, HANDED_IN, GONE = "not_made", "not_begun", "looking", "handed_in", "gone"
GROUP_STATES = (NOT_MADE, NOT_BEGUN, BEGUN, HANDED_IN, GONE)
BY_NUMBER, BY_SCORE = "number", "score"
ORDERS = (BY_NUMBER, BY_SCORE)
NEVER_MS = 2**62
"""After every moment."""


class ClassRow(Struct, frozen=True):
    """A class. Times in ms: `to_ms` is on the clock of its groups, the others are real time."""

    id: str
    name: str
    scenario: str | None  # the one that was played for it; None: a sandbox was copied
    seeds: str
    state: str
    made_ms: int
    ended_ms: int | None = None
    to_ms: int | None = None  # where its clocks were last moved to
    problem: str | None = None  # JSON: why it could not be made
    maker: str | None = None  # the process that makes it, or has made it
    played_in: str | None = None  # the sandbox that the scenario was last played in; it is deleted once it is copied


class GroupRow(Struct, frozen=True):
    """A group of a class, and its sandbox."""

    class_id: str
    n: int  # from 1
    name: str
    sandbox: str


table_of("classes", ClassRow, Unique("name"), scoped=False)
table_of("class_groups", GroupRow, key=("class_id", "n"), scoped=False)

_COLUMNS = ", ".join(ClassRow.__struct_fields__)
INSERT = f"""INSERT INTO classes ({_COLUMNS}) VALUES (:id, :name, :scenario, :seeds, :state, :made_ms, :ended_ms,
    :to_ms, :problem, :maker, :played_in) ON CONFLICT (name) DO NOTHING"""
INSERT_GROUP = "INSERT INTO class_groups (class_id, n, name, sandbox) VALUES (:class_id, :n, :name, :sandbox)"
ONE = f"SELECT {_COLUMNS} FROM classes WHERE id = :id"
ALL = f"SELECT {_COLUMNS} FROM classes ORDER BY made_ms DESC, id"
COUNT = "SELECT COUNT(*) FROM classes"
OPEN_NOW = "UPDATE classes SET state = :state, made_ms = :made_ms WHERE id = :id AND state = :making"
FAIL_NOW = "UPDATE classes SET state = :state, problem = :problem WHERE id = :id AND state = :making"
PLAY_IN = "UPDATE classes SET played_in = :sandbox WHERE id = :id"
SET_TARGET = "UPDATE classes SET to_ms = :to_ms WHERE id = :id"
END = "UPDATE classes SET state = :state, ended_ms = COALESCE(ended_ms, :ended_ms) WHERE id = :id"
DELETE_GROUPS = "DELETE FROM class_groups WHERE class_id = :id"
DELETE = "DELETE FROM classes WHERE id = :id"
GROUPS = "SELECT class_id, n, name, sandbox FROM class_groups WHERE class_id = :id ORDER BY n"
PROGRESS = """SELECT g.n, g.name, g.sandbox, s.seed, s.sandbox_ms, u.used_ms, k.id, k.verdict, k.demanded, k.found,
        k.false_positives + k.wrong_class, k.handed_in_ms, k.classes
    FROM class_groups g
    LEFT JOIN sandboxes s ON s.id = g.sandbox
    LEFT JOIN sandbox_uses u ON u.sandbox_id = g.sandbox
    LEFT JOIN kept_scores k ON k.sandbox_id = g.sandbox AND k.n = (
        SELECT MAX(m.n) FROM kept_scores m WHERE m.sandbox_id = g.sandbox AND m.handed_in_ms <= :until_ms)
    WHERE g.class_id = :id ORDER BY g.n"""
OPEN_LIES = f"""SELECT g.n, COUNT(*) FROM class_groups g JOIN sandboxes s ON s.id = g.sandbox
    JOIN injections i ON i.sandbox_id = g.sandbox
    WHERE g.class_id = :id AND i.ended_ms IS NULL AND (i.until_ms IS NULL OR i.until_ms > s.sandbox_ms)
        AND i.from_ms <= s.sandbox_ms AND i.finding_class <> '{TIMING}' GROUP BY g.n"""


class Progress(NamedTuple):
    """How far a group is. All after the name are None if the sandbox is gone, or if nothing was handed in."""

    n: int
    name: str
    sandbox: str
    seed: int | None
    now_ms: int | None
    used_ms: int | None
    score: str | None
    verdict: str | None
    demanded: int | None
    found: int | None
    wrong: int | None
    handed_in_ms: int | None
    classes: str | None  # JSON: by finding class, how many were demanded and found

    @property
    def place(self) -> tuple[bool, float, int, int]:
        """Its place among the groups: by the F1 of what it found, then who handed in earlier.

        Not by the verdict, whose thresholds the request may say; nor by what was found alone, which findings of
        everything would win.
        """
        found, wrong = self.found or 0, self.wrong or 0
        f1 = 2 * found / max(1, found + wrong + (self.demanded or 0))
        return (self.score is None, -f1, self.handed_in_ms or 0, self.n)


class GroupDoc(TypedDict):
    """A group of a class, and how far it is: its newest score counts."""

    n: Annotated[int, says("The number of the group, from 1.")]
    name: Annotated[str, says("The name of the group.")]
    sandbox_id: Annotated[str, says("The sandbox of the group.")]
    seed: Annotated[int | None, says("The seed of its sandbox; null if the sandbox is not there.")]
    state: Annotated[
        str,
        one_of(
            GROUP_STATES,
            "`not_made`: the class is `making` or `failed`; `not_begun`: its key was not used yet; `looking`; "
            "`handed_in`: it has a score; `gone`: its sandbox was deleted.",
        ),
    ]
    lies: Annotated[int, says("How many breaks its newest score demanded; without a score, the open lies now.")]
    found: Annotated[int | None, says("How many of them it has found; null if it has not handed in.")]
    wrong: Annotated[int | None, says("How many findings were false or had the wrong class; null likewise.")]
    recall: Annotated[float | None, says("Found / demanded, 0 to 1; null likewise, or if nothing was demanded.")]
    verdict: Annotated[str | None, says("`PASS`, `FAIL` or `INCONCLUSIVE`; null likewise.")]
    rank: Annotated[int | None, says("Its place among the groups that have handed in, from 1; null likewise.")]
    score_id: Annotated[str | None, says("Its newest score: GET /-/scores/{score_id} in its sandbox; null likewise.")]
    handed_in_at: Annotated[str | None, says("When it handed in. RFC 3339, real time; null likewise.")]
    now: Annotated[str | None, says("The time on its clock. RFC 3339; null if the sandbox is not there.")]


class MissedDoc(TypedDict):
    """How well the class finds breaks of one finding class."""

    finding_class: Annotated[str, says("The finding class.")]
    groups: Annotated[int, says("How many groups have handed in where there was something of it to find.")]
    found_all: Annotated[int, says("How many of these have found all of it.")]


class ClassClockDoc(TypedDict):
    """The clock of all groups."""

    now: Annotated[str | None, says("The time of the clock that is least far. RFC 3339; null without a group.")]
    moving_to: Annotated[str | None, says("Where the clocks were moved to, while one has not arrived; null after.")]
    arrived: Annotated[int, says("How many clocks have arrived there.")]


class ClassFiguresDoc(TypedDict):
    """A class in a few figures."""

    groups: Annotated[int, says("How many groups it has.")]
    passed: Annotated[int, says("How many groups have passed.")]
    handed_in: Annotated[int, says("How many groups have handed in.")]
    looking: Annotated[int, says("How many groups have begun, and not handed in.")]
    median_recall: Annotated[float | None, says("The median recall of those that have handed in; null without any.")]
    wrong: Annotated[int, says("The number of wrong findings of all groups.")]


class ClassHead(TypedDict):
    """A class, without its groups."""

    id: Annotated[str, says("The id of the class.")]
    name: Annotated[str, says("The name of the class.")]
    state: Annotated[
        str,
        one_of(
            STATES,
            "`making`: its sandboxes are being filled; `open`; `ended`: the truth is revealed; `failed`, with the "
            "`problem` for which it could not be made: also if the process that was making it has ended.",
        ),
    ]
    scenario: Annotated[str | None, says("The scenario that was played in it; null if a sandbox was copied.")]
    seeds: Annotated[str, one_of(SEEDS, "`same`: all groups have the same ids; `own`: each has other ones.")]
    made_at: Annotated[str, says("When it was made. RFC 3339, real time.")]
    ended_at: Annotated[str | None, says("When it was ended. RFC 3339, real time; null before.")]
    problem: Annotated[JsonObject | None, says("Why it could not be made, as problem+json; null otherwise.")]


class ClassDoc(ClassHead):
    """A class and how far its groups are."""

    figures: Annotated[ClassFiguresDoc, says("The class in a few figures.")]
    clock: Annotated[ClassClockDoc, says("The clock of all groups.")]
    groups: Annotated[list[GroupDoc], says("The groups, by number or by score.")]
    missed: Annotated[
        list[MissedDoc], says("By finding class, how many groups found all of it; the least known first.")
    ]


def head_of(row: ClassRow) -> ClassHead:
    """A class as JSON, without its groups."""
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "scenario": row.scenario,
        "seeds": row.seeds,
        "made_at": rfc3339(row.made_ms),
        "ended_at": maybe_rfc3339(row.ended_ms),
        "problem": None if row.problem is None else json.loads(row.problem),
    }


def class_of(connection: Connection, class_id: str) -> ClassRow:
    """The class with this id. Raises Refused `class_unknown`."""
    rows = server_rows(connection, ClassRow, ONE, id=class_id)
    if not rows:
        raise Refused("class_unknown", f"no class {class_id[:64]!r}", received=class_id[:64])
    return rows[0]


def all_classes(connection: Connection) -> list[ClassRow]:
    """All classes, the newest first."""
    return server_rows(connection, ClassRow, ALL)


def groups_of(connection: Connection, class_id: str) -> list[GroupRow]:
    """The groups of a class, by number."""
    return server_rows(connection, GroupRow, GROUPS, id=class_id)


def add(connection: Connection, row: ClassRow, groups: Sequence[GroupRow]) -> None:
    """Store a new class. Raises Refused `validation_failed` if the name is taken, `too_many_classes`."""
    (count,) = server_rows(connection, int, COUNT)
    if count >= CLASSES_MAX:
        raise Refused("too_many_classes", f"there are {count} already", expected=f"at most {CLASSES_MAX}")
    values: dict[str, Value] = {name: getattr(row, name) for name in ClassRow.__struct_fields__}
    if not run_one(connection, INSERT, **values):
        raise invalid_fields(Invalid(FieldError("name", "a name that no other class has", row.name)))
    run_many(
        connection,
        INSERT_GROUP,
        [{name: getattr(group, name) for name in GroupRow.__struct_fields__} for group in groups],
    )


def opened(connection: Connection, class_id: str, made_ms: int) -> None:
    """Store that the sandboxes of a class are filled, as of a real time."""
    run_one(connection, OPEN_NOW, id=class_id, state=OPEN, making=MAKING, made_ms=made_ms)


def failed(connection: Connection, class_id: str, problem: str) -> None:
    """Store why a class could not be made, as JSON."""
    run_one(connection, FAIL_NOW, id=class_id, state=FAILED, making=MAKING, problem=problem)


def played_in(connection: Connection, class_id: str, sandbox_id: str) -> None:
    """Store in which sandbox the scenario is played for a class, so that it can be deleted with the class."""
    run_one(connection, PLAY_IN, id=class_id, sandbox=sandbox_id)


def moved(connection: Connection, class_id: str, to_ms: int) -> None:
    """Store where the clocks of a class are moved to."""
    run_one(connection, SET_TARGET, id=class_id, to_ms=to_ms)


def ended(connection: Connection, class_id: str, ended_ms: int) -> None:
    """Store that a class is over: what is handed in later does not count. A class that is over stays as it was."""
    run_one(connection, END, id=class_id, state=ENDED, ended_ms=ended_ms)


def remove(connection: Connection, class_id: str) -> None:
    """Delete the rows of a class, whose sandboxes are deleted."""
    run_one(connection, DELETE_GROUPS, id=class_id)
    run_one(connection, DELETE, id=class_id)


def doc_of(connection: Connection, row: ClassRow, order: str = BY_NUMBER) -> ClassDoc:
    """A class as JSON, with its groups by number or by score. Reads by indexes alone, some rows for each group."""
    until_ms = NEVER_MS if row.ended_ms is None else row.ended_ms
    progress = server_rows(connection, Progress, PROGRESS, id=row.id, until_ms=until_ms)
    lies = dict(server_rows(connection, lambda n, count: (n, count), OPEN_LIES, id=row.id))
    ranked = sorted(progress, key=lambda group: group.place)
    ranks = {group.n: place for place, group in enumerate(ranked, 1) if group.score is not None}
    shown = ranked if order == BY_SCORE else progress
    groups = [_group_doc(row, group, ranks.get(group.n), lies.get(group.n, 0)) for group in shown]
    return {
        **head_of(row),
        "figures": _figures(groups),
        "clock": _clock(progress, row.to_ms),
        "groups": groups,
        "missed": _missed(progress),
    }


def _group_doc(row: ClassRow, group: Progress, rank: int | None, lies: int) -> GroupDoc:
    if row.state in (MAKING, FAILED):
        state = NOT_MADE
    elif group.seed is None:
        state = GONE
    elif group.score is not None:
        state = HANDED_IN
    else:
        state = BEGUN if group.used_ms is not None and group.used_ms > row.made_ms else NOT_BEGUN
    return {
        "n": group.n,
        "name": group.name,
        "sandbox_id": group.sandbox,
        "seed": group.seed,
        "state": state,
        "lies": lies if group.demanded is None else group.demanded,
        "found": group.found,
        "wrong": group.wrong,
        "recall": round((group.found or 0) / group.demanded, 6) if group.demanded else None,
        "verdict": group.verdict,
        "rank": rank,
        "score_id": group.score,
        "handed_in_at": maybe_rfc3339(group.handed_in_ms),
        "now": maybe_rfc3339(group.now_ms),
    }


def _figures(groups: Sequence[GroupDoc]) -> ClassFiguresDoc:
    recalls = [group["recall"] for group in groups if group["recall"] is not None]
    return {
        "groups": len(groups),
        "passed": sum(group["verdict"] == PASS for group in groups),
        "handed_in": sum(group["state"] == HANDED_IN for group in groups),
        "looking": sum(group["state"] == BEGUN for group in groups),
        "median_recall": round(median(recalls), 6) if recalls else None,
        "wrong": sum(group["wrong"] or 0 for group in groups),
    }


def _clock(progress: Sequence[Progress], to_ms: int | None) -> ClassClockDoc:
    times = [group.now_ms for group in progress if group.now_ms is not None]
    arrived = sum(at_ms >= to_ms for at_ms in times) if to_ms is not None else len(times)
    return {
        "now": rfc3339(min(times)) if times else None,
        "moving_to": maybe_rfc3339(to_ms) if arrived < len(times) else None,
        "arrived": arrived,
    }


def _missed(progress: Iterable[Progress]) -> list[MissedDoc]:
    counts: dict[str, list[bool]] = {}
    for group in progress:
        judged: Mapping[str, tuple[int, int]] = json.loads(group.classes or "{}")
        for name, (demanded, found) in judged.items():
            if demanded:
                counts.setdefault(name, []).append(found == demanded)
    missed = [MissedDoc(finding_class=name, groups=len(each), found_all=sum(each)) for name, each in counts.items()]
    return sorted(missed, key=lambda each: (each["found_all"] / each["groups"], each["finding_class"]))


COLUMNS = (
    "rank",
    "n",
    "name",
    "state",
    "lies",
    "found",
    "wrong",
    "recall",
    "verdict",
    "handed_in_at",
    "sandbox_id",
    "seed",
)
"""The columns of a class as CSV."""


def class_csv(doc: ClassDoc) -> str:
    """The groups of a class as CSV, a row each."""
    return csv_of(COLUMNS, [[group[column] for column in COLUMNS] for group in doc["groups"]])  # type: ignore[literal-required]


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV (RFC 4180). A text that a spreadsheet would run as a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if value is None else _cell(value) for value in row])
    return out.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
