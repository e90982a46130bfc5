"""Every change that a client can see is an event with the new status, in the commit of the change.

One story takes each resource through all of its state machine. Each step that a command makes is written down, with the
webhooks that it queued, and held against the table below: a step that is not in the table is one that nobody has
thought of, and a step in it that the story does not make is one that nothing tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mocklend.channels.closed_orders import take_for_closed
from mocklend.channels.late_failures import FailLate
from mocklend.channels.order_query import QueryPayment
from mocklend.channels.payments import PayAtChannel
from mocklend.channels.payouts import FailPayout
from mocklend.channels.second_receipts import post_again
from mocklend.domain.product import PRODUCTS
from mocklend.domain.statuses import DisputeState, EditState, RepaymentStatus
from mocklend.lending import AddBorrower, Borrow
from mocklend.sandboxes.ids import callback_of, late_failure_of, order_no, receipt_of
from mocklend.servicing import (
    AddStatement,
    ApproveEdit,
    DecideDispute,
    IssueCertificate,
    OpenDispute,
    QueryChannel,
    RebookRepayment,
    Refund,
    ReinstateRepayment,
    RejectEdit,
    ReverseEdit,
    ReverseReceipt,
    VerifyDispute,
    Waive,
    WriteOff,
)
from mocklend.servicing.matching import MatchReceipt
from mocklend.servicing.moving import MoveReceipt
from mocklend.storage.entities import Repayment
from mocklend.storage.work import Answer, Work
from mocklend.views.reads import payouts
from mocklend.webhooks.endpoints import AddEndpoint
from mocklend.webhooks.events import EVENTS, FIELDS, payload_schema
from mocklend.writer import _Group
from support.story import Story

STAFF = "only staff see it"
OTHER = "staff see the payout; clients see the loan, refund or dispute that it is for, which has an event of its own"

STEPS: dict[tuple[str, str | None, str], str | None] = {
    # The kind of resource, its status before and after; and why no event has the new status, where none has.
    ("loan", None, "LENDING"): None,
    ("loan", None, "USING"): None,
    ("loan", "LENDING", "USING"): None,
    ("loan", "LENDING", "FAILED"): None,
    ("loan", "USING", "OVD"): None,
    ("loan", "OVD", "USING"): None,
    ("loan", "USING", "CLEAR"): None,
    ("loan", "OVD", "CLEAR"): None,
    ("loan", "CLEAR", "USING"): None,
    ("loan", "CLEAR", "OVD"): None,
    ("loan", "USING", "OFF"): None,
    ("loan", "OVD", "OFF"): None,
    ("loan", "OFF", "USING"): None,
    ("loan", "OFF", "OVD"): None,
    ("loan", "OFF", "CLEAR"): None,
    ("loan", "CLEAR", "OFF"): None,
    ("repayment", None, "PROCESSING"): None,
    ("repayment", "PROCESSING", "S"): None,
    ("repayment", "PROCESSING", "REVERSED"): None,
    ("repayment", "S", "REVERSED"): None,
    ("repayment", "REVERSED", "S"): None,
    ("repayment", "S", "F"): None,
    ("repayment", "F", "S"): None,
    ("repayment", "F", "REVERSED"): None,
    ("receipt", None, "UNAPPLIED"): STAFF,
    ("receipt", None, "APPLIED"): None,
    ("receipt", None, "LATE_FAILED"): None,
    ("receipt", "UNAPPLIED", "APPLIED"): None,
    ("receipt", "UNAPPLIED", "LATE_FAILED"): STAFF,
    ("receipt", "APPLIED", "LATE_FAILED"): None,
    ("receipt", "APPLIED", "REVERSED"): None,
    ("edit", None, "DRAFT"): STAFF,
    ("edit", "DRAFT", "REJECTED"): STAFF,
    ("edit", "DRAFT", "APPLIED"): None,
    ("edit", None, "APPLIED"): None,
    ("edit", "APPLIED", "REVERSED"): None,
    ("payout", None, "ORDERED"): OTHER,
    ("payout", "ORDERED", "PAID"): OTHER,
    ("payout", "ORDERED", "FAILED"): OTHER,
    ("dispute", None, "MARKED"): None,  # Received and marked in one commit, with an event for each.
    ("dispute", "MARKED", "VERIFYING"): None,
    ("dispute", "VERIFYING", "UPHELD"): None,
    ("dispute", "VERIFYING", "REJECTED"): None,
    ("dispute", "VERIFYING", "UNVERIFIABLE"): None,
    ("dispute", "UPHELD", "CORRECTED"): None,
    ("dispute", "CORRECTED", "COMPENSATED"): None,
    ("dispute", "REJECTED", "STATEMENT"): None,
    ("certificate", None, "issued"): None,
}
"""Refunds are edits and payouts: `refund.agreed` and `refund.paid` are held against them below. A quote has no status:
it holds until its day is over. A webhook endpoint tells of others, not of itself."""

STATUS = {"loan": "status", "repayment": "status", "receipt": "state", "edit": "state", "payout": "state",
          "dispute": "state", "certificate": None}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One change of one resource, and what was told in the same commit."""

    kind: str
    id: str
    before: str | None
    after: str
    told: tuple[dict[str, Any], ...]

    @property
    def name(self) -> tuple[str, str | None, str]:
        return (self.kind, self.before, self.after)

    def is_told(self) -> bool:
        """Whether an event names the resource with its new status, the last one that names it at all."""
        status = STATUS[self.kind]
        about = [one["data"] for one in self.told if one["data"].get(f"{self.kind}_id") == self.id]
        about = [data for data in about if status is None or status in data]
        if self.kind == "edit" and any(one["type"] == "refund.agreed" for one in self.told):
            return self.after == "APPLIED"  # A refund is an edit that clients know as a refund.
        if self.kind == "loan":
            about = [data for data in about if "version" in data]
        return bool(about) and (status is None or about[-1][status] == self.after)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Every change of status that any command makes, as it is taken into its commit."""
    seen: list[Step] = []
    take = _Group._take

    def status_of(entity: Any) -> str | None:
        if entity is None:
            return None
        name = STATUS[entity.kind]
        return "issued" if name is None else str(getattr(entity, name))

    def watched(self: _Group, sandbox_id: str, work: Any) -> None:
        known = self._loaded[sandbox_id]
        told = tuple(json.loads(one.body) for (kind, _), one in work.puts.items() if kind == "webhook")
        for (kind, id), entity in work.puts.items():
            if kind in STATUS and (before := status_of(known.get((kind, id)))) != (after := status_of(entity)):
                seen.append(Step(kind, id, before, str(after), told))
        take(self, sandbox_id, work)

    monkeypatch.setattr(_Group, "_take", watched)
    return seen


@dataclass(frozen=True)
class Closed:
    """What a fault of the inbox does: an order that was paid is taken for closed."""

    sandbox_id: str
    repayment_id: str
    idem: None = None

    def needs(self) -> Iterable[Any]:
        return ()

    def decide(self, work: Any) -> Answer:
        order = work.get(Repayment, self.repayment_id)
        take_for_closed(work, order)
        return Answer(200, {})


@dataclass(frozen=True)
class PostedAgain:
    """What a fault of the desk does: a receipt posted beside the order's own."""

    sandbox_id: str
    repayment_id: str
    idem: None = None

    def needs(self) -> Iterable[Any]:
        return ()

    def decide(self, work: Any) -> Answer:
        order = work.get(Repayment, self.repayment_id)
        post_again(work, order, number="CH2", paid_ms=order.paid_ms, typed="by hand")
        return Answer(200, {})


