"""Explanations why a rule acted or did not on the events of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mocklend.client import Client, Doc, Exchange

LAG = "cache.bounded_stale"


@pytest.fixture
def exchanges(mocklend: Client) -> Iterator[list[Exchange]]:
    """Every exchange of the client."""
    exchanges: list[Exchange] = []
    mocklend.on_exchange = exchanges.append
    yield exchanges
    mocklend.on_exchange = None


def borrowed(client: Client, reference: str = "ada") -> str:
    """A loan of somebody."""
    who = client.add_borrower(reference, reference.title())["id"]
    return str(client.borrow(who, 100_000, product_id="jiebei-like", reference=reference)["id"])


def explained_rule(client: Client, exchanges: list[Exchange], rule: str, ask: Callable[[], object]) -> Doc:
    """The explanation of a rule for the request that `ask` sends."""
    ask()
    request_id = exchanges[-1].request_id
    [entry] = [item for item in client.explain(request_id=request_id)["rules"] if item["rule"] == rule]
    assert {event["request_id"] for event in entry["events"]} <= {request_id}
    return dict(entry)


def test_an_explanation_names_the_rule_that_hit_the_requests_events(
    mocklend: Client, exchanges: list[Exchange]
) -> None:
    loan = borrowed(mocklend)
    mocklend.arm(LAG, rule_id="late")
    mocklend.arm("operator.wrong_amount", rule_id="slip")

    edit = lambda: mocklend.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=500, operator="olaf", memo="fee of 5.00")  # noqa: E731
    slip = explained_rule(mocklend, exchanges, "slip", edit)
    late = explained_rule(mocklend, exchanges, "late", lambda: mocklend.quote(loan))

    assert [(event["seam"], event["outcome"]) for event in slip["events"]] == [("operator.edit", "injected")]
    assert slip["events"][0]["injection"] in {entry["injection"] for entry in mocklend.answer_key()["entries"]}
    assert (late["events"], late["why"]) == ([], "no event in memory is at view.refresh")


def test_events_of_a_clock_advance_belong_to_the_advance(mocklend: Client, exchanges: list[Exchange]) -> None:
    loan = borrowed(mocklend)
    mocklend.arm("callback.dropped", rule_id="lost", select={"probability": 0})
    mocklend.repay_quote(mocklend.quote(loan), "wallet")

    paying = mocklend.explain(request_id=exchanges[-1].request_id)
    moving = explained_rule(mocklend, exchanges, "lost", lambda: mocklend.advance("PT1M"))

    assert paying["rules"][0]["events"] == []
    assert [(event["seam"], event["outcome"]) for event in moving["events"]] == [("callback.attempt", "not_drawn")]


def test_an_explanation_says_why_no_rule_hit_the_answer(mocklend: Client, exchanges: list[Exchange]) -> None:
    loan, other = borrowed(mocklend), borrowed(mocklend, "bob")
    mocklend.arm("transport.latency", rule_id="seldom", select={"probability": 0}, delay_ms=1)
    mocklend.arm("transport.abort", rule_id="other", match={"loan_id": other})
    mocklend.arm("transport.abort", rule_id="later", activate={"start_delay_s": 60})

    ask = lambda: mocklend.loan(loan)  # noqa: E731
    why = {rule: explained_rule(mocklend, exchanges, rule, ask)["events"] for rule in ("seldom", "other", "later")}

    assert [[event["outcome"] for event in events] for events in why.values()] == [
        ["not_drawn"],
        ["not_matched"],
        ["window_closed"],
    ]
    assert why["other"][0]["had"] == loan


def test_an_explanation_says_that_no_rule_is_about_the_answer(mocklend: Client, exchanges: list[Exchange]) -> None:
    loan, other = borrowed(mocklend), borrowed(mocklend, "bob")
    mocklend.arm("transport.abort", rule_id="other", match={"loan_id": other})
    for _ in range(2):  # The first event at a seam is not passed over.
        mocklend.loan(loan)

    [second] = explained_rule(mocklend, exchanges, "other", lambda: mocklend.loan(loan))["events"]

    assert (second["outcome"], second["occurrence"], second["at"]) == ("not_matched", 3, None)
    assert second["why"] == f"loan_id is {loan!r}, not equal_to {other!r}"


def test_an_explanation_names_the_rule_that_hit_the_answer(mocklend: Client, exchanges: list[Exchange]) -> None:
    loan = borrowed(mocklend)
    mocklend.arm("transport.latency", rule_id="slow", match={"loan_id": loan}, delay_ms=1)

    [hit] = explained_rule(mocklend, exchanges, "slow", lambda: mocklend.loan(loan))["events"]

    assert (hit["seam"], hit["outcome"]) == ("api.answer", "injected")


def test_a_replayed_answer_has_no_events(mocklend: Client, exchanges: list[Exchange]) -> None:
    loan = borrowed(mocklend)
    mocklend.arm("operator.wrong_amount", rule_id="slip")
    more: dict[str, Any] = {"amount_minor": 500, "operator": "olaf", "memo": "fee of 5.00", "idempotency_key": "one"}

    first = explained_rule(mocklend, exchanges, "slip", lambda: mocklend.edit(loan, "MODIFY_BILL_AMOUNT", **more))
    again = explained_rule(mocklend, exchanges, "slip", lambda: mocklend.edit(loan, "MODIFY_BILL_AMOUNT", **more))

    assert (len(first["events"]), len(again["events"])) == (1, 0)


def test_requests_that_are_committed_together_have_explanations_of_their_own(
    mocklend: Client, mocklend_server: str
) -> None:
    loans = [borrowed(mocklend, f"b-{n}") for n in range(8)]
    mocklend.arm("operator.wrong_amount", rule_id="slip")

    def edit(loan: str) -> str:
        exchanges: list[Exchange] = []
        with Client(mocklend_server, api_key=mocklend.api_key, on_exchange=exchanges.append) as client:
            client.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=500, operator="olaf", memo="fee of 5.00")
        return str(exchanges[-1].request_id)

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(edit, loans))

    for loan, id in zip(loans, ids, strict=True):
        [rule] = mocklend.explain(request_id=id)["rules"]
        assert [event["entity"] for event in rule["events"]] == [loan]


def test_an_explanation_by_request_and_loan_has_the_events_of_both(mocklend: Client, exchanges: list[Exchange]) -> None:
    loan, other = borrowed(mocklend), borrowed(mocklend, "bob")
    mocklend.arm(LAG, rule_id="late", select={"probability": 0})
    mocklend.advance("P40D")
    request_id = exchanges[-1].request_id

    both = mocklend.explain(loan_id=loan, request_id=request_id)
    whole = mocklend.explain(request_id=request_id)

    assert 0 < both["events_known"] < whole["events_known"]
    assert mocklend.explain(loan_id=other, request_id="req_nobody")["events_known"] == 0


def test_a_reset_sandbox_explains_no_earlier_request(mocklend: Client, exchanges: list[Exchange]) -> None:
    loan = borrowed(mocklend)
    mocklend.arm("transport.abort", rule_id="other", match={"loan_id": "loan_x"})
    for _ in range(3):
        mocklend.loan(loan)
    request_id = exchanges[-1].request_id
    assert mocklend.explain(request_id=request_id)["events_known"] == 1

    mocklend.reset()
    mocklend.add_borrower("ada", "Ada")

    assert mocklend.explain(request_id=request_id)["events_known"] == 0
