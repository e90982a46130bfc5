"""The hot paths answer as Flask does, and leave unusual requests to it. Each request is sent to both."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from apiflask import APIFlask

from mocklend.api import hot
from mocklend.api.hot import HotPaths
from mocklend.api.request_ids import HEADER as REQUEST_ID
from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.domain.problems import Refused
from mocklend.received import ReceivedRequest
from mocklend.runtime import NewSandbox, Platform
from mocklend.storage.ground import DISK_FULL
from mocklend.storage.work import Sandbox
from mocklend_faults.engine import FaultLayer
from support.caller import Caller, Documented, Outcome, ask_hot

alone = pytest.mark.sqlite_only("a hot path asks the rules of a status query only where no other process changes them")
through_flask = pytest.mark.without_redis("a status query that asks Redis goes through Flask")

ORDER = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
Answered = tuple[int, dict[str, str], Any]


class Both:
    """A caller who sends a request to the hot paths, and then to Flask."""

    def __init__(self, app: APIFlask, platform: Platform, api_key: str | None) -> None:
        self.hot = HotPaths(app, platform, on_loopback=True)
        self.client = app.test_client()
        self.headers = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
        self.given_back = threading.Semaphore(0)

    def request(self, method: str, path: str, body: bytes = b"", query: str = "", **more: str) -> ReceivedRequest:
        headers = self.headers | ({"content-type": "application/json"} if method == "POST" else {})
        return ReceivedRequest(
            method, path, query, headers | {n.replace("_", "-"): v for n, v in more.items()}, body, {}, 0.0
        )

    def ask_hot(self, request: ReceivedRequest, held: list[int] | None = None) -> Answered | Outcome:
        """`held` gets for how many ms the answer is held back."""
        answers: list[tuple[int, Any, bytes, str, int]] = []
        come = threading.Semaphore(0)

        def respond(*answer: Any) -> None:
            answers.append(answer)
            come.release()

        def hand_back() -> None:
            self.given_back.release()
            come.release()

        outcome = ask_hot(self.hot, request, respond, hand_back)
        if outcome is Outcome.NOT_TAKEN:
            return outcome
        assert come.acquire(timeout=30)
        if not answers:
            return Outcome.NOT_TAKEN
        status, headers, content, _, hold_ms = answers[0]
        if held is not None:
            held.append(hold_ms)
        return status, headers_of(headers), json.loads(content)

    def ask_flask(self, request: ReceivedRequest) -> Answered:
        answer = self.client.open(
            request.path,
            method=request.method,
            query_string=request.query,
            headers=request.headers,
            data=request.body,
            environ_overrides=request.carried,
        )
        return answer.status_code, headers_of(answer.headers.items()), json.loads(answer.data)


def headers_of(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """An answer's headers; each request has an id of its own."""
    names = {name.lower(): value for name, value in headers}
    assert names.pop(REQUEST_ID.lower()).startswith("req_")
    assert int(names.pop("content-length")) > 0
    return names


@pytest.fixture(params=[True, False], ids=["alone", "among_others"])
def app(request: pytest.FixtureRequest, settings: Settings, open_platform: Callable[..., Platform]) -> APIFlask:
    """A platform with faults; where it is alone, it keeps pages in memory."""
    platform = open_platform(FaultLayer(), alone=request.param)
    app = create_app(settings, platform)
    app.extensions["platform"] = platform
    return app


@pytest.fixture
def platform(app: APIFlask) -> Platform:
    return app.extensions["platform"]  # type: ignore[no-any-return]


@pytest.fixture
def sandbox(platform: Platform) -> Sandbox:
    return platform.create_sandbox(seed=7, mode="manual", now_ms=1_767_578_400_000)


@pytest.fixture
def loan(api: Caller) -> str:
    """Ada's loan, in a sandbox whose key has been used before."""
    return str(api.borrow(reference="张女士的")["id"])


@pytest.fixture
def both(app: APIFlask, platform: Platform, sandbox: NewSandbox, loan: str) -> Both:
    return Both(app, platform, sandbox.api_key)


def arm(api: Caller, fault: str, **rule: object) -> None:
    api.made(api.call("PUT", f"/-/rules/{fault}", json={"fault": fault, **rule}))