class Told:
    """A story with a client who listens to everything, and a line for each thing that staff and channels do."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.run(AddEndpoint(story.sandbox_id, "http://127.0.0.1:9/", ("*",), "standard"))

    def run(self, command: Any) -> dict[str, Any]:
        body: dict[str, Any] = self.story.lender.run(command).body
        return body

    def ask(self, command: Any, *about: Any) -> dict[str, Any]:
        return self.run(command(self.story.sandbox_id, self.story.key(), *about))

    def borrow_slowly(self) -> str:
        ada = self.run(AddBorrower(self.story.sandbox_id, "ada", "Ada", 10**12))["id"]
        product = PRODUCTS["jiebei-like"]
        return str(self.ask(Borrow, ada, 100_000, "CNY", product, None, None, False, "bank_transfer", 60)["id"])

    def payout_of(self, loan_id: str) -> Any:
        with self.story.lender.read() as connection:
            return payouts(connection, self.story.sandbox_id, loan_id)[-1]

    def push(self, typed: str, amount_minor: int = 50_000, scope: str = "CLEAR") -> str:
        order = self.ask(PayAtChannel, "bill_pay", amount_minor, "CNY", "Ada", typed, scope)["out_trade_no"]
        self.story.wait(600)
        return receipt_of(order)

    def fail_late(self, id: str, channel: str = "wallet") -> None:
        self.ask(FailLate, channel, order_no(id))
        self.story.wait(0)

    def dispute(self, loan_id: str, decision: str, **more: Any) -> str:
        id = str(self.ask(OpenDispute, loan_id, "other", "It is not so.", ())["id"])
        self.ask(VerifyDispute, id, "wei")
        self.run(DecideDispute(self.story.sandbox_id, self.story.key(), id, decision, "Checked.", "wei", **more))
        return id

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Everything that was queued, in order."""
        queued = sorted(self.story.everything()["webhooks"], key=lambda row: row["queued_ms"])
        return [(row["event"], json.loads(row["body"])["data"]) for row in queued]


