"""What falls due on a sandbox's clock, in order: view versions, settlements, callbacks, due dates, webhooks.

Due times are columns of the rows themselves, each with an index; there is no second list that could disagree with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from mocklend.bureau import ReportAccount
from mocklend.channels.callbacks import AttemptCallback
from mocklend.channels.payment_returns import ReturnWhenDue
from mocklend.channels.payouts import SettlePayout
from mocklend.channels.settlement import SettleTrade
from mocklend.lending import AutoDebit, EndOfDay
from mocklend.sandboxes.ids import callback_of
from mocklend.servicing import FollowDispute
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.work import Command
from mocklend.views.show import ShowVersion


@dataclass(frozen=True, slots=True)
class Due:
    """A thing that is due. `extra` is what its command needs besides the id."""

    due_ms: int
    what: str
    id: str
    loan_id: str
    extra: str


_SOURCES = (
    # At the same time, in this order: reports of the past day, pages, then money before the message about
    # it, then the calendar.
    (0, "bureau", "bureau_accounts", "due_ms", "id", "id", "''"),
    (1, "view", "loan_views", "due_ms", "loan_id", "loan_id", "CAST(version AS TEXT)"),
    (2, "settlement", "trades", "due_ms", "id", "loan_id", "repayment_id"),
    (2, "payment_return", "trades", "return_due_ms", "id", "loan_id", "''"),
    (2, "payout", "payouts", "due_ms", "id", "loan_id", "''"),
    (3, "callback", "callbacks", "due_ms", "id", "loan_id", "repayment_id"),
    (4, "auto_debit", "loans", "debit_ms", "id", "id", "''"),
    (5, "due_date", "loans", "due_ms", "id", "id", "''"),
    (5, "dispute", "disputes", "due_ms", "id", "loan_id", "''"),
    (6, "webhook", "webhooks", "due_ms", "id", "loan_id", "endpoint_id"),
)

_BRANCH = """SELECT * FROM (
    SELECT {at} AS at_ms, {rank} AS rank, '{what}' AS what, {id} AS id, {loan} AS loan_id, {extra} AS extra FROM {table}
    WHERE sandbox_id = :sandbox_id AND {at} <= :until_ms ORDER BY {at}, {id} LIMIT :most) AS {what}_due"""

EVERY = tuple(source[1] for source in _SOURCES)
QUICK = EVERY[:-1]
WEBHOOK = EVERY[-1:]


_AT_ENDPOINT = """SELECT due_ms, id, loan_id, endpoint_id FROM webhooks
    WHERE sandbox_id = :sandbox_id AND endpoint_id = :endpoint_id AND due_ms <= :until_ms
    ORDER BY due_ms, id LIMIT :most"""


def due_webhooks(reader: SandboxReader, endpoints: Iterable[str], until_ms: int, most: int) -> Sequence[Due]:
    """Return the webhooks that are due until a time, in order.

    If there are more than `most`, return `most` per endpoint: one that accepts none does not hide the others'.
    """
    first = due(reader, until_ms, most, only=WEBHOOK)
    if len(first) < most:
        return first
    by_id = {item.id: item for item in first}
    for endpoint_id in endpoints:
        for item in reader.rows(_due_webhook, _AT_ENDPOINT, endpoint_id=endpoint_id, until_ms=until_ms, most=most):
            by_id[item.id] = item
    return sorted(by_id.values(), key=lambda item: (item.due_ms, item.id))


def _due_webhook(due_ms: int, id: str, loan_id: str, endpoint_id: str) -> Due:
    return Due(due_ms, "webhook", id, loan_id, endpoint_id)


PUBLICATION = "publication"
"""The kind of a report that the bureau publishes: nothing runs then, and the reports that others get change."""
CAUSED_BY_FAULTS = ("view", "payment_return", "callback", PUBLICATION)
"""The kinds that are due later than at once, or at all, only where a fault has made them so; or may be."""

_NEXT = """SELECT * FROM (
    SELECT {at} AS at_ms, {rank} AS rank, '{what}' AS what, {id} AS id, {loan} AS loan_id, {extra} AS extra FROM {table}
    WHERE sandbox_id = :sandbox_id AND {at} > {after} ORDER BY {at}, {id} LIMIT 1) AS {what}_next"""
# A day's reports are published at one moment, thousands together: none is named.
_NEXT_PUBLICATION = f"""SELECT * FROM (
    SELECT published_ms AS at_ms, 7 AS rank, '{PUBLICATION}' AS what, '' AS id, '' AS loan_id, '' AS extra
    FROM bureau_records WHERE sandbox_id = :sandbox_id AND published_ms > :now_ms
    ORDER BY published_ms LIMIT 1) AS {PUBLICATION}_next"""


@cache
def _next_sql(without: tuple[str, ...]) -> str:
    """What is due next. Webhooks are sent with any advance, and publications are no work: both count from now on."""
    branches = [
        _NEXT.format(
            rank=rank, what=what, table=table, at=at, id=id, loan=loan, extra=extra,
            after=":now_ms" if what in WEBHOOK else "0",
        )
        for rank, what, table, at, id, loan, extra in _SOURCES
        if what not in without
    ]  # fmt: skip
    if PUBLICATION not in without:
        branches.append(_NEXT_PUBLICATION)
    return " UNION ALL ".join(branches) + " ORDER BY 1, 2, 4 LIMIT 1"


def next_due(snapshot: Snapshot, *, shows_truth: bool = True) -> Due | None:
    """What is due next in a sandbox, by indexes alone; None if nothing is.

    It may be due already, on a manual clock that was not moved since. Without `shows_truth`, nothing that would show
    where a fault has acted: neither the end of a lag nor a message that is late.
    """
    rows = snapshot.rows(_due, _next_sql(() if shows_truth else CAUSED_BY_FAULTS), now_ms=snapshot.now_ms)
    return rows[0] if rows else None


@cache
def _sql(only: tuple[str, ...]) -> str:
    branches = [
        _BRANCH.format(rank=rank, what=what, table=table, at=at, id=id, loan=loan, extra=extra)
        for rank, what, table, at, id, loan, extra in _SOURCES
        if what in only
    ]
    return " UNION ALL ".join(branches) + " ORDER BY 1, 2, 4 LIMIT :most"


def due(reader: SandboxReader, until_ms: int, most: int, *, only: tuple[str, ...] = EVERY) -> Sequence[Due]:
    """Return what is due until a time, in order, at most `most`."""
    return reader.rows(_due, _sql(only), until_ms=until_ms, most=most)


def _due(due_ms: int, _rank: int, what: str, id: str, loan_id: str, extra: str) -> Due:
    return Due(due_ms, what, id, loan_id, extra)


def with_callbacks(items: Sequence[Due]) -> list[Due]:
    """Return due items of one kind, and after settlements the first attempts at their callbacks.

    A settlement makes its callback due at its own time, so nothing else comes between. In one commit the callback's row
    is written once, and what both read is loaded once.
    """
    return [*items, *(_first_attempt(item) for item in items if item.what == "settlement")]


def _first_attempt(settlement: Due) -> Due:
    receipt_id = settlement.extra
    return Due(settlement.due_ms, "callback", callback_of(receipt_id), settlement.loan_id, receipt_id)


def command_for(sandbox_id: str, item: Due) -> Command:
    """Return the command that handles a due item. Webhooks have none: they need the network first."""
    match item.what:
        case "bureau":
            return ReportAccount(sandbox_id, item.loan_id)
        case "view":
            return ShowVersion(sandbox_id, item.loan_id, int(item.extra))
        case "settlement":
            return SettleTrade(sandbox_id, item.id)
        case "payment_return":
            return ReturnWhenDue(sandbox_id, item.id)
        case "payout":
            return SettlePayout(sandbox_id, item.id, item.loan_id)
        case "callback":
            return AttemptCallback(sandbox_id, item.id, item.extra, item.loan_id)
        case "auto_debit":
            return AutoDebit(sandbox_id, item.loan_id)
        case "due_date":
            return EndOfDay(sandbox_id, item.loan_id)
        case "dispute":
            return FollowDispute(sandbox_id, item.id, item.loan_id)
    raise AssertionError(f"no command handles a {item.what}")
