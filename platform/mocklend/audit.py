"""The audit: world against books against views. It reads the facts themselves and never asks a fault layer.

    discrepancies(world, books, views)  ==  open entries of the answer key

That identity is only worth something because the two sides are worked out apart: here from what is on record, there
from what a fault did.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from mocklend.bureau import checks as bureau
from mocklend.channels.channel import channels
from mocklend.channels.payments import LATE_FAILED
from mocklend.channels.statements.files import v7_files_are_what_moved
from mocklend.domain.facts import (
    LATE_FAILURE,
    MARK,
    MOVED,
    RECEIPT,
    REVERSAL,
    SECOND_RECEIPT,
    Fact,
    booked,
    standing,
)
from mocklend.domain.finding import Finding
from mocklend.domain.people import same_person
from mocklend.domain.replay import LoanState, replay
from mocklend.ledger import invariants
from mocklend.ledger.journal import Posted, balances, journals
from mocklend.lending.books import state_of, terms_of
from mocklend.lending.checks import quotes_are_what_the_books_asked_for
from mocklend.sandboxes.ids import callback_of, channel_chain, receipt_behind, repayment_of
from mocklend.sandboxes.moments import rfc3339
from mocklend.servicing.truth import decisions_are_true
from mocklend.storage.entities import Callback, Loan, Receipt
from mocklend.storage.facts import BOOKS, WORLD, facts_of
from mocklend.storage.stores import entities, load_all, rows, select_in
from mocklend.storage.work import Sandbox
from mocklend.views import reads
from mocklend.views.pages import versions
from mocklend.views.render import loan_doc, wrong_mark

AT_ONCE = 200
"""Loans that are looked at together: memory stays bounded, however many there are."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Two records that disagree: what a reconciler should find."""

    finding: Finding
    loan_id: str | None
    detail: str

    def to_json(self) -> dict[str, Any]:
        """As the audit's JSON has it."""
        return {
            "class": self.finding.finding_class,
            "entity": self.finding.entity,
            "loan_id": self.loan_id,
            "amount_minor": self.finding.amount_minor,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class InTransit:
    """Money that is merely on its way: no discrepancy, and shown with its age."""

    entity: str
    loan_id: str | None
    since_ms: int
    detail: str

    def to_json(self, now_ms: int) -> dict[str, Any]:
        """As the audit's JSON has it."""
        return {
            "entity": self.entity,
            "loan_id": self.loan_id,
            "since": rfc3339(self.since_ms),
            "age_s": max(0, now_ms - self.since_ms) // 1000,
            "detail": self.detail,
        }


@dataclass(slots=True)
class Audit:
    """What an audit found, at one moment of the sandbox's clock."""

    now_ms: int
    discrepancies: list[Discrepancy] = field(default_factory=list)
    in_transit: list[InTransit] = field(default_factory=list)
    loans: int = 0

    @property
    def clean(self) -> bool:
        """Nothing disagrees."""
        return not self.discrepancies

    def broken(self) -> Mapping[str, list[str]]:
        """The invariants that do not hold, by name, with what is wrong."""
        found: dict[str, list[str]] = {}
        for one in self.discrepancies:
            if one.finding.finding_class in ("books_invariant", "world_invariant"):
                name, _, detail = one.detail.partition(": ")
                found.setdefault(name, []).append(detail)
        return found

    def to_json(self) -> dict[str, Any]:
        """The audit, without what a fault layer may add."""
        broken = self.broken()
        return {
            "now": rfc3339(self.now_ms),
            "clean": self.clean,
            "loans": self.loans,
            "discrepancies": [one.to_json() for one in self.discrepancies],
            "in_transit": [one.to_json(self.now_ms) for one in self.in_transit],
            "invariants": [
                {"name": name, "holds": name not in broken, "states": states, "detail": broken.get(name, [])}
                for name, states in invariants.STATEMENTS.items()
            ],
        }


def audit(connection: Connection, sandbox_id: str, now_ms: int) -> Audit:
    """Look at every loan of a sandbox, in one snapshot."""
    found = Audit(now_ms)
    sandbox: Sandbox = _one(connection, sandbox_id, "sandbox", sandbox_id)
    for group in _groups(connection, sandbox_id):
        ids = [loan.id for loan in group]
        world = facts_of(connection, WORLD, sandbox_id, ids)
        books = facts_of(connection, BOOKS, sandbox_id, ids)
        journal = journals(connection, sandbox_id, ids)
        pages = _pages(connection, sandbox_id, ids, now_ms)
        orders = _orders(connection, sandbox_id, ids)
        found.discrepancies += _certificates(connection, sandbox_id, ids, journal)
        reporting = bureau.reporting_of(connection, sandbox_id, ids)
        missing: list[tuple[str | None, Fact]] = []
        second = _second_receipts(connection, sandbox_id, books)
        elsewhere = _elsewhere(connection, sandbox_id, world, books)
        for loan in group:
            found.loans += 1
            found.discrepancies += _each_alone(
                loan, world[loan.id], books[loan.id], journal[loan.id], orders.get(loan.id, {})
            )
            found.discrepancies += _page(loan, pages.get(loan.id, {}))
            missing += _books_against_world(loan, world[loan.id], books[loan.id], second, elsewhere[loan.id], found)
            if loan.id in reporting:
                _bureau(loan, books[loan.id], reporting[loan.id], sandbox.zone, found)
        _missing(connection, sandbox_id, missing, found)
    found.discrepancies += _sandbox_alone(connection, sandbox, found)
    found.discrepancies.sort(key=lambda one: (one.loan_id or "", one.finding.finding_class, one.finding.entity))
    return found


def _groups(connection: Connection, sandbox_id: str) -> Iterator[list[Loan]]:
    after, full = "", True
    while full:
        page = {"after": after, "most": AT_ONCE}
        group: list[Loan] = entities(connection, "loan", sandbox_id, "id > :after ORDER BY id LIMIT :most", page)
        if group:
            yield group
            after = group[-1].id
        full = len(group) == AT_ONCE


def _live(facts: Sequence[Fact]) -> dict[str, Fact]:
    """What moves something and counts, each event once. A mark moves nothing; what it pins is looked at on the page.

    A receipt that failed late did happen, and so did its failure: each side should have both.
    """
    left = standing(facts)
    return {
        booked(fact.id): fact
        for fact in facts
        if fact.kind not in (REVERSAL, MARK, MOVED) and fact.id not in left.gone | left.undone
    }


def _crossed(loan: Loan, world: Sequence[Fact], books: Sequence[Fact], found: Audit) -> set[str]:
    """The reversals that took back something else than was meant. Each is one break; all else is held side by side."""
    meant = {fact.id: fact.reverses for fact in world if fact.kind == REVERSAL}
    crossed = {
        fact.id for fact in books if fact.kind == REVERSAL and meant.get(fact.id, fact.reverses) != fact.reverses
    }
    counts = crossed - standing(books).undone
    amounts = {booked(fact.id): fact.amount_minor for fact in world} if counts else {}
    for fact in books:
        if fact.id in counts:
            stake = amounts.get(meant[fact.id] or "", 0)
            detail = f"{fact.reverses} was reversed, and {meant[fact.id]} was meant"
            found.discrepancies.append(Discrepancy(Finding("misapplied", fact.id, stake), loan.id, detail))
    return crossed


def _denied(books: Sequence[Fact], seen: Set[str]) -> dict[str, Fact]:
    """What counts on the books but for reversals that nobody decided: how it was booked is a question of its own."""
    decided = [fact for fact in books if fact.kind != REVERSAL or fact.id in seen]
    return {} if len(decided) == len(books) else _live(decided)


def _failed(facts: Sequence[Fact]) -> frozenset[str]:
    """What its channel has taken back. How it was booked before makes no difference any more."""
    left = standing(facts)
    return frozenset(booked(id) for id in left.void - left.undone)


def _told(fact: Fact) -> tuple[int, date, str | None, str | None]:
    return (fact.at_ms, fact.on, fact.channel, fact.scope)


def _books_against_world(
    loan: Loan,
    world: Sequence[Fact],
    books: Sequence[Fact],
    second: Mapping[str, str],
    elsewhere: Set[str],
    found: Audit,
) -> list[tuple[str | None, Fact]]:
    """C1, C2: each event once, with one amount, on both sides. Then every balance agrees, by one `replay`.

    `second` has the order behind each second receipt. Gives back what happened and is not on the books. What happened
    `elsewhere`, to another loan, is told of there.
    """
    crossed = _crossed(loan, world, books, found)
    world = [fact for fact in world if fact.id not in crossed]
    books = [fact for fact in books if fact.id not in crossed]
    happened, known = _live(world), _live(books)
    seen = {fact.id for fact in world}
    denied = _denied(books, seen)
    came_to_nothing = _failed(world) & _failed(books)
    missing: list[tuple[str | None, Fact]] = []
    for id, fact in happened.items():
        mine = known.get(id)
        if mine is None:
            missing.append((loan.id, fact))
            mine = denied.get(id, fact)
        if mine.amount_minor != fact.amount_minor or mine.edit_kind != fact.edit_kind:
            detail = f"meant or paid {fact.amount_minor}, on the books {mine.amount_minor}"
            stake = abs(mine.amount_minor - fact.amount_minor)
            found.discrepancies.append(Discrepancy(Finding("amount_mismatch", id, stake), loan.id, detail))
        elif id not in came_to_nothing and _told(mine) != _told(fact):
            detail = f"{mine.kind} of {mine.on} through {mine.channel}, really of {fact.on} through {fact.channel}"
            found.discrepancies.append(Discrepancy(Finding("misapplied", id, fact.amount_minor), loan.id, detail))
    for id, fact in known.items():
        if id not in happened and second.get(id) in seen:
            detail = f"{fact.amount_minor} is on the books besides the receipt of {second[id]}, which was paid once"
            found.discrepancies.append(
                Discrepancy(Finding("duplicate_in_books", id, fact.amount_minor), loan.id, detail)
            )
        elif id not in happened and id not in elsewhere:
            finding_class = "unsupported" if fact.channel is None else "missing_in_channel"
            detail = f"the books have a {fact.kind} of {fact.amount_minor} that never happened"
            found.discrepancies.append(Discrepancy(Finding(finding_class, id, abs(fact.amount_minor)), loan.id, detail))
    return missing


def _second_receipts(connection: Connection, sandbox_id: str, books: Mapping[str, Sequence[Fact]]) -> dict[str, str]:
    """The order behind each second receipt on the books of some loans, in one query for all of them."""
    ids = [fact.id for facts in books.values() for fact in facts if fact.kind == SECOND_RECEIPT]
    known: dict[Any, Receipt] = load_all(connection, [(sandbox_id, ("receipt", id)) for id in ids])
    return {id: repayment_of(receipt.out_trade_no) for (_, (_, id)), receipt in known.items()}


_WHOSE = "SELECT id, loan_id FROM world_facts WHERE sandbox_id = :sandbox_id AND loan_id <> '' AND id"


def _elsewhere(
    connection: Connection, sandbox_id: str, world: Mapping[str, Sequence[Fact]], books: Mapping[str, Sequence[Fact]]
) -> dict[str, set[str]]:
    """What of push payments the books have on these loans and the world has on others."""
    strays = {
        loan_id: {
            id
            for id, fact in _live(facts).items()
            if fact.kind in (RECEIPT, LATE_FAILURE) and receipt_behind(id).startswith("rct_")
        }
        - _live(world[loan_id]).keys()
        for loan_id, facts in books.items()
    }
    wanted = sorted(set(chain.from_iterable(strays.values())))
    if not wanted:
        return strays
    whose = {row[0] for row in select_in(connection, _WHOSE, wanted, {"sandbox_id": sandbox_id})}
    return {loan_id: ids & whose for loan_id, ids in strays.items()}


def _missing(connection: Connection, sandbox_id: str, missing: Sequence[tuple[str | None, Fact]], found: Audit) -> None:
    """What happened and the books do not have, a query a kind for all of it: on its way, or lost?"""
    for start in range(0, len(missing), AT_ONCE):
        some = missing[start : start + AT_ONCE]
        keys = [("receipt", receipt_behind(fact.id)) for _, fact in some] + [
            ("callback", callback_of(fact.id)) for _, fact in some
        ]
        known = load_all(connection, [(sandbox_id, key) for key in keys])
        for loan_id, fact in some:
            receipt = known[(sandbox_id, ("receipt", receipt_behind(fact.id)))]
            _lost_or_on_its_way(loan_id, fact, receipt, known[(sandbox_id, ("callback", callback_of(fact.id)))], found)


def _lost_or_on_its_way(
    loan_id: str | None, fact: Fact, receipt: Receipt | None, callback: Callback | None, found: Audit
) -> None:
    if receipt is not None and receipt.state == LATE_FAILED and (receipt.loan_id is None or receipt.loan_id != loan_id):
        return  # It came and went before anybody knew whose it was; another chain has both.
    if receipt is not None and receipt.loan_id not in (None, loan_id) and fact.kind == RECEIPT:
        detail = f"{receipt.amount_minor} through {receipt.channel} is on {receipt.loan_id}, and belongs to {loan_id}"
        found.discrepancies.append(Discrepancy(Finding("misapplied", fact.id, fact.amount_minor), loan_id, detail))
        return
    if receipt is not None and receipt.loan_id is None and fact.kind == RECEIPT:
        typed = f"{receipt.payer_name!r} typed {receipt.payer_reference!r}"
        detail = f"{receipt.amount_minor} through {receipt.channel} is unapplied: {typed}"
        found.discrepancies.append(Discrepancy(Finding("unidentified", fact.id, fact.amount_minor), loan_id, detail))
        return
    if callback is not None and callback.attempts == 0 and callback.due_ms is not None:
        found.in_transit.append(InTransit(fact.id, loan_id, fact.at_ms, f"{callback.channel} is about to call back"))
        return
    if fact.kind == LATE_FAILURE:
        # Whatever the books have heard of it, the money is not there: this is how a reconciler sees it too.
        detail = f"{fact.channel} took back {fact.amount_minor} at {rfc3339(fact.at_ms)}, and the books do not know"
        finding = Finding("missing_in_channel", receipt_behind(fact.id), fact.amount_minor)
        found.discrepancies.append(Discrepancy(finding, loan_id, detail))
        return
    tried = f"{callback.attempts} attempts, {callback.state}" if callback else "no callback"
    detail = f"{fact.kind} of {fact.amount_minor} at {rfc3339(fact.at_ms)} is not on the books: {tried}"
    found.discrepancies.append(Discrepancy(Finding("missing_in_books", fact.id, fact.amount_minor), loan_id, detail))


def _one(connection: Connection, sandbox_id: str, kind: str, id: str) -> Any:
    return load_all(connection, [(sandbox_id, (kind, id))])[(sandbox_id, (kind, id))]


def _each_alone(
    loan: Loan,
    world: Sequence[Fact],
    books: Sequence[Fact],
    journal: Sequence[Posted],
    orders: Mapping[str, tuple[int, int]],
) -> Iterator[Discrepancy]:
    """W of the world's facts, B of the books'. Where they are the same, the one replay goes on to be the other."""
    terms, last = terms_of(loan), max((fact.on for fact in world), default=date.min)
    state: LoanState = replay(terms, world, last)
    for name, detail in invariants.world(world, state):
        yield Discrepancy(Finding("world_invariant", loan.id, 0), loan.id, f"{name}: {detail}")
    as_of = date.fromisoformat(json.loads(loan.state)["as_of"])
    if world == books and last <= as_of:
        state.touch(as_of)
    else:
        state = replay(terms, books, as_of)
    for name, detail in chain(invariants.books(loan, books, journal, state), invariants.orders(orders, state)):
        yield Discrepancy(Finding("books_invariant", loan.id, 0), loan.id, f"{name}: {detail}")


_ORDERS = """SELECT loan_id, id, applied_minor, overpaid_minor FROM repayments
    WHERE sandbox_id = :sandbox_id AND loan_id >= :first AND loan_id <= :last ORDER BY id"""


def _orders(connection: Connection, sandbox_id: str, ids: Sequence[str]) -> dict[str, dict[str, tuple[int, int]]]:
    """What the rows of some loans' repayments say, applied and overpaid."""
    said: dict[str, dict[str, tuple[int, int]]] = {}
    for loan_id, id, applied, over in rows(
        connection, _ORDERS, {"sandbox_id": sandbox_id, "first": ids[0], "last": ids[-1]}
    ):
        said.setdefault(loan_id, {})[id] = (applied, over)
    return said


def _page(loan: Loan, shown: Mapping[str, tuple[int, str]]) -> Iterator[Discrepancy]:
    """V1, V4: the newest version is on every view of the loan, and the page says what that version says."""
    newest = versions(loan)[-1]
    behind = [view for view in reads.FROM_MS if view not in shown or shown[view][0] != loan.version]
    if behind:
        view = behind[0]
        nothing: dict[str, Any] = {"status": None, "outstanding_minor": 0, "version": 0}
        said = json.loads(shown[view][1]) if view in shown else nothing
        # At stake is what the page was behind by when this version was made to wait: it may catch up in steps.
        stake = newest.behind_minor
        if stake is None:
            stake = abs(newest.outstanding_minor - said["outstanding_minor"])
        detail = f"the {view} shows version {said['version']} ({said['status']}), the books are at {loan.version}"
        yield Discrepancy(Finding("stale_view", loan.id, stake), loan.id, f"{detail} ({newest.status})")
    if _WRITTEN in shown and shown[_WRITTEN][0] == loan.version:
        yield from _what_it_says(loan, json.loads(shown[_WRITTEN][1]))
    if loan.missed_ms is not None:
        detail = f"the run of {rfc3339(loan.missed_ms)} left it out: it still says {loan.status}"
        yield Discrepancy(Finding("left_behind", loan.id, 0), loan.id, detail)
    mark = wrong_mark(loan)
    if mark:
        detail = f"edit {mark['edit_id']} marked the bill {mark['status']}, the books derive {loan.status}"
        yield Discrepancy(Finding("status_mismatch", loan.id, 0), loan.id, detail)


def _what_it_says(loan: Loan, said: Mapping[str, Any]) -> Iterator[Discrepancy]:
    """V4: the newest page, seen already or on its way, against the books. Its balance is kept apart and may be off."""
    wanted = loan_doc(loan, state_of(loan), 0) | {"as_of": said["as_of"]}
    off = said["outstanding_minor"] - wanted["outstanding_minor"]
    detail = f"version {loan.version} says {said['status']}, {said['outstanding_minor']}"
    if said != wanted | {"outstanding_minor": said["outstanding_minor"]}:
        yield Discrepancy(Finding("books_invariant", loan.id, 0), loan.id, f"V4: {detail}, not what it is")
    elif off:
        detail += f", the books have {wanted['outstanding_minor']} outstanding"
        yield Discrepancy(Finding("wrong_view", loan.id, abs(off)), loan.id, detail)


_CERTIFICATES = """SELECT id, loan_id, journal_seq, journal_hash FROM certificates
    WHERE sandbox_id = :sandbox_id AND loan_id >= :first AND loan_id <= :last ORDER BY id"""


def _certificates(
    connection: Connection, sandbox_id: str, ids: Sequence[str], journal: Mapping[str, Sequence[Posted]]
) -> Iterator[Discrepancy]:
    """V8: what was issued rests on books that said CLEAR then."""
    scope = {"sandbox_id": sandbox_id, "first": ids[0], "last": ids[-1]}
    for id, loan_id, seq, digest in rows(connection, _CERTIFICATES, scope):
        for name, detail in invariants.certificate(id, seq, digest, journal[loan_id]):
            yield Discrepancy(Finding("books_invariant", id, 0), loan_id, f"{name}: {detail}")


def _bureau(loan: Loan, facts: Sequence[Fact], known: bureau.Reporting, zone: str, found: Audit) -> None:
    """V5: what the bureau shows is what the books said; what it does not show yet is in transit."""
    said = bureau.v5_published_is_what_the_books_said(loan, facts, known, found.now_ms)
    for finding, detail in chain(said, bureau.late_or_lost(known, found.now_ms, zone)):
        found.discrepancies.append(Discrepancy(finding, loan.id, detail))
    for record, detail in bureau.on_its_way(known, found.now_ms):
        found.in_transit.append(InTransit(record.id, loan.id, record.cut_ms, detail))


_WRITTEN = "written"
"""Beside what is seen: the newest page there is, whether or not anybody sees it yet."""

_PAGES = """SELECT v.loan_id, v.version, v.doc, v.back_ms, v.again_ms,
        v.visible_ms, v.list_ms, v.instalments_ms, v.replica_ms
    FROM loan_views v WHERE v.sandbox_id = :sandbox_id AND v.loan_id >= :first AND v.loan_id <= :last
    ORDER BY v.loan_id, v.version"""


def _pages(
    connection: Connection, sandbox_id: str, ids: Sequence[str], now_ms: int
) -> dict[str, dict[str, tuple[int, str]]]:
    """What each view of each loan shows: the version and the document."""
    scope = {"sandbox_id": sandbox_id, "first": ids[0], "last": ids[-1]}
    shown: dict[str, dict[str, tuple[int, str]]] = {}
    for loan_id, version, doc, back_ms, again_ms, *moments in rows(connection, _PAGES, scope):
        of_loan = shown.setdefault(loan_id, {})
        of_loan[_WRITTEN] = (version, doc)
        for view, from_ms in zip(reads.FROM_MS, moments, strict=True):
            if from_ms <= now_ms and not back_ms <= now_ms < again_ms:
                of_loan[view] = (version, doc)
    return shown


def _sandbox_alone(connection: Connection, sandbox: Sandbox, found: Audit) -> Iterator[Discrepancy]:
    """What holds over all loans: the trial balance, each channel's clearing account, and its own chain."""
    sandbox_id = sandbox.id
    scores = bureau.v6_scores_follow_from_published_records(connection, sandbox_id, sandbox.zone, found.now_ms)
    for finding, detail in chain(scores, bureau.copies_are_renewed(connection, sandbox_id)):
        yield Discrepancy(finding, None, detail)
    for id, loan_id in rows(connection, _UNANSWERED, {"sandbox_id": sandbox_id, "now_ms": found.now_ms}):
        yield Discrepancy(Finding("deadline_missed", id, 0), loan_id, "the desk gets to it after its answer was due")
    for id, loan_id, amount, operator, approver in rows(connection, _UNAPPROVED, {"sandbox_id": sandbox_id}):
        if approver is None or same_person(operator, approver):
            detail = "a second person had to look at it, and nobody did"
            yield Discrepancy(Finding("unapproved", id, amount), loan_id, detail)
    for finding, loan_id, detail in decisions_are_true(connection, sandbox_id):
        yield Discrepancy(finding, loan_id, detail)
    for finding, loan_id, detail in quotes_are_what_the_books_asked_for(connection, sandbox_id, found.now_ms):
        yield Discrepancy(finding, loan_id, detail)
    for finding, detail in v7_files_are_what_moved(connection, sandbox, found.now_ms):
        yield Discrepancy(finding, None, detail)
    for id, loan_id, amount, what in rows(connection, _ORDERED_TWICE, {"sandbox_id": sandbox_id}):
        detail = f"one debit of {amount} ordered twice" if what == "debit" else f"one request for {amount}, two orders"
        yield Discrepancy(Finding("duplicate_in_channel", id, amount), loan_id, detail)
    for id, loan_id, purpose, channel, amount in rows(connection, _STUCK, {"sandbox_id": sandbox_id}):
        detail = f"the books promised a {purpose} of {amount} that {channel} has neither paid nor refused"
        yield Discrepancy(Finding("missing_in_channel", id, amount), loan_id, detail)
    nobodys: list[tuple[str | None, Fact]] = [
        (None, Fact(row[0], row[5], row[1], date.fromisoformat(row[2]), row[3], row[4]))
        for row in rows(connection, _NOBODYS, {"sandbox_id": sandbox_id})
    ]
    _missing(connection, sandbox_id, nobodys, found)
    chains = load_all(connection, [(sandbox_id, ("chain", channel_chain(id))) for id in channels()])
    for one in chains.values():
        if one is not None:
            journal = journals(connection, sandbox_id, [one.id])[one.id]
            for name, detail in invariants.chain(one.id, one.next_seq, one.head_hash, journal):
                yield Discrepancy(Finding("books_invariant", one.id, 0), None, f"{name}: {detail}")
    known, taken, received = _sums(connection, sandbox_id)
    strays = rows(connection, _STRAYS, {"sandbox_id": sandbox_id})
    for name, detail in invariants.sandbox(balances(connection, sandbox_id), known, taken, received, strays):
        yield Discrepancy(Finding("books_invariant", sandbox_id, 0), None, f"{name}: {detail}")


# What the books know a channel to hold. A receipt that was booked before anybody knew its loan counts where it landed,
# and one that was posted a second time counts until it is taken back.
_SIGNED = "CASE WHEN kind IN ('receipt', 'second_receipt') THEN amount_minor ELSE -amount_minor END"
_MOVES = "('receipt', 'second_receipt', 'disbursement', 'late_failure', 'refund_paid', 'compensation_paid')"
_SUMS = f"""SELECT 0, channel, SUM(amount_minor) FROM (
    SELECT channel, {_SIGNED} AS amount_minor FROM book_facts
    WHERE sandbox_id = :sandbox_id AND landed = 0 AND kind IN {_MOVES}
      AND NOT (kind = 'second_receipt' AND id IN (SELECT reverses FROM book_facts
               WHERE sandbox_id = :sandbox_id AND kind = 'reversal'))
    UNION ALL SELECT channel, amount_minor FROM receipts
    WHERE sandbox_id = :sandbox_id AND landed = 1 AND NOT (state = 'LATE_FAILED' AND loan_id IS NULL)
    ) AS known GROUP BY channel
    UNION ALL SELECT 1, channel, SUM(amount_minor) FROM trades WHERE sandbox_id = :sandbox_id AND state = 'SUCCESS'
    GROUP BY channel
    UNION ALL SELECT 2, channel, SUM(amount_minor) FROM
    (SELECT DISTINCT id, channel, {_SIGNED} AS amount_minor FROM world_facts
     WHERE sandbox_id = :sandbox_id AND kind IN ('receipt', 'late_failure'))
    AS receipts_once GROUP BY channel"""
# Money whose payer named no loan, and that the books do not have even as unapplied.
_NOBODYS = """SELECT id, at_ms, effective_date, amount_minor, channel, kind FROM world_facts
    WHERE sandbox_id = :sandbox_id AND loan_id = ''
      AND id NOT IN (SELECT id FROM receipts WHERE sandbox_id = :sandbox_id)
      AND id NOT IN (SELECT id FROM world_facts WHERE sandbox_id = :sandbox_id AND loan_id <> '')"""
# A desk that was merely idle could have answered; one that does not see the dispute could not.
_UNANSWERED = """SELECT id, loan_id FROM disputes WHERE sandbox_id = :sandbox_id
    AND answer_by_ms <= :now_ms AND taken_up_ms > :now_ms ORDER BY id"""
# Who has approved it may be who asked for it under another spelling.
_UNAPPROVED = """SELECT id, loan_id, to_approve_minor, operator, approver FROM edits WHERE sandbox_id = :sandbox_id
    AND state = 'APPLIED' AND to_approve_minor IS NOT NULL ORDER BY id"""
# Money that has not gone on the day on which it should have: what is merely on its way has a time at which it is due.
_STUCK = """SELECT id, loan_id, purpose, channel, amount_minor FROM payouts
    WHERE sandbox_id = :sandbox_id AND state = 'ORDERED' AND due_ms IS NULL ORDER BY id"""
# What was given back, by its channel or by somebody who meant just that one; if it is on the books again, it has been
# looked at. A reversal of something else than was meant is a break of its own.
_LOOKED_AT = """SELECT b.reverses FROM book_facts b
    JOIN world_facts w ON w.sandbox_id = b.sandbox_id AND w.loan_id = b.loan_id AND w.id = b.id
     AND w.reverses = b.reverses
    WHERE b.sandbox_id = :sandbox_id AND b.kind IN ('reversal', 'late_failure')"""
# What is due is debited by one order an attempt, and what a client has asked for, under one key, is one order too. Of
# two, either may have been taken back since.
_ORDERED_TWICE = " UNION ALL ".join(
    f"""SELECT MAX(id), loan_id, MAX(amount_minor), '{what}' FROM repayments
    WHERE sandbox_id = :sandbox_id AND {column} IS NOT NULL AND id NOT IN ({_LOOKED_AT})
    GROUP BY loan_id, {column} HAVING COUNT(*) > 1"""
    for column, what in (("debit_ms", "debit"), ("asked_key", "request"))
)
_STRAYS = """SELECT p.chain, p.seq FROM postings p LEFT JOIN transactions t
    ON t.sandbox_id = p.sandbox_id AND t.chain = p.chain AND t.seq = p.seq
    WHERE p.sandbox_id = :sandbox_id AND t.seq IS NULL LIMIT 10"""


def _sums(connection: Connection, sandbox_id: str) -> tuple[dict[str, int], ...]:
    """By channel: what the books know it to hold, what it has taken, and what the world saw it take."""
    sums: tuple[dict[str, int], ...] = ({}, {}, {})
    for which, channel, amount in rows(connection, _SUMS, {"sandbox_id": sandbox_id}):
        sums[which][channel] = int(amount)
    return sums
