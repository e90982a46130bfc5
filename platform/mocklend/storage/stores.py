"""Rows to entities and back: an entity is a frozen struct whose fields are the columns of its table, see `tables`.

A field that is neither text nor number, like `StatusOverride | None`, is JSON in its column and a value elsewhere.

`@entity("loans")` registers one. `mocklend.loaders` lists loaded values that are not a row of one table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from msgspec.structs import asdict

from mocklend.storage.statements import ENTITIES, Value, statement
from mocklend.storage.tables import Part, columns_of, table_of
from mocklend.storage.work import E

Row = Sequence[Any]
"""A row's columns in order, as the driver returns them."""


@dataclass(frozen=True, slots=True)
class Store(Generic[E]):
    """How one kind of entity is loaded and written."""

    table: str
    columns: tuple[str, ...]
    entity_class: type[E]
    decoders: tuple[tuple[int, Callable[[str], object]], ...]
    encoders: tuple[tuple[str, Callable[[Any], str]], ...]
    insert: str
    update: str
    scoped: bool

    def make(self, row: Row) -> E:
        """The entity of a row. A JSON column is decoded to the type of its field."""
        if not self.decoders:
            return self.entity_class(*row)
        values = list(row)
        for at, decode in self.decoders:
            if values[at] is not None:
                values[at] = decode(values[at])
        return self.entity_class(*values)

    def row_of(self, entity: E) -> dict[str, Value]:
        """The columns of an entity's row, without the sandbox's."""
        row = asdict(entity)
        for name, encode in self.encoders:
            if row[name] is not None:
                row[name] = encode(row[name])
        return row


STORES: dict[str, Store[Any]] = {}
"""By kind: each store is of that kind's class."""


def entity(table: str, *parts: Part, rank: int = ENTITIES, scoped: bool = True) -> Callable[[type[E]], type[E]]:
    """Register a frozen struct as the rows of a table, which is derived from it. Its `kind` names it in keys.

    `parts` are the table's indexes and constraints; its key is `id`, within a sandbox if it is `scoped`.
    """

    def register(cls: type[E]) -> type[E]:
        table_of(table, cls, *parts, scoped=scoped)
        columns = cls.__struct_fields__
        coded = list(enumerate(columns_of(cls)))
        everything = ("sandbox_id", *columns) if scoped else columns
        names, values = ", ".join(everything), ", ".join(":" + name for name in everything)
        changes = ", ".join(f"{name} = :{name}" for name in columns if name != "id")
        where = "sandbox_id = :sandbox_id AND id = :id" if scoped else "id = :id"
        STORES[cls.kind] = Store(
            table=table,
            columns=columns,
            entity_class=cls,
            decoders=tuple((at, column.codec.decode) for at, column in coded if column.codec is not None),
            encoders=tuple((column.name, column.codec.encode) for _, column in coded if column.codec is not None),
            insert=statement(f"{table}.insert", f"INSERT INTO {table} ({names}) VALUES ({values})", rank=rank),
            update=statement(f"{table}.update", f"UPDATE {table} SET {changes} WHERE {where}", rank=rank + 1),
            scoped=scoped,
        )
        return cls

    return register


def entity_of_row(cls: type[E], *columns: Value) -> E:
    """The entity of a row, from its columns in order."""
    store: Store[E] = STORES[cls.kind]
    return store.make(columns)
