"""What the tests of the fault layer share: events as the platform would hand them over, and a floor to meet them on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from mocklend.api.glimpse import Glimpse, Shape
from mocklend.seams import (
    AUTO_DEBIT,
    DUE_DATE,
    ApiAnswer,
    BalanceKept,
    BatchItem,
    BureauReport,
    CallbackAttempt,
    CallbackTaken,
    CompensationAgreed,
    DisputeOpened,
    EditApproval,
    EventContext,
    IdempotencyChecked,
    LoanOpened,
    MarkOutdated,
    OperatorEdit,
    OrderPaid,
    PartnerApplication,
    PaymentReference,
    PayoutSettled,
    QuoteIssued,
    ReceiptBooked,
    ReceiptMatch,
    RepaymentFiled,
    RepaymentReversal,
    ScoreAsked,
    StatementMade,
    TradeSettled,
    ViewRefresh,
    Write,
)
from mocklend.storage.engines import open_engine, reading, writing
from mocklend.storage.statements import flush
from mocklend.storage.stores import STORES, load_all
from mocklend.storage.work import Answer, Sandbox, Work
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.answer_key import Entry
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.rules import Rule

KINDS = tuple(installed().values())
MONDAY_MS = 1_767_578_400_000  # 2026-01-05T02:00:00Z
USING = {"status": "USING", "outstanding_minor": 100_000, "version": 1}
CLEAR = {"status": "CLEAR", "outstanding_minor": 0, "version": 2}


class Events:
    """Ada's loan at each seam. Keyword arguments change fields."""

    def refresh(self, **changes: Any) -> ViewRefresh:
        honest = ViewRefresh(
            entity="loan_ada",
            occurrence=2,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            reference="ada-1",
            channel="wallet",
            cause="receipt",
            reverses=None,
            currency="CNY",
            before=USING,
            after=CLEAR,
        )
        return replace(honest, **changes)

    def report(self, **changes: Any) -> BureauReport:
        honest = BureauReport(
            entity="loan_ada",
            occurrence=20_000,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            record_id="bcr_ada_2",
            cause="change",
            currency="CNY",
            before_status="USING",
            status="CLEAR",
            balance_minor=0,
            bound_ms=MONDAY_MS + 86_400_000,
        )
        return replace(honest, **changes)

    def score_asked(self, **changes: Any) -> ScoreAsked:
        honest = ScoreAsked(
            entity="scq_ada",
            occurrence=20_000,
            now_ms=MONDAY_MS,
            borrower_id="brw_ada",
            answer_id="scq_ada",
            remembered_until_ms=MONDAY_MS + 86_400_000,
            earlier=("620", "640", "N/A"),
            score="700",
        )
        return replace(honest, **changes)

    def application(self, **changes: Any) -> PartnerApplication:
        honest = PartnerApplication(
            entity="swift-card.brw_ada",
            occurrence=2,
            now_ms=MONDAY_MS,
            borrower_id="brw_ada",
            partner="swift-card",
            application_id="app_ada",
            product="card",
            amount_minor=100_000,
            currency="CNY",
            copy_id="swift-card.brw_ada",
            copy_pulled_ms=MONDAY_MS - 86_400_000,
            copy_score="620",
            score="700",
        )
        return replace(honest, **changes)

    def opened(self, **changes: Any) -> DisputeOpened:
        honest = DisputeOpened(
            entity="dsp_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            dispute_id="dsp_ada",
            claim="wrong_amount",
            currency="CNY",
            answer_by_ms=MONDAY_MS + 20 * 86_400_000,
        )
        return replace(honest, **changes)

    def compensation(self, **changes: Any) -> CompensationAgreed:
        honest = CompensationAgreed(
            entity="cmp_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            dispute_id="dsp_ada",
            compensation_id="cmp_ada",
            amount_minor=5_000,
            currency="CNY",
        )
        return replace(honest, **changes)

    def balance(self, **changes: Any) -> BalanceKept:
        honest = BalanceKept(
            entity="loan_ada",
            occurrence=3,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            reference="ada-1",
            channel="wallet",
            cause="receipt",
            currency="CNY",
            flushed_minor=100_000,
            kept_minor=95_000,
            balance_minor=89_000,
        )
        return replace(honest, **changes)

    def attempt(self, **changes: Any) -> CallbackAttempt:
        honest = CallbackAttempt(
            entity="rpy_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            repayment_id="rpy_ada",
            callback_id="cb_ada",
            channel="wallet",
            amount_minor=100_000,
            currency="CNY",
            payer_reference=None,
            attempts_left=9,
            in_books=False,
        )
        return replace(honest, **changes)

    def taken(self, **changes: Any) -> CallbackTaken:
        honest = CallbackTaken(
            entity="rpy_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            repayment_id="rpy_ada",
            callback_id="cb_ada",
            receipt_id="rct_ada_again",
            channel="wallet",
            amount_minor=100_000,
            currency="CNY",
            order_status="S",
        )
        return replace(honest, **changes)

    def order_paid(self, **changes: Any) -> OrderPaid:
        honest = OrderPaid(
            entity="rpy_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            repayment_id="rpy_ada",
            receipt_id="rct_ada_by_hand",
            channel="wallet",
            amount_minor=100_000,
            currency="CNY",
            late_s=0,
        )
        return replace(honest, **changes)

    def payout(self, **changes: Any) -> PayoutSettled:
        honest = PayoutSettled(
            entity="out_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            payout_id="out_ada",
            purpose="disbursement",
            channel="bank_transfer",
            amount_minor=100_000,
            currency="CNY",
        )
        return replace(honest, **changes)

    def made(self, **changes: Any) -> StatementMade:
        honest = StatementMade(
            entity="wallet.2026-01-04.CNY",
            occurrence=1,
            now_ms=MONDAY_MS,
            channel="wallet",
            day="2026-01-04",
            currency="CNY",
            rows=3,
            due_ms=MONDAY_MS - 3_600_000,
        )
        return replace(honest, **changes)

    def item(self, **changes: Any) -> BatchItem:
        honest = BatchItem(
            entity="loan_ada",
            occurrence=490_000,
            now_ms=MONDAY_MS,
            batch=DUE_DATE,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            place_percent=50,
            currency="CNY",
        )
        return replace(honest, **changes)

    def debit(self, **changes: Any) -> BatchItem:
        ordered = {"batch": AUTO_DEBIT, "amount_minor": 9_500, "order_id": "rpy_b", "again_id": "rpy_a"}
        return self.item(**ordered | changes)

    def settled(self, **changes: Any) -> TradeSettled:
        honest = TradeSettled(
            entity="rpy_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            repayment_id="rpy_ada",
            channel="wallet",
            amount_minor=100_000,
            currency="CNY",
            payer_reference=None,
        )
        return replace(honest, **changes)

    def typed(self, **changes: Any) -> PaymentReference:
        honest = PaymentReference(
            entity="rct_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            receipt_id="rct_ada",
            channel="bill_pay",
            amount_minor=100_000,
            currency="CNY",
            payer_name="Ada",
            typed_reference="loan_ada",
            reference="loan_ada",
        )
        return replace(honest, **changes)

    def edit(self, **changes: Any) -> OperatorEdit:
        honest = OperatorEdit(
            entity="loan_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            edit_id="edt_ada",
            operator="wang",
            kind="MODIFY_BILL_AMOUNT",
            currency="CNY",
            books_status="USING",
            least_minor=-5_000,
            most_minor=10**15,
            amount_minor=1_250,
        )
        return replace(honest, **changes)

    def match(self, **changes: Any) -> ReceiptMatch:
        honest = ReceiptMatch(
            entity="rct_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            borrower_id="brw_ada",
            receipt_id="rct_ada",
            operator="wang",
            channel="bank_transfer",
            amount_minor=20_000,
            currency="CNY",
            payer_name="Ada",
            siblings=("loan_piano",),
            loan_id="loan_ada",
        )
        return replace(honest, **changes)

    def booked(self, **changes: Any) -> ReceiptBooked:
        honest = ReceiptBooked(
            entity="rpy_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            repayment_id="rpy_ada",
            channel="wallet",
            amount_minor=100_000,
            currency="CNY",
            day_ends_ms=MONDAY_MS + 14 * 3_600_000,
            scope="CLEAR",
            booked_ms=MONDAY_MS,
        )
        return replace(honest, **changes)

    def reversal(self, **changes: Any) -> RepaymentReversal:
        honest = RepaymentReversal(
            entity="rpy_twice",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            reversal_id="rev_ada",
            operator="wang",
            amount_minor=20_000,
            currency="CNY",
            siblings=("rpy_april", "rpy_may"),
            repayment_id="rpy_twice",
        )
        return replace(honest, **changes)

    def approval(self, **changes: Any) -> EditApproval:
        honest = EditApproval(
            entity="loan_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            edit_id="edt_ada",
            operator="wang",
            kind="MODIFY_BILL_AMOUNT",
            amount_minor=5_000,
            currency="CNY",
        )
        return replace(honest, **changes)

    def mark(self, **changes: Any) -> OperatorEdit:
        return self.edit(
            **{"kind": "MODIFY_BILL_STATUS", "amount_minor": None, "status": "VALID", "least_minor": 0} | changes
        )

    def outdated(self, **changes: Any) -> MarkOutdated:
        honest = MarkOutdated(
            entity="loan_ada",
            occurrence=4,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            edit_id="edt_ada",
            cause="receipt",
            channel="wallet",
            currency="CNY",
            marked_status="OVD",
            books_status="USING",
        )
        return replace(honest, **changes)

    def loan_opened(self, **changes: Any) -> LoanOpened:
        honest = LoanOpened(
            entity="loan_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            reference="ada-1",
            product_id="jiebei-like",
            edit_id="edt_migrated",
            currency="CNY",
            principal_minor=100_000,
            least_minor=-99_999,
            most_minor=10**15,
        )
        return replace(honest, **changes)

    def asked(self, **changes: Any) -> ApiAnswer:
        honest = ApiAnswer(
            entity="order-1",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            plane="v1",
            method="POST",
            operation="repay",
            path="/v1/loans/{loan_id}/repayments",
            writes=True,
            channel="wallet",
            currency="CNY",
            draw=500_000,
        )
        return replace(honest, **changes)

    def seen(self, **changes: Any) -> Glimpse:
        """A request before it is an event: counted, unless it is said to be of the occurrence 0."""
        whole = self.asked(**{name: value for name, value in changes.items() if name != "now_ms"})
        shape = Shape(whole.plane, whole.operation, whole.path)
        seen = Glimpse("sbx", 7, None, whole.entity, whole.method, {"loan_id": whole.loan_id}, shape, whole.channel)
        seen.occurrence = whole.occurrence
        seen.now_ms = changes.get("now_ms", whole.now_ms)
        return seen

    def looked(self, **changes: Any) -> ApiAnswer:
        look = {"entity": "loan_ada", "method": "GET", "operation": "getLoan", "path": "/v1/loans/{loan_id}"}
        return self.asked(**look | {"writes": False, "channel": None} | changes)

    def quoted(self, **changes: Any) -> QuoteIssued:
        honest = QuoteIssued(
            entity="qte_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            quote_id="qte_ada",
            type="CLEAR",
            date="2026-01-05",
            interest_minor=1_000,
            lapses_ms=MONDAY_MS + 14 * 3_600_000,
            currency="CNY",
            total_minor=101_000,
        )
        return replace(honest, **changes)

    def repeated(self, **changes: Any) -> IdempotencyChecked:
        honest = IdempotencyChecked(
            entity="rpy_a",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            order_id="rpy_a",
            again_id="rpy_b",
            channel="wallet",
            amount_minor=20_000,
            currency="CNY",
            age_s=120,
        )
        return replace(honest, **changes)

    def filed(self, **changes: Any) -> RepaymentFiled:
        honest = RepaymentFiled(
            entity="rpy_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            repayment_id="rpy_ada",
            edit_id="edt_desk",
            channel="wallet",
            amount_minor=100_000,
            currency="CNY",
            books_status="CLEAR",
        )
        return replace(honest, **changes)


