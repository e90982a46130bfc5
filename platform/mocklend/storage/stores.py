"""From rows to entities and back: an entity is a frozen struct whose fields are its table's columns.

A field that is neither text nor number, like `StatusOverride | None`, is JSON in its column and a value elsewhere.

`@entity(table)` registers one. What is loaded but is no row of one table (a sum, a list of facts) has a `@loader`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Table

from mocklend.storage.statements import ENTITIES, in_driver_style, statement
from mocklend.storage.work import Entity, Key, Loaded

Made = TypeVar("Made", bound=Struct)
Row = Sequence[Any]
T = TypeVar("T")
E = TypeVar("E", bound=Entity)
Load = Callable[[Connection, str, Sequence[str]], Mapping[str, T]]


@dataclass(frozen=True, slots=True)
class Store:
    """How one kind of entity is loaded and written."""

    table: str
    columns: tuple[str, ...]
    made: type[Any]
    decoders: tuple[tuple[int, Callable[[str], Any]], ...]
    insert: str
    update: str
    scoped: bool

    def make(self, row: Row) -> Any:
        """The entity of a row. A column that holds JSON becomes the value that its field is declared as."""
        if not self.decoders:
            return self.made(*row)
        values = list(row)
        for at, decode in self.decoders:
            if values[at] is not None:
                values[at] = decode(values[at])
        return self.made(*values)

    def row_of(self, entity: Any) -> dict[str, Any]:
        """The columns of an entity's row, without the sandbox's."""
        row = {name: getattr(entity, name) for name in self.columns}
        for at, _ in self.decoders:
            name = self.columns[at]
            if row[name] is not None:
                row[name] = as_json(row[name])
        return row


def as_json(value: Any) -> str:
    """A value as a JSON column holds it."""
    return msgspec.json.encode(value).decode()


def _decoders(cls: type[Struct]) -> tuple[tuple[int, Callable[[str], Any]], ...]:
    """For each field that is neither text nor number, its place and what reads it from its column."""
    types = get_type_hints(cls)
    found = []
    for at, name in enumerate(cls.__struct_fields__):
        given = types[name]
        inner = [one for one in get_args(given) if one is not type(None)] if isinstance(given, UnionType) else [given]
        if len(inner) == 1 and not _is_plain(inner[0]):
            found.append((at, msgspec.json.Decoder(inner[0]).decode))
    return tuple(found)


def _is_plain(given: Any) -> bool:
    return get_origin(given) is None and issubclass(given, str | int | Enum)


STORES: dict[str, Store] = {}
LOADERS: dict[str, Load[Any]] = {}


def entity(table: Table, *, rank: int = ENTITIES) -> Callable[[type[Made]], type[Made]]:
    """Register a frozen struct as a table's rows. Its `kind` names it in keys."""

    def register(cls: type[Made]) -> type[Made]:
        columns = cls.__struct_fields__
        in_table = {column.name for column in table.columns} - {"sandbox_id"}
        if set(columns) != in_table:
            raise AssertionError(f"{cls.__name__} and {table.name} differ: {set(columns) ^ in_table}")
        scoped = "sandbox_id" in table.columns
        everything = ("sandbox_id", *columns) if scoped else columns
        names, values = ", ".join(everything), ", ".join(":" + name for name in everything)
        changes = ", ".join(f"{name} = :{name}" for name in columns if name != "id")
        where = "sandbox_id = :sandbox_id AND id = :id" if scoped else "id = :id"
        STORES[cls.kind] = Store(  # type: ignore[attr-defined]
            table=table.name,
            columns=columns,
            made=cls,
            decoders=_decoders(cls),
            insert=statement(
                f"{table.name}.insert", f"INSERT INTO {table.name} ({names}) VALUES ({values})", rank=rank
            ),
            update=statement(f"{table.name}.update", f"UPDATE {table.name} SET {changes} WHERE {where}", rank=rank + 1),
            scoped=scoped,
        )
        return cls

    return register


def loader(what: Loaded[T]) -> Callable[[Load[T]], Load[T]]:
    """Register how a kind is loaded that is not a row of one table: (connection, sandbox_id, ids) -> id -> value."""

    def register(load: Load[T]) -> Load[T]:
        LOADERS[what.kind] = load
        return load

    return register


