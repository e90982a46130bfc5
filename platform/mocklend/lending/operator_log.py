"""The log of the desk: what staff did to a loan, who, why, and the bill before and after. Appended, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mocklend.domain.replay import LoanState
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Loan
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import FACTS, statement
from mocklend.storage.work import Work
from mocklend.views.reads import entity
from mocklend.views.render import marked

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
"""What the desk does, as its log calls it."""

INSERT_ACTION = statement(
    "acts.insert",
    """INSERT INTO acts (sandbox_id, id, loan_id, version, verb, about, memo, operator, approver, before, after, at_ms)
       VALUES (:sandbox_id, :id, :loan_id, :version, :verb, :about, :memo, :operator, :approver, :before, :after,
       :at_ms)""",
    rank=FACTS,
)


def bill_of(loan: Loan, state: LoanState) -> dict[str, Any]:
    """A bill as the desk sees it, before an act or after: with the status that the page shows."""
    return {
        "status": marked(loan) or loan.status,
        "outstanding_minor": state.outstanding_minor,
        "overpaid_minor": state.overpaid_minor,
    }


def log_operator_action(
    work: Work,
    loan: Loan,
    verb: str,
    about: str,
    *,
    memo: str | None,
    operator: str,
    approver: str | None = None,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    n: int = 1,
) -> None:
    """Put on record what somebody did, for the `n`-th time. `loan` is as the act left it."""
    again = (n,) if n > 1 else ()
    work.write(
        INSERT_ACTION,
        id=make_id("act", work.sandbox.seed, verb, about, *again),
        loan_id=loan.id,
        version=loan.version,
        verb=verb,
        about=about,
        memo=memo,
        operator=operator,
        approver=approver,
        before=json.dumps(before, separators=(",", ":")),
        after=json.dumps(after, separators=(",", ":")),
        at_ms=work.now_ms,
    )


_ACTS = """SELECT id, verb, about, memo, operator, approver, before, after, at_ms FROM acts
    WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY at_ms, version, id"""


class _Act(NamedTuple):
    id: str
    verb: str
    about: str
    memo: str | None
    operator: str
    approver: str | None
    before: str
    after: str
    at_ms: int


def operator_log_of(reader: SandboxReader, loan_id: str) -> Sequence[dict[str, Any]]:
    """What staff did to a loan, oldest first."""
    entity(reader, Loan, loan_id)
    return [
        {
            "id": id,
            "loan_id": loan_id,
            "verb": verb,
            "about": about,
            "memo": memo,
            "operator": operator,
            "approver": approver,
            "before": json.loads(before),
            "after": json.loads(after),
            "at": rfc3339(at_ms),
        }
        for id, verb, about, memo, operator, approver, before, after, at_ms in reader.rows(_Act, _ACTS, loan_id=loan_id)
    ]
