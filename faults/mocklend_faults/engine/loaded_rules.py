"""The rules of each sandbox as this process has loaded them, for groups and for requests before there is a command.

A group loads the rules of a version that this process has not loaded yet. The counters continue over versions, so a
request that another thread counts is counted whichever version it used.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from mocklend.domain.problems import Refused
from mocklend.seams import SEAMS
from mocklend.seams.api_answer import ApiAnswer
from mocklend.storage.snapshot import SandboxReader
from mocklend_faults.engine import journal
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.counters import Counters, Unwritten, by_version
from mocklend_faults.engine.counting import Tally, rule_counts, tallies
from mocklend_faults.engine.numbering import Numbers, NumbersInDatabase, Transaction
from mocklend_faults.engine.rule_index import RuleIndex
from mocklend_faults.engine.rules import Rule, StoredRule

NEVER_ARMED = 0
"""The version of the rules of a sandbox that never had a rule."""

RESETS = "SELECT resets FROM sandboxes WHERE id = :sandbox_id"

log = structlog.get_logger()


@dataclass(slots=True)
class LoadedRules:
    """A sandbox's rules as of a version, and their counts in the database."""

    version: int
    indexes: Mapping[str, RuleIndex]  # by seam, of the rules that are on
    counters: Counters
    done: dict[str, Tally]  # by rule
    revisions: Mapping[str, int]  # by rule
    capped: tuple[str, ...]  # the rules with max_active
    limited: tuple[str, ...]  # the rules with any limit
    on_entities_here: bool  # whether `done` has the counts by entity; else they are read when they are needed
    resets: int  # of the sandbox, when the rules were loaded; 0 if no other process can reset it
    numbers: Numbers | NumbersInDatabase | None  # if a rule is at a seam whose events come without a number
    may_have_open: bool  # whether any entry of the answer key may be open
    armed: bool  # whether a rule is on, or an entry may end
    settled: bool = True  # False while a group runs, and after one that failed, which may be durable or not


class RulesInMemory:
    """The loaded rules of all sandboxes. Only the writer calls `for_group` and `drop_reset`; any thread the others."""

    def __init__(self, catalogue: Callable[[], Catalogue], forget: Callable[[str], None]) -> None:
        self._catalogue = catalogue
        self._forget = forget  # drops what other objects hold of a sandbox
        self.transaction: Transaction | None = None  # if other processes write the database
        self.loaded: dict[str, LoadedRules] = {}  # by sandbox; may be outdated. Written here only.
        self.current: set[str] = set()  # sandboxes whose loaded rules, or lack of rules, are those of the database
        self.reset: set[str] = set()
        self._parsed: dict[str, _Parsed] = {}  # by sandbox, for `figures`; may be outdated
        self._lock = threading.Lock()

    def version(self, sandbox_id: str) -> int:
        """The version of the rules that are loaded of a sandbox."""
        loaded = self.loaded.get(sandbox_id)
        return NEVER_ARMED if loaded is None else loaded.version

    def invalidate(self, sandbox_id: str) -> None:
        """The rules in the database have changed: the sandbox's next group loads them."""
        self.current.discard(sandbox_id)

    def forget_soon(self, sandbox_id: str) -> None:
        """The sandbox was reset: its counts are dropped between groups, so a running group keeps what it has."""
        self.current.discard(sandbox_id)
        with self._lock:
            self.reset.add(sandbox_id)

    def drop_reset(self) -> None:
        """Drop the sandboxes that were reset. Called between groups."""
        if self.reset:
            with self._lock:
                reset, self.reset = self.reset, set()
            for sandbox_id in reset:
                self._drop(sandbox_id)

    def for_group(self, connection: Connection, sandbox_id: str, version: int) -> LoadedRules | None:
        """The sandbox's rules of this version for a new group; None if it never had a rule."""
        if version == NEVER_ARMED:
            if sandbox_id in self.loaded:  # Another process has created it again.
                self._drop(sandbox_id)
            self.current.add(sandbox_id)
            return None
        loaded = self.loaded.get(sandbox_id)
        if loaded is None or loaded.version != version or not loaded.settled:
            loaded = self._load(connection, sandbox_id, version)
        elif self.transaction is not None and loaded.limited:
            _recount(SandboxReader(connection, sandbox_id), loaded)
        self.current.add(sandbox_id)  # Not earlier: a request in another thread would be evaluated by the old rules.
        loaded.settled = False
        return loaded

    def figures(self, reader: SandboxReader) -> tuple[int, Tally]:
        """How many of a sandbox's rules are on, and the sum of the counts of all that are armed."""
        counted, total = self.counted(reader), Tally()
        for _, tally in counted:
            total.add(tally)
        return sum(stored["rule"]["enabled"] for stored, _ in counted), total

    def counted(self, reader: SandboxReader) -> list[tuple[StoredRule, Tally]]:
        """A sandbox's rules with their counts, those included that this process has not written yet."""
        parsed = self._parsed_in(reader)
        if parsed is None:
            return []
        loaded = self.loaded.get(reader.sandbox_id)
        unwritten = Unwritten() if loaded is None else loaded.counters.unwritten(all_seams=True)
        counts = tallies(reader, parsed.stored, parsed.rules, by_version(unwritten.seams))
        for stored_rule in parsed.stored:
            waiting = unwritten.rules.get((stored_rule["id"], stored_rule["revision"]))
            if waiting is not None:
                counts[stored_rule["id"]].add(waiting)
        return [(stored_rule, counts[stored_rule["id"]]) for stored_rule in parsed.stored]

    def armed_in(self, reader: SandboxReader) -> list[Rule]:
        """A sandbox's rules that can act, as the database has them."""
        parsed = self._parsed_in(reader)
        return [] if parsed is None else parsed.rules

    def _parsed_in(self, reader: SandboxReader) -> _Parsed | None:
        """The rules of the database, parsed anew only when they have changed; None if there never was one."""
        (document,) = reader.ids(journal.RULESET) or [""]
        if not document:
            return None
        parsed = self._parsed.get(reader.sandbox_id)
        if parsed is None or parsed.document != document:
            stored: list[StoredRule] = json.loads(document)
            parsed = self._parsed[reader.sandbox_id] = _Parsed(document, stored, usable(stored, self._catalogue()))
        return parsed

    def counters(self) -> list[tuple[str, Counters]]:
        """The counters of each sandbox, by its id."""
        with self._lock:
            return sorted((sandbox_id, loaded.counters) for sandbox_id, loaded in self.loaded.items())

    def _drop(self, sandbox_id: str) -> None:
        with self._lock:
            self.loaded.pop(sandbox_id, None)
            self._parsed.pop(sandbox_id, None)
        self._forget(sandbox_id)

    def _load(self, connection: Connection, sandbox_id: str, version: int) -> LoadedRules:
        reader = SandboxReader(connection, sandbox_id)
        before = self.loaded.get(sandbox_id)
        resets = 0
        if self.transaction is not None:
            resets = next(iter(reader.rows(int, RESETS)), 0)
            if before is not None and before.resets != resets:  # Another process has reset the sandbox.
                self._drop(sandbox_id)
                before = None
        stored = stored_of(reader)
        if not stored:
            self._forget(sandbox_id)  # The sandbox was reset: the same ids may belong to another story.
        on = [rule for rule in usable(stored, self._catalogue()) if rule.enabled]
        indexes = _indexes(on, version)
        may_have_open = reader.exists(journal.ANY_OPEN)
        numbers: Numbers | NumbersInDatabase | None = before.numbers if before is not None else None
        if numbers is None and ApiAnswer.seam in indexes and self.transaction is not None:
            numbers = NumbersInDatabase(sandbox_id, self.transaction)
        elif numbers is None and ApiAnswer.seam in indexes:
            injected = reader.rows(EntityNumber, journal.LAST_OCCURRENCES, seam=ApiAnswer.seam)
            numbers = Numbers(dict(injected))
        loaded = LoadedRules(
            version=version,
            indexes=indexes,
            counters=before.counters if before is not None else Counters(),
            done=_done(reader, stored, on, by_entity=self.transaction is None) if on else {},
            revisions={rule.id: rule.revision for rule in on},
            capped=tuple(rule.id for rule in on if rule.select.max_active is not None),
            limited=tuple(rule.id for rule in on if rule.select.limited),
            on_entities_here=self.transaction is None,
            resets=resets,
            numbers=numbers,
            may_have_open=may_have_open,
            armed=bool(on) or may_have_open,
        )
        with self._lock:
            self.loaded[sandbox_id] = loaded
        return loaded