def through_all_of_it(tell: Callable[..., Story]) -> Told:
    """A story that makes every step of the table."""
    story = tell(four_eyes_above_minor=1_000)
    told = Told(story)
    _loans(told)
    _repayments(told)
    _receipts(told)
    _edits(told)
    _disputes(told)
    return told


def _loans(told: Told) -> None:
    story = told.story
    paid_out, failed = told.borrow_slowly(), told.borrow_slowly()
    told.ask(FailPayout, "bank_transfer", told.payout_of(failed).id)
    story.wait(60)
    loan, settled = story.borrow(), story.borrow()
    before = story.settle(settled)
    written_off = [story.borrow() for _ in range(2)]
    drafts = [told.ask(WriteOff, id, "bankrupt", "wei", "li")["id"] for id in written_off]
    told.run(desk_reverse(story, drafts[0]))  # Owed again, and not overdue.
    recovered = story.settle(written_off[1])
    story.reverse(recovered)  # What was recovered is gone: OFF again.
    story.wait(days=40)
    story.repay(loan, 20_000)  # Cured.
    story.settle(paid_out)  # Overdue, and cleared.
    story.reverse(before)  # Cleared, and overdue at once.
    late = story.borrow()
    story.wait(days=40)
    edit = told.ask(WriteOff, late, "bankrupt", "wei", "li")["id"]
    told.run(desk_reverse(story, edit))  # Overdue again.


def desk_reverse(story: Story, edit_id: str) -> Any:
    return ReverseEdit(story.sandbox_id, story.key(), edit_id, "he came back", "wei")


def _repayments(told: Told) -> None:
    story = told.story
    loan = story.borrow()
    first, second = story.repay(loan, 20_000), story.settle(loan)
    told.run(IssueCertificate(story.sandbox_id, loan))
    story.reverse(first)
    told.ask(ReinstateRepayment, first, "it was good", "grace")
    told.run(Closed(story.sandbox_id, second))
    told.ask(QueryChannel, second, "grace")
    told.fail_late(second)
    closed = story.repay(loan, 1_000)
    told.run(Closed(story.sandbox_id, closed))
    told.fail_late(closed)
    unheard = story.order(loan, 1_000)
    story.settle_silently(unheard)
    told.ask(FailLate, "wallet", order_no(unheard))
    told.run(story.command(story.now_ms, "callback", callback_of(late_failure_of(unheard))))


def _receipts(told: Told) -> None:
    story = told.story
    one, other = story.borrow(), story.borrow()
    matched, nobodys = told.push("my loan"), told.push("thanks")
    told.ask(MatchReceipt, matched, one, "by her slip", "grace")
    told.ask(MoveReceipt, matched, other, "the slip says so", "grace")
    told.fail_late(matched, "bill_pay")
    told.fail_late(nobodys, "bill_pay")
    told.push(one)
    again = story.repay(other, 5_000)
    told.run(PostedAgain(story.sandbox_id, again))
    (second,) = [row["id"] for row in story.everything()["receipts"] if row["channel_trade_no"] == "CH2"]
    told.ask(ReverseReceipt, second, "it came once", "grace")
    # The callback is still on its way when the bank takes the money back, and the desk hears of both at once.
    order = told.ask(PayAtChannel, "bill_pay", 7_000, "CNY", "Ada", other, "CLEAR")["out_trade_no"]
    story.settle_silently(receipt_of(order))
    told.ask(FailLate, "bill_pay", order)
    told.ask(QueryPayment, "bill_pay", order, "grace")
    story.wait(0)


