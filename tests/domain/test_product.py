"""Products: a valid one, or an error that names the field; nothing else comes out."""

from __future__ import annotations

import dataclasses
import json
import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.domain.money import MAX_MINOR
from mocklend.domain.product import (
    DEFAULT_ALLOCATION,
    PRODUCTS,
    Bucket,
    Limits,
    Method,
    Penalty,
    Product,
    ProductError,
)

PLAIN = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}


def test_three_fields_make_a_product_and_the_rest_has_published_defaults() -> None:
    product = Product.from_json(PLAIN)

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
    assert Product.from_json(json.loads(json.dumps(product.to_json()))) == product
    assert hash(Product.from_json(product.to_json())) == hash(product)


def test_the_shipped_products_cover_four_ways_to_repay() -> None:
    assert set(PRODUCTS) == {"jiebei-like", "weilidai-like", "bullet-30d", "interest-free-3"}
    assert PRODUCTS["jiebei-like"].annual_rate() == Fraction("0.16425")
    assert PRODUCTS["weilidai-like"].daily_rate() == Fraction("0.0005")
    assert PRODUCTS["interest-free-3"].penalty_rate() == 0


@pytest.mark.parametrize(
    ("change", "path", "expected", "got"),
    [
        ({"method": "balloon"}, "method", "one of equal_instalment, equal_principal", "'balloon'"),
        ({"method": 1}, "method", "one of", "1"),
        ({"terms": 0}, "terms", "an integer from 1 to 360", "0"),
        ({"terms": 361}, "terms", "an integer from 1 to 360", "361"),
        ({"terms": True}, "terms", "an integer", "true"),
        ({"terms": "12"}, "terms", "an integer", "'12'"),
        ({"terms": 12.0}, "terms", "an integer", "12.0"),
        ({"terms": None}, "terms", "an integer", "null"),
        ({"terms": 10**5000}, "terms", "an integer", "far too many digits"),
        ({"rate": 0.06}, "rate", "a decimal string", "0.06"),
        ({"rate": "1.000000000000000001"}, "rate", 'from "0" to "1"', "'1.000000000000000001'"),
        ({"rate": "-0.01"}, "rate", "a decimal string", "'-0.01'"),
        ({"rate": "6%"}, "rate", "a decimal string", "'6%'"),
        ({"rate": "1e-3"}, "rate", "a decimal string", "'1e-3'"),
        ({"rate": "0.06\n"}, "rate", "a decimal string", r"'0.06\n'"),
        ({"rate": "\u0660"}, "rate", "a decimal string", "'\u0660'"),
        ({"rate": "0." + "1" * 50_000}, "rate", "at most 18 decimals", "..."),
        ({"rate": "\ud800"}, "rate", "a decimal string", r"'\ud800'"),
        ({"rate_unit": "weekly"}, "rate_unit", "one of annual, daily", "'weekly'"),
        ({"term_unit": "year"}, "term_unit", "one of day, month", "'year'"),
        ({"term_length": 0}, "term_length", "an integer from 1", "0"),
        ({"term_length": 31}, "term_length", "at most 360 months", "372"),
        (
            {"day_count": "actual/actual"},
            "day_count",
            "one of 30/360, actual/365, actual/360",
            "'actual/actual'",
        ),
        ({"rounding": "down"}, "rounding", "one of half_even, half_up", "'down'"),
        ({"instalment_multiple_minor": 0}, "instalment_multiple_minor", "an integer from 1", "0"),
        ({"payoff_interest": "never"}, "payoff_interest", "one of until_payoff_date", "'never'"),
        ({"allocation": "overdue_penalty"}, "allocation", "an array of 12 buckets", "'overdue_penalty'"),
        ({"allocation": ["due_fee", "late_fee"]}, "allocation[1]", "one of overdue_penalty", "'late_fee'"),
        ({"allocation": ["due_fee", "due_fee"]}, "allocation[1]", "each bucket once", "'due_fee'"),
        ({"allocation": ["due_fee"]}, "allocation", "also overdue_penalty", "1 buckets"),
        ({"processing": "diagonal"}, "processing", "one of horizontal, vertical", "'diagonal'"),
        ({"excess": "keep"}, "excess", "one of next_instalment", "'keep'"),
        ({"penalty": []}, "penalty", "an object", "an array"),
        ({"penalty": {"multiplier": 1.5}}, "penalty.multiplier", "a decimal string", "1.5"),
        ({"penalty": {"multiplier": "11"}}, "penalty.multiplier", 'from "0" to "10"', "'11'"),
        ({"penalty": {"base": "all"}}, "penalty.base", "one of principal", "'all'"),
        ({"penalty": {"grace_days": -1}}, "penalty.grace_days", "an integer from 0", "-1"),
        ({"penalty": {"grace": 1}}, "penalty.grace", "multiplier, base, grace_days", "an unknown one"),
        ({"limits": {"min_minor": 0}}, "limits.min_minor", "an integer from 1", "0"),
        ({"limits": {"min_minor": 5, "max_minor": 4}}, "limits.max_minor", "at least min_minor, 5", "4"),
        ({"colour": "red"}, "colour", "method, terms, rate, ", "an unknown one"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(
    change: dict[str, Any], path: str, expected: str, got: str
) -> None:
    with pytest.raises(ProductError) as refused:
        Product.from_json(PLAIN | change)

    assert refused.value.field == path
    assert expected in refused.value.expected
    assert got in refused.value.got
    str(refused.value).encode()


@pytest.mark.parametrize("name", ["method", "terms", "rate"])
def test_a_field_without_a_default_must_come(name: str) -> None:
    with pytest.raises(ProductError) as refused:
        Product.from_json({key: value for key, value in PLAIN.items() if key != name})

    assert (refused.value.field, refused.value.got) == (name, "nothing")


def test_a_product_made_in_code_is_checked_like_one_from_json() -> None:
    with pytest.raises(ProductError, match="rate: expected"):
        Product(method=Method.FLAT, terms=3, rate="2")
    with pytest.raises(ProductError, match=r"penalty\.grace_days"):
        Penalty(grace_days=-1)
    with pytest.raises(ProductError, match=r"limits\.max_minor"):
        Limits(2, 1)
    with pytest.raises(ProductError, match="terms"):
        dataclasses.replace(PRODUCTS["jiebei-like"], terms=0)


def test_a_deep_or_huge_value_is_refused_and_not_printed() -> None:
    deep: list[Any] = []
    for _ in range(2 * sys.getrecursionlimit()):
        deep = [deep]

    with pytest.raises(ProductError) as refused:
        Product.from_json(PLAIN | {"rate": deep})
    assert refused.value.got == "an array"
    with pytest.raises(ProductError) as refused:
        Product.from_json(PLAIN | {"\ud800" * 50_000: 1})
    assert len(str(refused.value)) < 500
    with pytest.raises(ProductError) as refused:
        Product.from_json([PLAIN])
    assert refused.value.field == "product"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_comes_for_a_field_is_a_product_or_a_named_refusal(value: Any) -> None:
    for name in PRODUCTS["jiebei-like"].to_json():
        try:
            product = Product.from_json(PLAIN | {name: value})
        except ProductError as refused:
            blamed = refused.field
        else:
            blamed = name
            assert Product.from_json(product.to_json()) == product
        assert blamed.startswith((name, "term_length"))


@pytest.mark.parametrize(("day_count", "days"), [("actual/365", 365), ("actual/360", 360), ("30/360", 360)])
def test_a_daily_rate_is_one_of_the_days_its_day_count_has(day_count: str, days: int) -> None:
    by_the_day = Product.from_json(PLAIN | {"rate": "0.0005", "rate_unit": "daily", "day_count": day_count})
    by_the_year = Product.from_json(PLAIN | {"rate": "0.18", "day_count": day_count})

    assert by_the_day.daily_rate() == Fraction("0.0005")
    assert by_the_day.annual_rate() == Fraction("0.0005") * days
    assert by_the_year.daily_rate() == Fraction("0.18") / days
    assert by_the_year.penalty_rate() == Fraction("0.27") / days


def test_a_bucket_knows_when_it_is_due_and_what_it_holds() -> None:
    assert [(bucket.timing, bucket.part) for bucket in Bucket] == [
        (timing, part)
        for timing in ("overdue", "due", "in_advance")
        for part in ("penalty", "fee", "interest", "principal")
    ]
