"""The audit: each bug that is planted in world, books or views is found with the right class."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import date

import pytest
from msgspec import structs
from sqlalchemy import event

from mocklend.audit import subjects
from mocklend.audit.checks import CHECKS, INVARIANTS
from mocklend.channels.callback_secrets import callback_secret
from mocklend.channels.inbox import ReceiveCallback
from mocklend.domain.facts import EDIT, RECEIPT, Fact
from mocklend.domain.replay import Movement
from mocklend.ledger.journal import JOURNALS, Head, Posted, post
from mocklend.sandboxes.ids import callback_of, out_trade_no
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.view_refresh import NEVER_MS
from mocklend.signing import signed_headers
from mocklend.storage.entities import Loan
from mocklend.storage.facts import BOOKS, append
from mocklend.storage.values import StatusOverride
from mocklend.storage.work import Work
from mocklend.views import reads
from mocklend.world.record import record_in_world
from support.plants import plant
from support.sql import Unguarded
from support.story import Story

_TODAY = date(2026, 1, 5)


def post_again(
    loan_id: str, pick: Callable[[Posted], bool], change: Callable[[Movement], Movement] = lambda m: m
) -> Callable[[Work], None]:
    """Post a transaction that is there already once more, properly numbered and chained."""

    def bug(work: Work) -> None:
        loan = work.get(Loan, loan_id)
        movement = next(item.movement for item in work.load(JOURNALS, loan_id) if pick(item))
        head = post(work, loan_id, loan.currency, Head(loan.next_seq, loan.head_hash), [change(movement)])
        work.put(structs.replace(loan, next_seq=head.next_seq, head_hash=head.hash))

    return bug


@pytest.fixture
def loan_id(story: Story) -> str:
    """Ada has borrowed 1,000.00 and repaid 95.00 of it."""
    new_loan: str = story.borrow()
    story.repay(new_loan, 9_500)
    assert story.discrepancies() == []
    return new_loan


# --- books that contradict themselves ---


def test_a_repayment_posted_twice_is_found(story: Story, loan_id: str) -> None:
    plant(story, post_again(loan_id, lambda entry: entry.movement.kind == "repayment"))

    assert {"B6", "B13"} <= story.broken()


def test_a_receipt_posted_twice_is_found(story: Story, loan_id: str) -> None:
    plant(story, post_again(loan_id, lambda entry: entry.movement.kind == "receipt"))

    assert {"B6", "B13", "C1"} <= story.broken()


def test_a_repayment_of_which_only_one_half_was_posted_is_found(story: Story, loan_id: str) -> None:
    """A split transaction: what belongs together was posted in two steps, and the second never came."""

    def first_half(movement: Movement) -> Movement:
        return structs.replace(movement, postings=movement.postings[:1])

    plant(story, post_again(loan_id, lambda entry: entry.movement.kind == "repayment", first_half))

    assert {"B6", "B13"} <= story.broken()


def test_a_transaction_that_lost_a_leg_is_found(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw("DELETE FROM postings WHERE debit = '2102' AND line = 1")

    assert {"B3", "B6", "B13"} <= story.broken()


def test_a_posting_slipped_into_a_transaction_is_found(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw(
        "INSERT INTO postings (sandbox_id, chain, seq, line, debit, credit, amount_minor) "
        "SELECT sandbox_id, chain, seq, 9, '5003', '1101', 1 FROM transactions WHERE kind = 'repayment'"
    )

    assert {"B3", "B13"} <= story.broken()


def test_a_posting_of_no_transaction_is_found(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw(
        "INSERT INTO postings (sandbox_id, chain, seq, line, debit, credit, amount_minor) VALUES (?, ?, 99, 0, '5003', '1101', 1)",
        (story.sandbox_id, loan_id),
    )

    assert "B1" in story.broken()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE transactions SET hash = 'f' || substr(hash, 2) WHERE seq = 2",
        "UPDATE transactions SET prev_hash = 'f' || substr(prev_hash, 2) WHERE seq = 2",
        "UPDATE transactions SET kind = 'receipt ' WHERE kind = 'receipt'",
        "UPDATE transactions SET effective_date = '2026-01-04' WHERE kind = 'receipt'",
        "UPDATE transactions SET recorded_ms = recorded_ms + 1 WHERE kind = 'receipt'",
        "UPDATE transactions SET ref = 'rpy_x' WHERE kind = 'receipt'",
        "UPDATE transactions SET currency = 'EUR' WHERE kind = 'receipt'",
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE seq = 3",
        "UPDATE postings SET debit = '1001' WHERE debit LIKE '1002:%'",
        "DELETE FROM transactions WHERE seq = 2",
        "DELETE FROM transactions WHERE seq = (SELECT MAX(seq) FROM transactions)",
    ],
)
def test_a_journal_that_was_tampered_with_is_found(story: Story, loan_id: str, raw: Unguarded, sql: str) -> None:
    assert raw(sql) > 0

    assert "B3" in story.broken()


def test_a_projection_that_is_not_its_facts_is_found(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw("UPDATE loans SET state = replace(state, '9500', '9501')")

    assert "B13" in story.broken()


@pytest.mark.parametrize("column", ["applied_minor", "overpaid_minor"])
def test_a_repayment_whose_row_says_another_split_than_the_books_is_found(
    story: Story, loan_id: str, raw: Unguarded, column: str
) -> None:
    raw(f"UPDATE repayments SET {column} = {column} + 1")

    assert story.broken() == {"B15"}


def test_a_reversed_repayment_has_settled_nothing(story: Story, loan_id: str, raw: Unguarded) -> None:
    gone = story.repay(loan_id, 700)
    story.reverse(gone)
    assert story.broken() == set()

    raw("UPDATE repayments SET applied_minor = amount_minor WHERE id = ?", (gone,))

    assert story.broken() == {"B15"}


def test_a_status_that_is_not_derived_is_found(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw("UPDATE loans SET status = 'CLEAR'")

    assert "B12" in story.broken()


def test_a_posting_with_no_fact_behind_it_is_found(story: Story, loan_id: str) -> None:
    fee = Movement("edit", "edt_x", _TODAY, (("1105", "4004", 500),))
    plant(story, post_again(loan_id, lambda entry: entry.seq == 1, lambda _m: fee))

    assert "B13" in story.broken()


# --- books against world ---


def test_a_receipt_that_never_happened_is_found(story: Story, loan_id: str) -> None:
    """A forged callback, with the channel's secret, of an order that was not paid."""
    repayment_id = story.order(loan_id, 4_000, "bank_transfer")
    data = {
        "version": "1.0", "out_trade_no": out_trade_no(repayment_id), "channel_trade_no": "CH1", "state": "SUCCESS",
        "amount_minor": 4_000, "currency": "CNY", "paid_at": rfc3339(story.now_ms),
    }  # fmt: skip
    body = json.dumps({"type": "payment.succeeded", "data": data})
    headers = signed_headers(callback_secret(story.sandbox.api_key, "bank_transfer"), "msg_1", story.now_ms, body)

    story.platform.run(ReceiveCallback(story.sandbox_id, "bank_transfer", headers, body.encode()))

    assert story.discrepancies() == [("missing_in_channel", repayment_id, 4_000)]


