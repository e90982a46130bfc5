"""Facts: what is known to have happened to a loan. World and books hold the same shape, not always the same ones."""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from mocklend.domain.product import Product

ACCEPTANCE, DISBURSEMENT, PAYOUT_FAILURE = "acceptance", "disbursement", "payout_failure"
RECEIPT, SECOND_RECEIPT, MOVED = "receipt", "second_receipt", "moved"
PAYMENT_RETURN, REVERSAL = "payment_return", "reversal"
EDIT, STATUS_OVERRIDE, CHARGE, WRITE_OFF = "edit", "status_override", "charge", "write_off"
REFUND_AGREED, REFUND_PAID = "refund_agreed", "refund_paid"
COMPENSATION_AGREED, COMPENSATION_PAID = "compensation_agreed", "compensation_paid"

RETURN_PREFIX = "undone_"
"""What the id of a payment return begins with: after `rpy_` and `rct_` in the order of facts."""

MODIFY_BILL_AMOUNT = "MODIFY_BILL_AMOUNT"
MODIFY_BILL_OVERDUE_AMOUNT = "MODIFY_BILL_OVERDUE_AMOUNT"
MODIFY_PAID_AMOUNT = "MODIFY_PAID_AMOUNT"
MODIFY_REVOKE_AMOUNT = "MODIFY_REVOKE_AMOUNT"
MODIFY_PAID_REVOKE_AMOUNT = "MODIFY_PAID_REVOKE_AMOUNT"
MODIFY_BILL_STATUS = "MODIFY_BILL_STATUS"
CHARGE_FEE, CHARGE_PENALTY = "fee", "penalty"
WAIVE_FEE, WAIVE_INTEREST, WAIVE_PENALTY = "WAIVE_FEE", "WAIVE_INTEREST", "WAIVE_PENALTY"


class Terms(Struct, frozen=True):
    """What was agreed: everything about a loan that no later fact changes."""

    loan_id: str
    currency: str
    principal_minor: int
    start: date
    product: Product


class Fact(Struct, frozen=True):
    """One thing that happened, at a moment (`at_ms`) and so on a business date (`on`) in the sandbox's zone.

    acceptance          the loan was granted and its payout ordered
    disbursement        `amount_minor` was paid out through `channel`
    payout_failure      the payout failed for good
    receipt             `amount_minor` came in through `channel`, meant as a payoff (`scope` CLEAR) or not; `landed`
                        if it came without a usable reference and was booked as unapplied at first
                        a receipt that `reverses` another is the same money booked anew: the other counts no more
    second_receipt      `amount_minor` was posted once more, beside an order's own receipt; reversed, it never came in
    payment_return        `channel` took back the receipt `reverses`
    reversal            the receipt, edit, mark, charge or reversal `reverses` counts as never having happened
    moved               the receipt `reverses` was booked here and belongs to another loan, where it is now
    edit                an operator's relative `amount_minor` on the bill (`edit_kind`)
    status_override     an operator's `status` on the bill
    charge              a fee or penalty (`edit_kind`) that falls due on `due`
    write_off           what is owed was given up
    refund_*            too much money was promised back, and paid back through `channel`
    compensation_*      a compensation was promised, and paid through `channel`
    """

    id: str
    kind: str
    at_ms: int
    on: date
    amount_minor: int = 0
    channel: str | None = None
    scope: str | None = None
    edit_kind: str | None = None
    status: str | None = None
    reverses: str | None = None
    due: date | None = None
    landed: bool = False

    @property
    def order(self) -> tuple[int, str]:
        """The order in which facts take effect. The id breaks ties, so arrival order never matters."""
        return (self.at_ms, self.id)


def taken_back(facts: Iterable[Fact], *kinds: str) -> set[str]:
    """The ids of the facts that no longer count, since one of these kinds takes them back and counts itself."""
    by: dict[str, list[str]] = {}
    for fact in facts:
        if fact.kind in kinds and fact.reverses:
            by.setdefault(fact.reverses, []).append(fact.id)

    def is_void(id: str) -> bool:
        return any(not is_void(other) for other in by.get(id, ()))

    return {id for id in by if is_void(id)}


AGAIN = "."
"""Separator between a receipt's id and its booking number (`rpy_x.2`). The first booking has none."""


def booking(receipt_id: str, n: int) -> str:
    """The id of the fact that is a receipt's n-th booking."""
    return receipt_id if n == 1 else f"{receipt_id}{AGAIN}{n}"


def booked(fact_id: str) -> str:
    """The receipt (or anything else) that a fact books."""
    return fact_id.partition(AGAIN)[0]


class Standing(Struct, frozen=True):
    """Which facts of a loan no longer count as they came, by id.

    Of one that is `gone` another booking has the money, here or on another loan. One that is `void` was reversed or
    was returned; the `undone` are those of them that were reversed.
    """

    gone: frozenset[str]
    void: frozenset[str]
    undone: frozenset[str]


def standing(facts: Iterable[Fact]) -> Standing:
    """What reversals, payment returns and new bookings leave of a loan's facts. A reversal may be reversed itself.

    A reversal or payment return is of a receipt, whichever of its bookings counts.
    """
    every = list(facts)
    takes_back = [fact for fact in every if fact.reverses is not None]
    if not takes_back:
        return Standing(frozenset(), frozenset(), frozenset())
    undone = taken_back(every, REVERSAL)
    elsewhere = (fact for fact in takes_back if fact.kind in (RECEIPT, MOVED) and fact.id not in undone)
    gone = frozenset(fact.reverses or "" for fact in elsewhere)
    failed = taken_back(every, PAYMENT_RETURN)

    def of(targets: Set[str]) -> frozenset[str]:
        return frozenset(fact.id for fact in every if booked(fact.id) in targets and fact.id not in gone)

    return Standing(gone, of(undone | failed), of(undone))


def business_date(at_ms: int, zone: str) -> date:
    """The date of a moment in the lender's zone."""
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).date()


@lru_cache(maxsize=4096)
def midnight_ms(day: date, zone: str) -> int:
    """The moment at which a business date begins."""
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
