"""Refunds: overpaid money is owed to the borrower once agreed, and is paid by a channel later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.servicing.operations import REFUND, EditRequest, submit
from mocklend.storage.work import Answer, Idempotency, Key, Work


@dataclass(frozen=True, slots=True)
class Refund:
    """Agree on a refund of overpaid money (2101/2103), all of it by default, and order its payout (2103/1002).

    The channel pays after its delay. If a backdated fact later reduces the overpaid money, the difference is owed
    again, as a fee.
    """

    sandbox_id: str
    idem: Idempotency | None
    loan_id: str
    channel: str
    amount_minor: int | None
    memo: str
    operator: str
    approver: str | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the refund as an edit; or 202 and a draft."""
        request = EditRequest(
            REFUND, self.memo, self.operator, self.approver, amount_minor=self.amount_minor, channel=self.channel
        )
        return submit(work, self.idem, self.loan_id, request)
