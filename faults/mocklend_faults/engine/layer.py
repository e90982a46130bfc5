"""The fault layer as the platform meets it: what really happens at a seam, and the rows that put it on record.

        given ──▶ rule a ──▶ rule b ──▶ happened        in the order of the rules' ids, each sees what the last one left
                    │          │
                    ▼          ▼
               active? matches? chance? limits? changed?   =   evaluated ≥ matched ≥ selected ≥ injected

One writer calls it. What it holds between groups is only what the database says; what a group adds is kept apart until
the group is durable, so a group that fails leaves no trace.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from mocklend.domain.finding import Finding
from mocklend.sandboxes.ids import make_id
from mocklend.seams import SEAMS, Consequence, Given, Scene, Seam, Write
from mocklend.storage.stores import rows
from mocklend_faults.engine import journal
from mocklend_faults.engine.answer_key import ACTIVE, HEALED, MASKED, ONCE, UNDONE, WITHSTOOD, Entry, entries
from mocklend_faults.engine.at_seam import AtSeam, Compiled
from mocklend_faults.engine.catalogue import Catalogue, installed, named
from mocklend_faults.engine.counting import Tally, rule_rows, seam_rows, tallies
from mocklend_faults.engine.fault import Fault, method_of
from mocklend_faults.engine.observed import Explained, explain
from mocklend_faults.engine.rules import Rule
from mocklend_faults.engine.selection import Counts
from mocklend_faults.engine.trail import (
    CHANGED_NOTHING,
    GLANCES_MOST,
    GLANCES_MOST_OF_ALL,
    INJECTED,
    LIMITED,
    NOT_DRAWN,
    NOT_MATCHED,
    NTH,
    WINDOW_CLOSED,
    Asked,
    Event,
    Glanced,
    Trail,
)

if TYPE_CHECKING:
    from flask import Blueprint


AtVersion = tuple[str, str, int]
"""A sandbox, a seam, and the version of the sandbox's rules."""

NEVER_ARMED = 0
"""The rules' version of a sandbox that never had a rule."""


class FaultBroke(AssertionError):
    """A fault raised, or changed what it must not. That is a bug in the fault: the run breaks, and says where."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open injection, as far as a limit on open ones needs to know it."""

    finding_class: str
    finding_entity: str
    until_ms: int | None
    ends_on: Mapping[str, str]


@dataclass(slots=True)
class Held:
    """A sandbox's rules as of a version, ready to be asked, and what the database has counted for them."""

    version: int
    by_seam: Mapping[str, AtSeam] = field(default_factory=dict)
    done: dict[str, Tally] = field(default_factory=dict)
    revisions: Mapping[str, int] = field(default_factory=dict)
    capped: tuple[str, ...] = ()  # the rules with max_active


@dataclass(slots=True)
class Group:
    """What the running group of commands has done so far."""

    sandboxes: set[str] = field(default_factory=set)
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    met: dict[AtVersion, int] = field(default_factory=dict)  # events at a seam, for the rules that are passed over
    glanced: dict[tuple[str, str, int], Tally] = field(default_factory=dict)
    glanced_at: dict[AtVersion, int] = field(default_factory=dict)
    open: dict[tuple[str, str], dict[str, Opened]] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)


