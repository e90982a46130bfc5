"""The fault layer as the platform meets it: what really happens at a seam, and the rows that put it on record.

        given ──▶ rule a ──▶ rule b ──▶ happened        in the order of the rules' ids, each sees what the last one left
                    │          │
                    ▼          ▼
               active? matches? chance? limits? changed?   =   evaluated ≥ matched ≥ selected ≥ injected

One writer calls it, but for `listens` and `glance`, which any thread does. What decides is what the database says, held
between groups; what a group adds to it is kept apart until the group is durable, so a group that fails leaves no trace.
Beside that are counts that decide nothing and wait to be written, and the numbers of events that come without one.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

import structlog
from sqlalchemy import Connection

from mocklend.domain.finding import Finding
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import EntryStatus
from mocklend.sandboxes.ids import make_id
from mocklend.seams import SEAMS, ApiAnswer, Consequence, Given, LayerBroke, Scene, Seam, Unmet, Write
from mocklend.storage.stores import rows
from mocklend_faults.engine import journal
from mocklend_faults.engine.answer_key import ONCE, UNDONE, WITHSTOOD, Entry, entries
from mocklend_faults.engine.at_seam import AtSeam, Compiled
from mocklend_faults.engine.catalogue import Catalogue, installed, named
from mocklend_faults.engine.counting import Passed, Tally, rule_rows, seam_rows, tallies
from mocklend_faults.engine.fault import Fault, method_of
from mocklend_faults.engine.numbering import Numbers
from mocklend_faults.engine.observed import Explained, explain
from mocklend_faults.engine.rules import Rule
from mocklend_faults.engine.selection import Counts
from mocklend_faults.engine.trail import (
    CHANGED_NOTHING,
    GLANCES_MOST,
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

log = structlog.get_logger()

PASSED_MOST = 1_000
"""With so many events that wait to be counted, a sandbox's next group writes them. See `counting`."""

NEVER_ARMED = 0
"""The rules' version of a sandbox that never had a rule."""


class FaultBroke(LayerBroke):
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
    lies: bool = False  # whether any entry may be open
    waiting: int = 0  # events that were met at all of its seams, and are not written yet

    def take_waiting(self) -> dict[tuple[str, int], int]:
        """These events, where rules were passed over for them. To be called with the layer's lock."""
        self.waiting = 0
        taken = {}
        for here in self.by_seam.values():
            if here.waiting and here.passed_over:
                taken[(here.seam, self.version)] = here.waiting
            here.waiting = 0
        return taken


@dataclass(slots=True)
class Group:
    """What the running group of commands has done so far."""

    sandboxes: set[str] = field(default_factory=set)
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    glanced: dict[tuple[str, str, int], Tally] = field(default_factory=dict)
    passed: Passed = field(default_factory=dict)  # what it writes of the events that waited
    connection: Connection | None = None
    looked_for_lies: set[str] = field(default_factory=set)  # the sandboxes where it has
    open: dict[tuple[str, str], dict[str, Opened]] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # by fault, for the metrics


