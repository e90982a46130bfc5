"""What staff do about a repayment: reverse it, or ask the channel for an order whose callback never came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mocklend.channels.inbox import apply_receipt, bring_late_failure
from mocklend.channels.payments import LATE_FAILED
from mocklend.domain.problems import Refused
from mocklend.lending.acts import CHANNEL_QUERIED, REPAYMENT_REVERSED, bill_of, log_act
from mocklend.lending.books import state_of
from mocklend.lending.repay import PROCESSING, REVERSED, SUCCEEDED, repayment_doc
from mocklend.sandboxes.ids import out_trade_no
from mocklend.servicing.edits import reverse_fact
from mocklend.storage.entities import Loan, Repayment, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.views.webhooks import emit


@dataclass(frozen=True, slots=True)
class ReverseRepayment:
    """Take a repayment off the loan. The money stays with the platform, unapplied; later repayments are replayed."""

    sandbox_id: str
    idem: Idempotency | None
    repayment_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The repayment; its loan follows."""
        return (("repayment", self.repayment_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the repayment, REVERSED."""
        repayment = _known(work, self.repayment_id)
        if repayment.status != SUCCEEDED:
            raise Refused(
                "repayment_not_applied",
                f"the repayment is {repayment.status}",
                expected=SUCCEEDED,
                received=repayment.status,
                repayment_id=repayment.id,
            )
        loan: Loan = work.get("loan", repayment.loan_id)
        before = bill_of(loan, state_of(loan))
        done = reverse_fact(work, repayment.loan_id, repayment.id, "repayment")
        repayment = replace(repayment, status=REVERSED, applied_minor=0, overpaid_minor=0)
        work.put(repayment)
        after = bill_of(done.loan, done.state)
        log_act(
            work,
            done.loan,
            REPAYMENT_REVERSED,
            repayment.id,
            memo=self.memo,
            operator=self.operator,
            before=before,
            after=after,
        )
        told = {"repayment_id": repayment.id, "loan_id": repayment.loan_id, "status": repayment.status}
        emit(work, "repayment.reversed", repayment.loan_id, repayment.id, told)
        return Answer(201, repayment_doc(repayment))


@dataclass(frozen=True, slots=True)
class QueryChannel:
    """Ask the channel for an order and apply what it says, effective at the channel's time."""

    sandbox_id: str
    idem: Idempotency | None
    repayment_id: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The repayment and the channel's record of it."""
        return (("repayment", self.repayment_id), ("trade", out_trade_no(self.repayment_id)))

    def decide(self, work: Work) -> Answer:
        """200 and the repayment; unchanged if the books had it already."""
        repayment = _known(work, self.repayment_id)
        trade: Trade = work.get("trade", out_trade_no(repayment.id))
        if trade.state == LATE_FAILED:
            bring_late_failure(work, trade)
            return Answer(200, repayment_doc(_known(work, repayment.id)))
        if repayment.status != PROCESSING:
            return Answer(200, repayment_doc(repayment))
        if trade.state != "SUCCESS" or trade.paid_ms is None or trade.channel_trade_no is None:
            raise Refused(
                "trade_not_paid",
                f"the channel says {trade.state}",
                expected="SUCCESS",
                received=trade.state,
                repayment_id=repayment.id,
            )
        loan: Loan = work.get("loan", repayment.loan_id)
        before = bill_of(loan, state_of(loan))
        repayment = apply_receipt(work, repayment, trade.paid_ms, trade.channel_trade_no)
        loan = work.get("loan", repayment.loan_id)
        after = bill_of(loan, state_of(loan))
        log_act(
            work, loan, CHANNEL_QUERIED, repayment.id, memo=None, operator=self.operator, before=before, after=after
        )
        return Answer(200, repayment_doc(repayment))


def _known(work: Work, repayment_id: str) -> Repayment:
    repayment: Repayment | None = work.get("repayment", repayment_id)
    if repayment is None:
        raise Refused("repayment_unknown", f"no repayment {repayment_id}", repayment_id=repayment_id)
    return repayment
