"""`local_platform`: real HTTP on loopback, an app that answers without it, and nothing is left afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

from mocklend.client import Client
from mocklend.local import Local, local_platform, opened_platform


@pytest.fixture(scope="module")
def opened() -> Iterator[Local]:
    with opened_platform() as platform:
        yield platform


def test_it_answers_over_http_and_is_gone_after_the_block() -> None:
    others = set(threading.enumerate())  # Another test's platform may be up in this process.
    with local_platform() as url:
        assert requests.get(f"{url}/-/health", timeout=10).json()["status"] == "ok"
        assert "mocklend-local" in {thread.name for thread in set(threading.enumerate()) - others}

    assert "mocklend-local" not in {thread.name for thread in set(threading.enumerate()) - others}
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/-/health", timeout=10)


def test_two_local_platforms_share_nothing(opened: Local) -> None:
    def sandboxes(url: str) -> list[str]:
        return [sandbox["id"] for sandbox in requests.get(f"{url}/-/sandboxes", timeout=10).json()["sandboxes"]]

    before = sandboxes(opened.url)
    with local_platform() as other, Client(other) as anyone:
        anyone.sandbox(seed=7)

        assert len(sandboxes(other)) == 2
        assert sandboxes(opened.url) == before


def test_the_app_can_be_asked_without_a_socket(opened: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(opened.url) as anyone:
        client = anyone.sandbox(seed=7)
        ada = client.add_borrower("ada", "Ada")
    monkeypatch.setattr("socket.create_connection", None)

    status, answer = opened.ask("GET", f"/v1/borrowers/{ada['id']}", api_key=client.api_key)

    assert (status, answer["name"]) == (200, "Ada")


def test_a_loop_that_fails_for_a_while_serves_again(opened: Local) -> None:
    """A test may put a double in the place of what the loop needs, and takes it away again."""
    failed = threading.Event()

    def broken(*_given: object, **_more: object) -> None:
        failed.set()
        raise OSError("a double")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("waitress.wasyncore.loop", broken)
        with suppress(requests.Timeout):  # It wakes the loop, and meets nobody.
            requests.get(f"{opened.url}/-/health", timeout=1)
        assert failed.wait(10)

    assert requests.get(f"{opened.url}/-/health", timeout=10).status_code == 200