def load_all(
    connection: Connection, wanted: Iterable[tuple[str, Key]], *, to_write: bool = False
) -> dict[tuple[str, Key], Any]:
    """The entities behind (sandbox id, key) pairs, one query a kind and sandbox; None where there is no such row.

    `to_write` locks the rows, in the order of their ids, where the engine has row locks.
    """
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    found: dict[tuple[str, Key], Any] = {}
    for sandbox_id, (kind, id) in wanted:
        if (sandbox_id, (kind, id)) not in found:
            found[(sandbox_id, (kind, id))] = None
            groups[(sandbox_id, kind)].append(id)
    for (sandbox_id, kind), ids in groups.items():
        load = LOADERS.get(kind)
        if load is not None:
            values = load(connection, sandbox_id, ids)
        else:
            values = _rows(connection, STORES[kind], sandbox_id, ids, lock=to_write)
        for id, value in values.items():
            found[(sandbox_id, (kind, id))] = value
    return found


def find(connection: Connection, sandbox_id: str, cls: type[E], id: str) -> E | None:
    """One entity, or None where there is no such row."""
    return next(iter(find_all(connection, sandbox_id, cls, [id])), None)


def find_all(connection: Connection, sandbox_id: str, cls: type[E], ids: Iterable[str]) -> list[E]:
    """The entities with these ids, in their order; those that are not there are left out."""
    wanted = [(sandbox_id, (cls.kind, id)) for id in ids]
    return [entity for entity in load_all(connection, wanted).values() if entity is not None]


def entities(
    connection: Connection, cls: type[E], sandbox_id: str, condition: str, parameters: Mapping[str, Any] | None = None
) -> list[E]:
    """The entities of a kind for which a condition on their table's columns holds; it may end in an order and a limit.

    One query, where asking for ids and loading those would be two.
    """
    store = STORES[cls.kind]
    sql = f"SELECT {', '.join(store.columns)} FROM {store.table} WHERE sandbox_id = :sandbox_id AND {condition}"
    return [store.make(row) for row in rows(connection, sql, {"sandbox_id": sandbox_id, **(parameters or {})})]


def entities_in(connection: Connection, cls: type[E], sandbox_id: str, column: str, values: Sequence[str]) -> list[E]:
    """The entities of a kind of which a column has one of these values."""
    store = STORES[cls.kind]
    head = f"SELECT {', '.join(store.columns)} FROM {store.table} WHERE sandbox_id = :sandbox_id AND {column}"
    found = select_in(connection, head, values, {"sandbox_id": sandbox_id}, tail=" ORDER BY id")
    return [store.make(row) for row in found]


def _rows(connection: Connection, store: Store, sandbox_id: str, ids: Sequence[str], *, lock: bool) -> dict[str, Any]:
    head = f"SELECT {', '.join(store.columns)} FROM {store.table} WHERE "
    if store.scoped:
        head += "sandbox_id = :sandbox_id AND "
    tail = " ORDER BY id FOR UPDATE" if lock and connection.dialect.name == "postgresql" else " ORDER BY id"
    made = {}
    for row in select_in(connection, head + "id", ids, {"sandbox_id": sandbox_id}, tail=tail):
        one = store.make(row)
        made[one.id] = one
    return made


def select_in(
    connection: Connection, head: str, ids: Sequence[str], parameters: Mapping[str, Any], *, tail: str = ""
) -> Iterable[Row]:
    """`head IN (ids) tail`. The number of places is a power of two, so that few texts are ever prepared."""
    places = 1
    while places < len(ids):
        places *= 2
    padded = list(ids) + [ids[-1]] * (places - len(ids))
    names = [f"id_{n}" for n in range(places)]
    sql = f"{head} IN ({', '.join(':' + name for name in names)}){tail}"
    return rows(connection, sql, {**parameters, **dict(zip(names, padded, strict=True))})


def rows(connection: Connection, sql: str, parameters: Mapping[str, Any]) -> Sequence[Row]:
    """All rows of a query given as text with `:name` parameters."""
    result = connection.exec_driver_sql(in_driver_style(sql, connection.dialect.paramstyle), dict(parameters))
    return result.fetchall()
