"""Messages of channels and of the platform as lists, the newest first, and the trades that they are about.

A list page walks one index, and looks at SCANNED_MAX rows at most: where a filter passes over more, the page is short,
and its cursor goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from mocklend.domain.statuses import DeliveryState
from mocklend.storage.entities import NOT_ACKED, Callback, Trade, Webhook
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import Value
from mocklend.storage.stores import STORES
from mocklend.views.reads import Lists, cursor, numbered_place

LISTED: dict[type, Lists] = {Callback: Lists.CALLBACKS, Webhook: Lists.WEBHOOKS}
"""By class of message: its list."""
SCANNED_MAX = 1_000
"""How many rows a list page looks at."""

M = TypeVar("M", Callback, Webhook)

_MESSAGES = """SELECT queued_ms, id, CASE WHEN 1 = 1{filters} THEN 1 ELSE 0 END FROM (
    SELECT queued_ms, id{columns} FROM {table}
    WHERE sandbox_id = :sandbox_id AND {where} ORDER BY queued_ms DESC, id DESC LIMIT :most) AS walked
    ORDER BY queued_ms DESC, id DESC"""
_TRADES = """SELECT 0, id, CASE WHEN 1 = 1{filters} THEN 1 ELSE 0 END FROM (
    SELECT id{columns} FROM trades
    WHERE sandbox_id = :sandbox_id AND {where} ORDER BY id LIMIT :most) AS walked ORDER BY id"""


class _Walked(NamedTuple):
    queued_ms: int
    id: str
    is_asked: int


def messages(
    reader: SandboxReader,
    cls: type[M],
    *,
    loan_id: str | None = None,
    state: str | None = None,
    after: str = "",
    limit: int = 50,
    **others: str | None,
) -> tuple[list[M], str | None]:
    """A list page of callbacks or webhooks, the newest first, and the next cursor.

    `others` are values of further columns. Raises Refused `validation_failed` for a wrong cursor.
    """
    where, values = "1 = 1", dict[str, Value]()
    filters = {name: value for name, value in others.items() if value is not None}
    if loan_id is not None:
        where, values["loan_id"] = "loan_id = :loan_id", loan_id
    if state is not None:
        if loan_id is None and state != DeliveryState.ACKED:  # It has an index of its own.
            where, values["state"] = f"{NOT_ACKED} AND state = :state", state
        else:
            filters["state"] = state
    if after:
        where += " AND (queued_ms, id) < (:after_ms, :after_id)"
        values["after_ms"], values["after_id"] = numbered_place(after)
    sql = _filled(_MESSAGES, filters, where=where, table=STORES[cls.kind].table)
    ids, last = _walk(reader, sql, values, filters, limit)
    return reader.find_all(cls, ids), None if last is None else cursor(LISTED[cls], f"{last.queued_ms}/{last.id}")


def trades(
    reader: SandboxReader,
    *,
    loan_id: str | None = None,
    state: str | None = None,
    channel: str | None = None,
    after: str = "",
    limit: int = 50,
) -> tuple[list[Trade], str | None]:
    """A list page of trades, by their numbers, and the next cursor."""
    filters = {name: value for name, value in (("state", state), ("channel", channel)) if value is not None}
    where, values = "id > :after", dict[str, Value](after=after)
    if loan_id is not None:
        where, values["loan_id"] = "id > :after AND loan_id = :loan_id", loan_id
    ids, last = _walk(reader, _filled(_TRADES, filters, where=where), values, filters, limit)
    return reader.find_all(Trade, ids), None if last is None else cursor(Lists.TRADES, last.id)


def _filled(template: str, filters: Mapping[str, str], **parts: str) -> str:
    return template.format(
        filters="".join(f" AND {name} = :{name}" for name in filters),
        columns="".join(f", {name}" for name in filters),
        **parts,
    )


def _walk(
    reader: SandboxReader, sql: str, values: Mapping[str, Value], filters: Mapping[str, str], limit: int
) -> tuple[list[str], _Walked | None]:
    """The ids of a page, and the row after which the next one begins; None on the last page."""
    most = max(SCANNED_MAX, limit + 1) if filters else limit + 1
    walked = reader.rows(_Walked, sql, most=most, **values, **filters)
    asked = [row for row in walked if row.is_asked]
    if len(asked) > limit:
        return [row.id for row in asked[:limit]], asked[limit - 1]
    return [row.id for row in asked], walked[-1] if filters and len(walked) >= most else None
