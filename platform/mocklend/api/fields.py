"""The field types of request bodies and queries."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema

from mocklend.domain.money import EXPONENTS, MAX_MINOR
from mocklend.domain.people import person
from mocklend.receivers import URL_MAX, URL_PATTERN, url_expected
from mocklend.sandboxes.timestamps import LAST_MS, Span, parse_duration, parse_rfc3339, parse_span
from mocklend.validation import Expecting, Means, OneOf, bounded_int, bounded_str, unexpected

SAFE_ID = r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,79}"
"""The form of an id. Nothing else reaches the database as an id."""

PERSON_MAX = 200
PARSED_MAX = 64
"""The greatest length of a date, moment or duration, in characters."""

_DIGITS = re.compile(r"-?[0-9]{1,18}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Doc(BaseModel):
    """A JSON object of a response. It only documents; fields may be added at any time."""

    model_config = ConfigDict(extra="allow")


def _digits(value: object) -> object:
    """An integer of a query, from its decimal digits. Any other value is returned as it is, and refused later."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


A_MOMENT = "a moment like 2026-01-05T02:00:00Z, from 1970 to 3000"


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError("not a date")
    return date.fromisoformat(text)


def _moment(text: str) -> int:
    if not _MOMENT.fullmatch(text):
        raise ValueError("not a moment")
    return parse_rfc3339(text.upper())


def _duration(value: object) -> int:
    """Milliseconds, from 0 to LAST_MS, of a whole number of seconds or an ISO 8601 duration."""
    expected = "seconds, or a duration like PT1H30M or P1D"
    span_ms = value * 1000 if type(value) is int else _parsed(parse_duration, expected)(value)
    if not 0 <= span_ms <= LAST_MS:
        raise unexpected(expected)
    return int(span_ms)


def _span(value: object) -> Span:
    """A duration of the calendar: seconds, or ISO 8601."""
    expected = "seconds, or a duration like PT1H30M, P1D, P1M or P1Y6M"
    span = Span(0, value * 1000) if type(value) is int else _parsed(parse_span, expected)(value)
    if not 0 <= span.ms <= LAST_MS:
        raise unexpected(expected)
    return Span(*span)


def _moment_or_next(value: object) -> int | str:
    moment: int | str = value if value == "next" else _parsed(_moment, A_MOMENT + ", or next")(value)
    return moment


def _parsed(parse: Callable[[str], Any], expected: str) -> Callable[[object], Any]:
    """A validator of short ASCII strings that `parse` accepts. `parse` raises ValueError for anything else."""

    def read(value: object) -> Any:
        try:
            if isinstance(value, str) and value.isascii() and len(value) <= PARSED_MAX:
                return parse(value)
        except (ValueError, OverflowError):
            pass
        raise unexpected(expected)

    return read


def _url(value: object) -> str:
    """A URL to which requests can be sent."""
    expected = url_expected(value) if isinstance(value, str) else "a URL"
    if expected is not None:
        raise unexpected(expected)
    return str(value)


def _person(value: object) -> str:
    """The name of a staff member: a string with at least one visible character."""
    if not isinstance(value, str) or not len(value) <= PERSON_MAX or not person(value):
        raise unexpected(f"a person's name of at most {PERSON_MAX} characters, not only blanks")
    return value


MinorAmount = Annotated[int, bounded_int(1, MAX_MINOR)]
"""An amount of a payment, charge or loan, from 1, in minor units."""
RelativeMinor = Annotated[int, bounded_int(-MAX_MINOR, MAX_MINOR)]
"""A change of an amount, in minor units; below zero it decreases the amount."""
LimitMinor = Annotated[int, bounded_int(0, MAX_MINOR)]
SEED_MAX = 2**63 - 1
Seed = Annotated[int, bounded_int(0, SEED_MAX)]
Second = Annotated[int, bounded_int(0, LAST_MS // 1000), BeforeValidator(_digits), Means("A second since 1970.")]
PageSize = Annotated[
    int, bounded_int(1, 500), BeforeValidator(_digits), Means("The greatest number of entries on a page.")
]
HttpStatus = Annotated[int, bounded_int(100, 599), BeforeValidator(_digits), Means("An HTTP status, such as 404.")]
Currency = Annotated[
    str, OneOf(tuple(EXPONENTS)), Means("The currency of the amounts beside it, by its ISO 4217 code.")
]
Id = Annotated[
    str,
    bounded_str(80, pattern=SAFE_ID),
    Expecting("an id: letters, digits, _ . - and at most 80 of them"),
]
Reference = Annotated[str, bounded_str(128)]
Name = Annotated[str, bounded_str(200)]
Memo = Annotated[str, bounded_str(1000), Means("The reason, in a sentence.")]
Person = Annotated[
    str,
    PlainValidator(_person),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": PERSON_MAX, "pattern": r"\S"}),
]
"""An operator or approver. Names that differ only in spelling mean one person (see `domain.people`)."""
Url = Annotated[
    str,
    PlainValidator(_url),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": URL_MAX, "pattern": f"^{URL_PATTERN}$"}),
]
BusinessDate = Annotated[
    date,
    PlainValidator(_parsed(_date, "a date like 2026-01-05")),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Moment = Annotated[
    int,
    PlainValidator(_parsed(_moment, A_MOMENT)),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Duration = Annotated[
    int,
    PlainValidator(_duration),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "integer", "minimum": 0, "maximum": LAST_MS // 1000},
                {"type": "string", "format": "duration"},
            ],
            "examples": [90, "PT1H30M", "P1D"],
        }
    ),
]
"""A duration in milliseconds."""
SpanOfTime = Annotated[
    Span,
    PlainValidator(_span),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "integer", "minimum": 0, "maximum": LAST_MS // 1000},
                {"type": "string", "format": "duration"},
            ],
            "examples": [90, "PT1H30M", "P1D", "P1M"],
        }
    ),
]
"""A duration, also in months and years of the calendar."""
MomentOrNext = Annotated[
    int | str,
    PlainValidator(_moment_or_next),
    WithJsonSchema({"oneOf": [{"type": "string", "format": "date-time"}, {"const": "next"}]}),
]
"""A moment in milliseconds, or `next`."""
