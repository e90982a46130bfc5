"""The identity: discrepancies(world, books, views) == open entries of the answer key, after every step of any story.

The machine borrows, quotes, repays through any channel, repeats requests, lets time pass, edits, reverses, asks
channels, forges callbacks, arms and disarms any fault, in any order. After each step both sides are worked out, apart
from each other, and compared. With no fault armed the right-hand side is empty, so the left must be too.

A failure prints the steps and the seed. `scripts/identity --steps N --seed S` walks longer, and walks that seed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from identity.actors.base import PLATFORMS, open_entries, settings_of
from identity.state_machine import Story, walk
from mocklend import audit as auditing
from mocklend.channels import inbox
from mocklend.channels.statements import record
from mocklend.domain.facts import RECEIPT
from mocklend.ledger import journal
from mocklend.lending import books
from mocklend.seams.seam import SeamEvent
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.storage.changes import changed_since
from mocklend.storage.work import Work
from mocklend_faults.engine.group import SandboxGroup
from mocklend_faults.kinds.cache_bounded_stale import BoundedStale
from mocklend_faults.kinds.lender_cached_refusal import CachedRefusal

SHORT_WALK, LONG_WALK, LONG_WALKS = 1_000, 2_500, 4


@pytest.mark.parametrize(
    ("seed", "steps"),
    [(0, SHORT_WALK), *(pytest.param(seed, LONG_WALK, marks=pytest.mark.long) for seed in range(LONG_WALKS))],
)
def test_discrepancies_equal_open_entries_in_any_story(seed: int, steps: int) -> None:
    assert walk(steps, seed) >= steps


def test_a_page_that_catches_up_in_two_steps_is_one_injection() -> None:
    """The version in between becomes visible while the newest still waits: audit and answer key must agree."""
    story = Story()
    story.open_sandbox(seed=0, four_eyes=None)
    story.borrow(principal=1, product="jiebei-like", auto_debit=False, disburse_to=None)
    story.pay_off_and_wait(which=0, channel="auto_debit", wait=1)
    stale = {"kind": BoundedStale, "probability": 1, "unit": "entity", "turn": 3}
    assert settings_of(BoundedStale, 3) == {"lag_s": 3_600}
    story.arm(**stale, limit={}, name="a")
    story.reverse_a_repayment(which=0)
    story.push_a_payment(which=0, channel="bank_transfer", amount=1, names="id", scope="CLEAR", wait=4_000)

    story.identity_holds()

    assert open_entries(story.platform, story.id)
    story.teardown()


def test_an_application_at_the_time_of_the_last_pull_has_no_old_copy() -> None:
    story = Story()
    story.open_sandbox(seed=0, four_eyes=None)
    story.borrow(principal=1, product="jiebei-like", auto_debit=False, disburse_to=None)
    story.arm(kind=CachedRefusal, probability=1, unit="entity", turn=0, limit={}, name="a")
    for wait, old in ((0, 0), (0, 0), (1, 1), (1, 1)):
        story.advance(by=wait)
        story.apply_elsewhere(lender="harbour-bank", product="car", refresh=True)

        story.identity_holds()
        assert len(open_entries(story.platform, story.id)) == old
    story.teardown()


# --- planted bugs: the state machine must find each of them ---


def _posted_twice(plant: pytest.MonkeyPatch) -> None:
    """A repayment is posted twice: the same movement, two transactions."""
    honest = journal.post

    def post(work: Any, chain: str, currency: str, head: Any, movements: Any) -> Any:
        doubled = [m for movement in movements for m in [movement] * (2 if movement.kind == "repayment" else 1)]
        return honest(work, chain, currency, head, doubled)

    plant.setattr(books, "post", post)


def _received_twice(plant: pytest.MonkeyPatch) -> None:
    """The inbox takes one receipt as two, since the second comes under another name."""
    honest = books.post_fact

    def post_fact(work: Any, loan: Any, fact: Any, **how: Any) -> Any:
        done = honest(work, loan, fact, **how)
        if fact.kind == RECEIPT:
            again = structs.replace(fact, id=fact.id + "x")
            return structs.replace(honest(work, done.loan, again, **how), state=done.state)
        return done

    plant.setattr(inbox, "post_fact", post_fact)


def _split_transaction(plant: pytest.MonkeyPatch) -> None:
    """A repayment's legs are posted as transactions of their own."""
    honest = journal.post

    def post(work: Any, chain: str, currency: str, head: Any, movements: Any) -> Any:
        split = [structs.replace(movement, postings=(leg,)) for movement in movements for leg in movement.postings]
        return honest(work, chain, currency, head, split)

    plant.setattr(books, "post", post)


