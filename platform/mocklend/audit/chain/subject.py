"""What the chain of one loan is made of: the loan, its discrepancies, and everything of it that a view shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

from mocklend.audit.checks import BOOKS_CHECKS, CHECKS, LOAN_CHECKS, WORLD_CHECKS
from mocklend.audit.money import strays_of
from mocklend.audit.subjects import AuditedLoan, AuditedLoans, chosen_groups
from mocklend.bureau.checks import check_partner_copies, check_scores
from mocklend.bureau.partners import PARTNERS, copy_id
from mocklend.channels.statements.files import check_statement_files, file_at, is_damaged
from mocklend.domain.facts import Fact, Terms, booked, business_date, midnight_ms
from mocklend.domain.finding import Discrepancy, Finding, InTransit
from mocklend.domain.problems import Refused
from mocklend.domain.replay import LoanState, replay
from mocklend.lending.books import terms_of
from mocklend.sandboxes.ids import order_no, out_trade_no, receipt_behind
from mocklend.storage.entities import (
    Application,
    Borrower,
    Dispute,
    Loan,
    OperatorEdit,
    PartnerCopy,
    Payout,
    Receipt,
    Repayment,
    StatementFile,
    Trade,
    Webhook,
)
from mocklend.storage.schema import RECEIPT_PREFIX
from mocklend.storage.snapshot import Chosen, Snapshot, among

EACH_MAX = 12
"""How many trades, repayments, edits, payouts and disputes of a loan have a row, the newest."""

MESSAGES_MAX = 100
"""How many webhooks about a loan are looked at, the newest."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A loan with its two sides, its discrepancies, and the entities that views show of it, each kind oldest first."""

    snapshot: Snapshot
    audited: AuditedLoan
    borrower: Borrower
    discrepancies: Sequence[Discrepancy]
    in_transit: Sequence[InTransit]
    truth: LoanState
    truth_ms: int
    trades: Sequence[Trade]
    orders: Sequence[Repayment]
    receipts: Sequence[Receipt]
    payouts: Sequence[Payout]
    edits: Sequence[OperatorEdit]
    disputes: Sequence[Dispute]
    copies: Sequence[PartnerCopy]
    applications: Sequence[Application]
    files: Sequence[StatementFile]
    webhooks: Sequence[Webhook]
    left_out: int

    @property
    def loan(self) -> Loan:
        """The loan as the books have it."""
        return self.audited.loan

    @property
    def terms(self) -> Terms:
        """Its agreed terms."""
        return terms_of(self.audited.loan)

    @property
    def world(self) -> Sequence[Fact]:
        """Its facts in the world."""
        return self.audited.world.facts

    @property
    def books(self) -> Sequence[Fact]:
        """Its facts on the books."""
        return self.audited.books.facts


def subject_of(snapshot: Snapshot, loan_id: str) -> Subject:
    """Load a loan and audit it. Raises Refused `loan_unknown`."""
    for group, chosen in chosen_groups(snapshot, [loan_id]):
        [audited] = group.loans
        return _subject(snapshot, group, audited, chosen)
    raise Refused("loan_unknown", f"no loan {loan_id}", loan_id=loan_id)


def _subject(snapshot: Snapshot, group: AuditedLoans, audited: AuditedLoan, chosen: Chosen) -> Subject:
    loan = audited.loan
    truth, truth_ms = _truth(snapshot, audited)
    receipt_ids = sorted(
        {
            receipt_behind(booked(fact.id))
            for fact in chain(audited.world.facts, audited.books.facts)
            if receipt_behind(fact.id).startswith(RECEIPT_PREFIX)
        }
    )
    receipts = sorted(snapshot.find_all(Receipt, receipt_ids), key=lambda receipt: (receipt.received_ms, receipt.id))
    orders = snapshot.where(Repayment, f"{OF_LOAN} {NEWEST}", loan_id=loan.id, most=EACH_MAX + 1)[::-1]
    numbers = [out_trade_no(order.id) for order in orders] + [order_no(id) for id in receipt_ids]
    trades = sorted(snapshot.find_all(Trade, numbers), key=lambda trade: (trade.created_ms, trade.id))
    payouts = snapshot.where(Payout, f"{OF_LOAN} {NEWEST}", loan_id=loan.id, most=EACH_MAX + 1)[::-1]
    edits = snapshot.where(
        OperatorEdit, f"{OF_LOAN} ORDER BY n DESC, id LIMIT :most", loan_id=loan.id, most=EACH_MAX + 1
    )
    disputes = snapshot.where(Dispute, f"{OF_LOAN} {NEWEST}", loan_id=loan.id, most=EACH_MAX + 1)[::-1]
    copies = snapshot.find_all(PartnerCopy, [copy_id(partner, loan.borrower_id) for partner in PARTNERS])
    files = files_of(snapshot, trades, payouts)
    found = [
        *_found(snapshot, group, audited, chosen),
        *check_scores(snapshot, borrower_id=loan.borrower_id),
        *(check_partner_copies(snapshot, among([copy.id for copy in copies])) if copies else ()),
        *check_statement_files(snapshot, [file for file in files if is_damaged(file, snapshot.now_ms)]),
    ]
    lists = (trades, orders, receipts, payouts, edits[::-1], disputes)
    return Subject(
        snapshot,
        audited,
        snapshot.get(Borrower, loan.borrower_id),
        [item for item in found if isinstance(item, Discrepancy)],
        [item for item in found if isinstance(item, InTransit)],
        truth,
        truth_ms,
        trades,
        orders,
        receipts,
        payouts,
        edits[::-1],
        disputes,
        copies,
        _newest_applications(snapshot, copies),
        files,
        snapshot.where(Webhook, _NEWEST_MESSAGES, loan_id=loan.id, most=MESSAGES_MAX)[::-1],
        sum(max(0, len(items) - EACH_MAX) for items in lists),
    )


