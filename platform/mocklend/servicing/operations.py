"""Edits by operations staff: the single path by which an operator's decision about a bill reaches the books.

    submit ─▶ refused? ─▶ four eyes needed? ── yes, and not approved yet ──▶ DRAFT ─▶ approve ─────────────┐
                              │                                              └─▶ reject                   │
                              └── no, or approved ─▶ seam ─▶ world, books ─▶ APPLIED ◀────────────────────┘

The world has the intended edit, the books the edit as entered, both under the edit's id. A draft is in neither. The
seam is reached when an edit is posted, so a fault on a draft takes effect once it is approved.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, TypedDict

from msgspec import Struct
from msgspec.structs import replace

from mocklend.channels.payouts import order_payout, refund_data
from mocklend.documents import rendering
from mocklend.domain.channel import channel_of
from mocklend.domain.effects import edit_minor_max, edit_minor_min
from mocklend.domain.facts import (
    CHARGE,
    CHARGE_FEE,
    CHARGE_PENALTY,
    EDIT,
    MODIFY_BILL_AMOUNT,
    MODIFY_BILL_OVERDUE_AMOUNT,
    MODIFY_BILL_STATUS,
    MODIFY_PAID_AMOUNT,
    MODIFY_PAID_REVOKE_AMOUNT,
    MODIFY_REVOKE_AMOUNT,
    REFUND_AGREED,
    STATUS_OVERRIDE,
    WAIVE_FEE,
    WAIVE_INTEREST,
    WAIVE_PENALTY,
    Fact,
    business_date,
)
from mocklend.domain.facts import WRITE_OFF as WRITTEN_OFF
from mocklend.domain.money import MAX_MINOR
from mocklend.domain.nouns import Approver, ChannelId, CreatedAt, LoanId, Memo, Operator, column, one_of, says, whether
from mocklend.domain.people import same_person
from mocklend.domain.problems import Refused
from mocklend.domain.replay import LoanState, apply_fact
from mocklend.domain.statuses import SHOWN_FOR_OVERRIDE, EditState, LoanStatus
from mocklend.lending.books import LoanAfterFact, next_fact_time, post_fact, state_of
from mocklend.lending.operator_log import EDIT_APPLIED, EDIT_DRAFTED, bill_of, log_operator_action
from mocklend.lending.required import require_loan
from mocklend.sandboxes.ids import make_id
from mocklend.seams.about import about_loan
from mocklend.seams.edit_approval import EditApproval
from mocklend.seams.operator_edit import OperatorEdit as EditSeam
from mocklend.seams.signals import recorded
from mocklend.storage.entities import Loan, OperatorEdit
from mocklend.storage.values import BillDoc, StatusOverride
from mocklend.storage.work import Answer, Idempotency, Work
from mocklend.webhooks.events import AgreedRefundData
from mocklend.webhooks.outbox import edit_data, emit
from mocklend.world.record import record_in_world

AMOUNT_EDITS = (
    MODIFY_BILL_AMOUNT, MODIFY_BILL_OVERDUE_AMOUNT, MODIFY_PAID_AMOUNT, MODIFY_REVOKE_AMOUNT, MODIFY_PAID_REVOKE_AMOUNT,
)  # fmt: skip
"""The edits with a relative amount:

MODIFY_BILL_AMOUNT          > 0 adds a fee to the current bill (1105/4004); < 0 waives fees, then interest (5003/1105, 1102)
MODIFY_BILL_OVERDUE_AMOUNT  > 0 adds a penalty to the current bill (1103/4002); < 0 waives penalty (5003/1104, 1103)
MODIFY_PAID_AMOUNT          > 0 pays from the loan's unapplied money (2102/110x); < 0 undoes payments (110x/2102)
MODIFY_REVOKE_AMOUNT        > 0 cancels part of the bill, newest instalment first (5003/110x); < 0 restores it, as a fee
                            (1105/5003)
MODIFY_PAID_REVOKE_AMOUNT   > 0 turns paid money into overpaid money (110x/2101); < 0 pays from overpaid money
                            (2101/110x)

