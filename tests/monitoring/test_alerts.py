"""Monitoring of the five faults that it detects and of late events, over HTTP as staff see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mocklend.client import Client, Doc, ProblemError

START = "2026-01-05T02:00:00Z"
BY = {"operator": "olga", "memo": "it was late"}


@pytest.fixture
def sandbox_with(mocklend_server: str) -> Callable[..., Client]:
    """A client of staff in a sandbox with these monitoring settings."""

    def sandbox_of(**monitoring: Any) -> Client:
        return Client(mocklend_server).sandbox(seed=7, now=START, monitoring=monitoring or None)

    return sandbox_of


@pytest.fixture
def client(sandbox_with: Callable[..., Client]) -> Client:
    """A client of staff in a sandbox with the default monitoring settings."""
    monitored: Client = sandbox_with()
    return monitored


def borrow(client: Client, who: str = "ada", principal_minor: int = 100_000, *, auto_debit: bool | None = None) -> str:
    ada = client.add_borrower(who, who.title())["id"]
    id: str = client.borrow(ada, principal_minor, product_id="jiebei-like", auto_debit=auto_debit)["id"]
    return id


def repay(client: Client, loan_id: str, amount_minor: int = 10_000, channel: str = "wallet") -> str:
    repayment = client.repay(loan_id, amount_minor, channel, type="OVD_AND_CURRENT")
    client.settle(repayment)
    return str(repayment["id"])


def alerts_of(
    client: Client, *, finding_class: str | None = None, check: str | None = None
) -> list[tuple[str, str | None, str, int]]:
    alerts = client.alerts(finding_class=finding_class, check=check)["alerts"]
    return [(finding["check"], finding["class"], finding["entity"], finding["amount_minor"]) for finding in alerts]


def behind(client: Client, loan_id: str) -> int:
    """By how much the page is behind, as the alert says."""
    by: int = client.loan(loan_id)["outstanding_minor"] - client.books(loan_id)["outstanding_minor"]
    assert by > 0
    return by


def test_an_hour_after_a_lost_callback_missing_money_raises_an_alert(client: Client) -> None:
    loan_id = borrow(client)
    client.arm("callback.dropped")
    repayment_id = repay(client, loan_id)
    client.advance("PT59M")
    assert alerts_of(client) == []

    client.advance("PT2M")

    [alert] = client.alerts()["alerts"]
    assert (alert["check"], alert["class"]) == ("channel_money_not_in_books", "missing_in_books")
    assert (alert["entity"], alert["loan_id"], alert["channel"]) == (repayment_id, loan_id, "wallet")
    assert (alert["amount_minor"], alert["currency"]) == (10_000, "CNY")
    assert (alert["since"], alert["raised_at"]) == ("2026-01-05T02:00:02.000Z", "2026-01-05T03:00:02.000Z")
    client.query_repayment(repayment_id, operator="olga")
    assert alerts_of(client) == []


def test_an_exhausted_callback_raises_an_alert_of_its_own(client: Client) -> None:
    loan_id = borrow(client)
    client.arm("callback.dropped")
    repayment_id = repay(client, loan_id)

    client.advance("P4D")

    assert alerts_of(client) == [
        ("callback_exhausted", None, "cb_" + repayment_id.removeprefix("rpy_"), 10_000),
        ("channel_money_not_in_books", "missing_in_books", repayment_id, 10_000),
    ]
    client.query_repayment(repayment_id, operator="olga")
    assert alerts_of(client, check="callback_exhausted") == alerts_of(client, finding_class="missing_in_books") == []


def test_an_unidentified_receipt_raises_an_alert_after_a_day(client: Client) -> None:
    loan_id = borrow(client)
    client.arm("channel.unrecognised")
    client.pay_at_channel("bank_transfer", 20_000, payer_name="Ada", payer_reference=loan_id)
    client.advance("PT30M")
    client.advance("PT23H")
    assert alerts_of(client) == []

    client.advance("PT2H")

    [receipt] = client.receipts()["receipts"]
    assert alerts_of(client) == [("unapplied_beyond_matching_window", "unidentified", receipt["id"], 20_000)]
    client.match_receipt(receipt["id"], loan_id, **BY)
    assert alerts_of(client) == []


def test_money_without_a_reference_raises_an_alert_though_nothing_is_wrong(client: Client) -> None:
    borrow(client)
    client.pay_at_channel("bank_transfer", 20_000, payer_name="Ada", payer_reference="from Ada")
    client.advance("P2D")

    assert [alert["class"] for alert in client.alerts()["alerts"]] == ["unidentified"]
    assert client.audit()["clean"] is True


def test_a_page_that_lags_more_than_five_minutes_raises_an_alert(client: Client) -> None:
    loan_id = borrow(client)
    client.arm("cache.bounded_stale", lag_s=3600)
    repay(client, loan_id)
    client.advance("PT5M")
    assert alerts_of(client) == []

    client.advance("PT1M")

    assert alerts_of(client) == [("page_behind_books", "stale_view", loan_id, behind(client, loan_id))]
    [alert] = client.alerts()["alerts"]
    assert alert["since"] == "2026-01-05T02:00:02.000Z"
    client.advance("PT1H")
    assert alerts_of(client) == []


def test_the_lateness_of_a_page_counts_from_the_first_version_that_it_lacks(client: Client) -> None:
    loan_id = borrow(client)
    client.advance(10)
    client.arm("cache.bounded_stale", lag_s=86_400)
    repay(client, loan_id)
    client.advance("PT1H")
    repay(client, loan_id, 5_000)

    [alert] = client.alerts()["alerts"]

    assert (alert["since"], alert["amount_minor"]) == ("2026-01-05T02:00:12.000Z", behind(client, loan_id))


def test_a_page_within_its_bound_raises_no_alert(client: Client) -> None:
    loan_id = borrow(client)
    client.arm("cache.bounded_stale")

    repay(client, loan_id)

    assert alerts_of(client) == []


def test_a_status_override_that_contradicts_the_books_raises_an_alert_at_once(client: Client) -> None:
    loan_id = borrow(client)
    client.arm("operator.marked_overdue")
    repay(client, loan_id)

    assert alerts_of(client) == [("override_contradicts_books", "status_mismatch", loan_id, 0)]
    [edit] = client.edits(loan_id)["edits"]
    client.reverse_edit(edit["id"], **BY)
    assert alerts_of(client) == []


def test_a_wrong_amount_that_balances_raises_no_alert(client: Client) -> None:
    loan_id = borrow(client)
    client.arm("operator.wrong_amount")
    client.edit(loan_id, "MODIFY_BILL_AMOUNT", amount_minor=1_234, operator="olaf", memo="fee of 12.34")
    client.advance("P3D")

    assert alerts_of(client) == []
    assert [discrepancy["class"] for discrepancy in client.audit()["discrepancies"]] == ["amount_mismatch"]


@pytest.mark.parametrize("fault", ["callback.duplicated", "operator.double_entry"])
def test_an_order_booked_twice_is_alerted_until_the_second_receipt_is_reversed(client: Client, fault: str) -> None:
    loan_id = borrow(client)
    client.arm(fault)
    repay(client, loan_id)
    [second] = client.receipts()["receipts"]

    assert alerts_of(client) == [("one_order_booked_twice", "duplicate_in_books", second["id"], 10_000)]

    client.reverse_receipt(second["id"], **BY)
    assert alerts_of(client) == []


def test_a_paid_order_taken_for_closed_is_alerted_until_the_channel_is_queried(client: Client) -> None:
    loan_id = borrow(client)
    client.arm("callback.reordered", inbox="believes")
    repayment_id = repay(client, loan_id)
    client.advance("PT10M")

    assert alerts_of(client) == [("paid_order_taken_for_closed", "missing_in_books", repayment_id, 10_000)]

    client.query_repayment(repayment_id, operator="olga")
    assert alerts_of(client) == []


def test_an_outdated_credit_report_is_alerted_until_it_is_corrected(client: Client) -> None:
    loan_id = borrow(client)
    client.arm("channel.unrecognised")
    client.advance("P30D")
    client.pay_at_channel("bank_transfer", 20_000, payer_name="Ada", payer_reference=loan_id)
    client.advance("PT30M")
    client.advance("P30D")  # Overdue, and reported so: the books themselves do not know better.
    assert alerts_of(client, finding_class="wrong_bureau") == []
    [receipt] = client.receipts()["receipts"]
    dispute = client.open_dispute(loan_id, "settled_but_unpaid", evidence=[])

    client.match_receipt(receipt["id"], loan_id, **BY)
    client.advance("P3D")

    assert alerts_of(client) == [("bureau_differs_from_books", "wrong_bureau", loan_id, 20_008)]  # and interest on it
    client.verify_dispute(dispute["id"], operator="olga")
    client.decide_dispute(dispute["id"], "UPHELD", operator="olga", memo="the slip is right", correct=True)
    client.advance("P3D")
    assert alerts_of(client, finding_class="wrong_bureau") == []


def test_a_dispute_is_alerted_from_three_days_before_its_deadline_until_it_is_decided(client: Client) -> None:
    dispute = client.open_dispute(borrow(client), "wrong_amount", evidence=[])
    client.advance("PT407H")
    assert alerts_of(client) == []

    client.advance("PT2H")

    [alert] = client.alerts()["alerts"]
    assert (alert["check"], alert["class"], alert["entity"]) == ("dispute_deadline", None, dispute["id"])
    assert "must be answered" in alert["detail"]
    client.advance("P4D")
    [alert] = client.alerts()["alerts"]
    assert "had to be answered" in alert["detail"]
    client.verify_dispute(dispute["id"], operator="olga")
    client.decide_dispute(dispute["id"], "REJECTED", operator="olga", memo="the books are right")
    assert alerts_of(client) == []


def test_a_double_payment_is_alerted_until_it_is_refunded(client: Client) -> None:
    loan_id = borrow(client)
    quote = client.quote(loan_id)
    first = client.repay(loan_id, quote["total_minor"], "wallet", type="CLEAR")
    second = client.repay(loan_id, quote["total_minor"], "bank_card", type="CLEAR")
    client.settle(first)
    client.settle(second)
    client.advance(60)

    assert alerts_of(client) == [("paid_twice", None, second["id"], quote["total_minor"])]
    client.refund(loan_id, "wallet", operator="olga", memo="it was late")
    client.advance(60)
    assert alerts_of(client) == []


def test_an_honest_year_raises_no_alert(client: Client) -> None:
    prompt = borrow(client, "ada", auto_debit=True)
    borrow(client, "bob")  # He never pays: overdue, reported so, and no alarm.
    late = borrow(client, "cyd", 240_000)
    for month in range(12):
        client.advance("P31D")
        if month % 2:
            repay(client, late, 1_000 + month, ("wallet", "bank_card", "bank_transfer")[month % 3])
        assert alerts_of(client) == [], f"month {month}"
    assert client.loan(prompt)["status"] == "CLEAR"
    client.settle(client.repay_quote(client.quote(late), "wallet"))
    client.advance("P3D")
    assert (alerts_of(client), client.loan(late)["status"]) == ([], "CLEAR")


def test_switched_off_monitoring_raises_no_alert(sandbox_with: Callable[..., Client]) -> None:
    client = sandbox_with(enabled=False)
    loan_id = borrow(client)
    client.arm("callback.dropped")
    repay(client, loan_id)
    client.advance("P30D")

    assert client.alerts() == {
        "monitoring": {"enabled": False, "tolerance_minor": 0, "net_by": "none"},
        "alerts": [],
        "next_cursor": None,
    }
    assert [discrepancy["class"] for discrepancy in client.audit()["discrepancies"]] == ["missing_in_books"]


def test_a_difference_within_the_tolerance_raises_no_alert(sandbox_with: Callable[..., Client]) -> None:
    client = sandbox_with(tolerance_minor=10_000)
    loan_id = borrow(client)
    client.arm("callback.dropped")
    repay(client, loan_id, 10_000)
    larger = repay(client, loan_id, 10_001)

    client.advance("PT2H")

    assert [entity for _, _, entity, _ in alerts_of(client)] == [larger]


def test_alerts_come_in_pages_and_by_loan(client: Client) -> None:
    loans = [borrow(client, who) for who in ("ada", "bob", "cyd")]
    client.arm("callback.dropped")
    ids = sorted(repay(client, loan_id) for loan_id in loans)
    client.advance("PT2H")

    first = client.alerts(limit=2)
    rest = client.alerts(limit=2, cursor=first["next_cursor"])

    assert [alert["entity"] for alert in first["alerts"] + rest["alerts"]] == ids
    assert rest["next_cursor"] is None
    assert [alert["loan_id"] for alert in client.alerts(loan_id=loans[1])["alerts"]] == [loans[1]]
    assert alerts_of(client, finding_class="stale_view") == []


@pytest.mark.parametrize("filters", [{"finding_class": "sunburn"}, {"check": "vibes"}, {"cursor": "?"}, {"limit": 0}])
def test_an_invalid_filter_is_refused(client: Client, filters: Doc) -> None:
    with pytest.raises(ProblemError) as refused:
        client.alerts(**filters)

    assert (refused.value.status, refused.value.code) == (422, "validation_failed")


@pytest.mark.parametrize(
    "monitoring",
    [{"enabled": "yes"}, {"tolerance_minor": -1}, {"tolerance_minor": 1.5}, {"net_by": "borrower"}, {"loud": True}],
)
def test_an_invalid_monitoring_setting_is_refused(
    sandbox_with: Callable[..., Client], monitoring: dict[str, object]
) -> None:
    with pytest.raises(ProblemError) as refused:
        sandbox_with(**monitoring)

    assert (refused.value.status, refused.value.code) == (422, "validation_failed")
