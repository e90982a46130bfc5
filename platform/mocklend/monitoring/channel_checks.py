"""Channel against books, row by row: the reconciliation job. Each query returns only the rows that differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mocklend.domain.facts import business_date
from mocklend.domain.money import format_minor
from mocklend.domain.sentences import sentence
from mocklend.language import message
from mocklend.lending.books import state_of
from mocklend.monitoring.seen import ALL, BOOKS_BOUND_MS, MATCHING_WINDOW_MS, SandboxCheck, Scope, Seen
from mocklend.monitoring.sentences import MISSING
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Loan
from mocklend.storage.snapshot import Snapshot

NOT_IN_BOOKS = message("{channel} was paid {amount} at {paid_at}, no book has it")
NOT_AT_CHANNEL = message("the books have {amount} of {channel}, which has no such money")
OTHERWISE = message("{channel} was paid {paid}, the books have {booked}")
UNAPPLIED = message("{amount} through {channel} is unapplied; payer: {payer}; reference: {reference}")
TRADE_TWICE = message("{channel}'s trade {number} is booked {times} times, first as {first}")
ORDER_TWICE = message("{channel} was paid {amount} once for {order}, the books have that receipt and this")
TAKEN_BACK = message("{channel} has {amount}, and the books took it back")
PAID_TWICE = message("{amount} came a second time on {date}, and {too_much} is too much")


class _Money(NamedTuple):
    """A payment: its repayment or receipt, its loan, and when it was paid or recorded."""

    id: str
    loan_id: str
    channel: str
    currency: str
    amount_minor: int
    at_ms: int


_UNBOOKED = """SELECT t.repayment_id, t.loan_id, t.channel, t.currency, t.amount_minor, t.paid_ms FROM trades t
    WHERE t.sandbox_id = :sandbox_id AND t.state = 'SUCCESS' AND t.paid_ms <= :before_ms AND {trades}
      AND NOT EXISTS (SELECT 1 FROM book_facts f WHERE f.sandbox_id = t.sandbox_id AND f.id = t.repayment_id)
      AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.sandbox_id = t.sandbox_id AND r.id = t.repayment_id)"""


def channel_money_not_in_books(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """A channel has had money for more than an hour that is not on the books."""
    before_ms = snapshot.now_ms - BOOKS_BOUND_MS
    rows = scope.rows(snapshot, _Money, _UNBOOKED, {"trades": "t.id"}, before_ms=before_ms)
    for id, loan_id, channel, currency, amount, paid_ms in rows:
        yield Seen(
            "channel_money_not_in_books", "missing_in_books", id, loan_id or None, amount,
            paid_ms, paid_ms + BOOKS_BOUND_MS,
            sentence(
                NOT_IN_BOOKS, channel=channel, amount=format_minor(amount, currency), paid_at=rfc3339(paid_ms)
            ),
            channel, currency, amount,
        )  # fmt: skip


# The id of a rebooked receipt has its booking number after 24 characters. A reversal may be reversed.
_UNPAID = """SELECT substr(f.id, 1, 24), f.loan_id, f.channel, l.currency, f.amount_minor, f.recorded_ms
    FROM book_facts f
    JOIN loans l ON l.sandbox_id = f.sandbox_id AND l.id = f.loan_id
    WHERE f.sandbox_id = :sandbox_id AND f.kind = 'receipt' AND f.recorded_ms <= :before_ms AND {loans}
      AND substr(f.id, 1, 24) NOT IN
        (SELECT repayment_id FROM trades WHERE sandbox_id = :sandbox_id AND state = 'SUCCESS')
      AND NOT EXISTS (SELECT 1 FROM book_facts u
        WHERE u.sandbox_id = f.sandbox_id AND u.loan_id = f.loan_id
          AND u.reverses IN (f.id, substr(f.id, 1, 24))
          AND NOT EXISTS (SELECT 1 FROM book_facts v
            WHERE v.sandbox_id = u.sandbox_id AND v.loan_id = u.loan_id AND v.reverses = u.id))"""


def booked_money_not_at_channel(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """The books have had a receipt for more than an hour that its channel does not confirm."""
    before_ms = snapshot.now_ms - BOOKS_BOUND_MS
    rows = scope.rows(snapshot, _Money, _UNPAID, {"loans": "f.loan_id"}, before_ms=before_ms)
    for id, loan_id, channel, currency, amount, recorded_ms in rows:
        yield Seen(
            "booked_money_not_at_channel", "missing_in_channel", id, loan_id, amount,
            recorded_ms, recorded_ms + BOOKS_BOUND_MS,
            sentence(NOT_AT_CHANNEL, amount=format_minor(amount, currency), channel=channel),
            channel, currency, -amount,
        )  # fmt: skip


_OTHERWISE = """SELECT t.repayment_id, f.loan_id, t.channel, t.currency, t.amount_minor, f.amount_minor, f.recorded_ms
    FROM trades t JOIN book_facts f ON f.sandbox_id = t.sandbox_id AND f.id = t.repayment_id
    WHERE t.sandbox_id = :sandbox_id AND t.state = 'SUCCESS' AND f.amount_minor <> t.amount_minor AND {trades}"""


class _Otherwise(NamedTuple):
    id: str
    loan_id: str
    channel: str
    currency: str
    paid_minor: int
    booked_minor: int
    recorded_ms: int


def booked_otherwise_than_paid(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """A payment has one amount at the channel and another on the books."""
    rows = scope.rows(snapshot, _Otherwise, _OTHERWISE, {"trades": "t.id"})
    for id, loan_id, channel, currency, paid, booked, ms in rows:
        paid_text, booked_text = format_minor(paid, currency), format_minor(booked, currency)
        yield Seen(
            "booked_otherwise_than_paid", "amount_mismatch", id, loan_id, abs(paid - booked),
            ms, ms, sentence(OTHERWISE, channel=channel, paid=paid_text, booked=booked_text),
            channel, currency, paid - booked,
        )  # fmt: skip


_UNAPPLIED = """SELECT id, channel, currency, amount_minor, payer_name, payer_reference, received_ms FROM receipts
    WHERE sandbox_id = :sandbox_id AND state = 'UNAPPLIED' AND received_ms <= :before_ms AND {receipts}"""


class _Unapplied(NamedTuple):
    id: str
    channel: str
    currency: str
    amount_minor: int
    payer_name: str | None
    payer_reference: str | None
    received_ms: int


def unapplied(amount_minor: int, currency: str, channel: str, payer: str | None, typed: str | None) -> str:
    """Say of a receipt in English that it has no loan, who paid it, and what was typed."""
    return UNAPPLIED.format(
        amount=format_minor(amount_minor, currency),
        channel=channel,
        payer=payer or MISSING["payer"],
        reference=typed or MISSING["reference"],
    )


def unapplied_beyond_matching_window(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """A receipt has been unapplied for more than a day."""
    before_ms = snapshot.now_ms - MATCHING_WINDOW_MS
    rows = scope.rows(snapshot, _Unapplied, _UNAPPLIED, {"receipts": "id"}, before_ms=before_ms)
    for id, channel, currency, amount, payer, typed, since_ms in rows:
        yield Seen(
            "unapplied_beyond_matching_window", "unidentified", id, None, amount,
            since_ms, since_ms + MATCHING_WINDOW_MS,
            sentence(
                UNAPPLIED, amount=format_minor(amount, currency), channel=channel, payer=payer or "",
                reference=typed or "",
            ),
            channel, currency, amount,
        )  # fmt: skip


_NUMBERS = """SELECT channel, channel_trade_no, COUNT(*), MIN(id), MAX(id), MAX(amount_minor), MAX(currency),
        MAX(loan_id), MAX(applied_ms) FROM (
    SELECT channel, channel_trade_no, id, amount_minor, currency, loan_id, applied_ms FROM repayments
    WHERE sandbox_id = :sandbox_id AND status IN ('S', 'PARTIAL') AND channel_trade_no IS NOT NULL AND {loans}
    UNION ALL SELECT channel, channel_trade_no, id, amount_minor, currency, loan_id, received_ms FROM receipts
    WHERE sandbox_id = :sandbox_id AND {receipts}) AS known
    GROUP BY channel, channel_trade_no HAVING COUNT(*) > 1"""


class _Number(NamedTuple):
    channel: str
    channel_trade_no: str
    times: int
    first_id: str
    last_id: str
    amount_minor: int
    currency: str
    loan_id: str | None
    applied_ms: int


def one_trade_booked_twice(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """Two receipts on the books have the same trade number of the channel."""
    rows = scope.rows(snapshot, _Number, _NUMBERS, {"loans": "loan_id", "receipts": "id"})
    for channel, number, times, first, last, amount, currency, loan_id, ms in rows:
        yield Seen(
            "one_trade_booked_twice", "duplicate_in_books", last, loan_id, amount * (times - 1),
            ms, ms, sentence(TRADE_TWICE, channel=channel, number=number, times=times, first=first), channel, currency,
        )  # fmt: skip


# The channel has one payment per order. A push payment has no order: its receipt is the trade's own.
_BESIDE = """SELECT r.id, r.loan_id, r.channel, r.currency, r.amount_minor, r.applied_ms, t.repayment_id FROM receipts r
    JOIN trades t ON t.sandbox_id = r.sandbox_id AND t.id = r.out_trade_no
    WHERE r.sandbox_id = :sandbox_id AND r.state = 'APPLIED' AND t.repayment_id <> r.id AND {receipts}"""


class _Beside(NamedTuple):
    id: str
    loan_id: str
    channel: str
    currency: str
    amount_minor: int
    applied_ms: int
    repayment_id: str


def one_order_booked_twice(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """The books have a second receipt for an order, with another number."""
    rows = scope.rows(snapshot, _Beside, _BESIDE, {"receipts": "r.id"})
    for id, loan_id, channel, currency, amount, ms, order in rows:
        paid = format_minor(amount, currency)
        yield Seen(
            "one_order_booked_twice", "duplicate_in_books", id, loan_id, amount,
            ms, ms,
            sentence(ORDER_TWICE, channel=channel, amount=paid, order=order),
            channel, currency, -amount,
        )  # fmt: skip


_CLOSED = """SELECT t.repayment_id, t.loan_id, t.channel, t.currency, t.amount_minor, u.recorded_ms FROM trades t
    JOIN repayments p ON p.sandbox_id = t.sandbox_id AND p.id = t.repayment_id AND p.status = 'F'
    JOIN book_facts u ON u.sandbox_id = t.sandbox_id AND u.loan_id = t.loan_id AND u.reverses = t.repayment_id
    WHERE t.sandbox_id = :sandbox_id AND t.state = 'SUCCESS' AND {trades}"""


def paid_order_taken_for_closed(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """The books have reversed an order's receipt as if it had been closed, but its channel was paid."""
    rows = scope.rows(snapshot, _Money, _CLOSED, {"trades": "t.id"})
    for id, loan_id, channel, currency, amount, ms in rows:
        yield Seen(
            "paid_order_taken_for_closed", "missing_in_books", id, loan_id, amount,
            ms, ms, sentence(TAKEN_BACK, channel=channel, amount=format_minor(amount, currency)),
            channel, currency, amount,
        )  # fmt: skip