All apply to open loans only. Only a reversal reopens a CLEAR loan: reverse the repayment or the edit that cleared it.
"""  # noqa: E501
BILL_EDITS = (MODIFY_BILL_AMOUNT, MODIFY_BILL_OVERDUE_AMOUNT)
WAIVERS = (WAIVE_FEE, WAIVE_INTEREST, WAIVE_PENALTY)
CHARGES = {"CHARGE_FEE": CHARGE_FEE, "CHARGE_PENALTY": CHARGE_PENALTY}
WRITE_OFF, REFUND = "WRITE_OFF", "REFUND"
EDIT_KINDS = (*AMOUNT_EDITS, MODIFY_BILL_STATUS)
"""The six edits of a bill that the real API has."""
KINDS = (*EDIT_KINDS, *WAIVERS, *CHARGES, WRITE_OFF, REFUND)

OPEN = (LoanStatus.USING, LoanStatus.OVD)
REFUNDABLE = (LoanStatus.USING, LoanStatus.OVD, LoanStatus.CLEAR, LoanStatus.OFF)
FURTHEST_DAYS = 366


class EditRequest(Struct, frozen=True):
    """An operator's request: a kind, and the fields that the kind needs."""

    kind: str
    memo: str
    operator: str
    approver: str | None
    amount_minor: int | None = None
    status: str | None = None
    channel: str | None = None
    due: date | None = None


class ValidatedEdit(Struct, frozen=True):
    """An edit that is valid on the present books: with their state and status, and the bounds of its amount."""

    edit: OperatorEdit
    state: LoanState
    status: str
    amount_minor_min: int
    amount_minor_max: int


def submit(work: Work, idem: Idempotency | None, loan_id: str, request: EditRequest) -> Answer:
    """201 and the edit as posted; 202 and a draft where a second person has to approve it first."""
    loan = require_loan(work, loan_id)
    assert idem is not None, "an edit moves money and needs an idempotency key"
    edit = OperatorEdit(
        id=make_id("edt", work.sandbox.seed, loan.id, idem.key),
        loan_id=loan.id,
        n=loan.edits + 1,
        edit_kind=request.kind,
        amount_minor=request.amount_minor,
        status=request.status,
        memo=request.memo,
        operator=request.operator,
        approver=request.approver,
        state=EditState.DRAFT,
        before=bill_of(loan, state_of(loan)),
        after=None,
        created_ms=work.now_ms,
        channel=request.channel,
        due_date=request.due.isoformat() if request.due else None,
    )
    validated = validate(work, loan, edit)
    edit, loan = validated.edit, replace(loan, edits=edit.n)
    if needs_four_eyes(work, edit):
        edit = replace(edit, to_approve_minor=abs(edit.amount_minor or 0))
        if edit.approver is not None:
            refuse_same_person(edit, edit.approver)
        elif _must_wait(work, loan, edit):
            work.put(loan)
            work.put(edit)
            bill = edit.before
            log_operator_action(
                work, loan, EDIT_DRAFTED, edit.id, memo=edit.memo, operator=edit.operator, before=bill, after=bill
            )
            return Answer(202, edit_doc(edit))
    return Answer(201, edit_doc(apply(work, loan, replace(validated, edit=edit), EDIT_APPLIED)))


def require_edit(work: Work, edit_id: str) -> OperatorEdit:
    """The edit. Raises Refused `edit_unknown`."""
    edit = work.find(OperatorEdit, edit_id)
    if edit is None:
        raise Refused("edit_unknown", f"no edit {edit_id}", edit_id=edit_id)
    return edit


# --- four eyes ---


def needs_four_eyes(work: Work, edit: OperatorEdit) -> bool:
    """Whether the sandbox's policy needs a second person: for write-offs, refunds, and amounts above its limit."""
    limit = work.sandbox.four_eyes_above_minor
    if limit is None:
        return False
    return edit.edit_kind in (WRITE_OFF, REFUND) or abs(edit.amount_minor or 0) > limit


