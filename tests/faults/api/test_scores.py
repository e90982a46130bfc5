"""POST /-/scores on a real platform: demanded breaks, repairs, harm, and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from mocklend.client import Client, ProblemError
from mocklend.domain.finding import FINDINGS_MAX
from mocklend.received import LONG_BODIES
from mocklend.reconcilers import thorough
from mocklend.reconcilers.repair import OPERATOR, repair
from mocklend_faults.engine import answer_key

LAG, DROPPED = "cache.bounded_stale", "callback.dropped"


def borrowed(client: Client, reference: str = "ada") -> str:
    """A loan of somebody."""
    who = client.add_borrower(reference, reference.title())["id"]
    return str(client.borrow(who, 100_000, product_id="jiebei-like", reference=reference)["id"])


def paid_off(client: Client, loan: str, channel: str = "wallet") -> str:
    """The loan is paid off at the channel: the repayment's id."""
    repayment = client.repay_quote(client.quote(loan), channel)
    client.settle(repayment)
    return str(repayment["id"])


def test_a_late_page_that_is_reported_is_a_pass(mocklend: Client) -> None:
    mocklend.arm(LAG)
    loan = borrowed(mocklend)
    paid_off(mocklend, loan)

    score = mocklend.score([{"class": "stale_view", "entity": loan}])

    assert (score["verdict"], score["precision"], score["recall"]) == ("PASS", 1.0, 1.0)
    [hit] = score["lists"]["true_positives"]
    [entry] = mocklend.answer_key()["entries"]
    assert hit["answer_key"][0]["injection"] == entry["injection"]


def test_the_right_loan_with_the_wrong_class_is_near_the_break(mocklend: Client) -> None:
    mocklend.arm(LAG)
    loan = borrowed(mocklend)
    paid_off(mocklend, loan)

    score = mocklend.score([{"class": "misapplied", "entity": "rpy_of_somebody", "loan_id": loan}])

    [entry] = mocklend.answer_key()["entries"]
    assert score["near"] == [
        {
            "n": 0,
            "said": "misapplied",
            "actual": "stale_view",
            "entity": "rpy_of_somebody",
            "loan_id": loan,
            "injection": entry["injection"],
        }
    ]


def test_an_empty_report_and_a_report_of_everything_both_fail(mocklend: Client) -> None:
    mocklend.arm(LAG, match={"reference": "ada"})
    loans = [borrowed(mocklend, name) for name in ("ada", "bob", "cy", "dan")]
    for loan in loans:
        paid_off(mocklend, loan)

    nothing = mocklend.score([])
    everything = mocklend.score([{"class": "stale_view", "entity": loan} for loan in loans])

    assert (nothing["verdict"], nothing["recall"]) == ("FAIL", 0.0)
    assert (everything["verdict"], everything["recall"], everything["precision"]) == ("FAIL", 1.0, 0.25)


def test_an_injection_that_healed_by_itself_is_not_demanded(mocklend: Client) -> None:
    mocklend.arm(LAG, lag_s=60)
    loan = borrowed(mocklend)
    paid_off(mocklend, loan)
    mocklend.advance("PT1H")

    assert mocklend.score([])["verdict"] == "INCONCLUSIVE"
    score = mocklend.score([{"class": "stale_view", "entity": loan}])
    assert (score["verdict"], score["timing_noise"]) == ("INCONCLUSIVE", 1)
    assert mocklend.score([], min_visible_s=60)["recall"] == 0.0


def test_with_check_times_a_score_demands_only_what_was_visible_then(mocklend: Client) -> None:
    mocklend.arm(LAG, lag_s=3_600)
    before = mocklend.clock()["now"]
    loan = borrowed(mocklend)
    paid_off(mocklend, loan)
    during = mocklend.clock()["now"]
    mocklend.advance("P1D")

    assert mocklend.score([], checked_at=[before])["counts"]["demanded"] == 0
    score = mocklend.score([{"class": "stale_view", "entity": loan, "found_at": during}], checked_at=[before, during])
    assert (score["verdict"], score["recall"], score["window"]["checked_at"]) == ("PASS", 1.0, 2)
    assert mocklend.score([], checked_at=[during, before])["recall"] == 0.0
    assert mocklend.score([], checked_at=[])["counts"]["demanded"] == 0


def test_a_break_repaired_at_the_moment_of_a_check_was_visible_at_that_check(mocklend: Client) -> None:
    mocklend.arm(DROPPED)
    paid_off(mocklend, borrowed(mocklend))
    look = mocklend.clock()["now"]
    repair(mocklend, thorough.reconcile(mocklend))

    assert mocklend.score([], checked_at=[look])["recall"] == 0.0