def test_money_without_a_pending_callback_is_missing(story: Story, loan_id: str, raw: Unguarded) -> None:
    repayment_id = story.order(loan_id, 4_000)
    story.settle_silently(repayment_id)
    raw("DELETE FROM callbacks WHERE id = ?", (callback_of(repayment_id),))

    audit = story.platform.audit(story.sandbox_id)

    assert story.discrepancies() == [("missing_in_books", repayment_id, 4_000)]
    assert "no callback" in audit.discrepancies[0].detail
    assert audit.in_transit == []


def test_money_whose_callback_has_not_been_tried_is_in_transit_and_no_discrepancy(story: Story, loan_id: str) -> None:
    repayment_id = story.order(loan_id, 4_000)
    story.settle_silently(repayment_id)
    story.sleep(90)

    audit = story.platform.audit(story.sandbox_id)

    assert audit.clean
    (moving,) = audit.to_json()["in_transit"]
    assert (moving["entity"], moving["loan_id"], moving["age_s"]) == (repayment_id, loan_id, 90)


def test_money_of_the_world_that_no_channel_took_is_found(story: Story, loan_id: str) -> None:
    fact = Fact("rpy_x", RECEIPT, story.now_ms, _TODAY, 4_000, "wallet", "CLEAR")
    plant(story, lambda work: record_in_world(work, loan_id, fact))

    assert ("missing_in_books", "rpy_x", 4_000) in story.discrepancies()
    assert "W1" in story.broken()