def _must_wait(work: Work, loan: Loan, edit: OperatorEdit) -> bool:
    """Whether an edit without approval waits for a second person. A fault may skip that control."""
    event = EditApproval(
        **about_loan(work.now_ms, loan, edit.n),
        edit_id=edit.id,
        operator=edit.operator,
        kind=edit.edit_kind,
        amount_minor=edit.to_approve_minor or 0,
    )
    return work.at(event).needed


def refuse_same_person(edit: OperatorEdit, approver: str) -> None:
    """Raise Refused `four_eyes` if the approver is the operator, however the name is spelt."""
    if same_person(approver, edit.operator):
        raise Refused(
            "four_eyes",
            f"{edit.operator} cannot approve an edit of {edit.operator}",
            expected=f"anybody but {edit.operator}",
            received=approver,
            edit_id=edit.id,
        )


# --- validation ---


def validate(work: Work, loan: Loan, edit: OperatorEdit) -> ValidatedEdit:
    """The edit with its bounds, if the books can apply it as a whole.

    Raises Refused `loan_not_active`, `channel_unknown`, `date_out_of_range`, `amount_out_of_range`, `refund_too_large`,
    `waiver_too_large`, `edit_too_large`, `override_contradicts_books`."""
    today = business_date(work.now_ms, work.sandbox.zone)
    state = state_of(loan)
    state.accrue(today)
    derived = _derived_today(state, today)
    edit = replace(edit, before=bill_of(loan, state))
    if edit.edit_kind == MODIFY_BILL_STATUS:
        _refuse_override(edit, derived)
        return ValidatedEdit(edit, state, derived, 0, 0)
    statuses = REFUNDABLE if edit.edit_kind == REFUND else OPEN
    if loan.status not in statuses:
        raise Refused(
            "loan_not_active",
            f"the loan is {loan.status}",
            expected=" or ".join(statuses),
            received=loan.status,
            loan_id=loan.id,
        )
    if edit.channel is not None:
        channel_of(edit.channel)
    if edit.due_date is not None:
        _refuse_date(edit, date.fromisoformat(edit.due_date), today)
    amount_minor_min, amount_minor_max = bounds(state, edit.edit_kind)
    if edit.amount_minor is None and edit.edit_kind in (WRITE_OFF, REFUND):
        edit = replace(edit, amount_minor=amount_minor_max)
    _refuse_amount(loan, edit, amount_minor_min, amount_minor_max)
    validated = ValidatedEdit(edit, state, derived, amount_minor_min, amount_minor_max)
    if edit.edit_kind in AMOUNT_EDITS:
        _refuse_part(work, validated)
    return validated


def bounds(state: LoanState, kind: str) -> tuple[int, int]:
    """The smallest and largest `amount_minor` of an edit of this kind on the loan as it is now."""
    room = max(0, MAX_MINOR - state.outstanding_minor)
    if kind in CHARGES:
        return 1, room
    if kind == WRITE_OFF:
        lost = max(0, state.outstanding_minor - state.ahead_minor)
        return lost, lost
    if kind == REFUND:
        return 1, state.overpaid_minor
    if kind in WAIVERS:
        return edit_minor_min(state, kind), -1
    highest = edit_minor_max(state, kind)
    return edit_minor_min(state, kind), min(highest, room) if kind in BILL_EDITS else highest


def _refuse_amount(loan: Loan, edit: OperatorEdit, amount_minor_min: int, amount_minor_max: int) -> None:
    amount = edit.amount_minor or 0
    if edit.edit_kind == REFUND and amount > amount_minor_max:
        raise Refused(
            "refund_too_large",
            "the overpaid amount is smaller",
            expected=amount_minor_max,
            received=amount,
            loan_id=loan.id,
        )
    if edit.edit_kind == REFUND and amount_minor_max == 0:
        raise Refused("refund_too_large", "nothing is overpaid", expected=0, received=amount, loan_id=loan.id)
    if edit.edit_kind in AMOUNT_EDITS and (amount == 0 or abs(amount) > MAX_MINOR):
        raise Refused(
            "amount_out_of_range",
            "the amount of an edit is not 0",
            expected=f"{-MAX_MINOR} to {MAX_MINOR}, not 0",
            received=amount,
        )
    if amount < amount_minor_min and edit.edit_kind in (*BILL_EDITS, *WAIVERS):
        raise Refused(
            "waiver_too_large",
            "the bill has less to waive",
            expected=amount_minor_min,
            received=amount,
            loan_id=loan.id,
        )
    if not amount_minor_min <= amount <= amount_minor_max:
        raise _too_large(edit, amount_minor_min, amount_minor_max)


