"""Documents: the JSON answers of the API, one typed class per noun, with each field's meaning at the field.

    class ReceiptDoc(TypedDict):
        \"""Money that came in without an order.\"""

        id: Annotated[str, says("The receipt's id.")]
        type: Annotated[RepaymentType, column("scope")]
        paid_at: Annotated[str, says("When it was paid at the channel. RFC 3339, on the sandbox's clock.")]

    receipt_doc = rendering(Receipt, ReceiptDoc)

The OpenAPI schema (`schema_of`), the function that renders the answer (`rendering`) and the columns of a data set are
derived from the class. A field renders the entity's column of the same name; `..._at` renders the moment in `..._ms`;
`column` names another column.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from inspect import cleandoc
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import msgspec
from msgspec import Meta, to_builtins

from mocklend.domain.nouns import A_DATE, FromColumn
from mocklend.sandboxes.timestamps import maybe_rfc3339

E = TypeVar("E")
D = TypeVar("D", bound=Mapping[str, object])


def schema_of(document: type[Any], ref_template: str) -> dict[str, Any]:
    """A document's JSON Schema, with the documents that it contains under `$defs`; the template has `{name}`."""
    _, schemas = msgspec.json.schema_components([document], ref_template=ref_template)
    for part in _parts(document):  # msgspec sorts the fields of a TypedDict by name; restore their order.
        schema = schemas[part.__name__]
        schema["description"] = cleandoc(part.__doc__ or "")
        for fields in ("properties", "required"):
            schema[fields] = _ordered(schema.get(fields, ()), get_type_hints(part))
    own: dict[str, Any] = schemas.pop(document.__name__)
    return own | {"$defs": schemas} if schemas else own


def _ordered(fields: Any, names: Iterable[str]) -> Any:
    if isinstance(fields, dict):
        return {name: fields[name] for name in names}
    return [name for name in names if name in fields]


def _parts(kind: Any) -> Iterator[type[Any]]:
    """The documents that a type contains, itself included."""
    if is_typeddict(kind):
        yield kind
        for field in get_type_hints(kind).values():
            yield from _parts(field)
    for inner in get_args(kind):
        yield from _parts(inner)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a document: name, description, type, the entity's column, and the function from the column, if any."""

    name: str
    description: str
    kind: Any
    column: str
    make: Callable[[Any], Any] | None
    is_date: bool


def fields_of(
    entity: type[object], document: type[Mapping[str, object]], names: Collection[str] | None = None
) -> tuple[Field, ...]:
    """The fields of an entity's document, or those with these names, which may then have more than columns.

    Raises AssertionError for a field without a column, or not nullable as it.
    """
    columns, fields = get_type_hints(entity), get_type_hints(document, include_extras=True)
    if names is not None and not fields.keys() >= set(names):
        raise AssertionError(f"{document.__name__} has no {', '.join(set(names) - fields.keys())}")
    return tuple(_field(entity, columns, name, kind) for name, kind in fields.items() if names is None or name in names)


def _field(entity: type[object], columns: Mapping[str, Any], name: str, kind: Any) -> Field:
    annotations = list(_annotations(kind))
    source_column = next(
        (annotation for annotation in annotations if isinstance(annotation, FromColumn)), FromColumn(name)
    )
    source = source_column.name
    if source not in columns and (source == "at" or source.endswith("_at")):
        source = source.removesuffix("at") + ("ms" if source != "at" else "at_ms")
    if source not in columns:
        raise AssertionError(f"{entity.__name__} has no column for the field {name}")
    if (
        source_column.make is None
        and type(None) in get_args(columns[source])
        and type(None) not in get_args(_plain(kind))
    ):
        raise AssertionError(f"{name} is null where {entity.__name__}.{source} is")
    description = next(
        (
            annotation.description
            for annotation in annotations
            if isinstance(annotation, Meta) and annotation.description
        ),
        "",
    )
    is_moment = source.endswith("_ms") and _plain(kind) in (str, str | None)
    make = source_column.make or (maybe_rfc3339 if is_moment else _maker(columns[source], _plain(kind)))
    is_date = any(isinstance(annotation, Meta) and annotation.extra_json_schema == A_DATE for annotation in annotations)
    return Field(name, description, _plain(kind), source, make, is_date)


def _maker(column_type: Any, field_type: Any) -> Callable[[Any], Any] | None:
    if field_type is bool:
        return bool
    plain = (str, int, StrEnum, type(None))
    kinds = get_args(column_type) if get_origin(column_type) in (Union, UnionType) else (column_type,)
    if any(get_origin(kind) is tuple for kind in kinds):
        return _as_list
    return None if all(isinstance(kind, type) and issubclass(kind, plain) for kind in kinds) else to_builtins


def _as_list(values: Iterable[Any]) -> list[Any]:
    return [to_builtins(value) for value in values]


def _annotations(kind: Any) -> Iterable[Any]:
    """The annotations of a type, the outermost first."""
    if get_origin(kind) is Annotated:
        yield from reversed(kind.__metadata__)
        yield from _annotations(kind.__origin__)
    elif get_origin(kind) in (Union, UnionType):
        for inner in get_args(kind):
            yield from _annotations(inner)


def _plain(kind: Any) -> Any:
    return kind.__origin__ if get_origin(kind) is Annotated else kind


def rendering(entity: type[E], document: type[D]) -> Callable[[E], D]:
    """The function that renders an entity as its document."""
    fields = fields_of(entity, document)
    names, read = [field.name for field in fields], attrgetter(*(field.column for field in fields))
    makers = [(field.name, field.make) for field in fields if field.make is not None]
    return cast(Callable[[E], D], partial(_render, names, read, makers))


def _render(
    names: list[str], read: Callable[[Any], Any], makers: list[tuple[str, Callable[[Any], Any]]], entity: object
) -> dict[str, Any]:
    document = dict(zip(names, read(entity), strict=True))
    for name, make in makers:
        document[name] = make(document[name])
    return document
