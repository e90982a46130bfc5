"""Each operator, with a value that meets it, one that does not, and no value."""

from __future__ import annotations

from typing import Any

import pytest

from mocklend.domain.problems import Refused
from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.seam import Seam
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.matching import OPERATORS, Match
from support.events import example, example_mark

pytestmark = pytest.mark.security

REFRESH, ATTEMPT, FILED = "view.refresh", "callback.attempt", "repayment.filed"


def meets(raw: object, value: Seam) -> bool:
    match = Match.from_json(raw, (value.seam,))
    return all(check(value) for check in match.compiled(value.seam))


EXAMPLES: dict[str, tuple[str, Any, Any, Any]] = {
    # operator: (field, operand, a value that meets it, one that does not)
    "equal_to": ("channel", "wallet", "wallet", "bank_card"),
    "not_equal_to": ("channel", "wallet", "bank_card", "wallet"),
    "in": ("channel", ["wallet", "bill_pay"], "bill_pay", "bank_card"),
    "not_in": ("channel", ["wallet", "bill_pay"], "bank_card", "bill_pay"),
    "matches": ("payer_reference", "ADA-[0-9]+", "ADA-17", "ADA-17x"),
    "contains": ("payer_reference", "rent", "my rent, March", "salary"),
    "gt": ("amount_minor", 100, 101, 100),
    "gte": ("amount_minor", 100, 100, 99),
    "lt": ("amount_minor", 100, 99, 100),
    "lte": ("amount_minor", 100, 100, 101),
    "absent": ("payer_reference", True, None, "ADA-17"),
    "present": ("payer_reference", True, "ADA-17", None),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_operator_has_a_value_that_meets_it_and_one_that_does_not(operator: str) -> None:
    field, operand, good, bad = EXAMPLES[operator]
    rule = {field: {operator: operand}}

    assert meets(rule, example(CallbackAttempt, **{field: good}))
    assert not meets(rule, example(CallbackAttempt, **{field: bad}))


@pytest.mark.parametrize("operator", ["equal_to", "in", "matches", "contains", "present"])
def test_a_field_without_a_value_meets_no_operator_that_asks_for_one(operator: str) -> None:
    operand = EXAMPLES[operator][1]

    assert not meets({"payer_reference": {operator: operand}}, example(CallbackAttempt, payer_reference=None))


@pytest.mark.parametrize(("operator", "operand"), [("absent", True), ("not_equal_to", "x"), ("not_in", ["x"])])
def test_a_field_without_a_value_meets_an_operator_that_asks_for_none(operator: str, operand: object) -> None:
    assert meets({"payer_reference": {operator: operand}}, example(CallbackAttempt, payer_reference=None))


def test_a_plain_value_means_equal_to() -> None:
    assert meets({"channel": "wallet"}, example(CallbackAttempt, channel="wallet"))
    assert not meets({"channel": "wallet"}, example(CallbackAttempt, channel="bill_pay"))
    assert Match.from_json({"channel": "wallet"}, (ATTEMPT,)).to_json() == {"channel": {"equal_to": "wallet"}}


def test_all_conditions_must_hold() -> None:
    rule = {"channel": "wallet", "amount_minor": {"gte": 100, "lt": 500}}

    assert meets(rule, example(CallbackAttempt, channel="wallet", amount_minor=100))
    assert not meets(rule, example(CallbackAttempt, channel="wallet", amount_minor=500))
    assert not meets(rule, example(CallbackAttempt, channel="bank_card", amount_minor=100))


def test_a_dotted_name_names_a_key_of_a_mapping() -> None:
    event = example(ViewRefresh)

    assert meets({"after.status": "CLEAR", "before.outstanding_minor": {"gt": 0}}, event)
    assert not meets({"after.status": "OVD"}, event)
    assert meets({"after.nothing_of_that_name": {"absent": True}}, event)
    assert not meets({"after.status": {"gt": 5}}, event)


def test_no_condition_matches_everything() -> None:
    assert meets({}, example(RepaymentFiled))


def test_a_field_that_only_the_other_seam_has_counts_as_absent() -> None:
    match = Match.from_json(
        {"override_status": {"absent": True}, "kind": "MODIFY_BILL_STATUS"}, (FILED, "operator.edit")
    )

    assert all(check(example_mark()) for check in match.compiled("operator.edit"))
    assert not all(check(example(RepaymentFiled)) for check in match.compiled(FILED))


@pytest.mark.parametrize(
    ("raw", "field", "says"),
    [
        ({"chanel": "wallet"}, "match.chanel", "channel"),
        ({"channel.code": "wallet"}, "match.channel.code", "channel"),
        ({"channel": {"equals": "wallet"}}, "match.channel.equals", "equal_to"),
        ({"channel": 5}, "match.channel.equal_to", "string"),
        ({"channel": None}, "match.channel.equal_to", "string"),
        ({"channel": {"in": []}}, "match.channel.in", "array"),
        ({"channel": {"in": "wallet"}}, "match.channel.in", "array"),
        ({"channel": {"in": ["wallet", 5]}}, "match.channel.in.1", "string"),
        ({"channel": {"gt": 5}}, "match.channel.gt", "no field but equal_to"),
        ({"channel": {"matches": "("}}, "match.channel.matches", "regular expression"),
        ({"channel": {"matches": "(?=a)a"}}, "match.channel.matches", "without look-around"),
        ({"channel": {"matches": "(a)\\1"}}, "match.channel.matches", "back-reference"),
        ({"channel": {"matches": "((a{100}){100}){100}"}}, "match.channel.matches", "regular expression"),
        ({"channel": {"matches": "[\ud800]"}}, "match.channel.matches", "a string of at most 200"),
        ({"channel": {"matches": "a" * 201}}, "match.channel.matches", "200"),
        ({"channel": {"absent": False}}, "match.channel.absent", "true"),
        ({"amount_minor": "100"}, "match.amount_minor.equal_to", "integer"),
        ({"amount_minor": {"gte": True}}, "match.amount_minor.gte", "integer"),
        ({"amount_minor": {"gte": 1.5}}, "match.amount_minor.gte", "integer"),
        ({"amount_minor": {"lt": 2**63}}, "match.amount_minor.lt", "integer"),
        ({"amount_minor": {"contains": "1"}}, "match.amount_minor.contains", "no field but equal_to"),
        (["channel"], "match", "object"),
    ],
)
def test_an_invalid_condition_is_refused_with_what_was_expected(raw: object, field: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        Match.from_json(raw, (ATTEMPT,))

    assert refused.value.code == "validation_failed"
    [error] = refused.value.ids["errors"]
    assert error["field"] == field
    assert says in error["expected"]


def test_every_condition_that_is_wrong_is_in_one_answer() -> None:
    raw = {"chanel": "wallet", "channel": {"in": [], "absent": None}, "amount_minor": {"gte": "1", "lt": 5}}

    with pytest.raises(Refused) as refused:
        Match.from_json(raw, (ATTEMPT,))

    assert [error["field"] for error in refused.value.ids["errors"]] == [
        "match.chanel", "match.channel.in", "match.channel.absent", "match.amount_minor.gte",
    ]  # fmt: skip


def test_what_is_read_can_be_sent_again() -> None:
    raw = {"amount_minor": {"gte": 100, "lt": 500}, "channel": {"in": ["wallet"]}}

    assert Match.from_json(raw, (ATTEMPT,)).to_json() == raw


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("a?" * 60 + "a" * 60, "a" * 60),
        ("(ab|a.)" * 28, "ab" * 27 + "a"),
        ("(a+)+b", "a" * 256),
        ("(.*)*x", "y" * 256),
        ("(a|aa)+", "a" * 255 + "b"),
        ("((a{1,30}){1,30})", "a" * 255 + "b"),
    ],
)
def test_every_pattern_takes_linear_time(pattern: str, value: str) -> None:
    """A backtracking engine would take years for each of these, and the test run would time out."""
    expected = pattern.startswith("a?")

    assert meets({"payer_reference": {"matches": pattern}}, example(CallbackAttempt, payer_reference=value)) is expected


def test_a_pattern_may_be_in_any_script() -> None:
    event = example(CallbackAttempt, payer_reference="还款-17")

    assert meets({"payer_reference": {"matches": r"\p{Han}+-\d{2}"}}, event)
    assert not meets({"payer_reference": {"matches": "还款"}}, event)
