"""Rows to entities and back: an entity is a frozen struct whose fields are the columns of its table, see `tables`.

A field that is neither text nor number, like `StatusOverride | None`, is JSON in its column and a value elsewhere.

`@entity("loans")` registers one. `mocklend.loaders` lists loaded values that are not a row of one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, Generic

from msgspec.structs import astuple

from mocklend.storage.driver import Columns
from mocklend.storage.statements import ENTITIES, Row, Value, statement
from mocklend.storage.tables import Part, columns_of, table_of
from mocklend.storage.work import E


@dataclass(frozen=True, slots=True)
class Store(Generic[E]):
    """How one kind of entity is loaded and written."""

    table: str
    columns: tuple[str, ...]
    entity_class: type[E]
    decoders: tuple[tuple[int, Callable[[str], object]], ...]
    encoders: tuple[tuple[int, Callable[[Any], str]], ...]
    insert: str
    rank: int
    scoped: bool

    def make(self, row: Columns) -> E:
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
        return dict(zip(self.columns, self._values(entity), strict=True))

    def new_row(self, sandbox_id: str, entity: E) -> Row:
        """The values for `insert`."""
        return (sandbox_id, *self._values(entity)) if self.scoped else tuple(self._values(entity))

    def update(self, changes: Iterable[tuple[str, E, E]]) -> tuple[str, list[Row]] | None:
        """The statement that updates rows, and its values. None if nothing has changed.

        `changes` are (sandbox id, entity as stored, entity as it is now). The statement sets the columns that any of
        them changes: for a column that is set, the database also writes its indexes again, even with the same value.
        """
        rows: list[tuple[str, tuple[Any, ...]]] = []
        same = list(range(len(self.columns)))
        look: Callable[[tuple[Any, ...]], object] = tuple
        for sandbox_id, stored, entity in changes:
            was, now = astuple(stored), astuple(entity)
            rows.append((sandbox_id, now))
            if look(was) != look(now):
                same = [place for place in same if was[place] == now[place]]
                look = itemgetter(*same)
        places = tuple(place for place in range(len(self.columns)) if place not in same)
        if not places:
            return None
        name = _update(self.table, tuple(self.columns[place] for place in places), self.rank + 1, scoped=self.scoped)
        id_place = self.columns.index("id")
        pick = itemgetter(*places, id_place)
        encoders = [(n, encode) for n, place in enumerate(places) for at, encode in self.encoders if at == place]
        updates: list[Row] = []
        for sandbox_id, now in rows:
            values = _encoded(list(pick(now)), encoders)
            if self.scoped:
                values.insert(-1, sandbox_id)
            updates.append(tuple(values))
        return name, updates

    def _values(self, entity: E) -> Sequence[Value]:
        values = astuple(entity)[: len(self.columns)]  # A subclass may have more fields.
        return _encoded(list(values), self.encoders) if self.encoders else values


def _encoded(values: list[Any], encoders: Iterable[tuple[int, Callable[[Any], str]]]) -> list[Value]:
    """The values with those of JSON columns encoded, in place."""
    for at, encode in encoders:
        if values[at] is not None:
            values[at] = encode(values[at])
    return values


@cache
def _update(table: str, columns: tuple[str, ...], rank: int, *, scoped: bool) -> str:
    """The name of the statement that sets these columns of a row."""
    where = "sandbox_id = :sandbox_id AND id = :id" if scoped else "id = :id"
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    return statement(f"{table}.update {changes}", f"UPDATE {table} SET {changes} WHERE {where}", rank=rank)


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
        STORES[cls.kind] = Store(
            table=table,
            columns=columns,
            entity_class=cls,
            decoders=tuple((at, column.codec.decode) for at, column in coded if column.codec is not None),
            encoders=tuple((at, column.codec.encode) for at, column in coded if column.codec is not None),
            insert=statement(f"{table}.insert", f"INSERT INTO {table} ({names}) VALUES ({values})", rank=rank),
            rank=rank,
            scoped=scoped,
        )
        return cls

    return register


def entity_of_row(cls: type[E], *columns: Value) -> E:
    """The entity of a row, from its columns in order."""
    store: Store[E] = STORES[cls.kind]
    return store.make(columns)
