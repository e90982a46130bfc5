"""Reading: each function answers one question from one snapshot, and writes nothing.

The status page is one query: the newest version that it shows at the sandbox's time.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, NamedTuple, TypedDict

from mocklend.domain.facts import Terms
from mocklend.domain.nouns import AmountMinor, AsOf, Currency, LoanId, NextCursor, PageVersion, says
from mocklend.domain.problems import Refused
from mocklend.domain.replay import load
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Dispute, Loan, OperatorEdit, Payout, Receipt, Repayment, Webhook
from mocklend.storage.quick import QuickReader
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.statements import Value
from mocklend.storage.stores import E
from mocklend.storage.values import EndpointDoc
from mocklend.storage.work import Sandbox
from mocklend.views.render import InstalmentDoc, LoanDoc, instalment_docs, read_page
from mocklend.views.replica_rotation import ReplicaRotation

PAGE_MAX = 500


def entity(reader: SandboxReader, cls: type[E], id: str) -> E:
    """One entity, or Refused `<kind>_unknown`."""
    entity = reader.find(cls, id)
    if entity is None:
        kind = cls.kind
        raise Refused(f"{kind}_unknown", f"no {kind} {id}", **{f"{kind}_id": id})
    return entity


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


class Shown(NamedTuple):
    """What one view shows of a loan: its document and the state behind it, both JSON, and when the replica has it."""

    doc: str
    state: str
    replica_ms: int


def shown(snapshot: Snapshot, loan_id: str, view: str) -> Shown:
    """What one view shows of a loan now. Raises Refused `loan_unknown`."""
    versions = snapshot.rows(Shown, _SHOWN[view], loan_id=loan_id, now_ms=snapshot.now_ms)
    if not versions:
        raise Refused("loan_unknown", f"no loan {loan_id}", loan_id=loan_id)
    return versions[0]


def page(snapshot: Snapshot, loan_id: str, replica_rotation: ReplicaRotation | None = None) -> LoanDoc:
    """What the status page says of a loan. While its replicas differ, reads take `turns` between them."""
    return read_page(page_text(snapshot, loan_id, replica_rotation))


def page_text(snapshot: Snapshot, loan_id: str, replica_rotation: ReplicaRotation | None = None) -> str:
    """The status page as it is stored: JSON."""
    page = shown(snapshot, loan_id, PAGE)
    if (
        page.replica_ms > snapshot.now_ms
        and replica_rotation is not None
        and replica_rotation.second(snapshot.sandbox_id, loan_id)
    ):
        page = shown(snapshot, loan_id, REPLICA)
    return page.doc


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
    return doc if isinstance(doc, str) and not replicas_differ else None


class LoanList(TypedDict):
    """A page of loans."""

    loans: Annotated[list[LoanDoc], says("The loans of this page.")]
    next_cursor: NextCursor | None


class InstalmentList(TypedDict):
    """A loan's instalments, from the same version as its page."""

    loan_id: LoanId
    version: PageVersion
    as_of: AsOf
    instalments: Annotated[list[InstalmentDoc], says("The instalments, in their order.")]


def instalments(snapshot: Snapshot, loan_id: str, terms_of: Callable[[Loan], Terms]) -> InstalmentList:
    """The instalments, from the version that the plan shows: the page's, unless one of them lags alone."""
    plan = shown(snapshot, loan_id, INSTALMENTS)
    doc = read_page(plan.doc)
    state = load(terms_of(entity(snapshot, Loan, loan_id)), plan.state)
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


class _Each(NamedTuple):
    loan_id: str
    doc: str


def each_shown(snapshot: Snapshot, view: str) -> Iterator[LoanDoc]:
    """The document that one view has of each loan, by id."""
    after = ""
    while True:
        found = snapshot.rows(_Each, _EACH[view].format(filters=""), now_ms=snapshot.now_ms, after=after, most=PAGE_MAX)
        for _, doc in found:
            yield read_page(doc)
        if len(found) < PAGE_MAX:
            return
        after = found[-1].loan_id


