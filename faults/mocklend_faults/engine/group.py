"""The fault layer within one group of commands, which is committed as a whole or thrown away.

        event ──▶ rule a ──▶ rule b ──▶ outcome         in the order of the rules' ids, each gets the event of the last
                    │          │
                    ▼          ▼
               active? matches? drawn? limits? changed?   =   evaluated ≥ matched ≥ selected ≥ injected

A decision depends on the database as it was loaded and on what this group has added. Nothing that other groups see
changes before `commit`, so a failed group needs no undo: the next group loads the counts of the database again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from mocklend.domain.statuses import EntryStatus
from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.seam import EventContext, SeamEvent, Write
from mocklend.storage.snapshot import SandboxReader
from mocklend_faults.engine import journal
from mocklend_faults.engine.counters import Outcomes, Unwritten, count_rows
from mocklend_faults.engine.counting import Tally
from mocklend_faults.engine.deciding import changed, drawn
from mocklend_faults.engine.injection import Injection, open_injections, replaced_by
from mocklend_faults.engine.loaded_rules import LoadedRules
from mocklend_faults.engine.rule_index import CompiledRule
from mocklend_faults.engine.rules import Rule
from mocklend_faults.engine.selection import Counts
from mocklend_faults.engine.trail import (
    CHANGED_NOTHING,
    INJECTED,
    LIMITED,
    NOT_DRAWN,
    NOT_MATCHED,
    SEQUENCE,
    WINDOW_CLOSED,
    Event,
    RuleResult,
    Trail,
)

NUMBERED = ApiAnswer.seam
"""The seam whose events come without a sequence number: see `numbering`."""
NOTHING = Unwritten()


class FaultGroup:
    """One group, over all of its sandboxes. See `mocklend.seams.LayerGroup`."""

    __slots__ = ("_groups",)

    def __init__(self, groups: Mapping[str, SandboxGroup]) -> None:
        self._groups = groups

    def armed(self, sandbox_id: str) -> bool:
        """Whether a rule is on, or an entry of the answer key may end."""
        group = self._groups.get(sandbox_id)
        return group is not None and group.rules.armed

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        """The event as the rules change it, and the rows of its injections."""
        return self._groups[context.sandbox_id].at(context, event)

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        """The rows that end the injections that these signals end."""
        return self._groups[context.sandbox_id].on_signals(context, signals)

    def finish(self) -> Sequence[Write]:
        """The rows of the group's counts, in the same order in every process, against deadlocks."""
        if not self._groups:
            return ()
        return count_rows([(sandbox_id, self._groups[sandbox_id].finish()) for sandbox_id in sorted(self._groups)])

    def commit(self) -> None:
        """The group is durable: its counts are in the database now."""
        for group in self._groups.values():
            group.commit()