_ALIKE = """SELECT t.loan_id, t.repayment_id, t.channel, t.currency, t.amount_minor, t.paid_ms FROM trades t
    JOIN (SELECT loan_id, amount_minor FROM trades
        WHERE sandbox_id = :sandbox_id AND state = 'SUCCESS' AND loan_id <> '' AND {trades}
        GROUP BY loan_id, amount_minor HAVING COUNT(*) > 1) d
      ON d.loan_id = t.loan_id AND d.amount_minor = t.amount_minor
    WHERE t.sandbox_id = :sandbox_id AND t.state = 'SUCCESS' ORDER BY t.loan_id, t.amount_minor, t.paid_ms, t.id"""


class _Alike(NamedTuple):
    loan_id: str
    id: str
    channel: str
    currency: str
    amount_minor: int
    paid_ms: int


def paid_twice(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """An amount was paid twice in a day on a loan that is now overpaid: perhaps by the borrower and by a debit."""
    previous: tuple[object, ...] = ()
    rows = scope.rows(snapshot, _Alike, _ALIKE, {"trades": "id"})
    for loan_id, id, channel, currency, amount, paid_ms in rows:
        key = (loan_id, amount, business_date(paid_ms, snapshot.sandbox.zone))
        if key == previous:
            loan = snapshot.find(Loan, loan_id)
            overpaid = state_of(loan).overpaid_minor if loan is not None else 0
            if overpaid:
                yield Seen(
                    "paid_twice", None, id, loan_id, min(amount, overpaid),
                    paid_ms, paid_ms,
                    sentence(
                        PAID_TWICE, amount=format_minor(amount, currency), date=key[2],
                        too_much=format_minor(overpaid, currency),
                    ),
                    channel, currency,
                )  # fmt: skip
        previous = key


CHANNEL_CHECKS: dict[str, SandboxCheck] = {
    check.__name__: check
    for check in (
        channel_money_not_in_books, booked_money_not_at_channel, booked_otherwise_than_paid,
        unapplied_beyond_matching_window, one_trade_booked_twice, one_order_booked_twice, paid_order_taken_for_closed,
        paid_twice,
    )
}  # fmt: skip
"""The checks by name."""
