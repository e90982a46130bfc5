"""Reading a product returns a valid one, or a refusal that names the field."""

from __future__ import annotations

import dataclasses
import json
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.api.products import read_product
from mocklend.client import Doc
from mocklend.domain.money import MAX_MINOR
from mocklend.domain.problems import Invalid, Refused
from mocklend.domain.product import (
    DEFAULT_ALLOCATION,
    PRODUCTS,
    Bucket,
    Limits,
    Product,
)

PLAIN = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}
BUCKETS = [bucket.value for bucket in Bucket]


def errors(raw: object) -> list[Doc]:
    """What is wrong with a product."""
    with pytest.raises(Refused) as refused:
        read_product(raw)
    assert refused.value.code == "product_invalid"
    errors_found: list[dict[str, Any]] = refused.value.ids["errors"]
    return errors_found


def test_three_fields_make_a_product_and_the_rest_has_published_defaults() -> None:
    product = read_product(PLAIN)

    assert product.to_json() == PLAIN | {
        "rate_unit": "annual",
        "term_unit": "month",
        "term_length": 1,
        "day_count": "actual/365",
        "rounding": "half_even",
        "instalment_multiple_minor": 1,
        "payoff_interest": "until_payoff_date",
        "allocation": [bucket.value for bucket in DEFAULT_ALLOCATION],
        "processing": "horizontal",
        "excess": "next_instalment",
        "penalty": {"multiplier": "1.5", "base": "principal", "grace_days": 0},
        "limits": {"min_minor": 1, "max_minor": MAX_MINOR},
    }


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_a_product_survives_the_trip_through_json(product: Product) -> None:
    assert read_product(json.loads(json.dumps(product.to_json()))) == product
    assert hash(read_product(product.to_json())) == hash(product)


def test_the_shipped_products_cover_four_ways_to_repay() -> None:
    assert set(PRODUCTS) == {"jiebei-like", "weilidai-like", "bullet-30d", "interest-free-3"}
    assert PRODUCTS["jiebei-like"].annual_rate() == Fraction("0.16425")
    assert PRODUCTS["weilidai-like"].daily_rate() == Fraction("0.0005")
    assert PRODUCTS["interest-free-3"].penalty_rate() == 0


