"""The writer and its keys: one key is carried out once, and everybody who has it gets the same answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import event

from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS
from mocklend.lending import AddBorrower, Borrow
from mocklend.runtime import Platform
from mocklend.storage.work import Answer, Idempotency
from support.story import Story
from support.writing import together


def test_the_same_key_gets_the_same_answer_again(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()
    key = story.key()
    first = platform.run(story.repayment(loan_id, 100, key=key))
    story.wait(60)

    again = platform.run(story.repayment(loan_id, 100, key=key))

    assert (again.status, again.body, again.replayed) == (first.status, first.body, True)
    assert not first.replayed
    assert len(story.everything()["repayments"]) == 1


def test_a_refusal_is_kept_under_its_key_too(platform: Platform, story: Story) -> None:
    key = story.key()
    with pytest.raises(Refused) as caught:
        platform.run(story.repayment("loan_x", 100, key=key))

    again = platform.run(story.repayment("loan_x", 100, key=key))

    assert (again.status, again.body, again.replayed) == (404, caught.value.to_json(), True)


def test_a_refusal_that_repeats_a_number_of_more_than_64_bits_is_kept_as_it_was(
    platform: Platform, story: Story
) -> None:
    key = story.key()
    ada = platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 2**62)).body["id"]
    command = Borrow(story.sandbox_id, key, ada, 2**70, "CNY", PRODUCTS["jiebei-like"], None, None)
    with pytest.raises(Refused) as caught:
        platform.run(command)

    again = platform.run(command)

    assert (again.body, again.replayed) == (caught.value.to_json(), True)
    assert again.body["received"] == 2**70


def test_the_same_key_with_another_body_is_refused(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()
    key = story.key()
    platform.run(story.repayment(loan_id, 100, key=key))
    before = story.everything()

    with pytest.raises(Refused) as caught:
        platform.run(story.repayment(loan_id, 200, key=structs.replace(key, fingerprint="another")))

    assert (caught.value.code, caught.value.problem.status) == ("idempotency_key_reused", 422)
    assert story.everything() == before


def test_the_same_key_twice_at_once_is_carried_out_once(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()
    command = story.repayment(loan_id, 100)

    first, second = together(platform.writer, [command, command])
    third = platform.run(command)

    assert isinstance(first, Answer)
    assert first.status == 202
    assert isinstance(second, Refused)
    assert second.code == "request_in_progress"
    assert (third.body, third.replayed) == (first.body, True)
    assert len(story.everything()["repayments"]) == 1


def test_the_same_key_twice_in_one_commit_is_carried_out_once(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()
    command = story.repayment(loan_id, 100)

    groups: list[int] = []
    platform.writer.on_group = groups.append

    first, second = platform.writer.run_all([command, command])

    assert (first.status, second.body, second.replayed, groups) == (202, first.body, True, [2])
    assert len(story.everything()["repayments"]) == 1


def test_one_key_in_two_sandboxes_is_two_keys(platform: Platform, tell: Callable[..., Story]) -> None:
    first, other = tell(), tell()
    key = Idempotency("key", "print")
    loans = [first.borrow(), other.borrow()]

    answers = together(
        platform.writer, [s.repayment(loan_id, 100, key=key) for s, loan_id in zip((first, other), loans, strict=True)]
    )

    outcomes = [(answer.status, answer.replayed) for answer in answers if isinstance(answer, Answer)]
    assert outcomes == [(202, False)] * 2


def test_whoever_has_an_answer_may_ask_again_at_once(
    platform: Platform, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that waits for an answer may wake before a single callback of the future has run."""
    command = story.repayment(story.borrow(), 100)
    again: list[Future[Answer]] = []

    class Woken(Future[Answer]):
        def _invoke_callbacks(self) -> None:
            if not again:
                again.append(platform.writer.submit(command))
            super()._invoke_callbacks()  # type: ignore[misc]

    monkeypatch.setattr("mocklend.writer.Future", Woken)

    first = platform.run(command)

    assert again
    assert (first.replayed, again[0].result(10).replayed) == (False, True)


def test_a_hundred_clients_with_one_key_move_money_once(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()
    command = story.repayment(loan_id, 100)

    def ask(_n: int) -> Any:
        try:
            return platform.run(command)
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(16) as clients:
        outcomes = list(clients.map(ask, range(100)))

    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    assert all(answer.body == answers[0].body for answer in answers)
    assert sum(not answer.replayed for answer in answers) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} <= {"request_in_progress"}
    assert len(story.everything()["repayments"]) == 1


def test_a_request_that_comes_again_is_looked_up_and_nothing_else(platform: Platform, story: Story) -> None:
    """Only where a fault listens for it is more done than to read what a first request reads as well."""
    order = story.repayment(story.borrow(), 100, key=Idempotency("key", "fingerprint"))
    ran: list[str] = []
    event.listen(platform.engine, "before_cursor_execute", lambda _c, _cur, sql, *_rest: ran.append(sql.split()[0]))
    first = platform.run(order)
    reads = ran.count("SELECT")
    ran.clear()

    again = platform.run(order)

    assert (again.body, again.replayed) == (first.body, True)
    assert ran.count("SELECT") == reads
    assert set(ran) <= {"BEGIN", "SELECT"}
