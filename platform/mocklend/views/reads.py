"""Reads of views, books and entities: each function reads one snapshot and writes nothing.

The status page is one query: the newest version that it shows at the sandbox's time.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, NamedTuple, TypedDict

from mocklend.domain.facts import Terms
from mocklend.domain.nouns import AsOf, LoanId, NextCursor, PageVersion, says
from mocklend.domain.numbers import INT64_DIGITS, whole_number
from mocklend.domain.problems import Refused
from mocklend.domain.replay import load
from mocklend.storage.entities import Dispute, Loan, OperatorEdit, Payout, Receipt, Repayment, Webhook
from mocklend.storage.snapshot import SandboxReader, Snapshot
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
    view: f"""SELECT v.doc, v.state, v.replica_ms, v.version, (
        SELECT MAX(newer.version) FROM loan_views newer
        WHERE newer.sandbox_id = :sandbox_id AND newer.loan_id = :loan_id) FROM loan_views v
    WHERE v.sandbox_id = :sandbox_id AND v.loan_id = :loan_id AND {_SHOWS.format(row="v", from_ms=from_ms)}
    ORDER BY v.version DESC LIMIT 1"""
    for view, from_ms in FROM_MS.items()
}


class LoanInView(NamedTuple):
    """A loan in one view: its document and the state behind it, both JSON, and the time (ms) the replica has it.

    `newest` is the newest version that is stored: the view may show an older one.
    """

    doc: str
    state: str
    replica_ms: int
    version: int
    newest: int


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
    return page_shown(snapshot, loan_id, replica_rotation).doc


def page_shown(snapshot: Snapshot, loan_id: str, replica_rotation: ReplicaRotation | None = None) -> LoanInView:
    """What the status page shows, as `page_text`. Raises Refused `loan_unknown`."""
    page = loan_in_view(snapshot, loan_id, PAGE)
    if (
        page.replica_ms > snapshot.now_ms
        and replica_rotation is not None
        and replica_rotation.second(snapshot.sandbox_id, loan_id)
    ):
        page = loan_in_view(snapshot, loan_id, REPLICA)
    return page


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
        next_cursor=cursor(Lists.LOANS.ordered("id"), rows[limit - 1].loan_id) if len(rows) > limit else None,
    )


_AMONG = {
    view: f"""SELECT v.loan_id, v.doc FROM loan_views v WHERE v.sandbox_id = :sandbox_id
    AND v.version = (SELECT MAX(w.version) FROM loan_views w WHERE w.sandbox_id = v.sandbox_id
        AND w.loan_id = v.loan_id AND {_SHOWS.format(row="w", from_ms=from_ms)}) AND v.loan_id"""
    for view, from_ms in FROM_MS.items()
}


def loans_in_view(snapshot: Snapshot, view: str, loan_ids: Sequence[str]) -> list[LoanDoc]:
    """The documents of some loans in one view; those of which it shows no version are left out."""
    rows = snapshot.rows_in(_Each, _AMONG[view], loan_ids, now_ms=snapshot.now_ms) if loan_ids else []
    return [read_page(doc) for _, doc in rows]


class Lists(StrEnum):
    """The lists that page, by the names that their cursors carry; orders of one list have names of their own."""

    ALERTS = "alerts"
    ALERT_HISTORY = "alert_history"
    BORROWERS = "borrowers"
    CALLBACKS = "callbacks"
    DISPUTES = "disputes"
    EDITS = "edits"
    ENDPOINT_WEBHOOKS = "endpoint_webhooks"
    FOUND_LOANS = "found_loans"
    INCIDENTS = "incidents"
    JOURNAL = "journal"
    LOANS = "loans"
    RECEIPTS = "receipts"
    REPAYMENTS = "repayments"
    SANDBOXES = "sandboxes"
    SUBMISSION = "submission"
    TIMELINE = "timeline"
    TRADES = "trades"
    WEBHOOKS = "webhooks"

    def ordered(self, order: str) -> str:
        """The name of this list in one of its orders: a place in one is none in another."""
        return f"{self.value}.{order}"


def cursor(of: str, after: str) -> str:
    """The opaque cursor of the list page after this place in the list `of`, whose name it carries."""
    return base64.urlsafe_b64encode(f"{of}:{after}".encode()).decode().rstrip("=")


def numbered_place(after: str) -> tuple[int, str]:
    """The number and the id of a place `<number>/<id>` in a list. Raises Refused `validation_failed`."""
    text, _, id = after.partition("/")
    number = whole_number(text, INT64_DIGITS)
    if not id or number is None:
        raise Refused("validation_failed", "the cursor is invalid", received=after[:64])
    return number, id


def after_cursor(of: str, text: str) -> str:
    """The place after which a cursor's page of the list `of` begins. Raises Refused `validation_failed`."""
    try:
        place = base64.urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode("ascii")).decode("utf-8")
    except (ValueError, UnicodeError):
        raise Refused("validation_failed", "the cursor is invalid", received=text[:64]) from None
    name, _, after = place.partition(":")
    if name != of or not after:
        raise Refused("validation_failed", "the cursor is of another list", received=text[:64])
    return after


def repayments(
    reader: SandboxReader, loan_id: str, *, after: str = "", limit: int = 50
) -> tuple[list[Repayment], str | None]:
    """A list page of a loan's repayments, ordered by id, and the next cursor."""
    entity(reader, Loan, loan_id)
    sql = """SELECT id FROM repayments WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND id > :after
             ORDER BY id LIMIT :most"""
    ids = reader.ids(sql, loan_id=loan_id, after=after, most=limit + 1)
    repayments_read = reader.find_all(Repayment, ids[:limit])
    return repayments_read, cursor(Lists.REPAYMENTS, ids[limit - 1]) if len(ids) > limit else None


def receipts(
    reader: SandboxReader, *, state: str | None = None, after: str = "", limit: int = 50
) -> tuple[list[Receipt], str | None]:
    """A list page of push payments' receipts, ordered by id, and the next cursor."""
    filters = "AND state = :state" if state is not None else ""
    sql = f"""SELECT id FROM receipts WHERE sandbox_id = :sandbox_id AND id > :after {filters}
              ORDER BY id LIMIT :most"""
    ids = reader.ids(sql, after=after, most=limit + 1, **({"state": state} if state is not None else {}))
    receipts_read = reader.find_all(Receipt, ids[:limit])
    return receipts_read, cursor(Lists.RECEIPTS, ids[limit - 1]) if len(ids) > limit else None


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
    return disputes_read, cursor(Lists.DISPUTES, ids[limit - 1]) if len(ids) > limit else None


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
    return webhooks_read, cursor(Lists.ENDPOINT_WEBHOOKS, ids[limit - 1]) if len(ids) > limit else None


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
    return edits_read, cursor(Lists.EDITS, ids[limit - 1]) if len(ids) > limit else None


def edits(reader: SandboxReader, loan_id: str) -> list[OperatorEdit]:
    """A loan's operator edits, oldest first."""
    entity(reader, Loan, loan_id)
    sql = "SELECT id FROM edits WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY n, created_ms, id"
    ids = reader.ids(sql, loan_id=loan_id)
    return reader.find_all(OperatorEdit, ids)


def endpoints(sandbox: Sandbox) -> Sequence[EndpointDoc]:
    """The sandbox's webhook endpoints."""
    return sandbox.endpoints
