"""Finding loans and borrowers by what a person knows of one: its id, its reference, or the borrower's name.

        q ─▶ ids that begin with it ─▶ then references ─▶ then names        each a range of an index, in its order

A page goes on where the last one ended: its cursor names the way by which the last loan was found, and the loan. So no
page reads more than it shows, however many loans there are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, TypedDict

from mocklend.domain.nouns import BorrowerId, Currency, LoanId, NextCursor, says
from mocklend.domain.problems import Refused
from mocklend.lending.borrow import BorrowerDoc, borrower_doc
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Borrower, Loan
from mocklend.storage.snapshot import PlatformLayer, SandboxReader, Snapshot
from mocklend.views.reads import LIST, Lists, LoanList, cursor, loans_in_view

BY_ID, NEWEST = "id", "newest"
ORDERS = (BY_ID, NEWEST)
"""The orders of a list of loans."""
WRONG = "wrong"
"""The order of those that are wrong: by id, whatever is looked for among them."""

_IDS = re.compile("[a-z0-9_]{1,80}")
_LAST = "\U0010ffff"
# Ids have small letters and digits, and z is the last of them in every language's order.
_ID_PREFIX = "{row}.id >= :q AND {row}.id <= :q_ids"
_PREFIX = "{column} >= :q AND {column} < :q_end"

_BY_ID = "SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND id > :after ORDER BY id LIMIT :most"
_NEWEST = """SELECT id FROM loans WHERE sandbox_id = :sandbox_id {filters}
    ORDER BY created_ms DESC, id DESC LIMIT :most"""
_OF_BORROWER = """SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND borrower_id = :borrower_id {filters}
    ORDER BY created_ms DESC, id DESC LIMIT :most"""
_REFERENCED = "SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND reference{c} = :reference"
_KNOWN_OF = """SELECT l.created_ms, l.reference, b.name, b.id FROM loans l
    JOIN borrowers b ON b.sandbox_id = l.sandbox_id AND b.id = l.borrower_id
    WHERE l.sandbox_id = :sandbox_id AND l.id = :after"""


class _KnownOf(NamedTuple):
    created_ms: int
    reference: str
    name: str
    borrower_id: str


class Found(NamedTuple):
    """The ids of a list page, and the place after which the next one begins; "" on the last one."""

    ids: list[str]
    after: str


def newest_loans(snapshot: SandboxReader, *, borrower_id: str | None = None, after: str = "", limit: int = 50) -> Found:
    """Loans, the newest first, after a loan's id."""
    values: dict[str, str | int] = {"most": limit + 1}
    behind = ""
    if after:
        behind = "AND (created_ms, id) < (:created_ms, :after)"
        values |= {"created_ms": _known_of(snapshot, after).created_ms, "after": after}
    if borrower_id is not None:
        values["borrower_id"] = borrower_id
    sql = (_NEWEST if borrower_id is None else _OF_BORROWER).format(filters=behind)
    return _page(snapshot.ids(sql, **values), limit)


def loans_by_id(snapshot: SandboxReader, *, after: str = "", limit: int = 50) -> Found:
    """Loans by id, after an id."""
    return _page(snapshot.ids(_BY_ID, after=after, most=limit + 1), limit)


def list_of(listed: Lists, q: str | None, order: str) -> str:
    """The name of a list in its order, which is that of the ways to find it where a text is looked for."""
    return listed.ordered("q" if q is not None and order != WRONG else order)


def _page(ids: list[str], limit: int) -> Found:
    return Found(ids[:limit], ids[limit - 1] if len(ids) > limit else "")


def referenced_loans(snapshot: SandboxReader, reference: str) -> Found:
    """The loan with this reference, if there is one."""
    return Found(snapshot.ids(_REFERENCED.format(c=_bytewise(snapshot)), reference=reference), "")


def matching_loans(snapshot: SandboxReader, q: str, *, after: str = "", limit: int = 50) -> Found:
    """Loans whose id, reference or borrower's name begins with a text, as it is written, after a place in this list."""
    way, _, last = after.partition(".")
    if after and (way not in ("0", "1", "2") or not last):
        raise Refused("validation_failed", "the cursor is invalid", received=after[:64])
    began, ids = int(way or 0), list[str]()
    for n in range(began, 3):
        sql, values = _loans_by(snapshot, n, q, last if n == began else "")
        if sql:
            values |= {"q": q, "q_ids": q + "z" * 40, "q_end": q + _LAST, "most": limit + 1 - len(ids)}
            more = snapshot.ids(sql, **{name: value for name, value in values.items() if f":{name}" in sql})
            if len(ids) + len(more) > limit:
                page = [*ids, *more][:limit]
                # The last one shown may have been found by an earlier way than the one that goes on.
                return Found(page, f"{n}.{page[-1]}" if len(ids) < limit else f"{n - 1}.{page[-1]}")
            ids += more
    return Found(ids, "")


