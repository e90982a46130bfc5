"""A table from the class of its rows: each field declares a column, and nothing else does.

    field                     column
    str, a StrEnum            TEXT
    int                       BIGINT: money, milliseconds, counts; `Annotated[int, SMALL]` is an INTEGER
    anything else             TEXT with the value as JSON, or in the form of the `Codec` in its `Annotated`
    ... | None                the same, nullable

`sandbox_id` is not a field. It is the first column of each table, key and index, so that a sandbox is a shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Generic, TypeGuard, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.schema import SchemaItem

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

V = TypeVar("V")

SMALL, DUE = "small", "due"
WHERE, BYTEWISE = "where", "bytewise"
"""In an index's `info`: its condition, or None, and its columns that are ordered by their bytes, as a search for a
prefix needs. The text is the same for both engines, so neither is imported here."""
Due = Annotated[int | None, DUE]
"""The time at which a row is due next, or null.

Its index has only rows with a due time, which few rows have, and returns due rows in order without sorting.
"""


@dataclass(frozen=True, slots=True)
class Codec(Generic[V]):
    """The text form of a value in its column, where that is not msgspec's JSON."""

    encode: Callable[[V], str]
    decode: Callable[[str], V]


SqlType = type[sa.Text] | type[sa.Integer]
"""The type of a column in SQL; a BigInteger is an Integer."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as declared by a field. `codec` is None where the value itself is stored."""

    name: str
    sql_type: SqlType
    nullable: bool
    due: bool
    codec: Codec[Any] | None


class Part:
    """A part of a table besides its columns and its key."""

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """The SQLAlchemy item. `lead` has the first columns of each key and index."""
        raise NotImplementedError


class Index(Part):
    """An index on these columns, over the rows that meet `where`, or over all rows."""

    def __init__(
        self, *columns: str, where: str | None = None, unique_as: str | None = None, bytewise: tuple[str, ...] = ()
    ) -> None:
        self._columns, self._where, self._unique_as, self._bytewise = columns, where, unique_as, bytewise

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """The index. `unique_as` is its name and makes it unique; `storage.ddl` adds its condition."""
        columns, unique = [*lead, *self._columns], self._unique_as is not None
        return sa.Index(self._unique_as, *columns, unique=unique, info={WHERE: self._where, BYTEWISE: self._bytewise})


class Unique(Part):
    """A unique constraint on these columns within a sandbox."""

    def __init__(self, *columns: str) -> None:
        self._columns = columns

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """The constraint."""
        return sa.UniqueConstraint(*lead, *self._columns)


class References(Part):
    """A foreign key to the columns of the same names in another table."""

    def __init__(self, table: str, *columns: str) -> None:
        self._table, self._columns = table, columns

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """The foreign key."""
        columns = [*lead, *self._columns]
        return sa.ForeignKeyConstraint(columns, [f"{self._table}.{column}" for column in columns])


class Check(Part):
    """A check constraint."""

    def __init__(self, name: str, condition: str) -> None:
        self._name, self._condition = name, condition

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """The constraint."""
        return sa.CheckConstraint(self._condition, name=self._name)


def table_of(
    name: str, row: type[Struct], *parts: Part, key: tuple[str, ...] = ("id",), scoped: bool = True
) -> sa.Table:
    """The table of these rows. All are `scoped` to a sandbox but the table of the sandboxes."""
    lead = ("sandbox_id",) if scoped else ()
    columns = columns_of(row)
    return sa.Table(
        name,
        metadata,
        *(sa.Column(column, sa.Text, nullable=False) for column in lead),
        *(sa.Column(column.name, column.sql_type, nullable=column.nullable) for column in columns),
        sa.PrimaryKeyConstraint(*lead, *key),
        *(part.build(lead) for part in parts),
        *(_due_index(column.name, key).build(lead) for column in columns if column.due),
    )


def _due_index(column: str, key: tuple[str, ...]) -> Index:
    return Index(column, key[0], where=f"{column} IS NOT NULL")


def columns_of(row: type[Struct]) -> tuple[Column, ...]:
    """The columns that the fields of a class declare, in order."""
    return tuple(_columns(row, get_type_hints(row, include_extras=True)))


def _columns(row: type[Struct], types: Mapping[str, Any]) -> Iterator[Column]:
    for name in row.__struct_fields__:
        kind, marks = _unwrapped(types[name])
        values = [inner for inner in get_args(kind) if inner is not type(None)] if _is_union(kind) else [kind]
        nullable = _is_union(kind) and len(values) < len(get_args(kind))
        codec = next((mark for mark in marks if isinstance(mark, Codec)), None)
        sql_type: SqlType = sa.Text
        if codec is None and len(values) == 1 and _is_plain(values[0]):
            if issubclass(values[0], int):
                sql_type = sa.Integer if SMALL in marks else sa.BigInteger
        elif codec is None:
            codec = Codec(as_json, msgspec.json.Decoder(kind).decode)
        yield Column(name, sql_type, nullable, DUE in marks, codec)


def _unwrapped(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return (kind.__origin__, kind.__metadata__) if get_origin(kind) is Annotated else (kind, ())


def _is_union(kind: object) -> bool:
    return isinstance(kind, UnionType) or get_origin(kind) is Union


def _is_plain(kind: object) -> TypeGuard[type]:
    return get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, str | int | Enum)


def as_json(value: object) -> str:
    """A value in the form of a JSON column."""
    return msgspec.json.encode(value).decode()
