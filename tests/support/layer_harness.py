"""The fault layer in a platform of one sandbox, whose writer is a few lines long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from mocklend.seams.seam import EventContext, SeamEvent, Write
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.storage.engines import reading, writing
from mocklend.storage.snapshot import SandboxReader, Snapshot, load_all
from mocklend.storage.statements import flush
from mocklend.storage.stores import STORES
from mocklend.storage.work import Answer, Command, Sandbox, Work
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.answer_key import Entry
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.counting import tallies
from mocklend_faults.engine.loaded_rules import stored_of, usable
from mocklend_faults.engine.rules import Rule
from support.events import MONDAY_MS, example

DRIFT, LAG, DROP = "amount.rounding_drift", "cache.bounded_stale", "callback.dropped"
SLIP, MARK, DOWN = "operator.wrong_amount", "operator.marked_overdue", "outage.write_only"
ANSWER = "api.answer"


def loans(count: int) -> list[ViewRefresh]:
    """The first refresh of each of so many loans: loan_0, loan_1, …"""
    return [example(ViewRefresh, entity=f"loan_{n}", loan_id=f"loan_{n}") for n in range(count)]


@dataclass
class LayerHarness:
    """A platform of one sandbox whose writer is ten lines long; layer, tables and statements are the real ones."""

    engine: Engine
    layer: FaultLayer
    now_ms: int = MONDAY_MS
    counters: Sequence[Write] = ()  # of the last group
    sandbox: Sandbox = field(
        default_factory=lambda: Sandbox("sbx", "key", 7, "UTC", "manual", MONDAY_MS, 0, 0, 0, (), MONDAY_MS)
    )

    @property
    def context(self) -> EventContext:
        return EventContext(self.sandbox.id, self.sandbox.seed, self.now_ms)

    def arm(self, id: str, fault: str, **rule: object) -> Answer:
        return self.run(PutRule(self.sandbox.id, Rule.from_json(id, {"fault": fault, **rule}, self.layer.catalogue)))

    def run(self, command: Command) -> Answer:
        with writing(self.engine) as connection:
            loaded = load_all(connection, [(self.sandbox.id, key) for key in command.needs()])
            work = Work(self.sandbox, self.now_ms, {key: value for (_, key), value in loaded.items()})
            answer: Answer = command.decide(work)
            for key, put in work.puts.items():
                if key[0] == "sandbox":
                    self.sandbox = put
                    continue
                store = STORES[key[0]]
                stored = loaded[(self.sandbox.id, key)]
                if stored is None:
                    flush(connection, (), {store.insert: [store.new_row(self.sandbox.id, put)]})
                elif (update := store.update([(self.sandbox.id, stored, put)])) is not None:
                    flush(connection, (), {update[0]: update[1]})
        return answer

    def group(self, *steps: SeamEvent | tuple[str, ...] | int, fail: bool = False) -> list[SeamEvent]:
        """Events, signals (tuples of text) and seconds that pass, committed together. Returns what happened at the
        events."""
        outcome: list[SeamEvent] = []
        try:
            with writing(self.engine) as connection:
                group = self.layer.group(connection, [(self.sandbox.id, self.sandbox.rules_version)])
                for step in steps:
                    if isinstance(step, int):
                        self.later(step)
                    elif isinstance(step, tuple):
                        if group.armed(self.sandbox.id):
                            flush(connection, group.on_signals(self.context, step))
                    elif not group.armed(self.sandbox.id):
                        outcome.append(step)
                    else:
                        result, writes = group.at(self.context, step)
                        flush(connection, writes)
                        outcome.append(result)
                self.counters = group.finish()
                flush(connection, self.counters)
                if fail:
                    raise ConnectionError("the power is cut before the commit")
        except ConnectionError:
            return outcome
        group.commit()
        return outcome

    def armed(self, sandbox_id: str) -> bool:
        """Whether the layer has rules at a seam for the next group."""
        with writing(self.engine) as connection:
            return self.layer.group(connection, [(self.sandbox.id, self.sandbox.rules_version)]).armed(sandbox_id)

    def meet(self, event: SeamEvent) -> SeamEvent:
        return self.group(event)[0]

    def hear(self, *signals: str) -> None:
        self.group(signals)

    def later(self, seconds: int) -> None:
        self.now_ms += seconds * 1000

    def key(self, **filters: str | None) -> list[Entry]:
        with reading(self.engine) as connection:
            return self.layer.answer_key(Snapshot(connection, self.sandbox, self.now_ms), **filters)

    def statuses(self) -> list[str]:
        return [entry.status for entry in self.key()]

    def counted(self, rule: str) -> tuple[int, int, int, int]:
        """Evaluated, matched, selected, injected: as the database has them, once they are wanted."""
        if self.layer.write_counts(self.sandbox.id):
            self.group()
        with reading(self.engine) as connection:
            reader = SandboxReader(connection, self.sandbox.id)
            stored = stored_of(reader)
            of_rule = tallies(reader, stored, usable(stored, self.layer.catalogue))[rule]
        return of_rule.evaluated, of_rule.matched, of_rule.selected, of_rule.injected
