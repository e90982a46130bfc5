"""A fault layer that injects nothing: a test overrides one of its methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mocklend.domain.finding import Finding
from mocklend.seams.layer import Foreseen, KeyEntry, LayerFigures, TracedInjection
from mocklend.seams.seam import EventContext, PendingEvent, SeamEvent, Write


@dataclass(frozen=True)
class Match:
    """The audit beside an answer key that has nothing in it."""

    explained_by: tuple[str | None, ...]
    unobserved: tuple[KeyEntry, ...] = ()


class HonestLayer:
    """A whole layer that is its own group: it counts nothing, so there is nothing to throw away."""

    def group(self, connection: object, sandboxes: Iterable[tuple[str, int]]) -> HonestLayer:
        return self

    def armed(self, sandbox_id: str) -> bool:
        return True

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        return event, ()

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        return ()

    def finish(self) -> Sequence[Write]:
        return ()

    def commit(self) -> None: ...

    def drain(self) -> Sequence[Write]:
        return ()

    def share(self, transaction: object) -> None: ...

    def compare_rules(self, sandbox_id: str, version: int) -> None: ...

    def invalidate_rules(self, sandbox_id: str) -> None: ...

    def sandbox_reset(self, sandbox_id: str) -> None: ...

    def has_rules_at(self, sandbox_id: str, seam: str) -> bool | None:
        return False

    def may_affect(self, event: PendingEvent) -> bool:
        return False

    def figures(self, snapshot: object) -> LayerFigures:
        return LayerFigures(0, 0, 0, 0, 0, 0)

    def wrong_loans(self, snapshot: object, after: str, most: int) -> Sequence[str]:
        return ()

    def wrong_among(self, snapshot: object, loan_ids: Sequence[str]) -> Mapping[str, int]:
        return {}

    def answer_key(self, snapshot: object) -> Sequence[KeyEntry]:
        return ()

    def explain_audit(self, snapshot: object, discrepancies: Sequence[Finding]) -> Match:
        return Match((None,) * len(discrepancies))

    def certain(self, snapshot: object, events: Sequence[SeamEvent]) -> Sequence[Foreseen[SeamEvent]]:
        return [Foreseen(event, ()) for event in events]

    def trace(
        self, snapshot: object, loan_id: str, discrepancies: Sequence[Finding]
    ) -> tuple[Sequence[TracedInjection], Sequence[str | None]]:
        return (), (None,) * len(discrepancies)