@dataclass
class Floor:
    """A platform of one sandbox whose writer is ten lines long; layer, tables and statements are the real ones."""

    engine: Engine
    layer: FaultLayer
    now_ms: int = MONDAY_MS
    counters: Sequence[Write] = ()  # of the last group
    sandbox: Sandbox = field(
        default_factory=lambda: Sandbox("sbx", "key", 7, "UTC", "manual", MONDAY_MS, 0, 0, 0, "[]", MONDAY_MS)
    )

    @property
    def context(self) -> EventContext:
        return EventContext(self.sandbox.id, self.sandbox.seed, self.now_ms)

    def arm(self, id: str, fault: str, **rule: Any) -> Answer:
        return self.run(PutRule(self.sandbox.id, Rule.from_json(id, {"fault": fault, **rule}, self.layer.catalogue)))

    def run(self, command: Any) -> Answer:
        with writing(self.engine) as connection:
            loaded = load_all(connection, [(self.sandbox.id, key) for key in command.needs()])
            work = Work(self.sandbox, self.now_ms, {key: value for (_, key), value in loaded.items()})
            answer: Answer = command.decide(work)
            for key, put in work.puts.items():
                if key[0] == "sandbox":
                    self.sandbox = put
                    continue
                store = STORES[key[0]]
                sql = store.update if loaded[(self.sandbox.id, key)] else store.insert
                row = {name: getattr(put, name) for name in store.columns}
                flush(connection, [(sql, {"sandbox_id": self.sandbox.id, **row})])
        return answer

    def group(self, *steps: Any, fail: bool = False) -> list[Any]:
        """Events, signals (tuples of text) and seconds that pass, committed together. Gives back what happened at the
        events."""
        happened = []
        try:
            with writing(self.engine) as connection:
                group = self.layer.group(connection, [(self.sandbox.id, self.sandbox.rules_version)])
                for step in steps:
                    if isinstance(step, int):
                        self.later(step)
                    elif not group.armed(self.sandbox.id):
                        happened.append(step)
                    elif isinstance(step, tuple):
                        flush(connection, group.on_signals(self.context, step))
                    else:
                        result, writes = group.at(self.context, step)
                        flush(connection, writes)
                        happened.append(result)
                self.counters = group.finish()
                flush(connection, self.counters)
                if fail:
                    raise ConnectionError("the power is cut before the commit")
        except ConnectionError:
            return happened
        group.commit()
        return happened

    def armed(self, sandbox_id: str) -> bool:
        """Whether the next group would have anything to ask the layer there."""
        with writing(self.engine) as connection:
            return self.layer.group(connection, [(self.sandbox.id, self.sandbox.rules_version)]).armed(sandbox_id)

    def meet(self, given: Any) -> Any:
        return self.group(given)[0]

    def hear(self, *signals: str) -> None:
        self.group(signals)

    def later(self, seconds: int) -> None:
        self.now_ms += seconds * 1000

    def key(self, **filters: Any) -> list[Entry]:
        with reading(self.engine) as connection:
            return self.layer.answer_key(connection, self.sandbox.id, self.now_ms, **filters)

    def statuses(self) -> list[str]:
        return [entry.status for entry in self.key()]


@pytest.fixture(scope="session")
def events() -> Events:
    return Events()


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    engine = open_engine(f"sqlite:///{tmp_path}/floor.db", fast=True)
    yield Floor(engine, FaultLayer(KINDS))
    engine.dispose()


@pytest.fixture
def another_layer(floor: Floor) -> Callable[[], None]:
    """The process starts anew: all that was held in memory is gone."""

    def restart() -> None:
        floor.layer = FaultLayer(KINDS)

    return restart