@through_flask
def test_a_status_page_is_the_same_on_both_paths(both: Both, loan: str) -> None:
    request = both.request("GET", f"/v1/loans/{loan}")

    answer = both.ask_hot(request)

    assert answer == both.ask_flask(request)
    assert isinstance(answer, tuple)
    assert (answer[0], answer[1], answer[2]["reference"]) == (200, {"content-type": "application/json"}, "张女士的")


@through_flask
def test_the_sandbox_default_needs_no_key_on_loopback(app: APIFlask, platform: Platform, stranger: Caller) -> None:
    loan = stranger.borrow()["id"]
    both = Both(app, platform, None)
    request = both.request("GET", f"/v1/loans/{loan}")

    assert both.ask_hot(request) == both.ask_flask(request)

    assert ask_hot(HotPaths(app, platform, on_loopback=False), request, never, never) is Outcome.NOT_TAKEN


def never(*_: object) -> None:
    raise AssertionError("nobody is to be answered")


def test_an_order_its_repeat_and_a_refusal_are_the_same_on_both_paths(both: Both, api: Caller, loan: str) -> None:
    path, body = f"/v1/loans/{loan}/repayments", json.dumps(ORDER).encode()
    first = both.ask_hot(both.request("POST", path, body, idempotency_key="one"))
    again = both.ask_hot(both.request("POST", path, body, idempotency_key="one"))
    assert both.ask_flask(both.request("POST", path, body, idempotency_key="one")) == again
    assert isinstance(first, tuple)
    assert isinstance(again, tuple)
    assert (first[0], first[2]) == (again[0], again[2])
    assert (first[1].get("idempotency-replayed"), again[1]["idempotency-replayed"]) == (None, "true")

    other = both.ask_hot(both.request("POST", path, body, idempotency_key="two"))
    by_flask = both.ask_flask(both.request("POST", path, body, idempotency_key="three"))
    assert isinstance(other, tuple)
    assert (other[0], other[1], other[2].keys()) == (by_flask[0], by_flask[1], by_flask[2].keys())

    nowhere = "/v1/loans/loan_x/repayments"
    refused = both.ask_hot(both.request("POST", nowhere, body, idempotency_key="four"))
    assert refused == both.ask_flask(both.request("POST", nowhere, body, idempotency_key="five"))
    assert isinstance(refused, tuple)
    assert (refused[0], refused[2]["code"]) == (404, "loan_unknown")
    assert len(api.made(api.get(path))["repayments"]) == 3


NOT_PLAIN: dict[str, Callable[[Both, str], ReceivedRequest]] = {
    "a query": lambda both, loan: both.request("GET", f"/v1/loans/{loan}", query="limit=1"),
    "another method": lambda both, loan: both.request("HEAD", f"/v1/loans/{loan}"),
    "another address": lambda both, loan: both.request("GET", f"/v1/loans/{loan}/quotes"),
    "a loan that is not there": lambda both, _: both.request("GET", "/v1/loans/loan_x"),
    "an id that is none": lambda both, _: both.request("GET", "/v1/loans/\0"),
    "a line after the id": lambda both, loan: both.request("GET", f"/v1/loans/{loan}\n"),
    "a fault of its own": lambda both, loan: both.request("GET", f"/v1/loans/{loan}", mocklend_fault="transport.abort"),
    "a key of nobody": lambda both, loan: both.request("GET", f"/v1/loans/{loan}", authorization="Bearer mk_x"),
    "another scheme": lambda both, loan: both.request("GET", f"/v1/loans/{loan}", authorization="Basic eA=="),
    "no idempotency key": lambda both, loan: both.request("POST", f"/v1/loans/{loan}/repayments", order()),
    "a key that is none": lambda both, loan: ordered(both, loan, idempotency_key="\x7f"),
    "another media type": lambda both, loan: ordered(both, loan, content_type="text/plain"),
    "no JSON": lambda both, loan: ordered(both, loan, b"{"),
    "a wrong field": lambda both, loan: ordered(both, loan, order(amount_minor="10")),
    "an unknown channel": lambda both, loan: ordered(both, loan, order(channel="pigeon")),
}