def test_ordering_a_correction_again_is_a_repair(mocklend: Client) -> None:
    mocklend.arm("bureau.correction_not_sent", select={"times": 1})
    loan = borrowed(mocklend)
    mocklend.advance("P60D")
    paid_off(mocklend, loan)
    dispute = mocklend.open_dispute(loan, "other", statement="I have paid")["id"]
    mocklend.verify_dispute(dispute, operator="olga")
    mocklend.decide_dispute(dispute, "UPHELD", operator="olga", memo="so she has", correct=True)
    mocklend.advance("P3D")
    [entry] = mocklend.answer_key(status="active")["entries"]

    mocklend.decide_dispute(dispute, "UPHELD", operator="olga", memo="it was never sent", correct=True)

    assert entry["expected"]["class"] == "wrong_bureau"
    assert [entry["class"] for entry in mocklend.score([])["lists"]["repaired"]] == ["wrong_bureau"]
    assert mocklend.score([])["recall"] == 0.0


def test_a_repair_by_staff_is_timed_and_the_repaired_break_is_still_demanded(mocklend: Client) -> None:
    mocklend.arm(DROPPED)
    repayment = paid_off(mocklend, borrowed(mocklend))
    mocklend.advance("PT3H")
    findings = thorough.reconcile(mocklend)
    assert [outcome for _, outcome in repair(mocklend, findings)] == ["done"]

    score = mocklend.score([finding.to_json() for finding in findings])

    assert (score["verdict"], score["time_to_repair_s"]["p50"]) == ("PASS", 3 * 3600)
    assert [entry["entity"] for entry in score["lists"]["repaired"]] == [repayment]
    assert score["borrower_harm"]["unpaid_hours"] == 3.0
    assert mocklend.score([])["recall"] == 0.0


def test_a_late_callback_is_no_repair(mocklend: Client) -> None:
    mocklend.arm(DROPPED, attempts_lost=1)
    paid_off(mocklend, borrowed(mocklend))
    assert mocklend.score([])["counts"]["demanded"] == 1

    mocklend.advance("P2D")

    assert mocklend.score([])["counts"]["demanded"] == 0


def test_a_good_repayment_that_is_reversed_is_a_harmful_repair(mocklend: Client) -> None:
    mocklend.arm(DROPPED, match={"channel": "bank_card"})
    good, lost = paid_off(mocklend, borrowed(mocklend)), paid_off(mocklend, borrowed(mocklend, "bob"), "bank_card")
    findings = [{"class": "missing_in_books", "entity": lost}]
    assert mocklend.score(findings)["verdict"] == "PASS"

    mocklend.reverse_repayment(good, operator="rex", memo="it looked odd")

    score = mocklend.score(findings)
    assert (score["verdict"], score["penalty_points"]) == ("FAIL", 10)
    assert [(repair["about"], repair["operator"]) for repair in score["lists"]["harmful_repairs"]] == [(good, "rex")]
    assert mocklend.score(findings, operators=[OPERATOR])["verdict"] == "PASS"


def test_reversing_a_good_edit_counts_against_a_reconciler_and_not_against_staff(mocklend: Client) -> None:
    loan = borrowed(mocklend)
    edit = mocklend.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=500, operator="olaf", memo="a fee")
    mocklend.reverse_edit(edit["id"], operator="rex", memo="it looked odd")

    assert mocklend.score([])["counts"]["harmful_repairs"] == 0
    assert mocklend.score([], operators=["olaf"])["counts"]["harmful_repairs"] == 0
    assert mocklend.score([], operators=["rex"])["verdict"] == "FAIL"


def test_a_receipt_that_is_matched_to_the_wrong_loan_is_a_harmful_repair(mocklend: Client) -> None:
    mocklend.arm("channel.unrecognised")
    loan, other = borrowed(mocklend), borrowed(mocklend, "bob")
    mocklend.pay_at_channel("bank_transfer", 20_000, payer_name="Ada", payer_reference=loan)
    mocklend.advance("P1D")
    [receipt] = mocklend.receipts(state="UNAPPLIED")["receipts"]
    findings = [{"class": "unidentified", "entity": receipt["id"]}]
    assert mocklend.score(findings)["counts"]["harmful_repairs"] == 0

    mocklend.match_receipt(receipt["id"], other, operator="rex", memo="a guess")

    [harm] = mocklend.score(findings)["lists"]["harmful_repairs"]
    assert (harm["action"], harm["about"]) == ("receipt.matched", receipt["id"])


