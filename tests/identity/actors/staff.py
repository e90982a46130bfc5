"""Steps of staff in the identity."""

from __future__ import annotations

import json
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from identity.actors.base import DAY, HOUR, MINUTE, SECOND
from identity.actors.clients import Clients
from mocklend.channels.payments import PayAtChannel
from mocklend.domain.channel import channels
from mocklend.domain.facts import business_date
from mocklend.lending import books
from mocklend.sandboxes.ids import receipt_of
from mocklend.servicing import (
    ApproveEdit,
    Charge,
    DecideDispute,
    Edit,
    OpenDispute,
    QueryChannel,
    RebookRepayment,
    RebuildPage,
    Refund,
    ReinstateRepayment,
    RejectEdit,
    ReverseEdit,
    ReverseReceipt,
    ReverseRepayment,
    VerifyDispute,
    Waive,
    WriteOff,
)
from mocklend.servicing.evidence import Piece
from mocklend.servicing.matching import MatchReceipt
from mocklend.servicing.moving import MoveReceipt
from mocklend.servicing.operations import AMOUNT_EDITS, bounds
from mocklend.storage.entities import Loan, Trade
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.work import Command
from mocklend.views.reads import entity


class Pushed(NamedTuple):
    """A receipt, the loan that its payer meant ("" where none was named), and whose the world takes it for."""

    id: str
    intended: str
    world_assignment: str


