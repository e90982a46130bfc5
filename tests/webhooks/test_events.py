"""Every change that a client can see is an event with the new status, in the commit of the change.

One story takes each resource through all of its state machine. Each step that a command makes is written down, with the
webhooks that it queued, and held against the table below: a step that is not in the table is one that nobody has
thought of, and a step in it that the story does not make is one that nothing tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mocklend.domain.statuses import DisputeState, EditState, RepaymentStatus
from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend.seams.seam import SeamEvent
from mocklend.servicing import (
    IssueCertificate,
    RebookRepayment,
    Refund,
    ReinstateRepayment,
    Waive,
)
from mocklend.storage.entities import Repayment
from mocklend.storage.work import Work
from mocklend.webhooks.events import EVENTS, FIELDS, payload_schema
from mocklend.writer import _Group
from support.every_step import EveryStep, through_all_of_it
from support.seams import decide_by
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
    ("receipt", None, "RETURNED"): None,
    ("receipt", "UNAPPLIED", "APPLIED"): None,
    ("receipt", "UNAPPLIED", "RETURNED"): STAFF,
    ("receipt", "APPLIED", "RETURNED"): None,
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
        about = [entry["data"] for entry in self.told if entry["data"].get(f"{self.kind}_id") == self.id]
        about = [data for data in about if status is None or status in data]
        if self.kind == "edit" and any(entry["type"] == "refund.agreed" for entry in self.told):
            return self.after == "APPLIED"  # A refund is an edit that clients know as a refund.
        if self.kind == "loan":
            about = [data for data in about if "version" in data]
        return bool(about) and (status is None or about[-1][status] == self.after)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Every change of status that any command makes, as it is taken into its commit."""
    recorded_steps: list[Step] = []
    take = _Group._collect

    def status_of(entity: Any) -> str | None:
        if entity is None:
            return None
        name = STATUS[entity.kind]
        return "issued" if name is None else str(getattr(entity, name))

    def watched(self: _Group, sandbox_id: str, work: Work) -> None:
        loaded = self._loaded[sandbox_id]
        bodies = tuple(json.loads(put.body) for (kind, _), put in work.puts.items() if kind == "webhook")
        for (kind, id), entity in work.puts.items():
            if kind in STATUS and (before := status_of(loaded.get((kind, id)))) != (after := status_of(entity)):
                recorded_steps.append(Step(kind, id, before, str(after), bodies))
        take(self, sandbox_id, work)

    monkeypatch.setattr(_Group, "_collect", watched)
    return recorded_steps


def test_every_step_of_every_resource_sends_a_webhook_with_its_new_status(
    tell: Callable[..., Story], steps: list[Step]
) -> None:
    through_all_of_it(tell)

    unheard_of = {step.name for step in steps} - set(STEPS)
    untold = {step.name for step in steps if STEPS.get(step.name) is None and not step.is_told()}
    assert (unheard_of, untold) == (set(), set())
    assert set(STEPS) - {step.name for step in steps} == set(), "a step that the story does not make"


def test_each_status_that_the_code_knows_is_in_the_table() -> None:
    statuses = {
        "repayment": set(RepaymentStatus) - {RepaymentStatus.INITIAL, RepaymentStatus.PARTIAL},
        "edit": set(EditState),
        # One that is opened is marked in the same commit.
        "dispute": set(DisputeState) - {DisputeState.OPEN},
    }

    for kind, states in statuses.items():
        assert {after for of, _, after in STEPS if of == kind} == states


def test_the_story_sends_every_event_that_there_is_but_those_of_their_own_tests(tell: Callable[..., Story]) -> None:
    steps = through_all_of_it(tell)

    names = {event for event, _ in steps.events()}
    assert set(EVENTS) - names == {
        "dispute.left_to_do", "loan.edit_adjusted", "loan.status_override_ended", "repayment.reallocated",
        "repayment.rebooked",
    }  # fmt: skip


def test_a_refund_sends_a_webhook_when_it_is_agreed_and_when_it_is_paid(tell: Callable[..., Story]) -> None:
    steps = EveryStep(tell())
    loan = steps.story.borrow()
    steps.story.repay(loan, steps.story.quote(loan)["total_minor"] + 900, type="CLEAR")
    refund = steps.ask(Refund, loan, "wallet", 900, "paid twice", "wei")
    steps.story.wait(60)

    received = [(event, data) for event, data in steps.events() if event.startswith("refund")]
    assert [(event, data["state"], data["amount_minor"]) for event, data in received] == [
        ("refund.agreed", "ORDERED", 900),
        ("refund.paid", "PAID", 900),
    ]
    assert received[0][1]["edit_id"] == refund.body["id"]
    assert received[0][1]["payout_id"] == received[1][1]["payout_id"] == steps.payout_of(loan).id


