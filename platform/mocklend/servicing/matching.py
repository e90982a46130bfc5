"""Matching unapplied cash (挂账): an operator identifies whose money it is, and applies it to that loan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from mocklend.channels.payments import NOBODYS, apply_payment, payment_return, receipt_doc
from mocklend.domain.facts import RECEIPT, Fact, business_date
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import LoanStatus, ReceiptState, TradeState
from mocklend.lending.books import state_of
from mocklend.lending.operator_log import RECEIPT_MATCHED, bill_of, log_operator_action
from mocklend.lending.required import require_loan, require_receipt
from mocklend.seams.receipt_match import ReceiptMatch
from mocklend.seams.signals import applied
from mocklend.storage.entities import Loan, Receipt, Trade
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.values import WorldAssignment
from mocklend.storage.work import Answer, Idempotency, Key, Loaded, Work
from mocklend.world.record import record_in_world

OWING: Loaded[list[tuple[str, str]]] = Loaded("owing")
"""By borrower: the loans with money owed, as (id, currency), ordered by id."""

ACTIVE = (LoanStatus.USING, LoanStatus.OVD, LoanStatus.OFF)


@dataclass(frozen=True, slots=True)
class PlaceReceipt:
    """An operator applies a receipt without a loan to a loan: the common part of matching and moving."""

    sandbox_id: str
    idem: Idempotency | None
    receipt_id: str
    loan_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The receipt and the loan; `decide` loads the borrower's other loans and the loan that it is on."""
        return (("receipt", self.receipt_id), ("loan", self.loan_id))

    def intended_loan(self, work: Work, receipt: Receipt) -> Loan:
        """The loan that the operator names. Raises Refused `loan_unknown`, `currency_mismatch`."""
        loan = require_loan(work, self.loan_id)
        if loan.currency != receipt.currency:
            raise Refused(
                "currency_mismatch",
                f"the loan is in {loan.currency}",
                expected=loan.currency,
                received=receipt.currency,
            )
        return loan

    def matched_loan(self, work: Work, receipt: Receipt, intended: Loan) -> Loan:
        """The loan to which the operator actually applies it. Call it after the last refusal."""
        siblings = tuple(
            id
            for id, currency in work.load(OWING, intended.borrower_id)
            if currency == receipt.currency and id not in (intended.id, receipt.loan_id)
        )
        event = ReceiptMatch(
            entity=receipt.id,
            occurrence=receipt.matches + 1,
            now_ms=work.now_ms,
            currency=receipt.currency,
            borrower_id=intended.borrower_id,
            receipt_id=receipt.id,
            operator=self.operator,
            channel=receipt.channel,
            amount_minor=receipt.amount_minor,
            payer_name=receipt.payer_name,
            siblings=siblings,
            loan_id=intended.id,
        )
        return work.get(Loan, work.at(event).loan_id)

    def place(self, work: Work, receipt: Receipt, loan: Loan, action: str) -> Receipt:
        """Apply the receipt to a loan on the books, and log the action."""
        before = bill_of(loan, state_of(loan))
        receipt = apply_payment(work, replace(receipt, matches=receipt.matches + 1), loan)
        loan = work.get(Loan, loan.id)
        log_operator_action(
            work,
            loan,
            action,
            receipt.id,
            memo=self.memo,
            operator=self.operator,
            before=before,
            after=bill_of(loan, state_of(loan)),
            n=receipt.matches,
        )
        return receipt


@dataclass(frozen=True, slots=True)
class MatchReceipt(PlaceReceipt):
    """An operator matches an unapplied receipt to its loan, effective on the channel's date."""

    def decide(self, work: Work) -> Answer:
        """201 and the receipt, APPLIED.

        Raises Refused `receipt_unknown`, `receipt_not_unapplied`, `loan_unknown`, `currency_mismatch`."""
        receipt = require_receipt(work, self.receipt_id)
        if receipt.state != ReceiptState.UNAPPLIED:
            raise Refused(
                "receipt_not_unapplied",
                f"the receipt is {receipt.state}",
                expected=ReceiptState.UNAPPLIED,
                received=receipt.state,
            )
        loan = self.intended_loan(work, receipt)
        trade = work.get(Trade, receipt.out_trade_no)
        work.signal(applied(receipt.id))  # Closes injections on money without a loan, before new ones open.
        matched = self.matched_loan(work, receipt, loan)
        if trade.loan_id == NOBODYS:
            # The payer named no loan, so the world assigns it as the operator does.
            on = business_date(receipt.paid_ms, work.sandbox.zone)
            fact = Fact(receipt.id, RECEIPT, receipt.paid_ms, on, receipt.amount_minor, receipt.channel, receipt.scope)
            record_in_world(work, loan.id, fact)
            receipt = replace(receipt, world_assignment=WorldAssignment(loan.id, {}))
            if trade.state == TradeState.RETURNED:  # Its callback is in transit, or was lost.
                record_in_world(work, loan.id, payment_return(work, trade))
        receipt = self.place(work, receipt, matched, RECEIPT_MATCHED)
        return Answer(201, receipt_doc(receipt))


class _Owing(NamedTuple):
    borrower_id: str
    id: str
    currency: str


def load_owing(reader: SandboxReader, borrower_ids: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
    """A borrower's loans with money owed, as (id, currency), ordered by id."""
    sql = f"""SELECT borrower_id, id, currency FROM loans WHERE sandbox_id = :sandbox_id
        AND status IN ({", ".join(f"'{status}'" for status in ACTIVE)}) AND borrower_id"""
    owing: dict[str, list[tuple[str, str]]] = {id: [] for id in borrower_ids}
    for borrower_id, id, currency in reader.rows_in(_Owing, sql, borrower_ids, " ORDER BY id"):
        owing[borrower_id].append((id, currency))
    return owing
