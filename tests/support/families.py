"""The families of faults: what each is about, the prefixes of its kinds, and the one kind that the README shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A family of faults."""

    prefixes: tuple[str, ...]
    shown: str
    """The kind that stands for it in the README."""


FAMILIES: Mapping[str, Family] = {
    "stale views": Family(("cache", "projection", "read"), "cache.bounded_stale"),
    "callbacks": Family(("callback",), "callback.dropped"),
    "answers and outages": Family(("api", "transport", "outage", "idempotency"), "api.timeout_after_commit"),
    "money at the channels": Family(("channel", "disbursement"), "channel.payment_return"),
    "statements": Family(("statement",), "statement.truncated"),
    "end of day, dates, rounding": Family(("batch", "clock", "amount"), "clock.cutoff_skew"),
    "operators": Family(("operator", "edit", "dispute", "compensation", "migration"), "operator.wrong_amount"),
    "credit bureau": Family(("bureau", "score", "lender"), "bureau.lag"),
}


def family_of(kind: str) -> str:
    """The family of a kind, by its prefix."""
    [family] = [name for name, family in FAMILIES.items() if kind.partition(".")[0] in family.prefixes]
    return family
