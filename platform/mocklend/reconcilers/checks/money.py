"""Channels against books: money that one side has and the other has not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from mocklend.domain.statuses import PayoutState, QuoteType, ReceiptState, RepaymentStatus, TradeState
from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found
from mocklend.sandboxes.ids import receipt_of

SLOWEST = timedelta(days=1)
"""More than the slowest channel takes to pay out."""
TOLD_WITHIN = timedelta(minutes=1)
"""A channel's message of what it has just taken back may be on its way."""
ROUNDING_MINOR = 3
"""What two ways of rounding may differ by. Nobody pays so little, and nobody should have to."""
PAID = (TradeState.SUCCESS, TradeState.RETURNED)
DONE = (RepaymentStatus.SUCCEEDED, RepaymentStatus.PARTIAL, RepaymentStatus.REVERSED)


def ordered_and_not_booked(evidence: Evidence) -> Iterator[Found]:
    """The channel was paid, the order waits, and its message was tried: it is lost or late, not on its way.

    That the money is gone again by now is another matter: both are to be booked.
    """
    for case in evidence.cases:
        for repayment in case.repayments:
            if repayment["status"] in DONE:
                continue
            trade = case.trade(repayment)
            if trade is None or trade["state"] not in PAID:
                continue
            log = case.callback(repayment)
            if log is None or _on_its_way(log):
                continue
            amount_minor = trade["amount_minor"]
            detail = f"{repayment['channel']} has {amount_minor} of {trade['paid_at']}, its message is {log['state']}"
            yield Found("missing_in_books", repayment["id"], case.id, amount_minor, "query", detail)


def paid_and_not_booked(evidence: Evidence) -> Iterator[Found]:
    """A statement has money that no order and no receipt knows: somebody paid unasked, and the message is lost."""
    known = {repayment["out_trade_no"] for case in evidence.cases for repayment in case.repayments}
    known |= {receipt["out_trade_no"] for receipt in evidence.receipts}
    for (channel, day), file in evidence.files.items():
        for row in file.rows:
            if row.purpose != "repayment" or row.amount_minor < 0 or row.out_trade_no in known:
                continue
            known.add(row.out_trade_no)  # Rows may be there twice.
            log = evidence.callback(channel, row.out_trade_no)
            if log is None or _on_its_way(log):
                continue
            receipt_id = receipt_of(row.out_trade_no)
            detail = f"{channel} states {row.amount_minor} of {day}, order {row.out_trade_no}"
            yield Found("missing_in_books", receipt_id, None, row.amount_minor, "query_payment", detail)
            yield from _gone(evidence, channel, row.out_trade_no, receipt_id, None)


def unidentified(evidence: Evidence) -> Iterator[Found]:
    """Money that is on the books and on no loan."""
    for receipt in evidence.receipts:
        if receipt["state"] == ReceiptState.UNAPPLIED:
            detail = f"{receipt['payer_name']} typed {receipt['payer_reference']!r}"
            yield Found("unidentified", receipt["id"], None, receipt["amount_minor"], "match", detail)


def booked_twice(evidence: Evidence) -> Iterator[Found]:
    """A receipt that names an order, beside the order's own: the channel has one payment for both."""
    orders = {repayment["out_trade_no"]: case for case in evidence.cases for repayment in case.repayments}
    for receipt in evidence.receipts:
        case = orders.get(receipt["out_trade_no"])
        if receipt["state"] == ReceiptState.APPLIED and case is not None:
            detail = f"{receipt['channel_trade_no']} is a second number for {receipt['out_trade_no']}"
            amount_minor = receipt["amount_minor"]
            yield Found("duplicate_in_books", receipt["id"], case.id, amount_minor, "reverse_receipt", detail)


def on_another_loan(evidence: Evidence) -> Iterator[Found]:
    """A matched receipt whose paper names another loan: what its payer typed at the channel, or the desk's own memo."""
    cases = {case.id: case for case in evidence.cases}
    named = {case.listed["reference"]: id for id, case in cases.items()} | {id: id for id in cases}
    for receipt in evidence.receipts:
        if receipt["state"] != ReceiptState.APPLIED:
            continue
        on = cases[receipt["loan_id"]]
        trade = evidence.trade(receipt["channel"], receipt["out_trade_no"])
        papers = [trade["payer_reference"] or ""] if trade else []
        papers += [action["memo"] or "" for action in on.operator_log if action["about"] == receipt["id"]][-1:]
        meant = {named[word] for paper in papers for word in paper.split() if word in named}
        if meant and on.id not in meant:
            detail = f"it is on {on.id}, its papers name {min(meant)}"
            yield Found("misapplied", receipt["id"], min(meant), receipt["amount_minor"], "move", detail)


