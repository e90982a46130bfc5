"""Correcting a disputed loan: what is corrected automatically, and what is left for staff to do.

A dispute is CORRECTED when nothing is left to do. Corrections use the case file alone: the channels' trades, the
orders, the memos, the status page. The world is not read, as operations staff cannot see it either.

    lost payment with evidence ─▶ booked          conflicting override ─▶ reversed
    booked as another type     ─▶ booked again    second receipt       ─▶ reversed
    skipped by end of day      ─▶ caught up       rest of a quote      ─▶ taken off the bill
    status page behind books   ─▶ rebuilt         anything else        ─▶ listed, with the call that does it
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mocklend.channels.order_query import QueryPayment
from mocklend.channels.payments import NOBODYS
from mocklend.domain.facts import MODIFY_REVOKE_AMOUNT
from mocklend.domain.money import format_minor, minor_exponent
from mocklend.domain.people import same_person
from mocklend.domain.statuses import (
    EditState,
    LoanStatus,
    PayoutState,
    QuoteType,
    ReceiptState,
    RepaymentStatus,
    TradeState,
)
from mocklend.lending.books import state_of
from mocklend.lending.operator_log import PAGE_REBUILT, REPAYMENT_REVERSED, bill_of, log_operator_action
from mocklend.sandboxes.ids import callback_of, order_no, out_trade_no
from mocklend.servicing.catch_up import CatchUp
from mocklend.servicing.edits import Edit, ReverseEdit
from mocklend.servicing.matching import MatchReceipt
from mocklend.servicing.operations import REFUND
from mocklend.servicing.rebooking import RebookRepayment
from mocklend.servicing.receipts import ReverseReceipt
from mocklend.servicing.repayments import QueryChannel
from mocklend.storage.entities import Callback, Dispute, Loan, OperatorEdit, Payout, Receipt, Repayment, Trade
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.values import CorrectionDoc, FindingDoc, LeftDoc
from mocklend.storage.work import Idempotency, Loaded, Work
from mocklend.views.pages import rebuild, right
from mocklend.views.render import conflicting_override

CASE_FILES: Loaded[CaseFile] = Loaded("case_file")
"""By loan: its case file."""

Findings = Sequence[FindingDoc]

ROUNDING_MINOR = 3
"""The minor units by which two ways of rounding may differ. No real payment is that small."""
UNSUPPORTED = "No entry of the operator log supports it."
_AMOUNT = re.compile(r"(?<![\w.,])-?\d{1,12}\.\d{2,3}(?![\w.])")
_ORDER = re.compile(r"rpy_\w+")


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The documents about a loan, as ids; and its operator log: action, id of the subject, memo."""

    orders: tuple[str, ...]
    receipts: tuple[str, ...]
    edits: tuple[str, ...]
    payouts: tuple[str, ...]
    disputes: tuple[str, ...]
    actions: tuple[tuple[str, str, str], ...]


def load_case_files(reader: SandboxReader, loan_ids: Sequence[str]) -> Mapping[str, CaseFile]:
    """The case file of each loan."""
    return {id: case_file_of(reader, id) for id in loan_ids}


_OF_LOAN = "WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY id"
_ACTIONS = """SELECT action, about, memo FROM operator_actions WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id
    ORDER BY at_ms, version, id"""
_SECOND = "SELECT id FROM receipts WHERE sandbox_id = :sandbox_id AND out_trade_no"


def case_file_of(reader: SandboxReader, loan_id: str) -> CaseFile:
    """The case file of one loan. Its receipts are those on it, and those that name an order of it."""

    def ids(table: str) -> tuple[str, ...]:
        return tuple(reader.ids(f"SELECT id FROM {table} {_OF_LOAN}", loan_id=loan_id))

    orders = ids("repayments")
    numbers = [out_trade_no(id) for id in orders]
    second = set(reader.ids_in(_SECOND, numbers)) if numbers else set()
    actions = tuple(reader.rows(_action, _ACTIONS, loan_id=loan_id))
    receipts = tuple(sorted(second | set(ids("receipts"))))
    return CaseFile(orders, receipts, ids("edits"), ids("payouts"), ids("disputes"), actions)


