"""Reporting to the bureau: on change and at month ends, published a day later, once each, from the books alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any

import pytest

from mocklend.bureau import ReportAccount, checks, correct, flag_disputed, unflag_disputed
from mocklend.bureau import reporting as reporting_module
from mocklend.bureau.reports import RecordDoc, SubmissionDoc, records, report, submission
from mocklend.channels.payments import PayAtChannel
from mocklend.client import Doc
from mocklend.runtime import Platform
from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.servicing.matching import MatchReceipt
from mocklend.storage.entities import BureauAccount, Loan
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.storage.snapshot import among
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.views.reads import after_cursor
from support.sql import change
from support.story import Story

DAY_MS = 86_400_000


@dataclass(frozen=True)
class DisputeAction:
    """An action of operations on a dispute, as a command."""

    sandbox_id: str
    act: str
    loan_id: str
    about: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        return ()

    def decide(self, work: Work) -> Answer:
        acts: Any = {"mark": flag_disputed, "unmark": unflag_disputed, "correct": correct}
        return Answer(200, {"said": acts[self.act](work, self.loan_id, self.about)})


@pytest.fixture
def bureau(story: Story) -> Bureau:
    return Bureau(story)


class Bureau:
    """The bureau's side of Ada's story."""

    def __init__(self, story: Story) -> None:
        self.story = story

    def report(self) -> list[Doc]:
        with self.story.platform.read() as connection:
            ada = connection.exec_driver_sql("SELECT id FROM borrowers").fetchall()[0][0]
            return [dict(account) for account in report(self.story.snapshot(connection), ada)["accounts"]]

    def account(self) -> Doc:
        (account,) = self.report()
        return account

    def months(self) -> str:
        return str(self.account()["months_24"]).replace(" ", "").lstrip("/")

    def records(self, loan_id: str) -> list[RecordDoc]:
        with self.story.platform.read() as connection:
            return records(self.story.snapshot(connection), loan_id)["records"]

    def causes(self, loan_id: str) -> list[tuple[str, str]]:
        return [(record["cause"], record["as_of"]) for record in self.records(loan_id)]

    def operate(self, act: str, loan_id: str, about: str = "dsp_1") -> int | None:
        said: int | None = self.story.platform.run(DisputeAction(self.story.sandbox_id, act, loan_id, about)).body[
            "said"
        ]
        return said

    def until(self, moment: str) -> None:
        self.story.platform.advance(self.story.sandbox_id, parse_rfc3339(moment))


def test_a_new_loan_is_on_the_report_a_day_after_its_first_day_is_over(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()

    bureau.until("2026-01-07T00:00:00+08:00")
    account = bureau.account()

    assert (account["loan_id"], account["as_of"], account["status"]) == (loan_id, "2026-01-05", "USING")
    assert (account["balance_minor"], account["class"], account["months_24"][-3:]) == (100_000, "NORMAL", "/ *")
    assert account["published_at"] == "2026-01-06T16:00:00.000Z"
    assert story.discrepancies() == []


def test_a_new_loan_is_not_on_the_report_a_millisecond_earlier(story: Story, bureau: Bureau) -> None:
    story.borrow()

    bureau.until("2026-01-06T23:59:59.999+08:00")

    assert bureau.report() == []


def test_a_record_is_a_snapshot_then_submitted_then_published_then_superseded(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()
    states = []
    for moment in ("2026-01-06T00:00", "2026-01-06T02:00", "2026-01-07T00:00", "2026-02-02T00:00"):
        bureau.until(f"{moment}:00+08:00")
        states.append([record["state"] for record in bureau.records(loan_id)])

    assert states == [["SNAPSHOT"], ["SUBMITTED"], ["PUBLISHED"], ["SUPERSEDED", "PUBLISHED"]]


def test_every_account_is_reported_at_the_end_of_each_month(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()

    story.wait(days=60)

    assert bureau.causes(loan_id) == [
        ("change", "2026-01-05"),
        ("monthly", "2026-01-31"),
        ("change", "2026-02-06"),
        ("monthly", "2026-02-28"),
    ]


def test_a_missed_due_date_is_a_1_on_the_report_two_days_later(story: Story, bureau: Bureau) -> None:
    story.borrow()

    bureau.until("2026-02-07T23:59:59+08:00")
    before = bureau.months()
    bureau.until("2026-02-08T00:00:00+08:00")

    assert (before, bureau.months()) == ("*", "*1")
    assert (bureau.account()["class"], bureau.account()["days_overdue"]) == ("ATTENTION", 1)


def test_months_run_on_across_the_end_of_a_year(story: Story, bureau: Bureau) -> None:
    story.borrow()

    story.wait(days=395)

    assert bureau.months() == "*123456777777"
    assert (bureau.account()["last_month"], bureau.account()["class"]) == ("2027-01", "DOUBTFUL")
    assert story.discrepancies() == []


def test_a_settled_loan_ends_with_a_c_and_is_reported_no_more(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()
    story.wait(days=2)
    story.settle(loan_id)

    story.wait(days=100)

    assert bureau.months() == "C"
    assert bureau.causes(loan_id) == [("change", "2026-01-05"), ("change", "2026-01-07")]
    assert story.entity(BureauAccount, loan_id).due_ms is None


def test_a_loan_that_is_settled_on_its_first_day_is_reported_as_settled(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()
    story.settle(loan_id)

    story.wait(days=40)

    assert bureau.causes(loan_id) == [("change", "2026-01-05")]
    assert (bureau.account()["status"], bureau.months()) == ("CLEAR", "C")


def test_a_loan_that_opens_again_is_reported_again(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()
    repayment_id = story.settle(loan_id)
    story.wait(days=3)

    story.reverse(repayment_id)
    story.wait(days=30)

    assert [record["status"] for record in bureau.records(loan_id)][:2] == ["CLEAR", "USING"]
    assert story.discrepancies() == []


def test_a_change_that_is_undone_the_same_day_is_no_change(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()
    story.wait(days=3)

    story.reverse(story.settle(loan_id))
    story.wait(days=2)

    assert bureau.causes(loan_id) == [("change", "2026-01-05")]


class Wall:
    """A platform on a running clock whose ticker sleeps until it is told to look."""

    def __init__(self, open_platform: Callable[..., Platform], story: Story, now_ms: int) -> None:
        self.now_ms = now_ms
        self.platform = open_platform(real_ms=lambda: self.now_ms)
        self.story = type(story)(self.platform, self.platform.create_sandbox(seed=story.sandbox.seed, mode="wall"))

    def pass_(self, *, days: int = 0, seconds: int = 0) -> None:
        self.now_ms += days * DAY_MS + seconds * 1000

    def tick(self) -> None:
        while self.platform.tick():
            pass


@pytest.fixture
def wall(open_platform: Callable[..., Platform], story: Story) -> Wall:
    return Wall(open_platform, story, story.now_ms)


def test_a_record_has_the_state_at_the_end_of_its_day(wall: Wall) -> None:
    """The submission is late: the books have changed since, and the record still has their state at midnight."""
    loan_id = wall.story.borrow()
    wall.now_ms = parse_rfc3339("2026-01-05T23:59:59+08:00")
    wall.story.order(loan_id, 40_000)
    wall.pass_(seconds=10)

    wall.tick()
    wall.pass_(days=2)

    assert wall.story.page(loan_id)["outstanding_minor"] < 100_000
    (first,) = Bureau(wall.story).records(loan_id)
    assert (first["as_of"], first["balance_minor"]) == ("2026-01-05", 100_000)
    assert wall.story.discrepancies() == []


def test_after_an_outage_each_month_that_was_missed_is_reported_once_as_it_was(wall: Wall, story: Story) -> None:
    loan_id, twin = wall.story.borrow(), story.borrow()
    story.wait(days=150)
    wall.pass_(days=2)
    wall.tick()
    wall.pass_(days=148)

    wall.tick()

    def monthly(bureau: Bureau, of: str) -> list[tuple[object, ...]]:
        figures = itemgetter("as_of", "status", "balance_minor", "overdue_minor", "days_overdue", "months")
        return [figures(record) for record in bureau.records(of) if record["cause"] == "monthly"]

    assert loan_id == twin
    assert len(monthly(Bureau(story), twin)) == 5
    assert monthly(Bureau(wall.story), loan_id) == monthly(Bureau(story), twin)
    assert wall.story.discrepancies() == []


def test_reporting_twice_sends_one_record(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()
    story.wait(days=30)
    before = story.everything()

    story.platform.run(ReportAccount(story.sandbox_id, loan_id))

    assert story.everything() == before


def test_the_file_of_a_day_has_one_line_per_record_and_a_hash(story: Story) -> None:
    for n in range(5):
        story.borrow(reference=f"loan-{n}")
    story.wait(days=2)
    pages: list[SubmissionDoc] = []
    cursor: str | None = ""
    with story.platform.read() as connection:
        day = date(2026, 1, 5)
        whole = submission(story.snapshot(connection), day)
        while cursor is not None:
            page = submission(
                story.snapshot(connection), day, after=after_cursor("submission", cursor) if cursor else "", limit=2
            )
            pages.append(page)
            cursor = page["next_cursor"]
        lines = connection.exec_driver_sql("SELECT line FROM bureau_records ORDER BY id").fetchall()

    assert [len(page["lines"]) for page in pages] == [2, 2, 1]
    assert [line for page in pages for line in page["lines"]] == whole["lines"]
    assert {page["sha256"] for page in pages} == {reporting_module.file_hash(row[0] for row in lines)}
    assert (whole["count"], whole["lines"][0]["month_status"]) == (5, "*")


# --- disputes and corrections ---


def test_a_dispute_flags_the_account_until_it_is_decided(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()
    story.wait(days=2)

    bureau.operate("mark", loan_id, "dsp_1")
    bureau.operate("mark", loan_id, "dsp_1")
    bureau.operate("mark", loan_id, "dsp_2")
    one_of_two = bureau.operate("unmark", loan_id, "dsp_1")
    marked = bureau.account()
    bureau.operate("unmark", loan_id, "dsp_2")
    story.wait(days=2)

    assert one_of_two is None
    assert (marked["disputed"], marked["record_state"]) == (True, "DISPUTED")
    assert (bureau.account()["disputed"], bureau.account()["record_state"]) == (False, "PUBLISHED")
    assert len(bureau.records(loan_id)) == 1


def test_a_correction_reports_past_months_by_the_present_books(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()
    story.wait(days=31)
    receipt_id = _pay_with_an_unusable_reference(story)
    story.wait(days=40)
    wrong = bureau.months()
    _match(story, receipt_id, loan_id)

    answer = bureau.operate("correct", loan_id, "paid on the due date, booked late")
    assert answer is not None
    until_then = bureau.months()
    story.wait(seconds=(answer - story.now_ms) // 1000 - 1)
    a_moment_before = bureau.account()["record_state"]
    story.wait(seconds=2)

    assert wrong == until_then == "*1"
    assert a_moment_before == "PUBLISHED"
    assert (bureau.months(), bureau.account()["record_state"]) == ("*C", "CORRECTED")
    assert bureau.records(loan_id)[-1]["reason"] == "paid on the due date, booked late"
    assert story.discrepancies() == []


def test_without_a_correction_a_wrong_month_stays_although_the_books_are_right_again(
    story: Story, bureau: Bureau
) -> None:
    loan_id = story.borrow()
    story.wait(days=31)
    receipt_id = _pay_with_an_unusable_reference(story)
    story.wait(days=40)

    _match(story, receipt_id, loan_id)
    story.wait(days=3)

    assert bureau.months() == "*1C"
    with story.platform.read() as connection:
        facts = facts_of(story.snapshot(connection), BOOKS, [loan_id])[loan_id]
        reported = checks.reporting_of(story.snapshot(connection), among([loan_id]))[loan_id]
    assert checks.differs_from_books_now(story.entity(Loan, loan_id), facts, reported.records[-1])
    assert story.discrepancies() == []


def test_nothing_that_was_never_reported_needs_a_correction(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()

    assert bureau.operate("correct", loan_id, "too early") is None


def _pay_with_an_unusable_reference(story: Story) -> str:
    """Ada pays everything through bill pay, with a reference that names no loan."""
    paid = PayAtChannel(story.sandbox_id, story.key(), "bill_pay", 101_395, "CNY", "Ada", "my loan", "CLEAR")
    order_no = str(story.platform.run(paid).body["out_trade_no"])
    return "rct_" + order_no.removeprefix("PY").lower()


def _match(story: Story, receipt_id: str, loan_id: str) -> None:
    """The receipt takes effect on the day on which it was paid."""
    story.platform.run(MatchReceipt(story.sandbox_id, story.key(), receipt_id, loan_id, "bank slip", "op"))


# --- the audit ---


def test_a_change_on_its_way_to_the_report_is_in_transit(story: Story, bureau: Bureau) -> None:
    loan_id = story.borrow()

    bureau.until("2026-02-07T12:00:00+08:00")
    (moving,) = story.platform.audit(story.sandbox_id).in_transit

    assert (moving.loan_id, moving.since_ms) == (loan_id, parse_rfc3339("2026-02-07T00:00:00+08:00"))
    assert story.discrepancies() == []


@pytest.mark.parametrize(
    "lie",
    ["status = 'OVD'", "balance_minor = balance_minor + 5", "months = '1'", "five_class = 'LOSSES'"],
)
def test_the_audit_finds_a_record_that_differs_from_the_books(story: Story, lie: str) -> None:
    loan_id = story.borrow()
    story.wait(days=2)
    sql = f"UPDATE bureau_records SET {lie} WHERE sandbox_id = ?"

    story.platform.writer.call(lambda c: change(c, sql, story.sandbox_id))

    assert [(discrepancy[0], discrepancy[1]) for discrepancy in story.discrepancies()] == [("wrong_bureau", loan_id)]
