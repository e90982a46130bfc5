"""The invariants hold in an honest story, and each detects its violation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from msgspec import structs

from mocklend.audit.checks import CHECKS
from mocklend.domain.facts import Fact
from mocklend.domain.replay import LoanState, load, replay
from mocklend.ledger.invariants import LoanBooks, LoanWorld, Totals
from mocklend.ledger.journal import Posted, journals
from mocklend.lending.books import terms_of
from mocklend.storage.entities import Loan
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.world.reading import world_facts_of
from support.story import Story


@dataclass(frozen=True)
class Books:
    """One loan's books, as the invariants see them."""

    loan: Loan
    facts: Sequence[Fact]
    journal: Sequence[Posted]
    state: LoanState

    def broken(self) -> set[str]:
        books = LoanBooks(self.loan, self.facts, self.journal, self.state)
        return {check.code for check in CHECKS if check.books is not None and list(check.books(books))}

    def change(self, seq: int, **movement: object) -> Books:
        """One transaction's movement with another figure in it."""
        journal = [
            structs.replace(transaction, movement=structs.replace(transaction.movement, **movement))
            if transaction.seq == seq
            else transaction
            for transaction in self.journal
        ]
        return replace(self, journal=journal)

    def seq(self, kind: str) -> int:
        return next(transaction.seq for transaction in self.journal if transaction.movement.kind == kind)


def broken_world(world: LoanWorld) -> set[str]:
    return {check.code for check in CHECKS if check.world is not None and list(check.world(world))}


@pytest.fixture
def books(story: Story) -> Books:
    """Ada borrowed, paid late, had a fee and lost a repayment."""
    loan_id = story.borrow()
    story.wait(days=40)
    story.repay(loan_id, 9_500)
    story.edit(loan_id, 500)
    story.reverse(story.repay(loan_id, 1_000))
    loan = story.entity(Loan, loan_id)
    with story.platform.read() as connection:
        facts = facts_of(story.snapshot(connection), BOOKS, [loan_id])[loan_id]
        journal = journals(story.snapshot(connection), [loan_id])[loan_id]
    as_of = load(terms_of(loan), loan.state).as_of
    return Books(loan, facts, journal, replay(terms_of(loan), facts, as_of))


def test_an_honest_story_breaks_no_invariant(books: Books) -> None:
    assert books.broken() == set()


BREAKS: dict[str, tuple[str, Callable[[Books], Books]]] = {
    "a transaction that moves nothing": ("B1", lambda b: b.change(1, postings=())),
    "an account that is not in the chart": ("B1", lambda b: b.change(1, postings=(("9999", "2001", 100_000),))),
    "the same account on both sides": ("B1", lambda b: b.change(1, postings=(("1101", "1101", 100_000),))),
    "a missing leg": ("B3", lambda b: b.change(b.seq("repayment"), postings=b.journal[b.seq("repayment") - 1].movement.postings[:1])),
    "a gap in the numbers": ("B3", lambda b: replace(b, journal=[*b.journal[:3], *b.journal[4:]])),
    "a transaction that the loan does not know of": ("B3", lambda b: replace(b, loan=structs.replace(b.loan, next_seq=99))),
    "a transaction cut off the end": ("B3", lambda b: replace(b, journal=b.journal[:-1])),
    "an altered hash": ("B3", lambda b: replace(b, journal=[structs.replace(b.journal[0], hash="f" * 64), *b.journal[1:]])),
    "a negative amount": ("B4", lambda b: b.change(1, postings=(("1101", "2001", -1),))),
    "another currency": ("B4", lambda b: replace(b, journal=[structs.replace(b.journal[0], currency="EUR"), *b.journal[1:]])),
    "a receipt posted twice": ("B6", lambda b: replace(b, journal=[*b.journal, structs.replace(b.journal[b.seq("receipt") - 1], seq=99)])),
    "a repayment applied twice": ("B6", lambda b: replace(b, journal=[*b.journal, structs.replace(b.journal[b.seq("repayment") - 1], seq=99)])),
    "a receipt that the facts do not know": ("B6", lambda b: replace(b, facts=[f for f in b.facts if f.kind != "receipt"])),
    "a reversal of nothing": ("B11", lambda b: replace(b, journal=[*b.journal, structs.replace(b.journal[0], seq=99, reverses=98)])),
    "a reversal that takes back something else": (
        "B11", lambda b: replace(b, journal=[structs.replace(o, reverses=1) if o.reverses else o for o in b.journal])
    ),
    "a second reversal": (
        "B11", lambda b: replace(b, journal=[*b.journal, *(structs.replace(o, seq=99 + n) for n, o in enumerate(b.journal) if o.reverses)])
    ),
    "a status that the balances do not give": ("B12", lambda b: replace(b, loan=structs.replace(b.loan, status="CLEAR"))),
    "a status that the dates do not give": ("B12", lambda b: replace(b, loan=structs.replace(b.loan, status="USING" if b.loan.status == "OVD" else "OVD"))),
    "a projection of its own": ("B13", lambda b: replace(b, loan=structs.replace(b.loan, state=b.loan.state.replace("100000", "99999")) if "100000" in b.loan.state else structs.replace(b.loan, state="{}"))),
    "a posting that no fact gives": ("B13", lambda b: replace(b, facts=b.facts[:-1], state=replay(terms_of(b.loan), b.facts[:-1], b.state.as_of))),
}  # fmt: skip


