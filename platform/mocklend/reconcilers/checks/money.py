"""Channels against books: money that one side has and the other has not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from mocklend.client import Doc
from mocklend.domain.money import format_minor
from mocklend.domain.statuses import PayoutState, QuoteType, ReceiptState, RepaymentStatus, TradeState
from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found
from mocklend.sandboxes.ids import receipt_of

SLOWEST = timedelta(days=1)
"""Longer than the slowest channel takes to pay out."""
CALLBACK_WITHIN = timedelta(minutes=1)
"""The callback of a payment that was just returned may be in transit."""
ROUNDING_MINOR = 3
"""The most that two ways of rounding differ by. No borrower should have to pay so little."""
PAID = (TradeState.SUCCESS, TradeState.RETURNED)
DONE = (RepaymentStatus.SUCCEEDED, RepaymentStatus.PARTIAL, RepaymentStatus.REVERSED)


def ordered_and_not_booked(evidence: Evidence) -> Iterator[Found]:
    """Orders that the channel was paid for and that are not booked, although the callback was tried.

    If the money was returned since, both are still to be booked.
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
            paid = f"{case.money(amount_minor)} of {trade['paid_at']}"
            detail = f"{repayment['channel']} has {paid}, its message is {log['state']}"
            yield case.found("missing_in_books", repayment["id"], amount_minor, "query", detail)


def paid_and_not_booked(evidence: Evidence) -> Iterator[Found]:
    """Statement rows that no order and no receipt has: an unsolicited payment whose callback was lost."""
    booked = {repayment["out_trade_no"] for case in evidence.cases for repayment in case.repayments}
    booked |= {receipt["out_trade_no"] for receipt in evidence.receipts}
    for account, file in evidence.files.items():
        channel = account.channel
        for row in file.rows:
            if row.purpose != "repayment" or row.amount_minor < 0 or row.out_trade_no in booked:
                continue
            booked.add(row.out_trade_no)  # A row may be repeated.
            log = evidence.callback(channel, row.out_trade_no)
            if log is None or _on_its_way(log):
                continue
            receipt_id = receipt_of(row.out_trade_no)
            paid = format_minor(row.amount_minor, row.currency)
            detail = f"{channel} states {paid} of {account.day}, order {row.out_trade_no}"
            yield Found(
                "missing_in_books", receipt_id, None, row.amount_minor, "query_payment", detail, currency=row.currency
            )
            yield from _returned(evidence, channel, row.out_trade_no, receipt_id, None)


def unidentified(evidence: Evidence) -> Iterator[Found]:
    """Receipts that are on the books and on no loan."""
    for receipt in evidence.receipts:
        if receipt["state"] == ReceiptState.UNAPPLIED:
            detail = f"{receipt['payer_name']} typed {receipt['payer_reference']!r}"
            yield Found(
                "unidentified",
                receipt["id"],
                None,
                receipt["amount_minor"],
                "match",
                detail,
                currency=receipt["currency"],
            )


def booked_twice(evidence: Evidence) -> Iterator[Found]:
    """Receipts with the number of an order that is booked itself: the channel has one payment for both."""
    orders = {repayment["out_trade_no"]: case for case in evidence.cases for repayment in case.repayments}
    for receipt in evidence.receipts:
        case = orders.get(receipt["out_trade_no"])
        if receipt["state"] == ReceiptState.APPLIED and case is not None:
            detail = f"{receipt['channel_trade_no']} is a second number for {receipt['out_trade_no']}"
            amount_minor = receipt["amount_minor"]
            yield case.found("duplicate_in_books", receipt["id"], amount_minor, "reverse_receipt", detail)


def on_another_loan(evidence: Evidence) -> Iterator[Found]:
    """Matched receipts whose papers name another loan: the payer's reference, or the memo of staff."""
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
            yield Found(
                "misapplied",
                receipt["id"],
                min(meant),
                receipt["amount_minor"],
                "move",
                detail,
                currency=receipt["currency"],
            )


def booked_differently(evidence: Evidence) -> Iterator[Found]:
    """Repayments that are booked with another type than was ordered, or another time than they were paid."""
    for case in evidence.cases:
        for repayment in case.repayments:
            if repayment["status"] not in (RepaymentStatus.SUCCEEDED, RepaymentStatus.PARTIAL):
                continue
            trade = case.trade(repayment)
            ordered = (repayment["type"], trade["paid_at"] if trade else repayment["paid_at"])
            booked = (repayment["booked_type"], repayment["booked_at"])
            if booked != ordered:
                detail = f"booked as {booked[0]} of {booked[1]}, ordered as {ordered[0]}, paid {ordered[1]}"
                yield case.found("misapplied", repayment["id"], repayment["amount_minor"], "rebook", detail)


