"""Reading: each function answers one question from one snapshot, and writes nothing.

The status page is one query: the newest version that it shows at the sandbox's time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from mocklend.domain.facts import Terms
from mocklend.domain.problems import Refused
from mocklend.domain.replay import LoanState, load
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Dispute, Loan, OperatorEdit, Payout, Receipt, Repayment, Webhook
from mocklend.storage.quick import QuickReader
from mocklend.storage.stores import E, find, find_all, rows
from mocklend.storage.work import Sandbox
from mocklend.views.render import instalment_docs
from mocklend.views.replica_rotation import ReplicaRotation

PAGE_MAX = 500


def entity(connection: Connection, sandbox_id: str, cls: type[E], id: str) -> E:
    """One entity, or Refused `<kind>_unknown`."""
    found = find(connection, sandbox_id, cls, id)
    if found is None:
        kind = cls.kind
        raise Refused(f"{kind}_unknown", f"no {kind} {id}", **{f"{kind}_id": id})
    return found


PAGE, LIST, INSTALMENTS, REPLICA = "page", "list", "instalments", "replica"
FROM_MS = {PAGE: "visible_ms", LIST: "list_ms", INSTALMENTS: "instalments_ms", REPLICA: "replica_ms"}
"""Each view of a loan, and the column that says from when it shows a version. The replica is the page's second one."""

_SHOWS = "{row}.{from_ms} <= :now_ms AND (:now_ms < {row}.back_ms OR {row}.again_ms <= :now_ms)"
_SHOWN = {
    view: f"""SELECT v.doc, v.state, v.replica_ms FROM loan_views v
    WHERE v.sandbox_id = :sandbox_id AND v.loan_id = :loan_id AND {_SHOWS.format(row="v", from_ms=from_ms)}
    ORDER BY v.version DESC LIMIT 1"""
    for view, from_ms in FROM_MS.items()
}


def shown(connection: Connection, sandbox_id: str, now_ms: int, loan_id: str, view: str) -> Any:
    """What one view shows of a loan: its document, the state it was made from, and when the replica has it."""
    found = rows(connection, _SHOWN[view], {"sandbox_id": sandbox_id, "loan_id": loan_id, "now_ms": now_ms})
    if not found:
        raise Refused("loan_unknown", f"no loan {loan_id}", loan_id=loan_id)
    return found[0]


def page(
    connection: Connection, sandbox_id: str, now_ms: int, loan_id: str, replica_rotation: ReplicaRotation | None = None
) -> dict[str, Any]:
    """What the status page says of a loan. While its replicas differ, reads take `turns` between them."""
    read: dict[str, Any] = json.loads(page_text(connection, sandbox_id, now_ms, loan_id, replica_rotation))
    return read


def page_text(
    connection: Connection, sandbox_id: str, now_ms: int, loan_id: str, replica_rotation: ReplicaRotation | None = None
) -> str:
    """The status page as it is stored: JSON."""
    doc: str
    doc, _, replica_ms = shown(connection, sandbox_id, now_ms, loan_id, PAGE)
    if replica_ms > now_ms and replica_rotation is not None and replica_rotation.second(sandbox_id, loan_id):
        doc = shown(connection, sandbox_id, now_ms, loan_id, REPLICA)[0]
    return doc


_AT_ONCE = f"""SELECT v.doc, v.replica_ms > s.now_ms
    FROM (SELECT id, sandbox_ms + MAX(0, :real_ms - real_ms) * speed AS now_ms FROM sandboxes
          WHERE id = :sandbox_id) s
    JOIN loan_views v ON v.sandbox_id = s.id AND v.loan_id = :loan_id
    WHERE {_SHOWS.format(row="v", from_ms=FROM_MS[PAGE]).replace(":now_ms", "s.now_ms")}
    ORDER BY v.version DESC LIMIT 1"""
"""The clock and the page in one statement, of SQLite."""


def page_at_once(reader: QuickReader, sandbox_id: str, real_ms: int, loan_id: str) -> str | None:
    """The status page as it is stored, where it is there and no two replicas of it differ; or None."""
    found = reader.rows(_AT_ONCE, {"sandbox_id": sandbox_id, "loan_id": loan_id, "real_ms": real_ms})
    if not found:
        return None
    doc, replicas_differ = found[0]
    return None if replicas_differ else doc


def instalments(connection: Connection, sandbox_id: str, now_ms: int, loan_id: str, terms_of: Any) -> dict[str, Any]:
    """The instalments, from the version that the plan shows: the page's, unless one of them lags alone."""
    said, stored, _ = shown(connection, sandbox_id, now_ms, loan_id, INSTALMENTS)
    doc = json.loads(said)
    loan = entity(connection, sandbox_id, Loan, loan_id)
    terms: Terms = terms_of(loan)
    state: LoanState = load(terms, stored)
    return {
        "loan_id": loan_id,
        "version": doc["version"],
        "as_of": doc["as_of"],
        "instalments": instalment_docs(state),
    }


