"""Reading JSON as a function, and its laws."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.api.json_body import DEPTH_MAX, MEMBERS_MAX, VALUES_MAX, parse
from mocklend.domain.problems import Refused
from mocklend.validation import storable

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_characters="\0", codec="utf-8")), inner)
    ),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_every_json_value_is_read_unchanged(document: object, escaped: bool) -> None:
    assert parse(json.dumps(document, ensure_ascii=escaped).encode()) == document


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        parse(body)
    except Refused as refused:
        assert refused.problem.status in (400, 413, 422)


@given(st.text(st.sampled_from('[]{}":,\\1a ')))
def test_brackets_and_quotes_in_any_order_are_read_or_refused(text: str) -> None:
    try:
        parse(text.encode())
    except Refused as refused:
        assert refused.code in ("body_not_json", "body_too_deep")


@pytest.mark.parametrize("depth", [1, DEPTH_MAX, DEPTH_MAX + 1, 1000, 32_000])
def test_too_deep_json_is_refused_without_recursion(depth: int) -> None:
    body = b"[" * depth + b"]" * depth

    if depth <= DEPTH_MAX:
        parse(body)
    else:
        with pytest.raises(Refused, match="body_too_deep"):
            parse(body)


WIDE = 16 * 1024 * 1024
FINDING = b'{"class": "timing", "entity": "a"},'


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * (WIDE // 3) + b"[]]",
        b"[" + b"{}," * (WIDE // 3) + b"{}]",
        b"[" + b"1000," * (WIDE // 5) + b"1]",
        pytest.param(b'{"findings": [' + FINDING * (WIDE // len(FINDING)) + b"{}]}", marks=pytest.mark.long),
        pytest.param(b"{" + b",".join(b'"%x":1' % n for n in range(1_200_000)) + b"}", marks=pytest.mark.long),
    ],
    ids=["arrays", "objects", "numbers", "findings", "names"],
)
def test_a_body_of_millions_of_values_is_refused_before_it_is_parsed(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match="body_too_many_values"):
            parse(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1024 * 1024


def test_commas_in_strings_are_not_counted_as_values() -> None:
    texts = ["[,{" * 1_000] * (VALUES_MAX // 1_000)

    assert parse(json.dumps(texts).encode()) == texts
    assert len(parse(b"[" + b"1," * (VALUES_MAX - 2) + b"1]")) == VALUES_MAX - 1
    with pytest.raises(Refused, match="body_too_many_values"):
        parse(b"[" + b"1," * (VALUES_MAX - 1) + b"1]")


def test_the_number_of_names_of_an_object_is_limited() -> None:
    body = json.dumps({str(n): n for n in range(MEMBERS_MAX + 1)}).encode()

    with pytest.raises(Refused, match="body_too_many_values"):
        parse(body)


def test_brackets_in_strings_do_not_count_as_depth() -> None:
    assert parse(json.dumps(["[" * 100, '"[' * 100, "\\" * 3 + "{" * 100]).encode())


@given(st.text(st.characters()))
def test_a_refused_value_is_shown_as_short_valid_text(text: str) -> None:
    text_stored = storable(text)

    assert "\0" not in text_stored
    assert len(text_stored) <= 80
    text_stored.encode()
