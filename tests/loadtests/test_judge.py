"""The judge: each way in which a run can be wrong is planted, and found with its own reason."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import judge as judge_module
import pytest
from judge import FAIL, INCONCLUSIVE, PASS, Evidence, Verdict, compare, judge

from mocklend.client import Doc
from mocklend.language import Language, is_translated, said

FAULTS = ("callback.dropped", "operator.wrong_amount")
LOST = {"class": "missing_in_books", "entity": "rpy_ada", "amount_minor": 100_000}
SLIP = {"class": "amount_mismatch", "entity": "edt_bob", "amount_minor": 900}


def entry(injection: str, fault: str, expected: dict[str, object], status: str = "active") -> Doc:
    """A line of the answer key."""
    return {"injection": injection, "rule": fault, "fault": fault, "expected": expected, "status": status}


def discrepancy(fields: dict[str, object], by: str | None) -> Doc:
    """A discrepancy of the audit."""
    return {**fields, "loan_id": "loan_ada", "detail": "not on the books", "explained_by": by}


def audit(*discrepancies: dict[str, object], **fields: object) -> Doc:
    """An audit whose invariants hold."""
    invariants = [{"name": "B1", "holds": True, "states": "debits are credits", "detail": []}]
    return {
        "discrepancies": list(discrepancies),
        "unobserved": [],
        "in_transit": [],
        "invariants": invariants,
        **fields,
    }


def counted(rule: str, injected: int) -> Doc:
    """A rule's counters."""
    return {"id": rule, "evaluated": 20, "matched": 20, "selected": 2, "injected": injected}


def report(failures: int = 0, user_errors: int = 0) -> Doc:
    """What locust leaves behind."""
    return {
        "total": {"requests": 200, "failures": failures},
        "operations": [{"operation": "repay by wallet", "requests": 20}],
        "failures": [{"operation": "status page", "error": "500", "occurrences": failures}] * bool(failures),
        "user_errors": user_errors,
        "last_user_error": "KeyError" if user_errors else None,
    }


HONEST = Evidence(report=report(), audit=audit(), channels=("wallet",))
FAULTY = replace(
    HONEST,
    audit=audit(discrepancy(LOST, "inj_1"), discrepancy(SLIP, "inj_2")),
    entries=(entry("inj_1", FAULTS[0], LOST), entry("inj_2", FAULTS[1], SLIP)),
    rules=(counted(FAULTS[0], 1), counted(FAULTS[1], 1)),
    armed=FAULTS,
)


def test_an_honest_run_passes() -> None:
    verdict = judge(HONEST)

    assert (verdict.outcome, verdict.exit_code, verdict.reasons) == (PASS, 0, [])
    assert verdict.figures["injections"] == 0


def test_a_run_whose_discrepancies_equal_the_open_entries_passes() -> None:
    verdict = judge(FAULTY)

    assert (verdict.outcome, verdict.reasons) == (PASS, [])
    assert verdict.figures["injections_by_fault"] == {"callback.dropped": 1, "operator.wrong_amount": 1}
    assert verdict.figures["discrepancies_by_class"] == {"amount_mismatch": 1, "missing_in_books": 1}


def test_a_discrepancy_that_nothing_explains_fails() -> None:
    planted = replace(HONEST, audit=audit(discrepancy(LOST, None)))

    verdict = judge(planted)

    assert (verdict.outcome, verdict.exit_code) == (FAIL, 1)
    assert verdict.figures["unexplained_discrepancies"] == 1
    assert "rpy_ada" in verdict.reasons[0]


def test_an_explanation_without_an_entry_fails() -> None:
    claimed = discrepancy({**LOST, "entity": "rpy_eve"}, "inj_1")
    planted = replace(FAULTY, audit=audit(discrepancy(LOST, "inj_1"), discrepancy(SLIP, "inj_2"), claimed))

    verdict = judge(planted)

    assert verdict.outcome == FAIL
    assert verdict.figures["unexplained_discrepancies"] == 1


