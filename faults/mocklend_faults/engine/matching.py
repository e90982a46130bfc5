"""Which events a rule matches: conditions on the fields of a seam, with the operator names of WireMock.

        {"channel": "wallet", "amount_minor": {"gte": 10000, "lt": 50000}, "before.status": {"in": ["USING", "OVD"]}}

All conditions must hold. A plain value is short for `equal_to`; a dotted name reads a key of a mapping. A field without
a value meets `absent`, `not_equal_to` and `not_in`, and nothing else. Read once, compiled to a tuple of callables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache, partial
from typing import Annotated, Any, Generic, Literal, TypeVar, get_type_hints

import re2
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from mocklend.domain.nouns import JsonObject
from mocklend.domain.problems import FieldError, Invalid
from mocklend.seams import SEAMS
from mocklend.validation import (
    Body,
    Reader,
    attempt,
    bounded_int,
    bounded_str,
    invalid_fields,
    no_field_but,
    schema_of,
    storable,
    unexpected,
)

Check = Callable[[Any], bool]
Predicate = Callable[[Any], bool]

TEXT_LENGTH = 200
PATTERN_LENGTH = 200
SUBJECT_LENGTH = 256
VALUES_MAX = 1_000
NUMBER_MAX = 2**63 - 1
PATTERN_BYTES = 1 << 20
"""How much memory one compiled pattern may take. `(a{1000}){1000}` would take more, and is refused."""


# --- the operators on a field, by the type of its values ---


def _compiled(source: str) -> Any:
    """A regular expression for the whole value, in an engine whose time grows linearly with the value's length.

    A backtracking engine can take exponential time, and would block every sandbox meanwhile. So RE2 is used, which has
    neither back-references nor look-around.
    """
    return re2.compile(source, _options())


@cache
def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_BYTES
    return options


def _pattern(source: str) -> str:
    try:
        _compiled(source)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise unexpected(f"a regular expression of RE2, without look-around or back-reference ({reason})") from None
    return source


def _text_or_integer(value: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise unexpected("a text or an integer")
    return value


def _operator(description: str, alias: str | None = None) -> Any:
    """An optional operator; null is no operand."""
    return Field(default=None, alias=alias, description=description)


Text = Annotated[str, bounded_str(TEXT_LENGTH, shortest=0)]
Number = Annotated[int, bounded_int(-NUMBER_MAX, NUMBER_MAX)]
TextOrInteger = Annotated[int | str, PlainValidator(_text_or_integer), WithJsonSchema({"type": ["string", "integer"]})]
V = TypeVar("V")
Values = Annotated[list[V], Field(min_length=1, max_length=VALUES_MAX)]


class _Equality(Body, Generic[V]):
    equal_to: V = _operator("The field has this value.")
    not_equal_to: V = _operator("The field has another value, or none.")
    in_: Values[V] = _operator("The field has one of these values.", "in")
    not_in: Values[V] = _operator("The field has none of these values.")


class _OfText(Body):
    matches: Annotated[str, bounded_str(PATTERN_LENGTH, shortest=0), AfterValidator(_pattern)] = _operator(
        "The whole text fits this regular expression of RE2."
    )
    contains: Annotated[str, bounded_str(PATTERN_LENGTH, shortest=0)] = _operator("The text contains this one.")


class _OfNumbers(Body):
    gt: Number = _operator("The number is greater.")
    gte: Number = _operator("The number is greater or equal.")
    lt: Number = _operator("The number is less.")
    lte: Number = _operator("The number is less or equal.")


class Presence(Body):
    """The operators on a field that holds a mapping."""

    absent: Literal[True] = _operator("The field has no value.")
    present: Literal[True] = _operator("The field has a value.")


class OnText(Presence, _OfText, _Equality[Text]):
    """The operators on a field that holds a text."""


class OnNumber(Presence, _OfNumbers, _Equality[Number]):
    """The operators on a field that holds a number."""


class OnAnything(Presence, _OfNumbers, _OfText, _Equality[TextOrInteger]):
    """The operators on a field, all of which must hold."""


READERS: Mapping[type, Reader[Any]] = {
    str: Reader(OnText), int: Reader(OnNumber), Mapping: Reader(Presence), object: Reader(OnAnything)
}  # fmt: skip
"""The reader of the operators on a field, by the type of its values."""

MATCH_SCHEMA: JsonObject = {
    "type": "object",
    "description": "Which events the rule matches: conditions on the fields of the fault's seams, all of which must "
    "hold. A dotted name reads a key of a mapping.",
    "additionalProperties": {
        "anyOf": [
            {"type": ["string", "integer"], "description": "Short for `equal_to`."},
            schema_of(OnAnything),
        ]
    },
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one field, as the client sent it, and as a predicate on the field's value."""

    field: str
    operator: str
    operand: Any
    holds: Predicate


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions that must all hold. With none, everything matches."""

    conditions: tuple[Condition, ...] = ()

    @classmethod
    def from_json(cls, raw: object, seams: tuple[str, ...]) -> Match:
        """Read the conditions of a rule whose fault acts at these seams. Raises Refused `validation_failed`."""
        try:
            return cls.parse(raw, seams)
        except Invalid as wrong:
            raise invalid_fields(wrong, "match") from None

    @classmethod
    def parse(cls, raw: object, seams: tuple[str, ...]) -> Match:
        """Read the conditions. Raises Invalid with every wrong field."""
        if not isinstance(raw, Mapping):
            raise Invalid(FieldError("", "an object", raw))
        types = known_fields(seams)
        conditions: list[Condition] = []
        errors: list[FieldError] = []
        for name, operators in raw.items():
            kind = _kind_of(name, types)
            if kind is None:
                errors.append(FieldError(storable(str(name)), no_field_but(sorted(types), name), operators))
                continue
            by_operator = operators if isinstance(operators, Mapping) else {"equal_to": operators}
            read = attempt(name, partial(READERS[kind].parse, by_operator), errors)
            if read is not None:
                operands = read.model_dump(by_alias=True, exclude_unset=True)
                conditions += [
                    Condition(name, operator, operands[operator], OPERATORS[operator](operands[operator]))
                    for operator in by_operator
                ]
        if errors:
            raise Invalid(*errors)
        return cls(tuple(conditions))

    def to_json(self) -> dict[str, dict[str, object]]:
        """The conditions in the long form: `{field: {operator: operand}}`."""
        document: dict[str, dict[str, object]] = {}
        for condition in self.conditions:
            document.setdefault(condition.field, {})[condition.operator] = condition.operand
        return document

    def compiled(self, seam: str) -> tuple[Check, ...]:
        """The checks on an event at this seam. A field that the seam lacks counts as absent."""
        own = known_fields((seam,))
        return tuple(_check(condition, own) for condition in self.conditions)


@cache
def known_fields(seams: tuple[str, ...]) -> Mapping[str, type]:
    """The fields of these seams and the type of their values: `str`, `int` or `Mapping`."""
    types: dict[str, type] = {}
    for seam in seams:
        hints = get_type_hints(SEAMS[seam])
        for field in fields(SEAMS[seam]):
            holds = hints[field.name]
            types[field.name] = next((kind for kind in (int, str) if holds in (kind, kind | None)), Mapping)
    return types


def _kind_of(name: str, types: Mapping[str, type]) -> type | None:
    """The type of a field's values; `object` for a key of a mapping. None if there is no such field."""
    head, _, rest = name.partition(".")
    if head not in types:
        return None
    if not rest:
        return types[head]
    return object if types[head] is Mapping else None