def _loans_by(snapshot: SandboxReader, way: int, q: str, last: str) -> tuple[str, dict[str, str | int]]:
    """The query of one way, for what comes after a loan that it found; "" if it finds nothing."""
    by_bytes, is_id = _bytewise(snapshot), _IDS.fullmatch(q) is not None
    known = _known_of(snapshot, last) if last else None
    values: dict[str, str | int] = {"after": last}
    if way == 0:
        if not is_id:
            return "", values
        where = _ID_PREFIX.format(row="l") + (" AND l.id > :after" if last else "")
        return (
            f"SELECT l.id FROM loans l WHERE l.sandbox_id = :sandbox_id AND {where} ORDER BY l.id LIMIT :most",
            values,
        )
    not_by_id = f" AND NOT ({_ID_PREFIX.format(row='l')})" if is_id else ""
    reference = f"l.reference{by_bytes}"
    if way == 1:
        where = _PREFIX.format(column=reference) + not_by_id
        if known is not None:
            values["key"] = known.reference
            where += f" AND ({reference}, l.id) > (:key, :after)"
        return (
            f"SELECT l.id FROM loans l WHERE l.sandbox_id = :sandbox_id AND {where} "
            f"ORDER BY {reference}, l.id LIMIT :most"
        ), values
    name = f"b.name{by_bytes}"
    where = f"{_PREFIX.format(column=name)}{not_by_id} AND NOT ({_PREFIX.format(column=reference)})"
    if known is not None:
        values |= {"key": known.name, "borrower_id": known.borrower_id}
        # The first condition is a range of the index.
        where += f" AND {name} >= :key AND ({name}, b.id, l.id) > (:key, :borrower_id, :after)"
    return (
        "SELECT l.id FROM borrowers b JOIN loans l ON l.sandbox_id = b.sandbox_id AND l.borrower_id = b.id "
        f"WHERE b.sandbox_id = :sandbox_id AND {where} "
        f"ORDER BY {name}, b.id, l.id LIMIT :most"
    ), values


def _known_of(snapshot: SandboxReader, loan_id: str) -> _KnownOf:
    rows = snapshot.rows(_KnownOf, _KNOWN_OF, after=loan_id)
    if not rows:
        raise Refused("validation_failed", "the cursor is invalid", received=loan_id[:64])
    return rows[0]


def _bytewise(snapshot: SandboxReader) -> str:
    """PostgreSQL orders texts by the language of the database, and a prefix is a range only in the order of bytes."""
    return ' COLLATE "C"' if snapshot.connection.dialect.name == "postgresql" else ""


def found_loans(
    snapshot: Snapshot,
    *,
    q: str | None = None,
    reference: str | None = None,
    borrower_id: str | None = None,
    status: str | None = None,
    order: str = BY_ID,
    after: str = "",
    limit: int = 50,
) -> LoanList:
    """A list page of loans that were looked for, or of the newest, as the list shows each.

    A loan that does not meet the other conditions is left out, so a page may be short although there are more.
    """
    found = _found(snapshot, q, reference, borrower_id if q is None else None, order, after, limit)
    docs = {doc["id"]: doc for doc in loans_in_view(snapshot, LIST, found.ids)}
    listed = [docs[id] for id in found.ids if id in docs]
    return LoanList(
        loans=[doc for doc in listed if borrower_id in (None, doc["borrower_id"]) and status in (None, doc["status"])],
        next_cursor=cursor(list_of(Lists.LOANS, q, order), found.after) if found.after else None,
    )


def _found(
    snapshot: Snapshot,
    q: str | None,
    reference: str | None,
    borrower_id: str | None,
    order: str,
    after: str,
    limit: int,
) -> Found:
    if reference is not None:
        return referenced_loans(snapshot, reference)
    if q is not None:
        return matching_loans(snapshot, q, after=after, limit=limit)
    if order == NEWEST:
        return newest_loans(snapshot, borrower_id=borrower_id, after=after, limit=limit)
    return loans_by_id(snapshot, after=after, limit=limit)


class FoundLoan(TypedDict):
    """A loan by the books, and what is wrong about it."""

    id: LoanId
    reference: Annotated[str, says("The client's own reference for the loan.")]
    borrower_id: BorrowerId
    borrower_name: Annotated[str, says("The borrower's full name.")]
    currency: Currency
    principal_minor: Annotated[int, says("The principal that was lent, in minor units.")]
    outstanding_principal_minor: Annotated[int, says("The principal that is not paid back, in minor units.")]
    status: Annotated[str, says("The loan's status by the books.")]
    page_status: Annotated[str | None, says("The status that its status page shows; null if it shows no version.")]
    created_at: Annotated[str, says("When it was lent. RFC 3339, on the sandbox's clock.")]
    open_entries: Annotated[
        int | None,
        says("How many entries of the answer key are open on it; null without a fault layer, and for those who may not "
             "see the truth."),
    ]  # fmt: skip


class FoundLoans(TypedDict):
    """A list page of loans by the books."""

    loans: Annotated[list[FoundLoan], says("The loans of this list page.")]
    next_cursor: NextCursor | None


