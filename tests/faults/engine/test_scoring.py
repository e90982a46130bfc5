"""Scoring as a pure function: laws for any answer key and any findings, and examples."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.client import Doc
from mocklend_faults.engine.score_verdict import Thresholds
from mocklend_faults.engine.scoring import Break, Records, ReportedFinding, Window, score

MONDAY_MS = 1_767_578_400_000
HOUR_MS = 3_600_000
ALL = Window(0, MONDAY_MS + 100 * HOUR_MS)
CLASSES = ("stale_view", "missing_in_books", "wrong_bureau")
ENTITIES = tuple(f"loan_{n}" for n in range(6))


def break_(entity: str = "loan_0", finding_class: str = "missing_in_books", **more: object) -> Break:
    """A break that is visible since Monday."""
    fields: dict[str, Any] = {
        "injection": f"inj_{entity}_{finding_class}",
        "rule": "rule",
        "fault": "fault",
        "loan_id": entity,
        "amount_minor": 100,
        "currency": "CNY",
        "from_ms": MONDAY_MS,
        "end_ms": None,
    }
    return Break(finding_class=finding_class, entity=entity, **{**fields, **more})


def finding(
    entity: str = "loan_0", finding_class: str = "missing_in_books", n: int = 0, **more: object
) -> ReportedFinding:
    """A finding one hour later."""
    fields: dict[str, Any] = {"found_ms": MONDAY_MS + HOUR_MS, **more}
    return ReportedFinding(n, finding_class, entity, **fields)


def scored(
    breaks: Sequence[Break],
    findings: Sequence[ReportedFinding],
    *,
    window: Window = ALL,
    thresholds: Thresholds | None = None,
    records: Records | None = None,
    min_visible_s: int | None = None,
    listed_max: int = 1000,
) -> Doc:
    """The score over all time."""
    numbered = [replace(finding, n=n) for n, finding in enumerate(findings)]
    return dict(
        score(
            breaks,
            numbered,
            window=window,
            thresholds=thresholds,
            records=records,
            min_visible_s=min_visible_s,
            listed_max=listed_max,
        )
    )


lies_told = st.lists(
    st.builds(
        break_,
        entity=st.sampled_from(ENTITIES),
        finding_class=st.sampled_from(CLASSES),
        amount_minor=st.integers(0, 10**9),
        currency=st.sampled_from(("CNY", "EUR")),
        from_ms=st.integers(MONDAY_MS, MONDAY_MS + 50 * HOUR_MS),
        end_ms=st.none() | st.integers(MONDAY_MS + 50 * HOUR_MS, MONDAY_MS + 99 * HOUR_MS),
        repaired=st.booleans(),
        unpaid=st.booleans(),
        reported=st.booleans(),
    ),
    max_size=12,
)
findings_made = st.lists(
    st.builds(
        finding,
        entity=st.sampled_from((*ENTITIES, "loan_nobody")),
        finding_class=st.sampled_from(CLASSES),
        amount_minor=st.none() | st.integers(-5, 5),
        action=st.none() | st.sampled_from(("wait", "post")),
        found_ms=st.integers(MONDAY_MS, MONDAY_MS + 99 * HOUR_MS),
    ),
    max_size=15,
)


def numbers(score: Doc) -> Doc:
    """A score without the numbers of findings in the lists."""
    lists = {name: [{**item, "n": None} for item in listed] for name, listed in score["lists"].items()}
    lists["duplicated"].sort(key=str)
    return score | {"lists": lists}


# --- laws ---


@given(lies_told, findings_made)
def test_every_ratio_is_between_0_and_1_or_says_that_there_is_none(
    breaks: list[Break], findings: list[ReportedFinding]
) -> None:
    result = scored(breaks, findings)

    ratios = [result[name] for name in ("precision", "recall", "f1", "kind_accuracy", "amount_accuracy")]
    ratios += [figures[name] for figures in result["by_class"].values() for name in ("precision", "recall", "f1")]
    ratios += [figures["recall"] for figures in result["money"].values()]
    assert all(ratio is None or 0 <= ratio <= 1 for ratio in ratios)


@given(lies_told, findings_made)
def test_every_finding_and_every_demanded_break_is_in_just_one_list(
    breaks: list[Break], findings: list[ReportedFinding]
) -> None:
    counts = scored(breaks, findings)["counts"]

    places = ("true_positives", "false_positives", "wrong_class", "optional", "duplicated")
    assert sum(counts[name] for name in places) == counts["findings"] == len(findings)
    assert counts["true_positives"] + counts["missed"] == counts["demanded"]


@given(lies_told)
def test_reporting_exactly_the_demanded_breaks_passes(breaks: list[Break]) -> None:
    demanded = scored(breaks, [])["lists"]["missed"]

    result = scored(
        breaks, [finding(entry["entity"], entry["class"], amount_minor=entry["amount_minor"]) for entry in demanded]
    )

    if demanded:
        assert (result["precision"], result["recall"], result["f1"], result["verdict"]) == (1, 1, 1, "PASS")
    else:
        assert result["verdict"] == "INCONCLUSIVE"


@given(lies_told, findings_made, st.sampled_from(CLASSES))
def test_a_false_finding_never_raises_precision(
    breaks: list[Break], findings: list[ReportedFinding], finding_class: str
) -> None:
    before = scored(breaks, findings)["precision"]

    after = scored(breaks, [*findings, finding("loan_that_is_right", finding_class)])["precision"]

    assert before is None or after <= before


@given(lies_told, findings_made, st.data())
def test_a_finding_that_is_left_out_never_raises_recall(
    breaks: list[Break], findings: list[ReportedFinding], data: st.DataObject
) -> None:
    left_out = data.draw(st.integers(0, max(0, len(findings) - 1)))

    before = scored(breaks, findings)["recall"]
    after = scored(breaks, [finding for n, finding in enumerate(findings) if n != left_out])["recall"]

    assert before == after or after < before


@given(lies_told, findings_made, st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(
    breaks: list[Break], findings: list[ReportedFinding], chance: random.Random
) -> None:
    distinct = list({(finding.key, finding.order): finding for finding in findings}.values())
    shuffled = list(distinct)
    chance.shuffle(shuffled)

    assert numbers(scored(breaks, distinct)) == numbers(scored(breaks, shuffled))


@given(lies_told, findings_made)
def test_a_finding_reported_twice_counts_once(breaks: list[Break], findings: list[ReportedFinding]) -> None:
    once, twice = scored(breaks, findings), scored(breaks, [*findings, *findings])

    for name in ("precision", "recall", "f1", "kind_accuracy", "penalty_points", "by_class", "money"):
        assert once[name] == twice[name]


@given(lies_told, st.lists(st.integers(MONDAY_MS, MONDAY_MS + 99 * HOUR_MS), max_size=5))
def test_with_check_times_a_break_is_demanded_if_it_was_visible_at_one_of_them(
    breaks: list[Break], checked_at: list[int]
) -> None:
    demanded = scored(breaks, [], window=replace(ALL, checked_ms=tuple(sorted(checked_at))))["lists"]["missed"]

    keys = {
        entry.key
        for entry in breaks
        for at in checked_at
        if entry.from_ms <= at
        and (entry.end_ms is None or at < entry.end_ms or (entry.repaired and at == entry.end_ms))
    }
    assert {(entry["class"], entry["entity"]) for entry in demanded} == keys


@given(lies_told)
def test_one_check_at_the_end_demands_what_is_visible_then(breaks: list[Break]) -> None:
    window = Window(ALL.to_ms, ALL.to_ms)

    result = scored(breaks, [], window=replace(window, checked_ms=(ALL.to_ms,)))

    assert result["lists"] == scored(breaks, [], window=window)["lists"]


# --- examples ---


def test_an_empty_list_finds_nothing_and_fails() -> None:
    result = scored([break_(), break_("loan_1")], [])

    assert (result["verdict"], result["precision"], result["recall"], result["f1"]) == ("FAIL", 0, 0, 0)
    assert result["penalty_points"] == 2


def test_reporting_every_loan_finds_all_breaks_and_fails() -> None:
    result = scored([break_()], [finding(f"loan_{n}") for n in range(100)])

    assert (result["verdict"], result["recall"], result["precision"]) == ("FAIL", 1, 0.01)


def test_reporting_every_class_of_a_loan_gains_nothing() -> None:
    result = scored([break_()], [finding(finding_class=kind) for kind in CLASSES])

    assert (result["verdict"], result["precision"], result["kind_accuracy"]) == ("FAIL", 1 / 3, 1 / 3)
    assert result["counts"]["wrong_class"] == 2
    assert result["counts"]["false_positives"] == 0


def test_a_score_without_injections_and_findings_is_inconclusive() -> None:
    result = scored([], [])

    assert (result["verdict"], result["precision"], result["recall"]) == ("INCONCLUSIVE", None, None)
    assert result["reasons"] == ["the answer key demands nothing in this window"]
    assert result["sentences"] == [{"text": "the answer key demands nothing in this window", "values": {}}]


def test_a_finding_without_an_injection_fails() -> None:
    assert scored([], [finding()])["verdict"] == "FAIL"


def test_a_rule_without_an_injection_is_no_pass() -> None:
    result = scored([break_()], [finding()], records=Records(silent_rules=["lag"]))

    assert (result["verdict"], result["silent_rules"]) == ("INCONCLUSIVE", ["lag"])
    lenient = Thresholds(silent_rules_max=1)
    assert (
        scored([break_()], [finding()], records=Records(silent_rules=["lag"]), thresholds=lenient)["verdict"] == "PASS"
    )


def test_a_harmful_repair_fails_whatever_was_found() -> None:
    result = scored([break_()], [finding()], records=Records(harmful_repairs=[{"action": "edit.reversed"}]))

    assert (result["verdict"], result["penalty_points"]) == ("FAIL", 10)


@pytest.mark.parametrize(
    ("break_shown", "demanded"),
    [
        (break_(end_ms=None), 1),
        (break_(end_ms=MONDAY_MS + HOUR_MS), 0),
        (break_(end_ms=MONDAY_MS + HOUR_MS, repaired=True), 1),
        (break_(end_ms=MONDAY_MS), 0),
        (break_(finding_class="timing"), 0),
        (break_(from_ms=ALL.to_ms + 1), 0),
    ],
)
def test_a_break_is_demanded_if_it_is_still_visible_or_was_repaired(break_shown: Break, demanded: int) -> None:
    result = scored([break_shown], [])

    assert result["counts"]["demanded"] == demanded


def test_a_break_that_healed_by_itself_is_optional_unless_it_was_visible_for_long() -> None:
    healed = break_(end_ms=MONDAY_MS + 24 * HOUR_MS)

    result = scored([healed, break_("loan_1")], [finding(), finding("loan_1")])

    assert (result["verdict"], result["timing_noise"], result["counts"]["optional"]) == ("PASS", 1, 1)
    assert scored([healed], [], min_visible_s=86_400)["counts"]["demanded"] == 1
    assert scored([healed], [], min_visible_s=86_401)["counts"]["demanded"] == 0


def test_a_window_demands_the_breaks_that_were_visible_in_it() -> None:
    first, second = break_(end_ms=MONDAY_MS + HOUR_MS, repaired=True), break_("loan_1", from_ms=MONDAY_MS + 5 * HOUR_MS)

    def demanded(from_hour: int, to_hour: int) -> list[str]:
        window = Window(MONDAY_MS + from_hour * HOUR_MS, MONDAY_MS + to_hour * HOUR_MS)
        return [entry["entity"] for entry in scored([first, second], [], window=window)["lists"]["missed"]]

    assert demanded(0, 4) == ["loan_0"]
    assert demanded(2, 4) == []
    assert demanded(2, 6) == ["loan_1"]
    assert demanded(0, 6) == ["loan_0", "loan_1"]


def test_times_are_measured_from_when_a_break_was_visible() -> None:
    breaks = [break_(f"loan_{n}", end_ms=MONDAY_MS + 10 * HOUR_MS, repaired=True) for n in range(20)]
    breaks.append(break_("loan_late", end_ms=MONDAY_MS + 90 * HOUR_MS, repaired=True))
    findings = [finding(entry.entity) for entry in breaks[:-1]] + [
        finding("loan_late", found_ms=MONDAY_MS + 50 * HOUR_MS)
    ]

    result = scored(breaks, findings)

    assert result["time_to_detect_s"] == {"n": 21, "p50": 3600, "p95": 3600}
    assert result["time_to_repair_s"] == {"n": 21, "p50": 36_000, "p95": 36_000}
    assert scored([break_()], [finding(found_ms=MONDAY_MS - 1)])["time_to_detect_s"]["p50"] == 0


def test_money_is_weighted_by_currency_and_duration() -> None:
    breaks = [
        break_(amount_minor=300),
        break_("loan_1", amount_minor=100),
        break_("loan_2", amount_minor=7, currency="EUR"),
    ]

    money = scored(breaks, [finding("loan_1"), finding("loan_2")])["money"]

    assert money["CNY"] == {
        "demanded_minor": 400,
        "found_minor": 100,
        "recall": 0.25,
        "at_risk_minor_hours": 400 * 100,
    }
    assert money["EUR"]["recall"] == 1


def test_an_amount_is_judged_separately_and_only_if_it_does_not_change() -> None:
    breaks = [break_(), break_("loan_1"), break_("loan_2", "stale_view")]
    findings = [
        finding(amount_minor=100),
        finding("loan_1", amount_minor=99),
        finding("loan_2", "stale_view", amount_minor=1),
    ]

    result = scored(breaks, findings, thresholds=Thresholds(amount_accuracy_min=Decimal("0.6")))

    assert (result["recall"], result["amount_accuracy"], result["verdict"]) == (1, 0.5, "FAIL")
    assert [finding["entity"] for finding in result["lists"]["wrong_amount"]] == ["loan_1"]


def test_harm_to_borrowers_is_counted_in_hours_and_days() -> None:
    breaks = [break_(unpaid=True, end_ms=MONDAY_MS + 3 * HOUR_MS), break_("loan_1", "wrong_bureau", reported=True)]
    records = Records(refused_applications=[{"application_id": "app_1"}])

    result = scored(breaks, [], records=records)

    assert result["borrower_harm"] == {
        "unpaid_hours": 3.0,
        "wrong_report_days": round(100 / 24, 3),
        "refused_applications": 1,
    }


def test_long_lists_are_truncated_and_their_counts_are_complete() -> None:
    distinct = scored([break_()], [finding(f"loan_x{n}") for n in range(30)], listed_max=10)

    assert len(distinct["lists"]["false_positives"]) == 10
    assert distinct["counts"]["false_positives"] == 30
    assert distinct["lists_cut"] == ["false_positives"]


def test_a_threshold_is_inclusive() -> None:
    breaks = [break_(f"loan_{n}") for n in range(10)]
    nine = [finding(f"loan_{n}") for n in range(9)]

    assert scored(breaks, nine, thresholds=Thresholds(recall_min=Decimal("0.9")))["verdict"] == "PASS"
    assert scored(breaks, nine, thresholds=Thresholds(recall_min=Decimal("0.91")))["verdict"] == "FAIL"