def test_an_explanation_that_the_platform_does_not_give_fails_too() -> None:
    planted = replace(FAULTY, audit=audit(discrepancy(LOST, None), discrepancy(SLIP, "inj_2")))

    verdict = judge(planted)

    assert verdict.outcome == FAIL
    assert verdict.figures["unexplained_discrepancies"] == 1


def test_a_discrepancy_of_another_amount_is_another_break() -> None:
    more = discrepancy({**LOST, "amount_minor": 100_001}, "inj_1")
    planted = replace(FAULTY, audit=audit(more, discrepancy(SLIP, "inj_2")))

    verdict = judge(planted)

    assert verdict.outcome == FAIL
    assert verdict.figures["unexplained_discrepancies"] == 1
    assert verdict.figures["unobserved_injections"] == 1


def test_an_injection_that_the_audit_does_not_see_fails() -> None:
    planted = replace(FAULTY, audit=audit(discrepancy(LOST, "inj_1")))

    verdict = judge(planted)

    assert verdict.outcome == FAIL
    assert verdict.figures["unobserved_injections"] == 1
    assert "edt_bob" in verdict.reasons[0]


def test_an_injection_that_the_audit_calls_unobserved_is_counted_once() -> None:
    key = FAULTY.entries
    planted = replace(FAULTY, audit=audit(discrepancy(LOST, "inj_1"), unobserved=[key[1]]))

    verdict = judge(planted)

    assert verdict.figures["unobserved_injections"] == 1


def test_a_healed_entry_needs_no_discrepancy() -> None:
    healed = replace(
        FAULTY,
        audit=audit(discrepancy(SLIP, "inj_2")),
        entries=(entry("inj_1", FAULTS[0], LOST, "healed"), entry("inj_2", FAULTS[1], SLIP)),
    )

    assert judge(healed).outcome == PASS


@pytest.mark.parametrize("when", ["in the end", "under load"])
def test_a_broken_invariant_in_any_audit_fails(when: str) -> None:
    broken = audit(invariants=[{"name": "B1", "holds": False, "states": "", "detail": ["debits 5, credits 4"]}])
    planted = replace(HONEST, audit=broken) if when == "in the end" else replace(HONEST, audits_under_load=(broken,))

    verdict = judge(planted)

    assert verdict.outcome == FAIL
    assert verdict.figures["broken_invariants"] == {"B1": "debits 5, credits 4"}


def test_an_audit_without_invariants_is_inconclusive() -> None:
    verdict = judge(replace(HONEST, audit=audit(invariants=[])))

    assert (verdict.outcome, verdict.exit_code) == (INCONCLUSIVE, 3)


@pytest.mark.parametrize(
    ("figures", "figure"),
    [
        (audit(discrepancy(LOST, None)), "unexplained_discrepancies"),
        (audit(unobserved=[entry("inj_1", FAULTS[0], LOST)]), "unobserved_injections"),
    ],
)
def test_the_identity_has_to_hold_under_load_as_well(figures: dict[str, object], figure: str) -> None:
    verdict = judge(replace(HONEST, audits_under_load=(audit(), figures)))

    assert verdict.outcome == FAIL
    assert verdict.figures[figure] == 1
    assert "audit 2 under load" in verdict.reasons[0]


def test_a_failure_that_no_fault_explains_fails() -> None:
    verdict = judge(replace(HONEST, report=report(failures=3)))

    assert verdict.outcome == FAIL
    assert verdict.figures["unexplained_failures"] == 3
    assert "status page: 500" in verdict.reasons[0]


def test_an_exception_in_a_user_is_a_failure() -> None:
    verdict = judge(replace(HONEST, report=report(user_errors=2)))

    assert verdict.outcome == FAIL
    assert verdict.figures["unexplained_failures"] == 2


def test_an_armed_fault_without_an_injection_is_not_a_pass() -> None:
    silent = replace(HONEST, armed=FAULTS, rules=tuple(counted(fault, 0) for fault in FAULTS))

    verdict = judge(silent)

    assert (verdict.outcome, verdict.exit_code) == (INCONCLUSIVE, 3)
    assert "callback.dropped, operator.wrong_amount" in verdict.reasons[0]


