"""Without an injection the platform hints at the reason and the next step: each reason has its own words."""

from __future__ import annotations

import pytest

from mocklend.client import Client, Doc
from mocklend_faults.engine.hints import why_empty

LAG = "cache.bounded_stale"


def rule(state: str = "armed", **counters: int) -> Doc:
    """A rule as the control plane tells it."""
    return {"id": "r", "state": state, "evaluated": 0, "matched": 0, "selected": 0, "injected": 0, **counters}


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([], "No rule is armed, so nothing is injected."),
        ([rule("expired"), rule("disabled")], "None of the 2 rules is armed now: disabled, expired."),
        ([rule()], "No request has met a rule yet: 1 rule armed."),
        ([rule(), rule("waiting")], "No request has met a rule yet: 1 rule armed."),
        ([rule(evaluated=3)], "No request has met a rule's conditions yet: events evaluated 3, matched 0."),
        ([rule(evaluated=3, matched=2)], "No request has been selected by a rule yet: events matched 2, selected 0,"),
        ([rule(evaluated=3, matched=2, selected=1)], "No rule had anything to change yet: events selected 1,"),
    ],
)
def test_each_reason_for_an_empty_answer_key_has_its_hint(rules: list[dict[str, object]], says: str) -> None:
    assert why_empty(rules).startswith(says)  # type: ignore[arg-type]


def paid_off(client: Client, *, reference: str | None = None) -> str:
    who = client.add_borrower("ada", "Ada")["id"]
    loan = str(client.borrow(who, 100_000, product_id="jiebei-like", reference=reference)["id"])
    client.settle(client.repay_quote(client.quote(loan), "wallet"))
    return loan


def test_the_hint_says_that_nothing_is_armed_then_that_no_request_met_a_rule_and_then_is_absent(
    mocklend: Client,
) -> None:
    unarmed = mocklend.answer_key()["hint"], mocklend.score([])["hint"]
    mocklend.arm(LAG)
    unmet = mocklend.answer_key()["hint"], mocklend.score([])["hint"]
    paid_off(mocklend)
    met = mocklend.answer_key()["hint"], mocklend.score([])["hint"]

    assert all(hint.startswith("No rule is armed") for hint in unarmed)
    assert all(hint.startswith("No request has met a rule yet") and "mocklend live" in hint for hint in unmet)
    assert met == (None, None)


def test_a_filter_without_results_has_no_hint(mocklend: Client) -> None:
    mocklend.arm(LAG)
    paid_off(mocklend)

    assert mocklend.answer_key(status="healed") == {"entries": [], "hint": None}


def test_the_hint_names_unmet_conditions_with_the_number_of_events(mocklend: Client) -> None:
    mocklend.arm(LAG, match={"channel": "bill_pay"})
    paid_off(mocklend)

    assert "conditions yet: events evaluated " in mocklend.answer_key()["hint"]


def test_a_score_says_that_injections_healed_by_themselves_are_not_demanded(mocklend: Client) -> None:
    mocklend.arm(LAG, lag_s=5)
    paid_off(mocklend)
    mocklend.advance("PT1H")

    score = mocklend.score([])

    assert mocklend.answer_key()["hint"] is None
    assert score["verdict"] == "INCONCLUSIVE"
    assert "ended by itself" in score["hint"]
    assert mocklend.score([], min_visible_s=1)["hint"] is None
