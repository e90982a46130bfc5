"""The checks of a story: what was found is scored by the platform, each finding at the moment at which it was made."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from mocklend.client import Client
from mocklend.scenarios.checks import ALL_LOANS, CHECKERS, NUMBERS, CheckRun

pytestmark = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


def pays_and_her_page_is_late(client: Client, reference: str = "ada") -> str:
    """A loan that is paid off, and whose page does not say so for an hour."""
    client.arm("cache.bounded_stale", rule_id=f"late-{reference}", match={"reference": reference}, lag_s=3600)
    who = client.add_borrower(reference, reference.title())["id"]
    loan = client.borrow(who, 100_000, product_id="jiebei-like", reference=reference)["id"]
    client.settle(client.repay_quote(client.quote(loan), "wallet"))
    return str(loan)


def test_a_break_reported_before_it_healed_counts(mocklend: Client) -> None:
    checks = CheckRun()
    loan = pays_and_her_page_is_late(mocklend)
    findings = checks.check(mocklend)
    mocklend.advance("P1D")
    later = checks.check(mocklend)

    thorough, empty = (checks.score(mocklend, name) for name in ("thorough", "empty"))

    assert (findings["thorough"], later["thorough"]) == ([("stale_view", loan)], [])
    assert (thorough["verdict"], thorough["precision"], thorough["recall"]) == ("PASS", 1, 1)
    assert (empty["verdict"], empty["precision"], empty["recall"]) == ("FAIL", 0, 0)
    assert thorough["time_to_detect_s.p50"] < 60


def test_a_break_found_at_every_check_counts_once(mocklend: Client) -> None:
    checks = CheckRun()
    pays_and_her_page_is_late(mocklend)
    for _ in range(3):
        checks.check(mocklend)
        mocklend.advance("PT1M")

    score = checks.score(mocklend, "thorough")

    assert len(checks.findings["thorough"]) == 3
    assert (score["counts.true_positives"], score["counts.demanded"], score["precision"]) == (1, 1, 1)


def test_a_break_between_two_checks_is_not_demanded(mocklend: Client) -> None:
    checks = CheckRun()
    checks.check(mocklend)
    pays_and_her_page_is_late(mocklend)
    mocklend.advance("P1D")
    checks.check(mocklend)

    assert checks.score(mocklend, "thorough")["verdict"] == "INCONCLUSIVE"
    assert checks.score(mocklend, "empty")["counts.demanded"] == 0


def test_reporting_every_loan_has_one_hit_and_many_false_positives(mocklend: Client) -> None:
    checks = CheckRun()
    pays_and_her_page_is_late(mocklend)
    mocklend.disarm("late-ada")
    other = mocklend.borrow(mocklend.add_borrower("bob", "Bob")["id"], 50_000, product_id="jiebei-like")["id"]

    findings = checks.check(mocklend)
    score = checks.score(mocklend, ALL_LOANS)

    assert ("stale_view", other) in findings[ALL_LOANS]
    assert (score["verdict"], score["recall"]) == ("FAIL", 1)
    assert score["precision"] < 0.05


def test_a_score_has_every_number_that_a_scenario_may_expect(mocklend: Client) -> None:
    checks = CheckRun()
    checks.check(mocklend)

    assert all(tuple(checks.score(mocklend, name)) == (*NUMBERS, "reasons") for name in CHECKERS)
