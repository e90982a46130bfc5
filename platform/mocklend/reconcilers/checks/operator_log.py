"""Actions of staff against papers: the operator log against the books and against the operators' own memos."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from mocklend.domain.money import minor_exponent
from mocklend.domain.people import same_person
from mocklend.domain.statuses import EditState
from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found

_AMOUNT = re.compile(r"(?<![\w.,])-?\d{1,12}\.\d{2,3}(?![\w.])")
"""An amount in a memo, in whole units with all decimals of its currency: 12.34. A number without decimals is none."""


def overrides_that_the_books_contradict(evidence: Evidence) -> Iterator[Found]:
    """Statuses that were set by hand and that the balances do not confirm."""
    for case in evidence.cases:
        override = case.books["status_override"]
        if override is not None:
            detail = f"edit {override['edit_id']} says {override['status']}"
            yield case.found("status_mismatch", case.id, 0, "reverse_edit", detail)


def amounts_that_the_memo_contradicts(evidence: Evidence) -> Iterator[Found]:
    """Edits whose amount is not the one that their memo names."""
    for case in evidence.cases:
        for edit in case.edits:
            meant = _amount_in(edit["memo"], case.currency)
            if (
                edit["state"] != EditState.APPLIED
                or edit["amount_minor"] is None
                or meant in (None, edit["amount_minor"])
            ):
                continue
            assert meant is not None
            detail = f"the memo says {case.money(meant)}, the books have {case.money(edit['amount_minor'])}"
            stake = abs(edit["amount_minor"] - meant)
            yield case.found("amount_mismatch", edit["id"], stake, "reverse_edit", detail)


def edits_without_log_entry(evidence: Evidence) -> Iterator[Found]:
    """Edits on the books that the operator log does not have."""
    for case in evidence.cases:
        logged = {action["about"] for action in case.operator_log}
        for edit in case.edits:
            if edit["state"] == EditState.APPLIED and edit["amount_minor"] is not None and edit["id"] not in logged:
                stake = abs(edit["amount_minor"])
                detail = f"nothing but the name {edit['operator']} is behind it"
                yield case.found("unsupported", edit["id"], stake, "reverse_edit", detail)


def edits_without_approval(evidence: Evidence) -> Iterator[Found]:
    """Edits that needed a second person and have only one name. They are reversed until they are approved."""
    for case in evidence.cases:
        for edit in case.edits:
            alone = edit["approver"] is None or same_person(edit["operator"], edit["approver"])
            if edit["state"] == EditState.APPLIED and edit["approval_needed"] and alone:
                action = "escalate" if edit["kind"] == "REFUND" else "reverse_edit"
                stake = abs(edit["amount_minor"] or 0)
                yield case.found("unapproved", edit["id"], stake, action, f"by {edit['operator']} alone")


def reversals_of_another_repayment(evidence: Evidence) -> Iterator[Found]:
    """Reversed repayments whose memo names another repayment of the loan."""
    for case in evidence.cases:
        orders = {repayment["id"]: repayment for repayment in case.repayments}
        newest = {
            action["about"]: action["memo"] or ""
            for action in case.operator_log
            if action["action"] == "repayment.reversed"
        }
        for about, memo in newest.items():
            named = [word for word in re.findall(r"rpy_\w+", memo) if word in orders]
            if named and about not in named and orders[about]["reversal_id"] is not None:
                amount_minor = orders[named[0]]["amount_minor"]
                detail = f"{about} was reversed, the memo names {named[0]}"
                yield case.found("misapplied", orders[about]["reversal_id"], amount_minor, "reverse_again", detail)


def _amount_in(memo: str, currency: str) -> int | None:
    decimals = minor_exponent(currency)
    amounts = [Decimal(amount) for amount in _AMOUNT.findall(memo) if len(amount.partition(".")[2]) == decimals]
    return int(amounts[0].scaleb(decimals)) if len(amounts) == 1 else None
