"""A table from the class of its rows: each field is a column, and nothing of it is said anywhere else.

    field                     column
    str, a StrEnum            TEXT
    int                       BIGINT: money, milliseconds, counts; `Annotated[int, SMALL]` is an INTEGER
    anything else             TEXT that holds the value as JSON, or as the `Codec` in its `Annotated` says
    ... | None                the same, nullable

`sandbox_id` is no field. It leads each table, key and index, so that a sandbox is a shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

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

SMALL, DUE = "small", "due"
Due = Annotated[int | None, DUE]
"""When the clock next looks at a row; null once it need not any more.

An index makes finding what is due, in its order, need no sorting of all that is due at once. Most rows have no due time
any more; they are not in it.
"""


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value is text in its column, where that is not msgspec's JSON."""

    encode: Callable[[Any], str]
    decode: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, as a field declares it. `codec` is None where what is stored is the value itself."""

    name: str
    sql_type: type[sa.types.TypeEngine[Any]]
    nullable: bool
    due: bool
    codec: Codec | None


class Part:
    """What a table has beside its columns and its key."""

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """For SQLAlchemy. `lead` is what the columns of each key and index begin with."""
        raise NotImplementedError


class Index(Part):
    """An index on these columns, of the rows for which `where` holds; of all without it."""

    def __init__(self, *columns: str, where: str | None = None, unique_as: str | None = None) -> None:
        self._columns, self._where, self._unique_as = columns, where, unique_as

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """The index; `unique_as` names it, and makes it unique."""
        where = None if self._where is None else sa.text(self._where)
        columns, unique = [*lead, *self._columns], self._unique_as is not None
        return sa.Index(self._unique_as, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


class Unique(Part):
    """No two rows of a sandbox have the same in these columns."""

    def __init__(self, *columns: str) -> None:
        self._columns = columns

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """The constraint."""
        return sa.UniqueConstraint(*lead, *self._columns)


class References(Part):
    """These columns are the key of a row of another table, where they have the same names."""

    def __init__(self, table: str, *columns: str) -> None:
        self._table, self._columns = table, columns

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """The foreign key."""
        columns = [*lead, *self._columns]
        return sa.ForeignKeyConstraint(columns, [f"{self._table}.{column}" for column in columns])


class Check(Part):
    """A condition that each row meets."""

    def __init__(self, name: str, condition: str) -> None:
        self._name, self._condition = name, condition

    def build(self, lead: tuple[str, ...]) -> SchemaItem:
        """The constraint."""
        return sa.CheckConstraint(self._condition, name=self._name)


def table_of(
    name: str, row: type[Struct], *parts: Part, key: tuple[str, ...] = ("id",), scoped: bool = True
) -> sa.Table:
    """The table of these rows. `scoped` if they are a sandbox's, which all are but the sandboxes themselves."""
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
    """The columns that the fields of a class declare, in their order."""
    return tuple(_columns(row, get_type_hints(row, include_extras=True)))


def _columns(row: type[Struct], types: Mapping[str, Any]) -> Iterator[Column]:
    for name in row.__struct_fields__:
        kind, marks = _unwrapped(types[name])
        values = [inner for inner in get_args(kind) if inner is not type(None)] if _is_union(kind) else [kind]
        nullable = _is_union(kind) and len(values) < len(get_args(kind))
        codec = next((mark for mark in marks if isinstance(mark, Codec)), None)
        sql_type: type[sa.types.TypeEngine[Any]] = sa.Text
        if codec is None and len(values) == 1 and _is_plain(values[0]):
            if issubclass(values[0], int):
                sql_type = sa.Integer if SMALL in marks else sa.BigInteger
        elif codec is None:
            codec = Codec(as_json, msgspec.json.Decoder(kind).decode)
        yield Column(name, sql_type, nullable, DUE in marks, codec)


def _unwrapped(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return (kind.__origin__, kind.__metadata__) if get_origin(kind) is Annotated else (kind, ())


def _is_union(kind: Any) -> bool:
    return isinstance(kind, UnionType) or get_origin(kind) is Union


def _is_plain(kind: Any) -> bool:
    return get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, str | int | Enum)


def as_json(value: Any) -> str:
    """A value as a JSON column holds it."""
    return msgspec.json.encode(value).decode()
