"""The fault layer as the platform uses it: groups within commits, and queries that any thread may call.

        commands ─▶ writer ─▶ group() ─▶ at, on_signals ─▶ finish ─▶ the platform's commit ─▶ commit
        request  ─▶ may_affect() ─ no ─▶ counted, and kept for `explain`; it becomes no command

Its state is a copy of what the database holds; each part has a lock of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from mocklend.domain.finding import Finding
from mocklend.domain.nouns import JsonObject
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.layer import Foreseen, LayerFigures, TracedInjection
from mocklend.seams.seam import EventContext, PendingEvent, SeamEvent, Write
from mocklend.storage.snapshot import Snapshot
from mocklend_faults.engine import journal
from mocklend_faults.engine.answer_key import Entry, KeyFilter, entries
from mocklend_faults.engine.catalogue import Catalogue, installed, named
from mocklend_faults.engine.counters import Outcomes, Unwritten, count_rows
from mocklend_faults.engine.counting import Tally
from mocklend_faults.engine.deciding import unselected
from mocklend_faults.engine.fault import Fault
from mocklend_faults.engine.foresight import foreseen
from mocklend_faults.engine.group import FaultGroup, SandboxGroup
from mocklend_faults.engine.loaded_rules import EntityNumber, RulesInMemory
from mocklend_faults.engine.observed import AuditMatch, explain
from mocklend_faults.engine.rules import StoredRule, rule_schema
from mocklend_faults.engine.traced import trace
from mocklend_faults.engine.trail import SEQUENCE, Event, SkippedRequest, Trail

OPEN_MAX = 10_000
"""How many open entries of a sandbox are counted."""
WITHOUT_RULES = FaultGroup({})
"""A group in which no sandbox ever had a rule."""


class FaultLayer:
    """The rules of all sandboxes. Without `kinds`, the kinds of the entry points. See `mocklend.seams.Layer`."""

    def __init__(self, kinds: Iterable[type[Fault]] | None = None) -> None:
        self._kinds = None if kinds is None else named(kinds)
        self.trail = Trail()
        self._outcomes = Outcomes()
        self._rules = RulesInMemory(lambda: self.catalogue, self.trail.forget)

    @property
    def catalogue(self) -> Catalogue:
        """The kinds by name. Those of the entry points are imported at first use. Raises BadKind."""
        return installed() if self._kinds is None else self._kinds

    @staticmethod
    def rule_schema() -> JsonObject:
        """The JSON Schema of a rule, with the installed kinds and their settings."""
        return rule_schema(installed())

    def share(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        """Other processes write the database, too: what decides is read from it, and requests are numbered there."""
        self._rules.transaction = transaction

    # --- within the platform's commits ---

    def group(self, connection: Connection, sandboxes: Iterable[tuple[str, int]]) -> FaultGroup:
        """A new group over sandboxes, each given as (id, version of its rules)."""
        if self._rules.reset:
            self._rules.drop_reset()
        groups: dict[str, SandboxGroup] = {}
        for sandbox_id, version in sandboxes:
            rules = self._rules.for_group(connection, sandbox_id, version)
            if rules is not None:
                groups[sandbox_id] = SandboxGroup(connection, sandbox_id, rules, self.trail, self._outcomes)
        return FaultGroup(groups) if groups else WITHOUT_RULES

    def drain(self) -> Sequence[Write]:
        """The rows of all counts that are not in the database yet. Called between groups only: see `Layer`."""
        self._rules.drop_reset()
        remaining: list[tuple[str, Unwritten]] = []
        for sandbox_id, counters in self._rules.counters():
            counts = counters.unwritten(all_seams=True)
            counters.written(counts)  # If writing fails, they are not written again.
            remaining.append((sandbox_id, counts))
        return count_rows(remaining)

    def invalidate_rules(self, sandbox_id: str) -> None:
        """A durable group has changed the sandbox's rules: the sandbox's next group loads them."""
        self._rules.invalidate(sandbox_id)

    def sandbox_reset(self, sandbox_id: str) -> None:
        """The sandbox was emptied or deleted: its counts and events are dropped."""
        self._rules.forget_soon(sandbox_id)

    # --- requests, before there is a command ---

    def has_rules_at(self, sandbox_id: str, seam: str) -> bool | None:
        """Whether a rule is at this seam. None if the rules are not loaded yet, which any command does."""
        if sandbox_id not in self._rules.current:
            return None
        rules = self._rules.loaded.get(sandbox_id)
        return rules is not None and seam in rules.indexes

    def compare_rules(self, sandbox_id: str, version: int) -> None:
        """The database has this version of a sandbox's rules: if another is loaded, its next command loads them."""
        if sandbox_id in self._rules.current and self._rules.version(sandbox_id) != version:
            self._rules.invalidate(sandbox_id)

    def loaded_version(self, sandbox_id: str) -> int | None:
        """The version of the rules by which `has_rules_at` answers. None if they are not loaded yet."""
        return self._rules.version(sandbox_id) if sandbox_id in self._rules.current else None

    def may_affect(self, event: PendingEvent) -> bool:
        """Whether a rule may select this event, its limits left out.

        An event with the occurrence 0 gets its sequence number first. Raises ValueError if its seam numbers no events,
        Unavailable if the number is counted in the database and that fails.
        """
        rules = self._rules.loaded.get(event.sandbox_id)
        if rules is None or (index := rules.indexes.get(event.seam)) is None:
            return False
        if not event.occurrence:
            if rules.numbers is None:
                raise ValueError(f"an event at {event.seam} needs its sequence number")
            rules.numbers.number(event)
        not_selected = unselected(event, candidates) if (candidates := index.candidates(event)) else ((), ())
        if not_selected is None:
            return True
        evaluated, results = not_selected
        self.trail.add_skipped(SkippedRequest(event, results, index, next(SEQUENCE)))
        rules.counters.count_request(index, evaluated)
        return False

    # --- what the control plane and the audit read ---

    def figures(self, snapshot: Snapshot) -> LayerFigures:
        """The figures of a sandbox's rules and answer key."""
        rules_on, total = self._rules.figures(snapshot)
        return LayerFigures(
            rules_on=rules_on,
            evaluated=total.evaluated,
            injected=total.injected,
            entries=snapshot.number(journal.INJECTED),
            open=min(snapshot.number(journal.OPEN_NOW, now_ms=snapshot.now_ms, most=OPEN_MAX), OPEN_MAX),
            open_max=OPEN_MAX,
        )

    def counted(self, snapshot: Snapshot) -> list[tuple[StoredRule, Tally]]:
        """The sandbox's rules with their counts, those included that are not written yet."""
        return self._rules.counted(snapshot)

    def wrong_loans(self, snapshot: Snapshot, after: str, most: int) -> Sequence[str]:
        """The loans after this id with an open entry, by id."""
        # Entries without a loan have the empty id.
        return snapshot.ids(journal.WRONG_LOANS, after=after, now_ms=snapshot.now_ms, most=most)

    def wrong_among(self, snapshot: Snapshot, loan_ids: Sequence[str]) -> Mapping[str, int]:
        """How many entries are open on each of these loans."""
        if not loan_ids:
            return {}
        counted = snapshot.rows_in(
            EntityNumber, journal.WRONG_AMONG, loan_ids, " GROUP BY loan_id", now_ms=snapshot.now_ms
        )
        return dict(counted)

    def answer_key(self, snapshot: Snapshot, **filters: str | None) -> list[Entry]:
        """The answer key in a snapshot; `filters` are the fields of `KeyFilter`."""
        return entries(snapshot, KeyFilter(**filters))

    def explain_audit(self, snapshot: Snapshot, discrepancies: Sequence[Finding]) -> AuditMatch:
        """Which injection explains each discrepancy in a snapshot, and the open entries without a discrepancy."""
        return explain(discrepancies, entries(snapshot, KeyFilter(status=EntryStatus.ACTIVE)))

    def trace(
        self, snapshot: Snapshot, loan_id: str, discrepancies: Sequence[Finding]
    ) -> tuple[Sequence[TracedInjection], Sequence[str | None]]:
        """The injections about a loan, and which of them explains each of its discrepancies."""
        return trace(snapshot, self.catalogue, loan_id, discrepancies)

    def certain(self, snapshot: Snapshot, events: Sequence[SeamEvent]) -> Sequence[Foreseen[SeamEvent]]:
        """What the rules that act on every such event make of each event now."""
        context = EventContext(snapshot.sandbox_id, snapshot.sandbox.seed, snapshot.now_ms)
        return foreseen(context, self._rules.armed_in(snapshot), events)

    def events_of(self, sandbox_id: str) -> list[Event]:
        """The latest events of a sandbox, oldest first."""
        return self.trail.of(sandbox_id)

    def write_counts(self, sandbox_id: str) -> bool:
        """Let the sandbox's next group write all counts that are in memory. False if the sandbox never had a rule."""
        rules = self._rules.loaded.get(sandbox_id)
        if rules is not None:
            rules.counters.write_soon()
        return rules is not None

    def counted_outcomes(self) -> Counter[tuple[str, str]]:
        """How many events the rules of each fault matched, selected and changed in this process: (fault, outcome)."""
        return self._outcomes.copy()
