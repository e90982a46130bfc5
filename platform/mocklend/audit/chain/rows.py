"""The rows of the chain before they are marked: world, channel, payouts, console, books, and what a client is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from mocklend.audit.chain.docs import DifferenceDoc, View
from mocklend.audit.chain.subject import EACH_MAX, Subject
from mocklend.audit.money import live_facts
from mocklend.channels.statements.files import is_damaged
from mocklend.domain.facts import standing
from mocklend.domain.finding import Discrepancy
from mocklend.domain.problems import Refused
from mocklend.domain.replay import LoanState, load
from mocklend.domain.statuses import DeliveryState, EditState, PayoutState, QuoteType, RepaymentStatus, TradeState
from mocklend.language import message
from mocklend.lending.books import state_of
from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.storage.entities import PAYOFF, Quote, Receipt, Repayment, StatementFile, Trade, Webhook
from mocklend.storage.values import EndpointDoc
from mocklend.views import reads
from mocklend.views.render import conflicting_override, read_page

RECEIPT, EDIT, REVERSAL, DISPUTE = "receipt", "edit", "reversal", "dispute"
"""What a row of the operator console is about."""


@dataclass(slots=True, eq=False)
class Row:
    """A view of the loan: what it says, and how that differs from the world. Amounts in minor units, times in ms.

    `pending` says what of it is merely on its way, since `pending_ms`; `own` are the discrepancies that begin here;
    `also` are further views that it is made from, beside `source`.
    """

    view: View
    id: str | None = None
    about: str | None = None
    source: View | None = None
    status: str | None = None
    status_before: str | None = None
    outstanding_minor: int | None = None
    overdue_minor: int | None = None
    paid_minor: int | None = None
    version: int | None = None
    as_of_ms: int | None = None
    request: str | None = None
    differs: list[DifferenceDoc] = field(default_factory=list)
    pending: str | None = None
    pending_ms: int | None = None
    own: list[Discrepancy] = field(default_factory=list)
    also: tuple[View, ...] = ()

    def differ(self, name: str, here: int | str | None, world: int | str | None) -> None:
        """Note a field that is not as in the world."""
        if here != world:
            self.differs.append(DifferenceDoc(field=name, here=here, world=world))

    def compare(self, truth: LoanState) -> Row:
        """Compare status and amounts with the true state."""
        self.differ("status", self.status, truth.status.value)
        self.differ("outstanding_minor", self.outstanding_minor, truth.outstanding_minor)
        self.differ("overdue_minor", self.overdue_minor, truth.overdue_minor)
        self.differ("paid_minor", self.paid_minor, truth.paid_minor)
        return self


def rows_above(subject: Subject) -> Iterator[Row]:
    """The rows from the world down to the books."""
    truth, now_ms = subject.truth, subject.snapshot.now_ms
    yield _of_state(View.WORLD, None, truth, as_of_ms=subject.truth_ms)
    in_world = {fact.id: fact.amount_minor for fact in subject.world}
    for trade in subject.trades[-EACH_MAX:]:
        yield trade_row(trade, in_world)
    for payout in subject.payouts[-EACH_MAX:]:
        row = Row(
            View.PAYOUT, payout.id, payout.channel, View.WORLD, payout.state,
            as_of_ms=payout.paid_ms or payout.created_ms, request=f"GET /operator/loans/{subject.loan.id}/payouts",
        )  # fmt: skip
        if payout.state == PayoutState.ORDERED and payout.due_ms is not None:
            row.pending, row.pending_ms = f"{payout.channel} has not paid it out yet", payout.created_ms
        yield row
    yield from _console(subject)
    loan = subject.loan
    books = _of_state(View.BOOKS, View.CONSOLE, state_of(loan), version=loan.version, as_of_ms=now_ms)
    books.request = f"GET /operator/loans/{loan.id}"
    if subject.in_transit:
        on_its_way = [item for item in subject.in_transit if not item.entity.startswith("bcr_")]
        if on_its_way:
            books.pending, books.pending_ms = on_its_way[0].detail, on_its_way[0].since_ms
    yield books.compare(truth)


def _of_state(view: View, source: View | None, state: LoanState, *, as_of_ms: int, version: int | None = None) -> Row:
    return Row(
        view, None, None, source, state.status.value, None, state.outstanding_minor, state.overdue_minor,
        state.paid_minor, version, as_of_ms,
    )  # fmt: skip


def trade_row(trade: Trade, in_world: dict[str, int]) -> Row:
    """A trade as its channel has it; `in_world` has the loan's facts in the world, by id, with their amounts."""
    row = Row(
        View.CHANNEL, trade.id, trade.channel, View.WORLD, trade.state, as_of_ms=trade.paid_ms or trade.created_ms,
        request=f"GET /channels/{trade.channel}/trades/{trade.id}",
    )  # fmt: skip
    match trade.state:
        case TradeState.SUCCESS:
            row.paid_minor = trade.amount_minor
            if trade.repayment_id in in_world or not trade.repayment_id.startswith("rct_"):
                row.differ("paid_minor", trade.amount_minor, in_world.get(trade.repayment_id))
        case TradeState.RETURNED:
            row.paid_minor, row.as_of_ms = 0, trade.returned_ms
        case TradeState.CREATED:
            row.pending, row.pending_ms = f"{trade.channel} has not settled it yet", trade.created_ms
    return row


