"""Whom a rule is about: conditions on the fields of a seam, in the words that WireMock users know.

        {"channel": "wallet", "amount_minor": {"gte": 10000, "lt": 50000}, "before.status": {"in": ["USING", "OVD"]}}

All conditions must hold. A plain value is short for `equal_to`; a dotted name looks into a mapping. A field without a
value meets `absent`, `not_equal_to` and `not_in`, and nothing else. Read once, compiled to a tuple of callables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, get_type_hints

import re2

from mocklend.seams import SEAMS
from mocklend_faults.engine.strict import MOST, mapping, one_of, text, whole, wrong

Check = Callable[[Any], bool]
Predicate = Callable[[Any], bool]

PATTERN_LENGTH = 200
SUBJECT_LENGTH = 256
PATTERN_BYTES = 1 << 20
"""What one compiled pattern may take of memory. `(a{1000}){1000}` would take more, and is refused."""


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
    def from_json(cls, raw: Any, seams: tuple[str, ...], at: str = "match") -> Match:
        """Read the conditions of a rule whose fault acts at these seams."""
        known = known_fields(seams)
        found = []
        for name, wanted in mapping(raw, at).items():
            here = f"{at}.{name}"
            kind = _kind_of(name, known)
            if kind is None:
                raise wrong(here, expected=one_of(sorted(known), name), received=name)
            operators = wanted if isinstance(wanted, Mapping) else {"equal_to": wanted}
            for operator, operand in mapping(operators, here, OPERATORS).items():
                holds = OPERATORS[operator](operand, f"{here}.{operator}", kind)
                found.append(Condition(name, operator, operand, holds))
        return cls(tuple(found))

    def to_json(self) -> dict[str, Any]:
        """The conditions, in the long form."""
        document: dict[str, Any] = {}
        for one in self.conditions:
            document.setdefault(one.field, {})[one.operator] = one.operand
        return document

    def compiled(self, seam: str) -> tuple[Check, ...]:
        """What to ask of an event at this seam. A field that this seam lacks counts as absent."""
        own = known_fields((seam,))
        return tuple(_check(one, own) for one in self.conditions)


@cache
def known_fields(seams: tuple[str, ...]) -> Mapping[str, type]:
    """The fields of these seams and what they hold: `str`, `int` or a `Mapping`."""
    found: dict[str, type] = {}
    for seam in seams:
        hints = get_type_hints(SEAMS[seam])
        for one in fields(SEAMS[seam]):
            holds = hints[one.name]
            found[one.name] = next((kind for kind in (int, str) if holds in (kind, kind | None)), Mapping)
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


# --- the operators: (operand, where it stands, what the field holds) -> predicate ---


def _value(operand: Any, at: str, kind: type) -> Any:
    """A value that the field could have."""
    if kind is int:
        return whole(operand, at, least=-MOST)
    if kind is str:
        return text(operand, at)
    if kind is object and not isinstance(operand, bool) and isinstance(operand, int | str):
        return operand
    raise wrong(at, expected="a text or an integer" if kind is object else "absent or present", received=operand)


def _values(operand: Any, at: str, kind: type) -> tuple[Any, ...]:
    if not isinstance(operand, list) or not 0 < len(operand) <= 1_000:
        raise wrong(at, expected="a list of 1 to 1000 values", received=operand)
    return tuple(_value(one, f"{at}[{n}]", kind) for n, one in enumerate(operand))


def _equal_to(operand: Any, at: str, kind: type) -> Predicate:
    wanted = _value(operand, at, kind)
    return lambda value: bool(value == wanted)


def _not_equal_to(operand: Any, at: str, kind: type) -> Predicate:
    unwanted = _value(operand, at, kind)
    return lambda value: bool(value != unwanted)


def _in(operand: Any, at: str, kind: type) -> Predicate:
    wanted = frozenset(_values(operand, at, kind))
    return lambda value: value in wanted


def _not_in(operand: Any, at: str, kind: type) -> Predicate:
    unwanted = frozenset(_values(operand, at, kind))
    return lambda value: value not in unwanted


def _matches(operand: Any, at: str, kind: type) -> Predicate:
    pattern = _pattern(_text_operand(operand, at, kind), at)
    return lambda value: isinstance(value, str) and pattern.fullmatch(value[:SUBJECT_LENGTH]) is not None


def _contains(operand: Any, at: str, kind: type) -> Predicate:
    part = _text_operand(operand, at, kind)
    return lambda value: isinstance(value, str) and part in value


def _text_operand(operand: Any, at: str, kind: type) -> str:
    if kind not in (str, object):
        raise wrong(at, expected="an operator for what the field holds, which is no text", received=operand)
    return text(operand, at, most=PATTERN_LENGTH)


def _pattern(source: str, at: str) -> Any:
    """A regular expression for the whole value, for an engine whose time grows with the value's length alone.

    One that tries all ways may take for ever, and would hold up every sandbox meanwhile. So there is neither a
    back-reference nor a look-around.
    """
    try:
        return re2.compile(source, _options())
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise wrong(
            at, expected=f"a regular expression of RE2, without look-around or back-reference ({said})", received=source
        ) from None


@cache
def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_BYTES
    return options


def _ordered(compare: Callable[[int, int], bool]) -> Callable[[Any, str, type], Predicate]:
    def read(operand: Any, at: str, kind: type) -> Predicate:
        if kind not in (int, object):
            raise wrong(at, expected="an operator for what the field holds, which is no number", received=operand)
        bound = whole(operand, at, least=-MOST)
        return lambda value: isinstance(value, int) and not isinstance(value, bool) and compare(value, bound)

    return read


def _presence(wanted: bool) -> Callable[[Any, str, type], Predicate]:
    def read(operand: Any, at: str, kind: type) -> Predicate:
        if operand is not True:
            raise wrong(at, expected="true", received=operand)
        return lambda value: (value is not None) is wanted

    return read


OPERATORS: dict[str, Callable[[Any, str, type], Predicate]] = {
    "equal_to": _equal_to,
    "not_equal_to": _not_equal_to,
    "in": _in,
    "not_in": _not_in,
    "matches": _matches,
    "contains": _contains,
    "gt": _ordered(lambda value, bound: value > bound),
    "gte": _ordered(lambda value, bound: value >= bound),
    "lt": _ordered(lambda value, bound: value < bound),
    "lte": _ordered(lambda value, bound: value <= bound),
    "absent": _presence(False),
    "present": _presence(True),
}
