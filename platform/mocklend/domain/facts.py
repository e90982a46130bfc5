"""Facts: what is known to have happened to a loan. World and books hold the same shape, not always the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from mocklend.domain.product import Product

DISBURSEMENT, RECEIPT, EDIT, MARK, REVERSAL = "disbursement", "receipt", "edit", "mark", "reversal"
CLEAR, OVD_AND_CURRENT = "CLEAR", "OVD_AND_CURRENT"
MODIFY_BILL_AMOUNT = "MODIFY_BILL_AMOUNT"
MODIFY_BILL_OVERDUE_AMOUNT = "MODIFY_BILL_OVERDUE_AMOUNT"
MODIFY_BILL_STATUS = "MODIFY_BILL_STATUS"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed: everything about a loan that no later fact changes."""

    loan_id: str
    currency: str
    principal_minor: int
    start: date
    product: Product


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened, at a moment (`at_ms`) and so on a business date (`on`) in the sandbox's zone.

    disbursement  `amount_minor` was paid out through `channel`
    receipt       `amount_minor` came in through `channel`, meant as a payoff (`scope` CLEAR) or not
    edit          an operator's relative `amount_minor` on the bill (`edit_kind`)
    mark          an operator's `status` on the bill
    reversal      the receipt, edit or mark `reverses` counts as never having happened
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

    @property
    def order(self) -> tuple[int, str]:
        """The order in which facts take effect. The id breaks ties, so arrival order never matters."""
        return (self.at_ms, self.id)


def business_date(at_ms: int, zone: str) -> date:
    """The date of a moment in the lender's zone."""
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).date()


def midnight_ms(day: date, zone: str) -> int:
    """The moment at which a business date begins."""
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
