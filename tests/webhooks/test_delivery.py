"""Webhooks over real HTTP: signed as the standard says, retried on their retry schedule, sent nowhere but to
loopback."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from itertools import accumulate
from typing import Any

import pytest
from standardwebhooks import Webhook

from mocklend.domain.channel import RETRY_SCHEDULES
from mocklend.scheduling import driver
from mocklend.scheduling.due import due_webhooks
from mocklend.storage.entities import Repayment
from mocklend.webhooks import delivery
from mocklend.webhooks.attempts import Delivered, RecordDelivery
from support.story import Story
from support.webhook_receiver import Receiver, _Receive, listen, log, messages

pytestmark = pytest.mark.security


def test_a_client_receives_signed_messages_about_its_loan(story: Story, receiver: Receiver) -> None:
    endpoint = listen(story, f"{receiver.url}/hooks")
    loan_id = story.borrow()
    repayment_id = story.settle(loan_id)

    library = Webhook(endpoint["secret"])
    events = [library.verify(body, headers) for _, headers, body in receiver.got]

    assert {path for path, *_ in receiver.got} == {"/hooks"}
    assert sorted(entry["type"] for entry in events) == [
        "loan.cleared", "loan.disbursed", "repayment.ordered", "repayment.succeeded",
    ]  # fmt: skip
    assert {entry["data"]["loan_id"] for entry in events} == {loan_id}
    assert {entry["data"].get("repayment_id") for entry in events} == {None, repayment_id}
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 4
    assert {message.state for message in messages(story)} == {"ACKED"}
    assert story.discrepancies() == []


def test_a_message_that_was_altered_does_not_verify(story: Story, receiver: Receiver) -> None:
    endpoint = listen(story, receiver.url)
    story.borrow()
    story.wait(0)
    _, headers, body = receiver.got[0]

    with pytest.raises(Exception, match="No matching signature"):
        Webhook(endpoint["secret"]).verify(body.replace(b"100000", b"100001"), headers)


@pytest.mark.parametrize("profile", RETRY_SCHEDULES)
def test_a_message_that_is_not_accepted_is_retried_on_its_schedule_and_then_given_up(
    story: Story, receiver: Receiver, profile: str
) -> None:
    listen(story, receiver.url, "loan.disbursed", profile=profile)
    receiver.answers = [500] * 99
    start = story.now_ms
    story.borrow()

    story.wait(days=10)

    (message,) = messages(story)
    attempt_times = [start + after * 1000 for after in accumulate(RETRY_SCHEDULES[profile])]
    assert log(message) == [(at, "status_500") for at in attempt_times]
    assert (message.state, message.due_ms, message.acked_ms) == ("EXHAUSTED", None, None)
    assert len(receiver.got) == len(RETRY_SCHEDULES[profile])
    assert len({(headers["webhook-id"], body) for _, headers, body in receiver.got}) == 1


def test_an_accepted_message_is_not_sent_again(story: Story, receiver: Receiver) -> None:
    listen(story, receiver.url, "loan.disbursed")
    receiver.answers = [503, 400, 202]
    start = story.now_ms
    story.borrow()

    story.wait(days=10)

    (message,) = messages(story)
    assert log(message) == [(start, "status_503"), (start + 5_000, "status_400"), (start + 305_000, "acked")]
    assert (message.state, message.acked_ms) == ("ACKED", start + 305_000)


def test_a_redirect_is_not_followed(story: Story, receiver: Receiver) -> None:
    listen(story, f"{receiver.url}/hooks", "loan.disbursed")
    receiver.answers = [307, 302, 204]
    story.borrow()

    story.wait(days=1)

    assert {path for path, *_ in receiver.got} == {"/hooks"}
    assert [outcome for _, outcome in log(messages(story)[0])] == ["status_307", "status_302", "acked"]


def test_a_client_that_answers_410_receives_no_more_attempts(story: Story, receiver: Receiver) -> None:
    listen(story, receiver.url, "loan.disbursed")
    receiver.answers = [410]
    story.borrow()

    story.wait(days=10)

    assert [(message.state, log(message)[-1][1]) for message in messages(story)] == [("EXHAUSTED", "gone")]
    assert len(receiver.got) == 1


def test_a_refused_connection_is_a_failed_attempt(story: Story, receiver: Receiver) -> None:
    receiver.shutdown()
    receiver.server_close()
    listen(story, receiver.url, "loan.disbursed")
    story.borrow()

    story.wait(0)

    assert [outcome for _, outcome in log(messages(story)[0])] == ["unreachable"]


def test_an_attempt_that_is_recorded_twice_counts_once(story: Story, receiver: Receiver) -> None:
    listen(story, receiver.url, "loan.disbursed")
    story.borrow()
    (message,) = messages(story)
    record = RecordDelivery(story.sandbox_id, message.id, 1, "status_500")

    story.platform.run(record)
    story.platform.run(record)

    assert messages(story)[0].attempts == 1


def test_an_invalid_host_name_is_a_failed_attempt_and_the_clock_advances(story: Story, receiver: Receiver) -> None:
    """Each breaks in another library: none of them stops the clock, or what comes after."""
    for host in ("a..b", "." * 5, "-", "[::1", "x" * 64, "a" * 300, "127.0.0.1:99999", "[]", "localhost:", "256.1.1.1"):
        listen(story, f"http://{host}/hook", "loan.disbursed")
    listen(story, receiver.url, "loan.disbursed")
    story.borrow()

    story.wait(days=1)

    assert len(receiver.got) == 1
    outcomes = {outcome for message in messages(story) for _, outcome in log(message)}
    assert outcomes == {"unreachable", "acked"}
    assert {message.attempts for message in messages(story)} == {1, 7}


class Dripping(threading.Thread):
    """A receiver that takes a connection and answers a byte at a time, for ever: none of its waits is long."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.said, self.over = answer, threading.Event()
        self.start()

    def run(self) -> None:
        line, _ = self.listener.accept()
        with line, suppress(OSError):
            line.recv(65536)
            while not self.over.wait(0.005):
                line.sendall(self.said)