class FaultLayer:
    """The rules of all sandboxes. Kinds come from the entry points, or are handed over."""

    def __init__(self, kinds: Iterable[type[Fault]] | None = None) -> None:
        self.catalogue: Catalogue = installed() if kinds is None else named(kinds)
        self._held: dict[str, Held] = {}
        self._armed: set[str] = set()
        self._group = Group()
        self.trail: Trail[Event] = Trail()
        self.glances: Trail[Glanced] = Trail(GLANCES_MOST, GLANCES_MOST_OF_ALL)
        self._known: set[str] = set()  # sandboxes whose rules, or lack of them, are as the database has them
        # What other threads than the writer's do: they count, and glance.
        self._lock = threading.Lock()
        self._met: dict[tuple[str, str], dict[str, int]] = {}
        self._glanced: dict[tuple[str, str, int], Tally] = {}
        self._glanced_at: dict[AtVersion, int] = {}

    # --- what the platform calls, see mocklend.seams.Layer ---

    def begin(self, connection: Connection, sandboxes: Iterable[tuple[str, int]]) -> None:
        """A new group: load the rules that have changed, forget what the last group did not commit."""
        with self._lock:
            for key, tally in self._group.glanced.items():  # The last group failed: these are still to be written.
                self._glanced.setdefault(key, Tally()).add(tally)
            for at, count in self._group.glanced_at.items():
                self._glanced_at[at] = self._glanced_at.get(at, 0) + count
        self._group = Group()
        for sandbox_id, version in sandboxes:
            if version == NEVER_ARMED:
                self._held.pop(sandbox_id, None)
                self._forget(sandbox_id)
                self._armed.discard(sandbox_id)
                self._known.add(sandbox_id)
                continue
            self._group.sandboxes.add(sandbox_id)
            held = self._held.get(sandbox_id)
            if held is None or held.version != version:
                held = self._load(connection, sandbox_id, version)
            self._known.add(sandbox_id)  # Not before: a request in another thread would be asked by the old rules.
            for rule_id in held.capped:
                self._group.open[(sandbox_id, rule_id)] = _open_of(connection, sandbox_id, rule_id)

    def armed(self, sandbox_id: str) -> bool:
        """Whether there is a rule that is on, or a lie that may end."""
        return sandbox_id in self._armed

    def listens(self, sandbox_id: str, seam: str) -> bool | None:
        """Whether a rule is at this seam. None where the rules are yet to be loaded: any command does that."""
        if sandbox_id not in self._known:
            return None
        held = self._held.get(sandbox_id)
        return held is not None and seam in held.by_seam

    def outdated(self, sandbox_id: str) -> None:
        """What is held of this sandbox's rules is old; its next command loads them."""
        self._known.discard(sandbox_id)

    def emptied(self, sandbox_id: str) -> None:
        """Nothing that was counted in this sandbox is there any more: its story begins anew, or is over."""
        self.outdated(sandbox_id)
        with self._lock:
            for where in [where for where in self._met if where[0] == sandbox_id]:
                del self._met[where]
            for key in [key for key in self._glanced if key[0] == sandbox_id]:
                del self._glanced[key]
            for at in [at for at in self._glanced_at if at[0] == sandbox_id]:
                del self._glanced_at[at]

    def nth(self, connection: Connection | None, sandbox_id: str, seam: str, entity: str) -> int | None:
        """One more event of this entity. The count goes on from the entity's last injection when a process starts:
        None, and nothing counted, where that has yet to be read and there is no connection.
        """
        where = (sandbox_id, seam)
        met = self._met.get(where)
        if met is None:
            if connection is None:
                return None
            of_seam = {"sandbox_id": sandbox_id, "seam": seam}
            found = dict(map(tuple, rows(connection, journal.LAST_OCCURRENCES, of_seam)))
            with self._lock:
                met = self._met.setdefault(where, found)
        with self._lock:
            met[entity] = met.get(entity, 0) + 1
            return met[entity]

    def glance(self, scene: Scene, given: Seam, *, timed: bool = True) -> bool:
        """Whether a rule selects this event, as far as can be told without its limits.

        Where it is not `timed`, the time is unknown, and a rule that looks at it may select anything.

        What a rule passes over here is counted with the sandbox's next commit. A rule that counts events to know its
        limits has to see every one of them in its place.
        """
        held = self._held.get(scene.sandbox_id)
        if held is None:
            return False
        here = held.by_seam.get(given.seam)
        if here is None:
            return False
        passed: list[tuple[Compiled, bool]] = []
        asked: list[Asked] = []
        for one in here.to_ask(given):
            if not timed and not one.timeless:
                return True
            if not one.open(scene.now_ms):
                asked.append((one, given, WINDOW_CLOSED, None))
                continue
            matches = one.matches(given)
            if matches and (one.limited or _drawn(scene, one, given)):
                return True
            passed.append((one, matches))
            asked.append((one, given, NOT_DRAWN if matches else NOT_MATCHED, None))
        with self._lock:
            if here.passed_over:
                at = (scene.sandbox_id, here.seam, here.version)
                self._glanced_at[at] = self._glanced_at.get(at, 0) + 1
            for one, matches in passed:
                key = (scene.sandbox_id, one.rule.id, one.rule.revision)
                tally = self._glanced.get(key)
                if tally is None:
                    tally = self._glanced[key] = Tally()
                tally.evaluated += not one.passes_over
                tally.matched += matches
        now_ms = scene.now_ms if timed else None
        seen = Glanced(given, now_ms, scene.seed, tuple(asked), here, scene.asked_by, next(NTH))
        self.glances.add(scene.sandbox_id, (seen,))
        return False

    def act(self, scene: Scene, given: Given) -> tuple[Given, Sequence[Write]]:
        """What really happens, and the rows that put each injection on record."""
        held = self._held[scene.sandbox_id]
        here = held.by_seam.get(given.seam)
        if here is None:
            return given, ()
        if here.passed_over:
            at = (scene.sandbox_id, here.seam, here.version)
            self._group.met[at] = self._group.met.get(at, 0) + 1
        happened = given
        trail: list[Injection] = []
        asked: list[Asked] = []
        for one in here.to_ask(given):
            if not one.open(scene.now_ms):
                asked.append((one, happened, WINDOW_CLOSED, None))
                continue
            key = (scene.sandbox_id, one.rule.id)
            tally = self._group.tallies.get(key)
            if tally is None:
                tally = self._group.tallies[key] = Tally()
            tally.evaluated += not one.passes_over  # Else it is counted with all that happens here.
            if not one.matches(happened):
                asked.append((one, happened, NOT_MATCHED, None))
                continue
            tally.matched += 1
            stopped = self._stopped_by(scene, held.done[one.rule.id], tally, one, happened)
            if stopped is not None:
                asked.append((one, happened, NOT_DRAWN if stopped == NOT_DRAWN else LIMITED, stopped))
                continue
            tally.selected += 1
            changed = _changed(scene, one.rule, happened)
            if changed == happened:
                asked.append((one, happened, CHANGED_NOTHING, None))
                continue
            tally.injected += 1
            tally.on_entity[given.entity] = tally.on_entity.get(given.entity, 0) + 1
            injection = Injection.of(scene, one.rule, given, happened, changed)
            trail.append(injection)
            asked.append((one, happened, INJECTED, injection.id))
            happened = changed
        events = self._group.events.setdefault(scene.sandbox_id, [])
        events.append(Event(given, happened, scene.now_ms, scene.seed, tuple(asked), here, scene.asked_by))
        return happened, self._record(scene, trail) if trail else ()

    def heard(self, scene: Scene, signals: Sequence[str]) -> Sequence[Write]:
        """The rows that end whatever these signals end."""
        for (sandbox_id, _), opened in self._group.open.items():
            if sandbox_id == scene.sandbox_id:
                for injection, one in list(opened.items()):
                    statuses = {one.ends_on[signal] for signal in signals if signal in one.ends_on}
                    if statuses == {ACTIVE}:
                        opened[injection] = replace(one, until_ms=None)
                    elif statuses:
                        del opened[injection]
        return [
            (journal.END, {"sandbox_id": scene.sandbox_id, "signal": signal, "now_ms": scene.now_ms})
            for signal in signals
        ]

    def end(self) -> Sequence[Write]:
        """The group's counters."""
        counted: dict[tuple[str, str, int], Tally] = {}
        for (sandbox_id, rule_id), tally in self._group.tallies.items():
            counted.setdefault((sandbox_id, rule_id, self._held[sandbox_id].revisions[rule_id]), Tally()).add(tally)
        with self._lock:
            for key in [key for key in self._glanced if key[0] in self._group.sandboxes]:
                tally = self._group.glanced[key] = self._glanced.pop(key)
                counted.setdefault(key, Tally()).add(tally)
            for at in [at for at in self._glanced_at if at[0] in self._group.sandboxes]:
                self._group.glanced_at[at] = self._glanced_at.pop(at)
        met = dict(self._group.met)
        for at, count in self._group.glanced_at.items():
            met[at] = met.get(at, 0) + count
        return [*rule_rows(counted), *seam_rows(met)]

    def committed(self) -> None:
        """What the group counted is in the database now."""
        for (sandbox_id, rule_id), tally in self._group.tallies.items():
            self._held[sandbox_id].done.setdefault(rule_id, Tally()).add(tally)
        for sandbox_id, events in self._group.events.items():
            self.trail.add(sandbox_id, events)
        self._group = Group()

    # --- what the control plane and the audit read ---

    def answer_key(self, connection: Connection, sandbox_id: str, now_ms: int, **filters: str | None) -> list[Entry]:
        """The answer key in the caller's snapshot; `filters` are those of `answer_key.entries`."""
        return entries(connection, sandbox_id, now_ms, **filters)

    def events_of(self, sandbox_id: str) -> list[Event]:
        """The latest events of a sandbox, the oldest first."""
        glanced = (one.event() for one in self.glances.of(sandbox_id))
        return sorted((*self.trail.of(sandbox_id), *glanced), key=lambda event: event.n)

    def explain_audit(self, discrepancies: Sequence[Finding], key: Iterable[Entry]) -> Explained:
        """Which injection explains which discrepancy, and which open entries nothing shows."""
        return explain(discrepancies, key)

    def blueprint(self, lender: Any) -> Blueprint:
        """The control endpoints of the fault layer. The lender is found through the app, as everywhere in the API."""
        from mocklend_faults.engine.control import blueprint

        return blueprint(self)

    # --- inside ---

    def _forget(self, sandbox_id: str) -> None:
        self.trail.forget(sandbox_id)
        self.glances.forget(sandbox_id)

    def _load(self, connection: Connection, sandbox_id: str, version: int) -> Held:
        where = {"sandbox_id": sandbox_id}
        stored = stored_of(connection, sandbox_id)
        if not stored:
            self._forget(sandbox_id)  # The sandbox was reset: the same ids may mean another story.
        on = [rule for rule in usable(stored, self.catalogue) if rule.enabled]
        held = Held(
            version=version,
            by_seam=_compiled(on, version),
            revisions={rule.id: rule.revision for rule in on},
            capped=tuple(rule.id for rule in on if rule.select.max_active is not None),
        )
        if on:
            held.done = tallies(connection, sandbox_id, stored, on)
            for rule in on:
                if rule.select.times_per_entity is not None:
                    of_rule = {**where, "rule": rule.id, "revision": rule.revision}
                    held.done[rule.id].on_entity = dict(map(tuple, rows(connection, journal.ON_ENTITY, of_rule)))
        self._held[sandbox_id] = held
        self._armed.discard(sandbox_id)
        if on or rows(connection, journal.ANY_OPEN, where):
            self._armed.add(sandbox_id)
        return held

    def _stopped_by(self, scene: Scene, before: Tally, now: Tally, one: Compiled, given: Any) -> str | None:
        """What keeps the rule from taking this event: NOT_DRAWN, a limit, or nothing."""
        rule = one.rule
        if not _drawn(scene, one, given):
            return NOT_DRAWN
        if not one.limited:
            return None
        opened = self._group.open.get((scene.sandbox_id, rule.id), {}).values()
        counts = Counts(
            matched=before.matched + now.matched - 1,  # this event is counted already
            injected=before.injected + now.injected,
            injected_on_entity=before.on_entity.get(given.entity, 0) + now.on_entity.get(given.entity, 0),
            active=sum(lie.until_ms is None or lie.until_ms > scene.now_ms for lie in opened),
        )
        return rule.select.stopped_by(counts)

    def _record(self, scene: Scene, trail: Sequence[Injection]) -> list[Write]:
        """The rows of one event's injections. A later one ends what an earlier one did to the same fields."""
        writes: list[Write] = []
        for n, one in enumerate(trail):
            if one.over:  # It is no lie that lasts, so it takes no other's place.
                writes.append((journal.OPEN, one.row(scene)))
                continue
            ended = {one.key} | {earlier.key for earlier in trail[:n] if earlier.changes.keys() & one.changes.keys()}
            for finding_class, finding_entity in sorted(ended):
                writes.append(
                    (
                        journal.SUPERSEDE,
                        {
                            "sandbox_id": scene.sandbox_id,
                            "finding_class": finding_class,
                            "finding_entity": finding_entity,
                            "now_ms": scene.now_ms,
                            "newer": f"injection:{one.id}",
                        },
                    )
                )
            writes.append((journal.OPEN, one.row(scene)))
            if one.undone:
                continue
            for signal, status in sorted(one.consequence.ends_on.items()):
                ending = {"sandbox_id": scene.sandbox_id, "signal": signal, "injection": one.id, "status": status}
                writes.append((journal.END_ON, ending))
            self._hold_open(scene.sandbox_id, one, ended)
        return writes

    def _hold_open(self, sandbox_id: str, one: Injection, ended: set[tuple[str, str]]) -> None:
        for (of_sandbox, rule_id), opened in self._group.open.items():
            if of_sandbox != sandbox_id:
                continue
            for id in [id for id, open in opened.items() if (open.finding_class, open.finding_entity) in ended]:
                del opened[id]
            if rule_id == one.rule.id:
                consequence = one.consequence
                opened[one.id] = Opened(*one.key, consequence.until_ms, consequence.ends_on)


