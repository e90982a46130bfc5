"""Who gets a repayment's money: the product's order of buckets, across instalments.

An order has twelve places: {overdue, due, in advance} × {penalty, fee, interest, principal}. `horizontal` finishes one
instalment before it goes to the next, as far as neighbouring places of the order speak of the same timing; `vertical`
finishes one place of the order across all instalments before the next. The words are those of Apache Fineract, whose
users set the same three knobs.
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
    """An instalment: what is left of a bucket, and paying into it."""

    def unpaid(self, bucket: str) -> int: ...

    def pay(self, bucket: str, amount_minor: int) -> None: ...


Step = tuple[str, tuple[str, ...]]
"""A timing, and the buckets that each of its instalments is asked for before the next one is."""


@lru_cache(maxsize=256)
def steps(product: Product) -> tuple[Step, ...]:
    """The product's order, as what is done one after the other."""
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
    """Pay by the product's order, oldest instalment first. Adds to `paid` by bucket; returns what is left."""
    left = amount_minor
    for timing, buckets in steps(product):
        for instalment in by_timing.get(timing, ()):
            if not left:
                return 0
            left = settle(instalment, buckets, left, paid)
    return left


def settle(instalment: Payable, buckets: Iterable[str], amount_minor: int, paid: dict[str, int]) -> int:
    """Pay one instalment's buckets, in order. Adds to `paid` by bucket; returns what is left."""
    left = amount_minor
    for bucket in buckets:
        part = min(left, instalment.unpaid(bucket))
        if part:
            instalment.pay(bucket, part)
            paid[bucket] = paid.get(bucket, 0) + part
            left -= part
    return left