_EACH = {
    view: f"""SELECT v.loan_id, v.doc FROM loan_views v WHERE v.sandbox_id = :sandbox_id AND v.loan_id > :after
    AND v.version = (SELECT MAX(w.version) FROM loan_views w WHERE w.sandbox_id = v.sandbox_id
        AND w.loan_id = v.loan_id AND {_SHOWS.format(row="w", from_ms=from_ms)})
    {{filters}} ORDER BY v.loan_id LIMIT :most"""
    for view, from_ms in FROM_MS.items()
}


def each_shown(connection: Connection, sandbox_id: str, now_ms: int, view: str) -> Iterator[dict[str, Any]]:
    """The document that one view has of each loan, by id."""
    after = ""
    while True:
        values = {"sandbox_id": sandbox_id, "now_ms": now_ms, "after": after, "most": PAGE_MAX}
        found = rows(connection, _EACH[view].format(filters=""), values)
        for _, doc in found:
            yield json.loads(doc)
        if len(found) < PAGE_MAX:
            return
        after = found[-1][0]


def loans(
    connection: Connection,
    sandbox_id: str,
    now_ms: int,
    *,
    borrower_id: str | None = None,
    status: str | None = None,
    after: str = "",
    limit: int = 50,
) -> dict[str, Any]:
    """A page of the list of loans: each at the version that its own page shows, unless one of them lags alone."""
    filters, values = "", {"sandbox_id": sandbox_id, "now_ms": now_ms, "after": after, "most": limit + 1}
    for name, value in (("borrower_id", borrower_id), ("status", status)):
        if value is not None:
            filters += f" AND v.{name} = :{name}"
            values[name] = value
    found = rows(connection, _EACH[LIST].format(filters=filters), values)
    return _listed("loans", [(row[0], json.loads(row[1])) for row in found], limit)


def _listed(name: str, found: list[tuple[str, dict[str, Any]]], limit: int) -> dict[str, Any]:
    more = len(found) > limit
    return {
        name: [doc for _, doc in found[:limit]],
        "next_cursor": cursor(found[limit - 1][0]) if more else None,
    }


def cursor(after: str) -> str:
    """An opaque place in a list."""
    return base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")


def after_cursor(text: str) -> str:
    """The place that a cursor names; Refused `validation_failed` if it names none."""
    try:
        return base64.urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode("ascii")).decode("utf-8")
    except (ValueError, UnicodeError):
        raise Refused("validation_failed", "the cursor is not one of ours", received=text[:64]) from None


