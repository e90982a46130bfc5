"""The interface of a fault layer. Without one the platform has no faults.

        layer.group(connection, sandboxes) ─▶ at, on_signals ... ─▶ finish ─▶ the commit ─▶ commit
                                                                                └─ failed: the group is thrown away

The one writer makes one group after the other, and calls `drain` when it stops. Everything else is called by any
thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Generic, NamedTuple, Protocol, TypeVar

from mocklend.domain.finding import Finding
from mocklend.seams.seam import EventContext, PendingEvent, SeamEvent, Write

Connection = TypeVar("Connection", contravariant=True)
Snapshot = TypeVar("Snapshot", contravariant=True)
"""The platform's own types. Seams are below its storage, which fills them in (`PlatformLayer`)."""


class LayerBroke(Exception):
    """A layer failed because of a bug of its own. Its text is one line: what broke, where, which seed."""


class LayerGroup(Protocol):
    """The layer's part in the commands of one commit. It has no effect unless `commit` is called."""

    def armed(self, sandbox_id: str) -> bool:
        """Whether any rule or open entry could make `at` or `on_signals` do something. Costs nanoseconds."""
        ...

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        """Return the outcome of an event, and the rows that record an injection. Only for armed sandboxes."""
        ...

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        """Return the rows that end open entries by these signals. Only for armed sandboxes."""
        ...

    def finish(self) -> Sequence[Write]:
        """Return the rows of the group's counters. Called once, after its last command."""
        ...

    def commit(self) -> None:
        """The group is durable: keep what it counted."""
        ...


