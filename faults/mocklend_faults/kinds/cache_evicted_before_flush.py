"""A balance is evicted from memory before it is written to disk; later changes start from an old balance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.balance_kept import BalanceKept
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class EvictedBeforeFlush(Fault):
    """Balances are kept in memory and written to disk later, and memory runs short.

    Ada repays 50.00 and the page is right. The store evicts that balance before it is written to disk. She repays
    another 60.00; the store reads the last balance on disk and subtracts 60.00, so the page lacks her first payment.
    Every later change starts from there, so the page stays wrong; each single change is right, and most checks only
    compare changes. The sum of the journal has both payments. Rebuild the balance from the journal, and post nothing.
    """

    name: ClassVar[str] = "cache.evicted_before_flush"
    title: ClassVar[str] = "A balance is lost from memory"
    finding: ClassVar[str] = "wrong_view"
    precondition: ClassVar[str] = "Two changes of a loan, one after the other, the first of which moved the balance."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the newest version, with an outstanding amount that lacks the previous change",
        "list": "the same wrong amount",
    }
    heals: ClassVar[str] = "Not by itself; rebuilding the page, or a balance that would fall below zero."
    action: ClassVar[str] = "Sum up the journal, rebuild the balance from it, and post nothing."

    def balance_kept(self, event: BalanceKept) -> BalanceKept:
        """Evict the balance from memory."""
        return replace(event, evicted=True)
