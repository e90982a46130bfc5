"""The request log of a sandbox: its newest requests, without those that cannot be repeated."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mocklend.api import broken_responses, fault_hooks
from mocklend.api.request_log import OVERHEAD, LoggedRequest, RequestLog, share
from mocklend.app import create_app
from mocklend.client import Client, ProblemError
from mocklend.config import Settings
from mocklend.runtime import Platform
from support.databases import Databases

pytestmark = pytest.mark.security

LOGGED = LoggedRequest(0, "GET", "/v1/loans", None, b"", 200, b"{}", False, None)


def _requests_of(client: Client) -> list[tuple[str, str]]:
    return [(request["method"], request["path"]) for request in client.requests_made()["requests"]]


def test_the_log_has_every_request_in_order_with_key_body_and_answer(mocklend: Client) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like", idempotency_key="one")
    mocklend.advance("P1D")
    mocklend.loans(status="USING")

    log = mocklend.requests_made()

    first, second, third, fourth = log["requests"]
    assert log["complete"]
    assert log["starts"] == "2026-01-05T02:00:00.000Z"
    assert (first["body"], first["answer"]["id"], first["status"]) == (
        {"reference": "ada", "name": "Ada"},
        ada["id"],
        201,
    )
    assert second["idempotency_key"] == "one"
    assert (third["path"], third["body"], third["at"]) == ("/-/clock/advance", {"by": "P1D"}, log["starts"])
    assert (fourth["method"], fourth["path"]) == ("GET", "/v1/loans?status=USING")


def test_the_log_has_refused_requests(mocklend: Client) -> None:
    with pytest.raises(ProblemError):
        mocklend.loan("loan_x")

    [request] = mocklend.requests_made()["requests"]

    assert (request["status"], request["answer"]["code"]) == (404, "loan_unknown")


def test_the_log_has_a_refused_number_that_is_too_large_for_the_database(mocklend: Client) -> None:
    with pytest.raises(ProblemError):
        mocklend.add_borrower("ada", "Ada", credit_limit_minor=2**70)

    [request] = mocklend.requests_made()["requests"]

    assert (request["status"], request["body"]["credit_limit_minor"]) == (422, 2**70)


def test_reads_of_the_control_plane_are_not_logged(mocklend: Client) -> None:
    mocklend.clock()
    mocklend.audit()
    mocklend.arm("cache.bounded_stale")

    assert _requests_of(mocklend) == [("PUT", "/-/rules/cache.bounded_stale")]


def test_a_reset_sandbox_has_an_empty_request_log(mocklend: Client) -> None:
    mocklend.add_borrower("ada", "Ada")

    mocklend.reset()

    assert _requests_of(mocklend) == []
    assert mocklend.requests_made()["complete"]


def test_each_sandbox_has_a_request_log_of_its_own(mocklend: Client, mocklend_server: str) -> None:
    mocklend.add_borrower("ada", "Ada")
    with Client(mocklend_server) as anyone, anyone.sandbox(seed=1) as other:
        requests = _requests_of(other)
        other.delete_sandbox()

    assert requests == []


def test_a_late_or_broken_answer_is_flagged(mocklend: Client) -> None:
    mocklend.arm("transport.latency", match={"method": "GET"}, delay_ms=1)
    mocklend.loans()

    assert [request["broken"] for request in mocklend.requests_made()["requests"]] == [False, True]


def test_a_request_whose_connection_breaks_is_logged_before_its_clients_next_request(
    mocklend: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client continues as soon as its connection is closed, while the server still works on that request."""
    goes_on = threading.Event()

    def breaks_and_dawdles(response: Any, how: str, environ: Any) -> Any:
        left = broken_responses.broken(response, how, environ)
        assert how == "none" or goes_on.wait(60)
        return left

    monkeypatch.setattr(fault_hooks, "broken", breaks_and_dawdles)
    mocklend.arm("transport.reset", match={"operation": "listLoans"})
    with pytest.raises(requests.ConnectionError):
        mocklend.loans()
    mocklend.products()

    logged = mocklend.requests_made()["requests"]
    goes_on.set()

    assert [entry["path"] for entry in logged] == ["/-/rules/transport.reset", "/v1/loans", "/v1/products"]
    assert [(entry["broken"], entry["answer"] is None) for entry in logged[1:]] == [(True, True), (False, False)]


def test_secrets_and_external_callbacks_are_not_logged(mocklend: Client) -> None:
    secret = mocklend.add_webhook_endpoint("http://127.0.0.1:9/")["secret"]
    with pytest.raises(ProblemError):
        mocklend.send_callback("wallet", b"{}", {"Content-Type": "application/json"})

    log = mocklend.requests_made()

    assert [request["left_out"] is not None for request in log["requests"]] == [True, True]
    assert secret not in str(log)


