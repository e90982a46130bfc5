"""The types that request bodies and queries are made of. Strict: `true`, `3.0` and `"5"` are no integers.

Each type says in one sentence what it expects, for `errors` in the answer, and in JSON Schema, for the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mocklend.domain.money import EXPONENTS, MAX_MINOR
from mocklend.domain.names import did_you_mean
from mocklend.domain.people import person
from mocklend.receivers import URL_MAX, URL_PATTERN, url_expected
from mocklend.sandboxes.moments import LAST_MS, parse_duration, parse_rfc3339

SAFE_ID = r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,79}"
"""What an id can look like: no more than this ever reaches the database as one."""

DIGITS = re.compile(r"-?[0-9]{1,18}")


class Body(BaseModel):
    """A JSON object or a query string: known fields only."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Doc(BaseModel):
    """A JSON object that we answer with. It documents, and is not run: fields may be added at any time."""

    model_config = ConfigDict(extra="allow")


def unexpected(expected: str) -> PydanticCustomError:
    """The error of a value that is not `expected`."""
    return PydanticCustomError("unexpected", "expected {expected}", {"expected": expected})


@dataclass(frozen=True, slots=True)
class Means:
    """What a type means, wherever it stands; `Field(description=...)` says it of one field."""

    text: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"description": self.text}


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer within bounds, and nothing that merely looks like one. `text` is for queries: decimal digits."""

    low: int
    high: int
    text: bool = False

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def _read(self, value: object) -> int:
        if self.text and isinstance(value, str) and DIGITS.fullmatch(value):
            value = int(value)
        if type(value) is not int or not self.low <= value <= self.high:
            raise unexpected(f"an integer from {self.low} to {self.high}")
        return value


@dataclass(frozen=True, slots=True)
class Share:
    """A number from 0 to 1, read as the decimal that was written. No money is counted with it."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "number", "minimum": 0, "maximum": 1}

    def _read(self, value: object) -> Decimal:
        if type(value) not in (int, float) or not 0 <= value <= 1:  # type: ignore[operator]
            raise unexpected("a number from 0 to 1")
        return Decimal(str(value))


@dataclass(frozen=True, slots=True)
class Text:
    """A string of some length that matches a pattern."""

    longest: int
    shortest: int = 1
    pattern: str | None = None
    called: str | None = None

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        matcher = re.compile(self.pattern) if self.pattern else None
        expected = self.called or f"a string of {self.shortest} to {self.longest} characters"

        def read(value: object) -> str:
            if (
                not isinstance(value, str)
                or not self.shortest <= len(value) <= self.longest
                or (matcher is not None and not matcher.fullmatch(value))
            ):
                raise unexpected(expected)
            return value

        return core_schema.no_info_plain_validator_function(read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema: JsonSchemaValue = {"type": "string", "minLength": self.shortest, "maxLength": self.longest}
        return schema | ({"pattern": f"^{self.pattern}$"} if self.pattern else {})


@dataclass(frozen=True, slots=True)
class UrlText:
    """A URL to which requests can be sent."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> str:
            expected = url_expected(value) if isinstance(value, str) else "a URL"
            if expected is not None:
                raise unexpected(expected)
            return str(value)

        return core_schema.no_info_plain_validator_function(read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "maxLength": URL_MAX, "pattern": f"^{URL_PATTERN}$"}


@dataclass(frozen=True, slots=True)
class PersonsName:
    """The name of somebody on the staff: a string in which something can be seen."""

    longest: int

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> str:
            if not isinstance(value, str) or not len(value) <= self.longest or not person(value):
                raise unexpected(f"a person's name of at most {self.longest} characters, not only blanks")
            return value

        return core_schema.no_info_plain_validator_function(read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "maxLength": self.longest, "pattern": r"\S"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        known = frozenset(self.words)

        def read(value: object) -> str:
            if not isinstance(value, str) or value not in known:
                raise unexpected(f"one of {', '.join(self.words)}{did_you_mean(value, self.words)}")
            return value

        return core_schema.no_info_plain_validator_function(read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A string that some function reads: a date, a moment, a duration. ValueError means that it is none."""

    parse: Callable[[str], Any]
    called: str
    format: str

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> Any:
            try:
                if isinstance(value, str) and value.isascii() and len(value) <= 64:
                    return self.parse(value)
            except (ValueError, OverflowError):
                pass
            raise unexpected(self.called)

        return core_schema.no_info_plain_validator_function(read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": self.format}


@dataclass(frozen=True, slots=True)
class LengthOfTime:
    """A length of time, read as milliseconds: a whole number of seconds, or an ISO 8601 duration."""

    most_ms: int

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        seconds = {"type": "integer", "minimum": 0, "maximum": self.most_ms // 1000}
        return {"oneOf": [seconds, {"type": "string", "format": "duration"}], "examples": [90, "PT1H30M", "P1D"]}

    def _read(self, value: object) -> int:
        span_ms = -1
        if type(value) is int:
            span_ms = value * 1000
        elif isinstance(value, str) and value.isascii() and len(value) <= 64:
            try:
                span_ms = parse_duration(value)
            except (ValueError, OverflowError):
                span_ms = -1
        if not 0 <= span_ms <= self.most_ms:
            raise unexpected("seconds, or a duration like PT1H30M or P1D")
        return span_ms


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _read_date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError("not a date")
    return date.fromisoformat(text)


def _read_moment(text: str) -> int:
    if not _MOMENT.fullmatch(text):
        raise ValueError("not a moment")
    return parse_rfc3339(text.upper())


MinorAmount = Annotated[int, Whole(1, MAX_MINOR)]
"""An amount of money that moves."""
RelativeMinor = Annotated[int, Whole(-MAX_MINOR, MAX_MINOR)]
"""An amount that is added or taken off."""
LimitMinor = Annotated[int, Whole(0, MAX_MINOR)]
Seed = Annotated[int, Whole(0, 2**63 - 1)]
PageSize = Annotated[int, Whole(1, 500, text=True), Means("How many entries a page has at most.")]
Currency = Annotated[
    str, Choice(tuple(EXPONENTS)), Means("The currency of the amounts beside it, by its ISO 4217 code.")
]
Id = Annotated[str, Text(80, pattern=SAFE_ID, called="an id: letters, digits, _ . - and at most 80 of them")]
Reference = Annotated[str, Text(128)]
Name = Annotated[str, Text(200)]
Person = Annotated[str, PersonsName(200)]
"""An operator or approver. Two spellings of one name are one person."""
Memo = Annotated[str, Text(1000), Means("Why it is done, in a sentence.")]
BusinessDate = Annotated[date, Parsed(_read_date, "a date like 2026-01-05", "date")]
Moment = Annotated[int, Parsed(_read_moment, "a moment like 2026-01-05T02:00:00Z, from 1970 to 3000", "date-time")]
Span = Annotated[int, LengthOfTime(LAST_MS)]
"""In milliseconds."""
