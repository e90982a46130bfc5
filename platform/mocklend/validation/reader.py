"""Reads a value by a type, and makes the JSON Schema of that type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from mocklend.domain.problems import Invalid
from mocklend.validation.errors import field_errors, invalid_fields

T = TypeVar("T")


class Reader(Generic[T]):
    """Reads JSON data as a type: a dataclass, a `Body`, or anything else that pydantic supports.

    Building one takes some milliseconds, so it is built once, and only when it is needed.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self._kind)

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return self._adapter.json_schema()

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what is read."""
        return self._schema

    def parse(self, value: object) -> T:
        """Return the value. Raises Invalid with every wrong field; within another type they become its errors."""
        try:
            return self._adapter.validate_python(value)
        except ValidationError as error:
            raise Invalid(*field_errors(error, lambda: self._schema)) from None

    def read(self, value: object, at: str = "", code: str = "validation_failed") -> T:
        """Return the value. Raises Refused with this code and every wrong field; `at` is the path of the value."""
        try:
            return self.parse(value)
        except Invalid as invalid:
            raise invalid_fields(invalid, at, code) from None


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema of a type, without references: for documents and editors."""
    whole = kind if isinstance(kind, dict) else TypeAdapter(kind).json_schema()
    inlined: dict[str, Any] = _inlined(whole, whole.get("$defs", {}))
    return inlined


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:
    """Resolve references, and remove titles that repeat a name and what only error messages need."""
    if isinstance(schema, list):
        return [_inlined(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        schema = {**parts[schema["$ref"].rpartition("/")[2]], **schema}
    omitted = {"$ref", "$defs", "title", "expected", "discriminator"}
    if "default" in schema and schema["default"] is None:
        omitted.add("default")
    plain = {name: value for name, value in schema.items() if name not in omitted}
    each: Callable[[Any], Any] = lambda inner: _inlined(inner, parts)  # noqa: E731
    for name, value in plain.items():
        if name == "properties":
            plain[name] = {inner: each(item) for inner, item in value.items()}
        elif name in ("items", "additionalProperties", "anyOf", "allOf", "oneOf"):
            plain[name] = each(value)
    return plain