def loans(
    snapshot: Snapshot,
    *,
    borrower_id: str | None = None,
    status: str | None = None,
    after: str = "",
    limit: int = 50,
) -> LoanList:
    """A page of the list of loans: each at the version that its own page shows, unless one of them lags alone."""
    chosen = {name: value for name, value in (("borrower_id", borrower_id), ("status", status)) if value is not None}
    sql = _EACH[LIST].format(filters="".join(f" AND v.{name} = :{name}" for name in chosen))
    found = snapshot.rows(_Each, sql, now_ms=snapshot.now_ms, after=after, most=limit + 1, **chosen)
    return LoanList(
        loans=[read_page(row.doc) for row in found[:limit]],
        next_cursor=cursor(found[limit - 1].loan_id) if len(found) > limit else None,
    )


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
    reader: SandboxReader, loan_id: str, *, after: str = "", limit: int = 50
) -> tuple[list[Repayment], str | None]:
    """A loan's repayments, by id, and the next cursor."""
    entity(reader, Loan, loan_id)
    sql = """SELECT id FROM repayments WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND id > :after
             ORDER BY id LIMIT :most"""
    ids = reader.ids(sql, loan_id=loan_id, after=after, most=limit + 1)
    found = reader.find_all(Repayment, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def receipts(
    reader: SandboxReader, *, state: str | None = None, after: str = "", limit: int = 50
) -> tuple[list[Receipt], str | None]:
    """The receipts of push payments, by id, and the next cursor."""
    which = "AND state = :state" if state is not None else ""
    sql = f"""SELECT id FROM receipts WHERE sandbox_id = :sandbox_id AND id > :after {which}
              ORDER BY id LIMIT :most"""
    ids = reader.ids(sql, after=after, most=limit + 1, **({"state": state} if state is not None else {}))
    found = reader.find_all(Receipt, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def disputes(
    reader: SandboxReader,
    *,
    loan_id: str | None = None,
    state: str | None = None,
    after: str = "",
    limit: int = 50,
) -> tuple[list[Dispute], str | None]:
    """Disputes by id, and the next cursor."""
    chosen = {name: value for name, value in (("loan_id", loan_id), ("state", state)) if value is not None}
    which = "".join(f" AND {name} = :{name}" for name in chosen)
    sql = f"SELECT id FROM disputes WHERE sandbox_id = :sandbox_id AND id > :after{which} ORDER BY id LIMIT :most"
    ids = reader.ids(sql, after=after, most=limit + 1, **chosen)
    found = reader.find_all(Dispute, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def webhooks(
    reader: SandboxReader,
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
    chosen = {"state": state} if state is not None else {}
    ids = reader.ids(sql, endpoint_id=endpoint_id, after=after, most=limit + 1, **chosen)
    found = reader.find_all(Webhook, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def payouts(reader: SandboxReader, loan_id: str) -> list[Payout]:
    """What was paid out on a loan, or is about to be, oldest first."""
    entity(reader, Loan, loan_id)
    sql = "SELECT id FROM payouts WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY created_ms, id"
    ids = reader.ids(sql, loan_id=loan_id)
    return reader.find_all(Payout, ids)


def edits_in(
    reader: SandboxReader, *, state: str | None = None, after: str = "", limit: int = 50
) -> tuple[list[OperatorEdit], str | None]:
    """The desk's edits of all loans, by id, and the next cursor."""
    which = "AND state = :state" if state is not None else ""
    sql = f"SELECT id FROM edits WHERE sandbox_id = :sandbox_id AND id > :after {which} ORDER BY id LIMIT :most"
    ids = reader.ids(sql, after=after, most=limit + 1, **({"state": state} if state is not None else {}))
    found = reader.find_all(OperatorEdit, ids[:limit])
    return found, cursor(ids[limit - 1]) if len(ids) > limit else None


def edits(reader: SandboxReader, loan_id: str) -> list[OperatorEdit]:
    """A loan's operator edits, oldest first."""
    entity(reader, Loan, loan_id)
    sql = "SELECT id FROM edits WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY n, created_ms, id"
    ids = reader.ids(sql, loan_id=loan_id)
    return reader.find_all(OperatorEdit, ids)


_TRANSACTIONS = """SELECT chain, seq, id, kind, effective_date, recorded_ms, reverses, ref, period_from, period_to,
    currency, prev_hash, hash FROM transactions WHERE sandbox_id = :sandbox_id AND {where}
    ORDER BY chain, seq LIMIT :most"""
_POSTINGS = """SELECT debit, credit, amount_minor FROM postings
    WHERE sandbox_id = :sandbox_id AND chain = :chain AND seq = :seq ORDER BY line"""


HASH_RULE = (
    "SHA-256, in small hexadecimal digits, of these texts with | between: prev_hash, chain, seq, kind, ref, "
    "effective_date, period_from/period_to (empty where null), reverses (None where null), currency, recorded_at in "
    "milliseconds since 1970, and the postings as debit>credit=amount_minor with ; between."
)
PREV_HASH_RULE = "The hash of the transaction before it in its chain; 64 zeros for the first."


class PostingDoc(TypedDict):
    """An amount that moves from the account `credit` to the account `debit`."""

    debit: Annotated[str, says("The account that is debited, by its number.")]
    credit: Annotated[str, says("The account that is credited, by its number.")]
    amount_minor: AmountMinor
    currency: Currency


class TransactionDoc(TypedDict):
    """A transaction. `reverses` is the `seq` of the one that it takes back."""

    id: Annotated[str, says("The transaction's id.")]
    loan_id: LoanId | None
    chain: Annotated[str, says("The hash chain that it belongs to: a loan's, or a channel's for money without a loan.")]
    seq: Annotated[int, says("Its number in the chain, from 1, without gaps.")]
    kind: Annotated[str, says("What happened: a disbursement, a repayment, an accrual, and so on.")]
    effective_date: Annotated[str, says("The business day on which it counts, like 2026-01-05, in the sandbox's zone.")]
    recorded_at: Annotated[str, says("When it was posted. RFC 3339, on the sandbox's clock.")]
    reverses: Annotated[int | None, says("The `seq` of the transaction that it takes back; null for all others.")]
    ref: Annotated[str, says("What caused it: a repayment, an edit, a payout, by its id.")]
    period_from: Annotated[
        str | None, says("The day from which an accrual counts interest, like 2026-01-05; null for all others.")
    ]
    period_to: Annotated[
        str | None, says("The day up to which it does, where the next accrual begins; null for all others.")
    ]
    postings: Annotated[list[PostingDoc], says("Its postings; debits and credits are equal.")]
    prev_hash: Annotated[str, says(PREV_HASH_RULE)]
    hash: Annotated[str, says(HASH_RULE)]


class TransactionList(TypedDict):
    """A page of the journal."""

    transactions: Annotated[list[TransactionDoc], says("The transactions of this page, oldest first.")]
    next_cursor: NextCursor | None


def transactions(
    reader: SandboxReader, *, loan_id: str | None = None, after: str = "", limit: int = 50
) -> TransactionList:
    """The journal, by loan and number: what a reconciler reads."""
    chain, _, seq = after.rpartition("/")
    values: dict[str, Value] = {"most": limit + 1}
    where = "1 = 1"
    if after:
        if not (seq.isascii() and seq.isdigit()) or len(seq) > 18:
            raise Refused("validation_failed", "the cursor is not one of ours", received=after[:64])
        where = "(chain > :after_chain OR (chain = :after_chain AND seq > :after_seq))"
        values |= {"after_chain": chain, "after_seq": int(seq)}
    if loan_id is not None:
        where += " AND chain = :loan_id"
        values["loan_id"] = loan_id
    found = reader.rows(_Transaction, _TRANSACTIONS.format(where=where), **values)
    last = found[limit - 1] if len(found) > limit else None
    return {
        "transactions": [_transaction(reader, row) for row in found[:limit]],
        "next_cursor": cursor(f"{last.chain}/{last.seq}") if last is not None else None,
    }


class _Transaction(NamedTuple):
    chain: str
    seq: int
    id: str
    kind: str
    effective_date: str
    recorded_ms: int
    reverses: int | None
    ref: str
    period_from: str | None
    period_to: str | None
    currency: str
    prev_hash: str
    hash: str


class _Posting(NamedTuple):
    debit: str
    credit: str
    amount_minor: int


def _transaction(reader: SandboxReader, row: _Transaction) -> TransactionDoc:
    chain, seq, id, kind, on, recorded_ms, reverses, ref, start, stop, currency, prev, digest = row
    moved = reader.rows(_Posting, _POSTINGS, chain=chain, seq=seq)
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


def endpoints(sandbox: Sandbox) -> Sequence[EndpointDoc]:
    """The sandbox's webhook endpoints."""
    return sandbox.endpoints