def _edits(told: Told) -> None:
    story = told.story
    loan = story.borrow()
    told.run(desk_reverse(story, story.edit(loan, 500)))
    draft = story.edit(loan, 5_000)
    told.ask(ApproveEdit, draft, "li")
    told.ask(RejectEdit, story.edit(loan, 5_000), "no", "li")
    story.repay(loan, story.quote(loan)["total_minor"] + 900, type="CLEAR")
    told.ask(Refund, loan, "wallet", 900, "paid twice", "wei", "li")
    story.wait(60)


def _disputes(told: Told) -> None:
    story = told.story
    loan = story.borrow()
    rejected = told.dispute(loan, "REJECTED")
    told.ask(AddStatement, rejected, "It is so.")
    told.dispute(loan, "UNVERIFIABLE")
    upheld = told.dispute(loan, "UPHELD")
    told.run(
        DecideDispute(
            story.sandbox_id, story.key(), upheld, "UPHELD", "Put right.", "wei", correct=True, compensation_minor=500
        )
    )
    story.wait(days=2)
    told.ask(OpenDispute, loan, "other", "It is not so.", ())
    story.wait(days=21)


def test_every_step_of_every_resource_is_told_with_its_new_status(
    tell: Callable[..., Story], steps: list[Step]
) -> None:
    through_all_of_it(tell)

    unheard_of = {step.name for step in steps} - set(STEPS)
    untold = {step.name for step in steps if STEPS.get(step.name) is None and not step.is_told()}
    assert (unheard_of, untold) == (set(), set())
    assert set(STEPS) - {step.name for step in steps} == set(), "a step that the story does not make"


def test_each_status_that_the_code_knows_is_in_the_table() -> None:
    known = {
        "repayment": set(RepaymentStatus) - {RepaymentStatus.INITIAL, RepaymentStatus.PARTIAL},
        "edit": set(EditState),
        # One that is opened is marked in the same commit.
        "dispute": set(DisputeState) - {DisputeState.OPEN},
    }

    for kind, states in known.items():
        assert {after for of, _, after in STEPS if of == kind} == states


def test_the_story_sends_every_event_that_there_is_but_those_of_their_own_tests(tell: Callable[..., Story]) -> None:
    told = through_all_of_it(tell)

    sent = {event for event, _ in told.events()}
    assert set(EVENTS) - sent == {
        "dispute.left_to_do", "loan.edit_adjusted", "loan.status_override_ended", "repayment.reallocated",
        "repayment.rebooked",
    }  # fmt: skip


def test_a_refund_is_told_when_it_is_agreed_and_when_it_has_left(tell: Callable[..., Story]) -> None:
    told = Told(tell())
    loan = told.story.borrow()
    told.story.repay(loan, told.story.quote(loan)["total_minor"] + 900, type="CLEAR")
    refund = told.ask(Refund, loan, "wallet", 900, "paid twice", "wei")
    told.story.wait(60)

    heard = [(event, data) for event, data in told.events() if event.startswith("refund")]
    assert [(event, data["state"], data["amount_minor"]) for event, data in heard] == [
        ("refund.agreed", "ORDERED", 900),
        ("refund.paid", "PAID", 900),
    ]
    assert heard[0][1]["edit_id"] == refund["id"]
    assert heard[0][1]["payout_id"] == heard[1][1]["payout_id"] == told.payout_of(loan).id


def test_who_follows_the_webhooks_of_a_repayment_knows_what_the_platform_knows(tell: Callable[..., Story]) -> None:
    """Reversed, and reinstated: the last word that a client hears is what the repayment's page says."""
    told = Told(tell())
    loan = told.story.borrow()
    repayment = told.story.repay(loan, 20_000)

    for act in (told.story.reverse, lambda id: told.ask(ReinstateRepayment, id, "it was good", "grace")):
        act(repayment)

        told.story.wait(1)
        last = [data for _, data in told.events() if data.get("repayment_id") == repayment][-1]
        now = told.story.entity("repayment", repayment)
        assert {name: last[name] for name in ("status", "applied_minor", "overpaid_minor")} == {
            "status": now.status, "applied_minor": now.applied_minor, "overpaid_minor": now.overpaid_minor,
        }  # fmt: skip


