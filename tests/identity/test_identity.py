"""The identity: discrepancies(world, books, views) == open entries of the answer key, after every step of any story.

The machine borrows, quotes, repays through any channel, repeats requests, lets time pass, edits, reverses, asks
channels, forges callbacks, arms and disarms any fault, in any order. After each step both sides are worked out, apart
from each other, and compared. With no fault armed the right-hand side is empty, so the left must be too.

A failure prints the steps and the seed. `scripts/identity --steps N --seed S` walks longer, and walks that seed again.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from mocklend.api.answering import MeetRequest
from mocklend.api.glimpse import Glimpse, Shape
from mocklend.bureau import Apply, AskScore
from mocklend.bureau.partners import PARTNERS
from mocklend.channels import inbox
from mocklend.channels.callback_secrets import callback_secret
from mocklend.channels.inbox import ReceiveCallback
from mocklend.channels.late_failures import FailLate
from mocklend.channels.payments import PayAtChannel
from mocklend.channels.payouts import FailPayout
from mocklend.channels.statements import record
from mocklend.channels.statements.day import Heading
from mocklend.channels.statements.files import MakeStatement
from mocklend.channels.statements.invariant import check_statements
from mocklend.domain.channel import channels
from mocklend.domain.days import TermUnit
from mocklend.domain.facts import RECEIPT, business_date
from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS, Method, PayoffInterest, Product
from mocklend.domain.statuses import EntryStatus
from mocklend.ledger import journal
from mocklend.lending import AddBorrower, Borrow, MakeQuote, Repay, books
from mocklend.runtime import Platform
from mocklend.sandboxes.ids import out_trade_no, receipt_of
from mocklend.sandboxes.moments import rfc3339
from mocklend.seams import ApiAnswer, ViewRefresh
from mocklend.servicing import (
    ApproveEdit,
    CatchUp,
    Charge,
    DecideDispute,
    Edit,
    IssueCertificate,
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
from mocklend.servicing.desk import AMOUNT_EDITS, bounds
from mocklend.servicing.evidence import Piece
from mocklend.servicing.matching import MatchReceipt
from mocklend.servicing.moving import MoveReceipt
from mocklend.signing import signed_headers
from mocklend.storage.stores import rows
from mocklend.storage.work import Answer, Command, Idempotency, Nudge, Work
from mocklend.views.reads import entity
from mocklend.views.render import SHOWN_FOR_MARK
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.answer_key import entries
from mocklend_faults.engine.catalogue import installed, named
from mocklend_faults.engine.commands import DeleteRule, HaltRules, PutRule
from mocklend_faults.engine.rules import Rule
from mocklend_faults.kinds.amount_rounding_drift import RoundingDrift
from mocklend_faults.kinds.cache_bounded_stale import BoundedStale
from mocklend_faults.kinds.idempotency_expired import IdempotencyExpired
from mocklend_faults.kinds.lender_cached_refusal import CachedRefusal
from mocklend_faults.kinds.migration_legacy_residue import LegacyResidue
from mocklend_faults.kinds.operator_manual_override_sticky import ManualOverrideSticky

OF_ANSWERS = tuple(kind for kind in installed().values() if kind.seams() == (ApiAnswer.seam,))
"""Kinds that act on one answer. They are armed by a rule of their own, so as not to crowd out those that last."""
KINDS = tuple(kind for kind in installed().values() if kind not in OF_ANSWERS)
START_MS = 1_767_578_400_000  # 2026-01-05, 10:00 in Shanghai
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
STEPS_A_STORY = 50
WALKS, STEPS_A_WALK = 4, 2_500

SHORT = Product(method=Method.EQUAL_INSTALMENT, terms=3, rate="0.18")
WEEKLY = Product(
    method=Method.EQUAL_INSTALMENT,
    terms=4,
    rate="0.36",
    term_unit=TermUnit.DAY,
    term_length=7,
    day_count="30/360",  # type: ignore[arg-type]
)
PAY_TO_THE_END = Product(
    method=Method.EQUAL_INSTALMENT,
    terms=2,
    rate="0.24",
    payoff_interest=PayoffInterest.UNTIL_PERIOD_END,
    penalty={"multiplier": "1.5", "base": "principal_and_interest"},  # type: ignore[arg-type]
)
OFFERED = {"jiebei-like": PRODUCTS["jiebei-like"], "short": SHORT, "weekly": WEEKLY, "to-the-end": PAY_TO_THE_END}

_lender: list[Platform] = []
_folders: list[tempfile.TemporaryDirectory[str]] = []  # Each is removed when the process ends.


def lender() -> Platform:
    """One platform for all stories of a process; each story has a sandbox of its own.

    It is on SQLite in a folder of its own, or on the PostgreSQL that `MOCKLEND_TEST_POSTGRES` names.
    """
    if not _lender:
        database = os.environ.get("MOCKLEND_TEST_POSTGRES")
        if not database:
            _folders.append(tempfile.TemporaryDirectory(prefix="mocklend-identity-", ignore_cleanup_errors=True))
            database = str(Path(_folders[-1].name) / "identity.db")
        _lender.append(Platform(database, FaultLayer((*KINDS, *OF_ANSWERS)), fast=True))
    return _lender[0]


def settings_of(kind: type[Any], turn: int) -> dict[str, Any]:
    """Settings of a kind, by turns: its defaults, its options one after the other, numbers from small to large."""
    if turn == 0:
        return {}
    chosen: dict[str, Any] = {}
    for n, one in enumerate(fields(kind)):
        bounds, at = one.metadata, turn + n
        if bounds["options"]:
            chosen[one.name] = bounds["options"][at % len(bounds["options"])]
        elif bounds["nullable"] and at % 3 == 0:
            chosen[one.name] = None
        elif not isinstance(one.default, bool):
            chosen[one.name] = min(bounds["most"], max(bounds["least"], (1, 2, 60, 3_600, 864_000)[at % 5]))
    return chosen


def discrepancies(platform: Platform, sandbox_id: str) -> list[tuple[str, str, int]]:
    """The left-hand side: (class, entity, amount) of every discrepancy that the audit sees."""
    return sorted(
        (one.finding.finding_class, one.finding.entity, one.finding.amount_minor)
        for one in platform.audit(sandbox_id).discrepancies
    )


def open_entries(platform: Platform, sandbox_id: str) -> list[tuple[str, str, int]]:
    """The right-hand side: what the answer key expects a reconciler to find, now."""
    with platform.read() as connection:
        now_ms = platform.sandbox(connection, sandbox_id).now_ms(platform.real_ms())
        key = entries(connection, sandbox_id, now_ms, status=EntryStatus.ACTIVE)
    return sorted((one.finding.finding_class, one.finding.entity, one.finding.amount_minor) for one in key)


class Story(RuleBasedStateMachine):
    """Any story that clients, staff, channels, time and faults can tell together."""

    steps = 0

    @initialize(seed=st.integers(0, 2**32), four_eyes=st.sampled_from([None, None, 0, 2_000]))
    def open_sandbox(self, seed: int, four_eyes: int | None) -> None:
        self.platform = lender()
        self.sandbox = self.platform.create_sandbox(
            seed=seed, mode="manual", now_ms=START_MS, four_eyes_above_minor=four_eyes
        )
        self.id = self.sandbox.id
        self.now_ms = START_MS
        self.keys = 0
        self.loans: list[str] = []
        self.repayments: list[str] = []
        self.edits: list[str] = []
        self.disputes: list[str] = []
        self.rule_ids: list[str] = []
        self.repeatable: list[tuple[Command, Answer]] = []
        self.ada = self.run(AddBorrower(self.id, "ada", "Ada", 10**12)).body["id"]

    # --- how the steps are taken ---

    def key(self) -> Idempotency:
        self.keys += 1
        return Idempotency(f"key-{self.keys}", f"fingerprint-{self.keys}")

    def run(self, command: Command) -> Answer:
        return self.platform.run(command)

    def attempt(self, command: Command) -> Answer | None:
        """Refusals are fine, and change nothing: the invariant looks. Anything else is a bug."""
        try:
            answer = self.run(command)
        except Refused:
            return None
        self.repeatable.append((command, answer))
        return answer

    # --- clients ---

    @precondition(lambda self: len(self.loans) < 6)
    @rule(
        principal=st.integers(1, 2_000_000),
        product=st.sampled_from(sorted(OFFERED)),
        auto_debit=st.booleans(),
        disburse_to=st.sampled_from([None, None, "wallet", "bank_transfer"]),
    )
    def borrow(self, principal: int, product: str, auto_debit: bool, disburse_to: str | None) -> None:
        offered = OFFERED[product]
        wanted = max(principal, offered.limits.min_minor)
        delay = channels()[disburse_to].settle_delay_s if disburse_to else 0
        answer = self.attempt(
            Borrow(self.id, self.key(), self.ada, wanted, "CNY", offered, product, None, auto_debit, disburse_to, delay)
        )
        assert answer is not None
        self.loans.append(answer.body["id"])

    @precondition(lambda self: len(self.loans) < 6)
    @rule(
        principal=st.sampled_from([1, 2, 120_000]),
        product=st.sampled_from(sorted(OFFERED)),
        turn=st.integers(0, 9),
        taken_back=st.booleans(),
    )
    def borrow_with_a_residue(self, principal: int, product: str, turn: int, taken_back: bool) -> None:
        self.arm(kind=LegacyResidue, probability=1, unit="entity", turn=turn, limit={"times": 1}, name="a")
        self.borrow(principal=principal, product=product, auto_debit=turn % 2 == 0, disburse_to=None)
        with self.platform.read() as connection:
            sql = "SELECT id FROM edits WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id"
            known = rows(connection, sql, {"sandbox_id": self.id, "loan_id": self.loans[-1]})
        if known and taken_back:
            self.attempt(ReverseEdit(self.id, self.key(), known[0][0], "nothing is behind it", "op-1"))

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        channel=st.sampled_from(sorted(channels())),
        kind=st.sampled_from(["CLEAR", "OVD_AND_CURRENT"]),
        part=st.sampled_from(["quoted", "quoted", "half", "less one", "one more", "twice", "one"]),
    )
    def repay(self, which: int, channel: str, kind: str, part: str) -> None:
        loan_id = self.loans[which % len(self.loans)]
        quote = self.attempt(MakeQuote(self.id, loan_id, kind, None))
        if quote is None:
            return
        total = quote.body["total_minor"]
        amounts = {"half": total // 2, "less one": total - 1, "one more": total + 1, "twice": 2 * total, "one": 1}
        amount = amounts.get(part, total)
        if amount < 1:
            return
        quote_id = quote.body["id"] if part == "quoted" else None
        delay = channels()[channel].settle_delay_s
        answer = self.attempt(Repay(self.id, self.key(), loan_id, amount, channel, delay, kind, quote_id, None))
        if answer is not None:
            self.repayments.append(answer.body["id"])

    @precondition(lambda self: len(self.loans) < 6)
    @rule(product=st.sampled_from(sorted(OFFERED)), wait=st.sampled_from([HOUR, DAY, 40 * DAY]))
    def borrow_and_wait_for_the_money(self, product: str, wait: int) -> None:
        self.borrow(principal=120_000, product=product, auto_debit=True, disburse_to="bank_transfer")
        self.advance(by=wait)

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), channel=st.sampled_from(sorted(channels())), wait=st.sampled_from([1, 2, 30, 700]))
    def pay_off_and_wait(self, which: int, channel: str, wait: int) -> None:
        self.repay(which=which, channel=channel, kind="CLEAR", part="quoted")
        self.advance(by=(channels()[channel].settle_delay_s + wait) * SECOND)

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), channel=st.sampled_from(sorted(channels())), wait=st.sampled_from([0, 5, 60]))
    def pay_what_is_due_and_wait(self, which: int, channel: str, wait: int) -> None:
        self.repay(which=which, channel=channel, kind="OVD_AND_CURRENT", part="quoted")
        self.advance(by=(channels()[channel].settle_delay_s + wait) * SECOND)

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        channel=st.sampled_from(["bank_transfer", "bill_pay"]),
        amount=st.integers(1, 300_000),
        names=st.sampled_from(["id", "id", "reference", "nobody", "nothing"]),
        scope=st.sampled_from(["CLEAR", "OVD_AND_CURRENT"]),
        wait=st.sampled_from([0, 1_800, 4_000]),
    )
    def push_a_payment(self, which: int, channel: str, amount: int, names: str, scope: str, wait: int) -> None:
        loan_id = self.loans[which % len(self.loans)]
        with self.platform.read() as connection:
            sql = "SELECT reference FROM loans WHERE sandbox_id = :sandbox_id AND id = :id"
            own = rows(connection, sql, {"sandbox_id": self.id, "id": loan_id})[0][0]
        typed = {"id": loan_id, "reference": own, "nobody": "Ada", "nothing": ""}[names]
        self.attempt(PayAtChannel(self.id, self.key(), channel, amount, "CNY", "Ada", typed, scope))
        self.advance(by=wait * SECOND)

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50))
    def match_a_receipt(self, which: int) -> None:
        """To the loan that its payer meant; where none was named, to whichever the operator thinks."""
        with self.platform.read() as connection:
            sql = """SELECT r.id, t.loan_id FROM receipts r JOIN trades t
                     ON t.sandbox_id = r.sandbox_id AND t.id = r.out_trade_no
                     WHERE r.sandbox_id = :sandbox_id ORDER BY r.id"""
            known = rows(connection, sql, {"sandbox_id": self.id})
        if known:
            receipt_id, meant = known[which % len(known)]
            loan_id = meant or self.loans[which % len(self.loans)]
            self.attempt(MatchReceipt(self.id, self.key(), receipt_id, loan_id, "bank slip", "op-4"))

    @precondition(lambda self: len(self.loans) > 1)
    @rule(
        which=st.integers(0, 5),
        amount=st.integers(1, 300_000),
        scope=st.sampled_from(["CLEAR", "OVD_AND_CURRENT"]),
        wait=st.sampled_from([0, HOUR, 40 * DAY]),
    )
    def match_by_the_slip(self, which: int, amount: int, scope: str, wait: int) -> None:
        """Money without a reference is on the desk, and the operator matches it at once."""
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
            sql = """SELECT r.id, t.loan_id, r.meant FROM receipts r JOIN trades t
                     ON t.sandbox_id = r.sandbox_id AND t.id = r.out_trade_no
                     WHERE r.sandbox_id = :sandbox_id AND r.matches > 0 ORDER BY r.id"""
            known = rows(connection, sql, {"sandbox_id": self.id})
        if known:
            receipt_id, named, meant = known[which % len(known)]
            loan_id = named or (self.loans[which % len(self.loans)] if anew else json.loads(meant)["loan_id"])
            self.attempt(MoveReceipt(self.id, self.key(), receipt_id, loan_id, "as the slip says", "op-4"))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50), wait=st.sampled_from([0, 0, HOUR, 3 * DAY]))
    def a_payment_fails_late(self, which: int, wait: int) -> None:
        with self.platform.read() as connection:
            sql = "SELECT channel, id FROM trades WHERE sandbox_id = :sandbox_id AND state = 'SUCCESS' ORDER BY id"
            paid = rows(connection, sql, {"sandbox_id": self.id})
        if paid:
            channel, order_no = paid[which % len(paid)]
            assert self.attempt(FailLate(self.id, self.key(), channel, order_no)) is not None
            self.advance(by=wait)

    @precondition(lambda self: self.loans)
    @rule(channel=st.sampled_from(["wallet", "bank_transfer"]), days_ago=st.integers(1, 3), again=st.booleans())
    def fetch_a_statement(self, channel: str, days_ago: int, again: bool) -> None:
        day = business_date(self.now_ms - days_ago * DAY, "Asia/Shanghai")
        with self.platform.read() as connection:
            sandbox = self.platform.sandbox(connection, self.id)
            heading = Heading(channels()[channel], day, "CNY", sandbox.zone)
            try:
                moved = len(record.ready_statement(connection, sandbox, heading, self.now_ms).movements)
            except Refused:
                return
        self.attempt(MakeStatement(self.id, channel, day, "CNY", moved, again))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), wait=st.sampled_from([31 * DAY, 8 * DAY]))
    def wait_and_catch_up(self, which: int, wait: int) -> None:
        self.advance(by=wait)
        self.attempt(CatchUp(self.id, self.loans[which % len(self.loans)], "the run was cut short", "op-1"))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50))
    def a_debit_is_taken_back(self, which: int) -> None:
        with self.platform.read() as connection:
            sql = """SELECT id FROM repayments WHERE sandbox_id = :sandbox_id AND debit_ms IS NOT NULL
                     AND status = 'S' ORDER BY id"""
            debits = rows(connection, sql, {"sandbox_id": self.id})
        if debits:
            repayment_id = debits[which % len(debits)][0]
            self.attempt(ReverseRepayment(self.id, self.key(), repayment_id, "debited twice", "op-1"))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50))
    def a_payout_fails(self, which: int) -> None:
        with self.platform.read() as connection:
            sql = "SELECT channel, id FROM payouts WHERE sandbox_id = :sandbox_id AND state = 'ORDERED' ORDER BY id"
            ordered = rows(connection, sql, {"sandbox_id": self.id})
        if ordered:
            channel, payout_id = ordered[which % len(ordered)]
            self.attempt(FailPayout(self.id, self.key(), channel, payout_id))

    @precondition(lambda self: self.repeatable)
    @rule(which=st.integers(0, 50))
    def repeat_a_request(self, which: int) -> None:
        at = which % len(self.repeatable)
        command, first = self.repeatable[at]
        again = self.run(command) if command.idem is not None else None
        if again is None:
            return
        if not again.replayed:  # The key was forgotten: another order, and the answer that is kept from now on.
            assert isinstance(command, Repay)
            assert again.body["id"] not in self.repayments
            self.repayments.append(again.body["id"])
            self.repeatable[at] = (command, again)
        else:
            assert (again.status, again.body) == (first.status, first.body)

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        channel=st.sampled_from(sorted(channels())),
        part=st.sampled_from(["half", "one", "quoted"]),
        wait=st.sampled_from([0, MINUTE, DAY]),
        turn=st.integers(1, 3),
    )
    def order_and_ask_again(self, which: int, channel: str, part: str, wait: int, turn: int) -> None:
        """A key may be forgotten by the time the request comes again, and of what comes of it either is taken back."""
        self.arm(kind=IdempotencyExpired, probability=1, unit="entity", turn=turn, limit={}, name="a")
        ordered = len(self.repayments)
        self.repay(which=which, channel=channel, kind="OVD_AND_CURRENT", part=part)
        self.advance(by=wait)
        if len(self.repayments) > ordered:
            self.repeat_a_request(which=len(self.repeatable) - 1)
            self.advance(by=wait)
            self.repeat_a_request(which=len(self.repeatable) - 1)

    # --- time ---

    @rule(
        by=st.sampled_from(
            [0, 1, SECOND, 2 * SECOND, 15 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 8 * DAY, 31 * DAY]
        )
    )
    def advance(self, by: int) -> None:
        before = self.now_ms
        advanced = self.platform.advance(self.id, before + by)
        self.now_ms = advanced.now_ms
        moments = [one["at"] for one in advanced.released]
        assert moments == sorted(moments)

    # --- staff ---

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

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        turn=st.integers(0, 2),
        then=st.sampled_from(["pays off", "pays what is due", "waits", "reverses"]),
    )
    def confirm_what_then_changes(self, which: int, turn: int, then: str) -> None:
        """Left to chance, few marks are right when they are made and outdated while anybody looks."""
        if turn:
            limit = {"times": 2} if turn == 2 else {}
            self.arm(kind=ManualOverrideSticky, probability=1, unit="entity", turn=0, limit=limit, name="a")
        loan_id = self.loans[which % len(self.loans)]
        with self.platform.read() as connection:
            derived = entity(connection, self.id, "loan", loan_id).status
        for status, shown in SHOWN_FOR_MARK.items():
            if shown == derived:
                self.confirm_a_status(which=which, status=status)
        if then == "pays off":
            self.pay_off_and_wait(which=which, channel="wallet", wait=2)
        elif then == "pays what is due":
            self.pay_what_is_due_and_wait(which=which, channel="wallet", wait=5)
        elif then == "waits":
            self.advance(by=40 * DAY)
        elif self.repayments:
            self.reverse_a_repayment(which=which)

    def desk(self, command: Command) -> None:
        """A decision of the desk: on the books, or a draft."""
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
        self.desk(Charge(self.id, self.key(), loan_id, kind, amount, due, "late again", "op-1"))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), part=st.sampled_from(["fee", "interest", "penalty"]), amount=st.integers(1, 500))
    def waive(self, which: int, part: str, amount: int) -> None:
        loan_id = self.loans[which % len(self.loans)]
        self.desk(Waive(self.id, self.key(), loan_id, part, amount, "goodwill", "op-2"))

    @precondition(lambda self: len(self.loans) > 1)
    @rule(which=st.integers(0, 5), approver=st.sampled_from([None, "op-1", "op-9", "op-9"]))
    def write_off(self, which: int, approver: str | None) -> None:
        loan_id = self.loans[which % len(self.loans)]
        self.desk(WriteOff(self.id, self.key(), loan_id, "bankrupt", "op-1", approver))

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        amount=st.sampled_from([None, None, 1, 500]),
        channel=st.sampled_from(sorted(channels())),
        approver=st.sampled_from([None, "op-9"]),
    )
    def refund(self, which: int, amount: int | None, channel: str, approver: str | None) -> None:
        loan_id = self.loans[which % len(self.loans)]
        self.desk(Refund(self.id, self.key(), loan_id, channel, amount, "paid twice", "op-1", approver))

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
        with self.platform.read() as connection:
            state = books.state_of(entity(connection, self.id, "loan", loan_id))
        amount = min(bounds(state, kind)[end], 10**9) // halves
        self.desk(Edit(self.id, self.key(), loan_id, kind, amount, None, "as agreed", "op-1", "op-9"))

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
            known = [row[0] for row in rows(connection, sql, {"sandbox_id": self.id})]
        if known:
            self.attempt(ReverseEdit(self.id, self.key(), known[which % len(known)], "wrong", "op-1"))

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
            known = [row[0] for row in rows(connection, sql, {"sandbox_id": self.id})]
        if known:
            self.attempt(ReinstateRepayment(self.id, self.key(), known[which % len(known)], "it was good", "op-1"))

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
            known = [row[0] for row in rows(connection, sql, {"sandbox_id": self.id})]
        if known:
            self.attempt(ReverseReceipt(self.id, self.key(), known[which % len(known)], "twice", "op-1"))

    # --- disputes and certificates ---

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        whose=st.sampled_from(["own", "own", "anybody's"]),
        numbered=st.booleans(),
        wait=st.sampled_from([0, 0, HOUR, 21 * DAY]),
        decision=st.sampled_from(["UPHELD", "UPHELD", "UPHELD", "REJECTED", "UNVERIFIABLE", None]),
        correct=st.booleans(),
        compensation=st.sampled_from([None, 1, 700]),
    )
    def dispute(
        self,
        which: int,
        whose: str,
        numbered: bool,
        wait: int,
        decision: str | None,
        correct: bool,
        compensation: int | None,
    ) -> None:
        """With up to three payments as evidence, those first that the books have on no loan."""
        loan_id = self.loans[which % len(self.loans)]
        with self.platform.read() as connection:
            sql = """SELECT channel, channel_trade_no, amount_minor, paid_ms FROM trades t
                     WHERE sandbox_id = :sandbox_id AND state = 'SUCCESS' AND (loan_id IN (:loan_id, '') OR :all = 1)
                     ORDER BY repayment_id IN (SELECT id FROM book_facts b WHERE b.sandbox_id = t.sandbox_id), id"""
            scope = {"sandbox_id": self.id, "loan_id": loan_id, "all": int(whose != "own")}
            paid = rows(connection, sql, scope)
        evidence = tuple(
            Piece("bank_slip", channel, number if numbered else None, amount, paid_ms, None)
            for channel, number, amount, paid_ms in paid[:3]
        )
        made = self.attempt(OpenDispute(self.id, self.key(), loan_id, "settled_but_unpaid", None, evidence))
        assert made is not None
        self.advance(by=wait)
        self.disputes.append(made.body["id"])
        verified = self.attempt(VerifyDispute(self.id, self.key(), made.body["id"], "op-5"))
        if verified is not None and decision is not None:
            more = (correct, compensation) if decision == "UPHELD" else ()
            answer = DecideDispute(self.id, self.key(), made.body["id"], decision, "as found", "op-5", *more)
            assert self.attempt(answer) is not None

    @precondition(lambda self: self.disputes)
    @rule(
        which=st.integers(0, 9), wait=st.sampled_from([0, 25 * DAY]), compensation=st.sampled_from([None, 100, 5_000])
    )
    def decide_later(self, which: int, wait: int, compensation: int | None) -> None:
        """The desk comes back to a dispute: it gets to it at last, corrects again, posts what was promised."""
        dispute = self.disputes[which % len(self.disputes)]
        self.advance(by=wait)
        self.attempt(VerifyDispute(self.id, self.key(), dispute, "op-5"))
        self.attempt(DecideDispute(self.id, self.key(), dispute, "UPHELD", "again", "op-6", True, compensation))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5))
    def ask_for_a_certificate(self, which: int) -> None:
        self.attempt(IssueCertificate(self.id, self.loans[which % len(self.loans)]))

    # --- the bureau and other lenders ---

    @precondition(lambda self: self.loans)
    @rule(lender=st.sampled_from(sorted(PARTNERS)), product=st.sampled_from(["car", "card"]), refresh=st.booleans())
    def apply_elsewhere(self, lender: str, product: str, refresh: bool) -> None:
        self.attempt(Apply(self.id, self.key(), lender, self.ada, product, 100_000, refresh))

    @precondition(lambda self: self.loans)
    @rule(transaction=st.integers(0, 3))
    def ask_the_score(self, transaction: int) -> None:
        self.attempt(AskScore(self.id, self.ada, f"t-{transaction}"))

    # --- somebody who is not the channel, or the channel once more ---

    @precondition(lambda self: self.repayments)
    @rule(which=st.integers(0, 50), how=st.sampled_from(["again", "wrong amount", "wrong secret", "old version"]))
    def callback_over_http(self, which: int, how: str) -> None:
        repayment_id = self.repayments[which % len(self.repayments)]
        with self.platform.read() as connection:
            sql = "SELECT id, channel, channel_trade_no, amount_minor, currency, state, paid_ms FROM trades "
            found = rows(
                connection, sql + "WHERE sandbox_id = :sandbox_id AND repayment_id = :id",
                {"sandbox_id": self.id, "id": repayment_id},
            )  # fmt: skip
        order_no, channel, trade_no, amount, currency, state, paid_ms = found[0]
        with self.platform.read() as connection:
            sql = "SELECT status FROM repayments WHERE sandbox_id = :sandbox_id AND id = :id"
            status = rows(connection, sql, {"sandbox_id": self.id, "id": repayment_id})[0][0]
        if state != "SUCCESS" or (how == "again" and status == "PROCESSING"):
            return  # What was never paid, or still has to arrive by itself, is another story.
        data = {
            "version": "0.9" if how == "old version" else "1.0",
            "out_trade_no": order_no,
            "channel_trade_no": trade_no,
            "state": "SUCCESS",
            "amount_minor": amount + (how == "wrong amount"),
            "currency": currency,
            "paid_at": rfc3339(paid_ms),
        }
        body = json.dumps({"type": "payment.succeeded", "timestamp": rfc3339(self.now_ms), "data": data})
        key = "somebody-else" if how == "wrong secret" else self.sandbox.api_key
        headers = signed_headers(callback_secret(key, channel), "cb_by_hand", self.now_ms, body)
        answer = self.attempt(ReceiveCallback(self.id, channel, headers, body.encode()))
        assert (answer is not None) == (how == "again")

    # --- faults ---

    @rule(
        kind=st.sampled_from(KINDS),
        probability=st.sampled_from([1, 1, 0.5, 0.1]),
        unit=st.sampled_from(["entity", "occurrence"]),
        turn=st.integers(0, 11),
        limit=st.sampled_from([{}, {}, {"times": 2}, {"skip_first": 1}, {"max_active": 1}, {"every": 2}]),
        name=st.sampled_from(["a", "b", "c"]),
    )
    def arm(
        self,
        kind: type[Any],
        probability: float,
        unit: str,
        turn: int,
        limit: dict[str, int],
        name: str,
    ) -> None:
        select = {"probability": probability, "unit": unit, **limit}
        body = {"fault": kind.name, "select": select, "with": settings_of(kind, turn)}
        wanted = Rule.from_json(f"{kind.name}-{name}", body, named(KINDS))
        if self.attempt(PutRule(self.id, wanted)) is not None:
            self.rule_ids.append(wanted.id)

    @precondition(lambda self: self.loans)
    @rule(
        kind=st.sampled_from(OF_ANSWERS),
        probability=st.sampled_from([1, 0.5]),
        limit=st.sampled_from([{}, {"times": 2}, {"max_active": 1}]),
        which=st.integers(0, 5),
    )
    def arm_at_the_answer_and_ask(self, kind: type[Any], probability: float, limit: dict[str, int], which: int) -> None:
        body = {"fault": kind.name, "select": {"probability": probability, **limit}}
        wanted = Rule.from_json(kind.name, body, named(OF_ANSWERS))
        if self.attempt(PutRule(self.id, wanted)) is not None:
            self.rule_ids.append(wanted.id)
        for writes in (True, False):
            self.ask(which, writes, "wallet")

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), writes=st.booleans(), channel=st.sampled_from([None, "wallet"]))
    def ask(self, which: int, writes: bool, channel: str | None) -> None:
        """A request as the API has it: glanced at, and a command only where a rule may select it."""
        layer = self.platform.layer
        assert layer is not None
        if layer.listens(self.id, ApiAnswer.seam) is None:
            self.run(Nudge(self.id))
        loan = self.loans[which % len(self.loans)]
        method, operation = ("POST", "repay") if writes else ("GET", "getLoan")
        shape = Shape("v1", operation, "/v1/loans/{loan_id}")
        seen = Glimpse(self.id, self.sandbox.seed, None, loan, method, {"loan_id": loan}, shape, channel)
        seen.now_ms = self.now_ms
        if layer.listens(self.id, ApiAnswer.seam) and layer.glance(seen):
            self.run(MeetRequest(self.id, seen.whole()))

    @precondition(lambda self: self.loans)
    @rule(
        kind=st.sampled_from(KINDS),
        which=st.integers(0, 5),
        channel=st.sampled_from(sorted(channels())),
        turn=st.integers(0, 11),
        wait=st.sampled_from([0, 5, 60]),
        fails_late=st.sampled_from([False, False, True]),
    )
    def arm_and_pay(self, kind: type[Any], which: int, channel: str, turn: int, wait: int, fails_late: bool) -> None:
        """Left to chance, few of many kinds meet a payment, and fewer one that then fails late."""
        ordered = len(self.repayments)
        self.arm(kind=kind, probability=1, unit="entity", turn=turn, limit={}, name="a")
        self.pay_what_is_due_and_wait(which=which, channel=channel, wait=wait)
        for repayment_id in self.repayments[ordered:]:
            if fails_late:
                self.attempt(FailLate(self.id, self.key(), channel, out_trade_no(repayment_id)))
                self.advance(by=wait * SECOND)

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        drift=st.integers(0, 3),
        ahead=st.sampled_from([0, 0, 3]),
        wait=st.sampled_from([0, HOUR, DAY]),
        rest=st.sampled_from(["stays", "is written off"]),
    )
    def pay_by_a_quote_of_another_rounding(self, which: int, drift: int, ahead: int, wait: int, rest: str) -> None:
        """Asked for twice, paid by at once or too late; whatever is left may be written off."""
        loan_id, on = self.loans[which % len(self.loans)], business_date(self.now_ms + ahead * DAY, "Asia/Shanghai")
        self.arm(kind=RoundingDrift, probability=1, unit="entity", turn=drift, limit={}, name="a")
        quote = self.attempt(MakeQuote(self.id, loan_id, "CLEAR", on))
        if quote is None:
            return
        assert self.run(MakeQuote(self.id, loan_id, "CLEAR", on)) == quote
        self.advance(by=wait)
        total, quote_id = quote.body["total_minor"], quote.body["id"]
        answer = self.attempt(Repay(self.id, self.key(), loan_id, total, "wallet", 2, "CLEAR", quote_id, None))
        if answer is not None:
            self.repayments.append(answer.body["id"])
        self.advance(by=10 * SECOND)
        if rest == "is written off":
            self.edit_within_bounds(which=which, kind="MODIFY_REVOKE_AMOUNT", end=1, halves=1)

    @precondition(lambda self: self.rule_ids)
    @rule(which=st.integers(0, 20))
    def disarm(self, which: int) -> None:
        self.attempt(DeleteRule(self.id, self.rule_ids[which % len(self.rule_ids)]))

    @precondition(lambda self: len(self.rule_ids) > 3)
    @rule()
    def halt(self) -> None:
        self.attempt(HaltRules(self.id))

    # --- what holds after every step ---

    @invariant()
    def identity_holds(self) -> None:
        if not hasattr(self, "id"):
            return
        type(self).steps += 1
        left, right = discrepancies(self.platform, self.id), open_entries(self.platform, self.id)
        assert left == right, f"the audit sees {left}, the answer key says {right}; {self.in_words(left, right)}"

    def in_words(self, left: list[tuple[str, str, int]], right: list[tuple[str, str, int]]) -> list[str]:
        """What the audit has to say of that which no entry explains."""
        unexplained = {entity for _, entity, _ in set(left) - set(right)}
        found = self.platform.audit(self.id).discrepancies
        return [f"{one.finding.entity}: {one.detail}" for one in found if one.finding.entity in unexplained]

    def statements_hold(self) -> None:
        """V7, of each day that is over: a channel states what the world saw move there, whatever faults were armed."""
        with self.platform.read() as connection:
            sandbox = self.platform.sandbox(connection, self.id)
            wrong = check_statements(connection, sandbox, self.now_ms)
        assert not wrong, f"statements and the world disagree: {wrong}"

    def teardown(self) -> None:
        if hasattr(self, "id"):
            self.statements_hold()
            self.platform.delete_sandbox(self.id)


def walk(steps: int, seed: int, *, shrink: bool = True) -> int:
    """Walk stories until at least so many steps are taken; the number taken.

    A failure is told as soon as it is found, with the seed. A shorter story is looked for only then, which may take
    many times as long; the error that is raised is that of the shorter story.
    """
    start, round_ = Story.steps, 0
    while Story.steps - start < steps:
        stories = max(2, (steps - (Story.steps - start)) // STEPS_A_STORY + 1)
        hypothesis.seed(seed + 1_000_003 * round_)(Story)
        chosen = settings(
            max_examples=min(stories, 200),
            stateful_step_count=STEPS_A_STORY,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        try:
            run_state_machine_as_test(Story, settings=chosen)
        except Exception as found:
            print(f"\nfound after {Story.steps - start} steps: {type(found).__name__}: {found}")
            print(again(steps, seed), flush=True)
            if shrink:
                # Hypothesis would say nothing until it has shrunk: so the round is walked again, and shrunk only now.
                print("walking there again, then looking for a shorter story", flush=True)
                run_state_machine_as_test(Story, settings=settings(chosen, phases=[Phase.generate, Phase.shrink]))
            raise
        round_ += 1
    return Story.steps - start


def again(steps: int, seed: int) -> str:
    """The command that walks the same way once more."""
    return f"to walk this again: scripts/identity --steps {steps} --seed {seed}"


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, WALKS))])
def test_every_discrepancy_has_its_entry_and_every_open_entry_its_discrepancy(seed: int) -> None:
    taken = walk(STEPS_A_WALK, seed)

    assert taken >= STEPS_A_WALK


def test_a_page_that_catches_up_in_two_steps_has_one_stake() -> None:
    """The version between becomes visible while the newest still waits: the audit and the key agree all the same."""
    story = Story()
    story.open_sandbox(seed=0, four_eyes=None)
    story.borrow(principal=1, product="jiebei-like", auto_debit=False, disburse_to=None)
    story.pay_off_and_wait(which=0, channel="auto_debit", wait=1)
    stale = {"kind": BoundedStale, "probability": 1, "unit": "entity", "turn": 3}
    assert settings_of(BoundedStale, 3) == {"lag_s": 3_600}
    story.arm(**stale, limit={}, name="a")
    story.reverse_a_repayment(which=0)
    story.push_a_payment(which=0, channel="bank_transfer", amount=1, names="id", scope="CLEAR", wait=4_000)

    story.identity_holds()

    assert open_entries(story.platform, story.id)
    story.teardown()


def test_a_partner_who_asks_anew_in_the_moment_of_the_last_answer_has_no_old_copy() -> None:
    story = Story()
    story.open_sandbox(seed=0, four_eyes=None)
    story.borrow(principal=1, product="jiebei-like", auto_debit=False, disburse_to=None)
    story.arm(kind=CachedRefusal, probability=1, unit="entity", turn=0, limit={}, name="a")
    for wait, old in ((0, 0), (0, 0), (1, 1), (1, 1)):
        story.advance(by=wait)
        story.apply_elsewhere(lender="harbour-bank", product="car", refresh=True)

        story.identity_holds()
        assert len(open_entries(story.platform, story.id)) == old
    story.teardown()


# --- teeth: the machine must catch each of these, or its silence means nothing ---


def _posted_twice(plant: pytest.MonkeyPatch) -> None:
    """A repayment is posted twice: the same movement, two transactions."""
    honest = journal.post

    def post(work: Any, chain: str, currency: str, head: Any, movements: Any) -> Any:
        doubled = [m for movement in movements for m in [movement] * (2 if movement.kind == "repayment" else 1)]
        return honest(work, chain, currency, head, doubled)

    plant.setattr(books, "post", post)


def _received_twice(plant: pytest.MonkeyPatch) -> None:
    """The inbox takes one receipt as two, since the second comes under another name."""
    honest = books.record

    def record(work: Any, loan: Any, fact: Any, **how: Any) -> Any:
        done = honest(work, loan, fact, **how)
        if fact.kind == RECEIPT:
            again = structs.replace(fact, id=fact.id + "x")
            return structs.replace(honest(work, done.loan, again, **how), state=done.state)
        return done

    plant.setattr(inbox, "record", record)


def _split_transaction(plant: pytest.MonkeyPatch) -> None:
    """A repayment's legs are posted as transactions of their own."""
    honest = journal.post

    def post(work: Any, chain: str, currency: str, head: Any, movements: Any) -> Any:
        split = [structs.replace(movement, postings=(leg,)) for movement in movements for leg in movement.postings]
        return honest(work, chain, currency, head, split)

    plant.setattr(books, "post", post)


