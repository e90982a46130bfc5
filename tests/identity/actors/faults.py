"""Steps that arm and disarm faults in the identity."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from identity.actors.base import DAY, HOUR, KINDS, MINUTE, OF_ANSWERS, OFFERED, SECOND, settings_of
from identity.actors.staff import Staff
from mocklend.api.fault_hooks import MeetRequest
from mocklend.api.request_event import RequestEvent, Shape
from mocklend.channels.payment_returns import ReturnPayment
from mocklend.domain.channel import channels
from mocklend.domain.facts import business_date
from mocklend.domain.statuses import SHOWN_FOR_OVERRIDE
from mocklend.lending import MakeQuote, Repay
from mocklend.sandboxes.ids import out_trade_no
from mocklend.seams.api_answer import ApiAnswer
from mocklend.servicing import ReverseEdit
from mocklend.storage.entities import Loan, OperatorEdit
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.work import NoOp
from mocklend.views.reads import entity
from mocklend_faults.engine.catalogue import named
from mocklend_faults.engine.commands import DeleteRule, HaltRules, PutRule
from mocklend_faults.engine.fault import Fault
from mocklend_faults.engine.rules import Rule
from mocklend_faults.kinds.amount_rounding_drift import RoundingDrift
from mocklend_faults.kinds.idempotency_expired import IdempotencyExpired
from mocklend_faults.kinds.migration_legacy_residue import LegacyResidue
from mocklend_faults.kinds.operator_manual_override_sticky import ManualOverrideSticky


class Faults(Staff):
    """Any kind is armed, with any settings, and disarmed."""

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
            edits = SandboxReader(connection, self.id).where(OperatorEdit, "loan_id = :loan_id", loan_id=self.loans[-1])
        if edits and taken_back:
            self.attempt(ReverseEdit(self.id, self.key(), edits[0].id, "nothing is behind it", "op-1"))

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
        with self.platform.snapshot(self.id) as snapshot:
            derived = entity(snapshot, Loan, loan_id).status
        for status, shown_status in SHOWN_FOR_OVERRIDE.items():
            if shown_status == derived:
                self.confirm_a_status(which=which, status=status)
        if then == "pays off":
            self.pay_off_and_wait(which=which, channel="wallet", wait=2)
        elif then == "pays what is due":
            self.pay_what_is_due_and_wait(which=which, channel="wallet", wait=5)
        elif then == "waits":
            self.advance(by=40 * DAY)
        elif self.repayments:
            self.reverse_a_repayment(which=which)

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
        kind: type[Fault],
        probability: float,
        unit: str,
        turn: int,
        limit: dict[str, int],
        name: str,
    ) -> None:
        select = {"probability": probability, "unit": unit, **limit}
        body = {"fault": kind.name, "select": select, "with": settings_of(kind, turn)}
        armed_rule = Rule.from_json(f"{kind.name}-{name}", body, named(KINDS))
        if self.attempt(PutRule(self.id, armed_rule)) is not None:
            self.rule_ids.append(armed_rule.id)

    @precondition(lambda self: self.loans)
    @rule(
        kind=st.sampled_from(OF_ANSWERS),
        probability=st.sampled_from([1, 0.5]),
        limit=st.sampled_from([{}, {"times": 2}, {"max_active": 1}]),
        which=st.integers(0, 5),
    )
    def arm_at_the_answer_and_ask(
        self, kind: type[Fault], probability: float, limit: dict[str, int], which: int
    ) -> None:
        body = {"fault": kind.name, "select": {"probability": probability, **limit}}
        armed_rule = Rule.from_json(kind.name, body, named(OF_ANSWERS))
        if self.attempt(PutRule(self.id, armed_rule)) is not None:
            self.rule_ids.append(armed_rule.id)
        for writes in (True, False):
            self.ask(which, writes, "wallet")

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), writes=st.booleans(), channel=st.sampled_from([None, "wallet"]))
    def ask(self, which: int, writes: bool, channel: str | None) -> None:
        """A request as the API has it: glanced at, and a command only where a rule may select it."""
        process = self.platform
        layer = process.layer
        assert layer is not None
        process.sandbox_of_key(self.sandbox.api_key)
        if layer.has_rules_at(self.id, ApiAnswer.seam) is None:
            process.run(NoOp(self.id))
        loan = self.loans[which % len(self.loans)]
        method, operation = ("POST", "repay") if writes else ("GET", "getLoan")
        shape = Shape("v1", operation, "/v1/loans/{loan_id}")
        event = RequestEvent(self.id, self.sandbox.seed, None, loan, method, {"loan_id": loan}, shape, channel)
        event.now_ms = self.now_ms
        if layer.has_rules_at(self.id, ApiAnswer.seam) and layer.may_affect(event):
            process.run(MeetRequest(self.id, event.whole()))

    @precondition(lambda self: self.loans)
    @rule(
        kind=st.sampled_from(KINDS),
        which=st.integers(0, 5),
        channel=st.sampled_from(sorted(channels())),
        turn=st.integers(0, 11),
        wait=st.sampled_from([0, 5, 60]),
        fails_late=st.sampled_from([False, False, True]),
    )
    def arm_and_pay(self, kind: type[Fault], which: int, channel: str, turn: int, wait: int, fails_late: bool) -> None:
        """Without this step few random stories have a payment under most kinds, and fewer one that is then returned."""
        ordered = len(self.repayments)
        self.arm(kind=kind, probability=1, unit="entity", turn=turn, limit={}, name="a")
        self.pay_what_is_due_and_wait(which=which, channel=channel, wait=wait)
        for repayment_id in self.repayments[ordered:]:
            if fails_late:
                self.attempt(ReturnPayment(self.id, self.key(), channel, out_trade_no(repayment_id)))
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
        answer = self.attempt(Repay(self.id, self.key(), loan_id, total, "wallet", "CLEAR", quote_id, None))
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
