"""What the platform asks of a fault layer. Without one it is honest.

        layer.group(connection, sandboxes) ─▶ at, on_signals ... ─▶ finish ─▶ the commit ─▶ commit
                                                                                └─ failed: the group is thrown away

One writer makes one group after the other, and takes one `drain` at its end. Everything else comes from any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from mocklend.domain.finding import Finding
from mocklend.seams.seam import EventContext, PendingEvent, SeamEvent, Write

Connection = TypeVar("Connection", contravariant=True)
Snapshot = TypeVar("Snapshot", contravariant=True)
"""What the platform reads by: seams stand below its storage, which says what they are (`PlatformLayer`)."""


class LayerBroke(Exception):
    """A layer failed in what it was asked, by a bug of its own. Its text is one line: what broke, where, which seed."""


class LayerGroup(Protocol):
    """What a layer does for the commands that are committed together. It leaves no trace unless `commit` is called."""

    def armed(self, sandbox_id: str) -> bool:
        """Whether any rule or open entry could make `at` or `on_signals` do anything. Costs nanoseconds."""
        ...

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        """What really happens, and the rows that put an injection on record. Only where the sandbox is armed."""
        ...

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        """The rows that end open entries, now that these signals hold. Only where the sandbox is armed."""
        ...

    def finish(self) -> Sequence[Write]:
        """The rows of the group's counters: asked for once, after its last command."""
        ...

    def commit(self) -> None:
        """The group is durable: keep what it counted."""
        ...


class JoinsCommits(Protocol[Connection]):
    """The part of a layer that the writer calls. A connection is the platform's own, of which seams know nothing."""

    def group(self, connection: Connection, sandboxes: Iterable[tuple[str, int]]) -> LayerGroup:
        """A new group. The rules of these sandboxes (id, rules_version) are loaded where the ones held are older."""
        ...

    def invalidate_rules(self, sandbox_id: str) -> None:
        """A group that is durable has changed the sandbox's rules."""
        ...

    def sandbox_reset(self, sandbox_id: str) -> None:
        """The sandbox was reset or deleted."""
        ...

    def drain(self) -> Sequence[Write]:
        """What is still to be written when the platform stops."""
        ...


class LooksAtRequests(Protocol):
    """The part for events that come without a command, as a read does: one is made only where a rule may act."""

    def has_rules_at(self, sandbox_id: str, seam: str) -> bool | None:
        """Whether a rule is at this seam; None where only the sandbox's next command will tell. Costs nanoseconds.

        Asked by any thread; within a group it can be told.
        """
        ...

    def may_affect(self, event: PendingEvent) -> bool:
        """Whether `at` might change this event. Asked by any thread, outside of groups, to spare a commit.

        One of the occurrence 0 is counted and told its occurrence: its sequence number for its entity in this process.
        """
        ...


class KeyEntry(Protocol):
    """One entry of the answer key: an injection."""

    @property
    def injection(self) -> str:
        """Its id."""
        ...

    def to_json(self) -> Mapping[str, object]:
        """All of it, as GET /-/answer-key has it."""
        ...


class AuditMatch(Protocol):
    """The audit beside the answer key."""

    @property
    def explained_by(self) -> tuple[str | None, ...]:
        """For each discrepancy, in order, the injection that explains it, if any."""
        ...

    @property
    def unobserved(self) -> Sequence[KeyEntry]:
        """The open entries that no discrepancy shows."""
        ...


class KeepsAnswerKey(Protocol[Snapshot]):
    """The part that says afterwards what was done. A snapshot is the platform's own: a sandbox's rows, at its time."""

    def answer_key(self, snapshot: Snapshot) -> Sequence[KeyEntry]:
        """Every injection of the sandbox, in canonical order."""
        ...

    def explain_audit(self, snapshot: Snapshot, discrepancies: Sequence[Finding]) -> AuditMatch:
        """Which injection explains which discrepancy, and which open entries nothing shows."""
        ...


class Layer(JoinsCommits[Connection], LooksAtRequests, KeepsAnswerKey[Snapshot], Protocol[Connection, Snapshot]):
    """All of it: what an entry point of the group `mocklend.layer` makes."""