@pytest.mark.parametrize("broken", BREAKS)
def test_each_invariant_detects_its_violation(books: Books, broken: str) -> None:
    name, plant = BREAKS[broken]

    assert name in plant(books).broken()


def test_overlapping_periods_and_gaps_are_detected(books: Books) -> None:
    accruals = [transaction for transaction in books.journal if transaction.movement.kind == "accrual"]
    assert len(accruals) > 1
    start, stop = accruals[-1].movement.period or (date.min, date.min)

    overlapping = books.change(accruals[-1].seq, period=(date(start.year, start.month, start.day - 1), stop))
    empty = books.change(accruals[-1].seq, period=(start, start))

    assert "B10" in overlapping.broken()
    assert "B10" in empty.broken()


def test_a_bucket_that_received_more_than_was_due_is_detected(books: Books) -> None:
    books.state.instalments[-1].fee_paid = 1

    assert "B8" in books.broken()


def test_instalments_that_do_not_add_up_to_the_loan_are_detected(books: Books) -> None:
    books.state.instalments[-1].principal += 1

    assert "B8" in books.broken()


def test_an_order_that_succeeds_twice_in_the_world_is_detected(books: Books) -> None:
    receipts = [fact for fact in books.facts if fact.kind == "receipt"]

    assert broken_world(LoanWorld([*books.facts, receipts[0]], books.state)) == {"W2"}


def test_the_world_of_an_honest_story_breaks_no_invariant(story: Story) -> None:
    loan_id = story.borrow()
    story.settle(loan_id)
    with story.platform.read() as connection:
        facts = world_facts_of(story.snapshot(connection), [loan_id])[loan_id]

    state = replay(terms_of(story.entity(Loan, loan_id)), facts, facts[-1].on)

    assert broken_world(LoanWorld(facts, state)) == set()


def test_the_total_over_all_loans_is_checked() -> None:
    def broken(**wrong: Any) -> set[str]:
        sound: dict[str, Any] = {
            "balances": {"1002:wallet": 5, "2102": -5}, "known": {"wallet": 5},
            "taken": {"wallet": 5}, "received": {"wallet": 5}, "strays": [],
        }  # fmt: skip
        totals = Totals(**(sound | wrong))
        return {check.code for check in CHECKS if check.totals is not None and list(check.totals(totals))}

    assert broken() == set()
    assert broken(balances={"1002:wallet": 5, "2102": -4}) == {"B2"}
    assert broken(balances={"1002:wallet": 4, "2102": -4}) == {"C1"}
    assert broken(taken={"wallet": 6}) == {"W1"}
    assert broken(strays=[("loan_a", 1)]) == {"B1"}
