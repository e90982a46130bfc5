"""Reads of views, books and entities: each function reads one snapshot and writes nothing.

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
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.statements import Value
from mocklend.storage.values import EndpointDoc
from mocklend.storage.work import E, Sandbox
from mocklend.views.render import InstalmentDoc, LoanDoc, instalment_docs, read_page
from mocklend.views.replica_rotation import ReplicaRotation

PAGE_MAX = 500


def entity(reader: SandboxReader, cls: type[E], id: str) -> E:
    """One entity. Raises Refused `<kind>_unknown`."""
    entity = reader.find(cls, id)
    if entity is None:
        kind = cls.kind
        raise Refused(f"{kind}_unknown", f"no {kind} {id}", **{f"{kind}_id": id})
    return entity


PAGE, LIST, INSTALMENTS, REPLICA = "page", "list", "instalments", "replica"
FROM_MS = {PAGE: "visible_ms", LIST: "list_ms", INSTALMENTS: "instalments_ms", REPLICA: "replica_ms"}
"""By view: the column with the time from which it shows a version. REPLICA is the status page's second replica."""

_SHOWS = "{row}.{from_ms} <= :now_ms AND (:now_ms < {row}.back_ms OR {row}.again_ms <= :now_ms)"
_LOAN_IN_VIEW = {
    view: f"""SELECT v.doc, v.state, v.replica_ms FROM loan_views v
    WHERE v.sandbox_id = :sandbox_id AND v.loan_id = :loan_id AND {_SHOWS.format(row="v", from_ms=from_ms)}
    ORDER BY v.version DESC LIMIT 1"""
    for view, from_ms in FROM_MS.items()
}


class LoanInView(NamedTuple):
    """A loan in one view: its document and the state behind it, both JSON, and the time (ms) the replica has it."""

    doc: str
    state: str
    replica_ms: int


def loan_in_view(snapshot: Snapshot, loan_id: str, view: str) -> LoanInView:
    """A loan as one view shows it now. Raises Refused `loan_unknown`."""
    versions = snapshot.rows(LoanInView, _LOAN_IN_VIEW[view], loan_id=loan_id, now_ms=snapshot.now_ms)
    if not versions:
        raise Refused("loan_unknown", f"no loan {loan_id}", loan_id=loan_id)
    return versions[0]


def page(snapshot: Snapshot, loan_id: str, replica_rotation: ReplicaRotation | None = None) -> LoanDoc:
    """The status page of a loan. While its replicas differ, reads alternate. Raises Refused `loan_unknown`."""
    return read_page(page_text(snapshot, loan_id, replica_rotation))


def page_text(snapshot: Snapshot, loan_id: str, replica_rotation: ReplicaRotation | None = None) -> str:
    """The status page's stored JSON. Raises Refused `loan_unknown`."""
    page = loan_in_view(snapshot, loan_id, PAGE)
    if (
        page.replica_ms > snapshot.now_ms
        and replica_rotation is not None
        and replica_rotation.second(snapshot.sandbox_id, loan_id)
    ):
        page = loan_in_view(snapshot, loan_id, REPLICA)
    return page.doc


class LoanList(TypedDict):
    """A list page of loans."""

    loans: Annotated[list[LoanDoc], says("The loans of this list page.")]
    next_cursor: NextCursor | None


class InstalmentList(TypedDict):
    """A loan's instalments, from the same version as its status page."""

    loan_id: LoanId
    version: PageVersion
    as_of: AsOf
    instalments: Annotated[list[InstalmentDoc], says("The instalments, by due date.")]


def instalments(snapshot: Snapshot, loan_id: str, terms_of: Callable[[Loan], Terms]) -> InstalmentList:
    """The instalments at the version that their view shows: that of the status page, unless one of the two lags."""
    plan = loan_in_view(snapshot, loan_id, INSTALMENTS)
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


def each_in_view(snapshot: Snapshot, view: str) -> Iterator[LoanDoc]:
    """The document of each loan in one view, ordered by id."""
    after = ""
    while True:
        rows = snapshot.rows(_Each, _EACH[view].format(filters=""), now_ms=snapshot.now_ms, after=after, most=PAGE_MAX)
        for _, doc in rows:
            yield read_page(doc)
        if len(rows) < PAGE_MAX:
            return
        after = rows[-1].loan_id