def order(**changes: object) -> bytes:
    return json.dumps(ORDER | changes).encode()


def ordered(both: Both, loan: str, body: bytes | None = None, **headers: str) -> ReceivedRequest:
    return both.request(
        "POST", f"/v1/loans/{loan}/repayments", order() if body is None else body, **{"idempotency_key": "k"} | headers
    )


@pytest.mark.parametrize("case", NOT_PLAIN)
def test_an_unusual_request_is_left_to_flask(both: Both, api: Caller, loan: str, case: str) -> None:
    request = NOT_PLAIN[case](both, loan)

    assert both.ask_hot(request) is Outcome.NOT_TAKEN
    assert api.made(api.get(f"/v1/loans/{loan}/repayments"))["repayments"] == []


@alone
def test_a_request_with_a_rule_at_its_answer_goes_to_flask(both: Both, api: Caller, loan: str) -> None:
    request = both.request("GET", f"/v1/loans/{loan}")
    arm(api, "cache.bounded_stale")
    assert both.ask_hot(request) is Outcome.NOT_TAKEN  # The new rules are not loaded yet: Flask sees to that.
    assert both.ask_flask(request) == both.ask_hot(request)

    arm(api, "outage.full")

    assert both.ask_hot(request) is Outcome.NOT_TAKEN
    assert both.ask_hot(ordered(both, loan)) is Outcome.NOT_TAKEN
    assert both.ask_flask(request)[0] == 503


@alone
def test_a_rule_that_selects_something_else_leaves_a_request_on_its_hot_path(
    both: Both, api: Caller, loan: str
) -> None:
    arm(api, "outage.full", match={"loan_id": {"equal_to": "loan_another"}})
    request = both.request("GET", f"/v1/loans/{loan}")
    assert both.ask_hot(request) is Outcome.NOT_TAKEN  # Not loaded yet.
    assert both.ask_flask(request)[0] == 200

    assert both.ask_hot(both.request("GET", f"/v1/loans/{loan}")) == both.ask_flask(request)
    assert isinstance(both.ask_hot(ordered(both, loan)), tuple)


@pytest.mark.parametrize("select", [{"every": 3}, {"probability": 0.5}, {"times": 2, "skip_first": 1}])
def test_a_request_is_counted_once_on_either_path(
    app: APIFlask, documented: Documented, api: Caller, platform: Platform, select: dict[str, object]
) -> None:
    met = []
    for hot_first in (True, False):
        sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=1_767_578_400_000)
        sample, both = type(api)(app, documented, sandbox.api_key), Both(app, platform, sandbox.api_key)
        loan = sample.borrow()["id"]
        arm(sample, "outage.full", match={"loan_id": {"equal_to": loan}}, select=select)
        sample.get("/v1/loans", limit=1)
        statuses = []
        for n in range(12):
            for request in (both.request("GET", f"/v1/loans/{loan}"), ordered(both, loan, idempotency_key=f"k{n}")):
                answer = both.ask_hot(request) if hot_first else Outcome.NOT_TAKEN
                statuses.append((both.ask_flask(request) if isinstance(answer, Outcome) else answer)[0])
        key = sample.made(sample.get("/-/answer-key", limit=100))["entries"]
        met.append((statuses, [entry["entity"] for entry in key]))

    assert met[0] == met[1]
    assert 503 in met[0][0]
    assert {200, 202} & set(met[0][0])


@alone
def test_a_request_that_a_hot_path_hands_to_flask_keeps_its_id(both: Both, api: Caller, loan: str) -> None:
    arm(api, "outage.full", select={"every": 1})
    both.ask_flask(both.request("GET", "/v1/loans"))
    request = both.request("GET", f"/v1/loans/{loan}")
    assert both.ask_hot(request) is Outcome.NOT_TAKEN

    answer = both.client.get(request.path, headers=request.headers, environ_overrides=request.carried)

    assert answer.headers[REQUEST_ID] == request.carried["mocklend.request_id"]
    explained = api.made(api.get("/-/explain", request_id=answer.headers[REQUEST_ID]))
    assert "api.answer" in json.dumps(explained)