def test_the_last_webhook_of_a_repayment_has_its_present_status(tell: Callable[..., Story]) -> None:
    """Reversed, and reinstated: the last word that a client hears is what the repayment's page says."""
    steps = EveryStep(tell())
    loan = steps.story.borrow()
    repayment = steps.story.repay(loan, 20_000)

    for act in (steps.story.reverse, lambda id: steps.ask(ReinstateRepayment, id, "it was good", "grace")):
        act(repayment)

        steps.story.wait(1)
        last = [data for _, data in steps.events() if data.get("repayment_id") == repayment][-1]
        now = steps.story.entity(Repayment, repayment)
        assert {name: last[name] for name in ("status", "applied_minor", "overpaid_minor")} == {
            "status": now.status, "applied_minor": now.applied_minor, "overpaid_minor": now.overpaid_minor,
        }  # fmt: skip


def test_a_later_repayment_whose_allocation_changes_sends_a_webhook(tell: Callable[..., Story]) -> None:
    """9.00 too much is no longer too much once an earlier repayment is taken off the loan."""
    steps = EveryStep(tell())
    loan = steps.story.borrow()
    first = steps.story.repay(loan, 20_000)
    second = steps.story.repay(loan, steps.story.quote(loan)["total_minor"] + 900, type="CLEAR")
    assert steps.story.entity(Repayment, second).overpaid_minor == 900

    steps.story.reverse(first)

    now = steps.story.entity(Repayment, second)
    (data,) = [data for event, data in steps.events() if event == "repayment.reallocated"]
    assert data["repayment_id"] == second
    assert (data["applied_minor"], data["overpaid_minor"]) == (now.applied_minor, now.overpaid_minor)
    assert now.overpaid_minor == 0


def test_a_waiver_that_earlier_money_undoes_sends_a_webhook_and_another_when_it_is_back(
    tell: Callable[..., Story],
) -> None:
    """Interest is waived on the 40th day; then the platform hears of money that had paid it on the 39th."""
    steps = EveryStep(tell())
    story = steps.story
    loan = story.borrow()
    story.wait(days=39)
    unheard = story.order(loan, story.quote(loan)["total_minor"], type="CLEAR")
    story.settle_silently(unheard)
    story.sleep(days=1)
    waiver = steps.ask(Waive, loan, "penalty", 5, "a gift", "wei")

    story.query_channel(unheard)
    story.reverse(unheard)

    received = [data for event, data in steps.events() if event == "loan.edit_adjusted"]
    received.sort(key=lambda data: data["version"])
    assert [(data["edit_id"], data["was_minor"], data["is_minor"]) for data in received] == [
        (waiver.body["id"], 5, 0),
        (waiver.body["id"], 0, 5),
    ]
    assert story.discrepancies() == []


def test_a_superseded_certificate_sends_one_webhook(tell: Callable[..., Story]) -> None:
    steps = EveryStep(tell())
    loan = steps.story.borrow()
    repayment = steps.story.settle(loan)
    issued = steps.run(IssueCertificate(steps.story.sandbox_id, loan))
    steps.run(IssueCertificate(steps.story.sandbox_id, loan))
    steps.story.wait(days=1)

    steps.story.reverse(repayment)
    steps.ask(ReinstateRepayment, repayment, "it was good", "grace")
    steps.story.reverse(repayment)

    received = [(event, data["superseded"]) for event, data in steps.events() if event.startswith("certificate")]
    assert received == [("certificate.issued", False), ("certificate.superseded", True)]
    assert {data["certificate_id"] for event, data in steps.events() if "certificate" in event} == {issued.body["id"]}


def test_an_outdated_status_override_sends_a_webhook(tell: Callable[..., Story]) -> None:
    steps = EveryStep(tell())
    loan = steps.story.borrow()
    steps.story.wait(days=40)
    edit = steps.story.edit(loan, None, "MODIFY_BILL_STATUS", "OVERDUE")

    steps.story.settle(loan)

    ended = [data for event, data in steps.events() if event == "loan.status_override_ended"]
    assert [(data["edit_id"], data["status"]) for data in ended] == [(edit, "CLEAR")]


def test_a_rebooked_repayment_sends_a_webhook(tell: Callable[..., Story], monkeypatch: pytest.MonkeyPatch) -> None:
    steps = EveryStep(tell())
    loan = steps.story.borrow()
    act = Work.at

    def typed_wrong(self: Work, event: SeamEvent) -> SeamEvent:
        outcome = act(self, event)
        return replace(outcome, scope="OVD_AND_CURRENT") if isinstance(outcome, ReceiptBooked) else outcome

    with monkeypatch.context() as wrong:
        decide_by(wrong, typed_wrong)
        repayment = steps.story.settle(loan)
    steps.ask(RebookRepayment, repayment, "as was ordered", "grace")

    now = steps.story.entity(Repayment, repayment)
    (data,) = [data for event, data in steps.events() if event == "repayment.rebooked"]
    assert (data["status"], data["applied_minor"]) == ("S", now.applied_minor)


def test_the_list_of_events_says_what_each_field_is() -> None:
    used = {field for event in EVENTS.values() for field in event.fields}

    assert used == set(FIELDS)
    for event in EVENTS:
        schema = payload_schema(event)
        assert schema["properties"]["type"]["const"] == event
        assert list(schema["properties"]["data"]["properties"]) == list(EVENTS[event].fields)
