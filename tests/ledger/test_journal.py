"""The journal: numbered, chained by hash, append-only; a correction names what it corrects."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mocklend.domain.replay import Movement
from mocklend.ledger.accounts import ACCOUNTS, RECEIVABLES, is_in_chart
from mocklend.ledger.journal import (
    NO_HASH,
    Head,
    Posted,
    balances,
    chain_hash,
    live,
    opposite,
    post,
    repost,
)
from mocklend.storage.work import Sandbox, Work
from support.story import Story

ON = date(2026, 1, 5)
LENT = Movement("disbursement_accepted", "loan_a", ON, (("1101", "2001", 100_000),))
EARNED = Movement("accrual", "loan_a", ON, (("1102", "4001", 45),), (ON, date(2026, 1, 6)))
FEE = Movement("edit", "edt_a", ON, (("1105", "4004", 500),))


class Poster:
    """A journal in memory, with the rules of the tables."""

    def __init__(self) -> None:
        sandbox = Sandbox("s", "k", 7, "UTC", "manual", 1_000, 0, 0, 0, (), 1_000)
        self.work = Work(sandbox, 1_000, {})
        self.head = Head(1, NO_HASH)

    def post(self, *movements: Movement) -> None:
        self.head = post(self.work, "loan_a", "CNY", self.head, movements)

    def repost(self, *movement: Movement) -> None:
        self.head = repost(self.work, "loan_a", "CNY", self.head, live(self.posted), movement)

    @property
    def posted(self) -> list[Posted]:
        rows: list[Any] = []
        lines: dict[int, list[tuple[str, str, int]]] = {}
        for name, row in self.work.writes:
            if name == "transactions.insert":
                rows.append(row)
            else:
                lines.setdefault(row["seq"], []).append((row["debit"], row["credit"], row["amount_minor"]))
        return [_posted(row, tuple(lines[row["seq"]])) for row in rows]


def _posted(row: Any, postings: tuple[tuple[str, str, int], ...]) -> Posted:
    days = row["period_from"], row["period_to"]
    period = (date.fromisoformat(days[0]), date.fromisoformat(days[1])) if days[0] else None
    movement = Movement(row["kind"], row["ref"], date.fromisoformat(row["effective_date"]), postings, period)
    return Posted(
        row["seq"],
        movement,
        row["reverses"],
        row["prev_hash"],
        row["hash"],
        row["id"],
        row["recorded_ms"],
        row["currency"],
    )


def test_transactions_are_numbered_and_each_carries_the_hash_of_the_one_before() -> None:
    poster = Poster()

    poster.post(LENT, EARNED)
    poster.post(FEE)

    first, two, three = poster.posted
    assert [first.seq, two.seq, three.seq] == [1, 2, 3]
    assert [first.prev_hash, two.prev_hash, three.prev_hash] == [NO_HASH, first.hash, two.hash]
    assert poster.head == Head(4, three.hash)
    assert [first.id, two.id, three.id] == ["txn_a_1", "txn_a_2", "txn_a_3"]


@given(
    field=st.sampled_from(["kind", "ref", "on", "postings", "period"]),
    chain=st.sampled_from(["loan_a", "loan_b"]),
    seq=st.integers(1, 3),
    reverses=st.sampled_from([None, 1, 2]),
    currency=st.sampled_from(["CNY", "EUR"]),
    at_ms=st.integers(1, 3),
)
def test_the_hash_changes_with_any_figure(
    field: str, chain: str, seq: int, reverses: int | None, currency: str, at_ms: int
) -> None:
    usual = chain_hash(NO_HASH, "loan_a", 1, EARNED, None, "CNY", 1)
    others: dict[str, Any] = {
        "kind": "edit", "ref": "x", "on": date(2026, 1, 7), "postings": FEE.postings, "period": None
    }  # fmt: skip
    change: dict[str, Any] = {field: others[field]}
    changed = structs.replace(EARNED, **change)

    other = chain_hash(NO_HASH, chain, seq, EARNED, reverses, currency, at_ms)

    assert chain_hash(NO_HASH, "loan_a", 1, changed, None, "CNY", 1) != usual
    assert chain_hash("1" * 64, "loan_a", 1, EARNED, None, "CNY", 1) != usual
    assert (other == usual) == ((chain, seq, reverses, currency, at_ms) == ("loan_a", 1, None, "CNY", 1))


def test_transactions_that_stay_right_are_not_reversed() -> None:
    poster = Poster()
    poster.post(LENT, EARNED, FEE)

    poster.repost(LENT, EARNED)

    assert [
        (transaction.seq, transaction.movement.kind, transaction.reverses) for transaction in poster.posted[3:]
    ] == [(4, "edit_reversal", 3)]
    assert poster.posted[3].movement == opposite(FEE)
    assert [transaction.movement for transaction in live(poster.posted)] == [LENT, EARNED]


def test_outdated_transactions_are_reversed_newest_first_and_then_posted_correctly() -> None:
    poster = Poster()
    poster.post(LENT, EARNED, FEE)
    cheaper = structs.replace(EARNED, postings=(("1102", "4001", 44),))
    smaller = structs.replace(FEE, postings=(("1105", "4004", 400),))

    poster.repost(LENT, cheaper, smaller)

    assert [transaction.reverses for transaction in poster.posted[3:]] == [3, 2, None, None]
    assert [transaction.movement for transaction in live(poster.posted)] == [LENT, cheaper, smaller]


def test_a_reversed_transaction_may_be_posted_and_reversed_again() -> None:
    poster = Poster()
    poster.post(LENT, FEE)

    poster.repost(LENT)
    poster.repost(LENT, FEE)
    poster.repost(LENT)

    assert [transaction.reverses for transaction in poster.posted] == [None, None, 2, None, 4]


def test_two_equal_movements_are_two_transactions() -> None:
    poster = Poster()
    poster.post(FEE, FEE)

    poster.repost(FEE)

    assert [transaction.reverses for transaction in poster.posted] == [None, None, 2]


def test_the_reversal_of_a_reversal_equals_the_first_movement() -> None:
    assert opposite(opposite(EARNED)).postings == EARNED.postings
    assert opposite(EARNED).period == EARNED.period


def test_every_receivable_and_sub_account_is_in_the_chart() -> None:
    assert set(RECEIVABLES) <= set(ACCOUNTS)
    assert is_in_chart("1002:wallet")
    assert not is_in_chart("9999")


def test_the_trial_balance_of_a_whole_story_is_zero(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.repay(loan_id, 9_500, "bank_card")
    story.wait(days=40)
    story.reverse(repayment_id)
    story.settle(loan_id)

    with story.platform.read() as connection:
        total = balances(story.snapshot(connection))

    assert sum(total.values()) == 0
    assert total["2001"] == 0
    assert total["2102"] == -9_500
    assert total["1002:bank_card"] == 9_500
    assert all(total[account] == 0 for account in RECEIVABLES if account in total)


def test_each_event_has_the_postings_of_its_kind(story: Story) -> None:
    loan_id = story.borrow()
    story.settle(loan_id)

    moved = {
        t["kind"]: [(p["debit"], p["credit"], p["amount_minor"]) for p in t["postings"]] for t in story.journal(loan_id)
    }

    assert moved == {
        "disbursement_accepted": [("1101", "2001", 100_000)],
        "disbursement_confirmed": [("2001", "1002:bank_transfer", 100_000)],
        "receipt": [("1002:wallet", "2102", 100_045)],
        "accrual": [("1102", "4001", 45)],
        "repayment": [("2102", "1102", 45), ("2102", "1101", 100_000)],
    }