@pytest.mark.parametrize(
    ("change", "path", "expected"),
    [
        ({"method": "balloon"}, "method", "one of equal_instalment, equal_principal"),
        ({"method": 1}, "method", "one of"),
        ({"terms": 0}, "terms", "an integer from 1 to 360"),
        ({"terms": 361}, "terms", "an integer from 1 to 360"),
        ({"terms": True}, "terms", "an integer"),
        ({"terms": "12"}, "terms", "an integer"),
        ({"terms": 12.0}, "terms", "an integer"),
        ({"terms": None}, "terms", "an integer"),
        ({"terms": 10**5000}, "terms", "an integer"),
        ({"rate": 0.06}, "rate", "a decimal string"),
        ({"rate": "1.000000000000000001"}, "rate", 'from "0" to "1"'),
        ({"rate": "-0.01"}, "rate", "a decimal string"),
        ({"rate": "6%"}, "rate", "a decimal string"),
        ({"rate": "1e-3"}, "rate", "a decimal string"),
        ({"rate": "0.06\n"}, "rate", "a decimal string"),
        ({"rate": "\u0660"}, "rate", "a decimal string"),
        ({"rate": "0." + "1" * 50_000}, "rate", "at most 18 decimals"),
        ({"rate": "\ud800"}, "rate", "a decimal string"),
        ({"rate_unit": "weekly"}, "rate_unit", "one of annual, daily"),
        ({"term_unit": "year"}, "term_unit", "one of day, month"),
        ({"term_length": 0}, "term_length", "an integer from 1"),
        ({"term_length": 31}, "term_length", "at most 360 months"),
        ({"day_count": "actual/actual"}, "day_count", "one of 30/360, actual/365, actual/360"),
        ({"rounding": "down"}, "rounding", "one of half_even, half_up"),
        ({"instalment_multiple_minor": 0}, "instalment_multiple_minor", "an integer from 1"),
        ({"payoff_interest": "never"}, "payoff_interest", "one of until_payoff_date"),
        ({"allocation": "overdue_penalty"}, "allocation", "an array of 12 buckets"),
        ({"allocation": ["due_fee", "late_fee", *BUCKETS[2:]]}, "allocation.1", "one of overdue_penalty"),
        ({"allocation": ["due_fee"] * 12}, "allocation.1", "each bucket once"),
        ({"allocation": ["due_fee"]}, "allocation", "an array of 12 buckets, each once"),
        ({"processing": "diagonal"}, "processing", "one of horizontal, vertical"),
        ({"excess": "keep"}, "excess", "one of next_instalment"),
        ({"penalty": []}, "penalty", "an object"),
        ({"penalty": {"multiplier": 1.5}}, "penalty.multiplier", "a decimal string"),
        ({"penalty": {"multiplier": "11"}}, "penalty.multiplier", 'from "0" to "10"'),
        ({"penalty": {"base": "all"}}, "penalty.base", "one of principal"),
        ({"penalty": {"grace_days": -1}}, "penalty.grace_days", "an integer from 0"),
        ({"penalty": {"grace": 1}}, "penalty.grace", "multiplier, base, grace_days"),
        ({"limits": {"min_minor": 0}}, "limits.min_minor", "an integer from 1"),
        ({"limits": {"min_minor": 5, "max_minor": 4}}, "limits.max_minor", "at least min_minor, 5"),
        ({"colour": "red"}, "colour", "method, terms, rate, "),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(change: dict[str, object], path: str, expected: str) -> None:
    [error] = errors(PLAIN | change)

    assert error["field"] == f"product.{path}"
    assert expected in error["expected"]
    assert len(json.dumps(error)) < 1_000


@pytest.mark.parametrize("name", ["method", "terms", "rate"])
def test_a_field_without_a_default_is_required(name: str) -> None:
    [error] = errors({key: value for key, value in PLAIN.items() if key != name})

    assert (error["field"], error["received"]) == (f"product.{name}", "nothing")


def test_every_wrong_field_is_in_one_answer() -> None:
    raw = {"method": "balloon", "terms": 0, "penalty": {"grace_days": -1, "grace": 1}, "limits": {"min_minor": 0}}

    assert [error["field"] for error in errors(raw)] == [
        "product.method", "product.terms", "product.rate", "product.penalty.grace_days", "product.penalty.grace",
        "product.limits.min_minor",
    ]  # fmt: skip


def test_conditions_over_several_fields_are_checked() -> None:
    with pytest.raises(Invalid, match="max_minor: expected at least min_minor, 2"):
        Limits(2, 1)
    with pytest.raises(Invalid, match="term_length: expected terms times term_length at most 360 months"):
        dataclasses.replace(PRODUCTS["jiebei-like"], term_length=31)
    with pytest.raises(Invalid, match=r"allocation\.1: expected each bucket once"):
        dataclasses.replace(PRODUCTS["jiebei-like"], allocation=(Bucket.DUE_FEE,) * 12)


def test_a_deep_or_huge_value_is_refused_and_not_printed() -> None:
    deep: list[Any] = []
    for _ in range(2 * sys.getrecursionlimit()):
        deep = [deep]

    for raw in (PLAIN | {"rate": deep}, PLAIN | {"\ud800" * 50_000: 1}, [PLAIN] * 1_000):
        [error] = errors(raw)
        assert error["field"].startswith("product")
        assert len(json.dumps(error)) < 500


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_of_a_field_gives_a_product_or_a_refusal_that_names_it(value: object) -> None:
    for name in PRODUCTS["jiebei-like"].to_json():
        try:
            product = read_product(PLAIN | {name: value})
        except Refused as refused:
            blamed = refused.ids["errors"][0]["field"].removeprefix("product.")
        else:
            blamed = name
            assert read_product(product.to_json()) == product
        assert blamed.startswith((name, "term_length"))


@pytest.mark.parametrize(("day_count", "days"), [("actual/365", 365), ("actual/360", 360), ("30/360", 360)])
def test_a_daily_rate_is_the_yearly_rate_by_the_days_of_its_day_count(day_count: str, days: int) -> None:
    by_the_day = read_product(PLAIN | {"rate": "0.0005", "rate_unit": "daily", "day_count": day_count})
    by_the_year = read_product(PLAIN | {"rate": "0.18", "day_count": day_count})

    assert by_the_day.daily_rate() == Fraction("0.0005")
    assert by_the_day.annual_rate() == Fraction("0.0005") * days
    assert by_the_year.daily_rate() == Fraction("0.18") / days
    assert by_the_year.penalty_rate() == Fraction("0.27") / days


def test_a_bucket_has_its_timing_and_its_part() -> None:
    assert [(bucket.timing, bucket.part) for bucket in Bucket] == [
        (timing, part)
        for timing in ("overdue", "due", "in_advance")
        for part in ("penalty", "fee", "interest", "principal")
    ]