def test_a_fact_on_the_books_that_was_never_posted_is_found(story: Story, loan_id: str) -> None:
    fact = Fact("rpy_x", RECEIPT, story.now_ms, _TODAY, 4_000, "wallet", "CLEAR")
    plant(story, lambda work: append(work, BOOKS, loan_id, fact))

    assert ("missing_in_channel", "rpy_x", 4_000) in story.discrepancies()
    assert {"B6", "B13", "C1"} <= story.broken()


def test_an_entry_on_the_books_that_nobody_decided_is_found(story: Story, loan_id: str) -> None:
    fact = Fact("edt_x", EDIT, story.now_ms, _TODAY, 500, edit_kind="MODIFY_BILL_AMOUNT")
    plant(story, lambda work: append(work, BOOKS, loan_id, fact))

    assert ("unsupported", "edt_x", 500) in story.discrepancies()


@pytest.mark.parametrize(
    ("sql", "finding_class"),
    [
        ("UPDATE world_facts SET amount_minor = 9400 WHERE kind = 'receipt'", "amount_mismatch"),
        ("UPDATE world_facts SET channel = 'bank_card' WHERE kind = 'receipt'", "misapplied"),
        ("UPDATE world_facts SET effective_date = '2026-01-04' WHERE kind = 'receipt'", "misapplied"),
        ("UPDATE world_facts SET scope = 'CLEAR' WHERE kind = 'receipt'", "misapplied"),
        ("DELETE FROM world_facts WHERE kind = 'receipt'", "missing_in_channel"),
    ],
)
def test_rows_of_one_event_that_contradict_each_other_are_found(
    story: Story, loan_id: str, raw: Unguarded, sql: str, finding_class: str
) -> None:
    raw(sql)

    assert finding_class in {name for name, *_ in story.discrepancies()}


# --- views against books ---


