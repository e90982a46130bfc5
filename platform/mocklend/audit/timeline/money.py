"""What client, channels and books did: orders, payments, trades, callbacks, payouts and the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby

from mocklend.audit.chain.docs import Param
from mocklend.audit.chain.subject import Subject
from mocklend.audit.timeline.docs import Code, Kind, Party
from mocklend.audit.timeline.event import Event, Place, lines
from mocklend.domain.facts import business_date
from mocklend.domain.replay import replay
from mocklend.domain.statuses import DeliveryState, TradeState
from mocklend.ledger.journal import Posted
from mocklend.sandboxes.ids import callback_of, return_of
from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.storage.entities import Callback, Trade, Webhook

ACCRUALS = ("accrual", "accrual_reversal")


def client_events(subject: Subject) -> Iterator[Event]:
    """What the borrower, or the client for her, asked for."""
    loan = subject.loan
    yield Event(
        loan.created_ms, Place.BORROWING, Party.CLIENT, Kind.REQUESTS, Code.BORROWED, loan.id, loan.principal_minor,
        {
            "borrower": subject.borrower.name,
            "amount_minor": loan.principal_minor,
            "instalments": subject.terms.product.terms,
        },
    )  # fmt: skip
    for order in subject.orders:
        code = Code.REPAYMENT_ORDERED if order.debit_ms is None else Code.DEBIT_ORDERED
        party, kind = (Party.CLIENT, Kind.REQUESTS) if order.debit_ms is None else (Party.BOOKS, Kind.MESSAGES)
        yield Event(
            order.created_ms, Place.ORDERING, party, kind, code, order.id, order.amount_minor,
            {"amount_minor": order.amount_minor, "channel": order.channel, "type": order.type},
        )  # fmt: skip
    for trade in subject.trades:
        if trade.payer_name is not None and trade.repayment_id.startswith("rct_"):
            yield Event(
                trade.created_ms, Place.ORDERING, Party.CLIENT, Kind.REQUESTS, Code.PAID_AT_CHANNEL, trade.id,
                trade.amount_minor,
                {
                    "amount_minor": trade.amount_minor,
                    "channel": trade.channel,
                    "reference": trade.payer_reference or "",
                },
            )  # fmt: skip


def channel_events(subject: Subject) -> Iterator[Event]:
    """What the channels did: trades, callbacks with each attempt, payouts; and what of that is still due."""
    moneys = [trade.repayment_id for trade in subject.trades]
    callbacks = subject.snapshot.by_id(Callback, [callback_of(id) for fact in moneys for id in (fact, return_of(fact))])
    for trade in subject.trades:
        yield from _trade(trade)
        for id in (trade.repayment_id, return_of(trade.repayment_id)):
            callback = callbacks.get(callback_of(id))
            if callback is not None:
                yield from _callback(callback, trade)
    for payout in subject.payouts:
        params: dict[str, Param] = {
            "amount_minor": payout.amount_minor,
            "channel": payout.channel,
            "purpose": payout.purpose,
        }
        yield Event(
            payout.created_ms, Place.POSTING, Party.BOOKS, Kind.MESSAGES, Code.PAYOUT_ORDERED, payout.id,
            payout.amount_minor, params,
        )  # fmt: skip
        if payout.paid_ms is not None:
            yield Event(
                payout.paid_ms, Place.SETTLING, Party.CHANNEL, Kind.MESSAGES, Code.PAYOUT_PAID, payout.id,
                payout.amount_minor, params,
            )  # fmt: skip
    for file in subject.files:
        if file.ready_ms <= subject.snapshot.now_ms:
            yield Event(
                file.ready_ms, Place.SETTLING, Party.CHANNEL, Kind.MESSAGES, Code.STATEMENT_READY, file.id, None,
                {"channel": file.channel, "day": file.day},
            )  # fmt: skip


def _trade(trade: Trade) -> Iterator[Event]:
    params: dict[str, Param] = {
        "amount_minor": trade.amount_minor, "channel": trade.channel, "channel_trade_no": trade.channel_trade_no,
    }  # fmt: skip
    happened: list[tuple[int | None, Code]] = [(trade.paid_ms, Code.TRADE_PAID)]
    if trade.state == TradeState.CREATED:
        happened = [(trade.due_ms, Code.TRADE_DUE)]
    happened.append((trade.returned_ms, Code.TRADE_RETURNED))
    for at_ms, code in happened:
        if at_ms is not None:
            yield Event(
                at_ms, Place.SETTLING, Party.CHANNEL, Kind.MESSAGES, code, trade.id, trade.amount_minor, params
            )  # fmt: skip


def _callback(callback: Callback, trade: Trade) -> Iterator[Event]:
    channel = callback.channel
    for attempt in callback.log:
        yield Event(
            parse_rfc3339(attempt.at), Place.CALLING, Party.CHANNEL, Kind.MESSAGES, Code.CALLBACK_TRIED, callback.id,
            None, {"channel": channel, "attempt": attempt.n, "outcome": attempt.outcome, "out_trade_no": trade.id},
            about=f".{attempt.n}",
        )  # fmt: skip
    if callback.due_ms is not None and callback.state in (DeliveryState.QUEUED, DeliveryState.RETRY):
        yield Event(
            callback.due_ms, Place.CALLING, Party.CHANNEL, Kind.MESSAGES, Code.CALLBACK_DUE, callback.id, None,
            {"channel": channel, "attempt": callback.attempts + 1, "out_trade_no": trade.id},
        )  # fmt: skip


def books_events(subject: Subject) -> Iterator[Event]:
    """What the books did: postings with their lines, end of day, money that came without a loan, and webhooks."""
    for message in subject.webhooks:
        yield from _webhook(message)
    for receipt in subject.receipts:
        if receipt.landed:
            yield Event(
                receipt.received_ms, Place.LANDING, Party.BOOKS, Kind.POSTINGS, Code.LANDED, receipt.id,
                receipt.amount_minor, {"amount_minor": receipt.amount_minor, "channel": receipt.channel},
                lines([(f"1002:{receipt.channel}", "2102", receipt.amount_minor)]),
            )  # fmt: skip
    for recorded_ms, posted in groupby(subject.audited.books.journal, key=lambda posted: posted.recorded_ms):
        yield from _posted(subject, recorded_ms, list(posted))


def _webhook(message: Webhook) -> Iterator[Event]:
    for attempt in message.log:
        yield Event(
            parse_rfc3339(attempt.at), Place.TELLING, Party.BOOKS, Kind.MESSAGES, Code.WEBHOOK_TRIED, message.id, None,
            {"event": message.event, "attempt": attempt.n, "outcome": attempt.outcome, "status": attempt.status},
            about=f".{attempt.n}",
        )  # fmt: skip
    if message.due_ms is not None:
        yield Event(
            message.due_ms, Place.TELLING, Party.BOOKS, Kind.MESSAGES, Code.WEBHOOK_DUE, message.id, None,
            {"event": message.event, "attempt": message.attempts + 1},
        )  # fmt: skip


def _posted(subject: Subject, recorded_ms: int, journal: Sequence[Posted]) -> Iterator[Event]:
    """The postings of one moment, those of one cause together; interest goes with the first cause beside it."""
    groups: dict[tuple[str, str], list[Posted]] = {}
    accruals: list[Posted] = []
    for posted in journal:
        movement = posted.movement
        if movement.kind in ACCRUALS:
            accruals.append(posted)
        else:
            groups.setdefault((movement.kind, movement.ref), []).append(posted)
    if not groups and accruals:
        yield _end_of_day(subject, recorded_ms, accruals)
        return
    for (kind, ref), of_cause in groups.items():
        together = [*accruals, *of_cause]
        accruals = []
        moved = _lines_of(of_cause)
        yield Event(
            recorded_ms, Place.POSTING, Party.BOOKS, Kind.POSTINGS, Code.POSTED, ref, sum(line[2] for line in moved),
            {"posting": kind.replace("_", " ")}, lines(_lines_of(together)), about=f".{of_cause[0].seq}",
        )  # fmt: skip


def _end_of_day(subject: Subject, recorded_ms: int, accruals: Sequence[Posted]) -> Event:
    zone = subject.snapshot.sandbox.zone
    day = business_date(recorded_ms, zone)
    state = replay(subject.terms, [fact for fact in subject.books if fact.at_ms <= recorded_ms], max(day, date.min))
    moved = _lines_of(accruals)
    accrued = sum(line[2] for line in moved)
    return Event(
        recorded_ms, Place.POSTING, Party.BOOKS, Kind.POSTINGS, Code.END_OF_DAY, None, state.overdue_minor,
        {
            "status": state.status.value,
            "overdue_minor": state.overdue_minor,
            "outstanding_minor": state.outstanding_minor,
            "accrued_minor": accrued,
        },
        lines(moved), about=f".{accruals[0].seq}",
    )  # fmt: skip


def _lines_of(journal: Iterable[Posted]) -> list[tuple[str, str, int]]:
    return [line for posted in journal for line in posted.movement.postings]