class _Parsed(NamedTuple):
    """A sandbox's stored rules, and those that can act, as read from one document."""

    document: str
    stored: list[StoredRule]
    rules: list[Rule]


class EntityNumber(NamedTuple):
    """A number of an entity: how many injections it has, or the highest occurrence with one."""

    entity: str
    number: int


def stored_of(reader: SandboxReader) -> list[StoredRule]:
    """A sandbox's rules as the database has them, in the order of their ids."""
    documents = reader.ids(journal.RULESET)
    return json.loads(documents[0]) if documents else []


def usable(stored: Iterable[StoredRule], catalogue: Catalogue) -> list[Rule]:
    """The rules that can act: those whose kind is installed here.

    A rule that an earlier version of Mocklend accepted and this one refuses is logged and left out, too.
    """
    rules = []
    for stored_rule in stored:
        if stored_rule["rule"]["fault"] not in catalogue:
            continue
        try:
            rules.append(Rule.from_stored(stored_rule, catalogue))
        except Refused as refused:
            log.warning("a stored rule is refused and does not act", rule=stored_rule["id"], why=str(refused))
    return rules


def _indexes(rules: Sequence[Rule], version: int) -> dict[str, RuleIndex]:
    by_seam = {seam: [rule for rule in rules if seam in rule.fault.seams()] for seam in SEAMS}
    return {seam: RuleIndex(seam, at_seam, version) for seam, at_seam in by_seam.items() if at_seam}


def _recount(reader: SandboxReader, loaded: LoadedRules) -> None:
    """Read again what another process may have counted: the counts by which limits decide."""
    counted = rule_counts(reader)
    for rule in loaded.limited:
        loaded.done[rule] = counted.get((rule, loaded.revisions[rule]), Tally())


def _done(
    reader: SandboxReader, stored: Iterable[StoredRule], on: Sequence[Rule], *, by_entity: bool
) -> dict[str, Tally]:
    """The counts of each rule that is on; for those with a limit per entity, by entity, too."""
    done = tallies(reader, stored, on)
    for rule in on:
        if by_entity and rule.select.times_per_entity is not None:
            counts = reader.rows(EntityNumber, journal.ON_ENTITY, rule=rule.id, revision=rule.revision)
            done[rule.id].on_entity = dict(counts)
    return done