def test_a_page_behind_the_books_without_a_fault_is_found(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw(
        "UPDATE loan_views SET version = 1, doc = replace(replace(doc, ?, ?), '\"version\":2', '\"version\":1')",
        (f'"outstanding_minor":{story.page(loan_id)["outstanding_minor"]}', '"outstanding_minor":100000'),
    )

    behind = 100_000 - story.receivable(loan_id)
    assert story.discrepancies() == [("stale_view", loan_id, behind)]


@pytest.mark.parametrize(("view", "column"), reads.FROM_MS.items())
def test_each_view_that_is_behind_is_found_and_named(
    story: Story, loan_id: str, raw: Unguarded, view: str, column: str
) -> None:
    """Each by itself: what is behind on one view only must not hide behind the others."""
    raw(f"UPDATE loan_views SET {column} = ? WHERE version = 2", (NEVER_MS,))

    [discrepancy] = story.platform.audit(story.sandbox_id).discrepancies

    assert (discrepancy.finding.finding_class, discrepancy.finding.entity) == ("stale_view", loan_id)
    assert discrepancy.finding.amount_minor == story.receivable(
        loan_id
    )  # The version before is gone: it shows nothing.
    assert discrepancy.detail.startswith(f"the {view} shows version 0 (None), the books are at 2")


def test_a_view_that_falls_back_is_found_like_one_that_is_late(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw("UPDATE loan_views SET back_ms = ?, again_ms = ? WHERE version = 2", (story.now_ms, NEVER_MS))

    assert [name for name, *_ in story.discrepancies()] == ["stale_view"]


def test_a_loan_with_no_page_at_all_is_found(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw("DELETE FROM loan_views")

    assert [(name, id) for name, id, _ in story.discrepancies()] == [("stale_view", loan_id)]


def test_a_page_that_differs_from_its_version_is_found(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw("UPDATE loan_views SET doc = replace(doc, '\"paid_minor\":9500', '\"paid_minor\":9400')")

    assert story.broken() == {"V4"}


def test_a_status_override_without_a_fault_is_found(story: Story, loan_id: str) -> None:
    def bug(work: Work) -> None:
        work.put(structs.replace(work.get(Loan, loan_id), status_override=StatusOverride("edt_x", "OVERDUE")))

    plant(story, bug)

    assert ("status_mismatch", loan_id, 0) in story.discrepancies()


# --- the audit itself ---


def test_each_check_has_a_code_of_its_own_a_sentence_and_something_that_it_runs() -> None:
    codes = [check.code for check in CHECKS]

    assert len(set(codes)) == len(codes)
    for check in CHECKS:
        assert check.states.endswith("."), check.code
        scopes = (check.world, check.books, check.loan, check.loans, check.chosen, check.sandbox, check.totals)
        assert any(scope is not None for scope in scopes), check.code


def test_every_check_function_is_in_the_list() -> None:
    """A function called `check_…` in a module that the list takes one from is run by it, or is called by one that is."""
    scopes = ("loan", "loans", "chosen", "sandbox")
    listed = {function for check in CHECKS for scope in scopes if (function := getattr(check, scope)) is not None}
    named = {
        function
        for module in {inspect.getmodule(function) for function in listed}
        for name, function in vars(module).items()
        if name.startswith("check_") and inspect.getmodule(function) is module
    }

    assert {function.__name__ for function in named - listed} == {"check_published_records"}, "run by `check_report`"


def test_what_an_invariant_finds_is_under_its_own_code(story: Story, loan_id: str, raw: Unguarded) -> None:
    raw("UPDATE postings SET debit = '9999' WHERE seq = 3")
    raw("UPDATE transactions SET currency = 'EUR' WHERE seq = 3")

    assert story.broken() <= INVARIANTS.keys()
    assert {"B1", "B3", "B4"} <= story.broken()


def test_an_audit_says_for_each_invariant_whether_it_holds(story: Story, loan_id: str, raw: Unguarded) -> None:
    sound = story.platform.audit(story.sandbox_id).to_json()
    raw("UPDATE transactions SET hash = 'f' || substr(hash, 2) WHERE seq = 2")
    tampered = story.platform.audit(story.sandbox_id).to_json()

    assert (sound["clean"], sound["loans"]) == (True, 1)
    assert [invariant["name"] for invariant in sound["invariants"]] == list(INVARIANTS)
    assert all(invariant["holds"] and invariant["detail"] == [] for invariant in sound["invariants"])
    assert not tampered["clean"]
    assert [invariant["name"] for invariant in tampered["invariants"] if not invariant["holds"]] == ["B3"]
    assert all(invariant["detail"] for invariant in tampered["invariants"] if not invariant["holds"])


def test_an_audit_changes_nothing(story: Story, loan_id: str) -> None:
    before = story.everything()

    story.platform.audit(story.sandbox_id)

    assert story.everything() == before


def test_a_discrepancy_is_found_in_its_own_sandbox_only(tell: Callable[..., Story], story: Story, loan_id: str) -> None:
    other = tell()
    other.borrow()

    plant(story, post_again(loan_id, lambda entry: entry.movement.kind == "repayment"))

    assert story.broken()
    assert other.discrepancies() == []


def test_loans_are_audited_a_group_at_a_time(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory and queries go with the groups and not with the loans."""
    for n in range(12):
        story.borrow(reference=f"loan-{n}")
    ran: list[str] = []
    event.listen(story.platform.engine, "before_cursor_execute", lambda _c, _cur, sql, *_rest: ran.append(sql))

    def queries(at_once: int) -> int:
        monkeypatch.setattr(subjects, "AT_ONCE", at_once)
        ran.clear()
        assert story.platform.audit(story.sandbox_id).loans == 12
        return len(ran)

    in_one, in_two, in_three = queries(12), queries(6), queries(4)
    assert in_two - in_one == in_three - in_two > 0
    assert in_one <= 28, "the identity audits after every step: each query more is felt in all of the tests"