def test_a_later_repayment_that_settles_something_else_now_is_told(tell: Callable[..., Story]) -> None:
    """9.00 too much is no longer too much once an earlier repayment is taken off the loan."""
    told = Told(tell())
    loan = told.story.borrow()
    first = told.story.repay(loan, 20_000)
    second = told.story.repay(loan, told.story.quote(loan)["total_minor"] + 900, type="CLEAR")
    assert told.story.entity("repayment", second).overpaid_minor == 900

    told.story.reverse(first)

    now = told.story.entity("repayment", second)
    (data,) = [data for event, data in told.events() if event == "repayment.reallocated"]
    assert data["repayment_id"] == second
    assert (data["applied_minor"], data["overpaid_minor"]) == (now.applied_minor, now.overpaid_minor)
    assert now.overpaid_minor == 0


def test_a_waiver_that_earlier_money_undoes_is_told_and_told_again_when_it_is_back(tell: Callable[..., Story]) -> None:
    """Interest is waived on the 40th day; then the platform hears of money that had paid it on the 39th."""
    told = Told(tell())
    story = told.story
    loan = story.borrow()
    story.wait(days=39)
    unheard = story.order(loan, story.quote(loan)["total_minor"], type="CLEAR")
    story.settle_silently(unheard)
    story.sleep(days=1)
    waiver = told.ask(Waive, loan, "penalty", 5, "a gift", "wei")

    story.query_channel(unheard)
    story.reverse(unheard)

    heard = [data for event, data in told.events() if event == "loan.edit_adjusted"]
    heard.sort(key=lambda data: data["version"])
    assert [(data["edit_id"], data["was_minor"], data["is_minor"]) for data in heard] == [
        (waiver["id"], 5, 0),
        (waiver["id"], 0, 5),
    ]
    assert story.discrepancies() == []


def test_a_certificate_that_the_books_have_left_behind_is_told_once(tell: Callable[..., Story]) -> None:
    told = Told(tell())
    loan = told.story.borrow()
    repayment = told.story.settle(loan)
    issued = told.run(IssueCertificate(told.story.sandbox_id, loan))
    told.run(IssueCertificate(told.story.sandbox_id, loan))
    told.story.wait(days=1)

    told.story.reverse(repayment)
    told.ask(ReinstateRepayment, repayment, "it was good", "grace")
    told.story.reverse(repayment)

    heard = [(event, data["superseded"]) for event, data in told.events() if event.startswith("certificate")]
    assert heard == [("certificate.issued", False), ("certificate.superseded", True)]
    assert {data["certificate_id"] for event, data in told.events() if "certificate" in event} == {issued["id"]}


def test_a_status_set_by_hand_that_holds_no_longer_is_told(tell: Callable[..., Story]) -> None:
    told = Told(tell())
    loan = told.story.borrow()
    told.story.wait(days=40)
    edit = told.story.edit(loan, None, "MODIFY_BILL_STATUS", "OVERDUE")

    told.story.settle(loan)

    ended = [data for event, data in told.events() if event == "loan.status_override_ended"]
    assert [(data["edit_id"], data["status"]) for data in ended] == [(edit, "CLEAR")]


def test_a_repayment_that_is_booked_anew_is_told(tell: Callable[..., Story], monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(tell())
    loan = told.story.borrow()
    act = Work.at

    def typed_wrong(self: Work, given: Any) -> Any:
        happened = act(self, given)
        return replace(happened, scope="OVD_AND_CURRENT") if given.seam == "receipt.booked" else happened

    with monkeypatch.context() as wrong:
        wrong.setattr(Work, "at", typed_wrong)
        repayment = told.story.settle(loan)
    told.ask(RebookRepayment, repayment, "as was ordered", "grace")

    now = told.story.entity("repayment", repayment)
    (data,) = [data for event, data in told.events() if event == "repayment.rebooked"]
    assert (data["status"], data["applied_minor"]) == ("S", now.applied_minor)


def test_the_list_of_events_says_what_each_field_is() -> None:
    used = {field for one in EVENTS.values() for field in one.data}

    assert used == set(FIELDS)
    for event in EVENTS:
        schema = payload_schema(event)
        assert schema["properties"]["type"]["const"] == event
        assert list(schema["properties"]["data"]["properties"]) == list(EVENTS[event].data)