def left_by_a_quote(evidence: Evidence) -> Iterator[Found]:
    """Payoffs that were paid exactly by their quote and leave a rest, which is only another rounding."""
    for case in evidence.cases:
        paid = [
            repayment
            for repayment in case.repayments
            if repayment["type"] == QuoteType.CLEAR
            and repayment["quote_id"]
            and repayment["status"] == RepaymentStatus.SUCCEEDED
        ]
        rest = case.books["outstanding_minor"]
        if paid and 0 < rest <= ROUNDING_MINOR:
            last = max(paid, key=lambda repayment: repayment["applied_at"])
            total, left = case.money(last["amount_minor"]), case.money(rest)
            detail = f"{total} was paid by {last['quote_id']}, {left} is left"
            yield case.found("wrong_view", last["quote_id"], rest, "write_off_rest", detail)


def taken_back(evidence: Evidence) -> Iterator[Found]:
    """Payments that the channel has returned, and whose return is not on the books."""
    orders = set()
    for case in evidence.cases:
        for repayment in case.repayments:
            orders.add(repayment["out_trade_no"])
            for finding in _returned(
                evidence, repayment["channel"], repayment["out_trade_no"], repayment["id"], case.id
            ):
                returns = (entry for entry in case.journal if entry["kind"] == "payment_return")
                if not any(entry["ref"].endswith(repayment["id"]) for entry in returns):
                    yield finding
    for receipt in evidence.receipts:
        if receipt["state"] != TradeState.RETURNED and receipt["out_trade_no"] not in orders:
            yield from _returned(
                evidence, receipt["channel"], receipt["out_trade_no"], receipt["id"], receipt["loan_id"]
            )


def _returned(evidence: Evidence, channel: str, out_trade_no: str, id: str, loan_id: str | None) -> Iterator[Found]:
    trade = evidence.trade(channel, out_trade_no)
    if trade is None or trade["state"] != TradeState.RETURNED:
        return
    if evidence.now - datetime.fromisoformat(trade["returned_at"]) > CALLBACK_WITHIN:
        amount_minor, currency = trade["amount_minor"], trade["currency"]
        detail = f"{channel} took back {format_minor(amount_minor, currency)} at {trade['returned_at']}"
        yield Found("missing_in_channel", id, loan_id, amount_minor, "query", detail, currency=currency)


def stuck_payouts(evidence: Evidence) -> Iterator[Found]:
    """Payouts that were ordered longer ago than any channel takes."""
    for case in evidence.cases:
        for payout in case.payouts:
            age = evidence.now - datetime.fromisoformat(payout["created_at"])
            if payout["state"] == PayoutState.ORDERED and age > SLOWEST:
                detail = f"a {payout['purpose']} through {payout['channel']}, ordered at {payout['created_at']}"
                yield case.found("missing_in_channel", payout["id"], payout["amount_minor"], "escalate", detail)


def debited_twice(evidence: Evidence) -> Iterator[Found]:
    """Debits of the same amount, ordered twice at the same time."""
    for case in evidence.cases:
        debits: dict[tuple[str, int], list[str]] = {}
        for repayment in case.repayments:
            if repayment["channel"] == "auto_debit" and repayment["status"] != RepaymentStatus.REVERSED:
                debits.setdefault((repayment["created_at"], repayment["amount_minor"]), []).append(repayment["id"])
        for (at, amount_minor), ids in debits.items():
            if len(ids) > 1:
                detail = f"{case.money(amount_minor)} was debited {len(ids)} times at {at}"
                yield case.found("duplicate_in_channel", max(ids), amount_minor, "reverse", detail)


def ordered_twice(evidence: Evidence) -> Iterator[Found]:
    """Requests with one idempotency key and two orders: the key was forgotten between them."""
    for case in evidence.cases:
        orders: dict[str, list[str]] = {}
        amounts = {repayment["id"]: repayment["amount_minor"] for repayment in case.repayments}
        for repayment in case.repayments:
            if repayment["idempotency_key"] is not None and repayment["status"] != RepaymentStatus.REVERSED:
                orders.setdefault(repayment["idempotency_key"], []).append(repayment["id"])
        for key, ids in orders.items():
            if len(ids) > 1:
                detail = f"{' and '.join(sorted(ids))} are one request, {key}"
                yield case.found("duplicate_in_channel", max(ids), amounts[max(ids)], "reverse", detail)


def _on_its_way(log: Doc) -> bool:
    return not log["attempts"] and log["next_attempt_at"] is not None
