"""Webhook endpoints: their events, their maximum number, and the addresses that they may resolve to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Queue
from typing import Any

import pytest

from mocklend.domain.problems import Refused
from mocklend.receivers import ReceiverPolicy
from mocklend.webhooks.delivery import open_session
from mocklend.webhooks.endpoints import ENDPOINTS_MAX, RemoveEndpoint
from support.story import Story
from support.webhook_receiver import Receiver, listen, log, messages

pytestmark = pytest.mark.security


class Listening(threading.Thread):
    """A listener on loopback that keeps the bytes of each connection until it is closed."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.came: Queue[bytes] = Queue()
        self.start()

    def run(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self.listener.accept()
                with line, suppress(OSError):
                    line.settimeout(10)
                    self.came.put(line.recv(65536))


@pytest.fixture
def off_loopback(story: Story, monkeypatch: pytest.MonkeyPatch) -> Story:
    """A story in a platform that others can reach."""
    monkeypatch.setattr(story.platform.clocks, "_session", open_session(ReceiverPolicy(on_loopback=False)))
    return story


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What `rebound.example` resolves to, from the first time on that it is asked for."""
    real = socket.getaddrinfo

    def to(*addresses: str) -> None:
        left = list(addresses)

        def getaddrinfo(host: Any, *args: Any, **more: Any) -> Any:
            if host == "rebound.example":
                host = left.pop(0) if len(left) > 1 else left[0]
            return real(host, *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return to


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_is_rebound_is_refused_after_connecting_and_before_a_byte_is_sent(
    off_loopback: Story, resolves: Callable[..., None], scheme: str
) -> None:
    """It is public when it is looked at, and loopback when it is called: what counts is the address that was reached."""
    listening = Listening()
    resolves("93.184.215.14", "127.0.0.1")
    listen(off_loopback, f"{scheme}://rebound.example:{listening.port}/", "loan.disbursed")
    off_loopback.borrow()

    off_loopback.wait(0)

    assert log(messages(off_loopback)[0])[0][1] == "address_refused"
    assert listening.came.get(timeout=10) == b""
    listening.listener.close()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433", "rebound.example"],
)
def test_off_loopback_no_endpoint_leads_to_the_server_itself(
    off_loopback: Story, resolves: Callable[..., None], host: str
) -> None:
    """An open port and a closed one look alike, so a URL is no way to look around behind the server."""
    listening = Listening()
    resolves("127.0.0.1")
    listen(off_loopback, f"http://{host}:{listening.port}/", "loan.disbursed")
    listen(off_loopback, f"http://{host}:9/", "loan.disbursed")
    off_loopback.borrow()

    off_loopback.wait(0)

    assert [log(message)[0][1] for message in messages(off_loopback)] == ["address_refused"] * 2
    listening.listener.close()
    assert listening.came.empty()


@pytest.mark.parametrize("allowed", ["127.0.0.0/8", "127.0.0.1", "rebound.example", "REBOUND.example."])
def test_an_address_allowed_by_the_setting_is_called(
    story: Story, receiver: Receiver, resolves: Callable[..., None], monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    policy = ReceiverPolicy(on_loopback=False, allowed=(allowed,))
    monkeypatch.setattr(story.platform.clocks, "_session", open_session(policy))
    resolves("127.0.0.1")
    listen(story, receiver.url.replace("127.0.0.1", "rebound.example"), "loan.disbursed")
    story.borrow()

    story.wait(0)

    assert [log(message)[0][1] for message in messages(story)] == ["acked"]


def test_a_name_with_one_address_that_is_not_called_is_not_called(
    off_loopback: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = Listening()
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (at, listening.port)) for at in ("93.184.215.14", "127.0.0.1")]
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **more: Any) -> Any:
        """A shared cache may connect meanwhile, and must not come to this listener."""
        return both if host == "both.example" else real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    listen(off_loopback, f"http://both.example:{listening.port}/", "loan.disbursed")
    off_loopback.borrow()

    off_loopback.wait(0)

    assert log(messages(off_loopback)[0])[0][1] == "address_refused"
    listening.listener.close()
    assert listening.came.empty()


def test_on_loopback_only_loopback_is_called(story: Story, resolves: Callable[..., None]) -> None:
    resolves("10.0.0.1")
    listen(story, "http://rebound.example:9/", "loan.disbursed")
    story.borrow()

    story.wait(0)

    assert log(messages(story)[0])[0][1] == "address_refused"


def test_a_proxy_in_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, story: Story, receiver: Receiver
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    listen(story, receiver.url, "loan.disbursed")
    story.borrow()

    story.wait(0)

    assert messages(story)[0].state == "ACKED"


def test_an_endpoint_receives_only_its_events(story: Story, receiver: Receiver) -> None:
    listen(story, f"{receiver.url}/overdue", "loan.overdue")
    listen(story, f"{receiver.url}/cleared", "loan.cleared", "loan.reopened")
    loan_id = story.borrow()
    story.wait(days=40)
    repayment_id = story.settle(loan_id)
    story.reverse(repayment_id)
    story.wait(0)

    received = [(path, json.loads(body)["type"]) for path, _, body in receiver.got]

    assert received[0] == ("/overdue", "loan.overdue")
    # The reversal leaves it overdue again at once.
    assert sorted(received[1:]) == [("/cleared", "loan.cleared"), ("/overdue", "loan.overdue")]


def test_the_same_endpoint_again_is_the_same_endpoint(story: Story, receiver: Receiver) -> None:
    first, again = listen(story, receiver.url), listen(story, receiver.url)
    other = listen(story, receiver.url, "loan.cleared")

    assert first == again
    assert other["id"] != first["id"]
    assert other["secret"] != first["secret"]


def test_the_number_of_endpoints_of_a_sandbox_is_limited(story: Story, receiver: Receiver) -> None:
    for n in range(ENDPOINTS_MAX):
        listen(story, f"{receiver.url}/{n}")

    with pytest.raises(Refused, match="too_many_endpoints"):
        listen(story, f"{receiver.url}/more")


def test_pending_messages_of_a_removed_endpoint_are_not_sent(story: Story, receiver: Receiver) -> None:
    endpoint = listen(story, receiver.url, "loan.disbursed")
    story.borrow()
    story.platform.run(RemoveEndpoint(story.sandbox_id, endpoint["id"]))

    story.wait(days=10)

    assert receiver.got == []
    assert [message.state for message in messages(story)] == ["EXHAUSTED"]
    with pytest.raises(Refused, match="endpoint_unknown"):
        story.platform.run(RemoveEndpoint(story.sandbox_id, endpoint["id"]))
