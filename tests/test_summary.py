"""A sandbox's summary: it says what the long lists say, and reads none of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import NewSandbox, Platform, find_layer
from mocklend.summary import _IN_TRANSIT
from mocklend_faults.engine import journal
from mocklend_faults.engine.layer import OPEN_MAX
from support.caller import Caller, Documented
from support.story import Story


@pytest.fixture
def faulty(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with the installed faults."""
    return open_platform(find_layer())


@pytest.fixture
def api(faulty: Platform) -> Caller:
    """A caller in a sandbox of that platform."""
    app = create_app(Settings(), faulty)
    sandbox = faulty.create_sandbox(seed=7, mode="manual", now_ms=1_767_578_400_000)
    return Caller(app, Documented(app), sandbox.api_key)


def test_a_new_sandbox_has_nothing(api: Caller) -> None:
    shown = api.made(api.get("/-/summary"))

    assert (shown["loans"], shown["in_transit"], shown["alerts"], shown["last_audit"]) == (0, 0, None, None)
    assert shown["clock"] == api.made(api.get("/-/clock"))
    assert shown["faults"] == {
        "rules_on": 0, "evaluated": 0, "injected": 0, "open": 0, "open_more": False, "closed": 0,
    }  # fmt: skip


def test_the_summary_says_what_rules_and_answer_key_say(api: Caller) -> None:
    rules = {"lag": {"fault": "cache.bounded_stale", "with": {"lag_s": 60}}, "lost": {"fault": "callback.dropped"}}
    for id, rule in rules.items():
        api.made(api.call("PUT", f"/-/rules/{id}", json=rule))
    loans = [api.borrow(reference=f"loan-{n}")["id"] for n in range(3)]
    for loan_id in loans:
        api.repay(loan_id, 1_000)
    on_the_way = api.made(api.get("/-/summary"))["in_transit"]
    for step in ("PT2S", "PT30S", "PT2M", "P1D"):
        api.wait(step)
        shown = api.made(api.get("/-/summary"))
        entries = api.made(api.get("/-/answer-key"))["entries"]
        assert shown["faults"]["open"] == len([entry for entry in entries if entry["status"] == "active"])
        assert shown["faults"]["open"] + shown["faults"]["closed"] == len(entries)

    api.made(api.call("PATCH", "/-/rules/lag", json={"enabled": False}))
    armed = api.made(api.get("/-/rules"))["rules"]
    shown = api.made(api.get("/-/summary"))
    assert (shown["loans"], on_the_way) == (3, 3)
    assert shown["faults"]["rules_on"] == 1
    assert shown["faults"]["evaluated"] == sum(rule["evaluated"] for rule in armed)
    assert shown["faults"]["injected"] == sum(rule["injected"] for rule in armed) > 0


def test_the_summary_keeps_what_was_last_seen_until_a_reset(api: Caller) -> None:
    api.borrow()
    made = api.made(api.get("/-/audit"))
    api.made(api.get("/operator/alerts", limit=1))
    api.wait("P1D")

    shown = api.made(api.get("/-/summary"))
    assert shown["last_audit"] == {"at": made["now"], "clean": True, "discrepancies": 0, "unexplained": 0}
    assert shown["alerts"] == {"open": 0, "at": made["now"]}
    api.made(api.post("/-/reset"))
    shown = api.made(api.get("/-/summary"))
    assert (shown["loans"], shown["last_audit"], shown["alerts"]) == (0, None, None)


def test_looking_at_the_summary_is_no_event(api: Caller) -> None:
    api.made(api.call("PUT", "/-/rules/slow", json={"fault": "transport.latency"}))
    before = api.made(api.get("/-/rules"))["rules"]

    for _ in range(3):
        api.made(api.get("/-/summary"))

    assert api.made(api.get("/-/rules"))["rules"] == before


def test_staff_see_a_summary_on_no_plane(api: Caller) -> None:
    api.headers = {"Authorization": f"Bearer {api.made(api.get('/-/staff-key'))['staff_key']}"}

    api.problem(api.get("/-/summary"), 403, "key_of_staff")


@pytest.mark.sqlite_only("it reads the plan of SQLite")
@pytest.mark.parametrize("sql", [_IN_TRANSIT, journal.OPEN_NOW, journal.WRONG_LOANS])
def test_each_figure_is_a_range_of_an_index(story: Story, sql: str) -> None:
    with story.platform.read() as connection:
        bound = {"sandbox_id": "s", "now_ms": 0, "most": OPEN_MAX, "after": ""}
        plan = [row[3] for row in connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {sql}", bound)]

    searches = [step for step in plan if step.startswith("SEARCH")]
    assert searches
    assert all("INDEX" in step and "sandbox_id=? AND" in step for step in searches), plan
    assert not [step for step in plan if "SCAN" in step and "TEMP B-TREE" in step]


def test_a_sandbox_without_a_fault_layer_has_no_figures_of_one(
    open_platform: Callable[..., Platform], sandbox: NewSandbox
) -> None:
    app = create_app(Settings(), open_platform(None))
    shown = Caller(app, Documented(app), sandbox.api_key).get("/-/summary").get_json()

    assert shown["faults"] is None