class FaultLayer:
    """The rules of all sandboxes. Kinds come from the entry points, or are handed over."""

    def __init__(self, kinds: Iterable[type[Fault]] | None = None) -> None:
        self.catalogue: Catalogue = installed() if kinds is None else named(kinds)
        self._held: dict[str, Held] = {}
        self._armed: set[str] = set()
        self._group = Group()
        self.trail = Trail()
        self.outcomes: Counter[tuple[str, str]] = Counter()  # what has become of events, by fault: for the metrics
        self.glances: deque[Glanced] = deque(maxlen=GLANCES_MOST)  # events that no rule would touch
        self._known: set[str] = set()  # sandboxes whose rules, or lack of them, are as the database has them
        # What other threads than the writer's do: they count, and glance.
        self._lock = threading.Lock()
        self._numbers: dict[str, Numbers] = {}
        self._glanced: dict[tuple[str, str, int], Tally] = {}
        self._passed: Passed = {}  # of rules that have been replaced, and of groups that failed
        self._due: set[str] = set()  # sandboxes whose counts are to be written with their next group
        self._doubtful: set[str] = set()  # sandboxes of a group that failed: it may be in the database all the same
        self._gone: set[str] = set()  # sandboxes that were emptied: the writer forgets what is held of them

    # --- what the platform calls, see mocklend.seams.Layer ---

    def begin(self, connection: Connection, sandboxes: Iterable[tuple[str, int]]) -> None:
        """A new group: load the rules that have changed, forget what the last group did not commit."""
        self._put_back()
        self._forget_gone()
        self._group.connection = connection
        for sandbox_id, version in sandboxes:
            if version == NEVER_ARMED:
                if sandbox_id in self._held:  # Another process has made it anew.
                    self._forget({sandbox_id})
                self._known.add(sandbox_id)
                continue
            self._group.sandboxes.add(sandbox_id)
            held = self._held.get(sandbox_id)
            if held is None or held.version != version or sandbox_id in self._doubtful:
                held = self._load(connection, sandbox_id, version)
                self._doubtful.discard(sandbox_id)
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
            self._gone.add(sandbox_id)

    def glance(self, given: Unmet) -> bool:
        """Whether a rule selects this event, as far as can be told without its limits.

        An event of the occurrence 0 is counted first and told its number. Where its time is not known, a rule that
        looks at it may select anything. A rule that counts events to know its limits has to see every match in its
        place.
        """
        held = self._held.get(given.sandbox_id)
        if held is None or (here := held.by_seam.get(given.seam)) is None:
            return False
        selected_by_none: Sequence[tuple[Compiled, bool]] = ()
        asked: tuple[Asked, ...] = ()
        if to_ask := here.to_ask(given):
            with self._lock:
                self._number(here, given)
            looks = _looked_at(given, to_ask)
            if looks is None:
                return True
            selected_by_none, asked = looks
        with self._lock:
            self._number(here, given)
            self.glances.append(Glanced(given, asked, here, next(NTH)))
            current = self._held.get(given.sandbox_id)
            if current is held:
                here.waiting += 1
                held.waiting += 1
                if held.waiting >= PASSED_MOST:
                    self._due.add(given.sandbox_id)
            elif current is not None:  # The rules were replaced just now, and what waited was taken.
                self._still_to_write(given.sandbox_id, {(here.seam, held.version): 1})
            if current is not None:
                self._count_glanced(given.sandbox_id, selected_by_none)
        return False

    @staticmethod
    def _number(here: AtSeam, given: Unmet) -> None:
        """Tell an event its occurrence, unless it has one. To be called with the lock."""
        if not given.occurrence:
            assert here.numbers is not None, f"whoever meets {given.seam} numbers it"
            given.occurrence = here.numbers.next(given.entity)

    def act(self, scene: Scene, given: Given) -> tuple[Given, Sequence[Write]]:
        """What really happens, and the rows that put each injection on record."""
        sandbox_id = scene.sandbox_id
        here = self._held[sandbox_id].by_seam.get(given.seam)
        if here is None:
            return given, ()
        to_ask = here.to_ask(given)
        happened, asked, writes = self._ask(scene, given, to_ask) if to_ask else (given, (), ())
        if writes and here.numbers is not None:
            with self._lock:
                here.numbers.strike(given.entity, given.occurrence)
        event = Event(scene, given, happened, asked, here, next(NTH))
        try:
            self._group.events[sandbox_id].append(event)
        except KeyError:
            self._group.events[sandbox_id] = [event]
        return happened, writes

    def _ask(
        self, scene: Scene, given: Given, to_ask: Sequence[Compiled]
    ) -> tuple[Given, tuple[Asked, ...], Sequence[Write]]:
        done = self._held[scene.sandbox_id].done
        happened = given
        trail: list[Injection] = []
        asked: list[Asked] = []
        for one in to_ask:
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
            self._group.outcomes[one.rule.fault.name, "matched"] += 1
            stopped = self._stopped_by(scene, done[one.rule.id], tally, one, happened)
            if stopped is not None:
                asked.append((one, happened, NOT_DRAWN if stopped == NOT_DRAWN else LIMITED, stopped))
                continue
            tally.selected += 1
            self._group.outcomes[one.rule.fault.name, "selected"] += 1
            changed = _changed(scene, one.rule, happened)
            if changed == happened:
                asked.append((one, happened, CHANGED_NOTHING, None))
                continue
            tally.injected += 1
            self._group.outcomes[one.rule.fault.name, "injected"] += 1
            tally.on_entity[given.entity] = tally.on_entity.get(given.entity, 0) + 1
            injection = Injection.of(scene, one.rule, given, happened, changed)
            trail.append(injection)
            asked.append((one, happened, INJECTED, injection.id))
            happened = changed
        return happened, tuple(asked), self._record(scene, trail) if trail else ()

    def heard(self, scene: Scene, signals: Sequence[str]) -> Sequence[Write]:
        """The rows that end whatever these signals end."""
        for (sandbox_id, _), opened in self._group.open.items():
            if sandbox_id == scene.sandbox_id:
                for injection, one in list(opened.items()):
                    if one.until_ms is not None and one.until_ms <= scene.now_ms:
                        continue  # It has ended by itself, and nothing brings it back.
                    statuses = {one.ends_on[signal] for signal in signals if signal in one.ends_on}
                    if statuses == {EntryStatus.ACTIVE}:
                        opened[injection] = replace(one, until_ms=None)
                    elif statuses:
                        del opened[injection]
        if not self._may_lie(scene.sandbox_id):
            return ()
        return [
            (journal.END, {"sandbox_id": scene.sandbox_id, "signal": signal, "now_ms": scene.now_ms})
            for signal in signals
        ]

    def _may_lie(self, sandbox_id: str) -> bool:
        """Whether an entry may be open. Where this process knows of none, another may have made one meanwhile."""
        held = self._held[sandbox_id]
        if not held.lies and sandbox_id not in self._group.looked_for_lies:
            assert self._group.connection is not None, "a group has begun"
            self._group.looked_for_lies.add(sandbox_id)
            held.lies = bool(rows(self._group.connection, journal.ANY_OPEN, {"sandbox_id": sandbox_id}))
        return held.lies

    def end(self) -> Sequence[Write]:
        """The group's counters."""
        group = self._group
        if not group.tallies and not self._glanced and not self._due:
            return ()
        counted: dict[tuple[str, str, int], Tally] = {}
        for (sandbox_id, rule_id), tally in group.tallies.items():
            counted.setdefault((sandbox_id, rule_id, self._held[sandbox_id].revisions[rule_id]), Tally()).add(tally)
        with self._lock:
            for key in [key for key in self._glanced if key[0] in group.sandboxes]:
                tally = group.glanced[key] = self._glanced.pop(key)
                counted.setdefault(key, Tally()).add(tally)
            for sandbox_id in self._due & group.sandboxes:
                self._due.discard(sandbox_id)
                self._still_to_write(sandbox_id, self._held[sandbox_id].take_waiting())
                group.passed[sandbox_id] = self._passed.pop(sandbox_id, {})
        return [*rule_rows(counted), *seam_rows(group.passed)]

    def committed(self) -> None:
        """What the group counted is in the database now."""
        group = self._group
        if not (group.events or group.tallies or group.glanced or group.passed or group.open):
            group.sandboxes.clear()  # Most groups did nothing here, and a new one would cost more than they did.
            group.looked_for_lies.clear()
            group.connection = None
            return
        self._group = Group()
        if group.outcomes:
            with self._lock:
                self.outcomes.update(group.outcomes)
        for (sandbox_id, rule_id), tally in group.tallies.items():
            self._held[sandbox_id].done.setdefault(rule_id, Tally()).add(tally)
        for sandbox_id, events in group.events.items():
            self.trail.add(sandbox_id, events)
            with self._lock:
                for event in events:
                    event.here.waiting += 1
                held = self._held[sandbox_id]
                held.waiting += len(events)
                if held.waiting >= PASSED_MOST:
                    self._due.add(sandbox_id)

    def closing(self) -> Sequence[Write]:
        """What was counted and is in the database not yet."""
        self._put_back()
        self._forget_gone()
        with self._lock:
            for sandbox_id, held in self._held.items():
                self._still_to_write(sandbox_id, held.take_waiting())
            passed, self._passed = self._passed, {}
            glanced, self._glanced = self._glanced, {}
        return [*rule_rows(glanced), *seam_rows(passed)]

    # --- what the control plane and the audit read ---

    def answer_key(self, connection: Connection, sandbox_id: str, now_ms: int, **filters: str | None) -> list[Entry]:
        """The answer key in the caller's snapshot; `filters` are those of `answer_key.entries`."""
        return entries(connection, sandbox_id, now_ms, **filters)

    def events_of(self, sandbox_id: str) -> list[Event]:
        """The latest events of a sandbox, the oldest first."""
        with self._lock:
            glances = [one.event() for one in self.glances if one.given.sandbox_id == sandbox_id]
        return sorted((*self.trail.of(sandbox_id), *glances), key=lambda event: event.n)

    def write_counts(self, sandbox_id: str) -> bool:
        """Have the sandbox's next group write all that is counted in memory. False where it never had a rule."""
        with self._lock:
            if sandbox_id not in self._held:
                return False
            self._due.add(sandbox_id)
        return True

    def explain_audit(self, discrepancies: Sequence[Finding], key: Iterable[Entry]) -> Explained:
        """Which injection explains which discrepancy, and which open entries nothing shows."""
        return explain(discrepancies, key)

    def counted_outcomes(self) -> Counter[tuple[str, str]]:
        """How many events each fault's rules matched, selected and changed, in this process."""
        with self._lock:
            return self.outcomes.copy()

    # --- inside ---

    def _put_back(self) -> None:
        """Where the last group failed, what it was to write is still to be written."""
        if not self._group.sandboxes:
            return
        failed, self._group = self._group, Group()
        # A connection that ends during a commit leaves open which of the two it was. So the database is asked.
        self._doubtful |= failed.sandboxes
        with self._lock:
            for key, tally in failed.glanced.items():
                self._glanced.setdefault(key, Tally()).add(tally)
            for sandbox_id, passed in failed.passed.items():
                self._still_to_write(sandbox_id, passed)

    def _forget_gone(self) -> None:
        """Forget the sandboxes that were emptied."""
        if self._gone:
            with self._lock:
                gone, self._gone = self._gone, set()
            self._forget(gone)

    def _forget(self, gone: set[str]) -> None:
        """Forget all that is held of these sandboxes: between groups, for a running one relies on it."""
        with self._lock:
            for sandbox_id in gone:
                self._held.pop(sandbox_id, None)
                self._numbers.pop(sandbox_id, None)
                self._passed.pop(sandbox_id, None)
            self._due -= gone
            self._glanced = {key: tally for key, tally in self._glanced.items() if key[0] not in gone}
        self._armed -= gone
        for sandbox_id in gone:
            self._forget_events(sandbox_id)

    def _forget_events(self, sandbox_id: str) -> None:
        self.trail.forget(sandbox_id)
        with self._lock:
            kept = [one for one in self.glances if one.given.sandbox_id != sandbox_id]
            self.glances = deque(kept, GLANCES_MOST)

    def _count_glanced(self, sandbox_id: str, passed: Iterable[tuple[Compiled, bool]]) -> None:
        """These rules were asked, and selected nothing. To be called with the lock."""
        for one, matches in passed:
            key = (sandbox_id, one.rule.id, one.rule.revision)
            tally = self._glanced.get(key)
            if tally is None:
                tally = self._glanced[key] = Tally()
            tally.evaluated += not one.passes_over
            tally.matched += matches

    def _still_to_write(self, sandbox_id: str, passed: Mapping[tuple[str, int], int]) -> None:
        """These were counted, and are to be written with the sandbox's next group. To be called with the lock."""
        if passed:
            left = self._passed.setdefault(sandbox_id, {})
            for at, count in passed.items():
                left[at] = left.get(at, 0) + count
            self._due.add(sandbox_id)

    def _load(self, connection: Connection, sandbox_id: str, version: int) -> Held:
        where = {"sandbox_id": sandbox_id}
        stored = stored_of(connection, sandbox_id)
        if not stored:
            self._forget_events(sandbox_id)  # The sandbox was reset: the same ids may mean another story.
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
        here = held.by_seam.get(ApiAnswer.seam)
        if here is not None:  # Its events come without a number.
            if sandbox_id not in self._numbers:
                of_seam = where | {"seam": ApiAnswer.seam}
                struck = dict(map(tuple, rows(connection, journal.LAST_OCCURRENCES, of_seam)))
                self._numbers[sandbox_id] = Numbers(struck)
            here.numbers = self._numbers[sandbox_id]
        held.lies = bool(rows(connection, journal.ANY_OPEN, where))
        with self._lock:
            if (before := self._held.get(sandbox_id)) is not None:
                self._still_to_write(sandbox_id, before.take_waiting())
            self._held[sandbox_id] = held
        self._armed.discard(sandbox_id)
        if on or held.lies:
            self._armed.add(sandbox_id)
        return held

    def _stopped_by(self, scene: Scene, before: Tally, now: Tally, one: Compiled, given: Any) -> str | None:
        """What keeps the rule from taking this event: NOT_DRAWN, a limit, or nothing."""
        rule = one.rule
        if not _drawn(scene.seed, one, given, scene.now_ms):
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
            self._held[scene.sandbox_id].lies = True
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
            return EntryStatus.MASKED, UNDONE
        if self.consequence.withstood is not None:
            return EntryStatus.MASKED, f"{WITHSTOOD}:{self.consequence.withstood}"
        return (EntryStatus.HEALED, ONCE) if self.over else (EntryStatus.ACTIVE, None)

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
    """The rules that can act. One whose kind is not installed here cannot, and is left out.

    Nor can one that an earlier version took and this one refuses: that is logged, and the other rules act.
    """
    found = []
    for one in stored:
        if one["rule"]["fault"] not in catalogue:
            continue
        try:
            found.append(Rule.from_stored(one, catalogue))
        except Refused as refused:
            log.warning("a stored rule is refused and does not act", rule=one["id"], why=str(refused))
    return found


