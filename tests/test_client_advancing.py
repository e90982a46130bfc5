"""How the client waits for an advance that takes longer than its request. Nothing is sent, and nothing is waited for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest
import requests

from mocklend.client import Client, Doc, ProblemError

START, A_YEAR_LATER = "2026-01-05T02:00:00.000Z", "2027-01-05T02:00:00.000Z"
RUNNING: Doc = {"id": "adv_1", "state": "running", "now": START, "to": A_YEAR_LATER}
RESULT: Doc = {"now": A_YEAR_LATER, "released_total": 3}
IN_PROGRESS: Doc = {"status": 409, "code": "clock_advancing", "detail": "the clock still moves"}


class Answers:
    """The answers that a client gets, one after another, and what it has sent."""

    def __init__(self) -> None:
        self.prepared: list[tuple[int, Doc]] = []
        self.sent: list[tuple[str, str]] = []
        self.headers: list[Mapping[str, str]] = []

    def request(self, method: str, url: str, *, headers: Mapping[str, str], **_: object) -> requests.Response:
        """The next answer."""
        self.sent.append((method, url.removeprefix("http://127.0.0.1:8300")))
        self.headers.append(headers)
        response = requests.Response()
        response.status_code, document = self.prepared.pop(0)
        response._content = json.dumps(document).encode()
        response.request = requests.Request(method, url).prepare()
        return response


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """The answers, and no pauses between them."""
    prepared = Answers()
    monkeypatch.setattr("mocklend.client.time.sleep", lambda seconds: None)
    monkeypatch.setattr(requests.Session, "request", lambda _, *about, **more: prepared.request(*about, **more))
    return prepared


@pytest.fixture
def client() -> Iterator[Client]:
    """A client that waits 10 s for an answer."""
    with Client() as made:
        yield made


def test_a_long_advance_is_watched_until_it_is_done(client: Client, answers: Answers) -> None:
    done = RUNNING | {"state": "done", "result": RESULT}
    answers.prepared = [(202, RUNNING), (200, RUNNING), (200, RUNNING), (200, done)]

    assert client.advance("P365D") == RESULT
    assert answers.sent == [("POST", "/-/clock/advance"), *[("GET", "/-/clock/advances/adv_1")] * 3]
    assert answers.headers[0]["Prefer"] == "wait=8"


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_a_long_advance_that_ends_with_a_problem_raises_it(client: Client, answers: Answers, state: str) -> None:
    problem = {"status": 503, "code": "advance_interrupted", "detail": "its process has ended"}
    answers.prepared = [(202, RUNNING), (200, RUNNING | {"state": state, "problem": problem})]

    with pytest.raises(ProblemError, match="503 advance_interrupted: its process has ended"):
        client.advance("P365D")


def test_an_advance_that_takes_longer_than_the_caller_waits_says_how_far_it_has_come(
    client: Client, answers: Answers
) -> None:
    answers.prepared = [(202, RUNNING)]

    with pytest.raises(TimeoutError, match=f"adv_1 has come to {START}, on its way to {A_YEAR_LATER}"):
        client.advance("P365D", within_s=0)


def test_an_advance_waits_for_another_one(client: Client, answers: Answers) -> None:
    answers.prepared = [(409, IN_PROGRESS), (200, RESULT)]

    assert client.advance("P365D", idempotency_key="mine") == RESULT
    assert [sent["Idempotency-Key"] for sent in answers.headers] == ["mine", "mine"]


def test_an_advance_does_not_wait_for_another_one_for_ever(client: Client, answers: Answers) -> None:
    answers.prepared = [(409, IN_PROGRESS)]

    with pytest.raises(ProblemError, match="clock_advancing"):
        client.advance("P365D", within_s=0)


def test_an_advance_is_started_without_waiting_for_it(client: Client, answers: Answers) -> None:
    answers.prepared = [(202, RUNNING)]

    assert client.start_advance("P365D") == RUNNING
    assert answers.headers[0]["Prefer"] == "respond-async"
