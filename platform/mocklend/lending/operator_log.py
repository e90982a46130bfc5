"""The operator log: each action of staff on a loan, with operator, reason and the bill before and after."""

from __future__ import annotations

from typing import Annotated, TypedDict

from mocklend.documents import rendering
from mocklend.domain.nouns import Approver, LoanId, Memo, Operator, one_of, says
from mocklend.domain.replay import LoanState
from mocklend.sandboxes.ids import make_id
from mocklend.storage.entities import Loan, OperatorAction
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.values import BillDoc
from mocklend.storage.work import Work
from mocklend.views.reads import entity
from mocklend.views.render import overridden_status

EDIT_DRAFTED, EDIT_APPLIED, EDIT_APPROVED = "edit.drafted", "edit.applied", "edit.approved"
EDIT_REJECTED, EDIT_REVERSED = "edit.rejected", "edit.reversed"
REPAYMENT_REVERSED, CHANNEL_QUERIED, RECEIPT_MATCHED = "repayment.reversed", "channel.queried", "receipt.matched"
RECEIPT_POSTED, RECEIPT_REVERSED, REPAYMENT_RESTORED = "receipt.posted", "receipt.reversed", "repayment.restored"
REPAYMENT_REBOOKED, REPAYMENT_REINSTATED, RECEIPT_MOVED = "repayment.rebooked", "repayment.reinstated", "receipt.moved"
DISPUTE_DECIDED, COMPENSATION_AGREED = "dispute.decided", "compensation.agreed"
CORRECTION_ORDERED = "correction.ordered"
PAGE_REBUILT = "page.rebuilt"
LOAN_CAUGHT_UP = "loan.caught_up"
ACTIONS = (
    EDIT_DRAFTED, EDIT_APPLIED, EDIT_APPROVED, EDIT_REJECTED, EDIT_REVERSED, REPAYMENT_REVERSED, CHANNEL_QUERIED,
    REPAYMENT_REBOOKED, REPAYMENT_REINSTATED, REPAYMENT_RESTORED, RECEIPT_MATCHED, RECEIPT_MOVED, RECEIPT_POSTED,
    RECEIPT_REVERSED, DISPUTE_DECIDED, CORRECTION_ORDERED, COMPENSATION_AGREED, PAGE_REBUILT, LOAN_CAUGHT_UP,
)  # fmt: skip
"""The actions of operations staff, as the operator log names them."""


def bill_of(loan: Loan, state: LoanState) -> BillDoc:
    """A loan's bill as operations staff see it, with the status that the status page shows."""
    return {
        "status": overridden_status(loan) or loan.status,
        "outstanding_minor": state.outstanding_minor,
        "overpaid_minor": state.overpaid_minor,
    }


def log_operator_action(
    work: Work,
    loan: Loan,
    action: str,
    about: str,
    *,
    memo: str | None,
    operator: str,
    approver: str | None = None,
    before: BillDoc,
    after: BillDoc,
    n: int = 1,
) -> None:
    """Log an action of an operator; `n` counts the same action on the same subject. `loan` is its state afterwards."""
    number = (n,) if n > 1 else ()
    work.put(
        OperatorAction(
            id=make_id("act", work.sandbox.seed, action, about, *number),
            loan_id=loan.id,
            version=loan.version,
            action=action,
            about=about,
            memo=memo,
            operator=operator,
            approver=approver,
            before=before,
            after=after,
            at_ms=work.now_ms,
        )
    )


class OperatorActionDoc(TypedDict):
    """An entry of the operator log. `about` is the edit, the repayment or the receipt."""

    id: Annotated[str, says("The id of this entry of the operator log.")]
    loan_id: LoanId
    action: Annotated[str, one_of(ACTIONS, "What was done.")]
    about: Annotated[str, says("The id of the edit, repayment or receipt that the action concerns.")]
    memo: Memo | None
    operator: Operator
    approver: Approver | None
    before: Annotated[BillDoc, says("The bill before the action.")]
    after: Annotated[BillDoc, says("The bill after the action.")]
    at: Annotated[str, says("When it happened. RFC 3339, on the sandbox's clock.")]


operator_action_doc = rendering(OperatorAction, OperatorActionDoc)


def operator_log_of(reader: SandboxReader, loan_id: str) -> list[OperatorActionDoc]:
    """The operator log of a loan, oldest entry first. Raises Refused `loan_unknown`."""
    entity(reader, Loan, loan_id)
    actions = reader.where(OperatorAction, "loan_id = :loan_id ORDER BY at_ms, version, id", loan_id=loan_id)
    return [operator_action_doc(action) for action in actions]
