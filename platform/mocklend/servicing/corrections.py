"""Putting a disputed loan right: what the desk corrects by itself, and what is left for staff to do.

A dispute is CORRECTED when nothing of that is left. The desk goes by its papers: the channels' records, the orders, the
memos, the page. What really happened it does not know, no more than anybody at a desk does.

    lost payment with evidence ─▶ booked          wrong mark        ─▶ taken off
    booked as something else   ─▶ booked anew     second receipt    ─▶ taken back
    left out by the night      ─▶ caught up       rest of a quote   ─▶ written off the bill
    page behind the books      ─▶ made anew       anything else     ─▶ said, with the call that does it
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
from mocklend.domain.money import minor_exponent
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

PAPERS: Loaded[Papers] = Loaded("papers")
"""By loan: the papers that the desk goes by."""

Findings = Sequence[FindingDoc]

ROUNDING_MINOR = 3
"""What two ways of rounding may differ by. Nobody pays so little, and nobody should have to."""
MIGRATED = "Nothing but its name is behind it: no act of the desk made it."
_AMOUNT = re.compile(r"(?<![\w.])-?\d{1,12}\.\d{2}(?![\w.])")
_ORDER = re.compile(r"rpy_\w+")


@dataclass(frozen=True, slots=True)
class Papers:
    """What the desk has about a loan, as ids; and its log: action, what it is about, memo."""

    orders: tuple[str, ...]
    receipts: tuple[str, ...]
    edits: tuple[str, ...]
    payouts: tuple[str, ...]
    disputes: tuple[str, ...]
    actions: tuple[tuple[str, str, str], ...]


def load_papers(reader: SandboxReader, loan_ids: Sequence[str]) -> Mapping[str, Papers]:
    """What a correction of each loan has to read."""
    return {id: papers_of(reader, id) for id in loan_ids}


_OF_LOAN = "WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY id"
_ACTIONS = """SELECT action, about, memo FROM operator_actions WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id
    ORDER BY at_ms, version, id"""
_SECOND = "SELECT id FROM receipts WHERE sandbox_id = :sandbox_id AND out_trade_no"


def papers_of(reader: SandboxReader, loan_id: str) -> Papers:
    """The papers of one loan. Its receipts are those on it, and those that name an order of it."""

    def ids(table: str) -> tuple[str, ...]:
        return tuple(reader.ids(f"SELECT id FROM {table} {_OF_LOAN}", loan_id=loan_id))

    orders = ids("repayments")
    numbers = [out_trade_no(id) for id in orders]
    second = set(reader.ids_in(_SECOND, numbers)) if numbers else set()
    actions = tuple(reader.rows(_action, _ACTIONS, loan_id=loan_id))
    receipts = tuple(sorted(second | set(ids("receipts"))))
    return Papers(orders, receipts, ids("edits"), ids("payouts"), ids("disputes"), actions)


def _action(action: str, about: str, memo: str | None) -> tuple[str, str, str]:
    return action, about, memo or ""


@dataclass(frozen=True, slots=True)
class Desk:
    """One decision's hands: each correction is an ordinary act of the desk, under its name and memo."""

    work: Work
    dispute: Dispute
    sandbox_id: str
    memo: str
    operator: str

    @property
    def loan(self) -> Loan:
        """The disputed loan, as the acts so far have left it."""
        loan = self.work.get(Loan, self.dispute.loan_id)
        return loan

    @property
    def papers(self) -> Papers:
        """What the desk has about it."""
        papers = self.work.load(PAPERS, self.dispute.loan_id)
        return papers

    def put_right(self, findings: Findings) -> list[CorrectionDoc]:
        """Do what the desk can do by itself, and say what was done. The page comes last: it shows all the rest."""
        done = [*self._lost_payments(findings), *self._second_receipts(), *self._bookings(), *self._overrides()]
        return [*done, *self._caught_up(), *self._rest_of_a_quote(), *self._page()]

    def left_to_do(self, findings: Findings) -> list[LeftDoc]:
        """What is still wrong by the papers, and what to do about it."""
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

    # --- what the desk does ---

    def _lost_payments(self, findings: Findings) -> Iterator[CorrectionDoc]:
        for finding in findings:
            done = self._bring_in(finding)
            if done is not None:
                yield done

    def _bring_in(self, finding: FindingDoc) -> CorrectionDoc | None:
        """Put a payment on the loan that the channel has and the books have on none."""
        number = finding["out_trade_no"]
        if number is None or not finding["matches_channel"] or finding["on_books"]:
            return None
        work, loan = self.work, self.loan
        trade = work.get(Trade, number)
        if trade.loan_id not in (loan.id, NOBODYS) or trade.currency != loan.currency:
            return None  # Somebody else's money, or another loan's: that is for a person to sort out.
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
        mark = conflicting_override(self.loan)
        if mark is not None:
            edit = self.work.get(OperatorEdit, mark.edit_id)
            ReverseEdit(self.sandbox_id, None, edit.id, self.memo, self.operator).decide(self.work)
            yield {"what": "override_reversed", "id": edit.id, "status": edit.status}

    def _caught_up(self) -> Iterator[CorrectionDoc]:
        if self.loan.missed_ms is not None:
            CatchUp(self.sandbox_id, self.loan.id, self.memo, self.operator).decide(self.work)
            yield {"what": "loan_caught_up", "id": self.loan.id}

    def _rest_of_a_quote(self) -> Iterator[CorrectionDoc]:
        """A payoff was paid to the unit by its quote, and what is left is nothing but another rounding."""
        left = _rest(self.loan, self._orders())
        if left:
            key = Idempotency(f"{self.dispute.id}/rest/{self.loan.version}", "")
            wish = Edit(
                self.sandbox_id, key, self.loan.id, MODIFY_REVOKE_AMOUNT, left, None, self.memo, self.operator, None
            )
            edit = wish.decide(self.work).body
            if edit["state"] == EditState.APPLIED:
                yield {"what": "rest_written_off", "id": edit["id"], "amount_minor": left}

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

    # --- what it leaves to staff ---

    def _payments_elsewhere(self, findings: Findings) -> Iterator[LeftDoc]:
        for finding in findings:
            trade = self.work.find(Trade, finding["out_trade_no"]) if finding["out_trade_no"] else None
            if trade is None or not finding["matches_channel"] or self._is_on_the_loan(trade):
                continue
            yield _todo(
                "payment_not_on_loan",
                trade.id,
                f"{trade.channel} has {trade.amount_minor}, and it is not on this loan: match, move or reinstate it",
            )

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
            gone = (
                order.status in (RepaymentStatus.PROCESSING, RepaymentStatus.SUCCEEDED)
                and trade.state == TradeState.RETURNED
            )
            if (unheard or gone) and not self._on_its_way(trade):
                what = f"{order.channel} says {trade.state} of {order.amount_minor}, the books say {order.status}"
                yield _todo("channel_not_asked", order.id, f"{what}: ask the channel about it")
            elif order.status == RepaymentStatus.SUCCEEDED and _booked_otherwise(order, trade):
                yield _todo("booked_otherwise", order.id, "it is not booked as was ordered and paid: book it anew")

    def _on_its_way(self, trade: Trade) -> bool:
        callback = self.work.find(Callback, callback_of(trade.repayment_id))
        return callback is not None and callback.attempts == 0 and callback.due_ms is not None

    def _ordered_twice(self) -> Iterator[LeftDoc]:
        asked: dict[tuple[str, Any], list[Repayment]] = {}
        for order in self._orders():
            for of, value in (("debit", order.debit_ms), ("request", order.asked_key)):
                if value is not None and order.status != RepaymentStatus.REVERSED:
                    asked.setdefault((of, value), []).append(order)
        for (of, _), orders in asked.items():
            if len(orders) > 1:
                ids = " and ".join(sorted(order.id for order in orders))
                yield _todo("ordered_twice", max(order.id for order in orders), f"{ids} are one {of}: reverse one")
        for receipt in self._receipts():
            if receipt.state == ReceiptState.APPLIED and _is_second(receipt) and receipt.loan_id != self.loan.id:
                yield _todo("posted_twice", receipt.id, f"{receipt.out_trade_no} was paid once: reverse the receipt")

    def _edits_to_look_at(self) -> Iterator[LeftDoc]:
        about = {about for _, about, _ in self.papers.actions}
        for edit in self._edits():
            if edit.state != EditState.APPLIED:
                continue
            if edit.to_approve_minor is not None and (
                edit.approver is None or same_person(edit.operator, edit.approver)
            ):
                undo = "approve it" if edit.edit_kind == REFUND else "approve or reverse it"
                yield _todo("unapproved", edit.id, f"it needs a second person, and nobody has looked at it: {undo}")
            if edit.amount_minor is None:
                continue
            if edit.id not in about:
                yield _todo("unsupported", edit.id, f"{MIGRATED} Reverse it")
            meant = _amount_in(edit.memo, self.loan.currency)
            if meant not in (None, edit.amount_minor):
                detail = f"its memo says {meant}, the books have {edit.amount_minor}: reverse it, and make it anew"
                yield _todo("amount_mismatch", edit.id, detail)
        if _rest(self.loan, self._orders()):
            yield _todo(
                "rest_of_a_quote", self.loan.id, "what the quote left out waits for approval: approve the draft"
            )

    def _reversals_of_something_else(self) -> Iterator[LeftDoc]:
        own = set(self.papers.orders)
        newest = {about: memo for action, about, memo in self.papers.actions if action == REPAYMENT_REVERSED}
        for id, memo in newest.items():
            named = [word for word in _ORDER.findall(memo) if word in own]
            order = self.work.get(Repayment, id)
            if named and id not in named and order.reversal_id is not None:
                detail = f"{id} was reversed, and {named[0]} was meant: reinstate the one, reverse the other"
                yield _todo("reversed_something_else", order.reversal_id, detail)

    def _stuck_payouts(self) -> Iterator[LeftDoc]:
        for id in self.papers.payouts:
            payout = self.work.get(Payout, id)
            if payout.state == PayoutState.ORDERED and payout.due_ms is None:
                detail = f"a {payout.purpose} of {payout.amount_minor} is stuck at {payout.channel}: ask there"
                yield _todo("stuck_payout", payout.id, detail)

    def _unposted_promises(self) -> Iterator[LeftDoc]:
        for id in self.papers.disputes:
            other = self.work.get(Dispute, id)
            if other.compensation_id is not None and other.payout_id is None:
                detail = f"{other.compensation_minor} were promised with dispute {id} and never posted: decide it again"
                yield _todo("compensation_not_posted", other.compensation_id, detail)

    def _not_shown(self) -> Iterator[LeftDoc]:
        if not right(self.loan, self.work.now_ms):
            yield _todo("page_behind", self.loan.id, "its page is behind the books: have it made anew")
        if conflicting_override(self.loan) is not None:
            yield _todo("wrong_override", self.loan.id, "a status set by hand contradicts the books: reverse that edit")
        if self.loan.missed_ms is not None:
            yield _todo("left_behind", self.loan.id, "the end-of-day batch has left it out: catch it up")

    # --- reading ---

    def _orders(self) -> list[Repayment]:
        return [self.work.get(Repayment, id) for id in self.papers.orders]

    def _receipts(self) -> list[Receipt]:
        return [self.work.get(Receipt, id) for id in self.papers.receipts]

    def _edits(self) -> list[OperatorEdit]:
        return [self.work.get(OperatorEdit, id) for id in self.papers.edits]

    def _trade(self, order: Repayment) -> Trade:
        trade = self.work.get(Trade, out_trade_no(order.id))
        return trade


def _todo(what: str, id: str, detail: str) -> LeftDoc:
    return {"what": what, "id": id, "detail": detail}


def _is_second(receipt: Receipt) -> bool:
    """Whether a receipt names an order that has its own."""
    return receipt.out_trade_no != order_no(receipt.id)


def _booked_otherwise(order: Repayment, trade: Trade) -> bool:
    return trade.paid_ms is not None and (order.booked_type, order.booked_ms) != (order.type, trade.paid_ms)


def _rest(loan: Loan, orders: Sequence[Repayment]) -> int:
    """What a payoff by its quote has left, where that is no more than another rounding; or 0."""
    by_quote = [
        order
        for order in orders
        if order.type == QuoteType.CLEAR and order.quote_id and order.status == RepaymentStatus.SUCCEEDED
    ]
    left = state_of(loan).outstanding_minor if by_quote and loan.status in (LoanStatus.USING, LoanStatus.OVD) else 0
    return left if left <= ROUNDING_MINOR else 0


def _amount_in(memo: str, currency: str) -> int | None:
    """The one amount that a memo names, in minor units of a currency with cents."""
    found = _AMOUNT.findall(memo) if minor_exponent(currency) == 2 else []
    return int(Decimal(found[0]) * 100) if len(found) == 1 else None