def _too_large(edit: OperatorEdit, amount_minor_min: int, amount_minor_max: int) -> Refused:
    return Refused(
        "edit_too_large",
        f"{edit.edit_kind} of this loan can be {amount_minor_min} to {amount_minor_max}",
        expected={"amount_minor_min": amount_minor_min, "amount_minor_max": amount_minor_max},
        received=edit.amount_minor,
        loan_id=edit.loan_id,
    )


def _refuse_part(work: Work, validated: ValidatedEdit) -> None:
    """Refuse an edit that could be applied only in part, by applying it to a copy of the state."""
    trial, requested_minor = validated.state.copy(), abs(validated.edit.amount_minor or 0)
    apply_fact(trial, fact_of(work, validated))
    if validated.edit.edit_kind in (MODIFY_PAID_AMOUNT, MODIFY_PAID_REVOKE_AMOUNT):
        applied_minor = abs(trial.paid_minor - validated.state.paid_minor)
    else:
        applied_minor = sum(
            leg[2] for movement in trial.movements if movement.kind == "edit" for leg in movement.postings
        )
    if applied_minor != requested_minor:
        if (validated.edit.amount_minor or 0) > 0:
            raise _too_large(validated.edit, validated.amount_minor_min, applied_minor)
        raise _too_large(validated.edit, -applied_minor, validated.amount_minor_max)


def _refuse_date(edit: OperatorEdit, due: date, today: date) -> None:
    last = today + timedelta(days=FURTHEST_DAYS)
    if not today <= due <= last:
        raise Refused(
            "date_out_of_range",
            "a charge falls due today or within the year",
            expected=f"{today} to {last}",
            received=due.isoformat(),
            loan_id=edit.loan_id,
        )


def _derived_today(state: LoanState, today: date) -> str:
    """The status that the books derive for today, even if end of day has skipped the loan."""
    rolled_forward = state.copy()
    rolled_forward.roll_forward(today)
    return rolled_forward.status


def _refuse_override(edit: OperatorEdit, derived: str) -> None:
    if SHOWN_FOR_OVERRIDE[edit.status or ""] != derived:
        confirming = next(
            (status for status, loan_status in SHOWN_FOR_OVERRIDE.items() if loan_status == derived), None
        )
        raise Refused(
            "override_contradicts_books",
            f"the books derive {derived}",
            expected=confirming,
            received=edit.status,
            loan_id=edit.loan_id,
        )


# --- posting ---


def apply(work: Work, loan: Loan, validated: ValidatedEdit, action: str) -> OperatorEdit:
    """Post an edit: as intended to the world, as entered to the books."""
    edit = validated.edit
    intended = fact_of(work, validated)
    work.signal(recorded(loan.id))
    entered = intended if edit.edit_kind in (WRITE_OFF, REFUND) else _as_entered(work, loan, validated, intended)
    override = StatusOverride(edit.id, entered.status or "") if entered.kind == STATUS_OVERRIDE else None
    record_in_world(work, loan.id, intended)
    after = post_fact(work, loan, entered, cause="edit", override=override)
    # A status override moves nothing: its bill is that of `before`, with interest up to today.
    bill = bill_of(after.loan, validated.state if entered.kind == STATUS_OVERRIDE else after.state)
    edit = replace(
        edit,
        amount_minor=entered.amount_minor if edit.amount_minor is not None else None,
        status=entered.status,
        state=EditState.APPLIED,
        after=bill,
        applied_ms=work.now_ms,
    )
    work.put(edit)
    log_operator_action(
        work,
        after.loan,
        action,
        edit.id,
        memo=edit.memo,
        operator=edit.operator,
        approver=edit.approver,
        before=edit.before,
        after=bill,
    )
    _notify(work, after, edit)
    return edit


