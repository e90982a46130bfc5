"""The fault layer as the platform meets it: what is durable of it, and what any thread may ask.

        commands ─▶ writer ─▶ group() ─▶ at, on_signals ─▶ finish ─▶ the platform's commit ─▶ commit
        request  ─▶ may_affect() ─ no ─▶ counted, and kept for `explain`; no command is made of it

What it holds is what the database says; each part has a lock of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from mocklend.domain.finding import Finding
from mocklend.seams.seam import PendingEvent, Write
from mocklend.storage.snapshot import Snapshot
from mocklend_faults.engine.answer_key import Entry, entries
from mocklend_faults.engine.catalogue import Catalogue, installed, named
from mocklend_faults.engine.counters import Outcomes, Unwritten, count_rows
from mocklend_faults.engine.deciding import unselected
from mocklend_faults.engine.fault import Fault
from mocklend_faults.engine.group import FaultGroup, SandboxGroup
from mocklend_faults.engine.loaded_rules import RulesInMemory
from mocklend_faults.engine.observed import AuditMatch, explain
from mocklend_faults.engine.rules import rule_schema
from mocklend_faults.engine.trail import NTH, Event, SkippedRequest, Trail

HONEST = FaultGroup({})
"""A group in which no sandbox ever had a rule."""


class FaultLayer:
    """The rules of all sandboxes. Kinds come from the entry points, or are handed over. See `mocklend.seams.Layer`."""

    def __init__(self, kinds: Iterable[type[Fault]] | None = None) -> None:
        self.catalogue: Catalogue = installed() if kinds is None else named(kinds)
        self.trail = Trail()
        self._outcomes = Outcomes()
        self._rules = RulesInMemory(self.catalogue, self.trail.forget)

    @staticmethod
    def rule_schema() -> dict[str, Any]:
        """The JSON Schema of a rule, with the kinds that are installed and the settings of each."""
        return rule_schema(installed())

    # --- within the platform's commits ---

    def group(self, connection: Connection, sandboxes: Iterable[tuple[str, int]]) -> FaultGroup:
        """A new group, with the rules of its sandboxes, given as (id, version of its rules)."""
        if self._rules.reset:
            self._rules.drop_reset()
        met: dict[str, SandboxGroup] = {}
        for sandbox_id, version in sandboxes:
            rules = self._rules.for_group(connection, sandbox_id, version)
            if rules is not None:
                met[sandbox_id] = SandboxGroup(connection, sandbox_id, rules, self.trail, self._outcomes)
        return FaultGroup(met) if met else HONEST

    def drain(self) -> Sequence[Write]:
        """What was counted and is in the database not yet: the platform stops."""
        self._rules.drop_reset()
        left: list[tuple[str, Unwritten]] = []
        for sandbox_id, counters in self._rules.counters():
            counts = counters.unwritten(all_seams=True)
            counters.written(counts)  # There is no second try.
            left.append((sandbox_id, counts))
        return count_rows(left)

    def invalidate_rules(self, sandbox_id: str) -> None:
        """A group that is durable has changed the sandbox's rules; its next command loads them."""
        self._rules.invalidate(sandbox_id)

    def sandbox_reset(self, sandbox_id: str) -> None:
        """Nothing that was counted in this sandbox is there any more: its story begins anew, or is over."""
        self._rules.forget_soon(sandbox_id)

    # --- what is asked of a request, before there is a command ---

    def has_rules_at(self, sandbox_id: str, seam: str) -> bool | None:
        """Whether a rule is at this seam. None where the rules are yet to be loaded: any command does that."""
        if sandbox_id not in self._rules.current:
            return None
        rules = self._rules.loaded.get(sandbox_id)
        return rules is not None and seam in rules.indexes

    def may_affect(self, event: PendingEvent) -> bool:
        """Whether a rule selects this event, as far as can be told without its limits.

        An event of the occurrence 0 is counted first and told its number. Raises ValueError where its seam counts none.
        """
        rules = self._rules.loaded.get(event.sandbox_id)
        if rules is None or (index := rules.indexes.get(event.seam)) is None:
            return False
        if not event.occurrence:
            if rules.numbers is None:
                raise ValueError(f"whoever meets {event.seam} numbers it")
            rules.numbers.number(event)
        found = unselected(event, candidates) if (candidates := index.candidates(event)) else ((), ())
        if found is None:
            return True
        looked, asked = found
        self.trail.add_skipped(SkippedRequest(event, asked, index, next(NTH)))
        rules.counters.count_request(index, looked)
        return False

    # --- what the control plane and the audit read ---

    def answer_key(self, snapshot: Snapshot, **filters: str | None) -> list[Entry]:
        """The answer key in a snapshot; `filters` are those of `answer_key.entries`."""
        return entries(snapshot, **filters)

    def explain_audit(self, snapshot: Snapshot, discrepancies: Sequence[Finding]) -> AuditMatch:
        """Which injection explains which discrepancy in a snapshot, and which open entries nothing shows."""
        return explain(discrepancies, entries(snapshot))

    def events_of(self, sandbox_id: str) -> list[Event]:
        """The latest events of a sandbox, the oldest first."""
        return self.trail.of(sandbox_id)

    def write_counts(self, sandbox_id: str) -> bool:
        """Have the sandbox's next group write all that is counted in memory. False where it never had a rule."""
        rules = self._rules.loaded.get(sandbox_id)
        if rules is not None:
            rules.counters.write_soon()
        return rules is not None

    def counted_outcomes(self) -> Counter[tuple[str, str]]:
        """How many events each fault's rules matched, selected and changed, in this process."""
        return self._outcomes.copy()