def receipt_row(receipt: Receipt) -> Row:
    """A receipt as operators see it."""
    return Row(
        View.CONSOLE, receipt.id, RECEIPT, View.CHANNEL, receipt.state, paid_minor=receipt.amount_minor,
        as_of_ms=receipt.applied_ms or receipt.received_ms, request="GET /operator/receipts",
    )  # fmt: skip


def _console(subject: Subject) -> Iterator[Row]:
    """What operators see beside the books: receipts, edits and disputes, each kind oldest first."""
    loan_id = subject.loan.id
    for receipt in subject.receipts[-EACH_MAX:]:
        yield receipt_row(receipt)
    for edit in subject.edits[-EACH_MAX:]:
        row = Row(
            View.CONSOLE, edit.id, EDIT, View.WORLD, edit.state, as_of_ms=edit.applied_ms or edit.created_ms,
            request=f"GET /operator/loans/{loan_id}/edits",
        )  # fmt: skip
        if edit.state == EditState.DRAFT:
            row.pending, row.pending_ms = NOT_DECIDED, edit.created_ms
        yield row
    for dispute in subject.disputes[-EACH_MAX:]:
        yield Row(
            View.CONSOLE, dispute.id, DISPUTE, View.WORLD, dispute.state,
            as_of_ms=parse_rfc3339(dispute.progress[-1]["at"]) if dispute.progress else dispute.created_ms,
            request=f"GET /v1/disputes/{dispute.id}",
        )  # fmt: skip


_REQUESTS = {
    View.PAGE: "GET /v1/loans/{id}",
    View.LIST: "GET /v1/loans",
    View.INSTALMENTS: "GET /v1/loans/{id}/instalments",
}


def rows_shown(subject: Subject) -> Iterator[Row]:
    """The rows that a client reads: page, list, instalments, the newest payoff quote, repayments, webhooks."""
    snapshot, loan = subject.snapshot, subject.loan
    for view, name in ((View.PAGE, reads.PAGE), (View.LIST, reads.LIST), (View.INSTALMENTS, reads.INSTALMENTS)):
        try:
            shown = reads.loan_in_view(snapshot, loan.id, name)
        except Refused:  # No version of the loan is in this view.
            nothing = Row(view, source=View.BOOKS, request=_REQUESTS[view].format(id=loan.id))
            nothing.differ("version", None, loan.version)
            yield nothing
            continue
        page = read_page(shown.doc)
        row = Row(
            view, None, None, View.BOOKS, page["status"], None, page["outstanding_minor"], page["overdue_minor"],
            page["paid_minor"], page["version"], parse_rfc3339(page["as_of"]),
            request=_REQUESTS[view].format(id=loan.id),
        )  # fmt: skip
        if view == View.INSTALMENTS:  # It shows no status of its own.
            state = load(subject.terms, shown.state)
            row.status, row.outstanding_minor, row.overdue_minor = None, state.outstanding_minor, state.overdue_minor
            row.paid_minor = state.paid_minor
        row.compare(subject.truth)
        row.differs = [item for item in row.differs if item["here"] is not None]
        row.differ("version", page["version"], loan.version)
        row.also = (View.CONSOLE,) if conflicting_override(loan) is not None else ()
        yield row
    yield from _quotes(subject)
    stayed = live_facts(subject.world).keys() - standing(subject.world).void
    unpaid = {trade.repayment_id for trade in subject.trades if trade.state == TradeState.CREATED}
    for order in subject.orders[-EACH_MAX:]:
        yield repayment_row(order, true=order.id in stayed, unpaid=order.id in unpaid)
    yield from _webhooks(subject)