class Staff(Clients):
    """Operators match, edit, reverse, ask channels, rebuild pages and decide disputes."""

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50))
    def match_a_receipt(self, which: int) -> None:
        """To the loan that its payer meant; where none was named, to whichever the operator thinks."""
        with self.platform.read() as connection:
            sql = """SELECT r.id, t.loan_id, r.world_assignment FROM receipts r JOIN trades t
                     ON t.sandbox_id = r.sandbox_id AND t.id = r.out_trade_no
                     WHERE r.sandbox_id = :sandbox_id ORDER BY r.id"""
            receipts = SandboxReader(connection, self.id).rows(Pushed, sql)
        if receipts:
            receipt_id, intended, _ = receipts[which % len(receipts)]
            loan_id = intended or self.loans[which % len(self.loans)]
            self.attempt(MatchReceipt(self.id, self.key(), receipt_id, loan_id, "bank slip", "op-4"))

    @precondition(lambda self: len(self.loans) > 1)
    @rule(
        which=st.integers(0, 5),
        amount=st.integers(1, 300_000),
        scope=st.sampled_from(["CLEAR", "OVD_AND_CURRENT"]),
        wait=st.sampled_from([0, HOUR, 40 * DAY]),
    )
    def match_by_the_slip(self, which: int, amount: int, scope: str, wait: int) -> None:
        """Money without a reference is unapplied, and the operator matches it at once."""
        paid = self.attempt(PayAtChannel(self.id, self.key(), "bill_pay", amount, "CNY", "Ada", "my loan", scope))
        assert paid is not None
        self.advance(by=MINUTE * 10)
        receipt_id, loan_id = receipt_of(paid.body["out_trade_no"]), self.loans[which % len(self.loans)]
        self.attempt(MatchReceipt(self.id, self.key(), receipt_id, loan_id, "bank slip", "op-4"))
        self.advance(by=wait)

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50), anew=st.booleans())
    def move_a_receipt(self, which: int, anew: bool) -> None:
        """To the loan that was meant; of nobody's money the operator may think again whose it is."""
        with self.platform.read() as connection:
            sql = """SELECT r.id, t.loan_id, r.world_assignment FROM receipts r JOIN trades t
                     ON t.sandbox_id = r.sandbox_id AND t.id = r.out_trade_no
                     WHERE r.sandbox_id = :sandbox_id AND r.matches > 0 ORDER BY r.id"""
            receipts = SandboxReader(connection, self.id).rows(Pushed, sql)
        if receipts:
            receipt_id, named, assigned = receipts[which % len(receipts)]
            loan_id = named or (self.loans[which % len(self.loans)] if anew else json.loads(assigned)["loan_id"])
            self.attempt(MoveReceipt(self.id, self.key(), receipt_id, loan_id, "as the slip says", "op-4"))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50))
    def a_debit_is_taken_back(self, which: int) -> None:
        with self.platform.read() as connection:
            sql = """SELECT id FROM repayments WHERE sandbox_id = :sandbox_id AND debit_ms IS NOT NULL
                     AND status = 'S' ORDER BY id"""
            debits = SandboxReader(connection, self.id).ids(sql)
        if debits:
            repayment_id = debits[which % len(debits)]
            self.attempt(ReverseRepayment(self.id, self.key(), repayment_id, "debited twice", "op-1"))

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        kind=st.sampled_from(AMOUNT_EDITS),
        amount=st.integers(-500, 5_000) | st.integers(-50_000, 50_000),
    )
    def edit_an_amount(self, which: int, kind: str, amount: int) -> None:
        loan_id = self.loans[which % len(self.loans)]
        answer = self.attempt(Edit(self.id, self.key(), loan_id, kind, amount, None, "as agreed", "op-1", None))
        if answer is not None:
            self.edits.append(answer.body["id"])

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), status=st.sampled_from(["VALID", "VALID", "CLEAR", "OVERDUE", "INIT"]))
    def confirm_a_status(self, which: int, status: str) -> None:
        loan_id = self.loans[which % len(self.loans)]
        answer = self.attempt(
            Edit(self.id, self.key(), loan_id, "MODIFY_BILL_STATUS", None, status, "as the books say", "op-2", None)
        )
        if answer is not None:
            self.edits.append(answer.body["id"])

    def operate(self, command: Command) -> None:
        """An operator action: on the books, or a draft."""
        answer = self.attempt(command)
        if answer is not None:
            self.edits.append(answer.body["id"])

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        kind=st.sampled_from(["fee", "penalty"]),
        amount=st.integers(1, 5_000),
        ahead=st.sampled_from([0, 1, 20, 90]),
    )
    def charge(self, which: int, kind: str, amount: int, ahead: int) -> None:
        loan_id, due = self.loans[which % len(self.loans)], business_date(self.now_ms + ahead * DAY, "Asia/Shanghai")
        self.operate(Charge(self.id, self.key(), loan_id, kind, amount, due, "late again", "op-1"))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), part=st.sampled_from(["fee", "interest", "penalty"]), amount=st.integers(1, 500))
    def waive(self, which: int, part: str, amount: int) -> None:
        loan_id = self.loans[which % len(self.loans)]
        self.operate(Waive(self.id, self.key(), loan_id, part, amount, "goodwill", "op-2"))

    @precondition(lambda self: len(self.loans) > 1)
    @rule(which=st.integers(0, 5), approver=st.sampled_from([None, "op-1", "op-9", "op-9"]))
    def write_off(self, which: int, approver: str | None) -> None:
        loan_id = self.loans[which % len(self.loans)]
        self.operate(WriteOff(self.id, self.key(), loan_id, "bankrupt", "op-1", approver))

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        amount=st.sampled_from([None, None, 1, 500]),
        channel=st.sampled_from(sorted(channels())),
        approver=st.sampled_from([None, "op-9"]),
    )
    def refund(self, which: int, amount: int | None, channel: str, approver: str | None) -> None:
        loan_id = self.loans[which % len(self.loans)]
        self.operate(Refund(self.id, self.key(), loan_id, channel, amount, "paid twice", "op-1", approver))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), channel=st.sampled_from(sorted(channels())), wait=st.sampled_from([0, 2, 2_000]))
    def pay_twice_and_be_refunded(self, which: int, channel: str, wait: int) -> None:
        self.repay(which=which, channel="wallet", kind="CLEAR", part="twice")
        self.advance(by=3 * SECOND)
        self.refund(which=which, amount=None, channel=channel, approver="op-9")
        self.advance(by=wait * SECOND)

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        kind=st.sampled_from(AMOUNT_EDITS),
        end=st.sampled_from([0, 1]),
        halves=st.integers(1, 3),
    )
    def edit_within_bounds(self, which: int, kind: str, end: int, halves: int) -> None:
        loan_id = self.loans[which % len(self.loans)]
        with self.platform.snapshot(self.id) as snapshot:
            state = books.state_of(entity(snapshot, Loan, loan_id))
        amount = min(bounds(state, kind)[end], 10**9) // halves
        self.operate(Edit(self.id, self.key(), loan_id, kind, amount, None, "as agreed", "op-1", "op-9"))

    @precondition(lambda self: self.edits)
    @rule(which=st.integers(0, 50), by=st.sampled_from(["op-1", "op-9", None]))
    def look_at_a_draft(self, which: int, by: str | None) -> None:
        edit_id = self.edits[which % len(self.edits)]
        if by is None:
            self.attempt(RejectEdit(self.id, self.key(), edit_id, "not so", "op-9"))
        else:
            self.attempt(ApproveEdit(self.id, self.key(), edit_id, by))

    @precondition(lambda self: self.edits or self.loans)
    @rule(which=st.integers(0, 50))
    def reverse_an_edit(self, which: int) -> None:
        with self.platform.read() as connection:
            sql = "SELECT id FROM edits WHERE sandbox_id = :sandbox_id ORDER BY id"
            ids = SandboxReader(connection, self.id).ids(sql)
        if ids:
            self.attempt(ReverseEdit(self.id, self.key(), ids[which % len(ids)], "wrong", "op-1"))

    @precondition(lambda self: self.repayments)
    @rule(which=st.integers(0, 50))
    def reverse_a_repayment(self, which: int) -> None:
        repayment_id = self.repayments[which % len(self.repayments)]
        self.attempt(ReverseRepayment(self.id, self.key(), repayment_id, "chargeback", "op-1"))

    @precondition(lambda self: self.repayments)
    @rule(which=st.integers(0, 50))
    def reinstate_a_repayment(self, which: int) -> None:
        with self.platform.read() as connection:
            sql = "SELECT id FROM repayments WHERE sandbox_id = :sandbox_id AND reversal_id IS NOT NULL ORDER BY id"
            ids = SandboxReader(connection, self.id).ids(sql)
        if ids:
            self.attempt(ReinstateRepayment(self.id, self.key(), ids[which % len(ids)], "it was good", "op-1"))

    @precondition(lambda self: self.repayments)
    @rule(which=st.integers(0, 50))
    def rebook_a_repayment(self, which: int) -> None:
        self.attempt(RebookRepayment(self.id, self.key(), self.repayments[which % len(self.repayments)], "so", "op-1"))

    @precondition(lambda self: self.repayments)
    @rule(which=st.integers(0, 50))
    def ask_the_channel(self, which: int) -> None:
        self.attempt(QueryChannel(self.id, self.key(), self.repayments[which % len(self.repayments)], "op-3"))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5))
    def rebuild_a_page(self, which: int) -> None:
        self.attempt(RebuildPage(self.id, None, self.loans[which % len(self.loans)], "behind the books", "op-6"))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), amount=st.integers(1, 900), how=st.sampled_from(["clears", "goes on"]))
    def waive_and_take_back(self, which: int, amount: int, how: str) -> None:
        """A fee, its waiver, perhaps the payment of all the rest, and the waiver's cancellation."""
        loan_id = self.loans[which % len(self.loans)]
        self.charge(which=which, kind="fee", amount=amount, ahead=1)
        waived = self.attempt(Waive(self.id, self.key(), loan_id, "fee", amount, "goodwill", "op-2"))
        if how == "clears":
            self.pay_off_and_wait(which=which, channel="wallet", wait=2)
        if waived is not None:
            self.attempt(ReverseEdit(self.id, self.key(), waived.body["id"], "somebody else's", "op-2"))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50))
    def reverse_a_receipt(self, which: int) -> None:
        """One that was posted twice; any other is refused."""
        with self.platform.read() as connection:
            sql = (
                "SELECT id FROM receipts WHERE sandbox_id = :sandbox_id ORDER BY substr(out_trade_no, 1, 2) = 'PY', id"
            )
            ids = SandboxReader(connection, self.id).ids(sql)
        if ids:
            self.attempt(ReverseReceipt(self.id, self.key(), ids[which % len(ids)], "twice", "op-1"))

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        party=st.sampled_from(["own", "own", "anybody's"]),
        numbered=st.booleans(),
        wait=st.sampled_from([0, 0, HOUR, 21 * DAY]),
        decision=st.sampled_from(["UPHELD", "UPHELD", "UPHELD", "REJECTED", "UNVERIFIABLE", None]),
        correct=st.booleans(),
        compensation=st.sampled_from([None, 1, 700]),
    )
    def dispute(
        self,
        which: int,
        party: str,
        numbered: bool,
        wait: int,
        decision: str | None,
        correct: bool,
        compensation: int | None,
    ) -> None:
        """With up to three payments as evidence, those first that the books have on no loan."""
        loan_id = self.loans[which % len(self.loans)]
        with self.platform.read() as connection:
            condition = """state = 'SUCCESS' AND (loan_id IN (:loan_id, '') OR :all = 1)
                           ORDER BY repayment_id IN (
                               SELECT id FROM book_facts b WHERE b.sandbox_id = trades.sandbox_id
                           ), id"""
            paid = SandboxReader(connection, self.id).where(Trade, condition, loan_id=loan_id, all=int(party != "own"))
        evidence = tuple(
            Piece(
                "bank_slip",
                trade.channel,
                trade.channel_trade_no if numbered else None,
                trade.amount_minor,
                trade.paid_ms or 0,
                None,
            )
            for trade in paid[:3]
        )
        attempted = self.attempt(OpenDispute(self.id, self.key(), loan_id, "settled_but_unpaid", None, evidence))
        assert attempted is not None
        self.advance(by=wait)
        self.disputes.append(attempted.body["id"])
        verified = self.attempt(VerifyDispute(self.id, self.key(), attempted.body["id"], "op-5"))
        if verified is not None and decision is not None:
            more = (correct, compensation) if decision == "UPHELD" else ()
            answer = DecideDispute(self.id, self.key(), attempted.body["id"], decision, "as found", "op-5", *more)
            assert self.attempt(answer) is not None

    @precondition(lambda self: self.disputes)
    @rule(
        which=st.integers(0, 9), wait=st.sampled_from([0, 25 * DAY]), compensation=st.sampled_from([None, 100, 5_000])
    )
    def decide_later(self, which: int, wait: int, compensation: int | None) -> None:
        """Operations come back to a dispute: they decide it late, correct again, or post the compensation that was promised."""
        dispute = self.disputes[which % len(self.disputes)]
        self.advance(by=wait)
        self.attempt(VerifyDispute(self.id, self.key(), dispute, "op-5"))
        self.attempt(DecideDispute(self.id, self.key(), dispute, "UPHELD", "again", "op-6", True, compensation))
