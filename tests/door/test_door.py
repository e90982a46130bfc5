"""The door: complete requests reach the app unchanged, and incomplete or long requests do not delay others."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from mocklend.access_log import AccessLog
from support.door_place import LONG_S, Place, answer_of, holds, request, until

pytestmark = pytest.mark.security


def test_a_whole_request_reaches_the_app_as_it_was_sent(place: Place) -> None:
    assert place.ask("POST", "/v1/loans/a%20b?x=1&y=%20", b"{}", X_Thing="one", Content_Type="application/json") == (
        200,
        b"done",
    )

    assert place.app.seen == [("POST", "/v1/loans/a b", b"{}")]
    headers = place.app.headers
    assert (headers["QUERY_STRING"], headers["HTTP_X_THING"], headers["CONTENT_TYPE"], headers["CONTENT_LENGTH"]) == (
        "x=1&y=%20", "one", "application/json", "2",
    )  # fmt: skip
    assert (headers["REMOTE_ADDR"], headers["SERVER_PROTOCOL"], headers["HTTP_HOST"]) == (
        "127.0.0.1",
        "HTTP/1.1",
        "127.0.0.1",
    )


def test_an_address_that_is_not_escaped_reaches_the_app_as_its_bytes(place: Place) -> None:
    request_head = "GET /v1/é?name=٣&\U0001f4b8=1".encode() + request("GET", "")[len("GET ") :]

    assert answer_of(place.connect(request_head)) == (200, b"done")

    assert place.app.seen == [("GET", "/v1/é".encode().decode("latin-1"), b"")]
    assert place.app.headers["QUERY_STRING"].encode("latin-1").decode() == "name=٣&\U0001f4b8=1"


def test_a_header_that_comes_twice_is_joined_and_one_that_is_not_ascii_is_empty(place: Place) -> None:
    answer_of(place.connect(request("GET", "/v1/x").replace(b"\r\n\r\n", b"\r\nX-A: 1\r\nX-A: 2\r\nX-B: \xff\r\n\r\n")))
    assert (place.app.headers["HTTP_X_A"], place.app.headers["HTTP_X_B"]) == ("1,2", "")


def test_a_chunked_body_is_put_together(place: Place) -> None:
    chunks = b"2\r\n{}\r\n5\r\n     \r\n0\r\n\r\n"

    assert answer_of(place.connect(request("POST", "/v1/x", Transfer_Encoding="chunked") + chunks))[0] == 200

    assert place.app.seen == [("POST", "/v1/x", b"{}     ")]


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({"Content_Length": "100"}, b""),
        ({"Content_Length": "100"}, b"{"),
        ({"Transfer_Encoding": "chunked"}, b""),
        ({"Transfer_Encoding": "chunked"}, b"2\r\n{}\r\n"),
        ({"Transfer_Encoding": "chunked"}, b"2\r\n{"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/borrowers", "/-/reset", "/-/rules/halt"])
@pytest.mark.parametrize("then", ["waits", "ends", "is reset"])
def test_an_incomplete_request_does_not_reach_the_app(
    place: Place, headers: dict[str, str], part: bytes, path: str, then: str
) -> None:
    connection = place.connect(request("POST", path, b"", **headers) + part)
    if then == "ends":
        connection.shutdown(socket.SHUT_WR)
    elif then == "is reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    if then != "is reset":
        status, body = answer_of(connection)
        code = {"waits": (408, "body_late"), "ends": (400, "body_incomplete")}[then]
        assert status == 0 or (status, json.loads(body)["code"]) == code

    assert place.ask("GET", "/v1/after")[0] == 200
    assert place.app.seen == [("GET", "/v1/after", b"")]


def test_a_late_body_gets_a_timeout_answer_and_the_connection_is_closed(place: Place) -> None:
    status, body = answer_of(place.connect(request("POST", "/v1/x", Content_Length="100", Connection="keep-alive")))

    assert (status, json.loads(body)["code"], json.loads(body)["expected"]) == (
        408, "body_late", "a whole body in 0.5 s",
    )  # fmt: skip


def test_half_sent_bodies_take_no_thread(place: Place) -> None:
    for _ in range(60):
        place.connect(request("POST", "/v1/x", Content_Length="100"))

    assert place.ask("POST", "/v1/x", b"{}")[0] == 200


def test_a_lane_with_too_many_waiting_requests_is_refused_and_others_are_answered(place: Place) -> None:
    place.stay(4)
    for _ in range(4):
        place.connect(request("GET", "/v1/stay", Authorization="a"))
    until(lambda: place.door._clients.waiting == 4)

    status, body = place.ask("GET", "/v1/loans", Authorization="a")
    assert (status, json.loads(body)["code"]) == (429, "sandbox_busy")
    assert place.ask("GET", "/v1/loans", Authorization="b")[0] == 200
    assert place.ask("GET", "/-/rules", Authorization="a")[0] == 200


@pytest.mark.parametrize("key", ["a", "b"])
def test_health_and_halt_answer_when_all_threads_are_taken(place: Place, key: str) -> None:
    for lane in "ab":
        place.stay(4, key=lane)
        place.stay(2, "/-/stay", key=lane)

    assert place.ask("GET", "/-/health", Authorization=key)[0] == 200
    assert place.ask("POST", "/-/rules/halt", b"{}", Authorization=key)[0] == 200


def test_a_long_control_request_leaves_threads_for_other_sandboxes(place: Place) -> None:
    place.stay(2, "/-/stay", key="a")
    place.connect(request("POST", "/-/clock/advance", b"{}", Authorization="a"))

    assert place.ask("POST", "/-/clock/advance", b"{}", Authorization="b")[0] == 200


def test_a_delayed_answer_takes_no_thread(place: Place) -> None:
    place.app.hold_ms = 60_000
    for connections in range(1, 61):
        place.connect(request("GET", "/v1/late", Authorization="a"))
        until(partial(holds, place.door, connections))

    assert place.ask("GET", "/v1/loans", Authorization="a")[0] == 200


def test_a_delayed_answer_is_sent_at_its_time(place: Place) -> None:
    place.app.hold_ms = 20

    assert place.ask("GET", "/v1/late") == (200, b"done")


def test_a_stopping_server_answers_running_requests_only(place: Place) -> None:
    place.app.hold_ms = 60_000
    half = place.connect(request("POST", "/v1/x", Content_Length="100"))
    late = place.connect(request("GET", "/v1/late"))
    place.stay(1)
    under_way = place.open[-1]
    until(lambda: place.door._arriving and place.door._held)

    drained = asyncio.run_coroutine_threadsafe(place.door.drained(), place.loop)

    assert answer_of(late) == (200, b"done")
    assert answer_of(half)[0] in (0, 503)
    status, body = place.ask("GET", "/v1/loans")
    assert (status, json.loads(body)["code"]) == (503, "server_stopping")
    assert not drained.done()
    place.app.left.set()
    drained.result(LONG_S)
    assert answer_of(under_way)[0] == 200


def test_an_exception_outside_the_app_is_a_500_and_loses_no_thread(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    for _ in range(10):
        assert place.ask("GET", "/v1/breaks")[0] == 500

    assert place.ask("GET", "/v1/loans")[0] == 200
    assert len(reported) == 10


def test_many_clients_at_once_are_all_answered(place: Place) -> None:
    place.door._arriving.deadline_s = LONG_S  # A busy machine may need longer than the short one of these tests.
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: place.ask("POST", "/v1/x", b"{}", Authorization=str(n)), range(400)))

    assert answers == [(200, b"done")] * 400


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "host_not_allowed"),
        ({"Host": "evil.example:8300", "Sec_Fetch_Site": "same-origin"}, "host_not_allowed"),
        ({"Sec_Fetch_Site": "cross-site"}, "cross_site"),
        ({"Origin": "http://127.0.0.1:1"}, "cross_site"),
    ],
)
def test_a_page_of_another_origin_is_refused(place: Place, headers: dict[str, str], code: str) -> None:
    status, body = place.ask("POST", "/-/reset", b"", **headers)

    assert (status, json.loads(body)["code"]) == ({"host_not_allowed": 421, "cross_site": 403}[code], code)
    assert place.app.seen == []


@pytest.mark.parametrize("access", [True], indirect=True)
def test_the_access_log_has_a_line_for_each_request_also_for_those_that_are_refused_here(
    place: Place, access: AccessLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    place.app.hold_ms = 60
    secrets = {"Authorization": "Bearer mk_topsecret", "X_Mocklend_Control": "topsecret"}
    place.ask("GET", "/v1/loans?limit=5&api_key=topsecret&mk_topsecret=1", b"", **secrets)
    place.ask("GET", "/v1/mk_topsecret/late")
    place.ask("GET", "/v1/breaks")
    place.ask("POST", "/-/reset", Host="evil.example")
    place.ask("POST", "/-/reset", Origin="http://evil.example")
    answer_of(place.connect(request("POST", "/v1/slow", Content_Length="9")))
    half = place.connect(request("POST", "/v1/half", Content_Length="9") + b"{")
    half.shutdown(socket.SHUT_WR)
    answer_of(half)
    place.stay(4)
    waiting = [place.connect(request("GET", "/v1/stay", Authorization="a")) for _ in range(4)]
    until(lambda: place.door._clients.waiting == 4)
    place.ask("GET", "/v1/busy", Authorization="a")
    place.app.left.set()
    for connection in (*place.open[-5:-1], *waiting):
        answer_of(connection)
    asyncio.run_coroutine_threadsafe(place.door.drained(), place.loop).result(LONG_S)
    place.ask("GET", "/v1/stopping")
    access.close()

    text = (tmp_path / "access.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    logged_lines = [
        (line["method"], line["path"], line["status"])
        for line in lines
        if line["path"] not in ("/v1/stay", "/-/health")
    ]
    assert logged_lines == [
        ("GET", "/v1/loans", 200), ("GET", "/v1/***", 200), ("GET", "/v1/breaks", 500), ("POST", "/-/reset", 421),
        ("POST", "/-/reset", 403), ("POST", "/v1/slow", 408), ("POST", "/v1/half", 400), ("GET", "/v1/busy", 429),
        ("GET", "/v1/stopping", 503),
    ]  # fmt: skip
    assert sum(line["path"] == "/v1/stay" for line in lines) == 8
    assert "topsecret" not in text
    loans, late, _, wrong_host, *_ = (line for line in lines if line["path"] != "/-/health")
    assert set(loans) == {
        "time", "request_id", "method", "path", "query", "status", "duration_ms", "sandbox", "client", "bytes",
    }  # fmt: skip
    assert (loans["query"], loans["sandbox"], loans["request_id"], loans["bytes"], loans["client"]) == (
        "limit,api_key,***", "sbx_1", "req_1", 4, "127.0.0.1",
    )  # fmt: skip
    assert late["duration_ms"] >= 60
    assert (wrong_host["sandbox"], wrong_host["request_id"], wrong_host["query"]) == (None, None, None)
    assert wrong_host["bytes"] > 100
