"""Facts: what is known to have happened to a loan. World and books store facts of one shape, but may differ in them."""

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
"""The prefix of a payment return's id. It sorts after `rpy_` and `rct_` in the order of facts."""

MODIFY_BILL_AMOUNT = "MODIFY_BILL_AMOUNT"
MODIFY_BILL_OVERDUE_AMOUNT = "MODIFY_BILL_OVERDUE_AMOUNT"
MODIFY_PAID_AMOUNT = "MODIFY_PAID_AMOUNT"
MODIFY_REVOKE_AMOUNT = "MODIFY_REVOKE_AMOUNT"
MODIFY_PAID_REVOKE_AMOUNT = "MODIFY_PAID_REVOKE_AMOUNT"
MODIFY_BILL_STATUS = "MODIFY_BILL_STATUS"
CHARGE_FEE, CHARGE_PENALTY = "fee", "penalty"
WAIVE_FEE, WAIVE_INTEREST, WAIVE_PENALTY = "WAIVE_FEE", "WAIVE_INTEREST", "WAIVE_PENALTY"


class Terms(Struct, frozen=True, gc=False):
    """The agreed terms: everything about a loan that no later fact changes."""

    loan_id: str
    currency: str
    principal_minor: int
    start: date
    product: Product


class Fact(Struct, frozen=True, gc=False):
    """One event of a loan, at a moment (`at_ms`) and on the business date (`on`) of that moment in the sandbox's zone.

    acceptance          the loan was granted and its payout ordered
    disbursement        `amount_minor` was paid out through `channel`
    payout_failure      the payout failed for good
    receipt             `amount_minor` came in through `channel`, as a payoff (`scope` CLEAR) or not; `landed` if it
                        came without a usable reference and was posted as unapplied cash first;
                        a receipt that `reverses` another books the same money again: the other no longer counts
    second_receipt      `amount_minor` was posted again, beside an order's own receipt; once reversed, it has no effect
    payment_return      `channel` returned the receipt `reverses`
    reversal            the receipt, edit, status override, charge or reversal `reverses` has no effect
    moved               the receipt `reverses` was booked here and is now booked on the loan that it belongs to
    edit                an operator's relative `amount_minor` on the bill (`edit_kind`)
    status_override     an operator's `status` on the bill
    charge              a fee or penalty (`edit_kind`) that falls due on `due`
    write_off           what is owed was given up
    refund_*            a refund of overpaid money was agreed, and paid through `channel`
    compensation_*      a compensation was agreed, and paid through `channel`
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
        """The sort key of facts: (at_ms, id). The id breaks ties, so the order of arrival does not matter."""
        return (self.at_ms, self.id)


def taken_back(facts: Iterable[Fact], *kinds: str) -> set[str]:
    """The ids of the facts that no longer count because a fact of one of these kinds, which counts, takes them back."""
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
    """The id of the receipt (or other subject) that a fact books."""
    return fact_id.partition(AGAIN)[0]


class Standing(Struct, frozen=True):
    """Which facts of a loan no longer count, by id.

    `gone`: another booking has the money, on this loan or on another. `void`: reversed or returned. `undone`: the part
    of `void` that was reversed.
    """

    gone: frozenset[str]
    void: frozenset[str]
    undone: frozenset[str]


ALL_COUNT = Standing(frozenset(), frozenset(), frozenset())
"""Every fact counts."""


def standing(facts: Iterable[Fact]) -> Standing:
    """Which of a loan's facts still count after reversals, payment returns and new bookings.

    A reversal may be reversed itself. A reversal or payment return of a receipt applies to the booking that counts.
    """
    all_facts = list(facts)
    reversing = [fact for fact in all_facts if fact.reverses is not None]
    if not reversing:
        return ALL_COUNT
    undone = taken_back(all_facts, REVERSAL)
    rebooked = (fact for fact in reversing if fact.kind in (RECEIPT, MOVED) and fact.id not in undone)
    gone = frozenset(fact.reverses or "" for fact in rebooked)
    failed = taken_back(all_facts, PAYMENT_RETURN)

    def of(targets: Set[str]) -> frozenset[str]:
        return frozenset(fact.id for fact in all_facts if booked(fact.id) in targets and fact.id not in gone)

    return Standing(gone, of(undone | failed), of(undone))


@lru_cache(maxsize=4096)
def business_date(at_ms: int, zone: str) -> date:
    """The date of a moment in a time zone. Cached: the commands of a group ask for the same few moments."""
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).date()


@lru_cache(maxsize=4096)
def midnight_ms(day: date, zone: str) -> int:
    """The moment at which a business date begins."""
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