_NEWEST_MESSAGES = "loan_id = :loan_id ORDER BY queued_ms DESC, id DESC LIMIT :most"
OF_LOAN = "loan_id = :loan_id"
NEWEST = "ORDER BY created_ms DESC, id LIMIT :most"


def _found(
    snapshot: Snapshot, group: AuditedLoans, audited: AuditedLoan, chosen: Chosen
) -> Iterator[Discrepancy | InTransit]:
    """Every check of the audit that is about loans, on this one; and money of another loan that is booked here."""
    loan_id, currency = audited.loan.id, audited.loan.currency
    for code, check_world in WORLD_CHECKS:
        for detail in check_world(audited.world):
            yield Discrepancy(Finding("world_invariant", loan_id, 0), loan_id, currency, f"{code}: {detail}")
    for code, check_books in BOOKS_CHECKS:
        for detail in check_books(audited.books):
            yield Discrepancy(Finding("books_invariant", loan_id, 0), loan_id, currency, f"{code}: {detail}")
    for check_loan in LOAN_CHECKS:
        yield from check_loan(audited)
    for check in CHECKS:
        if check.loans is not None:
            yield from check.loans(group)
        if check.chosen is not None:
            yield from check.chosen(snapshot, chosen)
    yield from strays_of(group)


def _truth(snapshot: Snapshot, audited: AuditedLoan) -> tuple[LoanState, int]:
    """The loan as it truly stands, and the time (ms) of its last change: a fact, or a due date that has passed.

    Interest accrues up to what the books do at an end of day, so that what is merely to be accrued is no difference.
    """
    loan, facts, zone = audited.loan, audited.world.facts, snapshot.sandbox.zone
    today = business_date(snapshot.now_ms, zone)
    terms, last = terms_of(loan), max((fact.on for fact in facts), default=date.min)
    truth_ms = max((fact.at_ms for fact in facts), default=loan.created_ms)
    start = max(last, date.fromisoformat(loan.start_date))
    state = replay(terms, facts, start)
    while (change := state.next_change()) is not None and change <= today:
        state.roll_forward(change)
        truth_ms = midnight_ms(change, zone)
    return state, truth_ms


def files_of(snapshot: Snapshot, trades: Sequence[Trade], payouts: Sequence[Payout]) -> list[StatementFile]:
    """The statement files that were made of the days on which this loan's money moved, in order."""
    zone = snapshot.sandbox.zone
    moved = [(trade.channel, trade.currency, trade.paid_ms) for trade in trades]
    moved += [(trade.channel, trade.currency, trade.returned_ms) for trade in trades]
    moved += [(payout.channel, payout.currency, payout.paid_ms) for payout in payouts]
    ids = {file_at(channel, currency, at_ms, zone) for channel, currency, at_ms in moved if at_ms is not None}
    return snapshot.find_all(StatementFile, sorted(ids))


def _newest_applications(snapshot: Snapshot, copies: Sequence[PartnerCopy]) -> list[Application]:
    if not copies:
        return []
    found = snapshot.where(
        Application,
        "borrower_id = :borrower_id ORDER BY created_ms DESC, id LIMIT 200",
        borrower_id=copies[0].borrower_id,
    )
    newest = {copy.partner: copy.decided for copy in copies}
    return [application for application in found if newest.get(application.partner) == application.n]