class SandboxGroup:
    """One group in one sandbox."""

    __slots__ = (
        "_events",
        "_on_entity",
        "_open",
        "_outcomes",
        "_read_open",
        "_reader",
        "_tallies",
        "_trail",
        "_unwritten",
        "_when_durable",
        "rules",
        "sandbox_id",
    )

    def __init__(
        self, connection: Connection, sandbox_id: str, rules: LoadedRules, trail: Trail, outcomes: Outcomes
    ) -> None:
        self.sandbox_id = sandbox_id
        self.rules = rules
        self._unwritten = NOTHING
        self._reader = SandboxReader(connection, sandbox_id)
        self._trail = trail
        self._when_durable = outcomes
        self._outcomes: dict[tuple[str, str], int] = {}
        self._tallies: dict[str, Tally] = {}
        self._events: list[Event] = []
        self._read_open = False
        self._on_entity: dict[tuple[str, str], int] = {}
        self._open = {rule_id: open_injections(self._reader, rule_id) for rule_id in rules.capped}

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        """The event as the rules change it, and the rows of its injections."""
        index = self.rules.indexes.get(event.seam)
        if index is None:
            return event, ()
        outcome = event
        results: tuple[RuleResult, ...] = ()
        writes: Sequence[Write] = ()
        if candidates := index.candidates(event):
            outcome, results, injections = self._decide(context, event, candidates)
            if injections:
                writes = self._rows_of(context, injections)
                if event.seam == NUMBERED and self.rules.numbers is not None:
                    self.rules.numbers.keep(event.entity, event.occurrence)
        self._events.append(Event(context, event, outcome, results, index, next(SEQUENCE)))
        return outcome, writes

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        """The rows that end the injections that these signals end."""
        for of_rule in self._open.values():
            for id, injection in list(of_rule.items()):
                if injection.until_ms is not None and injection.until_ms <= context.now_ms:
                    continue  # It has ended by itself, which no signal changes.
                statuses = {injection.ends_on[signal] for signal in signals if signal in injection.ends_on}
                if statuses == {EntryStatus.ACTIVE}:
                    of_rule[id] = replace(injection, until_ms=None)
                elif statuses:
                    del of_rule[id]
        if not self._may_have_open():
            return ()
        return [
            (journal.END, {"sandbox_id": self.sandbox_id, "signal": signal, "now_ms": context.now_ms})
            for signal in signals
        ]

    def finish(self) -> Unwritten:
        """The counts of this group and of the requests before it, which the group's commit is to write."""
        if self.rules.counters.due:
            self._unwritten = self.rules.counters.unwritten()
        if not self._tallies:
            return self._unwritten
        counted = dict(self._unwritten.rules)
        for rule_id, tally in self._tallies.items():
            key = (rule_id, self.rules.revisions[rule_id])
            total = Tally()
            total.add(tally)
            if key in counted:
                total.add(counted[key])
            counted[key] = total
        return Unwritten(counted, self._unwritten.seams)

    def commit(self) -> None:
        """The group's counts are durable: add them to the totals that this process holds."""
        rules = self.rules
        rules.settled = True
        if self._unwritten is not NOTHING:
            rules.counters.written(self._unwritten)
        for rule_id, tally in self._tallies.items():
            rules.done.setdefault(rule_id, Tally()).add(tally)
        if self._outcomes:
            self._when_durable.add(self._outcomes)
        if self._events:
            self._trail.add(self.sandbox_id, self._events)
            rules.counters.count_events(event.rules for event in self._events)

    def _decide(
        self, context: EventContext, event: SeamEvent, candidates: Sequence[CompiledRule]
    ) -> tuple[SeamEvent, tuple[RuleResult, ...], list[Injection]]:
        outcome = event
        injections: list[Injection] = []
        results: list[RuleResult] = []
        for candidate in candidates:
            if not candidate.open(context.now_ms):
                results.append((candidate, outcome, WINDOW_CLOSED, None))
                continue
            rule = candidate.rule
            tally = self._tallies.get(rule.id)
            if tally is None:
                tally = self._tallies[rule.id] = Tally()
            tally.evaluated += not candidate.skippable  # A skippable rule is counted with all events of the seam.
            if not candidate.matches(outcome):
                results.append((candidate, outcome, NOT_MATCHED, None))
                continue
            tally.matched += 1
            self._count(rule.fault.name, "matched")
            stopped = self._stopped_by(context, tally, candidate, outcome)
            if stopped is not None:
                results.append((candidate, outcome, NOT_DRAWN if stopped == NOT_DRAWN else LIMITED, stopped))
                continue
            tally.selected += 1
            self._count(rule.fault.name, "selected")
            after = changed(context, rule, outcome)
            if after == outcome:
                results.append((candidate, outcome, CHANGED_NOTHING, None))
                continue
            tally.injected += 1
            self._count(rule.fault.name, "injected")
            tally.on_entity[event.entity] = tally.on_entity.get(event.entity, 0) + 1
            injection = Injection.of(context, rule, event, outcome, after)
            injections.append(injection)
            results.append((candidate, outcome, INJECTED, injection.id))
            outcome = after
        return outcome, tuple(results), injections

    def _count(self, fault: str, outcome: str) -> None:
        self._outcomes[fault, outcome] = self._outcomes.get((fault, outcome), 0) + 1

    def _stopped_by(self, context: EventContext, now: Tally, compiled: CompiledRule, event: SeamEvent) -> str | None:
        """Why the rule does not select this event: NOT_DRAWN, or the name of a limit; None if it does."""
        rule = compiled.rule
        if not drawn(context.seed, compiled, event, context.now_ms):
            return NOT_DRAWN
        if not compiled.limited:
            return None
        before = self.rules.done[rule.id]
        open_ones = self._open.get(rule.id, {}).values()
        counts = Counts(
            matched=before.matched + now.matched - 1,  # this event is counted already
            injected=before.injected + now.injected,
            injected_on_entity=self._before_on(rule, before, event.entity) + now.on_entity.get(event.entity, 0),
            active=sum(injection.until_ms is None or injection.until_ms > context.now_ms for injection in open_ones),
        )
        return rule.select.stopped_by(counts)

    def _before_on(self, rule: Rule, before: Tally, entity: str) -> int:
        """How many injections of a rule an entity had before this group."""
        if self.rules.on_entities_here or rule.select.times_per_entity is None:
            return before.on_entity.get(entity, 0)
        count = self._on_entity.get((rule.id, entity))
        if count is None:  # Read before this group's first injection there: each passes here first.
            count = self._on_entity[rule.id, entity] = self._reader.number(
                journal.ON_ONE_ENTITY, rule=rule.id, revision=rule.revision, entity=entity
            )
        return count

    def _rows_of(self, context: EventContext, injections: Sequence[Injection]) -> list[Write]:
        """The rows of one event's injections. A later one ends an earlier one that changed the same fields."""
        writes: list[Write] = []
        for n, injection in enumerate(injections):
            ended = replaced_by(injection, injections[:n])
            writes += injection.writes(context, ended)
            if not (injection.over or injection.undone):
                self.rules.may_have_open = True
                self._hold_open(injection, ended)
        return writes

    def _hold_open(self, injection: Injection, ended: set[tuple[str, str]]) -> None:
        for rule_id, of_rule in self._open.items():
            for id in [id for id, other in of_rule.items() if (other.finding_class, other.finding_entity) in ended]:
                del of_rule[id]
            if rule_id == injection.rule.id:
                of_rule[injection.id] = injection.opened

    def _may_have_open(self) -> bool:
        """Whether an entry may be open. If this process has opened none, another may have: that is read once."""
        if not self.rules.may_have_open and not self._read_open:
            self._read_open = True
            self.rules.may_have_open = self._reader.exists(journal.ANY_OPEN)
        return self.rules.may_have_open