def booked_as_something_else(evidence: Evidence) -> Iterator[Found]:
    """A repayment that the books took for another kind than was ordered, or for another moment than it was paid."""
    for case in evidence.cases:
        for repayment in case.repayments:
            if repayment["status"] not in (RepaymentStatus.SUCCEEDED, RepaymentStatus.PARTIAL):
                continue
            trade = case.trade(repayment)
            ordered = (repayment["type"], trade["paid_at"] if trade else repayment["paid_at"])
            booked = (repayment["booked_type"], repayment["booked_at"])
            if booked != ordered:
                detail = f"booked as {booked[0]} of {booked[1]}, ordered as {ordered[0]}, paid {ordered[1]}"
                yield Found("misapplied", repayment["id"], case.id, repayment["amount_minor"], "rebook", detail)


def left_by_a_quote(evidence: Evidence) -> Iterator[Found]:
    """A payoff was paid to the fen by its quote, and a rest is left that is nothing but another rounding."""
    for case in evidence.cases:
        paid = [
            repayment
            for repayment in case.repayments
            if repayment["type"] == QuoteType.CLEAR
            and repayment["quote_id"]
            and repayment["status"] == RepaymentStatus.SUCCEEDED
        ]
        left = case.books["outstanding_minor"]
        if paid and 0 < left <= ROUNDING_MINOR:
            last = max(paid, key=lambda one: one["applied_at"])
            detail = f"{last['amount_minor']} was paid by {last['quote_id']}, {left} is left"
            yield Found("wrong_view", last["quote_id"], case.id, left, "write_off_rest", detail)


def taken_back(evidence: Evidence) -> Iterator[Found]:
    """Money that the channel had and has no more, where the books have not heard of that."""
    orders = set()
    for case in evidence.cases:
        for repayment in case.repayments:
            orders.add(repayment["out_trade_no"])
            for found in _gone(evidence, repayment["channel"], repayment["out_trade_no"], repayment["id"], case.id):
                known = (entry for entry in case.journal if entry["kind"] == "payment_return")
                if not any(entry["ref"].endswith(repayment["id"]) for entry in known):
                    yield found
    for receipt in evidence.receipts:
        if receipt["state"] != TradeState.RETURNED and receipt["out_trade_no"] not in orders:
            yield from _gone(evidence, receipt["channel"], receipt["out_trade_no"], receipt["id"], receipt["loan_id"])


def _gone(evidence: Evidence, channel: str, out_trade_no: str, id: str, loan_id: str | None) -> Iterator[Found]:
    trade = evidence.trade(channel, out_trade_no)
    if trade is None or trade["state"] != TradeState.RETURNED:
        return
    if evidence.now - datetime.fromisoformat(trade["returned_at"]) > TOLD_WITHIN:
        detail = f"{channel} took back {trade['amount_minor']} at {trade['returned_at']}"
        yield Found("missing_in_channel", id, loan_id, trade["amount_minor"], "query", detail)


def stuck_payouts(evidence: Evidence) -> Iterator[Found]:
    """A payout that was ordered longer ago than any channel takes."""
    for case in evidence.cases:
        for payout in case.payouts:
            age = evidence.now - datetime.fromisoformat(payout["created_at"])
            if payout["state"] == PayoutState.ORDERED and age > SLOWEST:
                detail = f"a {payout['purpose']} through {payout['channel']}, ordered at {payout['created_at']}"
                yield Found("missing_in_channel", payout["id"], case.id, payout["amount_minor"], "escalate", detail)


def debited_twice(evidence: Evidence) -> Iterator[Found]:
    """One debit of what was due, ordered twice at one moment."""
    for case in evidence.cases:
        debits: dict[tuple[str, int], list[str]] = {}
        for repayment in case.repayments:
            if repayment["channel"] == "auto_debit" and repayment["status"] != RepaymentStatus.REVERSED:
                debits.setdefault((repayment["created_at"], repayment["amount_minor"]), []).append(repayment["id"])
        for (at, amount_minor), ids in debits.items():
            if len(ids) > 1:
                detail = f"{amount_minor} was debited {len(ids)} times at {at}"
                yield Found("duplicate_in_channel", max(ids), case.id, amount_minor, "reverse", detail)


def ordered_twice(evidence: Evidence) -> Iterator[Found]:
    """One request of a client, by its key, and two orders: the key was forgotten between them."""
    for case in evidence.cases:
        orders: dict[str, list[str]] = {}
        amounts = {repayment["id"]: repayment["amount_minor"] for repayment in case.repayments}
        for repayment in case.repayments:
            if repayment["idempotency_key"] is not None and repayment["status"] != RepaymentStatus.REVERSED:
                orders.setdefault(repayment["idempotency_key"], []).append(repayment["id"])
        for key, ids in orders.items():
            if len(ids) > 1:
                detail = f"{' and '.join(sorted(ids))} are one request, {key}"
                yield Found("duplicate_in_channel", max(ids), case.id, amounts[max(ids)], "reverse", detail)


def _on_its_way(log: dict[str, Any]) -> bool:
    return not log["attempts"] and log["next_attempt_at"] is not None