def test_a_fault_without_an_occasion_need_not_inject() -> None:
    silent = replace(HONEST, armed=FAULTS, rules=tuple(counted(fault, 0) for fault in FAULTS))

    assert judge(replace(silent, demanded=())).outcome == PASS
    assert judge(replace(silent, demanded=FAULTS[:1])).outcome == INCONCLUSIVE


def test_a_short_run_only_notes_a_fault_without_an_injection() -> None:
    silent = replace(HONEST, armed=FAULTS, rules=tuple(counted(fault, 0) for fault in FAULTS), run_s=5)

    assert judge(silent).outcome == INCONCLUSIVE  # Whoever names faults wants to see them, however short it is.
    verdict = judge(replace(silent, demanded=FAULTS))

    assert (verdict.outcome, verdict.reasons) == (PASS, [])
    assert "too short" in verdict.notes[0]


def test_a_channel_that_nobody_used_is_not_a_pass() -> None:
    verdict = judge(replace(HONEST, channels=("wallet", "bill_pay")))

    assert verdict.outcome == INCONCLUSIVE
    assert "bill_pay" in verdict.reasons[0]


def test_a_run_in_which_nobody_asked_anything_is_not_a_pass() -> None:
    empty = {**report(), "total": {"requests": 0, "failures": 0}}

    assert judge(replace(HONEST, report=empty)).outcome == INCONCLUSIVE


def test_an_injection_without_an_entry_fails() -> None:
    planted = replace(FAULTY, rules=(counted(FAULTS[0], 2), counted(FAULTS[1], 1)))

    verdict = judge(planted)

    assert verdict.outcome == FAIL
    assert "counts 2 injections, the answer key has 1" in verdict.reasons[0]


def test_counters_that_contradict_each_other_fail() -> None:
    planted = replace(FAULTY, rules=({**counted(FAULTS[0], 1), "matched": 21}, counted(FAULTS[1], 1)))

    assert judge(planted).outcome == FAIL


def test_a_fault_that_nobody_armed_fails() -> None:
    verdict = judge(replace(FAULTY, armed=FAULTS[:1]))

    assert verdict.outcome == FAIL
    assert "operator.wrong_amount" in verdict.reasons[0]


def test_money_that_never_arrives_fails() -> None:
    waiting = {"entity": "rpy_ada", "age_s": 900, "detail": "wallet is about to call back"}

    verdict = judge(replace(HONEST, audit=audit(in_transit=[waiting]), waited_out=False))

    assert verdict.outcome == FAIL
    assert "900 s" in verdict.reasons[0]


def test_a_platform_that_does_not_come_to_rest_is_not_judged() -> None:
    assert judge(replace(HONEST, waited_out=False)).outcome == INCONCLUSIVE


def test_a_server_that_does_not_end_on_sigterm_fails() -> None:
    assert judge(replace(HONEST, exit_code=-9)).outcome == FAIL
    assert judge(replace(HONEST, exit_code=None)).outcome == PASS


def test_a_load_that_was_cut_short_is_not_a_pass_whatever_it_saw() -> None:
    verdict = judge(
        replace(
            HONEST,
            cut_short="its process was told to stop",
            report={**report(), "total": {"requests": 0, "failures": 0}},
            channels=("bill_pay",),
        )
    )

    assert (verdict.outcome, verdict.reasons) == (INCONCLUSIVE, ["its process was told to stop"])


def test_a_load_that_was_cut_short_still_fails_for_what_is_found() -> None:
    verdict = judge(replace(HONEST, cut_short="its process was told to stop", audit=audit(discrepancy(LOST, None))))

    assert verdict.outcome == FAIL
    assert len(verdict.reasons) == 2