@pytest.mark.parametrize("answer", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: "], ids=repr)
def test_a_dripping_receiver_has_a_deadline_for_its_whole_answer(
    story: Story, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(delivery, "WHOLE_S", 0.1)
    dripping = Dripping(answer)
    listen(story, dripping.url, "loan.disbursed")
    story.borrow()

    story.wait(0)
    dripping.over.set()

    assert log(messages(story)[0])[0][1] in ("timeout", "unreachable" if len(answer) > 1 else "timeout")
    assert not delivery.DEADLINES._connections


def test_a_cookie_is_not_sent_to_another_receiver(
    story: Story, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = _Receive.end_headers

    def with_cookie(self: _Receive) -> None:
        self.send_header("set-cookie", "session=secret")
        end(self)

    monkeypatch.setattr(_Receive, "end_headers", with_cookie)
    listen(story, f"{receiver.url}/one", "loan.disbursed")
    listen(story, f"{receiver.url}/other", "loan.disbursed")
    story.borrow()

    story.wait(0)

    assert [headers.get("Cookie") for _, headers, _ in receiver.got] == [None, None]


def test_an_advance_does_not_wait_for_a_receiver_that_hangs_and_goes_on_beside_it(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, requested = threading.Event(), threading.Event()

    def hangs(*_: Any) -> Delivered:
        requested.set()
        assert go.wait(30)
        return Delivered("acked", 204)

    monkeypatch.setattr(delivery, "deliver", hangs)
    monkeypatch.setattr(driver, "WEBHOOKS_WITHIN_S", 0.01)
    listen(story, "http://127.0.0.1:9/", "loan.disbursed")
    story.borrow()
    repayment = story.order(story.borrow(), 1_000)

    advanced = story.platform.advance(story.sandbox_id, by_ms=60_000)

    assert requested.wait(10)
    assert (advanced.now_ms, story.entity(Repayment, repayment).status) == (story.now_ms, "S")
    assert {message.state for message in messages(story)} == {"QUEUED"}
    go.set()
    for _ in range(1_000):
        story.platform.tick()
        waiting = {(story.sandbox_id, message.id) for message in messages(story) if message.state != "ACKED"}
        if not waiting:
            break
        story.platform.delivery_workers.wait(waiting, 1)
    assert {message.state for message in messages(story)} == {"ACKED"}


def test_webhooks_of_an_advance_carry_the_moments_at_which_they_were_due(story: Story, receiver: Receiver) -> None:
    listen(story, receiver.url, "loan.overdue", "repayment.succeeded")
    loan_id = story.borrow()
    story.order(loan_id, 1_000)
    receiver.answers = [500]

    released = story.wait(days=40)

    assert [(item["kind"], item["at"]) for item in released if item["kind"] != "bureau"] == [
        ("settlement", "2026-01-05T02:00:02.000Z"),
        ("callback", "2026-01-05T02:00:02.000Z"),
        ("webhook", "2026-01-05T02:00:02.000Z"),
        ("webhook", "2026-01-05T02:00:07.000Z"),
        ("due_date", "2026-02-05T16:00:00.000Z"),
        ("webhook", "2026-02-05T16:00:00.000Z"),
    ]


def test_an_answer_after_a_reset_does_not_count(story: Story, receiver: Receiver) -> None:
    """The same seed, so the same ids: the message of the new life has not been tried yet."""
    endpoint = listen(story, receiver.url, "loan.disbursed")
    story.borrow(reference="one")
    before = messages(story)[0]
    resets = story.sandbox.resets
    story.platform.reset_sandbox(story.sandbox_id)
    assert story.platform.run(RecordDelivery(story.sandbox_id, before.id, 1, "acked", None, resets)).body == {}
    assert listen(story, receiver.url, "loan.disbursed") == endpoint
    story.borrow(reference="one")
    (after,) = messages(story)

    story.platform.run(RecordDelivery(story.sandbox_id, before.id, 1, "acked", None, resets))

    assert (after.id, messages(story)[0].state) == (before.id, "QUEUED")


def test_the_backlog_of_one_endpoint_does_not_delay_another(story: Story) -> None:
    hung = listen(story, "http://127.0.0.1:9/hung", "loan.disbursed")
    for n in range(6):
        story.borrow(reference=f"loan-{n}")
    other = listen(story, "http://127.0.0.1:9/other", "repayment.succeeded")
    story.sleep(1)
    loan_id = story.borrow(reference="the last")
    story.settle_silently(story.order(loan_id, 1_000))
    story.query_channel(story.entities(Repayment)[0].id)

    with story.platform.read() as connection:
        due = due_webhooks(story.snapshot(connection), [hung["id"], other["id"]], story.now_ms, 3)

    assert [item.extra for item in due] == [hung["id"]] * 3 + [other["id"]]
    assert [item.due_ms for item in due] == sorted(item.due_ms for item in due)
