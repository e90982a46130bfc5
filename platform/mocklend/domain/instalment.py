"""An instalment: charged and paid amounts by bucket; and a movement of money, which the journal posts."""

from __future__ import annotations

from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from mocklend.domain.ratio import NOTHING, Ratio


class Movement(Struct, frozen=True, gc=False):
    """Money that moves between accounts for one reason, on one date. Each movement becomes a journal transaction.

    `postings` are (debit account, credit account, amount_minor), every amount above 0.
    """

    kind: str
    ref: str
    on: date
    postings: tuple[tuple[str, str, int], ...]
    period: tuple[date, date] | None = None


class Instalment(Struct, array_like=True, gc=False):
    """Charged and paid minor units of one instalment, by bucket. Interest and penalties are those accrued so far.

    `interest_ahead` is money received for interest that has not accrued yet (account 2105). It pays the interest as it
    accrues; an earlier payoff frees it.
    """

    n: int
    from_date: date
    due_date: date
    principal: int
    interest: int = 0
    fee: int = 0
    penalty_principal: int = 0
    penalty_interest: int = 0
    principal_paid: int = 0
    interest_paid: int = 0
    fee_paid: int = 0
    penalty_principal_paid: int = 0
    penalty_interest_paid: int = 0
    interest_exact: Ratio = NOTHING
    penalty_principal_exact: Ratio = NOTHING
    penalty_interest_exact: Ratio = NOTHING
    interest_ahead: int = 0

    def copy(self) -> Instalment:
        """An independent copy."""
        return replace(self)

    def unpaid(self, bucket: str) -> int:
        """The unpaid minor units of one bucket."""
        due: int = getattr(self, bucket) - getattr(self, _PAID[bucket])
        return due

    def pay(self, bucket: str, amount_minor: int) -> None:
        """Pay or waive part of one bucket, in minor units."""
        paid = _PAID[bucket]
        setattr(self, paid, getattr(self, paid) + amount_minor)

    @property
    def outstanding(self) -> int:
        """The unpaid minor units of all buckets."""
        return (
            self.principal
            - self.principal_paid
            + self.interest
            - self.interest_paid
            + self.fee
            - self.fee_paid
            + self.penalty_principal
            - self.penalty_principal_paid
            + self.penalty_interest
            - self.penalty_interest_paid
        )

    @property
    def paid(self) -> int:
        """The paid minor units of all buckets, waivers included."""
        return (
            self.principal_paid
            + self.interest_paid
            + self.fee_paid
            + self.penalty_principal_paid
            + self.penalty_interest_paid
        )


ACCOUNTS = {
    "penalty_interest": "1104",
    "penalty_principal": "1103",
    "fee": "1105",
    "interest": "1102",
    "principal": "1101",
}
"""The receivable behind each bucket, in the default order of allocation: penalty, fee, interest, principal."""

_PAID = {bucket: bucket + "_paid" for bucket in ACCOUNTS}

INTEREST_AHEAD, INTEREST_IN_ADVANCE = "interest_ahead", "2105"
"""The bucket of money set aside for later interest, and its account. It is no receivable: nothing is earned yet."""