@alone
def test_a_rule_that_delays_a_status_query_leaves_it_on_its_hot_path(both: Both, api: Caller, loan: str) -> None:
    about = {"loan_id": {"equal_to": loan}}
    arm(api, "transport.latency", match=about, select={"every": 2}, **{"with": {"delay_ms": 20}})
    both.ask_flask(both.request("GET", "/v1/loans"))
    held: list[int] = []

    answers = [both.ask_hot(both.request("GET", f"/v1/loans/{loan}"), held) for _ in range(4)]

    assert answers == [both.ask_flask(both.request("GET", f"/v1/loans/{loan}"))] * 4
    assert held == [0, 20, 0, 20]
    key = api.made(api.get("/-/answer-key"))["entries"]
    assert [entry["entity"] for entry in key] == [loan, loan]
    assert [each["broken"] for each in api.made(api.get("/-/requests"))["requests"][-5:]] == [
        False, True, False, True, False,
    ]  # fmt: skip


@alone
def test_a_fault_that_refuses_or_breaks_a_status_query_is_decided_once_and_carried_out_by_flask(
    both: Both, api: Caller, loan: str
) -> None:
    about = {"loan_id": {"equal_to": loan}}
    arm(api, "transport.truncated", match=about)
    both.ask_flask(both.request("GET", "/v1/loans"))
    request = both.request("GET", f"/v1/loans/{loan}")

    assert both.ask_hot(request) is Outcome.NOT_TAKEN
    assert both.given_back.acquire(blocking=False)
    answer = both.client.get(request.path, headers=request.headers, environ_overrides=request.carried)

    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.data)
    assert len(api.made(api.get("/-/answer-key"))["entries"]) == 1
    explained = api.made(api.get("/-/explain", request_id=answer.headers[REQUEST_ID]))
    assert "transport.truncated" in json.dumps(explained)