def _action(action: str, about: str, memo: str | None) -> tuple[str, str, str]:
    return action, about, memo or ""


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrections of one decision: each is an ordinary command, under the decision's operator and memo."""

    work: Work
    dispute: Dispute
    sandbox_id: str
    memo: str
    operator: str

    @property
    def loan(self) -> Loan:
        """The disputed loan after the commands so far."""
        loan = self.work.get(Loan, self.dispute.loan_id)
        return loan

    @property
    def case_file(self) -> CaseFile:
        """The loan's case file."""
        case_file = self.work.load(CASE_FILES, self.dispute.loan_id)
        return case_file

    def correct(self, findings: Findings) -> list[CorrectionDoc]:
        """Make the automatic corrections and return them. The status page comes last: it shows the others."""
        corrections = [*self._lost_payments(findings), *self._second_receipts(), *self._bookings(), *self._overrides()]
        return [*corrections, *self._caught_up(), *self._rest_of_a_quote(), *self._page()]

    def left_to_do(self, findings: Findings) -> list[LeftDoc]:
        """What is still wrong by the case file, each entry with the remedy for staff."""
        return [
            *self._payments_elsewhere(findings),
            *self._orders_to_ask_about(),
            *self._ordered_twice(),
            *self._edits_to_look_at(),
            *self._reversals_of_something_else(),
            *self._stuck_payouts(),
            *self._unposted_promises(),
            *self._not_shown(),
        ]

    # --- automatic corrections ---

    def _lost_payments(self, findings: Findings) -> Iterator[CorrectionDoc]:
        for finding in findings:
            correction = self._book_lost_payment(finding)
            if correction is not None:
                yield correction

    def _book_lost_payment(self, finding: FindingDoc) -> CorrectionDoc | None:
        """Book a payment on the loan that its channel has and that is on no loan."""
        number = finding["out_trade_no"]
        if number is None or not finding["matches_channel"] or finding["on_books"]:
            return None
        work, loan = self.work, self.loan
        trade = work.get(Trade, number)
        if trade.loan_id not in (loan.id, NOBODYS) or trade.currency != loan.currency:
            return None  # Money of another borrower or another loan: staff have to decide.
        if not trade.repayment_id.startswith("rct_"):
            order = work.get(Repayment, trade.repayment_id)
            if order.status not in (RepaymentStatus.PROCESSING, RepaymentStatus.FAILED):
                return None
            QueryChannel(self.sandbox_id, None, order.id, self.operator).decide(work)
            return {"what": "repayment_applied", "id": order.id, "amount_minor": order.amount_minor}
        receipt = work.find(Receipt, trade.repayment_id)
        if receipt is None:
            QueryPayment(self.sandbox_id, None, trade.channel, trade.id, self.operator).decide(work)
            receipt = work.get(Receipt, trade.repayment_id)
        elif receipt.state != ReceiptState.UNAPPLIED:
            return None
        if receipt.state == ReceiptState.UNAPPLIED:
            MatchReceipt(self.sandbox_id, None, receipt.id, loan.id, self.memo, self.operator).decide(work)
        return {"what": "receipt_applied", "id": receipt.id, "amount_minor": receipt.amount_minor}

    def _second_receipts(self) -> Iterator[CorrectionDoc]:
        for receipt in self._receipts():
            if receipt.state == ReceiptState.APPLIED and _is_second(receipt) and receipt.loan_id == self.loan.id:
                ReverseReceipt(self.sandbox_id, None, receipt.id, self.memo, self.operator).decide(self.work)
                yield {"what": "receipt_reversed", "id": receipt.id, "amount_minor": receipt.amount_minor}

    def _bookings(self) -> Iterator[CorrectionDoc]:
        for order in self._orders():
            if order.status == RepaymentStatus.SUCCEEDED and _booked_otherwise(order, self._trade(order)):
                RebookRepayment(self.sandbox_id, None, order.id, self.memo, self.operator).decide(self.work)
                yield {"what": "repayment_rebooked", "id": order.id, "amount_minor": order.amount_minor}

    def _overrides(self) -> Iterator[CorrectionDoc]:
        override = conflicting_override(self.loan)
        if override is not None:
            edit = self.work.get(OperatorEdit, override.edit_id)
            ReverseEdit(self.sandbox_id, None, edit.id, self.memo, self.operator).decide(self.work)
            yield {"what": "override_reversed", "id": edit.id, "status": edit.status}

    def _caught_up(self) -> Iterator[CorrectionDoc]:
        if self.loan.missed_ms is not None:
            CatchUp(self.sandbox_id, self.loan.id, self.memo, self.operator).decide(self.work)
            yield {"what": "loan_caught_up", "id": self.loan.id}

    def _rest_of_a_quote(self) -> Iterator[CorrectionDoc]:
        """Take off what a fully paid payoff quote left, where that is only a rounding difference."""
        rest_minor = _rest(self.loan, self._orders())
        if rest_minor:
            key = Idempotency(f"{self.dispute.id}/rest/{self.loan.version}", "")
            command = Edit(
                self.sandbox_id,
                key,
                self.loan.id,
                MODIFY_REVOKE_AMOUNT,
                rest_minor,
                None,
                self.memo,
                self.operator,
                None,
            )
            edit = command.decide(self.work).body
            if edit["state"] == EditState.APPLIED:
                yield {"what": "rest_written_off", "id": edit["id"], "amount_minor": rest_minor}

    def _page(self) -> Iterator[CorrectionDoc]:
        loan = self.loan
        if not right(loan, self.work.now_ms):
            state = state_of(loan)
            bill = bill_of(loan, state)
            loan = rebuild(self.work, loan, state)
            self.work.put(loan)
            about = f"{loan.id}.{loan.version}"
            log_operator_action(
                self.work, loan, PAGE_REBUILT, about, memo=self.memo, operator=self.operator, before=bill, after=bill
            )
            yield {"what": "page_rebuilt", "id": loan.id, "version": loan.version}

    # --- left to staff ---

    def _payments_elsewhere(self, findings: Findings) -> Iterator[LeftDoc]:
        for finding in findings:
            trade = self.work.find(Trade, finding["out_trade_no"]) if finding["out_trade_no"] else None
            if trade is None or not finding["matches_channel"] or self._is_on_the_loan(trade):
                continue
            paid = format_minor(trade.amount_minor, trade.currency)
            detail = f"{trade.channel} has {paid}, and it is not on this loan: match, move or reinstate it"
            yield _left("payment_not_on_loan", trade.id, detail)

    def _is_on_the_loan(self, trade: Trade) -> bool:
        if trade.repayment_id.startswith("rct_"):
            receipt = self.work.find(Receipt, trade.repayment_id)
            return receipt is not None and receipt.state == ReceiptState.APPLIED and receipt.loan_id == self.loan.id
        order = self.work.get(Repayment, trade.repayment_id)
        return order.status == RepaymentStatus.SUCCEEDED and order.loan_id == self.loan.id

    def _orders_to_ask_about(self) -> Iterator[LeftDoc]:
        for order in self._orders():
            trade = self._trade(order)
            unheard = (
                order.status in (RepaymentStatus.PROCESSING, RepaymentStatus.FAILED)
                and trade.state == TradeState.SUCCESS
            )
            returned = (
                order.status in (RepaymentStatus.PROCESSING, RepaymentStatus.SUCCEEDED)
                and trade.state == TradeState.RETURNED
            )
            if (unheard or returned) and not self._on_its_way(trade):
                said = f"{trade.state} of {self._money(order.amount_minor)}"
                difference = f"{order.channel} says {said}, the books say {order.status}"
                yield _left("channel_not_asked", order.id, f"{difference}: ask the channel about it")
            elif order.status == RepaymentStatus.SUCCEEDED and _booked_otherwise(order, trade):
                yield _left("booked_otherwise", order.id, "it is not booked as it was ordered and paid: book it again")

    def _on_its_way(self, trade: Trade) -> bool:
        callback = self.work.find(Callback, callback_of(trade.repayment_id))
        return callback is not None and callback.attempts == 0 and callback.due_ms is not None

    def _ordered_twice(self) -> Iterator[LeftDoc]:
        orders_by_source: dict[tuple[str, Any], list[Repayment]] = {}
        for order in self._orders():
            for of, value in (("debit", order.debit_ms), ("request", order.asked_key)):
                if value is not None and order.status != RepaymentStatus.REVERSED:
                    orders_by_source.setdefault((of, value), []).append(order)
        for (of, _), orders in orders_by_source.items():
            if len(orders) > 1:
                ids = " and ".join(sorted(order.id for order in orders))
                yield _left("ordered_twice", max(order.id for order in orders), f"{ids} are one {of}: reverse one")
        for receipt in self._receipts():
            if receipt.state == ReceiptState.APPLIED and _is_second(receipt) and receipt.loan_id != self.loan.id:
                yield _left("posted_twice", receipt.id, f"{receipt.out_trade_no} was paid once: reverse the receipt")

    def _edits_to_look_at(self) -> Iterator[LeftDoc]:
        logged = {logged for _, logged, _ in self.case_file.actions}
        for edit in self._edits():
            if edit.state != EditState.APPLIED:
                continue
            if edit.to_approve_minor is not None and (
                edit.approver is None or same_person(edit.operator, edit.approver)
            ):
                remedy = "approve it" if edit.edit_kind == REFUND else "approve or reverse it"
                yield _left("unapproved", edit.id, f"it needs a second person's approval and has none: {remedy}")
            if edit.amount_minor is None:
                continue
            if edit.id not in logged:
                yield _left("unsupported", edit.id, f"{UNSUPPORTED} Reverse it")
            memo_minor = _amount_in(edit.memo, self.loan.currency)
            if memo_minor is not None and memo_minor != edit.amount_minor:
                meant, booked = self._money(memo_minor), self._money(edit.amount_minor)
                detail = f"its memo says {meant}, the books have {booked}: reverse it, and submit it again"
                yield _left("amount_mismatch", edit.id, detail)
        if _rest(self.loan, self._orders()):
            yield _left(
                "rest_of_a_quote", self.loan.id, "what the quote left out waits for approval: approve the draft"
            )

    def _reversals_of_something_else(self) -> Iterator[LeftDoc]:
        own = set(self.case_file.orders)
        newest = {about: memo for action, about, memo in self.case_file.actions if action == REPAYMENT_REVERSED}
        for id, memo in newest.items():
            named = [word for word in _ORDER.findall(memo) if word in own]
            order = self.work.get(Repayment, id)
            if named and id not in named and order.reversal_id is not None:
                detail = f"{id} was reversed instead of {named[0]}: reinstate {id}, reverse {named[0]}"
                yield _left("reversed_something_else", order.reversal_id, detail)

    def _stuck_payouts(self) -> Iterator[LeftDoc]:
        for id in self.case_file.payouts:
            payout = self.work.get(Payout, id)
            if payout.state == PayoutState.ORDERED and payout.due_ms is None:
                of = f"{payout.purpose} of {self._money(payout.amount_minor)}"
                detail = f"a {of} is stuck at {payout.channel}: ask the channel"
                yield _left("stuck_payout", payout.id, detail)

    def _unposted_promises(self) -> Iterator[LeftDoc]:
        for id in self.case_file.disputes:
            other = self.work.get(Dispute, id)
            if other.compensation_id is not None and other.payout_id is None:
                agreed = self._money(other.compensation_minor)
                detail = f"{agreed} were agreed in dispute {id} and not posted: decide it again"
                yield _left("compensation_not_posted", other.compensation_id, detail)

    def _not_shown(self) -> Iterator[LeftDoc]:
        if not right(self.loan, self.work.now_ms):
            yield _left("page_behind", self.loan.id, "its status page is behind the books: rebuild it")
        if conflicting_override(self.loan) is not None:
            yield _left(
                "conflicting_override", self.loan.id, "a status override contradicts the books: reverse that edit"
            )
        if self.loan.missed_ms is not None:
            yield _left("left_behind", self.loan.id, "end of day has skipped it: catch it up")

    # --- reading ---

    def _money(self, amount_minor: int) -> str:
        return format_minor(amount_minor, self.loan.currency)

    def _orders(self) -> list[Repayment]:
        return [self.work.get(Repayment, id) for id in self.case_file.orders]

    def _receipts(self) -> list[Receipt]:
        return [self.work.get(Receipt, id) for id in self.case_file.receipts]

    def _edits(self) -> list[OperatorEdit]:
        return [self.work.get(OperatorEdit, id) for id in self.case_file.edits]

    def _trade(self, order: Repayment) -> Trade:
        trade = self.work.get(Trade, out_trade_no(order.id))
        return trade