def _check(condition: Condition, own: Mapping[str, type]) -> Check:
    first, *rest = condition.field.split(".")
    holds = condition.holds
    if first not in own:
        answer = holds(None)
        return lambda event: answer
    if not rest:
        return lambda event: holds(getattr(event, first))

    def inside(event: Any) -> bool:
        value = getattr(event, first)
        for key in rest:
            value = value.get(key) if isinstance(value, Mapping) else None
        return holds(value)

    return inside


# --- the operators: operand -> predicate ---


def _in(operand: list[Any]) -> Predicate:
    values = frozenset(operand)
    return lambda value: value in values


def _not_in(operand: list[Any]) -> Predicate:
    values = frozenset(operand)
    return lambda value: value not in values


def _matches(operand: str) -> Predicate:
    pattern = _compiled(operand)
    return lambda value: isinstance(value, str) and pattern.fullmatch(value[:SUBJECT_LENGTH]) is not None


def _ordered(compare: Callable[[int, int], bool]) -> Callable[[int], Predicate]:
    def read(bound: int) -> Predicate:
        return lambda value: isinstance(value, int) and not isinstance(value, bool) and compare(value, bound)

    return read


OPERATORS: dict[str, Callable[[Any], Predicate]] = {
    "equal_to": lambda operand: lambda value: bool(value == operand),
    "not_equal_to": lambda operand: lambda value: bool(value != operand),
    "in": _in,
    "not_in": _not_in,
    "matches": _matches,
    "contains": lambda part: lambda value: isinstance(value, str) and part in value,
    "gt": _ordered(lambda value, bound: value > bound),
    "gte": _ordered(lambda value, bound: value >= bound),
    "lt": _ordered(lambda value, bound: value < bound),
    "lte": _ordered(lambda value, bound: value <= bound),
    "absent": lambda _true: lambda value: value is None,
    "present": lambda _true: lambda value: value is not None,
}