def test_on_a_running_clock_each_request_has_its_time(mocklend_server: str) -> None:
    with Client(mocklend_server) as anyone, anyone.sandbox(seed=1, clock="wall") as client:
        client.loans()
        client.loans()
        log = client.requests_made()
        client.delete_sandbox()

    moments = [log["starts"], *(request["at"] for request in log["requests"]), log["now"]]
    assert moments == sorted(moments)


def test_while_a_running_clock_is_held_the_log_has_its_moves(mocklend_server: str) -> None:
    starts = "2026-03-01T00:00:00Z"
    with Client(mocklend_server) as anyone, anyone.sandbox(seed=1, clock="wall", now=starts) as client:
        client.loans()
        now = client.hold_clock()["now"]
        client.loans()
        client.advance("P1D")
        client.run_clock()
        client.loans()
        requests = client.requests_made()["requests"]
        client.delete_sandbox()

    assert [(entry["path"], entry["clock"] == "wall") for entry in requests] == [
        ("/v1/loans", True),
        ("/-/clock/advance", False),
        ("/v1/loans", False),
        ("/-/clock/advance", False),
        ("/-/clock/advance", False),
        ("/v1/loans", True),
    ]
    assert requests[1]["body"] == {"to": now}
    assert requests[0]["at"] <= now < requests[5]["at"]
    assert requests[0]["at"].startswith("2026-03-01T00:")
    assert requests[5]["at"].startswith("2026-03-02T00:")


def numbered(n: int, size: int = 0) -> LoggedRequest:
    return replace(LOGGED, real_ms=n, body=b"x" * size)


def logged_times(log: RequestLog, sandbox: str) -> tuple[list[int], bool]:
    requests, complete = log.of(sandbox)
    return [answer.real_ms for answer in requests], complete


def test_of_too_many_requests_the_newest_are_kept_and_the_log_is_marked_as_incomplete() -> None:
    log = RequestLog(requests_max=2)
    log.begin("a")
    for n in range(2):
        log.add("a", numbered(n))
    assert logged_times(log, "a") == ([0, 1], True)

    log.add("a", numbered(2))
    assert logged_times(log, "a") == ([1, 2], False)

    log.begin("a")
    log.add("a", numbered(3))
    assert logged_times(log, "a") == ([3], True)


def test_of_too_many_bytes_the_newest_requests_are_kept_and_at_least_the_last() -> None:
    log = RequestLog(bytes_max=3_000)
    log.begin("a")
    for n in range(3):
        log.add("a", numbered(n, 1_000))
    assert logged_times(log, "a") == ([2], False)

    log.add("a", numbered(3, 10_000))
    assert logged_times(log, "a") == ([3], False)


def test_the_log_of_an_older_sandbox_is_marked_as_incomplete() -> None:
    log = RequestLog()

    log.add("from-yesterday", numbered(1))

    assert logged_times(log, "from-yesterday") == ([1], False)


def test_of_too_many_sandboxes_the_longest_unused_one_loses_its_log() -> None:
    log = RequestLog(sandboxes_max=2)
    for name in "abac":
        log.add(name, numbered(1))

    assert [logged_times(log, name)[0] for name in "abc"] == [[1, 1], [], [1]]
    log.add("b", numbered(2))
    assert logged_times(log, "b") == ([2], False)


@pytest.mark.parametrize("bound", [{"requests_most_of_all": 16}, {"bytes_most_of_all": 16 * (OVERHEAD + 8)}])
def test_a_busy_sandbox_does_not_displace_the_log_of_a_quiet_one(bound: dict[str, int]) -> None:
    log = RequestLog(**bound)
    for name in ("quiet", "busy", "other"):
        log.begin(name)
    for n in range(3):
        log.add("quiet", numbered(n))

    for n in range(1_000):
        log.add("busy", numbered(n))
    for n in range(4):
        log.add("other", numbered(n))

    assert logged_times(log, "quiet") == ([0, 1, 2], True)
    assert logged_times(log, "other") == ([0, 1, 2, 3], True)
    newest, complete = logged_times(log, "busy")
    assert newest == list(range(1_000 - len(newest), 1_000))
    assert (6 <= len(newest) <= 9, complete) == (True, False)


def test_many_sandboxes_share_the_memory_of_the_log() -> None:
    log = RequestLog(requests_most_of_all=80)
    for n in range(100):
        for name in "abcde":
            log.add(name, numbered(n))

    counts = [len(logged_times(log, name)[0]) for name in "abcde"]
    assert 70 <= sum(counts) <= 80
    assert max(counts) - min(counts) <= 3


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(0, 500))
def test_the_share_of_a_sandbox_is_the_largest_that_fits(sizes: list[int], most: int) -> None:
    level = share(sizes, most)

    assert sum(min(size, level) for size in sizes) <= most
    assert level == most or sum(min(size, level + 1) for size in sizes) > most


