"""What puts an injection right: what its kind says, and the operations of the platform that do it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mocklend.audit.chain.docs import OperationDoc, Param, RemedyDoc, View
from mocklend.audit.chain.marking import Marked
from mocklend.audit.chain.rows import EDIT
from mocklend.audit.chain.subject import Subject
from mocklend.domain.facts import MODIFY_REVOKE_AMOUNT
from mocklend.domain.statuses import DisputeState
from mocklend.sandboxes.timestamps import LAST_MS, maybe_rfc3339
from mocklend.seams.layer import TracedInjection
from mocklend.storage.entities import Dispute, Receipt, StatementFile
from mocklend.storage.schema import RECEIPT_PREFIX


def remedies(subject: Subject, traced: Sequence[TracedInjection], marked: Marked) -> list[RemedyDoc]:
    """The remedy of each injection that can be seen in this chain, in the order of the answer key.

    Of answers that were wrong and are over, the newest has one: what a client does about it.
    """
    return [
        RemedyDoc(
            injection=injection.id,
            action=injection.action,
            heals=injection.heals,
            operations=list(_operations(subject, injection, marked)),
            ends_at=maybe_rfc3339(_ends_ms(injection)),
        )
        for injection in traced
        if injection.id in marked.first
        and (injection.is_open or (bool(marked.answers) and marked.first[injection.id] is marked.answers[-1]))
    ]


def _ends_ms(injection: TracedInjection) -> int | None:
    """When it ends by itself (ms); None if only an action ends it, and if it has ended."""
    if not injection.is_open or injection.until_ms is None or injection.until_ms > LAST_MS:
        return None
    return injection.until_ms


def _operations(subject: Subject, injection: TracedInjection, marked: Marked) -> Iterator[OperationDoc]:
    loan_id, entity, seam = subject.loan.id, injection.finding.entity, injection.seam
    match injection.finding.finding_class:
        case "unidentified":
            yield _post("matchReceipt", f"/operator/receipts/{entity}/match", loan_id=injection.loan_id or loan_id)
        case "misapplied" if seam == "receipt.match":
            yield _post("moveReceipt", f"/operator/receipts/{entity}/move", loan_id=injection.loan_id or loan_id)
        case "misapplied" if seam == "repayment.reversal":
            for order in subject.orders:
                if order.reversal_id == entity:
                    yield _post("reinstateRepayment", f"/operator/repayments/{order.id}/reinstate")
        case "misapplied" if entity.startswith("rpy_"):
            yield _post("rebookRepayment", f"/operator/repayments/{entity}/rebook")
        case "missing_in_books" if seam == "compensation.agreed":
            for dispute in subject.disputes:
                if dispute.compensation_id == entity:
                    yield _decide(dispute, compensation_minor=dispute.compensation_minor)
        case "missing_in_channel" if seam == "payout.settled":
            for payout in subject.payouts:
                if payout.id == entity:
                    yield _post("failPayout", f"/channels/{payout.channel}/payouts/{entity}/failure")
        case "deadline_missed":
            for dispute in subject.disputes:
                if dispute.id == entity and dispute.taken_up_ms <= subject.snapshot.now_ms:
                    yield _post("verifyDispute", f"/operator/disputes/{entity}/verify")
        case "wrong_bureau" if entity == loan_id:
            corrected = [dispute for dispute in subject.disputes if dispute.corrections]
            for dispute in corrected[-1:]:
                yield _decide(dispute, correct=True)
        case "missing_in_books" | "missing_in_channel" if entity.startswith("rpy_"):
            yield _post("queryRepayment", f"/operator/repayments/{entity}/query")
        case "missing_in_books" if entity.startswith(RECEIPT_PREFIX):
            for trade in subject.trades:
                if trade.repayment_id == entity:
                    path, number = "/operator/receipts/query", trade.id
                    yield _post("queryPayment", path, channel=trade.channel, out_trade_no=number)
        case "duplicate_in_books" if subject.snapshot.find(Receipt, entity) is not None:
            yield _post("reverseReceipt", f"/operator/receipts/{entity}/reverse")
        case "duplicate_in_channel":
            yield _post("reverseRepayment", f"/operator/repayments/{entity}/reverse")
        case "amount_mismatch" | "unsupported" | "unapproved" if entity.startswith("edt_"):
            yield _post("reverseEdit", f"/operator/edits/{entity}/reverse")
        case "status_mismatch":
            row = marked.first[injection.id]
            override = subject.loan.status_override
            edit = row.id if row.about == EDIT else override.edit_id if override is not None else None
            if edit is not None:
                yield _post("reverseEdit", f"/operator/edits/{edit}/reverse")
        case "left_behind":
            yield _post("catchUpLoan", f"/operator/loans/{loan_id}/catch-up")
        case "stale_view" if marked.first[injection.id].view != View.LENDER:
            yield _post("refreshLoan", f"/operator/loans/{loan_id}/refresh")
        case "stale_view":
            lender = marked.first[injection.id].id
            for application in subject.applications:
                if application.partner == lender:
                    yield _post(
                        "applyAtLender",
                        f"/bureau/lenders/{lender}/applications",
                        borrower_id=subject.borrower.id,
                        product=application.product,
                        amount_minor=application.amount_minor,
                    )
        case "wrong_view" if entity == loan_id:
            yield _post("refreshLoan", f"/operator/loans/{loan_id}/refresh")
        case "wrong_view":
            left = subject.truth.outstanding_minor
            yield _post("edit", f"/operator/loans/{loan_id}/edits", kind=MODIFY_REVOKE_AMOUNT, amount_minor=left)
        case "wrong_statement":
            file = subject.snapshot.find(StatementFile, entity)
            if file is not None:
                yield _post("remakeStatement", f"/channels/{file.channel}/statements/{file.day}/remake")


def _decide(dispute: Dispute, **body: Param) -> OperationDoc:
    """The same decision again."""
    return _post("decideDispute", f"/operator/disputes/{dispute.id}/decide", decision=DisputeState.UPHELD.value, **body)


def _post(operation: str, path: str, **body: Param) -> OperationDoc:
    return OperationDoc(operation=operation, method="POST", path=path, body=body)
