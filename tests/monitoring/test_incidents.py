"""Kept alerts of one check and one channel that overlap in time are one incident."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.client import Client, Doc, ProblemError
from mocklend.config import Settings
from mocklend.monitoring.incidents import ALERTS_MAX, Incident, incidents_of
from mocklend.runtime import Platform
from mocklend.scenarios.in_process import client_of
from mocklend.storage.schema import KeptAlertRow
from mocklend_faults.engine.layer import FaultLayer
from support.story import MONDAY_MS


def row(
    n: int, opened: int, closed: int | None, *, check: str = "paid_twice", channel: str | None = "wallet"
) -> KeptAlertRow:
    """A kept alert: opened by a run and closed by another one, each at its number in ms."""
    return KeptAlertRow(
        opened_run=opened, id=f"alr_{n}", check_name=check, finding_class=None, entity=f"rpy_{n}", loan_id=None,
        channel=channel, amount_minor=100, currency="CNY", since_ms=opened - 1, raised_ms=opened, detail="",
        opened_ms=opened, seen_ms=opened, closed_ms=closed,
    )  # fmt: skip


def members(incidents: list[Incident]) -> list[list[str]]:
    """The alerts of each incident."""
    return [[alert.id for alert in incident.alerts] for incident in incidents]


def test_alerts_that_overlap_are_one_incident_and_it_is_closed_with_the_last() -> None:
    [incident] = incidents_of([row(1, 1, 3), row(2, 2, 5)])
    [still_open] = incidents_of([row(1, 1, 3), row(2, 2, None)])

    assert (incident.id, incident.closed_ms, still_open.closed_ms) == ("inc_paid_twice.wallet.1", 5, None)


def test_an_alert_after_all_others_were_closed_is_another_incident() -> None:
    assert members(incidents_of([row(1, 1, 3), row(2, 4, None)])) == [["alr_2"], ["alr_1"]]


def test_an_alert_that_the_closing_run_opens_belongs_to_the_same_incident() -> None:
    assert members(incidents_of([row(1, 1, 3), row(2, 3, None)])) == [["alr_1", "alr_2"]]


def test_checks_and_channels_have_incidents_of_their_own() -> None:
    rows = [
        row(1, 1, None),
        row(2, 1, None, channel="bank_card"),
        row(3, 1, None, check="page_behind_books", channel=None),
    ]

    assert [incident.id for incident in incidents_of(rows)] == [
        "inc_page_behind_books.none.1", "inc_paid_twice.bank_card.1", "inc_paid_twice.wallet.1",
    ]  # fmt: skip


@pytest.fixture
def client(open_platform: Callable[..., Platform]) -> Client:
    """A client in a sandbox of a platform with faults."""
    platform = open_platform(FaultLayer())
    platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS, id="one")
    return client_of(create_app(Settings(), platform).wsgi_app, "one")


@pytest.fixture
def many(client: Client) -> list[str]:
    """Repayments by two channels whose callbacks are lost, seen by one run."""
    client.put_rule("drop", {"fault": "callback.dropped"})
    ada = client.add_borrower("ada", "Ada")["id"]
    ordered = []
    for n in range(ALERTS_MAX + 2):
        loan_id = client.borrow(ada, 100_000, product_id="jiebei-like", reference=f"loan-{n}")["id"]
        channel = "bank_card" if n == 0 else "wallet"
        ordered.append(client.repay(loan_id, 1_000, channel, "OVD_AND_CURRENT")["id"])
    client.advance("PT2H")
    client.run_alerts()
    return ordered


def of(incidents: list[Doc], channel: str) -> Doc:
    """The incident of a channel."""
    [found] = [each for each in incidents if each["channel"] == channel]
    return found


def test_an_incident_counts_its_alerts_and_lists_the_first(client: Client, many: list[str]) -> None:
    listed = client.incidents()

    wallet, card = of(listed["incidents"], "wallet"), of(listed["incidents"], "bank_card")
    assert listed["last_run"] == client.alert_history()["last_run"]
    assert (wallet["state"], wallet["alert_count"], wallet["open_count"], wallet["closed_at"]) == ("open", 6, 6, None)
    assert wallet["amounts"] == [{"currency": "CNY", "amount_minor": 6_000}]
    assert (wallet["check"], wallet["class"]) == ("channel_money_not_in_books", "missing_in_books")
    assert wallet["opened_at"] == wallet["seen_at"] == listed["last_run"]["at"]
    assert len(wallet["alerts"]) == ALERTS_MAX
    assert [alert["entity"] for alert in card["alerts"]] == [many[0]]
    assert len(client.alert_history(channel="wallet")["alerts"]) == 6


def test_an_incident_is_resolved_by_the_repair_of_its_last_alert(client: Client, many: list[str]) -> None:
    client.query_repayment(many[0], operator="wei")
    client.query_repayment(many[1], operator="wei")

    run = client.run_alerts()

    [wallet] = client.incidents(state="open")["incidents"]
    [card] = client.incidents(state="closed")["incidents"]
    assert (wallet["channel"], wallet["alert_count"], wallet["open_count"]) == ("wallet", 6, 5)
    assert (card["channel"], card["state"], card["open_count"], card["closed_at"]) == (
        "bank_card",
        "closed",
        0,
        run["at"],
    )


def test_incidents_are_filtered_and_paged(client: Client, many: list[str]) -> None:
    everything = client.incidents()["incidents"]
    loan_id = client.repayment(many[0])["loan_id"]

    assert [each["id"] for each in client.every("incidents", limit=1)] == [each["id"] for each in everything]
    assert [each["channel"] for each in client.incidents(loan_id=loan_id)["incidents"]] == ["bank_card"]
    assert client.incidents(check="paid_twice")["incidents"] == []
    assert client.incidents(finding_class="stale_view")["incidents"] == []
    assert [each["channel"] for each in client.incidents(channel="wallet")["incidents"]] == ["wallet"]
    with pytest.raises(ProblemError, match="validation_failed"):
        client.incidents(cursor="bm9wZQ")
