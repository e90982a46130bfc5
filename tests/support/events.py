"""Events as the platform would hand them to the fault layer: Ada's loan at each seam."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mocklend.api.request_event import Glimpse, Shape
from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.balance_kept import BalanceKept
from mocklend.seams.batch_item import AUTO_DEBIT, DUE_DATE, BatchItem
from mocklend.seams.bureau_report import BureauReport
from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.callback_taken import CallbackTaken
from mocklend.seams.compensation_agreed import CompensationAgreed
from mocklend.seams.dispute_opened import DisputeOpened
from mocklend.seams.edit_approval import EditApproval
from mocklend.seams.idempotency_checked import IdempotencyChecked
from mocklend.seams.loan_opened import LoanOpened
from mocklend.seams.mark_outdated import MarkOutdated
from mocklend.seams.operator_edit import OperatorEdit
from mocklend.seams.order_paid import OrderPaid
from mocklend.seams.partner_application import PartnerApplication
from mocklend.seams.payment_reference import PaymentReference
from mocklend.seams.payout_settled import PayoutSettled
from mocklend.seams.quote_issued import QuoteIssued
from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend.seams.receipt_match import ReceiptMatch
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.repayment_reversal import RepaymentReversal
from mocklend.seams.score_asked import ScoreAsked
from mocklend.seams.statement_made import StatementMade
from mocklend.seams.trade_settled import TradeSettled
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.catalogue import installed

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
