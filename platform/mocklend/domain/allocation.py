"""Allocation: which buckets of which instalments a repayment settles first, by the product's order.

An order has twelve places: {overdue, due, in advance} × {penalty, fee, interest, principal}. `horizontal` finishes one
instalment before the next, within each run of neighbouring places that have the same timing; `vertical` finishes one
place of the order across all instalments before the next. The terms are those of Apache Fineract, which has the same
three settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Protocol

from mocklend.domain.product import Processing, Product

OVERDUE, DUE, IN_ADVANCE = "overdue", "due", "in_advance"

PARTS: dict[str, tuple[str, ...]] = {
    "penalty": ("penalty_interest", "penalty_principal"),
    "fee": ("fee",),
    "interest": ("interest",),
    "principal": ("principal",),
}
"""The buckets of an instalment behind each part of the order."""


class Payable(Protocol):
    """An instalment that can be paid: the unpaid amount of each bucket, and payment into it."""

    def unpaid(self, bucket: str) -> int: ...

    def pay(self, bucket: str, amount_minor: int) -> None: ...


Step = tuple[str, tuple[str, ...]]
"""A timing, and the buckets that are settled in one instalment of that timing before the next instalment."""


@lru_cache(maxsize=256)
def steps(product: Product) -> tuple[Step, ...]:
    """The product's order as a sequence of steps."""
    places = [(bucket.timing, PARTS[bucket.part]) for bucket in product.allocation]
    if product.processing is Processing.VERTICAL:
        return tuple(places)
    return tuple(
        (timing, tuple(bucket for _, buckets in run for bucket in buckets))
        for timing, run in groupby(places, key=lambda place: place[0])
    )


def allocate(
    product: Product, by_timing: Mapping[str, Iterable[Payable]], amount_minor: int, paid: dict[str, int]
) -> int:
    """Pay by the product's order, oldest instalment first. Adds to `paid`; returns the minor units left."""
    left = amount_minor
    for timing, buckets in steps(product):
        for instalment in by_timing.get(timing, ()):
            if not left:
                return 0
            left = settle(instalment, buckets, left, paid)
    return left


def settle(instalment: Payable, buckets: Iterable[str], amount_minor: int, paid: dict[str, int]) -> int:
    """Pay one instalment's buckets, in order. Adds to `paid` by bucket; returns the minor units left."""
    left = amount_minor
    for bucket in buckets:
        part = min(left, instalment.unpaid(bucket))
        if part:
            instalment.pay(bucket, part)
            paid[bucket] = paid.get(bucket, 0) + part
            left -= part
    return left