def loans(
    snapshot: Snapshot,
    *,
    borrower_id: str | None = None,
    status: str | None = None,
    after: str = "",
    limit: int = 50,
) -> LoanList:
    """A list page of loans, each at the version of its status page, unless one of the two lags."""
    chosen = {name: value for name, value in (("borrower_id", borrower_id), ("status", status)) if value is not None}
    sql = _EACH[LIST].format(filters="".join(f" AND v.{name} = :{name}" for name in chosen))
    rows = snapshot.rows(_Each, sql, now_ms=snapshot.now_ms, after=after, most=limit + 1, **chosen)
    return LoanList(
        loans=[read_page(row.doc) for row in rows[:limit]],
        next_cursor=cursor(rows[limit - 1].loan_id) if len(rows) > limit else None,
    )


def cursor(after: str) -> str:
    """The opaque cursor of the list page after this id."""
    return base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")


def after_cursor(text: str) -> str:
    """The id after which a cursor's list page begins. Raises Refused `validation_failed`."""
    try:
        return base64.urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode("ascii")).decode("utf-8")
    except (ValueError, UnicodeError):
        raise Refused("validation_failed", "the cursor is invalid", received=text[:64]) from None


def repayments(
    reader: SandboxReader, loan_id: str, *, after: str = "", limit: int = 50
) -> tuple[list[Repayment], str | None]:
    """A list page of a loan's repayments, ordered by id, and the next cursor."""
    entity(reader, Loan, loan_id)
    sql = """SELECT id FROM repayments WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND id > :after
             ORDER BY id LIMIT :most"""
    ids = reader.ids(sql, loan_id=loan_id, after=after, most=limit + 1)
    repayments_read = reader.find_all(Repayment, ids[:limit])
    return repayments_read, cursor(ids[limit - 1]) if len(ids) > limit else None


def receipts(
    reader: SandboxReader, *, state: str | None = None, after: str = "", limit: int = 50
) -> tuple[list[Receipt], str | None]:
    """A list page of push payments' receipts, ordered by id, and the next cursor."""
    filters = "AND state = :state" if state is not None else ""
    sql = f"""SELECT id FROM receipts WHERE sandbox_id = :sandbox_id AND id > :after {filters}
              ORDER BY id LIMIT :most"""
    ids = reader.ids(sql, after=after, most=limit + 1, **({"state": state} if state is not None else {}))
    receipts_read = reader.find_all(Receipt, ids[:limit])
    return receipts_read, cursor(ids[limit - 1]) if len(ids) > limit else None


def disputes(
    reader: SandboxReader,
    *,
    loan_id: str | None = None,
    state: str | None = None,
    after: str = "",
    limit: int = 50,
) -> tuple[list[Dispute], str | None]:
    """A list page of disputes, ordered by id, and the next cursor."""
    chosen = {name: value for name, value in (("loan_id", loan_id), ("state", state)) if value is not None}
    filters = "".join(f" AND {name} = :{name}" for name in chosen)
    sql = f"SELECT id FROM disputes WHERE sandbox_id = :sandbox_id AND id > :after{filters} ORDER BY id LIMIT :most"
    ids = reader.ids(sql, after=after, most=limit + 1, **chosen)
    disputes_read = reader.find_all(Dispute, ids[:limit])
    return disputes_read, cursor(ids[limit - 1]) if len(ids) > limit else None


def webhooks(
    reader: SandboxReader,
    endpoint_id: str,
    *,
    state: str | None = None,
    after: str = "",
    limit: int = 50,
) -> tuple[list[Webhook], str | None]:
    """A list page of the messages to an endpoint, ordered by id, and the next cursor."""
    filters = "AND state = :state" if state is not None else ""
    sql = f"""SELECT id FROM webhooks WHERE sandbox_id = :sandbox_id AND endpoint_id = :endpoint_id AND id > :after
              {filters} ORDER BY id LIMIT :most"""
    chosen = {"state": state} if state is not None else {}
    ids = reader.ids(sql, endpoint_id=endpoint_id, after=after, most=limit + 1, **chosen)
    webhooks_read = reader.find_all(Webhook, ids[:limit])
    return webhooks_read, cursor(ids[limit - 1]) if len(ids) > limit else None


def payouts(reader: SandboxReader, loan_id: str) -> list[Payout]:
    """A loan's payouts, paid or ordered, oldest first."""
    entity(reader, Loan, loan_id)
    sql = "SELECT id FROM payouts WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY created_ms, id"
    ids = reader.ids(sql, loan_id=loan_id)
    return reader.find_all(Payout, ids)