def _lost_leg(plant: pytest.MonkeyPatch) -> None:
    """A posting of a transaction is never written. What is left is balanced, and wrong."""
    honest = Work.write

    def write(self: Work, name: str, **parameters: Any) -> None:
        if name != "postings.insert" or parameters["line"] == 0:
            honest(self, name, **parameters)

    plant.setattr(Work, "write", write)


def _stale_without_a_fault(plant: pytest.MonkeyPatch) -> None:
    """Pages lag although no fault is armed."""
    honest = Work.act

    def act(self: Work, given: Any) -> Any:
        happened = honest(self, given)
        return replace(happened, lag_s=60) if isinstance(given, ViewRefresh) and happened == given else happened

    plant.setattr(Work, "act", act)


def _unjournalled(plant: pytest.MonkeyPatch) -> None:
    """An injection happens and is not put on record."""
    plant.setattr(FaultLayer, "_record", lambda self, scene, trail: [])


def _unobserved(plant: pytest.MonkeyPatch) -> None:
    """An injection is put on record, and the platform goes on honestly."""
    honest = Work.act

    def act(self: Work, given: Any) -> Any:
        honest(self, given)
        return given

    plant.setattr(Work, "act", act)


@pytest.mark.parametrize(
    "bug",
    [_posted_twice, _received_twice, _split_transaction, _lost_leg, _stale_without_a_fault, _unjournalled, _unobserved],
)
def test_a_planted_bug_is_caught(bug: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as plant:
        bug(plant)

        # Another kind of fault makes every walk another one: a bug that one misses, the next may meet.
        with pytest.raises(AssertionError, match="the audit sees"):
            for seed in (1, 2, 3):
                walk(3_000, seed=seed, shrink=False)


def test_a_statement_that_is_not_what_moved_is_caught() -> None:
    """V7 has teeth too: a channel states a cent more than it took."""
    honest = record._paid_in

    def paid_in(row: Any) -> Any:
        movement = honest(row)
        return replace(movement, amount_minor=movement.amount_minor + 1)

    with pytest.MonkeyPatch.context() as plant:
        plant.setattr(record, "_paid_in", paid_in)

        with pytest.raises(AssertionError, match="statements and the world disagree"):
            walk(3_000, seed=1, shrink=False)


@pytest.fixture(autouse=True, scope="module")
def _close() -> Iterator[None]:
    yield
    while _lender:
        _lender.pop().close()