def repayments(
    connection: Connection, sandbox_id: str, loan_id: str, *, after: str = "", limit: int = 50
) -> tuple[list[Repayment], str | None]:
    """A loan's repayments, by id, and the next cursor."""
    entity(connection, sandbox_id, Loan, loan_id)
    sql = """SELECT id FROM repayments WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND id > :after
             ORDER BY id LIMIT :most"""
    scope = {"sandbox_id": sandbox_id, "loan_id": loan_id, "after": after, "most": limit + 1}
    ids = [row[0] for row in rows(connection, sql, scope)]
    found = find_all(connection, sandbox_id, Repayment, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def receipts(
    connection: Connection, sandbox_id: str, *, state: str | None = None, after: str = "", limit: int = 50
) -> tuple[list[Receipt], str | None]:
    """The receipts of push payments, by id, and the next cursor."""
    which = "AND state = :state" if state is not None else ""
    sql = f"""SELECT id FROM receipts WHERE sandbox_id = :sandbox_id AND id > :after {which}
              ORDER BY id LIMIT :most"""
    scope = {"sandbox_id": sandbox_id, "after": after, "most": limit + 1}
    ids = [row[0] for row in rows(connection, sql, scope | ({"state": state} if state is not None else {}))]
    found = find_all(connection, sandbox_id, Receipt, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def disputes(
    connection: Connection,
    sandbox_id: str,
    *,
    loan_id: str | None = None,
    state: str | None = None,
    after: str = "",
    limit: int = 50,
) -> tuple[list[Dispute], str | None]:
    """Disputes by id, and the next cursor."""
    which, scope = "", {"sandbox_id": sandbox_id, "after": after, "most": limit + 1}
    for name, value in (("loan_id", loan_id), ("state", state)):
        if value is not None:
            which += f" AND {name} = :{name}"
            scope[name] = value
    sql = f"SELECT id FROM disputes WHERE sandbox_id = :sandbox_id AND id > :after{which} ORDER BY id LIMIT :most"
    ids = [row[0] for row in rows(connection, sql, scope)]
    found = find_all(connection, sandbox_id, Dispute, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def webhooks(
    connection: Connection,
    sandbox_id: str,
    endpoint_id: str,
    *,
    state: str | None = None,
    after: str = "",
    limit: int = 50,
) -> tuple[list[Webhook], str | None]:
    """The messages to an endpoint, by id, and the next cursor."""
    which = "AND state = :state" if state is not None else ""
    sql = f"""SELECT id FROM webhooks WHERE sandbox_id = :sandbox_id AND endpoint_id = :endpoint_id AND id > :after
              {which} ORDER BY id LIMIT :most"""
    scope = {"sandbox_id": sandbox_id, "endpoint_id": endpoint_id, "after": after, "most": limit + 1}
    ids = [row[0] for row in rows(connection, sql, scope | ({"state": state} if state is not None else {}))]
    found = find_all(connection, sandbox_id, Webhook, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def payouts(connection: Connection, sandbox_id: str, loan_id: str) -> list[Payout]:
    """What was paid out on a loan, or is about to be, oldest first."""
    entity(connection, sandbox_id, Loan, loan_id)
    sql = "SELECT id FROM payouts WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY created_ms, id"
    ids = [row[0] for row in rows(connection, sql, {"sandbox_id": sandbox_id, "loan_id": loan_id})]
    return find_all(connection, sandbox_id, Payout, ids)


def edits_in(
    connection: Connection, sandbox_id: str, *, state: str | None = None, after: str = "", limit: int = 50
) -> tuple[list[OperatorEdit], str | None]:
    """The desk's edits of all loans, by id, and the next cursor."""
    which = "AND state = :state" if state is not None else ""
    sql = f"SELECT id FROM edits WHERE sandbox_id = :sandbox_id AND id > :after {which} ORDER BY id LIMIT :most"
    scope = {"sandbox_id": sandbox_id, "after": after, "most": limit + 1}
    ids = [row[0] for row in rows(connection, sql, scope | ({"state": state} if state is not None else {}))]
    found = find_all(connection, sandbox_id, OperatorEdit, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def edits(connection: Connection, sandbox_id: str, loan_id: str) -> list[OperatorEdit]:
    """A loan's operator edits, oldest first."""
    entity(connection, sandbox_id, Loan, loan_id)
    sql = "SELECT id FROM edits WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY n, created_ms, id"
    ids = [row[0] for row in rows(connection, sql, {"sandbox_id": sandbox_id, "loan_id": loan_id})]
    return find_all(connection, sandbox_id, OperatorEdit, ids)


_TRANSACTIONS = """SELECT chain, seq, id, kind, effective_date, recorded_ms, reverses, ref, period_from, period_to,
    currency, prev_hash, hash FROM transactions WHERE sandbox_id = :sandbox_id AND {where}
    ORDER BY chain, seq LIMIT :most"""
_POSTINGS = """SELECT debit, credit, amount_minor FROM postings
    WHERE sandbox_id = :sandbox_id AND chain = :chain AND seq = :seq ORDER BY line"""


def transactions(
    connection: Connection, sandbox_id: str, *, loan_id: str | None = None, after: str = "", limit: int = 50
) -> dict[str, Any]:
    """The journal, by loan and number: what a reconciler reads."""
    chain, _, seq = after.rpartition("/")
    values: dict[str, Any] = {"sandbox_id": sandbox_id, "most": limit + 1}
    where = "1 = 1"
    if after:
        if not (seq.isascii() and seq.isdigit()) or len(seq) > 18:
            raise Refused("validation_failed", "the cursor is not one of ours", received=after[:64])
        where = "(chain > :after_chain OR (chain = :after_chain AND seq > :after_seq))"
        values |= {"after_chain": chain, "after_seq": int(seq)}
    if loan_id is not None:
        where += " AND chain = :loan_id"
        values["loan_id"] = loan_id
    found = [
        (f"{row[0]}/{row[1]}", _transaction(connection, sandbox_id, row))
        for row in rows(connection, _TRANSACTIONS.format(where=where), values)
    ]
    return _listed("transactions", found, limit)


def _transaction(connection: Connection, sandbox_id: str, row: Any) -> dict[str, Any]:
    chain, seq, id, kind, on, recorded_ms, reverses, ref, start, stop, currency, prev, digest = row
    moved = rows(connection, _POSTINGS, {"sandbox_id": sandbox_id, "chain": chain, "seq": seq})
    return {
        "id": id,
        "loan_id": chain if chain.startswith("loan_") else None,
        "chain": chain,
        "seq": seq,
        "kind": kind,
        "effective_date": on,
        "recorded_at": rfc3339(recorded_ms),
        "reverses": reverses,
        "ref": ref,
        "period_from": start,
        "period_to": stop,
        "postings": [
            {"debit": debit, "credit": credit, "amount_minor": amount, "currency": currency}
            for debit, credit, amount in moved
        ],
        "prev_hash": prev,
        "hash": digest,
    }


def endpoints(sandbox: Sandbox) -> list[Mapping[str, Any]]:
    """The sandbox's webhook endpoints."""
    found: list[Mapping[str, Any]] = json.loads(sandbox.endpoints)
    return found