def edits_in(
    reader: SandboxReader, *, state: str | None = None, after: str = "", limit: int = 50
) -> tuple[list[OperatorEdit], str | None]:
    """A list page of the operator edits of all loans, ordered by id, and the next cursor."""
    filters = "AND state = :state" if state is not None else ""
    sql = f"SELECT id FROM edits WHERE sandbox_id = :sandbox_id AND id > :after {filters} ORDER BY id LIMIT :most"
    ids = reader.ids(sql, after=after, most=limit + 1, **({"state": state} if state is not None else {}))
    edits_read = reader.find_all(OperatorEdit, ids[:limit])
    return edits_read, cursor(ids[limit - 1]) if len(ids) > limit else None


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
    "SHA-256, in lower-case hexadecimal, of these texts joined by |: prev_hash, chain, seq, kind, ref, "
    "effective_date, period_from/period_to (empty where null), reverses (None where null), currency, recorded_at in "
    "milliseconds since 1970, and the postings as debit>credit=amount_minor joined by ;."
)
PREV_HASH_RULE = "The hash of the transaction before it in its chain; 64 zeros for the first."


class PostingDoc(TypedDict):
    """An amount that moves from the account `credit` to the account `debit`."""

    debit: Annotated[str, says("The account that is debited, by its number.")]
    credit: Annotated[str, says("The account that is credited, by its number.")]
    amount_minor: AmountMinor
    currency: Currency


class TransactionDoc(TypedDict):
    """A transaction. `reverses` is the `seq` of the one that it reverses."""

    id: Annotated[str, says("The transaction's id.")]
    loan_id: LoanId | None
    chain: Annotated[str, says("The hash chain that it belongs to: a loan's, or a channel's for money without a loan.")]
    seq: Annotated[int, says("Its number in the chain, from 1, without gaps.")]
    kind: Annotated[str, says("The kind of transaction: a disbursement, a repayment, an accrual, and so on.")]
    effective_date: Annotated[
        str, says("The business day on which it takes effect, like 2026-01-05, in the sandbox's zone.")
    ]
    recorded_at: Annotated[str, says("When it was posted. RFC 3339, on the sandbox's clock.")]
    reverses: Annotated[int | None, says("The `seq` of the transaction that it reverses; null where it reverses none.")]
    ref: Annotated[str, says("The id of its cause: a repayment, an edit or a payout.")]
    period_from: Annotated[str | None, says("The first day of an accrual, like 2026-01-05; null for other kinds.")]
    period_to: Annotated[
        str | None, says("The day on which an accrual ends and the next one begins; null for other kinds.")
    ]
    postings: Annotated[list[PostingDoc], says("Its postings; debits and credits are equal.")]
    prev_hash: Annotated[str, says(PREV_HASH_RULE)]
    hash: Annotated[str, says(HASH_RULE)]


class TransactionList(TypedDict):
    """A list page of the journal."""

    transactions: Annotated[list[TransactionDoc], says("The transactions of this list page, oldest first.")]
    next_cursor: NextCursor | None


def transactions(
    reader: SandboxReader, *, loan_id: str | None = None, after: str = "", limit: int = 50
) -> TransactionList:
    """A list page of the journal, ordered by chain and number, for reconcilers."""
    chain, _, seq = after.rpartition("/")
    values: dict[str, Value] = {"most": limit + 1}
    where = "1 = 1"
    if after:
        if not (seq.isascii() and seq.isdigit()) or len(seq) > 18:
            raise Refused("validation_failed", "the cursor is invalid", received=after[:64])
        where = "(chain > :after_chain OR (chain = :after_chain AND seq > :after_seq))"
        values |= {"after_chain": chain, "after_seq": int(seq)}
    if loan_id is not None:
        where += " AND chain = :loan_id"
        values["loan_id"] = loan_id
    rows = reader.rows(_Transaction, _TRANSACTIONS.format(where=where), **values)
    last = rows[limit - 1] if len(rows) > limit else None
    return {
        "transactions": [_transaction(reader, row) for row in rows[:limit]],
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
    postings = reader.rows(_Posting, _POSTINGS, chain=chain, seq=seq)
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
            for debit, credit, amount in postings
        ],
        "prev_hash": prev,
        "hash": digest,
    }


def endpoints(sandbox: Sandbox) -> Sequence[EndpointDoc]:
    """The sandbox's webhook endpoints."""
    return sandbox.endpoints
