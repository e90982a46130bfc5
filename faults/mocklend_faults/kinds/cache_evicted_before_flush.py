"""A balance is lost from memory before it was written down, and goes on from an old one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.balance_kept import BalanceKept
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class EvictedBeforeFlush(Fault):
    """Balances are kept in memory and written behind, and memory was short.

    Ada repays 50.00 and the page is right. Before that balance is written down the store throws it out to make room.
    She repays another 60.00; the store reads the last balance that it has on disk, takes 60.00 off, and her first
    payment is gone from the page. Every later change goes on from there, so the page never comes right by itself; and
    each change taken alone is right, which is all that most checks look at. Add up the journal: it has both. Trust no
    snapshot, rebuild the balance from the journal, and post nothing.
    """

    name: ClassVar[str] = "cache.evicted_before_flush"
    finding: ClassVar[str] = "wrong_view"
    precondition: ClassVar[str] = "Two changes of a loan, one after the other, the first of which moved the balance."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the newest version, with an amount outstanding that lacks the change before",
        "list": "the same wrong amount",
    }
    heals: ClassVar[str] = "Not by itself: rebuilding the page, or a balance that would fall below zero."
    action: ClassVar[str] = "Add up the journal, rebuild the balance from it, and post nothing."

    def balance_kept(self, event: BalanceKept) -> BalanceKept:
        """The balance in memory is gone."""
        return replace(event, evicted=True)
