"""Whom a rule is about: conditions on the fields of a seam, in the words that WireMock users know.

        {"channel": "wallet", "amount_minor": {"gte": 10000, "lt": 50000}, "before.status": {"in": ["USING", "OVD"]}}

All conditions must hold. A plain value is short for `equal_to`; a dotted name looks into a mapping. A field without a
value meets `absent`, `not_equal_to` and `not_in`, and nothing else. Read once, compiled to a tuple of callables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache, partial
from typing import Annotated, Any, Generic, Literal, TypeVar, get_type_hints

import re2
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

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
"""What one compiled pattern may take of memory. `(a{1000}){1000}` would take more, and is refused."""


# --- what may be asked of a field, by what it holds ---


def _compiled(source: str) -> Any:
    """A regular expression for the whole value, for an engine whose time grows with the value's length alone.

    One that tries all ways may take for ever, and would hold up every sandbox meanwhile. So there is neither a
    back-reference nor a look-around.
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
        said = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise unexpected(f"a regular expression of RE2, without look-around or back-reference ({said})") from None
    return source


def _text_or_integer(value: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise unexpected("a text or an integer")
    return value


def _operator(description: str, alias: str | None = None) -> Any:
    """An operator that need not be there; where it is there, null is no operand."""
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
    """What may be asked of a field that holds a mapping."""

    absent: Literal[True] = _operator("The field has no value.")
    present: Literal[True] = _operator("The field has a value.")


class OnText(Presence, _OfText, _Equality[Text]):
    """What may be asked of a field that holds a text."""


class OnNumber(Presence, _OfNumbers, _Equality[Number]):
    """What may be asked of a field that holds a number."""


class OnAnything(Presence, _OfNumbers, _OfText, _Equality[TextOrInteger]):
    """What the field must be. All of it must hold."""


READERS: Mapping[type, Reader[Any]] = {
    str: Reader(OnText), int: Reader(OnNumber), Mapping: Reader(Presence), object: Reader(OnAnything)
}  # fmt: skip
"""Who reads the operators on a field, by what the field holds."""

MATCH_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Whom the rule is about: conditions on the fields of the fault's seams, all of which must hold. "
    "A dotted name looks into a mapping.",
    "additionalProperties": {
        "anyOf": [
            {"type": ["string", "integer"], "description": "Short for `equal_to`."},
            schema_of(OnAnything),
        ]
    },
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one field, as given, and as a predicate on the field's value."""

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
        """Read the conditions of a rule whose fault acts at these seams. Refused with every field that is wrong."""
        try:
            return cls.parse(raw, seams)
        except Invalid as wrong:
            raise invalid_fields(wrong, "match") from None

    @classmethod
    def parse(cls, raw: object, seams: tuple[str, ...]) -> Match:
        """Read the conditions. Invalid with every field that is wrong."""
        if not isinstance(raw, Mapping):
            raise Invalid(FieldError("", "an object", raw))
        known = known_fields(seams)
        conditions: list[Condition] = []
        errors: list[FieldError] = []
        for name, wanted in raw.items():
            kind = _kind_of(name, known)
            if kind is None:
                errors.append(FieldError(storable(str(name)), no_field_but(sorted(known), name), wanted))
                continue
            given = wanted if isinstance(wanted, Mapping) else {"equal_to": wanted}
            read = attempt(name, partial(READERS[kind].parse, given), errors)
            if read is not None:
                operands = read.model_dump(by_alias=True, exclude_unset=True)
                conditions += [Condition(name, one, operands[one], OPERATORS[one](operands[one])) for one in given]
        if errors:
            raise Invalid(*errors)
        return cls(tuple(conditions))

    def to_json(self) -> dict[str, Any]:
        """The conditions, in the long form."""
        document: dict[str, Any] = {}
        for condition in self.conditions:
            document.setdefault(condition.field, {})[condition.operator] = condition.operand
        return document

    def compiled(self, seam: str) -> tuple[Check, ...]:
        """What to ask of an event at this seam. A field that this seam lacks counts as absent."""
        own = known_fields((seam,))
        return tuple(_check(condition, own) for condition in self.conditions)


@cache
def known_fields(seams: tuple[str, ...]) -> Mapping[str, type]:
    """The fields of these seams and what they hold: `str`, `int` or a `Mapping`."""
    found: dict[str, type] = {}
    for seam in seams:
        hints = get_type_hints(SEAMS[seam])
        for field in fields(SEAMS[seam]):
            holds = hints[field.name]
            found[field.name] = next((kind for kind in (int, str) if holds in (kind, kind | None)), Mapping)
    return found


def _kind_of(name: str, known: Mapping[str, type]) -> type | None:
    """What a field holds; `object` inside a mapping, where anything may be. None if there is no such field."""
    head, _, rest = name.partition(".")
    if head not in known:
        return None
    if not rest:
        return known[head]
    return object if known[head] is Mapping else None


def _check(condition: Condition, own: Mapping[str, type]) -> Check:
    first, *rest = condition.field.split(".")
    holds = condition.holds
    if first not in own:
        answer = holds(None)
        return lambda given: answer
    if not rest:
        return lambda given: holds(getattr(given, first))

    def inside(given: Any) -> bool:
        value = getattr(given, first)
        for key in rest:
            value = value.get(key) if isinstance(value, Mapping) else None
        return holds(value)

    return inside


# --- the operators: operand -> predicate ---


def _in(operand: list[Any]) -> Predicate:
    wanted = frozenset(operand)
    return lambda value: value in wanted


def _not_in(operand: list[Any]) -> Predicate:
    unwanted = frozenset(operand)
    return lambda value: value not in unwanted


def _matches(operand: str) -> Predicate:
    pattern = _compiled(operand)
    return lambda value: isinstance(value, str) and pattern.fullmatch(value[:SUBJECT_LENGTH]) is not None


def _ordered(compare: Callable[[int, int], bool]) -> Callable[[int], Predicate]:
    def read(bound: int) -> Predicate:
        return lambda value: isinstance(value, int) and not isinstance(value, bool) and compare(value, bound)

    return read


OPERATORS: dict[str, Callable[[Any], Predicate]] = {
    "equal_to": lambda wanted: lambda value: bool(value == wanted),
    "not_equal_to": lambda unwanted: lambda value: bool(value != unwanted),
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
