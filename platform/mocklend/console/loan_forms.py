"""What can be done to a loan on its page: a form per operation of the API, which sends the same command.

        form ─▶ what was typed ─▶ the body of the operation ─▶ its command ─▶ the writer      (no seam of the answer)
                                                    ╰─▶ the same as curl

A form has the fields of the operation's model, and is offered when the loan's state allows the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from mocklend.api.approvals import Approval
from mocklend.api.bureau import NewApplication, application_of
from mocklend.api.disputes import NewDecision, NewDispute, Statement, Verification, decision_of, dispute_of
from mocklend.api.operations import NewCharge, NewRefund, NewWaiver, NewWriteOff, charge_of, refund_of, waiver_of
from mocklend.api.operator import Inquiry, NewEdit, Rebuilding, Reversal, edit_of
from mocklend.api.receipts import Match, PaymentInquiry, payment_query_of
from mocklend.api.repayments import NewRepayment, order
from mocklend.api.statements import Remake, remake_of
from mocklend.channels.payouts import FailPayout
from mocklend.console import targets
from mocklend.console.form_fields import FormField, fields_of
from mocklend.console.forms import read_form
from mocklend.console.targets import LoanHere, Targets
from mocklend.console.visit import open_snapshot
from mocklend.domain.channel import channel_of
from mocklend.domain.facts import business_date
from mocklend.domain.statuses import DisputeState, EditState, LoanStatus, RepaymentStatus
from mocklend.language import message
from mocklend.servicing import (
    AddStatement,
    ApproveEdit,
    CatchUp,
    MatchReceipt,
    MoveReceipt,
    QueryChannel,
    RebookRepayment,
    RebuildPage,
    ReinstateRepayment,
    RejectEdit,
    ReverseEdit,
    ReverseReceipt,
    ReverseRepayment,
    VerifyDispute,
    WriteOff,
)
from mocklend.servicing.operations import OPEN, REFUNDABLE
from mocklend.storage.work import Command, Idempotency
from mocklend.validation import Body


class NoFields(Body):
    """A body without fields."""


M = TypeVar("M", bound=Body)
Values = Mapping[str, object]
Make = Callable[[str, Idempotency, str, Values], Command]
"""Sandbox, key, what it acts on, and the body: the command. Raises Refused."""

BORROWER, LOAN = message("As the borrower"), message("The loan")
BILL, ORDERS = message("Edits of the bill"), message("Repayments")
MONEY, DISPUTES, CHANNELS = message("Receipts"), message("Disputes"), message("Channels")
SECTIONS = (LOAN, BILL, ORDERS, MONEY, DISPUTES, CHANNELS)
"""The sections of the page As operator, in their order."""
OPERATOR = "wei"
"""The operator whose name a form has at first."""
MEMO = message("done in the console")
"""The reason that a form has at first: it names no fault, and is in the operator log."""
CREDIT_MINOR = 50_000_000
"""What is applied for at first, in minor units."""


@dataclass(frozen=True, slots=True)
class LoanForm:
    """An operation on a loan as a form.

    `path` is that of the API, of `{loan_id}` or `{target}`; `filled` are fields of the body that the loan fills in.
    `is_possible` says whether the loan's state allows it; `targets` what it acts on, if that is not the loan.
    """

    operation: str
    section: str
    title: str
    says: str
    model: type[Body]
    path: str
    command: Make
    is_possible: Callable[[LoanHere], bool]
    targets: Targets | None
    filled: tuple[str, ...]

    @property
    def fields(self) -> tuple[FormField, ...]:
        """Its fields, but for those that the loan fills in."""
        return fields_of(self.model, self.filled)

    @property
    def is_of_borrower(self) -> bool:
        """Whether a client sends it for its borrower: anything else is of staff, channels or other lenders."""
        return self.path.startswith("/v1/")

    def address(self, loan_id: str, target: str) -> str:
        """The path of the request."""
        return self.path.format(loan_id=loan_id, target=target)

    def target_in(self, path: str) -> str:
        """What a request with this path acts on; "" if that is the loan."""
        before, _, after = self.path.partition("{target}")
        return path.removeprefix(before).removesuffix(after) if self.targets is not None else ""

    def defaults(self, here: LoanHere) -> dict[str, object]:
        """What the form has in it at first."""
        values: dict[str, object] = {
            "memo": here.visit.text(MEMO),
            "operator": OPERATOR,
            "currency": here.loan.currency,
        }
        match self.operation:
            case "repay":
                values |= {"amount_minor": here.page["outstanding_minor"], "type": "CLEAR"}
            case "charge":
                values["due_date"] = business_date(here.snapshot.now_ms, here.snapshot.sandbox.zone).isoformat()
            case "matchReceipt":
                values["loan_id"] = here.loan.id
            case "applyAtLender":
                values["amount_minor"] = CREDIT_MINOR
        names = {field.name for field in self.fields}
        return {name: value for name, value in values.items() if name in names}


def _always(_here: LoanHere) -> bool:
    return True


def _is_open(here: LoanHere) -> bool:
    return here.loan.status in OPEN


def _can_be_edited(here: LoanHere) -> bool:
    return here.loan.status in (*OPEN, LoanStatus.CLEAR)


def _is_overpaid(here: LoanHere) -> bool:
    return here.loan.status in REFUNDABLE and here.state.overpaid_minor > 0


def _made(model: type[M], make: Callable[[str, Idempotency, str, M], Command]) -> Make:
    return lambda sandbox_id, idem, id, values: make(sandbox_id, idem, id, read_form(model, values))


def _form(
    operation: str,
    section: str,
    title: str,
    says: str,
    path: str,
    model: type[M],
    make: Callable[[str, Idempotency, str, M], Command],
    *,
    when: Callable[[LoanHere], bool] = _always,
    on: Targets | None = None,
    filled: tuple[str, ...] = (),
) -> LoanForm:
    return LoanForm(operation, section, title, says, model, path, _made(model, make), when, on, filled)


def _with_reason(
    command: Callable[[str, Idempotency, str, str, str], Command],
) -> Callable[[str, Idempotency, str, Reversal], Command]:
    """What makes a command of a target, a reason and an operator."""
    return lambda sandbox, idem, id, new: command(sandbox, idem, id, new.memo, new.operator)


def _remake(_sandbox_id: str, _idem: Idempotency, target: str, new: Remake) -> Command:
    channel, _, day = target.partition("/statements/")
    with open_snapshot() as snapshot:
        return remake_of(snapshot, channel, day, new)


def _fail_payout(sandbox_id: str, idem: Idempotency, target: str, _nothing: NoFields) -> Command:
    channel, _, payout_id = target.partition("/payouts/")
    return FailPayout(sandbox_id, idem, channel_of(channel).id, payout_id)


_UNDECIDED = targets.disputes(DisputeState.MARKED, DisputeState.VERIFYING)
_DECIDABLE = targets.disputes(DisputeState.VERIFYING, DisputeState.UPHELD, DisputeState.CORRECTED)

_ALL = (
    _form(
        "repay", BORROWER, message("Repay"), message("Order a repayment through a channel, as a client does."),
        "/v1/loans/{loan_id}/repayments", NewRepayment, order,
    ),
    _form(
        "openDispute", BORROWER, message("Dispute"),
        message("The borrower says that something is wrong, with documents of what was paid."),
        "/v1/disputes", NewDispute, lambda sandbox, idem, _, new: dispute_of(sandbox, idem, new),
        filled=("loan_id",),
    ),
    _form(
        "applyAtLender", BORROWER, message("Apply at a lender"),
        message("Another lender reads the credit report and the score, and decides by them."),
        "/bureau/lenders/{target}/applications", NewApplication, application_of,
        on=targets.lenders, filled=("borrower_id",),
    ),
    _form(
        "edit", LOAN, message("Edit the bill"), message("Change an amount of the bill, or the status that is shown."),
        "/operator/loans/{loan_id}/edits", NewEdit, edit_of, when=_can_be_edited,
    ),
    _form(
        "charge", LOAN, message("Charge"), message("Charge a fee or a penalty, due on a day."),
        "/operator/loans/{loan_id}/charges", NewCharge, charge_of, when=_is_open,
    ),
    _form(
        "waive", LOAN, message("Waive"), message("Waive fees, interest or penalty, the oldest instalment first."),
        "/operator/loans/{loan_id}/waivers", NewWaiver, waiver_of, when=_is_open,
    ),
    _form(
        "writeOff", LOAN, message("Write off"), message("Write off all that is owed. Later payments are recoveries."),
        "/operator/loans/{loan_id}/write-offs", NewWriteOff,
        lambda sandbox, idem, id, new: WriteOff(sandbox, idem, id, new.memo, new.operator, new.approver),
        when=_is_open,
    ),
    _form(
        "refund", LOAN, message("Refund"), message("Pay back what is overpaid; without an amount all of it."),
        "/operator/loans/{loan_id}/refunds", NewRefund, refund_of, when=_is_overpaid,
    ),
    _form(
        "refreshLoan", LOAN, message("Rebuild the status page"),
        message("Show in every view at once what the books say. Nothing is posted."),
        "/operator/loans/{loan_id}/refresh", Rebuilding,
        lambda sandbox, _, id, new: RebuildPage(sandbox, None, id, new.memo, new.operator),
    ),
    _form(
        "catchUpLoan", LOAN, message("Run the end of day"),
        message("Run the end of day for a loan that the batch has left out. Any other loan does not change."),
        "/operator/loans/{loan_id}/catch-up", Reversal,
        lambda sandbox, _, id, new: CatchUp(sandbox, id, new.memo, new.operator),
    ),
    _form(
        "approveEdit", BILL, message("Approve an edit"), message("The second person approves a draft: it is posted."),
        "/operator/edits/{target}/approve", Approval,
        lambda sandbox, idem, id, new: ApproveEdit(sandbox, idem, id, new.approver),
        on=targets.edits(EditState.DRAFT),
    ),
    _form(
        "rejectEdit", BILL, message("Reject an edit"), message("A draft is rejected, and nothing is posted."),
        "/operator/edits/{target}/reject", Reversal,
        _with_reason(RejectEdit),
        on=targets.edits(EditState.DRAFT),
    ),
    _form(
        "reverseEdit", BILL, message("Reverse an edit"), message("The loan is as if the edit had never been made."),
        "/operator/edits/{target}/reverse", Reversal,
        _with_reason(ReverseEdit),
        on=targets.edits(EditState.APPLIED),
    ),
    _form(
        "queryRepayment", ORDERS, message("Ask the channel about an order"),
        message("Post what the channel says of it. This repairs a lost or a wrong callback."),
        "/operator/repayments/{target}/query", Inquiry,
        lambda sandbox, idem, id, new: QueryChannel(sandbox, idem, id, new.operator),
        on=targets.orders(RepaymentStatus.PROCESSING, RepaymentStatus.SUCCEEDED, RepaymentStatus.FAILED),
    ),
    _form(
        "rebookRepayment", ORDERS, message("Book a repayment again"),
        message("Book it as it was ordered, effective when its channel was paid."),
        "/operator/repayments/{target}/rebook", Reversal,
        _with_reason(RebookRepayment),
        on=targets.orders(RepaymentStatus.SUCCEEDED),
    ),
    _form(
        "reverseRepayment", ORDERS, message("Reverse a repayment"), message("It no longer counts on the loan."),
        "/operator/repayments/{target}/reverse", Reversal,
        _with_reason(ReverseRepayment),
        on=targets.orders(RepaymentStatus.SUCCEEDED),
    ),
    _form(
        "reinstateRepayment", ORDERS, message("Reinstate a repayment"),
        message("Undo its reversal: it counts again, effective on the channel's day."),
        "/operator/repayments/{target}/reinstate", Reversal,
        _with_reason(ReinstateRepayment),
        on=targets.orders(RepaymentStatus.REVERSED),
    ),
    _form(
        "matchReceipt", MONEY, message("Match a receipt"),
        message("Money that came without a loan is put on this one, effective on the channel's day."),
        "/operator/receipts/{target}/match", Match,
        lambda sandbox, idem, id, new: MatchReceipt(sandbox, idem, id, new.loan_id, new.memo, new.operator),
        on=targets.unapplied_receipts,
    ),
    _form(
        "moveReceipt", MONEY, message("Move a receipt"),
        message("A receipt that was matched to this loan by mistake is moved to another."),
        "/operator/receipts/{target}/move", Match,
        lambda sandbox, idem, id, new: MoveReceipt(sandbox, idem, id, new.loan_id, new.memo, new.operator),
        on=targets.receipts_of_loan,
    ),
    _form(
        "reverseReceipt", MONEY, message("Reverse a second receipt"),
        message("The channel has the money once, and the books have it twice."),
        "/operator/receipts/{target}/reverse", Reversal,
        _with_reason(ReverseReceipt),
        on=targets.second_receipts,
    ),
    _form(
        "queryPayment", MONEY, message("Ask the channel about a payment"),
        message("Post what the channel says of a payment without an order. This repairs a lost callback."),
        "/operator/receipts/query", PaymentInquiry,
        lambda sandbox, idem, _, new: payment_query_of(sandbox, idem, new),
    ),
    _form(
        "verifyDispute", DISPUTES, message("Verify a dispute"),
        message("Each document is compared with the channel's record and the books."),
        "/operator/disputes/{target}/verify", Verification,
        lambda sandbox, idem, id, new: VerifyDispute(sandbox, idem, id, new.operator), on=_UNDECIDED,
    ),
    _form(
        "decideDispute", DISPUTES, message("Decide a dispute"),
        message("The claim is right, wrong, or cannot be verified. An upheld one is corrected and compensated."),
        "/operator/disputes/{target}/decide", NewDecision, decision_of, on=_DECIDABLE,
    ),
    _form(
        "addStatement", DISPUTES, message("Add the borrower's statement"),
        message("A borrower whose claim was rejected may add a statement to the credit report."),
        "/v1/disputes/{target}/statement", Statement,
        lambda sandbox, idem, id, new: AddStatement(sandbox, idem, id, new.statement),
        on=targets.disputes(DisputeState.REJECTED),
    ),
    _form(
        "failPayout", CHANNELS, message("Let a payout fail"),
        message("The channel says that it will not pay the loan out, and the loan has failed."),
        "/channels/{target}/failure", NoFields, _fail_payout, on=targets.payouts_on_their_way,
    ),
    _form(
        "remakeStatement", CHANNELS, message("Make a statement again"),
        message("The channel makes its file of a day again, without the errors of the last one."),
        "/channels/{target}/remake", Remake, _remake, on=targets.statement_files,
    ),
)  # fmt: skip
FORMS: Mapping[str, LoanForm] = {form.operation: form for form in _ALL}
"""The forms by the operation that each sends, as /openapi.json names it."""
FIELD_OF: Mapping[str, str] = {
    "amount_out_of_range": "amount_minor",
    "channel_unknown": "channel",
    "currency_mismatch": "currency",
    "date_out_of_range": "due_date",
    "edit_too_large": "amount_minor",
    "four_eyes": "approver",
    "lender_unknown": "target",
    "loan_unknown": "loan_id",
    "override_contradicts_books": "status",
    "product_not_offered": "product",
    "quote_mismatch": "amount_minor",
    "quote_stale": "quote_id",
    "quote_unknown": "quote_id",
    "refund_too_large": "amount_minor",
    "trade_unknown": "out_trade_no",
    "waiver_too_large": "amount_minor",
}
"""The field that a refusal of a code is about."""