def fact_of(work: Work, validated: ValidatedEdit) -> Fact:
    """The fact of an edit as of now, later than every fact that the decision was based on."""
    edit = validated.edit
    at_ms, amount = next_fact_time(work, validated.state, edit.id), edit.amount_minor or 0
    on = business_date(at_ms, work.sandbox.zone)
    if edit.edit_kind == MODIFY_BILL_STATUS:
        return Fact(edit.id, STATUS_OVERRIDE, at_ms, on, status=edit.status)
    if edit.edit_kind in CHARGES:
        due = date.fromisoformat(edit.due_date) if edit.due_date else None
        return Fact(edit.id, CHARGE, at_ms, on, amount, edit_kind=CHARGES[edit.edit_kind], due=due)
    if edit.edit_kind == WRITE_OFF:
        return Fact(edit.id, WRITTEN_OFF, at_ms, on, amount)
    if edit.edit_kind == REFUND:
        return Fact(edit.id, REFUND_AGREED, at_ms, on, amount)
    return Fact(edit.id, EDIT, at_ms, on, amount, edit_kind=edit.edit_kind)


def _as_entered(work: Work, loan: Loan, validated: ValidatedEdit, intended: Fact) -> Fact:
    """The edit as the operator enters it, which a fault can change."""
    edit = validated.edit
    event = EditSeam(
        **about_loan(work.now_ms, loan, edit.n),
        edit_id=edit.id,
        operator=edit.operator,
        kind=edit.edit_kind,
        books_status=validated.status,
        amount_minor_min=validated.amount_minor_min,
        amount_minor_max=validated.amount_minor_max,
        amount_minor=edit.amount_minor,
        status=edit.status,
    )
    outcome = work.at(event)
    if intended.kind == STATUS_OVERRIDE:
        return replace(intended, status=outcome.status)
    return replace(intended, amount_minor=outcome.amount_minor)


def _notify(work: Work, after: LoanAfterFact, edit: OperatorEdit) -> None:
    """Order the payout of a refund, and emit the event."""
    if edit.edit_kind != REFUND:
        emit(work, "loan.edited", edit.loan_id, edit.id, edit_data(edit, after.loan))
    else:
        assert edit.channel is not None, "a refund goes out through a channel"
        assert edit.amount_minor is not None, "a refund has an amount"
        payout = order_payout(
            work,
            after.loan,
            purpose="refund",
            channel_id=edit.channel,
            amount_minor=edit.amount_minor,
            about=edit.id,
        )
        refund: AgreedRefundData = {**refund_data(payout), "edit_id": edit.id}
        emit(work, "refund.agreed", edit.loan_id, edit.id, refund)


class EditDoc(TypedDict):
    """An edit as posted, or a DRAFT that is not posted yet."""

    id: Annotated[str, says("The edit's id.")]
    loan_id: LoanId
    kind: Annotated[str, column("edit_kind"), one_of(KINDS, "The kind of edit.")]
    amount_minor: Annotated[
        int | None, says("The relative change of the bill, in minor units; null where it changes no amount.")
    ]
    status: Annotated[str | None, says("The status that it sets; null where it sets none.")]
    channel: ChannelId | None
    due_date: Annotated[str | None, says("The due date of a charge, like 2026-01-05; null for other kinds.")]
    memo: Memo
    operator: Operator
    approver: Approver | None
    approval_needed: Annotated[bool, whether("to_approve_minor"), says("Whether it needs a second person's approval.")]
    state: Annotated[
        str,
        one_of(
            EditState,
            "DRAFT waits for approval, APPLIED is on the books, REVERSED was reversed, REJECTED was never posted.",
        ),
    ]
    before: Annotated[BillDoc, says("The bill before it.")]
    after: Annotated[BillDoc | None, says("The bill after it; null until it is applied.")]
    created_at: CreatedAt
    applied_at: Annotated[
        str | None, says("When it was posted to the books; null until then. RFC 3339, on the sandbox's clock.")
    ]


edit_doc = rendering(OperatorEdit, EditDoc)
