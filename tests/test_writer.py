"""The writer: answers follow their commit, refusals store nothing else, and a failing command affects no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import event

from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS
from mocklend.lending import AddBorrower, Borrow
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import SetClock
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.balance_kept import BalanceKept
from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.callback_taken import CallbackTaken
from mocklend.seams.order_paid import OrderPaid
from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.storage.engines import reading
from mocklend.storage.entities import Loan, Repayment
from mocklend.storage.work import Answer, Command
from support.sql import rows
from support.story import Story
from support.writing import ANSWERS, Counting, Spoil, Think, ThinkAgain, together


def test_an_answer_is_sent_only_after_its_commit(platform: Platform, story: Story) -> None:
    order: list[str] = []
    event.listen(platform.engine, "commit", lambda _connection: order.append("commit"))

    future = platform.writer.submit(AddBorrower(story.sandbox_id, "ada", "Ada", 1))
    future.add_done_callback(lambda _: order.append("answer"))
    answer = future.result(10)

    assert order[:2] == ["commit", "answer"]
    with platform.read() as connection:
        assert rows(connection, str, "SELECT id FROM borrowers") == [answer.body["id"]]


def test_a_commit_that_fails_gives_no_answer(platform: Platform, story: Story) -> None:
    before = story.everything()

    def fail(_connection: Any) -> None:
        raise RuntimeError("the disk is full")

    event.listen(platform.engine, "commit", fail)
    try:
        with pytest.raises(RuntimeError, match="disk is full"):
            platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 1))
    finally:
        event.remove(platform.engine, "commit", fail)

    assert story.everything() == before
    assert platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 1)).status == 201


def test_a_stopping_platform_refuses_new_commands(open_platform: Callable[..., Platform], story: Story) -> None:
    stopping = open_platform()
    stopping.writer.close()

    with pytest.raises(Refused, match="stopping"):
        stopping.run(AddBorrower(story.sandbox_id, "ada", "Ada", 1))


def test_a_full_queue_refuses_at_once(platform: Platform, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mocklend.writer.QUEUE_MAX", 2)
    orders = [story.repayment(story.borrow(), 100) for _ in range(3)]

    outcomes = together(platform.writer, orders)

    assert [isinstance(outcome, Answer) for outcome in outcomes] == [True, True, False]
    assert isinstance(outcomes[2], Refused)
    assert outcomes[2].code == "busy"
    assert platform.run(orders[2]).status == 202


def test_waiting_commands_are_committed_together(platform: Platform, story: Story) -> None:
    sizes: list[int] = []
    platform.writer.on_group = sizes.append

    answers = together(platform.writer, [AddBorrower(story.sandbox_id, f"b{n}", "B", 1) for n in range(20)])

    assert [answer.status for answer in answers if isinstance(answer, Answer)] == [201] * 20
    assert sizes == [1, 20]


def test_queued_commands_are_answered_before_the_platform_closes(
    open_platform: Callable[..., Platform], seed: int
) -> None:
    platform = open_platform()
    sandbox = platform.create_sandbox(seed=seed, mode="manual", now_ms=0)

    futures = [platform.writer.submit(AddBorrower(sandbox.id, f"b{n}", "B", 1)) for n in range(50)]
    platform.writer.close()

    assert all(future.done() and future.result().status == 201 for future in futures)
    platform.writer._thread.join()


def test_a_refused_command_leaves_the_books_byte_identical_but_for_its_answer(platform: Platform, story: Story) -> None:
    loan_id = story.borrow(limit_minor=100_000)
    cleared = story.borrow(borrower="bob")
    story.settle(cleared)
    before, event = story.everything(without=ANSWERS), len(story.everything()["idempotency"])
    refused = {
        "loan_not_active": story.repayment(cleared, 100),
        "loan_unknown": story.repayment("loan_x", 100),
        "quote_unknown": story.repayment(loan_id, 100, quote_id="qte_x"),
    }

    for code, command in refused.items():
        with pytest.raises(Refused) as caught:
            platform.run(command)
        assert caught.value.code == code
    with pytest.raises(Refused, match="credit_limit_exceeded"):
        story.borrow(1_000_000, limit_minor=100_000)
    with pytest.raises(Refused, match="waiver_too_large"):
        story.edit(loan_id, -(10**9))
    with pytest.raises(Refused, match="override_contradicts_books"):
        story.edit(loan_id, None, "MODIFY_BILL_STATUS", "CLEAR")

    assert story.everything(without=ANSWERS) == before
    assert len(story.everything()["idempotency"]) == event + 6
    assert story.discrepancies() == []


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("keyed", [True, False])
def test_changes_before_a_refusal_are_discarded(platform: Platform, story: Story, alone: bool, keyed: bool) -> None:
    """States, rows, appended facts and the clock: in its own group, and for those who come after it in one."""
    loan_id = story.borrow()
    before, now_ms = story.everything(without=ANSWERS), story.now_ms
    refused = ThinkAgain(story.sandbox_id, loan_id, story.key() if keyed else None)
    ask = SetClock(story.sandbox_id, now_ms)

    outcomes = together(platform.writer, [refused] if alone else [ask, refused, ask])

    assert [outcome.code for outcome in outcomes if isinstance(outcome, Refused)] == ["loan_not_active"]
    assert [outcome.body["now"] for outcome in outcomes if isinstance(outcome, Answer)] == [rfc3339(now_ms)] * (
        0 if alone else 2
    )
    assert story.everything(without=ANSWERS) == before
    assert story.now_ms == now_ms
    keys = {row["key"] for row in story.everything()["idempotency"]}
    assert "spilt" not in keys
    assert (refused.idem is not None) == (refused.idem is not None and refused.idem.key in keys)
    assert story.discrepancies() == []


def test_a_refused_command_does_not_affect_its_group(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()

    good, bad, after = together(
        platform.writer, [story.repayment(loan_id, 100), story.repayment("loan_x", 100), story.repayment(loan_id, 200)]
    )

    assert isinstance(good, Answer)
    assert isinstance(bad, Refused)
    assert isinstance(after, Answer)
    assert (good.status, bad.code, after.status) == (202, "loan_unknown", 202)


@pytest.mark.parametrize("spoil", [Spoil, lambda sandbox_id: Think(sandbox_id, lambda: 1 // 0)])
def test_a_failing_command_does_not_affect_its_group(
    platform: Platform, story: Story, spoil: Callable[[str], Command]
) -> None:
    loan_id = story.borrow()

    good, bad, after = together(
        platform.writer, [story.repayment(loan_id, 100), spoil(story.sandbox_id), story.repayment(loan_id, 200)]
    )

    assert isinstance(good, Answer)
    assert isinstance(after, Answer)
    assert (good.status, after.status) == (202, 202)
    assert isinstance(bad, Exception)
    assert not isinstance(bad, Refused)
    assert story.entity(Repayment, good.body["id"]).amount_minor == 100
    assert not [row for row in story.everything()["idempotency"] if row["key"] == "spoilt"]
    assert story.discrepancies() == []


def test_a_layer_forgets_what_a_failed_try_counted(open_platform: Callable[..., Platform], seed: int) -> None:
    layer = Counting()
    platform = open_platform(layer)
    sandbox = platform.create_sandbox(seed=seed, mode="manual", now_ms=0)

    together(
        platform.writer,
        [AddBorrower(sandbox.id, "ada", "Ada", 1), Spoil(sandbox.id), AddBorrower(sandbox.id, "bob", "Bob", 1)],
    )

    single, failed = ["group", "finish", "commit"], ["group"]
    assert layer.groups == single + failed + single + failed + single


def test_a_group_may_be_of_many_sandboxes(platform: Platform, tell: Callable[..., Story]) -> None:
    stories = [tell(seed=n) for n in range(4)]

    answers = together(
        platform.writer, [AddBorrower(story.sandbox_id, f"b{n}", "B", 1) for n in range(3) for story in stories]
    )

    assert [answer.status for answer in answers if isinstance(answer, Answer)] == [201] * 12
    assert [len(story.everything()["borrowers"]) for story in stories] == [3] * 4


def test_an_unknown_sandbox_is_refused_without_affecting_the_group(platform: Platform, story: Story) -> None:
    there, missing, after = together(
        platform.writer,
        [AddBorrower(id, "ada", "Ada", 1) for id in (story.sandbox_id, "sbx_x", story.sandbox_id)],
    )

    assert isinstance(there, Answer)
    assert isinstance(missing, Refused)
    assert isinstance(after, Answer)
    assert (there.status, missing.code, after.status) == (201, "sandbox_unknown", 200)


def test_a_command_sees_what_the_one_before_it_in_the_group_did(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()
    story.order(loan_id, 40_000, type="CLEAR")
    story.order(loan_id, 100_000, type="CLEAR")

    released = story.wait(2)

    assert [item["kind"] for item in released] == ["settlement", "settlement", "callback", "callback"]
    page = story.page(loan_id)
    assert (page["status"], page["paid_minor"], page["overpaid_minor"]) == ("CLEAR", 100_045, 39_955)
    assert story.discrepancies() == []


def test_a_reversal_in_the_group_sees_the_receipt_before_it(platform: Platform, story: Story) -> None:
    """A reversal reads facts and journal; what its group has not written yet has to be written first."""
    from mocklend.servicing import QueryChannel, ReverseRepayment

    loan_id = story.borrow()
    first, second = story.repay(loan_id, 10_000), story.order(loan_id, 20_000)
    story.settle_silently(second)

    answers = together(
        platform.writer,
        [
            QueryChannel(story.sandbox_id, story.key(), second, "op"),
            ReverseRepayment(story.sandbox_id, story.key(), first, "a memo", "op"),
            ReverseRepayment(story.sandbox_id, story.key(), second, "a memo", "op"),
        ],
    )

    statuses = [answer.body["status"] for answer in answers if isinstance(answer, Answer)]
    assert statuses == ["S", "REVERSED", "REVERSED"]
    assert story.page(loan_id)["paid_minor"] == 0
    assert story.discrepancies() == []


def test_the_number_of_statements_does_not_grow_with_the_group(platform: Platform, story: Story) -> None:
    """Loans, repayments, callbacks: a group costs the same round trips, however many share it."""
    loans = [story.borrow(reference=f"loan-{n}") for n in range(40)]
    ran: list[str] = []
    event.listen(platform.engine, "before_cursor_execute", lambda _c, _cur, sql, *_rest: ran.append(sql))

    def statements(commands: Sequence[Any]) -> int:
        ran.clear()
        platform.writer.run_all(commands)
        return len(ran)

    def orders(some: Sequence[str]) -> int:
        return statements([story.repayment(loan_id, 100) for loan_id in some])

    few, many = orders(loans[:2]), orders(loans[2:])
    assert few == many

    ada = story.entity(Loan, loans[0]).borrower_id

    def loans_for(count: int) -> int:
        product = PRODUCTS["jiebei-like"]
        return statements(
            [Borrow(story.sandbox_id, story.key(), ada, 100_000, "CNY", product, None, None) for _ in range(count)]
        )

    assert loans_for(2) == loans_for(30)

    placed = [repayment.id for repayment in story.entities(Repayment)]
    for repayment_id in placed:
        story.settle_silently(repayment_id)

    def callbacks(some: Sequence[str]) -> int:
        return statements([story.callback(id) for id in some])

    assert callbacks(placed[:2]) == callbacks(placed[2:])
    assert story.discrepancies() == []


def test_a_command_decided_twice_asks_the_layer_once(
    open_platform: Callable[..., Platform], tell: Callable[..., Story], seed: int
) -> None:
    layer = Counting()
    platform = open_platform(layer)
    story = type(tell(seed=seed))(platform, platform.create_sandbox(seed=seed, mode="manual", now_ms=1_767_578_400_000))
    loan_id = story.borrow()
    early, late = story.order(loan_id, 1_000), story.order(loan_id, 2_000, "bank_card")
    story.settle_silently(early)
    story.settle_silently(late)
    story.query_channel(late)
    layer.asked.clear()
    layer.heard_.clear()

    # It is about the past, so facts, journal and the other repayment are loaded on the way, each in another round.
    platform.run(story.callback(early))

    kinds = [CallbackAttempt, ReceiptBooked, BalanceKept, ViewRefresh, OrderPaid, RepaymentFiled, CallbackTaken]
    assert [type(event) for event in layer.asked] == kinds
    assert layer.heard_ == [(f"applied:{early}", f"recorded:{loan_id}"), (f"shown:{loan_id}",)]
    assert story.page(loan_id)["paid_minor"] == 3_000
    assert story.discrepancies() == []


@pytest.mark.parametrize("kind", ["on time", "on the first day", "in advance", "in the past"])
def test_a_wrong_override_after_a_receipt_changes_the_status_only(
    open_platform: Callable[..., Platform], tell: Callable[..., Story], seed: int, kind: str
) -> None:
    layer = Counting(mark="OVERDUE")
    platform = open_platform(layer)
    story = type(tell(seed=seed))(platform, platform.create_sandbox(seed=seed, mode="manual", now_ms=1_767_578_400_000))
    loan_id = story.borrow()
    match kind:
        case "on time":
            story.wait(days=10)
            story.repay(loan_id, 1_000)
        case "on the first day":
            story.settle(loan_id)
        case "in advance":
            story.wait(days=10)
            story.repay(loan_id, story.quote(loan_id, "OVD_AND_CURRENT")["total_minor"])
        case "in the past":
            late = story.order(loan_id, 1_000)
            story.settle_silently(late)
            story.repay(loan_id, 2_000, "bank_card")

    assert story.page(loan_id)["status"] == "OVD"
    assert [name for name, *_ in story.discrepancies() if name != "missing_in_books"] == ["status_mismatch"]
    assert story.broken() == set()


def test_pending_rows_of_a_layer_are_written_when_the_platform_stops(open_platform: Callable[..., Platform]) -> None:
    layer = Counting()
    platform = open_platform(layer)
    sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=0)
    row = {"sandbox_id": sandbox.id, "key": "left", "fingerprint": "", "status": 200, "body": "{}", "created_ms": 0}

    layer.left = [("idempotency.insert", row)]
    platform.close()

    with reading(open_platform().engine) as connection:
        assert rows(connection, str, "SELECT key FROM idempotency") == ["left"]


def test_a_platform_stops_if_the_pending_rows_cannot_be_written(open_platform: Callable[..., Platform]) -> None:
    layer = Counting()
    platform = open_platform(layer)
    layer.left = [("idempotency.insert", {"sandbox_id": None})]

    platform.close()

    assert list(layer.left) == []