@pytest.mark.parametrize(("fault", "channel"), [("operator.wrong_amount", None), ("operator.marked_overdue", "wallet")])
def test_reversing_a_wrong_edit_is_no_harm(mocklend: Client, fault: str, channel: str | None) -> None:
    mocklend.arm(fault)
    loan = borrowed(mocklend)
    if channel is None:
        mocklend.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=1_234, operator="olaf", memo="fee of 12.34")
    else:
        mocklend.settle(mocklend.repay(loan, 10_000, channel, type="OVD_AND_CURRENT"))
    findings = thorough.reconcile(mocklend)
    repair(mocklend, findings)

    score = mocklend.score([finding.to_json() for finding in findings], operators=[OPERATOR])

    assert (score["verdict"], score["counts"]["harmful_repairs"], score["counts"]["repaired"]) == ("PASS", 0, 1)


def test_a_refusal_on_a_wrong_report_is_harm(mocklend: Client) -> None:
    mocklend.arm("lender.cached_refusal")
    ada = mocklend.add_borrower("ada", "Ada")["id"]
    loan = mocklend.borrow(ada, 100_000, product_id="jiebei-like")["id"]
    mocklend.advance("P100D")
    mocklend.apply("swift-card", ada, "card", 100_000)
    paid_off(mocklend, loan)
    mocklend.advance("P3D")
    second = mocklend.apply("swift-card", ada, "card", 100_000, refresh=True)
    assert second["decision"] == "REFUSED"

    score = mocklend.score([])

    assert [application["application_id"] for application in score["lists"]["refused_applications"]] == [second["id"]]
    assert score["borrower_harm"]["refused_applications"] == 1


def test_a_refusal_while_the_report_was_late_is_harm(mocklend: Client) -> None:
    mocklend.arm("bureau.lag", match={"cause": "change"})
    ada = mocklend.add_borrower("ada", "Ada")["id"]
    loan = mocklend.borrow(ada, 100_000, product_id="jiebei-like")["id"]
    mocklend.advance("P100D")
    paid_off(mocklend, loan)
    before = mocklend.apply("swift-card", ada, "card", 100_000)
    mocklend.advance("P3D")
    during = mocklend.apply("swift-card", ada, "card", 100_000)
    assert (before["decision"], during["decision"]) == ("REFUSED", "REFUSED")

    score = mocklend.score([])

    assert [application["application_id"] for application in score["lists"]["refused_applications"]] == [during["id"]]
    assert score["borrower_harm"]["wrong_report_days"] > 1


def test_a_window_excludes_injections_that_ended_before_it(mocklend: Client) -> None:
    mocklend.arm(DROPPED)
    findings = [{"class": "missing_in_books", "entity": paid_off(mocklend, borrowed(mocklend))}]
    repair(mocklend, thorough.reconcile(mocklend))
    mocklend.advance("P1D")
    now = mocklend.clock()["now"]

    assert mocklend.score(findings)["counts"]["demanded"] == 1
    assert mocklend.score(findings, window={"from": now})["counts"]["demanded"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "findings"),
        ({"findings": {}}, "findings"),
        ({"findings": ["stale_view"]}, "findings.0"),
        ({"findings": [{"class": "stale_view", "entity": "a"}, {"class": "stale_view"}]}, "findings.1.entity"),
        ({"findings": [{"class": "staleview", "entity": "a"}]}, "findings.0.class"),
        ({"findings": [{"class": "stale_view", "entity": "a b"}]}, "findings.0.entity"),
        ({"findings": [{"class": "stale_view", "entity": "a", "amount_minor": 1.0}]}, "findings.0.amount_minor"),
        ({"findings": [{"class": "stale_view", "entity": "a", "amount_minor": True}]}, "findings.0.amount_minor"),
        ({"findings": [{"class": "stale_view", "entity": "a", "found_at": "2026-01-05"}]}, "findings.0.found_at"),
        ({"findings": [{"class": "stale_view", "entity": "a", "found_at": "2999-01-05T00:00:00Z"}]}, "findings.0.found_at"),
        ({"findings": [{"class": "stale_view", "entity": "a", "severity": 1}]}, "findings.0.severity"),
        ({"findings": [], "thresholds": {"recall_min": 1.01}}, "thresholds.recall_min"),
        ({"findings": [], "thresholds": {"recall_min": True}}, "thresholds.recall_min"),
        ({"findings": [], "thresholds": {"recall": 1}}, "thresholds.recall"),
        ({"findings": [], "thresholds": {"harmful_repairs_max": -1}}, "thresholds.harmful_repairs_max"),
        ({"findings": [], "window": {"to": "2999-01-01T00:00:00Z"}}, "window.to"),
        ({"findings": [], "window": {"from": "2026-01-06T00:00:00Z", "to": "2026-01-05T00:00:00Z"}}, "window.from"),
        ({"findings": [], "min_visible_s": -1}, "min_visible_s"),
        ({"findings": [], "checked_at": "2026-01-05T02:00:00Z"}, "checked_at"),
        ({"findings": [], "checked_at": ["2026-01-05"]}, "checked_at.0"),
        ({"findings": [], "checked_at": ["2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"]}, "checked_at.1"),
        ({"findings": [], "checked_at": ["2026-01-01T00:00:00Z"], "window": {"from": "2026-01-02T00:00:00Z"}}, "checked_at.0"),
        ({"findings": [], "checked_at": ["2026-01-01T00:00:00Z"] * 10_001}, "checked_at"),
        ({"findings": [], "listed_max": "5"}, "listed_max"),
        ({"findings": [], "operators": [5]}, "operators.0"),
    ],
)  # fmt: skip
def test_an_invalid_score_request_is_refused_by_field(mocklend: Client, body: dict[str, object], field: str) -> None:
    with pytest.raises(ProblemError) as caught:
        mocklend._post("/-/scores", body)

    assert (caught.value.status, caught.value.code) == (422, "validation_failed")
    assert caught.value.document["errors"][0]["field"] == field


