"""The rules of each sandbox as this process has loaded them: what `group` decides by, and what a request looks at.

A group loads the rules of a version that it meets for the first time. What requests of other threads have counted goes
on in the same counters, whatever version they looked at.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection

from mocklend.domain.problems import Refused
from mocklend.seams import SEAMS
from mocklend.seams.api_answer import ApiAnswer
from mocklend.storage.snapshot import SandboxReader
from mocklend_faults.engine import journal
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.counters import Counters
from mocklend_faults.engine.counting import Tally, tallies
from mocklend_faults.engine.numbering import Numbers
from mocklend_faults.engine.rule_index import RuleIndex
from mocklend_faults.engine.rules import Rule

NEVER_ARMED = 0
"""The rules' version of a sandbox that never had a rule."""

log = structlog.get_logger()


@dataclass(slots=True)
class LoadedRules:
    """A sandbox's rules as of a version, and what the database has counted for them."""

    version: int
    indexes: Mapping[str, RuleIndex]  # by seam, of the rules that are on
    counters: Counters
    done: dict[str, Tally]  # by rule
    revisions: Mapping[str, int]  # by rule
    capped: tuple[str, ...]  # the rules with max_active
    numbers: Numbers | None  # where a rule is at a seam whose events come without a number
    may_have_open: bool  # whether any entry of the answer key may be open
    armed: bool  # whether there is a rule that is on, or an entry that may end
    settled: bool = True  # not while a group runs, nor after one that failed: whether that is durable is not known


class RulesInMemory:
    """What is loaded of all sandboxes. One writer calls `for_group` and `drop_reset`; any thread the others."""

    def __init__(self, catalogue: Catalogue, forget: Callable[[str], None]) -> None:
        self._catalogue = catalogue
        self._forget = forget  # what else is held of a sandbox
        self.loaded: dict[str, LoadedRules] = {}  # the latest, by sandbox, which may be old. Others only read it.
        self.current: set[str] = set()  # sandboxes whose rules, or lack of them, are as the database has them
        self.reset: set[str] = set()
        self._lock = threading.Lock()

    def invalidate(self, sandbox_id: str) -> None:
        """The database has other rules now, which the sandbox's next group loads."""
        self.current.discard(sandbox_id)

    def forget_soon(self, sandbox_id: str) -> None:
        """Nothing that was counted in this sandbox is there any more. A group that runs goes on with what it has."""
        self.current.discard(sandbox_id)
        with self._lock:
            self.reset.add(sandbox_id)

    def drop_reset(self) -> None:
        """Between groups: forget the sandboxes that were reset."""
        if self.reset:
            with self._lock:
                reset, self.reset = self.reset, set()
            for sandbox_id in reset:
                self._drop(sandbox_id)

    def for_group(self, connection: Connection, sandbox_id: str, version: int) -> LoadedRules | None:
        """The sandbox's rules of this version for a group that begins; None where it never had a rule."""
        if version == NEVER_ARMED:
            if sandbox_id in self.loaded:  # Another process has made it anew.
                self._drop(sandbox_id)
            self.current.add(sandbox_id)
            return None
        loaded = self.loaded.get(sandbox_id)
        if loaded is None or loaded.version != version or not loaded.settled:
            loaded = self._load(connection, sandbox_id, version)
        self.current.add(sandbox_id)  # Not before: a request in another thread would be asked by the old rules.
        loaded.settled = False
        return loaded

    def counters(self) -> list[tuple[str, Counters]]:
        """The counters of each sandbox, by its id."""
        with self._lock:
            return sorted((sandbox_id, loaded.counters) for sandbox_id, loaded in self.loaded.items())

    def _drop(self, sandbox_id: str) -> None:
        with self._lock:
            self.loaded.pop(sandbox_id, None)
        self._forget(sandbox_id)

    def _load(self, connection: Connection, sandbox_id: str, version: int) -> LoadedRules:
        reader = SandboxReader(connection, sandbox_id)
        before = self.loaded.get(sandbox_id)
        stored = stored_of(reader)
        if not stored:
            self._forget(sandbox_id)  # The sandbox was reset: the same ids may mean another story.
        on = [rule for rule in usable(stored, self._catalogue) if rule.enabled]
        indexes = _indexes(on, version)
        may_have_open = reader.exists(journal.ANY_OPEN)
        numbers = before.numbers if before is not None else None
        if numbers is None and ApiAnswer.seam in indexes:
            struck = reader.rows(OfEntity, journal.LAST_OCCURRENCES, seam=ApiAnswer.seam)
            numbers = Numbers(dict(struck))
        loaded = LoadedRules(
            version=version,
            indexes=indexes,
            counters=before.counters if before is not None else Counters(),
            done=_done(reader, stored, on) if on else {},
            revisions={rule.id: rule.revision for rule in on},
            capped=tuple(rule.id for rule in on if rule.select.max_active is not None),
            numbers=numbers,
            may_have_open=may_have_open,
            armed=bool(on) or may_have_open,
        )
        with self._lock:
            self.loaded[sandbox_id] = loaded
        return loaded


class OfEntity(NamedTuple):
    """A number of an entity: how often it was met, or the last time that it was."""

    entity: str
    number: int


def stored_of(reader: SandboxReader) -> list[dict[str, Any]]:
    """A sandbox's rules as the database has them, by id."""
    documents = reader.ids(journal.RULESET)
    return json.loads(documents[0]) if documents else []


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


def _indexes(rules: Sequence[Rule], version: int) -> dict[str, RuleIndex]:
    at = {seam: [rule for rule in rules if seam in rule.fault.seams()] for seam in SEAMS}
    return {seam: RuleIndex(seam, there, version) for seam, there in at.items() if there}


def _done(reader: SandboxReader, stored: Iterable[Mapping[str, Any]], on: Sequence[Rule]) -> dict[str, Tally]:
    """What each rule that is on has done; for those with a limit for each entity, on which."""
    done = tallies(reader, stored, on)
    for rule in on:
        if rule.select.times_per_entity is not None:
            counts = reader.rows(OfEntity, journal.ON_ENTITY, rule=rule.id, revision=rule.revision)
            done[rule.id].on_entity = dict(counts)
    return done