class JoinsCommits(Protocol[Connection]):
    """The part of a layer that the writer calls. A connection is the platform's own type."""

    def group(self, connection: Connection, sandboxes: Iterable[tuple[str, int]]) -> LayerGroup:
        """Make a group. The rules of these sandboxes (id, rules_version) are loaded if the cached ones are older."""
        ...

    def invalidate_rules(self, sandbox_id: str) -> None:
        """Drop a sandbox's cached rules: a durable group has changed them."""
        ...

    def sandbox_reset(self, sandbox_id: str) -> None:
        """Drop what is cached of a sandbox that was reset or deleted."""
        ...

    def share(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        """Other processes write the database, too, so no count that decides is kept in memory from now on.

        `transaction` opens a small write transaction of its own. Called once, before anything else.
        """
        ...

    def drain(self) -> Sequence[Write]:
        """Return the rows that are still to be written, between groups: when the platform stops, and if the database
        is shared, once a second."""
        ...


class LooksAtRequests(Protocol):
    """The part for events without a command, as a read: such an event is made only if a rule may act on it."""

    def has_rules_at(self, sandbox_id: str, seam: str) -> bool | None:
        """Whether a rule is at this seam; None if only the sandbox's next command can tell. Costs nanoseconds.

        Called by any thread; within a group the answer is never None.
        """
        ...

    def compare_rules(self, sandbox_id: str, version: int) -> None:
        """The database has this version of a sandbox's rules: if another is loaded, `has_rules_at` is None."""
        ...

    def loaded_version(self, sandbox_id: str) -> int | None:
        """Return the version of the rules by which `has_rules_at` answers; None if it cannot tell."""
        ...

    def may_affect(self, event: PendingEvent) -> bool:
        """Whether `at` might change this event. Called by any thread, outside of groups, to save a commit.

        An event with the occurrence 0 is counted, and gets its occurrence: its sequence number for its entity. If the
        database is shared, it is counted there; raises Unavailable if that fails.
        """
        ...


class KeyEntry(Protocol):
    """An entry of the answer key: an injection."""

    @property
    def injection(self) -> str:
        """The injection's id."""
        ...

    def to_json(self) -> Mapping[str, object]:
        """Return the whole entry, as GET /-/answer-key has it."""
        ...


class AuditMatch(Protocol):
    """An audit compared with the answer key."""

    @property
    def explained_by(self) -> tuple[str | None, ...]:
        """The injection that explains each discrepancy, in their order; None if there is none."""
        ...

    @property
    def unobserved(self) -> Sequence[KeyEntry]:
        """The open entries that no discrepancy shows."""
        ...


class FieldChange(NamedTuple):
    """A field of an event that an injection has changed, each value as text; "" if it is empty."""

    field: str
    before: str
    after: str


class TracedInjection(NamedTuple):
    """An entry of the answer key with what its kind says about it: what a platform can show beside a loan's views.

    `entity` is what the event was about. `is_open` is whether its difference can be seen now; `ended_ms` is None while
    it has not ended. `symptom` has what each wrong view shows, by view, `action` what a correct reconciler does and
    `heals` what ends it, each in a sentence.
    """

    id: str
    rule: str
    fault: str
    seam: str
    entity: str
    loan_id: str
    at_ms: int
    changes: tuple[FieldChange, ...]
    finding: Finding
    status: str
    is_open: bool
    from_ms: int
    until_ms: int | None
    ended_ms: int | None
    title: str
    symptom: Mapping[str, str]
    action: str
    heals: str


class LayerFigures(NamedTuple):
    """The figures of a layer in one sandbox. `open_max` is the most that `open` counts up to."""

    rules_on: int
    evaluated: int  # by the rules that are armed, as are the next two
    injected: int
    entries: int  # of the answer key: open, not visible yet, and ended ones
    open: int
    open_max: int


class Counts(Protocol[Snapshot]):
    """The part that says how much there is, from counters and indexes: it is asked for with each page of a console."""

    def figures(self, snapshot: Snapshot) -> LayerFigures:
        """Return the figures of the sandbox. No cost grows with its loans or its answer key."""
        ...

    def wrong_loans(self, snapshot: Snapshot, after: str, most: int) -> Sequence[str]:
        """Return the loans after this id with an open entry of the answer key, by id, at most `most`."""
        ...

    def wrong_among(self, snapshot: Snapshot, loan_ids: Sequence[str]) -> Mapping[str, int]:
        """Return how many entries are open on each of these loans; loans without one are left out."""
        ...


class KeepsAnswerKey(Protocol[Snapshot]):
    """The part that reports injections afterwards. A snapshot is the platform's own type, of one sandbox."""

    def answer_key(self, snapshot: Snapshot) -> Sequence[KeyEntry]:
        """Return every injection of the sandbox, in canonical order."""
        ...

    def explain_audit(self, snapshot: Snapshot, discrepancies: Sequence[Finding]) -> AuditMatch:
        """Return which injection explains each discrepancy, and which open entries no discrepancy shows."""
        ...

    def trace(
        self, snapshot: Snapshot, loan_id: str, discrepancies: Sequence[Finding]
    ) -> tuple[Sequence[TracedInjection], Sequence[str | None]]:
        """Return the injections about a loan, oldest first, and which of them explains each of its discrepancies.

        The injections are all that are open, about the loan or behind a discrepancy, and the newest that have ended.
        Reads a bounded number of rows, by index.
        """
        ...


class Foreseen(NamedTuple, Generic[SeamEvent]):
    """What an event is certain to become, and the rules that make it so."""

    outcome: SeamEvent
    rules: Sequence[str]


class ForeseesOutcomes(Protocol[Snapshot]):
    """The part that says what is certain, for a page that shows it. Nothing is drawn, counted or kept."""

    def certain(self, snapshot: Snapshot, events: Sequence[SeamEvent]) -> Sequence[Foreseen[SeamEvent]]:
        """Return what the rules that act on every such event make of each event now.

        A rule whose probability is below 1, or that has a limit, is left out.
        """
        ...


class Layer(
    JoinsCommits[Connection],
    LooksAtRequests,
    Counts[Snapshot],
    KeepsAnswerKey[Snapshot],
    ForeseesOutcomes[Snapshot],
    Protocol[Connection, Snapshot],
):
    """The whole interface: what an entry point of the group `mocklend.layer` returns."""
