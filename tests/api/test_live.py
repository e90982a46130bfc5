"""GET /-/live: both ways of a request are counted alike, looking is not, and what is injected is told apart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from apiflask import APIFlask

from mocklend.api import hot, live, metrics
from mocklend.api.hot import HotPaths
from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.live_series import LiveRow
from mocklend.runtime import Platform, find_layer
from support.caller import Caller, Documented, HotFirst
from support.story import MONDAY_MS, Clock

pytestmark = pytest.mark.parametrize("app", ["flask", "hot"], indirect=True)


@pytest.fixture
def app(request: pytest.FixtureRequest, open_platform: Callable[..., Platform], clock: Clock) -> APIFlask:
    """The app of a platform with faults, on the test's time, with or without its hot paths."""
    platform = open_platform(find_layer(), real_ms=clock)
    app = create_app(Settings(), platform)
    if request.param == "hot":
        app.wsgi_app = HotFirst(app, HotPaths(app, platform, on_loopback=True))  # type: ignore[method-assign]
    app.extensions["test.platform"] = platform
    return app


@pytest.fixture
def api(app: APIFlask) -> Caller:
    """A caller in a sandbox of that platform, which is looked at."""
    platform: Platform = app.extensions["test.platform"]
    sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)
    caller = Caller(app, Documented(app), sandbox.api_key)
    assert caller.made(caller.get("/-/live"))["rows"] == []
    return caller


def last_row(api: Caller, clock: Clock) -> LiveRow:
    """The row of the second that ends now."""
    clock.ms += 1_000
    row: LiveRow = api.made(api.get("/-/live"))["rows"][-1]
    return row


def test_requests_are_counted_and_looking_is_not(api: Caller, clock: Clock) -> None:
    loan_id = api.borrow()["id"]
    for _ in range(3):
        api.made(api.get(f"/v1/loans/{loan_id}"))
    api.repay(loan_id, 1_000)
    api.get("/v1/loans/loan_nobody")
    api.get("/-/clock")
    api.made(api.call("GET", f"/v1/loans/{loan_id}", headers={"Mocklend-Peek": "1"}))

    row = last_row(api, clock)

    assert (row["requests"], row["refused"], row["failed"]) == (7, 1, 0), "a borrower, a loan, 3 pages, an order, a 404"
    assert (row["page_reads"], row["stale_reads"]) == (3, 0)
    assert row["p50_ms"] is not None
    assert row["p95_ms"] is not None
    assert row["p50_ms"] <= row["p95_ms"]
    quiet = last_row(api, clock)
    assert (quiet["requests"], quiet["p50_ms"]) == (0, None)


def test_a_page_that_lags_is_a_stale_read(api: Caller, clock: Clock) -> None:
    api.made(api.call("PUT", "/-/rules/lag", json={"fault": "cache.bounded_stale", "with": {"lag_s": 3600}}))
    loan_id = api.borrow()["id"]
    api.wait("PT2H")
    api.repay(loan_id, 1_000)
    api.wait("PT5M")
    assert api.made(api.get(f"/v1/loans/{loan_id}"))["paid_minor"] == 0

    row = last_row(api, clock)

    assert (row["page_reads"], row["stale_reads"]) == (1, 1)
    clock.ms += 1_000
    looked = api.made(api.get("/-/live"))["rows"][-1]
    assert looked["injections"] is not None
    assert looked["injections"] >= looked["open"] >= 1
    assert looked["healed"] == looked["injections"] - looked["open"]


def test_an_injected_delay_is_counted_beside_the_latencies(
    api: Caller, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count()
    for module in (metrics, live, hot):
        monkeypatch.setattr(module, "perf_counter", lambda: next(ticks) / 1_000)
    loan_id = api.borrow()["id"]
    rule = {"fault": "transport.latency", "match": {"method": "GET"}, "with": {"delay_ms": 120}}
    api.made(api.call("PUT", "/-/rules/slow", json=rule))
    last_row(api, clock)

    api.made(api.get(f"/v1/loans/{loan_id}"))

    row = last_row(api, clock)
    assert (row["requests"], row["delayed"], row["delay_ms"]) == (1, 1, 120)
    assert row["p95_ms"] is not None
    assert row["p95_ms"] < 20, "by a clock that goes a millisecond further each time it is read"


def test_rows_after_a_second_are_asked_for(api: Caller, clock: Clock) -> None:
    clock.ms += 5_000
    rows = api.made(api.get("/-/live"))["rows"]
    assert len(rows) == 5

    assert api.made(api.get("/-/live", since=rows[3]["second"]))["rows"] == rows[4:]
    for bad in ("-1", "x", "1.5", "99999999999999"):
        api.problem(api.get("/-/live", since=bad), 422, "validation_failed")
    api.problem(api.get("/-/live", until=1), 422, "validation_failed")


def test_looking_changes_no_answer_and_no_key(api: Caller, clock: Clock) -> None:
    api.made(api.call("PUT", "/-/rules/half", json={"fault": "transport.latency", "select": {"probability": 0.5}}))
    before = api.made(api.get("/-/answer-key")), api.made(api.get("/-/rules"))

    for _ in range(5):
        last_row(api, clock)

    assert (api.made(api.get("/-/answer-key")), api.made(api.get("/-/rules"))) == before


def test_a_reset_sandbox_begins_again(api: Caller, clock: Clock) -> None:
    clock.ms += 5_000
    assert api.made(api.get("/-/live"))["rows"]

    api.made(api.call("POST", "/-/reset"))

    assert api.made(api.get("/-/live"))["rows"] == []