def _left(kind: str, id: str, detail: str) -> LeftDoc:
    return {"what": kind, "id": id, "detail": detail}


def _is_second(receipt: Receipt) -> bool:
    """Whether a receipt names an order that has its own receipt."""
    return receipt.out_trade_no != order_no(receipt.id)


def _booked_otherwise(order: Repayment, trade: Trade) -> bool:
    return trade.paid_ms is not None and (order.booked_type, order.booked_ms) != (order.type, trade.paid_ms)


def _rest(loan: Loan, orders: Sequence[Repayment]) -> int:
    """The minor units that a paid payoff quote left outstanding, if only a rounding difference; otherwise 0."""
    by_quote = [
        order
        for order in orders
        if order.type == QuoteType.CLEAR and order.quote_id and order.status == RepaymentStatus.SUCCEEDED
    ]
    left = state_of(loan).outstanding_minor if by_quote and loan.status in (LoanStatus.USING, LoanStatus.OVD) else 0
    return left if left <= ROUNDING_MINOR else 0


def _amount_in(memo: str, currency: str) -> int | None:
    """The amount that a memo names with all decimals of its currency, in minor units; None unless there is just one.

    Without decimals it may be any number, so a memo about yen names none.
    """
    decimals = minor_exponent(currency)
    amounts = [Decimal(amount) for amount in _AMOUNT.findall(memo) if len(amount.partition(".")[2]) == decimals]
    return int(amounts[0].scaleb(decimals)) if len(amounts) == 1 else None
