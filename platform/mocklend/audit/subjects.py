"""The loans that the checks look at, loaded by one query per kind for a group of loans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from mocklend.bureau.checks import Reporting, reporting_of
from mocklend.domain.replay import replay
from mocklend.ledger.invariants import LoanBooks, LoanWorld
from mocklend.ledger.journal import journals
from mocklend.lending.books import state_of, terms_of
from mocklend.storage.entities import Loan
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.views import reads
from mocklend.world.reading import world_facts_of

AT_ONCE = 200
"""Loans that are loaded together, so that memory stays bounded."""

WRITTEN = "written"
"""Key of the newest page of a loan, whether or not it is visible yet."""

Certificate = tuple[str, int, str]
"""A settlement certificate: its id, and the number and hash of the transaction that it names."""


@dataclass(frozen=True, slots=True)
class AuditedLoan:
    """A loan: both sides, and what is shown of it. `shown` has (version, document JSON) by view."""

    loan: Loan
    world: LoanWorld
    books: LoanBooks
    shown: Mapping[str, tuple[int, str]]
    certificates: Sequence[Certificate]
    reporting: Reporting | None
    zone: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class AuditedLoans:
    """A group of loans that are checked together."""

    snapshot: Snapshot
    loans: Sequence[AuditedLoan]


def groups(snapshot: Snapshot) -> Iterator[AuditedLoans]:
    """Yield every loan of a sandbox in groups of `AT_ONCE`, by id."""
    after, full = "", True
    while full:
        loans = snapshot.where(Loan, "id > :after ORDER BY id LIMIT :most", after=after, most=AT_ONCE)
        if loans:
            yield AuditedLoans(snapshot, _load(snapshot, loans))
            after = loans[-1].id
        full = len(loans) == AT_ONCE


def _load(snapshot: Snapshot, loans: Sequence[Loan]) -> list[AuditedLoan]:
    ids = [loan.id for loan in loans]
    world = world_facts_of(snapshot, ids)
    books = facts_of(snapshot, BOOKS, ids)
    journal = journals(snapshot, ids)
    shown = _pages(snapshot, ids)
    orders = _orders(snapshot, ids)
    certificates = _certificates(snapshot, ids)
    reporting = reporting_of(snapshot, ids)
    loaded: list[AuditedLoan] = []
    for loan in loans:
        happened, booked = world[loan.id], books[loan.id]
        terms, last = terms_of(loan), max((fact.on for fact in happened), default=date.min)
        as_of = state_of(loan).as_of
        rebuilt = replay(terms, booked, as_of)
        # If both sides are the same, so is their replay.
        true_state = rebuilt if happened == booked and last <= as_of else replay(terms, happened, last)
        loaded.append(
            AuditedLoan(
                loan,
                LoanWorld(happened, true_state),
                LoanBooks(loan, booked, journal[loan.id], rebuilt, orders.get(loan.id, {})),
                shown.get(loan.id, {}),
                certificates.get(loan.id, []),
                reporting.get(loan.id),
                snapshot.sandbox.zone,
                snapshot.now_ms,
            )
        )
    return loaded


_PAGES = """SELECT v.loan_id, v.version, v.doc, v.back_ms, v.again_ms,
        v.visible_ms, v.list_ms, v.instalments_ms, v.replica_ms
    FROM loan_views v WHERE v.sandbox_id = :sandbox_id AND v.loan_id >= :first AND v.loan_id <= :last
    ORDER BY v.loan_id, v.version"""


class _Page(NamedTuple):
    loan_id: str
    version: int
    doc: str
    back_ms: int
    again_ms: int
    visible_ms: int
    list_ms: int
    instalments_ms: int
    replica_ms: int


class _Order(NamedTuple):
    loan_id: str
    id: str
    applied_minor: int
    overpaid_minor: int


class _Issued(NamedTuple):
    id: str
    loan_id: str
    journal_seq: int
    journal_hash: str


def _pages(snapshot: Snapshot, ids: Sequence[str]) -> dict[str, dict[str, tuple[int, str]]]:
    """Return by loan and view what is shown: the version and the document."""
    now_ms = snapshot.now_ms
    shown: dict[str, dict[str, tuple[int, str]]] = {}
    for loan_id, version, doc, back_ms, again_ms, *moments in snapshot.rows(_Page, _PAGES, first=ids[0], last=ids[-1]):
        of_loan = shown.setdefault(loan_id, {})
        of_loan[WRITTEN] = (version, doc)
        for view, from_ms in zip(reads.FROM_MS, moments, strict=True):
            if from_ms <= now_ms and not back_ms <= now_ms < again_ms:
                of_loan[view] = (version, doc)
    return shown


_ORDERS = """SELECT loan_id, id, applied_minor, overpaid_minor FROM repayments
    WHERE sandbox_id = :sandbox_id AND loan_id >= :first AND loan_id <= :last ORDER BY id"""


def _orders(reader: SandboxReader, ids: Sequence[str]) -> dict[str, dict[str, tuple[int, int]]]:
    """Return by loan and repayment the applied and overpaid amounts of its row, in minor units."""
    amounts: dict[str, dict[str, tuple[int, int]]] = {}
    for loan_id, id, applied, over in reader.rows(_Order, _ORDERS, first=ids[0], last=ids[-1]):
        amounts.setdefault(loan_id, {})[id] = (applied, over)
    return amounts


_CERTIFICATES = """SELECT id, loan_id, journal_seq, journal_hash FROM certificates
    WHERE sandbox_id = :sandbox_id AND loan_id >= :first AND loan_id <= :last ORDER BY id"""


def _certificates(reader: SandboxReader, ids: Sequence[str]) -> dict[str, list[Certificate]]:
    issued: dict[str, list[Certificate]] = {}
    for id, loan_id, seq, digest in reader.rows(_Issued, _CERTIFICATES, first=ids[0], last=ids[-1]):
        issued.setdefault(loan_id, []).append((id, seq, digest))
    return issued
