"""A hot path answers some requests on the server's own thread, and leaves the others to the app."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from mocklend.access_log import AccessLog
from mocklend.door import Respond
from mocklend.received import ReceivedRequest
from support.door_place import LONG_S, Place, answer_of, holds, request, until

pytestmark = pytest.mark.security


class OnLoop:
    """Answers `/v1/hot/…` itself: at once, later from a thread, or not after all."""

    def __init__(self) -> None:
        self.later: list[Callable[[], None]] = []
        self.begun: list[Callable[[], None]] = []
        self.hold_ms = 0

    @property
    def taken(self) -> int:
        return len(self.begun) + len(self.later)

    def at_once(self, request: ReceivedRequest, respond: Respond, hand_back: Callable[[], None]) -> bool:
        if request.path.startswith("/v1/hot/begun"):
            answer = partial(respond, 202, [("content-type", "text/plain")], b"hot", "sbx_a", self.hold_ms)
            self.begun.append(hand_back if request.path.endswith("/back") else answer)
            return True
        if request.path != "/v1/hot/now":
            return False
        respond(202, [("content-type", "text/plain")], b"hot", "sbx_a", 0)
        return True

    def soon(self, request: ReceivedRequest, respond: Respond, hand_back: Callable[[], None]) -> bool:
        def answer() -> None:
            respond(202, [("content-type", "text/plain")], b"hot", "sbx_a", self.hold_ms)

        ways = {"/v1/hot/later": answer, "/v1/hot/back": hand_back}
        if request.path in ways:
            self.later.append(ways[request.path])
        return request.path in ways


@pytest.fixture
def hot(place: Place) -> OnLoop:
    loop = OnLoop()
    place.door.hot = loop
    return loop


@pytest.mark.parametrize("access", [True], indirect=True)
def test_a_hot_path_answers_at_once_and_leaves_the_rest_to_the_app(
    place: Place, access: AccessLog, hot: OnLoop, tmp_path: Path
) -> None:
    assert place.ask("GET", "/v1/hot/now") == (202, b"hot")
    assert place.ask("GET", "/v1/cold") == (200, b"done")

    assert [path for _, path, _ in place.app.seen] == ["/v1/cold"]
    access.close()
    logged = [json.loads(line) for line in (tmp_path / "access.jsonl").read_text().splitlines()]
    logged_requests = [
        (request["path"], request["status"], request["sandbox"])
        for request in logged
        if request["path"] == "/v1/hot/now"
    ]
    assert logged_requests == [("/v1/hot/now", 202, "sbx_a")]


def test_a_hot_path_may_answer_later_or_hand_back_and_a_stopping_server_waits_for_it(place: Place, hot: OnLoop) -> None:
    later, back = (place.connect(request("POST", path, b"{}")) for path in ("/v1/hot/later", "/v1/hot/back"))
    until(lambda: len(hot.later) == 2)
    stopping = asyncio.run_coroutine_threadsafe(place.door.drained(), place.loop)
    assert not stopping.done()

    with ThreadPoolExecutor(1) as writer:
        for answer in hot.later:
            writer.submit(answer).result(LONG_S)
    hot.later.clear()

    assert answer_of(later) == (202, b"hot")
    assert answer_of(back) == (200, b"done")
    stopping.result(LONG_S)


def test_a_request_that_is_taken_before_the_loop_is_answered_or_handed_back_and_waited_for(
    place: Place, hot: OnLoop
) -> None:
    answered, back = place.connect(request("GET", "/v1/hot/begun")), place.connect(request("GET", "/v1/hot/begun/back"))
    until(lambda: len(hot.begun) == 2)

    for answer in hot.begun:
        answer()
    assert answer_of(answered) == (202, b"hot")
    assert answer_of(back) == (200, b"done")

    stopping = asyncio.run_coroutine_threadsafe(place.door.drained(), place.loop)
    for _ in range(3):  # The server's loop has looked whether all are answered.
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), place.loop).result(LONG_S)
    assert not stopping.done()
    hot.begun.clear()
    stopping.result(LONG_S)


@pytest.mark.parametrize("path", ["/v1/hot/begun", "/v1/hot/later"])
def test_a_hot_answer_that_is_held_back_needs_no_thread_and_is_sent_when_the_server_stops(
    place: Place, hot: OnLoop, path: str
) -> None:
    hot.hold_ms = 60_000
    sent = request("GET", path) if path.endswith("begun") else request("POST", path, b"{}")
    waiting = [place.connect(sent) for _ in range(20)]
    until(lambda: len(hot.later) + len(hot.begun) == 20)

    for answer in (*hot.later, *hot.begun):
        answer()
    hot.later.clear()
    hot.begun.clear()
    until(lambda: holds(place.door, 20))

    assert place.ask("GET", "/v1/other") == (200, b"done")
    stopping = asyncio.run_coroutine_threadsafe(place.door.drained(), place.loop)
    assert [answer_of(one) for one in waiting] == [(202, b"hot")] * 20
    stopping.result(LONG_S)


def test_a_hot_path_takes_a_request_once_its_last_part_is_there_whole_or_in_chunks(place: Place, hot: OnLoop) -> None:
    whole = place.connect(request("POST", "/v1/hot/later", Content_Length="2") + b"{")
    chunked = place.connect(request("POST", "/v1/hot/later", Transfer_Encoding="chunked") + b"2\r\n{}\r\n")
    until(lambda: len(place.door._arriving) == 2)
    assert not hot.later

    whole.sendall(b"}")
    chunked.sendall(b"0\r\n\r\n")
    until(lambda: len(hot.later) == 2)
    for answer in hot.later:
        answer()

    assert [answer_of(whole), answer_of(chunked)] == [(202, b"hot")] * 2
