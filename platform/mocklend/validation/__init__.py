"""The one validator of input: bodies, queries, rules, products, scenarios.

A type declares what is accepted: a dataclass, a model, an annotation. The value, the errors (`read`), and the JSON
Schema for documents and editors (`schema_of`) are derived from this one declaration. The mechanism is pydantic. A
module that declares a type need not import it: the bounds of a dataclass's field are its metadata, in pydantic's words
(`ge`, `le`, `pattern`).
"""

from mocklend.validation.errors import ERRORS_MAX, attempt, field_errors, invalid_fields, no_field_but
from mocklend.validation.reader import Reader, schema_of
from mocklend.validation.received import is_storable, shown, storable
from mocklend.validation.types import (
    RATIO_SCHEMA,
    Body,
    Expecting,
    Means,
    OneOf,
    Ratio,
    bounded_int,
    bounded_str,
    exact_ratio,
    unexpected,
)

__all__ = [
    "ERRORS_MAX", "RATIO_SCHEMA", "Body", "Expecting", "Means", "OneOf", "Ratio", "Reader", "attempt", "bounded_int",
    "bounded_str", "exact_ratio", "field_errors", "invalid_fields", "is_storable", "no_field_but", "schema_of",
    "shown", "storable", "unexpected",
]  # fmt: skip
