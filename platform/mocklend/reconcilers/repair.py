"""Carries out the actions that findings propose, over the operator's API, each with its reason as memo."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mocklend.client import Client, ProblemError
from mocklend.domain.statuses import DisputeState, LoanStatus
from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found
from mocklend.sandboxes.ids import receipt_of

OPERATOR = "reconciler"


def repair(client: Client, found: Iterable[Found]) -> list[tuple[Found, str]]:
    """Carry out each finding's action. Results: `done`, `left alone`, or the problem that the platform answered."""
    evidence = Evidence(client)
    return [(finding, _carry_out(evidence, finding)) for finding in found]


def _carry_out(evidence: Evidence, finding: Found) -> str:
    repair_of = REPAIRS.get(finding.action)
    if repair_of is None:
        return "left alone"
    try:
        repair_of(evidence, finding)
    except ProblemError as problem:
        return f"{problem.code}: {problem.detail}"
    return "done"


def _query(evidence: Evidence, finding: Found) -> None:
    """Query the channel and post its answer, effective when the channel was paid."""
    for receipt in evidence.receipts:
        if receipt["id"] == finding.entity:
            evidence.client.query_payment(receipt["channel"], receipt["out_trade_no"], operator=OPERATOR)
            return
    if finding.entity.startswith("rct_"):
        _query_payment(evidence, finding)
    else:
        evidence.client.query_repayment(finding.entity, operator=OPERATOR)


def _query_payment(evidence: Evidence, finding: Found) -> None:
    """Query the channel for an order that is not the platform's, and post its answer."""
    for account, file in evidence.files.items():
        for row in file.rows:
            if finding.entity == receipt_of(row.out_trade_no) and row.amount_minor > 0:
                evidence.client.query_payment(account.channel, row.out_trade_no, operator=OPERATOR)


def _match(evidence: Evidence, finding: Found) -> None:
    """Match a receipt with the only open loan of a borrower with the payer's name."""
    [receipt] = [receipt for receipt in evidence.receipts if receipt["id"] == finding.entity]
    open_loans = [
        case
        for case in evidence.cases
        if case.borrower["name"] == receipt["payer_name"] and case.books["status"] in (LoanStatus.USING, LoanStatus.OVD)
    ]
    if len(open_loans) == 1:  # With several or none, staff need the payer's bank slip.
        evidence.client.match_receipt(receipt["id"], open_loans[0].id, operator=OPERATOR, memo=finding.detail)


def _move(evidence: Evidence, finding: Found) -> None:
    """Move a receipt to the loan that its papers name."""
    evidence.client.move_receipt(
        finding.entity, str(finding.loan_id), operator=OPERATOR, memo=f"belongs to {finding.loan_id}"
    )


def _rebook(evidence: Evidence, finding: Found) -> None:
    """Book a repayment again as it was ordered, on the channel's day."""
    evidence.client.rebook_repayment(finding.entity, operator=OPERATOR, memo=finding.detail)


def _reverse_again(evidence: Evidence, finding: Found) -> None:
    """Reinstate the repayment that was reversed by mistake, and reverse the one that the memo names."""
    meant = finding.detail.split()[-1]
    [case] = [case for case in evidence.cases if case.id == finding.loan_id]
    [good] = [order for order in case.repayments if order["reversal_id"] == finding.entity]
    evidence.client.reinstate_repayment(good["id"], operator=OPERATOR, memo=f"{meant} was meant")
    evidence.client.reverse_repayment(meant, operator=OPERATOR, memo=f"{meant} was meant")


def _reverse_edit(evidence: Evidence, finding: Found) -> None:
    """Reverse the edit that the finding is about, or the one that overrides its loan's status."""
    edit_id = finding.entity
    for case in evidence.cases:
        if case.id == finding.entity and case.books["status_override"]:
            edit_id = case.books["status_override"]["edit_id"]
    evidence.client.reverse_edit(edit_id, operator=OPERATOR, memo=finding.detail)


def _write_off_rest(evidence: Evidence, finding: Found) -> None:
    """Revoke what a quote left out, with the quote as the reason."""
    evidence.client.edit(
        str(finding.loan_id),
        "MODIFY_REVOKE_AMOUNT",
        amount_minor=finding.amount_minor,
        operator=OPERATOR,
        memo=finding.detail,
    )


def _reverse_receipt(evidence: Evidence, finding: Found) -> None:
    """Reverse a second receipt; the order's own stays."""
    evidence.client.reverse_receipt(finding.entity, operator=OPERATOR, memo=finding.detail)


def _refresh(evidence: Evidence, finding: Found) -> None:
    """Rebuild the status page from the books."""
    evidence.client.refresh_page(finding.entity, operator=OPERATOR, memo=finding.detail)


def _correct_again(evidence: Evidence, finding: Found) -> None:
    """Decide the newest corrected dispute again, so that another correction is ordered."""
    [case] = [case for case in evidence.cases if case.id == finding.entity]
    corrected = [
        dispute
        for dispute in case.disputes
        if dispute["state"] in (DisputeState.UPHELD, DisputeState.CORRECTED)
        and any(step["note"].startswith("Corrected:") for step in dispute["progress"])
    ]
    evidence.client.decide_dispute(
        corrected[-1]["id"], DisputeState.UPHELD, operator=OPERATOR, memo=finding.detail, correct=True
    )


def _compensate(evidence: Evidence, finding: Found) -> None:
    """Decide the same compensation again, which posts it."""
    for case in evidence.cases:
        for dispute in case.disputes:
            if dispute["compensation_id"] == finding.entity:
                evidence.client.decide_dispute(
                    dispute["id"],
                    DisputeState.UPHELD,
                    operator=OPERATOR,
                    memo=finding.detail,
                    compensation_minor=finding.amount_minor,
                )


def _catch_up(evidence: Evidence, finding: Found) -> None:
    """Run the end of day that the loan missed."""
    evidence.client.catch_up(finding.entity, operator=OPERATOR, memo=finding.detail)


def _reverse(evidence: Evidence, finding: Found) -> None:
    """Reverse a repayment."""
    evidence.client.reverse_repayment(finding.entity, operator=OPERATOR, memo=finding.detail)


def _remake(evidence: Evidence, finding: Found) -> None:
    """Have a channel make its statement of a day again."""
    channel, day, currency = finding.entity.split(".")
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
"""The function of each action. Other actions (`wait`, `escalate`) are left alone."""
