"""What the fault layer does within one group of commands, which is committed as a whole or thrown away.

        event ──▶ rule a ──▶ rule b ──▶ outcome         in the order of the rules' ids, each sees what the last one left
                    │          │
                    ▼          ▼
               active? matches? chance? limits? changed?   =   evaluated ≥ matched ≥ selected ≥ injected

What decides is what the database says, as it was loaded, and what this group has added. Nothing that others see changes
before `commit`, so a group that failed needs no undoing: its successor loads the counts of the database anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

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
from mocklend_faults.engine.selection import Counts
from mocklend_faults.engine.trail import (
    CHANGED_NOTHING,
    INJECTED,
    LIMITED,
    NOT_DRAWN,
    NOT_MATCHED,
    NTH,
    WINDOW_CLOSED,
    Asked,
    Event,
    Trail,
)

NUMBERED = ApiAnswer.seam
"""Where events come without a number: see `numbering`."""
NOTHING = Unwritten()


class FaultGroup:
    """One group, over all of its sandboxes. See `mocklend.seams.LayerGroup`."""

    __slots__ = ("_met",)

    def __init__(self, met: Mapping[str, SandboxGroup]) -> None:
        self._met = met

    def armed(self, sandbox_id: str) -> bool:
        """Whether there is a rule that is on, or an entry that may end."""
        met = self._met.get(sandbox_id)
        return met is not None and met.rules.armed

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        """What really happens, and the rows that put each injection on record."""
        return self._met[context.sandbox_id].at(context, event)

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        """The rows that end whatever these signals end."""
        return self._met[context.sandbox_id].on_signals(context, signals)

    def finish(self) -> Sequence[Write]:
        """The group's counters, in the order in which every process writes them."""
        if not self._met:
            return ()
        return count_rows([(sandbox_id, self._met[sandbox_id].finish()) for sandbox_id in sorted(self._met)])

    def commit(self) -> None:
        """The group is durable: what it counted is in the database now."""
        for one in self._met.values():
            one.commit()


class SandboxGroup:
    """What one group does in one sandbox."""

    __slots__ = (
        "_events",
        "_looked_for_open",
        "_open",
        "_outcomes",
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
        self._looked_for_open = False
        self._open = {rule_id: open_injections(self._reader, rule_id) for rule_id in rules.capped}

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        """What really happens, and the rows that put each injection on record."""
        index = self.rules.indexes.get(event.seam)
        if index is None:
            return event, ()
        outcome = event
        asked: tuple[Asked, ...] = ()
        writes: Sequence[Write] = ()
        if candidates := index.candidates(event):
            outcome, asked, injections = self._decide(context, event, candidates)
            if injections:
                writes = self._record(context, injections)
                if event.seam == NUMBERED and self.rules.numbers is not None:
                    self.rules.numbers.strike(event.entity, event.occurrence)
        self._events.append(Event(context, event, outcome, asked, index, next(NTH)))
        return outcome, writes

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        """The rows that end whatever these signals end."""
        for opened in self._open.values():
            for injection, one in list(opened.items()):
                if one.until_ms is not None and one.until_ms <= context.now_ms:
                    continue  # It has ended by itself, and nothing brings it back.
                statuses = {one.ends_on[signal] for signal in signals if signal in one.ends_on}
                if statuses == {EntryStatus.ACTIVE}:
                    opened[injection] = replace(one, until_ms=None)
                elif statuses:
                    del opened[injection]
        if not self._may_have_open():
            return ()
        return [
            (journal.END, {"sandbox_id": self.sandbox_id, "signal": signal, "now_ms": context.now_ms})
            for signal in signals
        ]

    def finish(self) -> Unwritten:
        """What rules were asked by this group and by requests before it, and the events that they were skipped for."""
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
        """What was counted is durable."""
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
    ) -> tuple[SeamEvent, tuple[Asked, ...], list[Injection]]:
        outcome = event
        injections: list[Injection] = []
        asked: list[Asked] = []
        for candidate in candidates:
            if not candidate.open(context.now_ms):
                asked.append((candidate, outcome, WINDOW_CLOSED, None))
                continue
            rule = candidate.rule
            tally = self._tallies.get(rule.id)
            if tally is None:
                tally = self._tallies[rule.id] = Tally()
            tally.evaluated += not candidate.skippable  # Else it is counted with all that happens here.
            if not candidate.matches(outcome):
                asked.append((candidate, outcome, NOT_MATCHED, None))
                continue
            tally.matched += 1
            self._came(rule.fault.name, "matched")
            stopped = self._stopped_by(context, tally, candidate, outcome)
            if stopped is not None:
                asked.append((candidate, outcome, NOT_DRAWN if stopped == NOT_DRAWN else LIMITED, stopped))
                continue
            tally.selected += 1
            self._came(rule.fault.name, "selected")
            after = changed(context, rule, outcome)
            if after == outcome:
                asked.append((candidate, outcome, CHANGED_NOTHING, None))
                continue
            tally.injected += 1
            self._came(rule.fault.name, "injected")
            tally.on_entity[event.entity] = tally.on_entity.get(event.entity, 0) + 1
            injection = Injection.of(context, rule, event, outcome, after)
            injections.append(injection)
            asked.append((candidate, outcome, INJECTED, injection.id))
            outcome = after
        return outcome, tuple(asked), injections

    def _came(self, fault: str, how_far: str) -> None:
        self._outcomes[fault, how_far] = self._outcomes.get((fault, how_far), 0) + 1

    def _stopped_by(self, context: EventContext, now: Tally, one: CompiledRule, event: Any) -> str | None:
        """What keeps the rule from taking this event: NOT_DRAWN, a limit, or nothing."""
        rule = one.rule
        if not drawn(context.seed, one, event, context.now_ms):
            return NOT_DRAWN
        if not one.limited:
            return None
        before = self.rules.done[rule.id]
        opened = self._open.get(rule.id, {}).values()
        counts = Counts(
            matched=before.matched + now.matched - 1,  # this event is counted already
            injected=before.injected + now.injected,
            injected_on_entity=before.on_entity.get(event.entity, 0) + now.on_entity.get(event.entity, 0),
            active=sum(lie.until_ms is None or lie.until_ms > context.now_ms for lie in opened),
        )
        return rule.select.stopped_by(counts)

    def _record(self, context: EventContext, injections: Sequence[Injection]) -> list[Write]:
        """The rows of one event's injections. A later one ends what an earlier one did to the same fields."""
        writes: list[Write] = []
        for n, injection in enumerate(injections):
            ended = replaced_by(injection, injections[:n])
            writes += injection.writes(context, ended)
            if not (injection.over or injection.undone):
                self.rules.may_have_open = True
                self._hold_open(injection, ended)
        return writes

    def _hold_open(self, injection: Injection, ended: set[tuple[str, str]]) -> None:
        for rule_id, opened in self._open.items():
            for id in [id for id, one in opened.items() if (one.finding_class, one.finding_entity) in ended]:
                del opened[id]
            if rule_id == injection.rule.id:
                opened[injection.id] = injection.opened

    def _may_have_open(self) -> bool:
        """Whether an entry may be open. Where this process knows of none, another may have made one meanwhile."""
        if not self.rules.may_have_open and not self._looked_for_open:
            self._looked_for_open = True
            self.rules.may_have_open = self._reader.exists(journal.ANY_OPEN)
        return self.rules.may_have_open