def test_a_rule_outside_its_window_costs_a_status_query_no_commit(
    both: Both, api: Caller, loan: str, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm(api, "transport.latency", activate={"duration_s": 60})
    both.ask_flask(both.request("GET", "/v1/loans"))
    api.wait(3_600)
    monkeypatch.setattr(platform.writer, "submit", never)
    request = both.request("GET", f"/v1/loans/{loan}")

    assert both.ask_hot(request) is Outcome.NOT_TAKEN
    assert both.ask_flask(request)[0] == 200


@through_flask
def test_a_lagging_page_is_the_same_on_both_paths_and_replicas_alternate(both: Both, api: Caller, loan: str) -> None:
    request = both.request("GET", f"/v1/loans/{loan}")
    arm(api, "cache.bounded_stale", **{"with": {"lag_s": 60}})
    api.repay(loan, 5_000)
    api.wait(10)
    assert api.made(api.get(f"/v1/loans/{loan}"))["version"] == 1
    assert both.ask_hot(request) == both.ask_flask(request)
    api.wait(60)
    answer = both.ask_hot(request)
    assert answer == both.ask_flask(request)
    assert isinstance(answer, tuple)
    assert answer[2]["version"] == 2

    arm(api, "cache.bounded_stale", enabled=False)
    arm(api, "read.non_monotonic")
    api.repay(loan, 5_000)
    api.wait(10)

    assert both.ask_hot(request) is Outcome.NOT_TAKEN
    assert {both.ask_flask(request)[2]["version"] for _ in range(2)} == {2, 3}


@through_flask
def test_both_paths_count_and_log_requests_alike(both: Both, api: Caller, loan: str) -> None:
    path = f"/v1/loans/{loan}"
    both.ask_flask(both.request("GET", path))
    both.ask_hot(both.request("GET", path))
    both.ask_flask(ordered(both, loan, idempotency_key="a"))
    both.ask_hot(ordered(both, loan, idempotency_key="b"))

    *_, page, hot_page, request, hot_asked = api.made(api.get("/-/requests"))["requests"]

    assert alike(page) == alike(hot_page)
    assert alike(request) == alike(hot_asked)
    assert (request["idempotency_key"], hot_asked["idempotency_key"]) == ("a", "b")
    metrics = api.get("/-/metrics").get_data(as_text=True)
    assert 'mocklend_requests_total{endpoint="/v1/loans/<id:loan_id>",method="GET",status="200"} 2.0' in metrics
    assert 'endpoint="/v1/loans/<id:loan_id>/repayments",method="POST",status="202"} 2.0' in metrics


@through_flask
def test_requests_on_the_hot_paths_alone_count_as_use_of_a_sandbox(
    both: Both, platform: Platform, sandbox: NewSandbox, loan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    monkeypatch.setattr(platform.uses, "note", used.append)

    assert isinstance(both.ask_hot(both.request("GET", f"/v1/loans/{loan}")), tuple)
    assert isinstance(both.ask_hot(ordered(both, loan)), tuple)

    assert used == [sandbox.id] * 2


def alike(first: Doc) -> Doc:
    """A logged request, without its own id and time."""
    own = ("id", "at", "idempotency_key")
    answer = {n: v for n, v in first["answer"].items() if n not in ("id", "out_trade_no", "idempotency_key")}
    return {name: value for name, value in first.items() if name not in own} | {"answer": answer}


def test_an_event_has_the_id_of_the_order_that_it_came_from(both: Both, api: Caller, loan: str) -> None:
    arm(api, "idempotency.expired", **{"with": {"kept_for_s": 1}})
    api.made(api.get(f"/v1/loans/{loan}"))
    assert isinstance(both.ask_hot(ordered(both, loan)), tuple)
    api.wait(10)
    told_of: list[str] = []
    come = threading.Event()

    def respond(_: int, headers: Any, *__: Any) -> None:
        told_of.append(dict(headers)[REQUEST_ID])
        come.set()

    ask_hot(both.hot, ordered(both, loan), respond, never)
    assert come.wait(30)

    explained = api.made(api.get("/-/explain", request_id=told_of[0]))
    assert "idempotency" in json.dumps(explained)


def test_a_failure_in_the_writer_is_passed_to_flask(both: Both, loan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise LookupError("a bug of ours")

    monkeypatch.setattr("mocklend.lending.repay.order_repayment", broken)

    assert both.ask_hot(ordered(both, loan)) is Outcome.NOT_TAKEN
    assert both.given_back.acquire(blocking=False)


def test_the_number_of_waiting_orders_of_a_sandbox_is_limited(
    both: Both, platform: Platform, sandbox: NewSandbox, loan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "WAITING_MAX", 2)
    answered = threading.Semaphore(0)
    with platform.writer.holding(sandbox.id):
        accepted = [
            ask_hot(both.hot, ordered(both, loan, idempotency_key=f"k{n}"), lambda *_: answered.release(), never)
            for n in range(3)
        ]
    for _ in range(2):
        assert answered.acquire(timeout=30)

    assert accepted == [Outcome.ANSWERED_LATER, Outcome.ANSWERED_LATER, Outcome.NOT_TAKEN]
    assert isinstance(both.ask_hot(ordered(both, loan, idempotency_key="later")), tuple)


@through_flask
def test_flask_answers_when_the_queue_is_full_or_the_database_is_gone(
    both: Both, platform: Platform, loan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: Any) -> None:
        raise Refused("busy", "10000 commands are waiting")

    with monkeypatch.context() as full:
        full.setattr(platform.writer, "submit", refuses)
        assert both.ask_hot(ordered(both, loan)) is Outcome.NOT_TAKEN

    with monkeypatch.context() as gone:
        gone.setattr(type(platform.ground), "trouble", DISK_FULL)
        assert both.ask_hot(both.request("GET", f"/v1/loans/{loan}")) is Outcome.NOT_TAKEN
    assert isinstance(both.ask_hot(both.request("GET", f"/v1/loans/{loan}")), tuple)


@through_flask
def test_a_deleted_sandbox_has_no_status_page(both: Both, platform: Platform, sandbox: NewSandbox, loan: str) -> None:
    request = both.request("GET", f"/v1/loans/{loan}")
    assert isinstance(both.ask_hot(request), tuple)

    platform.delete_sandbox(sandbox.id)

    assert both.ask_hot(request) is Outcome.NOT_TAKEN
    assert both.ask_flask(request)[0] == 401
