"""Runs of the checks are compared: an alert is opened by the first that sees it, and closed by the first that does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.client import Client, Doc, ProblemError
from mocklend.config import Settings
from mocklend.monitoring import history as runs
from mocklend.monitoring.history import KeepAlerts, run_checks
from mocklend.runtime import Platform
from mocklend.scenarios.in_process import client_of
from mocklend_faults.engine.layer import FaultLayer
from support.story import MONDAY_MS


@pytest.fixture
def platform(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with faults, and a sandbox `one`."""
    platform = open_platform(FaultLayer())
    platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS, id="one")
    return platform


@pytest.fixture
def client(platform: Platform) -> Client:
    """A client in that sandbox, in which every callback is lost."""
    client = client_of(create_app(Settings(), platform).wsgi_app, "one")
    client.put_rule("drop", {"fault": "callback.dropped"})
    return client


def lost(client: Client, count: int = 1) -> list[str]:
    """Repayments whose callbacks are lost for more than an hour, each on a loan of its own."""
    ordered = []
    for _ in range(count):
        n = len(client.loans()["loans"])
        ada = client.add_borrower(f"ada-{n}", "Ada")["id"]
        loan_id = client.borrow(ada, 100_000, product_id="jiebei-like", reference=f"loan-{n}")["id"]
        ordered.append(client.repay(loan_id, 1_000, "wallet", "OVD_AND_CURRENT")["id"])
    client.advance("PT2H")
    return ordered


def numbers(run: Doc) -> tuple[int, int, int, int]:
    """Number, open, opened and closed of a run."""
    return run["n"], run["open"], run["opened"], run["closed"]


def test_before_the_first_run_nothing_is_kept(client: Client) -> None:
    assert client.alert_history() == {"last_run": None, "alerts": [], "next_cursor": None}


def test_an_alert_is_opened_seen_again_and_closed(client: Client) -> None:
    [order] = lost(client)
    first = client.run_alerts()
    client.advance("PT1H")
    second = client.run_alerts()
    [alert] = client.alert_history(state="open")["alerts"]
    assert (numbers(first), numbers(second)) == ((1, 1, 1, 0), (2, 1, 0, 0))
    assert (alert["entity"], alert["opened_at"], alert["seen_at"]) == (order, first["at"], second["at"])
    assert alert["closed_at"] is None

    client.query_repayment(order, operator="wei")
    third = client.run_alerts()

    assert numbers(third) == (3, 0, 0, 1)
    listed = client.alert_history()
    assert (listed["last_run"], client.alert_history(state="open")["alerts"]) == (third, [])
    assert listed["alerts"] == [alert | {"closed_at": third["at"]}]


def test_an_alert_that_comes_back_is_another_one(client: Client) -> None:
    client.halt()
    client.put_rule("lag", {"fault": "cache.bounded_stale", "with": {"lag_s": 86_400}})
    [order] = lost(client)
    client.run_alerts()
    client.advance("P1D")
    client.run_alerts()
    client.repay(client.repayment(order)["loan_id"], 2_000, "wallet", "OVD_AND_CURRENT")
    client.advance("PT2H")

    run = client.run_alerts()

    assert numbers(run) == (3, 1, 1, 0)
    back, before = client.alert_history()["alerts"]
    assert back["id"] == before["id"]
    assert back["closed_at"] is None
    assert before["closed_at"] < back["opened_at"]


def test_the_kept_alerts_are_what_the_list_says_at_the_last_run(client: Client) -> None:
    lost(client, 3)
    now = client.alerts()["alerts"]

    client.run_alerts()

    kept = client.alert_history(state="open")["alerts"]
    assert [{name: each[name] for name in now[0]} for each in kept] == now
    assert [each["id"] for each in client.every("alert_history", limit=1)] == [each["id"] for each in now]
    assert [each["loan_id"] for each in client.alert_history(loan_id=now[1]["loan_id"])["alerts"]] == [
        now[1]["loan_id"]
    ]
    assert client.alert_history(check="page_behind_books")["alerts"] == []
    assert len(client.alert_history(finding_class="missing_in_books")["alerts"]) == 3


def test_what_changes_while_an_alert_is_open_is_as_last_seen(client: Client) -> None:
    client.halt()
    client.put_rule("lag", {"fault": "cache.bounded_stale", "with": {"lag_s": 86_400}})
    [order] = lost(client)
    client.run_alerts()
    [before] = client.alert_history(check="page_behind_books")["alerts"]
    client.repay(client.repayment(order)["loan_id"], 2_000, "wallet", "OVD_AND_CURRENT")
    client.advance("PT10M")

    client.run_alerts()

    [after] = client.alert_history(check="page_behind_books")["alerts"]
    assert (before["opened_at"], after["amount_minor"] - before["amount_minor"]) == (after["opened_at"], 2_000)
    assert after["detail"] != before["detail"]


def test_more_than_the_bound_is_counted_and_not_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "OPEN_MAX", 2)
    monkeypatch.setattr(runs, "CLOSED_MAX", 2)
    orders = lost(client, 4)

    first = client.run_alerts()
    kept = [each["entity"] for each in client.alert_history()["alerts"]]
    for order in orders:
        client.query_repayment(order, operator="wei")
    client.run_alerts()
    more = lost(client, 2)
    client.run_alerts()
    for order in more:
        client.query_repayment(order, operator="wei")
    client.run_alerts()

    assert (first["open"], first["opened"], first["left_out"]) == (4, 2, 2)
    assert len(kept) == 2
    assert {each["entity"] for each in client.alert_history()["alerts"]} == set(more), "the oldest are forgotten"


def test_of_two_runs_at_once_one_is_kept(client: Client, platform: Platform) -> None:
    lost(client)
    with platform.snapshot("one") as snapshot:
        one, other = run_checks(snapshot), run_checks(snapshot)

    answers = [platform.run(command).body for command in (one, other)]

    assert answers[0] == answers[1]
    assert len(client.alert_history()["alerts"]) == 1


def test_a_run_from_before_a_reset_keeps_nothing(client: Client, platform: Platform) -> None:
    lost(client)
    with platform.snapshot("one") as snapshot:
        run: KeepAlerts = run_checks(snapshot)
    platform.reset_sandbox("one")

    platform.run(run)

    assert client.alert_history()["alerts"] == []


def test_a_reset_forgets_the_history(client: Client) -> None:
    lost(client)
    client.run_alerts()

    client.reset()

    assert client.alert_history()["last_run"] is None
    assert client.summary()["alerts"] is None


def test_the_summary_has_the_number_of_the_last_run(client: Client) -> None:
    lost(client)
    run = client.run_alerts()

    assert client.summary()["alerts"] == {"open": 1, "at": run["at"]}


@pytest.mark.parametrize("filters", [{"state": "gone"}, {"check": "none"}, {"cursor": "eA"}, {"finding_class": "x"}])
def test_a_wrong_filter_is_refused(client: Client, filters: Doc) -> None:
    with pytest.raises(ProblemError, match="validation_failed"):
        client.alert_history(**filters)
