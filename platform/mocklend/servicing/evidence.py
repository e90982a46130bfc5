"""Evidence: payments that a borrower claims, compared with the channel's trades and the books. It can be repeated.

piece ──▶ the channel's trade ──▶ the platform's order or receipt ──▶ the loan that it is on
          matches_channel         on_books                           loan_id
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mocklend.channels.payments import NOBODYS
from mocklend.domain.statuses import ReceiptState, RepaymentStatus, TradeState
from mocklend.sandboxes.timestamps import parse_rfc3339, rfc3339
from mocklend.storage.entities import Receipt, Repayment, Trade
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.values import FindingDoc, PieceDoc
from mocklend.storage.work import Loaded, Work

CHANNEL_RECORD: Loaded[list[str]] = Loaded("channel_record")
"""By query, as JSON: the order numbers of the channel's matching trades."""

NEAR_MS = 86_400_000
"""Milliseconds. A slip often has only the day, so a payment within a day of the claimed time counts as the same."""
UNKNOWN = "UNKNOWN"
"""The channel has the money, and the platform has no entry of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence. `channel_trade_no` is the channel's number or the order's, or None."""

    kind: str
    channel: str
    channel_trade_no: str | None
    amount_minor: int
    paid_ms: int
    note: str | None

    def to_json(self) -> PieceDoc:
        """The form in which a dispute stores it."""
        return {
            "kind": self.kind,
            "channel": self.channel,
            "channel_trade_no": self.channel_trade_no,
            "amount_minor": self.amount_minor,
            "paid_at": rfc3339(self.paid_ms),
            "note": self.note,
        }

    @classmethod
    def from_json(cls, stored: PieceDoc) -> Piece:
        """From the form in which a dispute stores it."""
        return cls(
            kind=stored["kind"],
            channel=stored["channel"],
            channel_trade_no=stored["channel_trade_no"],
            amount_minor=stored["amount_minor"],
            paid_ms=parse_rfc3339(stored["paid_at"]),
            note=stored["note"],
        )


_BY_NUMBER = """SELECT id FROM trades WHERE sandbox_id = :sandbox_id AND channel = :channel
    AND (channel_trade_no = :number OR id = :number) ORDER BY id"""
_BY_AMOUNT = """SELECT id FROM trades WHERE sandbox_id = :sandbox_id AND channel = :channel
    AND amount_minor = :amount_minor AND paid_ms >= :from_ms AND paid_ms <= :to_ms AND loan_id IN (:loan_id, '')
    ORDER BY id"""


def load_channel_record(reader: SandboxReader, keys: Sequence[str]) -> Mapping[str, list[str]]:
    """By query: the order numbers of matching trades, found by number, or else by amount and time."""
    order_numbers: dict[str, list[str]] = {}
    for key in keys:
        query = json.loads(key)
        order_numbers[key] = reader.ids(_BY_NUMBER if "number" in query else _BY_AMOUNT, **query)
    return order_numbers


def verify(work: Work, loan_id: str, evidence: Sequence[Piece]) -> list[FindingDoc]:
    """One finding per piece of evidence."""
    return [_finding(work, loan_id, n, piece) for n, piece in enumerate(evidence, 1)]


def _finding(work: Work, loan_id: str, n: int, piece: Piece) -> FindingDoc:
    trade = _trade(work, loan_id, piece)
    if trade is None:
        return _finding_doc(n, None, [], UNKNOWN, None, f"{piece.channel} has no such payment")
    differs = compare(piece, trade)
    booked, on = _booked(work, trade)
    summary = f"{piece.channel} has {trade.id} as {trade.state}"
    return _finding_doc(
        n, trade, differs, booked, on, summary + (f"; differs: {', '.join(differs)}" if differs else "")
    )


def _finding_doc(
    n: int, trade: Trade | None, differs: list[str], booked: str, on: str | None, detail: str
) -> FindingDoc:
    return {
        "n": n,
        "matches_channel": trade is not None and not differs,
        "on_books": on is not None,
        "loan_id": on,
        "out_trade_no": trade.id if trade else None,
        "booked": booked,
        "differs": differs,
        "detail": detail,
    }


def _trade(work: Work, loan_id: str, piece: Piece) -> Trade | None:
    """The channel's trade. Without a number it must be the only match, among those of this loan and of no loan."""
    query: dict[str, str | int] = {"channel": piece.channel}
    if piece.channel_trade_no is not None:
        query["number"] = piece.channel_trade_no
    else:
        period = {"from_ms": piece.paid_ms - NEAR_MS, "to_ms": piece.paid_ms + NEAR_MS}
        query |= {"amount_minor": piece.amount_minor, "loan_id": loan_id, **period}
    matches = [work.get(Trade, id) for id in work.load(CHANNEL_RECORD, json.dumps(query))]
    own = [trade for trade in matches if trade.loan_id == loan_id]
    if piece.channel_trade_no is None and own:
        # Of several payments of one amount, the disputed one is one that the books lack.
        return min(own, key=lambda trade: (_booked(work, trade)[1] is not None, trade.paid_ms or 0, trade.id))
    return matches[0] if len(matches) == 1 else None


def compare(piece: Piece, trade: Trade) -> list[str]:
    """The names of the fields in which the channel's trade differs from the evidence."""
    differs = []
    if trade.state != TradeState.SUCCESS:
        differs.append("state")
    if trade.amount_minor != piece.amount_minor:
        differs.append("amount_minor")
    if trade.paid_ms is not None and abs(trade.paid_ms - piece.paid_ms) > NEAR_MS:
        differs.append("paid_at")
    return differs


def _booked(work: Work, trade: Trade) -> tuple[str, str | None]:
    """The platform's status of a trade, and the loan on whose books it is, or None."""
    if trade.repayment_id.startswith("rct_"):
        receipt = work.find(Receipt, trade.repayment_id)
        if receipt is None:
            return UNKNOWN, None
        return receipt.state, receipt.loan_id if receipt.state == ReceiptState.APPLIED else None
    order = work.get(Repayment, trade.repayment_id)
    return order.status, order.loan_id if order.status == RepaymentStatus.SUCCEEDED else None


__all__ = ["NOBODYS", "UNKNOWN", "Piece", "compare", "verify"]