@dataclass(frozen=True, slots=True)
class Injection:
    """One act of a rule, on its way into the answer key."""

    id: str
    rule: Rule
    given: Any
    changes: Mapping[str, tuple[Any, Any]]
    consequence: Consequence
    undone: bool  # an earlier rule's change, taken back

    @classmethod
    def of(cls, scene: Scene, rule: Rule, honest: Any, given: Any, happened: Any) -> Injection:
        """What the rule changed, measured against the honest event: that is what a reconciler can compare with."""
        changes = {
            one.name: (getattr(given, one.name), getattr(happened, one.name))
            for one in fields(given)
            if getattr(given, one.name) != getattr(happened, one.name)
        }
        meant = replace(given, **{name: getattr(honest, name) for name in changes})
        return cls(
            id=make_id("inj", scene.seed, rule.id, given.seam, given.entity, given.occurrence),
            rule=rule,
            given=given,
            changes=changes,
            consequence=meant.consequence(happened),
            undone=meant == happened,
        )

    @property
    def over(self) -> bool:
        """Whether there is nothing to see later: the platform withstood it, or it was one answer."""
        until_ms = self.consequence.until_ms
        return self.consequence.withstood is not None or (until_ms is not None and until_ms <= self.given.now_ms)

    def ending(self) -> tuple[str, str | None]:
        """The status that it starts with, and why it is over where it is."""
        if self.undone:
            return MASKED, UNDONE
        if self.consequence.withstood is not None:
            return MASKED, f"{WITHSTOOD}:{self.consequence.withstood}"
        return (HEALED, ONCE) if self.over else (ACTIVE, None)

    @property
    def key(self) -> tuple[str, str]:
        """The class and entity of the finding: one open entry each."""
        return (self.consequence.finding.finding_class, self.consequence.finding.entity)

    def row(self, scene: Scene) -> dict[str, Any]:
        """The row of `injections`."""
        consequence = self.consequence
        status, ended_by = self.ending()
        return {
            "sandbox_id": scene.sandbox_id,
            "id": self.id,
            "rule": self.rule.id,
            "revision": self.rule.revision,
            "fault": self.rule.fault.name,
            "seam": self.given.seam,
            "entity": self.given.entity,
            "loan_id": consequence.loan_id,
            "occurrence": self.given.occurrence,
            "at_ms": scene.now_ms,
            "effect": ", ".join(f"{name}: {_say(a)} -> {_say(b)}" for name, (a, b) in self.changes.items()),
            "truth_before": _json(consequence.truth_before),
            "truth_after": _json(consequence.truth_after),
            "served": _json(consequence.served),
            "currency": self.given.currency,
            "finding_class": consequence.finding.finding_class,
            "finding_entity": consequence.finding.entity,
            "finding_amount_minor": consequence.finding.amount_minor,
            "expect": _json(self.rule.expect or {}),
            "from_ms": max(scene.now_ms, consequence.from_ms or 0),
            "until_ms": consequence.until_ms,
            "status": status,
            "ended_by": ended_by,
            "ended_ms": scene.now_ms if ended_by else None,
        }


