"""Webhooks in the outbox: their endpoints and ids, and that they are in the commit of their event."""

from __future__ import annotations

import json

import pytest

from mocklend.client import Doc
from mocklend.domain.problems import Refused
from mocklend.storage.entities import Webhook
from mocklend.storage.values import EndpointDoc
from mocklend.storage.work import Sandbox, Work
from mocklend.webhooks.endpoints import AddEndpoint
from mocklend.webhooks.events import EVENTS, status_event
from mocklend.webhooks.outbox import emit
from support.story import Story

NOW_MS = 1_767_578_400_000
STATUSES = ("SUBMITTED", "LENDING", "USING", "OVD", "CLEAR", "FAILED", "OFF")


def outbox(*endpoints: tuple[str, list[str]]) -> Work:
    """A unit of work in a sandbox with these endpoints."""
    registered = tuple(
        EndpointDoc(id=id, url="http://127.0.0.1:9/", events=events, profile="standard", secret="", created_at="")
        for id, events in endpoints
    )
    return Work(Sandbox("s", "k", 7, "UTC", "manual", NOW_MS, 0, 0, 0, registered, NOW_MS), NOW_MS, {})


def event_data(version: int) -> Doc:
    """The data of an event about the loan's status."""
    return {"loan_id": "loan_a", "status": "ANY", "version": version}


def queued(work: Work) -> list[Webhook]:
    return list(work.puts.values())


def test_an_endpoint_gets_its_events_and_one_without_a_filter_gets_all() -> None:
    work = outbox(("we_a", ["loan.cleared"]), ("we_b", ["*"]), ("we_c", ["loan.overdue", "loan.cleared"]))

    emit(work, "loan.overdue", "loan_a", "loan_a.2", event_data(2))
    emit(work, "loan.cleared", "loan_a", "loan_a.3", event_data(3))

    received = [(message.endpoint_id, message.event) for message in queued(work)]
    assert received == [
        ("we_b", "loan.overdue"), ("we_c", "loan.overdue"),
        ("we_a", "loan.cleared"), ("we_b", "loan.cleared"), ("we_c", "loan.cleared"),
    ]  # fmt: skip


def test_without_an_endpoint_there_is_no_message() -> None:
    work = outbox()

    emit(work, "loan.cleared", "loan_a", "loan_a.3", event_data(3))

    assert queued(work) == []


def test_a_message_is_due_at_once_and_has_the_time_of_its_event() -> None:
    work = outbox(("we_a", ["*"]))

    emit(work, "loan.cleared", "loan_a", "loan_a.3", event_data(3))

    (message,) = queued(work)
    assert (message.state, message.attempts, message.due_ms, message.queued_ms) == ("QUEUED", 0, NOW_MS, NOW_MS)
    assert (message.loan_id, message.event, message.acked_ms, message.log) == ("loan_a", "loan.cleared", None, ())
    assert json.loads(message.body) == {
        "type": "loan.cleared",
        "timestamp": "2026-01-05T02:00:00.000Z",
        "data": {"loan_id": "loan_a", "status": "ANY", "version": 3},
    }


def test_a_message_is_named_by_endpoint_event_and_what_it_is_about() -> None:
    """So a receiver can tell one that comes twice from one that is new, and the same story has the same names."""

    def ids(about: str, event: str = "loan.cleared") -> list[str]:
        work = outbox(("we_a", ["*"]), ("we_b", ["*"]))
        emit(work, event, "loan_a", about, event_data(3))
        return [message.id for message in queued(work)]

    every = [*ids("loan_a.3"), *ids("loan_a.4"), *ids("loan_a.3", "loan.overdue")]

    assert ids("loan_a.3") == ids("loan_a.3")
    assert len(set(every)) == len(every) == 6
    assert all(id.startswith("msg_") for id in every)


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        ("USING", "OVD", "loan.overdue"),
        ("CLEAR", "OVD", "loan.overdue"),
        ("USING", "CLEAR", "loan.cleared"),
        ("OVD", "CLEAR", "loan.cleared"),
        ("CLEAR", "USING", "loan.reopened"),
        ("OVD", "USING", "loan.cured"),
        ("OFF", "USING", "loan.reopened"),
        ("OFF", "OVD", "loan.overdue"),
        ("OFF", "CLEAR", "loan.cleared"),
        ("USING", "OFF", "loan.written_off"),
        ("CLEAR", "OFF", "loan.written_off"),
        ("SUBMITTED", "LENDING", "loan.accepted"),
        ("SUBMITTED", "USING", None),  # That it was paid out is an event of its own, and so is that it never will be.
        ("LENDING", "USING", None),
        ("LENDING", "FAILED", None),
    ],
)
def test_a_change_of_status_is_an_event(before: str, after: str, event: str | None) -> None:
    assert status_event(before, after) == event


def test_every_event_is_in_the_list_and_no_change_is_no_event() -> None:
    assert all(status_event(status, status) is None for status in STATUSES)
    assert {status_event(before, after) for before in STATUSES for after in STATUSES} - {None} <= set(EVENTS)


def test_a_message_is_in_the_commit_of_its_event(story: Story) -> None:
    story.platform.run(AddEndpoint(story.sandbox_id, "http://127.0.0.1:9/", ("*",), "standard"))
    loan_id = story.borrow()
    before = story.everything()["webhooks"]

    with pytest.raises(Refused, match="waiver_too_large"):
        story.edit(loan_id, -10_000)

    assert [row["event"] for row in before] == ["loan.disbursed"]
    assert story.everything()["webhooks"] == before


def test_a_loan_sends_a_webhook_at_each_change_of_status(story: Story) -> None:
    loan_id = story.borrow()
    story.platform.run(
        AddEndpoint(
            story.sandbox_id, "http://127.0.0.1:9/", ("loan.overdue", "loan.cleared", "loan.reopened"), "standard"
        )
    )
    first = story.settle(loan_id)
    story.reverse(first)
    story.wait(days=40)

    received = [
        json.loads(webhook.body) for webhook in sorted(story.entities(Webhook), key=lambda webhook: webhook.queued_ms)
    ]

    assert sorted(exchange["type"] for exchange in received) == ["loan.cleared", "loan.overdue", "loan.reopened"]
    assert received[-1]["type"] == "loan.overdue"
    assert {exchange["data"]["loan_id"] for exchange in received} == {loan_id}
    assert len({exchange["data"]["version"] for exchange in received}) == 3