def test_fewer_users_than_requested_are_inconclusive() -> None:
    few = replace(HONEST, users=1_000, report={**report(), "users_max": 640})

    assert judge(few).reasons == ["only 640 of 1000 users were started"]
    assert judge(replace(few, users=640)).outcome == PASS


def test_a_falling_number_in_transit_is_inconclusive() -> None:
    waiting = [{"entity": "rpy_ada", "age_s": 900, "detail": "wallet is about to call back"}]
    late = replace(HONEST, audit=audit(in_transit=waiting), waited_out=False)

    assert judge(late).outcome == FAIL
    assert judge(replace(late, draining=True)).outcome == INCONCLUSIVE


def test_an_entry_that_starts_or_ends_around_the_audit_is_optional() -> None:
    open_, healed = entry("inj_1", FAULTS[0], LOST), {**entry("inj_1", FAULTS[0], LOST), "status": "healed"}

    for before, after in (([open_], [healed]), ([], [open_])):
        assert compare([LOST], after, before) == ([], [])
        assert compare([], after, before) == ([], [])
    assert compare([], [open_], [open_]) == ([], [open_])
    assert compare([LOST], [healed], [healed]) == ([LOST], [])


def test_the_detail_of_a_discrepancy_may_change() -> None:
    tried_twice = {**LOST, "detail": "attempts: 2", "explained_by": "inj_1"}
    key = [entry("inj_1", FAULTS[0], LOST)]

    assert compare([tried_twice], key, key) == ([], [])


@pytest.mark.parametrize(("injected", "outcome"), [(0, FAIL), (1, PASS), (2, PASS), (3, FAIL)])
def test_a_rule_may_inject_between_the_two_answer_keys(injected: int, outcome: str) -> None:
    first, second = entry("inj_1", FAULTS[0], LOST), entry("inj_2", FAULTS[0], {**LOST, "entity": "rpy_bob"})
    acted = replace(
        HONEST,
        armed=FAULTS[:1],
        rules=(counted(FAULTS[0], injected),),
        entries_before=[first],
        entries=[first, second],
        audit=audit(discrepancy(LOST, "inj_1")),
    )

    assert judge(acted).outcome == outcome


def test_fail_overrides_inconclusive() -> None:
    verdict = judge(replace(HONEST, report=report(failures=1), channels=("wallet", "bill_pay")))

    assert verdict.outcome == FAIL
    assert len(verdict.reasons) == 2


def test_findings_are_paired_by_class_entity_and_where_it_matters_amount() -> None:
    stale = {"class": "stale_view", "entity": "loan_ada", "amount_minor": 5}

    assert compare([{**stale, "amount_minor": 6}], [entry("inj_1", "cache.bounded_stale", stale)]) == ([], [])
    assert compare([{**stale, "entity": "loan_bob"}], [entry("inj_1", "cache.bounded_stale", stale)]) == (
        [{**stale, "entity": "loan_bob"}],
        [entry("inj_1", "cache.bounded_stale", stale)],
    )


def texts() -> set[str]:
    """Each text with values that the judge says, as it stands in its source."""
    tree = ast.parse(Path(judge_module.__file__).read_text(encoding="utf-8"))
    constants = {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in constants if re.search(r"\{\w+\}", text)} - {judge_module.SHORT}


def test_each_reason_with_values_has_its_chinese() -> None:
    assert len(texts()) > 10
    assert [text for text in texts() if not is_translated(Language.ZH, text)] == []
    short = [text + judge_module.SHORT for text in texts() if text.startswith(("armed", "nobody", "only"))]
    assert len(short) == 3
    assert [text for text in short if not is_translated(Language.ZH, text)] == []


def test_a_reason_is_kept_with_its_values() -> None:
    verdict = Verdict()
    verdict.fail("{count} failures that no fault explains, such as {first}", count=2, first="a: {b}")

    assert verdict.reasons == ["2 failures that no fault explains, such as a: {b}"]
    [sentence] = verdict.sentences.values()
    assert said(Language.ZH, sentence) == "2 次失败没有故障能解释，例如 a: {b}"
