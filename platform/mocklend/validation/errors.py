"""The errors of a value, field by field: where, what was expected and what was received.

Pydantic has its own wording. What was expected is derived from the type's JSON Schema instead, so that reading,
documentation and errors come from one declaration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import FieldError, FieldErrorDoc, Invalid, Refused
from mocklend.validation.received import shown, storable

ERRORS_MAX = 20
"""How many wrong fields one answer lists."""

Schema = Mapping[str, Any]
T = TypeVar("T")


def field_errors(error: ValidationError, schema: Callable[[], Schema]) -> list[FieldError]:
    """Return every wrong field, up to ERRORS_MAX. `schema` returns the JSON Schema of what was read."""
    whole = schema()
    listed = error.errors(include_url=False)[:ERRORS_MAX]
    # An array with a wrong entry counts only its right ones, and is then too short as well.
    parents = {details["loc"][:-1] for details in listed}
    return [
        field_error
        for details in listed
        if details["type"] != "too_short" or details["loc"] not in parents
        for field_error in _of(details, whole)
    ]


def _of(details: ErrorDetails, whole: Schema) -> Iterator[FieldError]:
    location, received = details["loc"], details.get("input")
    path = ".".join(storable(str(step)) for step in location)
    context: Mapping[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "missing":
            yield FieldError(path, "a value: the field is required", "nothing")
        case "extra_forbidden" | "unexpected_keyword_argument":
            yield FieldError(
                path, no_field_but(_at(whole, location[:-1]).get("properties", ()), location[-1]), received
            )
        case "value_error" if isinstance(context.get("error"), Invalid):
            yield from (error.within(path) for error in context["error"].errors)
        case _:
            expected = context.get("expected") if details["type"] == "unexpected" else None
            yield FieldError(path, expected or _sentence(_at(whole, location), received) or details["msg"], received)


def no_field_but(fields: Iterable[str], name: object) -> str:
    """Return what was expected instead of a field with this name."""
    names = list(fields)
    return f"no field but {', '.join(names)}{did_you_mean(name, names)}" if names else "no such field"


def _at(whole: Schema, location: tuple[int | str, ...]) -> Schema:
    """Return the schema at a location; an empty one if it is not found."""
    schema = _plain(whole, whole)
    for step in location:
        if isinstance(step, int):
            inner = schema.get("items", {})
        else:
            inner = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
        schema = _plain(inner if isinstance(inner, Mapping) else {}, whole)
    return schema


def _plain(schema: Schema, whole: Schema) -> Schema:
    """Resolve a reference, and remove the null of a nullable schema."""
    if "$ref" in schema:
        siblings = {name: value for name, value in schema.items() if name != "$ref"}
        return {**_plain(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole), **siblings}
    values = [alternative for alternative in schema.get("anyOf", ()) if alternative.get("type") != "null"]
    return _plain(values[0], whole) if len(values) == 1 else schema


def _sentence(schema: Schema, received: object) -> str | None:
    """Return what a schema expects, in a few words."""
    if "expected" in schema:
        return str(schema["expected"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        words = [str(word) for word in schema["enum"]]
        return f"one of {', '.join(words)}{did_you_mean(received, words)}"
    match schema.get("type"):
        case "integer":
            return f"an integer{_bounds(schema, 'minimum', 'maximum')}"
        case "number":
            return f"a number{_bounds(schema, 'minimum', 'maximum')}"
        case "string":
            return f"a string{_size(schema, 'minLength', 'maxLength', 'characters')}"
        case "array":
            return f"an array{_size(schema, 'minItems', 'maxItems', 'entries')}"
        case "boolean":
            return "true or false"
        case "object":
            return "an object"
    return None


def _bounds(schema: Schema, low: str, high: str) -> str:
    return f" from {schema[low]} to {schema[high]}" if low in schema and high in schema else ""


def _size(schema: Schema, low: str, high: str, of: str) -> str:
    if high not in schema:
        return ""
    if not schema.get(low):
        return f" of at most {schema[high]} {of}"
    return f" of {schema[low]} {of}" if schema[low] == schema[high] else f" of {schema[low]} to {schema[high]} {of}"


def to_json(error: FieldError) -> FieldErrorDoc:
    """Return an entry of `errors` in an answer."""
    return {"field": error.field, "expected": error.expected, "received": shown(error.received)}


def invalid_fields(invalid: Invalid, at: str = "", code: str = "validation_failed") -> Refused:
    """Return the refusal that lists every wrong field; `at` is the path of the whole value."""
    errors = [to_json(error.within(at)) for error in invalid.errors[:ERRORS_MAX]]
    first = errors[0]
    return Refused(code, f"{first['field'] or 'the body'}: expected {first['expected']}", errors=errors)


def attempt(path: str, read: Callable[[], T], errors: list[FieldError]) -> T | None:
    """Return what `read` returns; None if it raises Invalid, whose errors are added to `errors`."""
    try:
        return read()
    except Invalid as invalid:
        errors.extend(error.within(path) for error in invalid.errors)
        return None