def _lost_leg(plant: pytest.MonkeyPatch) -> None:
    """A posting of a transaction is never written. What is left is balanced, and wrong."""
    honest = Work.write

    def write(self: Work, name: str, **parameters: Any) -> None:
        if name != "postings.insert" or parameters["line"] == 0:
            honest(self, name, **parameters)

    plant.setattr(Work, "write", write)


def _stale_without_a_fault(plant: pytest.MonkeyPatch) -> None:
    """Pages lag although no fault is armed."""
    honest = Work.at

    def act(self: Work, event: SeamEvent) -> SeamEvent:
        outcome = honest(self, event)
        return replace(outcome, lag_s=60) if isinstance(outcome, ViewRefresh) and outcome == event else outcome

    plant.setattr(Work, "at", act)


def _unjournalled(plant: pytest.MonkeyPatch) -> None:
    """An injection happens and is not put on record."""
    plant.setattr(SandboxGroup, "_rows_of", lambda self, context, injections: [])


def _unobserved(plant: pytest.MonkeyPatch) -> None:
    """An injection is put on record, and the platform goes on honestly."""
    honest = Work.at

    def act(self: Work, event: SeamEvent) -> SeamEvent:
        honest(self, event)
        return event

    plant.setattr(Work, "at", act)


@pytest.mark.parametrize(
    "bug",
    [_posted_twice, _received_twice, _split_transaction, _lost_leg, _stale_without_a_fault, _unjournalled, _unobserved],
)
def test_a_planted_bug_is_caught(bug: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as plant:
        bug(plant)

        # Another kind of fault makes every walk another one: a bug that one misses, the next may meet.
        with pytest.raises(AssertionError, match="the audit sees"):
            for seed in (1, 2, 3):
                walk(3_000, seed=seed, shrink=False)


@pytest.mark.parametrize("part", ["loans_whose_time_came", "changed_since"])
def test_an_audit_that_misses_what_has_changed_is_caught(part: str) -> None:
    nothing = {
        "loans_whose_time_came": lambda *_: set(),
        "changed_since": lambda *of: changed_since(*of)._replace(subjects=set()),
    }
    with pytest.MonkeyPatch.context() as plant:
        plant.setattr(auditing, part, nothing[part])

        with pytest.raises(AssertionError, match="merged with"):
            for seed in (1, 2, 3):
                walk(3_000, seed=seed, shrink=False)


def test_a_statement_that_differs_from_the_world_is_caught() -> None:
    """V7 finds a channel that states a cent more than it took."""
    honest = record._paid_in

    def paid_in(row: Any) -> Any:
        movement = honest(row)
        return replace(movement, amount_minor=movement.amount_minor + 1)

    with pytest.MonkeyPatch.context() as plant:
        plant.setattr(record, "_paid_in", paid_in)

        with pytest.raises(AssertionError, match="statements and the world disagree"):
            walk(3_000, seed=1, shrink=False)


@pytest.fixture(autouse=True, scope="module")
def _close() -> Iterator[None]:
    yield
    while PLATFORMS:
        PLATFORMS.pop().close()
