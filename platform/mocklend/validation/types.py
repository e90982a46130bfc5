"""The types of bodies and queries. Strict: `true`, `3.0` and `"5"` are not integers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Body(BaseModel):
    """A JSON object or a query string: known fields only."""

    # What reads a body is built when the first one comes: for all of them, that takes much of a server's start.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def unexpected(expected: str) -> PydanticCustomError:
    """Return the error of a value that is not `expected`."""
    return PydanticCustomError("unexpected", "expected {expected}", {"expected": expected})


def bounded_int(low: int, high: int) -> Any:
    """An integer within bounds, and not a value that can be converted into one."""
    return Field(strict=True, ge=low, le=high)


def bounded_str(longest: int, shortest: int = 1, pattern: str | None = None) -> Any:
    """A string of `shortest` to `longest` characters that matches the whole pattern."""
    return Field(min_length=shortest or None, max_length=longest, pattern=None if pattern is None else f"^{pattern}$")


def exact_ratio(value: object) -> Decimal:
    """Return a number from 0 to 1 as the decimal that was written: 0.1 is a tenth, not the nearest double."""
    if type(value) not in (int, float) or not 0 <= value <= 1:  # type: ignore[operator]
        raise unexpected("a number from 0 to 1")
    return Decimal(str(value))


RATIO_SCHEMA: JsonSchemaValue = {"type": "number", "minimum": 0, "maximum": 1}
Ratio = Annotated[
    Decimal, PlainValidator(exact_ratio), PlainSerializer(float, return_type=float), WithJsonSchema(RATIO_SCHEMA)
]
"""A number from 0 to 1. Never an amount of money."""


@dataclass(frozen=True, slots=True)
class Means:
    """The meaning of a type, wherever it is used; `Field(description=...)` describes one field."""

    text: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"description": self.text}


@dataclass(frozen=True, slots=True)
class Expecting:
    """What a type expects, in a few words, if its schema would not be readable: a pattern, for example."""

    text: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(
            handler(source),
            custom_error_type="unexpected",
            custom_error_message="expected {expected}",
            custom_error_context={"expected": self.text},
        )


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words that are known only at run time; otherwise use an enumeration."""

    words: tuple[str, ...]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema([str(word) for word in self.words])