def _compiled(rules: Sequence[Rule], version: int) -> dict[str, AtSeam]:
    at = {seam: [rule for rule in rules if seam in rule.fault.seams()] for seam in SEAMS}
    return {seam: AtSeam(seam, there, version) for seam, there in at.items() if there}


def _looked_at(
    given: Unmet, to_ask: Iterable[Compiled]
) -> tuple[list[tuple[Compiled, bool]], tuple[Asked, ...]] | None:
    """The rules that do not select an event, with whether they match, and how far it comes; None where one may."""
    passed: list[tuple[Compiled, bool]] = []
    asked: list[Asked] = []
    for one in to_ask:
        if given.now_ms is None:
            if not one.timeless:
                return None
        elif not one.open(given.now_ms):
            asked.append((one, given, WINDOW_CLOSED, None))
            continue
        matches = one.matches(given)
        if matches and (one.limited or _drawn(given.seed, one, given, given.now_ms or 0)):
            return None
        passed.append((one, matches))
        asked.append((one, given, NOT_DRAWN if matches else NOT_MATCHED, None))
    return passed, tuple(asked)


def _drawn(seed: int, one: Compiled, given: Seam | Unmet, now_ms: int) -> bool:
    """What chance says: the same whenever and wherever it is asked."""
    return one.rule.select.drawn(
        seed=seed,
        rule=one.rule.id,
        seam=given.seam,
        entity=given.entity,
        occurrence=given.occurrence,
        threshold=None if one.threshold is None else one.threshold(now_ms),
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
            f"occurrence {given.occurrence}, seed {scene.seed}: {_in_a_line(error)}"
        ) from error
    return changed


def _in_a_line(error: Exception) -> str:
    """The error as one short line, also where its own text is long, has lines, or cannot be had."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "its text cannot be had"
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


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