def loans_with_entries(
    snapshot: Snapshot,
    layer: PlatformLayer | None,
    *,
    wrong: bool = False,
    q: str | None = None,
    order: str = NEWEST,
    after: str = "",
    limit: int = 50,
    shows_truth: bool = True,
) -> FoundLoans:
    """A list page of loans with their open entries; `wrong`: only those that have one, by id.

    With `wrong` and `q` together a page may be short although there are more.
    """
    if wrong:
        ids = list(layer.wrong_loans(snapshot, after, limit + 1)) if layer is not None and shows_truth else []
        found = _page(ids, limit)
    else:
        found = _found(snapshot, q, None, None, order, after, limit)
    open_entries = layer.wrong_among(snapshot, found.ids) if layer is not None and shows_truth else None
    rows = _rows(snapshot, found.ids, open_entries)
    if wrong and q is not None:
        rows = [row for row in rows if any(known.startswith(q) for known in _known(row))]
    of = list_of(Lists.FOUND_LOANS, q, WRONG if wrong else order)
    return FoundLoans(loans=rows, next_cursor=cursor(of, found.after) if found.after else None)


def _known(row: FoundLoan) -> tuple[str, str, str]:
    return row["id"], row["reference"], row["borrower_name"]


def _rows(snapshot: Snapshot, ids: Sequence[str], open_entries: Mapping[str, int] | None) -> list[FoundLoan]:
    loans = snapshot.find_all(Loan, ids)
    names = {
        borrower.id: borrower.name for borrower in snapshot.find_all(Borrower, [loan.borrower_id for loan in loans])
    }
    shown = {doc["id"]: doc["status"] for doc in loans_in_view(snapshot, "page", ids)}
    return [
        FoundLoan(
            id=loan.id,
            reference=loan.reference,
            borrower_id=loan.borrower_id,
            borrower_name=names.get(loan.borrower_id, ""),
            currency=loan.currency,
            principal_minor=loan.principal_minor,
            outstanding_principal_minor=loan.outstanding_principal_minor,
            status=loan.status,
            page_status=shown.get(loan.id),
            created_at=rfc3339(loan.created_ms),
            open_entries=None if open_entries is None else open_entries.get(loan.id, 0),
        )
        for loan in loans
    ]


class BorrowerList(TypedDict):
    """A list page of borrowers."""

    borrowers: Annotated[list[BorrowerDoc], says("The borrowers of this list page.")]
    next_cursor: NextCursor | None


def borrowers(snapshot: SandboxReader, *, q: str | None = None, after: str = "", limit: int = 50) -> BorrowerList:
    """A list page of borrowers by id; with `q`, those whose id, reference or name begins with it, in this order."""
    if q is None:
        listed = snapshot.where(Borrower, "id > :after ORDER BY id LIMIT :most", after=after, most=limit + 1)
        last = listed[limit - 1].id if len(listed) > limit else ""
    else:
        listed, last = _matching_borrowers(snapshot, q, after, limit)
    return BorrowerList(
        borrowers=[borrower_doc(borrower) for borrower in listed[:limit]],
        next_cursor=cursor(list_of(Lists.BORROWERS, q, BY_ID), last) if last else None,
    )


def _matching_borrowers(snapshot: SandboxReader, q: str, after: str, limit: int) -> tuple[list[Borrower], str]:
    way, _, last_id = after.partition(".")
    if after and (way not in ("0", "1", "2") or not last_id):
        raise Refused("validation_failed", "the cursor is invalid", received=after[:64])
    by_bytes, is_id, began = _bytewise(snapshot), _IDS.fullmatch(q) is not None, int(way or 0)
    last = snapshot.find(Borrower, last_id) if last_id else None
    if last_id and last is None:
        raise Refused("validation_failed", "the cursor is invalid", received=after[:64])
    listed: list[Borrower] = []
    columns = ("id", f"reference{by_bytes}", f"name{by_bytes}")
    for n in range(began, 3):
        if n == 0 and not is_id:
            continue
        matches = ["id >= :q AND id <= :q_ids" if is_id else "1 = 0", *(_PREFIX.format(column=c) for c in columns[1:])]
        where = " AND ".join([f"({matches[n]})", *(f"NOT ({match})" for match in matches[:n])])
        values: dict[str, str | int] = {
            "q": q,
            "q_ids": q + "z" * 40,
            "q_end": q + _LAST,
            "most": limit + 1 - len(listed),
        }
        if n == began and last is not None:
            where += f" AND ({columns[n]}, id) > (:key, :after)"
            values |= {"key": (last.id, last.reference, last.name)[n], "after": last.id}
        sql = f"{where} ORDER BY {columns[n]}, id LIMIT :most"
        more = snapshot.where(Borrower, sql, **{name: value for name, value in values.items() if f":{name}" in sql})
        if len(listed) + len(more) > limit:
            page = [*listed, *more][:limit]
            return [*page, more[-1]], f"{n if len(listed) < limit else n - 1}.{page[-1].id}"
        listed += more
    return listed, ""