def stored_of(connection: Connection, sandbox_id: str) -> list[dict[str, Any]]:
    """A sandbox's rules as the database has them, by id."""
    found = rows(connection, journal.RULESET, {"sandbox_id": sandbox_id})
    return json.loads(found[0][0]) if found else []


def usable(stored: Iterable[Mapping[str, Any]], catalogue: Catalogue) -> list[Rule]:
    """The rules that can act. One whose kind is not installed here cannot, and is left out."""
    return [Rule.from_stored(one, catalogue) for one in stored if one["rule"]["fault"] in catalogue]


def _compiled(rules: Sequence[Rule], version: int) -> dict[str, AtSeam]:
    at = {seam: [rule for rule in rules if seam in rule.fault.seams()] for seam in SEAMS}
    return {seam: AtSeam(seam, there, version) for seam, there in at.items() if there}


def _drawn(scene: Scene, one: Compiled, given: Seam) -> bool:
    """What chance says: the same whenever and wherever it is asked."""
    return one.rule.select.drawn(
        seed=scene.seed,
        rule=one.rule.id,
        seam=given.seam,
        entity=given.entity,
        occurrence=given.occurrence,
        threshold=None if one.threshold is None else one.threshold(scene.now_ms),
    )


def _changed(scene: Scene, rule: Rule, given: Given) -> Given:
    """What the fault makes of the event. It may only touch what its seam offers; anything else is loud."""
    try:
        changed: Given = getattr(rule.fault, method_of(given.seam))(given)
        assert type(changed) is type(given), f"gave back {type(changed).__name__}"
        for one in fields(given):  # type: ignore[arg-type]  # every seam is a dataclass
            offered = one.default is not MISSING
            assert offered or getattr(changed, one.name) == getattr(given, one.name), f"changed {one.name}"
    except Exception as error:
        raise FaultBroke(
            f"fault {rule.fault.name} of rule {rule.id} broke at {given.seam} of {given.entity}, "
            f"occurrence {given.occurrence}, seed {scene.seed}: {error!r}"
        ) from error
    return changed


def _open_of(connection: Connection, sandbox_id: str, rule_id: str) -> dict[str, Opened]:
    found: dict[str, Opened] = {}
    for id, finding_class, entity, until_ms, signal, status in rows(
        connection, journal.OPEN_OF_RULE, {"sandbox_id": sandbox_id, "rule": rule_id}
    ):
        ends_on = dict(found[id].ends_on) if id in found else {}
        if signal:
            ends_on[signal] = status
        found[id] = Opened(finding_class, entity, until_ms, ends_on)
    return found


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _say(value: Any) -> str:
    return "none" if value is None else str(value)