_PAYOFFS = f"loan_id = :loan_id AND {PAYOFF} AND valid_until_ms >= :now_ms ORDER BY valid_until_ms DESC, id LIMIT 1"


def _quotes(subject: Subject) -> Iterator[Row]:
    now_ms = subject.snapshot.now_ms
    for quote in subject.snapshot.where(Quote, _PAYOFFS, loan_id=subject.loan.id, now_ms=now_ms):
        if quote.version == subject.loan.version:
            yield quote_row(quote)


def quote_row(quote: Quote) -> Row:
    """A quote: what it asks for is what is outstanding on its date."""
    return Row(
        View.QUOTE, quote.id, QuoteType(quote.type).value, View.BOOKS, outstanding_minor=quote.total_minor,
        version=quote.version, as_of_ms=quote.valid_until_ms, request=f"POST /v1/loans/{quote.loan_id}/quotes",
    )  # fmt: skip


def repayment_row(order: Repayment, *, true: bool, unpaid: bool) -> Row:
    """An order. `true`: its money was really paid and stayed; `unpaid`: its channel has not settled it yet."""
    paid = order.status == RepaymentStatus.SUCCEEDED
    row = Row(
        View.REPAYMENT, order.id, order.channel, View.BOOKS, order.status,
        paid_minor=order.amount_minor if paid else None, as_of_ms=order.applied_ms or order.created_ms,
        request=f"GET /v1/repayments/{order.id}",
    )  # fmt: skip
    if unpaid:
        row.pending, row.pending_ms = f"{order.channel} has not settled it yet", order.created_ms
    elif true and not paid:
        row.differ("status", order.status, RepaymentStatus.SUCCEEDED.value)
    elif paid and not true:
        row.differ("status", order.status, RepaymentStatus.REVERSED.value)
    return row


NOT_DECIDED = message("a second person has not decided it yet")
NOT_ACCEPTED = message("its receiver has not accepted it yet")
"""Why a row is on its way, where that names nothing."""
STATUS_EVENTS = frozenset(
    f"loan.{name}"
    for name in ("accepted", "disbursed", "payout_failed", "overdue", "cured", "cleared", "reopened", "written_off")
)
"""The events of a loan's status. Who is not told all of them cannot know it from its messages."""


def _webhooks(subject: Subject) -> Iterator[Row]:
    """A row for each endpoint that is told each change of the status, and was told one of this loan."""
    for endpoint in subject.snapshot.sandbox.endpoints:
        if "*" in endpoint["events"] or set(endpoint["events"]) >= STATUS_EVENTS:
            told = [message for message in subject.webhooks if _is_about_status(message, endpoint)]
            if told:
                yield _webhook_row(subject, max(told, key=_version))


def _is_about_status(message: Webhook, endpoint: EndpointDoc) -> bool:
    return message.endpoint_id == endpoint["id"] and message.event in STATUS_EVENTS


def _version(message: Webhook) -> int:
    version: int = json.loads(message.body)["data"]["version"]
    return version


def _webhook_row(subject: Subject, webhook: Webhook) -> Row:
    told = json.loads(webhook.body)["data"]
    row = Row(
        View.WEBHOOK, webhook.id, webhook.event, View.BOOKS, told["status"], version=told["version"],
        as_of_ms=webhook.queued_ms, request=f"GET /v1/webhooks?loan_id={subject.loan.id}",
    )  # fmt: skip
    row.differ("status", told["status"], subject.truth.status.value)
    if webhook.state in (DeliveryState.QUEUED, DeliveryState.RETRY):
        row.pending, row.pending_ms = NOT_ACCEPTED, webhook.queued_ms
    return row


READY, LATE, DAMAGED = "READY", "LATE", "DAMAGED"
"""The status of a channel's file."""


def statement_row(file: StatementFile, now_ms: int) -> Row:
    """A channel's file of a day."""
    late = now_ms < file.ready_ms
    status = LATE if late else DAMAGED if is_damaged(file, now_ms) else READY
    return Row(
        View.STATEMENT, file.id, file.channel, View.CHANNEL, status, as_of_ms=file.ready_ms,
        request=f"GET /channels/{file.channel}/statements/{file.day}",
    )  # fmt: skip
