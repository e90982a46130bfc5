"""Numbers the events that come without a number: the how manieth request about an entity, in this process.

        entity ─▶ young ─ not there ─▶ old ─ not there ─▶ the last one that a rule struck ─ none ─▶ 0, and one more

Each order has a key of its own, and a load test makes millions of them: so what has not been asked about for long is
forgotten. Of that only the last number that was struck is kept, as it is after a restart, for no two injections may
have the same number. To be called under a lock.
"""

from __future__ import annotations

ENTITIES_MOST = 100_000
"""So many entities are known before the older ones are forgotten; at most twice as many at one time, beside those that
were struck."""


class Numbers:
    """The numbers of one sandbox. `struck` is the last number of each entity that has an injection."""

    def __init__(self, struck: dict[str, int], most: int = ENTITIES_MOST) -> None:
        self._struck = struck
        self._most = most
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def next(self, entity: str) -> int:
        """The number of one more event, from 1."""
        last = self._young.get(entity)
        if last is None:
            last = self._old.get(entity) or self._struck.get(entity, 0)
            if len(self._young) >= self._most:
                self._old, self._young = self._young, {}
        self._young[entity] = last + 1
        return last + 1

    def strike(self, entity: str, number: int) -> None:
        """A rule has injected something into this event."""
        self._struck[entity] = max(number, self._struck.get(entity, 0))
        if entity in self._young:  # It may have been forgotten and have begun anew since it was given this number.
            self._young[entity] = max(number, self._young[entity])
