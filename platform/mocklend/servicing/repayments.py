"""Commands of staff on a repayment: reverse it, or query the channel for an order whose callback did not arrive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.channels.closed_orders import restore
from mocklend.channels.inbox import apply_receipt, book, post_payment_return
from mocklend.domain.facts import REVERSAL, Fact, business_date
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import RepaymentStatus, TradeState
from mocklend.lending.books import post_fact, state_of
from mocklend.lending.operator_log import (
    CHANNEL_QUERIED,
    REPAYMENT_RESTORED,
    REPAYMENT_REVERSED,
    bill_of,
    log_operator_action,
)
from mocklend.lending.repay import repayment_doc
from mocklend.lending.required import require_repayment
from mocklend.sandboxes.ids import make_id, out_trade_no
from mocklend.seams.about import about_loan
from mocklend.seams.repayment_reversal import RepaymentReversal
from mocklend.seams.signals import recorded, reversed_
from mocklend.storage.entities import Loan, Trade
from mocklend.storage.facts import BOOK_FACTS
from mocklend.storage.snapshot import OfLoan, SandboxReader
from mocklend.storage.work import Answer, Idempotency, Key, Loaded, Work
from mocklend.webhooks.outbox import emit, repayment_data
from mocklend.world.record import record_in_world

REVERSIBLE: Loaded[list[str]] = Loaded("reversible")
"""By loan: the ids of the repayments on its books, ordered."""


@dataclass(frozen=True, slots=True)
class ReverseRepayment:
    """Reverse a repayment. Its money stays with the platform as unapplied cash; later repayments are replayed."""

    sandbox_id: str
    idem: Idempotency | None
    repayment_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The repayment; `decide` loads its loan."""
        return (("repayment", self.repayment_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the repayment, REVERSED. Raises Refused `repayment_unknown`, `repayment_not_applied`."""
        repayment = require_repayment(work, self.repayment_id)
        if repayment.status != RepaymentStatus.SUCCEEDED:
            raise Refused(
                "repayment_not_applied",
                f"the repayment is {repayment.status}",
                expected=RepaymentStatus.SUCCEEDED,
                received=repayment.status,
                repayment_id=repayment.id,
            )
        loan = work.get(Loan, repayment.loan_id)
        before = bill_of(loan, state_of(loan))
        n, reversal_id = self._next_reversal(work, loan)
        outcome = work.at(
            RepaymentReversal(
                **about_loan(work.now_ms, loan, n, repayment.id),
                reversal_id=reversal_id,
                operator=self.operator,
                amount_minor=repayment.amount_minor,
                siblings=tuple(id for id in work.load(REVERSIBLE, loan.id) if id != repayment.id),
                repayment_id=repayment.id,
            )
        )
        on = business_date(work.now_ms, work.sandbox.zone)
        intended = Fact(reversal_id, REVERSAL, work.now_ms, on, reverses=repayment.id)
        record_in_world(work, loan.id, intended)
        if outcome.repayment_id == repayment.id:
            work.signal(reversed_(repayment.id))
        work.signal(recorded(loan.id))
        repayment = require_repayment(work, outcome.repayment_id)
        posted = post_fact(work, loan, replace(intended, reverses=repayment.id), cause="reversal", reverses="repayment")
        repayment = replace(
            repayment, status=RepaymentStatus.REVERSED, applied_minor=0, overpaid_minor=0, reversal_id=reversal_id
        )
        work.put(repayment)
        after = bill_of(posted.loan, posted.state)
        log_operator_action(
            work,
            posted.loan,
            REPAYMENT_REVERSED,
            repayment.id,
            memo=self.memo,
            operator=self.operator,
            before=before,
            after=after,
            n=n,
        )
        emit(work, "repayment.reversed", repayment.loan_id, reversal_id, repayment_data(repayment))
        return Answer(201, repayment_doc(repayment))

    def _next_reversal(self, work: Work, loan: Loan) -> tuple[int, str]:
        """The 1-based number of this reversal of the repayment, and its id: an earlier one may have been undone."""
        fact_ids, n = {fact.id for fact in work.load(BOOK_FACTS, loan.id)}, 1
        id = make_id("rev", work.sandbox.seed, self.repayment_id)
        while id in fact_ids:
            n += 1
            id = make_id("rev", work.sandbox.seed, self.repayment_id, n)
        return n, id


def load_reversible(reader: SandboxReader, loan_ids: Sequence[str]) -> Mapping[str, list[str]]:
    """By loan: the ids of the repayments on its books, ordered."""
    sql = f"""SELECT loan_id, id FROM repayments
        WHERE sandbox_id = :sandbox_id AND status = '{RepaymentStatus.SUCCEEDED}' AND loan_id"""
    reversible: dict[str, list[str]] = {loan_id: [] for loan_id in loan_ids}
    for loan_id, id in reader.rows_in(OfLoan, sql, loan_ids, " ORDER BY id"):
        reversible[loan_id].append(id)
    return reversible


@dataclass(frozen=True, slots=True)
class QueryChannel:
    """Query the channel for an order and apply its answer, effective at the channel's time."""

    sandbox_id: str
    idem: Idempotency | None
    repayment_id: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The repayment and its trade."""
        return (("repayment", self.repayment_id), ("trade", out_trade_no(self.repayment_id)))

    def decide(self, work: Work) -> Answer:
        """200 and the repayment; unchanged if the books have it already. Raises Refused `repayment_unknown`,
        `trade_not_paid`."""
        repayment = require_repayment(work, self.repayment_id)
        trade = work.get(Trade, out_trade_no(repayment.id))
        if trade.state == TradeState.RETURNED:
            post_payment_return(work, trade)
            return Answer(200, repayment_doc(require_repayment(work, repayment.id)))
        if repayment.status not in (RepaymentStatus.PROCESSING, RepaymentStatus.FAILED):
            return Answer(200, repayment_doc(repayment))
        if trade.state != TradeState.SUCCESS or trade.paid_ms is None or trade.channel_trade_no is None:
            raise Refused(
                "trade_not_paid",
                f"the channel says {trade.state}",
                expected=TradeState.SUCCESS,
                received=trade.state,
                repayment_id=repayment.id,
            )
        loan = work.get(Loan, repayment.loan_id)
        before = bill_of(loan, state_of(loan))
        if repayment.status == RepaymentStatus.FAILED:
            action, repayment = REPAYMENT_RESTORED, restore(work, repayment)
            if (repayment.booked_type, repayment.booked_ms) != (repayment.type, trade.paid_ms):
                _, repayment = book(work, work.get(Loan, loan.id), repayment, cause="reversal")
        else:
            action = CHANNEL_QUERIED
            repayment = apply_receipt(work, repayment, trade.paid_ms, trade.channel_trade_no)
        loan = work.get(Loan, repayment.loan_id)
        after = bill_of(loan, state_of(loan))
        log_operator_action(
            work, loan, action, repayment.id, memo=None, operator=self.operator, before=before, after=after
        )
        return Answer(200, repayment_doc(repayment))
