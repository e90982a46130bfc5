"""From rows to entities and back: an entity is a frozen struct whose fields are its table's columns, by `tables`.

A field that is neither text nor number, like `StatusOverride | None`, is JSON in its column and a value elsewhere.

`@entity("loans")` registers one. What is loaded but is no row of one table (a sum, a list of facts) has a `@loader`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection

from mocklend.storage.statements import ENTITIES, in_driver_style, statement
from mocklend.storage.tables import Part, columns_of, table_of
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
    encoders: tuple[tuple[str, Callable[[Any], str]], ...]
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
        row = asdict(entity)
        for name, encode in self.encoders:
            if row[name] is not None:
                row[name] = encode(row[name])
        return row


STORES: dict[str, Store] = {}
LOADERS: dict[str, Load[Any]] = {}


def entity(table: str, *parts: Part, rank: int = ENTITIES, scoped: bool = True) -> Callable[[type[Made]], type[Made]]:
    """Register a frozen struct as the rows of a table, which is made of it. Its `kind` names it in keys.

    `parts` are the table's indexes and constraints; it is keyed by `id`, within a sandbox where it is `scoped`.
    """

    def register(cls: type[Made]) -> type[Made]:
        table_of(table, cls, *parts, scoped=scoped)
        columns = cls.__struct_fields__
        coded = list(enumerate(columns_of(cls)))
        everything = ("sandbox_id", *columns) if scoped else columns
        names, values = ", ".join(everything), ", ".join(":" + name for name in everything)
        changes = ", ".join(f"{name} = :{name}" for name in columns if name != "id")
        where = "sandbox_id = :sandbox_id AND id = :id" if scoped else "id = :id"
        STORES[cls.kind] = Store(  # type: ignore[attr-defined]
            table=table,
            columns=columns,
            made=cls,
            decoders=tuple((at, column.codec.decode) for at, column in coded if column.codec is not None),
            encoders=tuple((column.name, column.codec.encode) for _, column in coded if column.codec is not None),
            insert=statement(f"{table}.insert", f"INSERT INTO {table} ({names}) VALUES ({values})", rank=rank),
            update=statement(f"{table}.update", f"UPDATE {table} SET {changes} WHERE {where}", rank=rank + 1),
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
