"""An audit that continues from the mark of an earlier one: merged with it, it is a full audit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from mocklend import audit as auditing
from mocklend.audit.jobs import audited
from mocklend.client import Doc, merged_audits
from mocklend.domain.facts import RECEIPT, Fact
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import ReceiptState
from mocklend.runtime import Platform
from mocklend.seams.view_refresh import NEVER_MS
from mocklend.storage import changes
from mocklend.storage.changes import changed_since, latest_change
from mocklend.storage.entities import Dispute, Quote, Receipt
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Work
from mocklend.world.record import record_in_world
from support.plants import plant
from support.sql import Unguarded
from support.story import DAY_MS, MONDAY_MS, Clock, Story

_TODAY = date(2026, 1, 5)
HOUR_MS = 3_600_000


def again(story: Story, before: Doc, later_ms: int = 0) -> Doc:
    """The audit that continues another one, now or as the sandbox would be later. Merged, they are a full audit."""
    with story.platform.read() as connection:
        snapshot = story.snapshot(connection, later_ms)
        newer, full = dict(audited(snapshot, None, before["mark"])), dict(audited(snapshot, None))
    merged = merged_audits(before, newer)
    assert _in_order(merged) == _in_order(full)
    return newer


def whole(story: Story) -> Doc:
    with story.platform.snapshot(story.sandbox_id) as snapshot:
        return dict(audited(snapshot, None))


def _in_order(audit: Doc) -> Doc:
    return {**audit, "in_transit": sorted(audit["in_transit"], key=repr)}


def test_only_loans_that_have_changed_are_looked_at(story: Story) -> None:
    loans = [story.borrow(reference=f"loan-{n}") for n in range(5)]
    before = whole(story)

    story.order(loans[3], 1_000)
    newer = again(story, before)

    assert (newer["looked_at"], newer["loans"], newer["clean"]) == ([loans[3]], 5, True)
    assert again(story, {**newer, "looked_at": None, "since": None})["looked_at"] == []


def test_a_new_loan_is_looked_at(story: Story) -> None:
    before = whole(story)

    loan_id = story.borrow()

    assert again(story, before)["looked_at"] == [loan_id]


def test_many_changes_are_looked_at_in_groups(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    before = whole(story)
    loans = sorted(story.borrow(reference=f"loan-{n}") for n in range(7))

    monkeypatch.setattr(auditing.subjects, "AT_ONCE", 3)

    assert again(story, before)["looked_at"] == loans


def test_a_discrepancy_appears_and_disappears(story: Story, raw: Unguarded) -> None:
    loan_id, other = story.borrow(reference="one"), story.borrow(reference="two")
    raw("UPDATE quotes SET total_minor = 0")
    order = story.order(loan_id, 4_000)
    story.settle_silently(order)
    before = whole(story)
    assert [item["entity"] for item in before["in_transit"]] == [order]

    raw("DELETE FROM callbacks")
    story.order(loan_id, 1)
    lost = again(story, before)
    assert [found["class"] for found in lost["discrepancies"]] == ["missing_in_books"]

    story.order(other, 1)
    merged = merged_audits(before, lost)
    assert again(story, merged)["looked_at"] == [other]


def test_what_is_in_transit_grows_older(story: Story) -> None:
    order = story.order(story.borrow(), 4_000)
    story.settle_silently(order)
    before = whole(story)

    story.sleep(90)
    newer = again(story, before)

    assert newer["in_transit"] == []
    [moving] = merged_audits(before, newer)["in_transit"]
    assert moving["age_s"] == before["in_transit"][0]["age_s"] + 90


# --- what time alone changes ---


@pytest.mark.parametrize("column", ["visible_ms", "list_ms", "instalments_ms", "replica_ms"])
def test_a_page_that_becomes_visible_is_looked_at(story: Story, raw: Unguarded, column: str) -> None:
    story.borrow()
    visible_ms = story.now_ms + HOUR_MS
    raw(f"UPDATE loan_views SET {column} = ?, due_ms = ?", (visible_ms, visible_ms + HOUR_MS))
    before = whole(story)
    assert [found["class"] for found in before["discrepancies"]] == ["stale_view"]

    assert again(story, before, HOUR_MS - 1)["looked_at"] == []
    assert again(story, before, HOUR_MS)["clean"]
    assert len(again(story, before, HOUR_MS)["looked_at"]) == 1


def test_a_page_that_an_older_one_replaces_for_good_is_looked_at(story: Story, raw: Unguarded) -> None:
    loan_id = story.borrow()
    raw("UPDATE loan_views SET back_ms = ?, again_ms = ?", (story.now_ms + HOUR_MS, NEVER_MS))
    before = whole(story)
    assert before["clean"]

    assert again(story, before, HOUR_MS - 1)["looked_at"] == []
    assert [found["entity"] for found in again(story, before, HOUR_MS)["discrepancies"]] == [loan_id]


def test_a_quote_that_lapses_is_looked_at(story: Story, raw: Unguarded) -> None:
    quote = story.quote(story.borrow())
    raw("UPDATE quotes SET total_minor = total_minor + 1")
    before = whole(story)
    assert [found["entity"] for found in before["discrepancies"]] == [quote["id"]]
    lapses_ms = story.entity(Quote, quote["id"]).valid_until_ms + 1 - story.now_ms

    assert again(story, before, lapses_ms - 1)["looked_at"] == []
    assert again(story, before, lapses_ms)["clean"]
    assert len(again(story, before, lapses_ms)["looked_at"]) == 1


def test_reports_that_are_published_or_late_are_looked_at(story: Story, raw: Unguarded) -> None:
    story.borrow()
    story.wait(days=1)
    before = whole(story)

    for later_ms in range(0, 4 * DAY_MS, 6 * HOUR_MS):
        again(story, before, later_ms)

    raw("UPDATE bureau_records SET published_ms = published_ms + ?", (DAY_MS,))
    raw("UPDATE bureau_accounts SET published_ms = published_ms + ?", (DAY_MS,))
    before = whole(story)
    classes = {
        found["class"]
        for later_ms in range(0, 4 * DAY_MS, 6 * HOUR_MS)
        for found in again(story, before, later_ms)["discrepancies"]
    }
    assert classes == {"wrong_bureau"}


def test_a_correction_that_does_not_come_is_looked_at(story: Story, raw: Unguarded) -> None:
    story.borrow()
    story.wait(days=3)
    raw("UPDATE bureau_accounts SET ordered_ms = ?, correct_ms = NULL", (story.now_ms,))
    before = whole(story)
    assert before["clean"]

    found = [again(story, before, later_ms)["clean"] for later_ms in range(0, 4 * DAY_MS, 6 * HOUR_MS)]

    assert (found[0], found[-1]) == (True, False)


def test_an_answer_that_falls_due_is_looked_at(story: Story) -> None:
    loan_id = story.borrow()
    dispute = Dispute(
        id="dsp_x", loan_id=loan_id, claim="x", statement=None, evidence=(), findings=(), state="RECEIVED", progress=(),
        decision=None, corrections=(), left_to_do=(), corrected_version=None, disagreement=None, compensation_minor=0,
        compensation_id=None, payout_id=None, marked=0, breached=0, created_ms=0, due_ms=None,
        answer_by_ms=story.now_ms + HOUR_MS, taken_up_ms=story.now_ms + 2 * HOUR_MS,
    )  # fmt: skip
    plant(story, lambda work: work.put(dispute))
    before = whole(story)

    assert again(story, before, HOUR_MS - 1)["looked_at"] == []
    assert [found["class"] for found in again(story, before, HOUR_MS)["discrepancies"]] == ["deadline_missed"]
    assert again(story, before, 2 * HOUR_MS)["clean"]


# --- what belongs to several loans, or to none ---


def test_a_loan_that_misses_a_receipt_is_looked_at_when_the_receipt_moves(story: Story) -> None:
    owner, one, two = (story.borrow(reference=name) for name in ("owner", "one", "two"))
    receipt = Receipt(
        id="rct_x", state=ReceiptState.UNAPPLIED, loan_id=None, channel="wallet", out_trade_no="PYX",
        channel_trade_no="CHX", amount_minor=500, currency="CNY", scope="OVD_AND_CURRENT", payer_name="Ada",
        payer_reference="?", landed=0, paid_ms=story.now_ms, received_ms=story.now_ms, applied_ms=None,
    )  # fmt: skip

    def pay(work: Work) -> None:
        work.put(receipt)
        record_in_world(work, owner, Fact("rct_x", RECEIPT, work.now_ms, _TODAY, 500, "wallet"))

    def place(loan_id: str) -> Callable[[Work], None]:
        return lambda work: work.put(structs.replace(work.get(Receipt, "rct_x"), loan_id=loan_id))

    before = whole(story)
    plant(story, pay)
    unapplied = again(story, before)
    assert ("unidentified", owner) in {(found["class"], found["loan_id"]) for found in unapplied["discrepancies"]}

    before = merged_audits(before, unapplied)
    plant(story, place(one))
    newer = again(story, before)
    assert newer["looked_at"] == sorted([owner, one])
    assert ("misapplied", owner) in {(found["class"], found["loan_id"]) for found in newer["discrepancies"]}

    before = merged_audits(before, newer)
    plant(story, place(two))
    assert again(story, before)["looked_at"] == sorted([owner, two])


def test_a_sum_over_the_sandbox_that_is_wrong_stays_wrong(story: Story) -> None:
    """The shares of a loan that has changed are compared; once they differ, the sums are made in full."""
    loan_id, other = story.borrow(reference="one"), story.borrow(reference="two")
    before = whole(story)
    plant(story, lambda work: record_in_world(work, loan_id, Fact("rpy_x", RECEIPT, work.now_ms, _TODAY, 7, "wallet")))

    newer = again(story, before)
    assert [each["name"] for each in newer["invariants"] if not each["holds"]] == ["W1"]

    before = merged_audits(before, newer)
    story.order(other, 1)
    assert [each["name"] for each in again(story, before)["invariants"] if not each["holds"]] == ["W1"]


def test_a_journal_with_other_money_than_its_facts_changes_the_sums(story: Story, raw: Unguarded) -> None:
    loan_id = story.borrow()
    story.repay(loan_id, 9_500)
    before = whole(story)
    raw("UPDATE postings SET amount_minor = amount_minor + 1 WHERE debit = '1002:wallet'")
    story.order(loan_id, 1)

    assert {"B3", "C1"} <= {each["name"] for each in again(story, before)["invariants"] if not each["holds"]}


# --- marks ---


@pytest.mark.parametrize("mark", ["", "x", "1.2.3", "0.0.0.1.0.aaaaaaaaaaaa", "a.b.c.d.e", "1.1.1.1.é"])
def test_what_no_audit_has_answered_is_no_mark(story: Story, mark: str) -> None:
    with story.platform.snapshot(story.sandbox_id) as snapshot, pytest.raises(Refused) as refused:
        auditing.audit(snapshot, mark)

    assert refused.value.code == "mark_unknown"


def test_a_mark_of_another_sandbox_is_refused(story: Story, tell: Callable[..., Story]) -> None:
    mark = whole(tell())["mark"]

    with story.platform.snapshot(story.sandbox_id) as snapshot, pytest.raises(Refused, match="no audit of this"):
        auditing.audit(snapshot, mark)


def test_a_mark_from_before_a_reset_is_refused(story: Story) -> None:
    mark = whole(story)["mark"]
    story.platform.reset_sandbox(story.sandbox_id)

    with story.platform.snapshot(story.sandbox_id) as snapshot, pytest.raises(Refused, match="reset since"):
        auditing.audit(snapshot, mark)


def test_a_mark_that_is_newer_than_the_database_is_refused(story: Story) -> None:
    """As after somebody has restored an older copy."""
    older = whole(story)
    story.borrow()
    with story.platform.snapshot(story.sandbox_id) as snapshot:
        mark = auditing.audit(snapshot).mark
        past = Snapshot(snapshot.connection, snapshot.sandbox, snapshot.now_ms - 1)
        with pytest.raises(Refused, match="older than the mark"):
            auditing.audit(past, mark)
    assert older["mark"] != mark


def test_a_mark_after_which_not_all_changes_are_known_is_refused(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "DELETED_ONCE_IN", 1)
    monkeypatch.setattr(changes, "KEPT", 3)
    loan_id = story.borrow()
    marks = [whole(story)["mark"]]
    for _ in range(6):
        story.order(loan_id, 1)  # One change.
        marks.append(whole(story)["mark"])

    with story.platform.snapshot(story.sandbox_id) as snapshot:
        assert snapshot.number("SELECT COUNT(*) FROM changes WHERE sandbox_id = :sandbox_id") == 3
        for mark in marks[3:]:
            assert auditing.audit(snapshot, mark).loans == 1
        for mark in marks[:3]:
            with pytest.raises(Refused) as refused:
                auditing.audit(snapshot, mark)
            assert refused.value.code == "mark_too_old"


def test_only_an_audit_that_continues_another_one_is_merged_with_it(story: Story) -> None:
    first = whole(story)
    story.borrow()
    newer = again(story, first)

    with pytest.raises(ValueError, match="does not continue"):
        merged_audits(whole(story), newer)
    with pytest.raises(ValueError, match="does not continue"):
        merged_audits(newer, newer)


# --- what a commit says that it has changed ---


def test_a_commit_names_what_it_changes_and_a_refused_one_nothing(story: Story) -> None:
    loan_id = story.borrow()
    with story.platform.snapshot(story.sandbox_id) as snapshot:
        latest = latest_change(snapshot)

    with pytest.raises(Refused):
        story.order("loan_x", 1_000)
    story.quote(loan_id, "CLEAR")

    with story.platform.snapshot(story.sandbox_id) as snapshot:
        assert (changed_since(snapshot, latest), latest_change(snapshot)) == (({loan_id}, 0), latest + 1)
        assert changed_since(snapshot, latest + 1) == (set(), 0)
        assert changed_since(snapshot, 0) == ({loan_id}, 1)


def test_changes_of_another_sandbox_are_its_own(story: Story, tell: Callable[..., Story]) -> None:
    before = whole(story)
    other = tell()
    other.borrow()

    assert again(story, before)["looked_at"] == []


def test_an_audit_continues_on_postgresql(postgresql: str) -> None:
    with closing(Platform(postgresql)) as platform:
        story = Story(platform, platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS))
        loans = [story.borrow(reference=f"loan-{n}") for n in range(3)]
        before = whole(story)
        story.settle_silently(story.order(loans[0], 1_000))
        newer = again(story, before)
        assert newer["looked_at"] == [loans[0]]

        before = merged_audits(before, newer)
        story.wait(days=2)
        assert again(story, before)["clean"]


@settings(max_examples=15)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["borrow", "order", "edit", "reverse", "quote"]), st.integers(0, 400_000)),
        min_size=3,
        max_size=9,
    )
)
def test_audits_merge_while_a_clock_runs(open_platform: Callable[..., Platform], steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    platform = open_platform(real_ms=clock)
    story = Story(platform, platform.create_sandbox(seed=7, mode="wall", speed=1))
    loans, orders = [story.borrow()], []
    before = whole(story)
    for name, seconds in steps:
        clock.ms += seconds * 1_000
        while platform.tick():
            pass
        if name == "borrow":
            loans.append(story.borrow(reference=f"loan-{len(loans)}"))
        elif name == "order":
            orders.append(story.order(loans[seconds % len(loans)], 1_000))
        elif name == "edit":
            story.edit(loans[seconds % len(loans)], 500)
        elif name == "quote":
            story.quote(loans[seconds % len(loans)])
        before = merged_audits(before, again(story, before))
    assert before["clean"]