def test_memory_stays_bounded_however_much_is_asked() -> None:
    bound = 2 * 1024 * 1024
    log = RequestLog(bytes_most_of_all=bound)
    tracemalloc.start()
    try:
        for n in range(20_000):
            request = replace(
                LOGGED, real_ms=10**12 + n, path=f"/v1/loans/loan_{n:020}", id=f"req_{n:020}", answer=b"x" * (n % 500)
            )
            log.add(f"sbx_{n % 50}", request)
        bytes_used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert bound / 2 < bytes_used < bound * 1.2


def test_a_dropped_log_takes_no_memory() -> None:
    log = RequestLog(bytes_most_of_all=4_000)
    for _ in range(10):
        log.begin("a")
        log.add("a", numbered(1, 1_000))
        log.forget("a")
    for name in "ab":
        log.add(name, numbered(2, 1_000))

    assert [logged_times(log, name)[0] for name in "ab"] == [[2], [2]]


def test_a_restarted_server_has_an_empty_request_log(databases: Databases) -> None:
    database = databases("again")
    completeness = []
    for _ in range(2):
        platform = Platform(database, fast=True)
        try:
            app = create_app(Settings(database="unused"), platform)
            completeness.append(app.test_client().get("/-/requests").get_json()["complete"])
        finally:
            platform.close()

    assert completeness == [True, False]


def test_a_request_on_a_manual_clock_has_the_time_at_which_the_clock_stood(mocklend: Client) -> None:
    mocklend.add_borrower("ada", "Ada")
    assert [request["at"] for request in mocklend.requests_made()["requests"]] == ["2026-01-05T02:00:00.000Z"]
    mocklend.advance("P1D")
    mocklend.loans()
    mocklend.advance("PT1H")
    mocklend.loans()

    log = mocklend.requests_made()["requests"]

    assert [(request["at"][:16], request["clock"]) for request in log] == [
        ("2026-01-05T02:00", "manual"),
        ("2026-01-05T02:00", "manual"),
        ("2026-01-06T02:00", "manual"),
        ("2026-01-06T02:00", "manual"),
        ("2026-01-06T03:00", "manual"),
    ]


def test_the_newest_requests_are_kept_once_there_are_more_than_two_thousand() -> None:
    log = RequestLog()
    log.begin("s")

    for n in range(2_500):
        log.add("s", replace(LOGGED, path=f"/v1/loans/{n}"))

    entries, complete = log.of("s")
    assert ([entry.path for entry in entries], complete) == ([f"/v1/loans/{n}" for n in range(500, 2_500)], False)


def test_the_log_can_be_filtered_by_path_and_status(mocklend: Client) -> None:
    mocklend.loans()
    with pytest.raises(ProblemError):
        mocklend.loan("loan_x")

    def paths(query: str) -> list[str]:
        found = mocklend.request(method="GET", path=f"/-/requests{query}")["requests"]
        return [request["path"].partition("?")[0] for request in found]

    assert paths("?path=loan_x") == ["/v1/loans/loan_x"]
    assert paths("?status=200") == ["/v1/loans"]
    assert paths("?status=200&path=loan_x") == []


def test_a_clock_that_a_page_moves_is_logged_as_an_advance_and_earlier_requests_keep_their_times(
    mocklend: Client, mocklend_server: str
) -> None:
    mocklend.add_borrower("ada", "Ada")
    page = f"{mocklend_server}/console/{mocklend.sandbox_id}/clock"

    answer = requests.post(page, data={"by": "P1D", "from": ""}, timeout=30, allow_redirects=False)
    mocklend.add_borrower("bob", "Bob")

    assert answer.status_code == 303
    log = mocklend.request("GET", "/-/requests")
    assert [(each["path"], each["at"], each["body"]) for each in log["requests"] if each["method"] == "POST"] == [
        ("/v1/borrowers", "2026-01-05T02:00:00.000Z", {"reference": "ada", "name": "Ada"}),
        ("/-/clock/advance", "2026-01-05T02:00:00.000Z", {"to": "2026-01-06T02:00:00.000Z"}),
        ("/v1/borrowers", "2026-01-06T02:00:00.000Z", {"reference": "bob", "name": "Bob"}),
    ]
    assert log["complete"]


def test_what_a_viewer_does_on_a_page_is_logged_as_left_out(mocklend: Client, mocklend_server: str) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan_id = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")["id"]
    form = f"{mocklend_server}/console/{mocklend.sandbox_id}/loans/{loan_id}/forms/repay"

    requests.post(form, data={"amount_minor": "many"}, timeout=30, allow_redirects=False)
    typed = {"amount_minor": "5000", "channel": "wallet", "type": "OVD_AND_CURRENT"}
    answer = requests.post(form, data=typed, timeout=30, allow_redirects=False)

    assert answer.status_code == 303
    log = mocklend.request("GET", "/-/requests")
    [left_out] = [each for each in log["requests"] if each["left_out"]]
    assert (left_out["path"], left_out["left_out"]) == (
        f"/console/{mocklend.sandbox_id}/loans/{loan_id}/forms/repay", "done on a page of the console",
    )  # fmt: skip
