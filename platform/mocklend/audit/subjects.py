"""The loans that the checks look at, loaded by one query per kind for a group of loans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct

from mocklend.bureau.checks import Reporting, reporting_of
from mocklend.domain.facts import booking
from mocklend.domain.replay import LoanState, replay, stored_as_of
from mocklend.ledger.invariants import LoanBooks, LoanWorld
from mocklend.ledger.journal import journals_by_chain
from mocklend.lending.books import state_of, terms_of
from mocklend.sandboxes.ids import return_of
from mocklend.storage.entities import Loan, Receipt
from mocklend.storage.facts import BOOKS, facts_by_loan
from mocklend.storage.snapshot import Chosen, SandboxReader, Snapshot, among, between
from mocklend.views import reads
from mocklend.world.reading import loans_in_the_world, world_facts_by_loan

AT_ONCE = 200
"""Loans that are loaded together, so that memory stays bounded."""

WRITTEN = "written"
"""Key of the newest page of a loan, whether or not it is visible yet."""

Certificate = tuple[str, int, str]
"""A settlement certificate: its id, and the number and hash of the transaction that it names."""


class AuditedLoan(Struct, frozen=True, gc=False):
    """A loan: both sides, and what is shown of it. `state` is the stored projection; `sides_agree` if
    world and books have the same facts; `shown` has (version, document JSON) by view.
    """

    loan: Loan
    world: LoanWorld
    books: LoanBooks
    state: LoanState
    sides_agree: bool
    shown: Mapping[str, tuple[int, str]]
    certificates: Sequence[Certificate]
    reporting: Reporting | None
    zone: str
    now_ms: int


class AuditedLoans(Struct, frozen=True):
    """A group of loans that are checked together. `asked_twice` has those of two orders for one debit or request."""

    snapshot: Snapshot
    loans: Sequence[AuditedLoan]
    asked_twice: Sequence[str]


def groups(snapshot: Snapshot) -> Iterator[AuditedLoans]:
    """Yield every loan of a sandbox in groups of `AT_ONCE`, by id."""
    after, full = "", True
    while full:
        loans = snapshot.where(Loan, "id > :after ORDER BY id LIMIT :most", after=after, most=AT_ONCE)
        if loans:
            yield _load(snapshot, loans, between(loans[0].id, loans[-1].id))
            after = loans[-1].id
        full = len(loans) == AT_ONCE


def chosen_groups(snapshot: Snapshot, ids: Sequence[str]) -> Iterator[tuple[AuditedLoans, Chosen]]:
    """Yield the loans with these ids in groups of `AT_ONCE`, each with the choice of its ids; others are left out."""
    for start in range(0, len(ids), AT_ONCE):
        chosen = among(ids[start : start + AT_ONCE])
        loans = snapshot.where(Loan, f"{chosen.by('id')} ORDER BY id", **chosen.parameters)
        if loans:
            yield _load(snapshot, loans, chosen), chosen


# With a column that is in no index: otherwise SQLite prefers to read the whole key, which has all other columns.
_BOOKED_AGAIN = "SELECT loan_id FROM book_facts WHERE sandbox_id = :sandbox_id AND recorded_ms IS NOT NULL AND id"


def loans_of_receipts(snapshot: Snapshot, receipt_ids: Iterable[str]) -> set[str]:
    """Return the loans that have, or had, one of these receipts or its return, on the books or in the world."""
    loans: set[str] = set()
    receipts = sorted(receipt_ids)
    for start in range(0, len(receipts), AT_ONCE):
        some = receipts[start : start + AT_ONCE]
        stored = snapshot.by_id(Receipt, some)
        facts = [fact for id in some for fact in (id, return_of(id))]
        loans |= loans_in_the_world(snapshot, facts)
        again = [
            booking(fact, n)
            for id in some
            if id in stored
            for fact in (id, return_of(id))
            for n in range(1, stored[id].matches + 2)
        ]
        if again:
            loans.update(snapshot.ids_in(_BOOKED_AGAIN, again))
    return loans


def _load(snapshot: Snapshot, loans: Sequence[Loan], chosen: Chosen) -> AuditedLoans:
    books = facts_by_loan(snapshot, BOOKS, chosen)
    world = world_facts_by_loan(snapshot, chosen, books)
    journal = journals_by_chain(snapshot, chosen)
    shown = _pages(snapshot, chosen)
    orders, asked_twice = _orders(snapshot, chosen)
    certificates = _certificates(snapshot, chosen)
    reporting = reporting_of(snapshot, chosen)
    loaded: list[AuditedLoan] = []
    for loan in loans:
        happened, booked = world.get(loan.id, []), books.facts.get(loan.id, [])
        terms, last = terms_of(loan), max([fact.on for fact in happened], default=date.min)
        as_of = stored_as_of(loan.state)
        rebuilt, sides_agree = replay(terms, booked, as_of), happened is booked or happened == booked
        # If both sides are the same, so is their replay.
        true_state = rebuilt if sides_agree and last <= as_of else replay(terms, happened, last)
        on_books = LoanBooks(loan, booked, journal.get(loan.id, []), rebuilt, orders.get(loan.id, {}))
        loaded.append(
            AuditedLoan(
                loan,
                LoanWorld(happened, true_state),
                on_books,
                rebuilt if on_books.agrees else state_of(loan),
                sides_agree,
                shown.get(loan.id, {}),
                certificates.get(loan.id, []),
                reporting.get(loan.id),
                snapshot.sandbox.zone,
                snapshot.now_ms,
            )
        )
    return AuditedLoans(snapshot, loaded, asked_twice)


_PAGES = """SELECT v.loan_id, v.version, v.doc, v.back_ms, v.again_ms,
        v.visible_ms, v.list_ms, v.instalments_ms, v.replica_ms
    FROM loan_views v WHERE v.sandbox_id = :sandbox_id AND {loans} ORDER BY v.loan_id, v.version"""


def _pages(snapshot: Snapshot, loans: Chosen) -> dict[str, dict[str, tuple[int, str]]]:
    """Return by loan and view what is shown: the version and the document."""
    now_ms = snapshot.now_ms
    shown: dict[str, dict[str, tuple[int, str]]] = {}
    sql = _PAGES.format(loans=loans.by("v.loan_id"))
    for loan_id, version, doc, back_ms, again_ms, *moments in snapshot.raw(sql, **loans.parameters):
        of_loan, page = shown.setdefault(loan_id, {}), (version, doc)
        of_loan[WRITTEN] = page
        if back_ms <= now_ms < again_ms:
            continue
        for view, from_ms in zip(reads.FROM_MS, moments, strict=True):
            if from_ms <= now_ms:
                of_loan[view] = page
    return shown


_ORDERS = """SELECT loan_id, id, applied_minor, overpaid_minor, debit_ms, asked_key FROM repayments
    WHERE sandbox_id = :sandbox_id AND {loans}"""


def _orders(reader: SandboxReader, loans: Chosen) -> tuple[dict[str, dict[str, tuple[int, int]]], list[str]]:
    """Return by loan and repayment the applied and overpaid amounts of its row, in minor units.

    And the loans that have two orders for one debit or one request.
    """
    amounts: dict[str, dict[str, tuple[int, int]]] = {}
    asked: set[tuple[str, int | str]] = set()
    asked_twice: set[str] = set()
    sql = _ORDERS.format(loans=loans.by("loan_id"))
    for loan_id, id, applied, over, debit_ms, asked_key in reader.raw(sql, **loans.parameters):
        if loan_id in amounts:
            amounts[loan_id][id] = (applied, over)
        else:
            amounts[loan_id] = {id: (applied, over)}
        for cause in (debit_ms, asked_key):
            if cause is not None:
                if (loan_id, cause) in asked:
                    asked_twice.add(loan_id)
                asked.add((loan_id, cause))
    return amounts, sorted(asked_twice)


_CERTIFICATES = """SELECT id, loan_id, journal_seq, journal_hash FROM certificates
    WHERE sandbox_id = :sandbox_id AND {loans}"""


def _certificates(reader: SandboxReader, loans: Chosen) -> dict[str, list[Certificate]]:
    issued: dict[str, list[Certificate]] = {}
    sql = _CERTIFICATES.format(loans=loans.by("loan_id"))
    for id, loan_id, seq, digest in reader.raw(sql, **loans.parameters):
        issued.setdefault(loan_id, []).append((id, seq, digest))
    return issued