def test_a_score_request_has_a_larger_size_limit(mocklend: Client) -> None:
    long = [{"class": "stale_view", "entity": f"loan_{n}", "detail": "x" * 400} for n in range(1_000)]
    assert mocklend.score(long)["counts"]["false_positives"] == 1_000

    headers = {"Authorization": f"Bearer {mocklend.api_key}", "Content-Type": "application/json"}
    body = b'{"findings": [], "x": "' + b"x" * LONG_BODIES["/-/scores"] + b'"}'
    too_long = requests.post(f"{mocklend.base_url}/-/scores", data=body, headers=headers, timeout=30)

    assert (too_long.status_code, too_long.json()["code"]) == (413, "body_too_large")
    other = requests.post(f"{mocklend.base_url}/v1/borrowers", data=b" " * 70_000, headers=headers, timeout=30)
    assert other.status_code == 413


def test_too_many_findings_are_refused(mocklend: Client) -> None:
    with pytest.raises(ProblemError) as caught:
        mocklend.score([{"class": "stale_view", "entity": "a"}] * (FINDINGS_MAX + 1))

    assert (caught.value.status, caught.value.code) == (422, "too_many_findings")
    assert caught.value.document["received"] == FINDINGS_MAX + 1


def test_the_first_of_many_wrong_findings_is_named(mocklend: Client) -> None:
    with pytest.raises(ProblemError) as caught:
        mocklend.score([{"class": "stale_view", "entity": "a"}, *[{"entity": "a b"}] * 1_000])

    assert {error["field"] for error in caught.value.document["errors"]} == {"findings.1.class", "findings.1.entity"}


# --- the answer key in pages and as lines ---


def test_a_reset_during_the_export_of_the_answer_key_is_a_conflict(
    mocklend: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    mocklend.arm(LAG)
    for name in ("ada", "bob", "cy"):
        paid_off(mocklend, borrowed(mocklend, name))
    monkeypatch.setattr(answer_key, "AT_ONCE", 1)
    honest = answer_key._batch

    def emptied(*args: Any, **more: Any) -> Any:
        page = honest(*args, **more)
        monkeypatch.setattr(answer_key, "_batch", honest)
        mocklend.reset()
        return page

    monkeypatch.setattr(answer_key, "_batch", emptied)

    with pytest.raises(ProblemError) as caught:
        list(mocklend.answer_key_lines())

    assert (caught.value.status, caught.value.code) == (409, "conflict")


def test_the_answer_key_is_complete_in_pages_and_as_lines(mocklend: Client) -> None:
    mocklend.arm(LAG)
    for name in ("ada", "bob", "cy", "dan", "eve"):
        paid_off(mocklend, borrowed(mocklend, name))
    whole = mocklend.answer_key()["entries"]

    pages, cursor = [], None
    while True:
        page = mocklend._get("/-/answer-key", {"limit": 2, "cursor": cursor})
        pages.append(page["entries"])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [entry for page in pages for entry in page] == whole
    assert [json.loads(line) for line in mocklend.answer_key_lines()] == whole
    assert list(mocklend.answer_key_lines(status="pending")) == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "cursor=%21", "cursor=aW5qX25vYm9keQ", "format=csv", "format=jsonl&cursor=aW5q"]
)
def test_an_invalid_page_or_format_of_the_answer_key_is_refused(mocklend: Client, query: str) -> None:
    with pytest.raises(ProblemError) as caught:
        mocklend._get(f"/-/answer-key?{query}")

    assert (caught.value.status, caught.value.code) == (422, "validation_failed")
