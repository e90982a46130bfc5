"""Carrying out what findings propose, over the operator's API, each act with its reason as memo."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mocklend.client import Client, ProblemError
from mocklend.domain.statuses import DisputeState, LoanStatus
from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found
from mocklend.sandboxes.ids import receipt_of

OPERATOR = "reconciler"


def repair(client: Client, found: Iterable[Found]) -> list[tuple[Found, str]]:
    """What became of each finding: `done`, `left alone`, or the problem that the platform answered."""
    evidence = Evidence(client)
    return [(one, _carried_out(evidence, one)) for one in found]


def _carried_out(evidence: Evidence, one: Found) -> str:
    repair_of = REPAIRS.get(one.action)
    if repair_of is None:
        return "left alone"
    try:
        repair_of(evidence, one)
    except ProblemError as problem:
        return f"{problem.code}: {problem.detail}"
    return "done"


def _query(evidence: Evidence, one: Found) -> None:
    """Ask the channel and post what it says, effective when the channel was paid."""
    for receipt in evidence.receipts:
        if receipt["id"] == one.entity:
            evidence.client.query_payment(receipt["channel"], receipt["out_trade_no"], operator=OPERATOR)
            return
    if one.entity.startswith("rct_"):
        _query_payment(evidence, one)
    else:
        evidence.client.query_repayment(one.entity, operator=OPERATOR)


def _query_payment(evidence: Evidence, one: Found) -> None:
    """Ask the channel about an order that is none of ours, and post what it says."""
    for (channel, _), file in evidence.files.items():
        for row in file.rows:
            if one.entity == receipt_of(row.out_trade_no) and row.amount_minor > 0:
                evidence.client.query_payment(channel, row.out_trade_no, operator=OPERATOR)


def _match(evidence: Evidence, one: Found) -> None:
    """Put a receipt where it belongs: to the one open loan of somebody of that name."""
    [receipt] = [receipt for receipt in evidence.receipts if receipt["id"] == one.entity]
    open_loans = [
        case
        for case in evidence.cases
        if case.borrower["name"] == receipt["payer_name"] and case.books["status"] in (LoanStatus.USING, LoanStatus.OVD)
    ]
    if len(open_loans) == 1:  # Two could be meant, or none: that takes a person and a bank slip.
        evidence.client.match_receipt(receipt["id"], open_loans[0].id, operator=OPERATOR, memo=one.detail)


def _move(evidence: Evidence, one: Found) -> None:
    """Put a receipt where its papers say that it belongs."""
    evidence.client.move_receipt(one.entity, str(one.loan_id), operator=OPERATOR, memo=f"belongs to {one.loan_id}")


def _rebook(evidence: Evidence, one: Found) -> None:
    """Book it as was ordered, when the channel was paid."""
    evidence.client.rebook_repayment(one.entity, operator=OPERATOR, memo=one.detail)


def _reverse_again(evidence: Evidence, one: Found) -> None:
    """Put the good repayment back, and reverse the one that the memo names."""
    meant = one.detail.split()[-1]
    [case] = [case for case in evidence.cases if case.id == one.loan_id]
    [good] = [order for order in case.repayments if order["reversal_id"] == one.entity]
    evidence.client.reinstate_repayment(good["id"], operator=OPERATOR, memo=f"{meant} was meant")
    evidence.client.reverse_repayment(meant, operator=OPERATOR, memo=f"{meant} was meant")


def _reverse_edit(evidence: Evidence, one: Found) -> None:
    """Take the edit back that the finding is about: its own, or the one that marks its loan."""
    edit_id = one.entity
    for case in evidence.cases:
        if case.id == one.entity and case.books["status_override"]:
            edit_id = case.books["status_override"]["edit_id"]
    evidence.client.reverse_edit(edit_id, operator=OPERATOR, memo=one.detail)


def _write_off_rest(evidence: Evidence, one: Found) -> None:
    """Take what a quote left out off the bill: a posting, with the quote as its reason."""
    evidence.client.edit(
        str(one.loan_id), "MODIFY_REVOKE_AMOUNT", amount_minor=one.amount_minor, operator=OPERATOR, memo=one.detail
    )


def _reverse_receipt(evidence: Evidence, one: Found) -> None:
    """Take a second receipt back; the order's own stays."""
    evidence.client.reverse_receipt(one.entity, operator=OPERATOR, memo=one.detail)


def _refresh(evidence: Evidence, one: Found) -> None:
    """Have the page made anew from the books."""
    evidence.client.refresh_page(one.entity, operator=OPERATOR, memo=one.detail)


def _correct_again(evidence: Evidence, one: Found) -> None:
    """Decide the newest corrected dispute again, so that another correction is ordered."""
    [case] = [case for case in evidence.cases if case.id == one.entity]
    corrected = [
        dispute
        for dispute in case.disputes
        if dispute["state"] in (DisputeState.UPHELD, DisputeState.CORRECTED)
        and any(step["note"].startswith("Corrected:") for step in dispute["progress"])
    ]
    evidence.client.decide_dispute(
        corrected[-1]["id"], DisputeState.UPHELD, operator=OPERATOR, memo=one.detail, correct=True
    )


def _compensate(evidence: Evidence, one: Found) -> None:
    """Decide the same compensation again: then it is posted."""
    for case in evidence.cases:
        for dispute in case.disputes:
            if dispute["compensation_id"] == one.entity:
                evidence.client.decide_dispute(
                    dispute["id"],
                    DisputeState.UPHELD,
                    operator=OPERATOR,
                    memo=one.detail,
                    compensation_minor=one.amount_minor,
                )


def _catch_up(evidence: Evidence, one: Found) -> None:
    """Do to a loan what the run should have done."""
    evidence.client.catch_up(one.entity, operator=OPERATOR, memo=one.detail)


def _reverse(evidence: Evidence, one: Found) -> None:
    """Take a repayment off its loan."""
    evidence.client.reverse_repayment(one.entity, operator=OPERATOR, memo=one.detail)


def _remake(evidence: Evidence, one: Found) -> None:
    """Ask a channel to make its file of a day again."""
    channel, day, currency = one.entity.split(".")
    evidence.client.remake_statement(channel, day, currency=currency)


REPAIRS: dict[str, Callable[[Evidence, Found], None]] = {
    "query": _query,
    "query_payment": _query_payment,
    "match": _match,
    "move": _move,
    "reverse_again": _reverse_again,
    "rebook": _rebook,
    "reverse_edit": _reverse_edit,
    "refresh": _refresh,
    "catch_up": _catch_up,
    "reverse": _reverse,
    "remake": _remake,
    "correct_again": _correct_again,
    "compensate": _compensate,
    "reverse_receipt": _reverse_receipt,
    "write_off_rest": _write_off_rest,
}
"""What each action does. An action that is not here (`wait`, `escalate`) is left alone."""
