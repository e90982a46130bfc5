"""Reading one sandbox: its id is filled into every query, so that no query can read another sandbox's rows.

        SandboxReader(connection, sandbox_id)      within a transaction of the writer's, and in loaders
        Snapshot(connection, sandbox, now_ms)      in a transaction that only reads, with the sandbox and its time

`get` and `find` read entities as `Work` does. `rows` runs any other query and makes each row a named tuple or a
struct from its columns in order. A test checks for all queries at once that they are bound to one sandbox; here a query
without `:sandbox_id` and a parameter of that name are refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from mocklend.seams.layer import Layer
from mocklend.storage.driver import Columns, fetch, stream
from mocklend.storage.statements import Value, in_driver_style
from mocklend.storage.stores import STORES, Store
from mocklend.storage.work import E, Key, Loaded, Sandbox

R = TypeVar("R")
T = TypeVar("T")


class OtherSandbox(AssertionError):
    """A query would read rows of another sandbox: a bug of the caller."""


class OfLoan(NamedTuple):
    """A row of two ids: a loan's, and that of a subject of it."""

    loan_id: str
    id: str


class Chosen(NamedTuple):
    """Which ids a query is about: `condition` with the column's name filled in, and its parameters."""

    condition: str
    parameters: Mapping[str, Value]

    def by(self, column: str) -> str:
        """The SQL condition on a column."""
        return self.condition.replace("{column}", column)


def between(first: str, last: str) -> Chosen:
    """Every id from the first to the last, both included, in the database's order."""
    return Chosen("{column} >= :first AND {column} <= :last", {"first": first, "last": last})


EVERY = Chosen("1 = 1", {})
"""All ids."""


def among(ids: Sequence[str]) -> Chosen:
    """These ids, of which there is at least one."""
    return Chosen(*_in("{column}", ids, ""))


@dataclass(frozen=True, slots=True)
class SandboxReader:
    """One sandbox's rows, on one connection."""

    connection: Connection
    sandbox_id: str

    def find(self, cls: type[E], id: str) -> E | None:
        """The entity, or None if there is none."""
        return next(iter(self.find_all(cls, [id])), None)

    def get(self, cls: type[E], id: str) -> E:
        """The entity. Raises AssertionError if there is none: the caller knows that it exists."""
        entity = self.find(cls, id)
        if entity is None:
            raise AssertionError(f"there is no {cls.kind} {id}")
        return entity

    def find_all(self, cls: type[E], ids: Iterable[str]) -> list[E]:
        """The entities with these ids, in the ids' order, each once; missing ones are left out."""
        return list(self.by_id(cls, ids).values())

    def by_id(self, cls: type[E], ids: Iterable[str]) -> dict[str, E]:
        """The entities with these ids, by id, in the ids' order; missing ones are left out."""
        unique_ids = list(dict.fromkeys(ids))
        store: Store[E] = STORES[cls.kind]
        if not store.scoped and any(id != self.sandbox_id for id in unique_ids):
            raise OtherSandbox(f"a reader of sandbox {self.sandbox_id!r} was asked for the sandboxes {unique_ids}")
        stored = _stored(self.connection, store, self.sandbox_id, unique_ids, lock=False) if unique_ids else {}
        return {id: stored[id] for id in unique_ids if id in stored}

    def where(self, cls: type[E], condition: str, /, **parameters: Value) -> list[E]:
        """The entities whose row meets an SQL condition, which may end in ORDER BY and LIMIT.

        One query instead of two, for the ids and for the entities.
        """
        store: Store[E] = STORES[cls.kind]
        sql = f"SELECT {', '.join(store.columns)} FROM {store.table} WHERE sandbox_id = :sandbox_id AND {condition}"
        return [store.make(row) for row in self.raw(sql, **parameters)]

    def where_in(self, cls: type[E], column: str, values: Sequence[str]) -> list[E]:
        """The entities with one of these values in a column, ordered by id."""
        store: Store[E] = STORES[cls.kind]
        head = f"SELECT {', '.join(store.columns)} FROM {store.table} WHERE sandbox_id = :sandbox_id AND {column}"
        sql, places = _in(head, values, " ORDER BY id")
        return [store.make(row) for row in self._run(sql, places)]

    def load(self, kind: Loaded[T], id: str) -> T:
        """The loaded value of an id, as `Work.load` returns it."""
        loaded: Mapping[str, T] = LOADERS[kind.kind](self, [id])
        return loaded[id]

    def rows(self, make: Callable[..., R], sql: str, /, **parameters: Value) -> list[R]:
        """The rows of a query, each as `make(*columns)`."""
        return [make(*row) for row in self._run(sql, parameters)]

    def raw(self, sql: str, /, **parameters: Value) -> Iterator[Columns]:
        """The rows of a query as the driver returns them, one by one, for many rows: making each costs more.

        The query runs when the first row is asked for.
        """
        sql, parameters = self._scoped(sql, parameters)
        return stream(self.connection, in_driver_style(sql, self.connection.dialect.paramstyle), parameters)

    def rows_in(
        self, make: Callable[..., R], head: str, values: Sequence[str], tail: str = "", /, **parameters: Value
    ) -> list[R]:
        """The rows of `head IN (values) tail`, each as `make(*columns)`."""
        sql, places = _in(head, values, tail)
        return [make(*row) for row in self._run(sql, parameters | places)]

    def ids(self, sql: str, /, **parameters: Value) -> list[str]:
        """The texts of a query with one text column."""
        return [row[0] for row in self._run(sql, parameters)]

    def ids_in(self, head: str, values: Sequence[str], tail: str = "", /, **parameters: Value) -> list[str]:
        """The texts of `head IN (values) tail`, a query with one text column."""
        sql, places = _in(head, values, tail)
        return [row[0] for row in self._run(sql, parameters | places)]

    def number(self, sql: str, /, **parameters: Value) -> int:
        """The number that a query returns; 0 for NULL, such as a sum over no rows."""
        return int(self._run(sql, parameters)[0][0] or 0)

    def exists(self, sql: str, /, **parameters: Value) -> bool:
        """Whether a query returns any row."""
        return bool(self._run(sql, parameters))

    def _run(self, sql: str, parameters: dict[str, Value]) -> Sequence[Columns]:
        return _fetched(self.connection, *self._scoped(sql, parameters))

    def _scoped(self, sql: str, parameters: dict[str, Value]) -> tuple[str, dict[str, Value]]:
        """A query and its parameters, with the sandbox. Raises OtherSandbox."""
        if "sandbox_id" in parameters:
            other = parameters["sandbox_id"]
            raise OtherSandbox(f"a reader fills in its own sandbox, {self.sandbox_id!r}, not {other!r}")
        if ":sandbox_id" not in sql:
            raise OtherSandbox(f"a reader's query needs `sandbox_id = :sandbox_id`, which is not in {sql!r}")
        return sql, {"sandbox_id": self.sandbox_id, **parameters}


@dataclass(frozen=True, slots=True)
class Snapshot(SandboxReader):
    """One sandbox's rows in one database snapshot, with the sandbox and the time on its clock."""

    sandbox_id: str = field(init=False)
    sandbox: Sandbox
    now_ms: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "sandbox_id", self.sandbox.id)


PlatformLayer = Layer[Connection, Snapshot]
"""A fault layer that reads from the platform's snapshots."""

Load = Callable[[SandboxReader, Sequence[str]], Mapping[str, T]]
LOADERS: dict[str, Load[Any]] = {}


def register_loader(kind: Loaded[T], load: Load[T]) -> None:
    """Register the loader of a kind that is not a row of one table: (reader, ids) -> {id: value}."""
    LOADERS[kind.kind] = load


def load_all(
    connection: Connection, keys: Iterable[tuple[str, Key]], *, to_write: bool = False
) -> dict[tuple[str, Key], object]:
    """The values of (sandbox id, key) pairs, one query per kind and sandbox; None where there is no row.

    A value is an entity or the result of the kind's loader. `Work.find` and `Work.load` return it with its type.
    `to_write` locks the rows, ordered by id, where the engine has row locks.
    """
    groups: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    loaded: dict[tuple[str, Key], object] = {}
    for sandbox_id, (kind, id) in keys:
        groups[(sandbox_id, kind)][id] = None
    for (sandbox_id, kind), each_once in groups.items():
        ids = list(each_once)
        load = LOADERS.get(kind)
        if load is not None:
            values = load(SandboxReader(connection, sandbox_id), ids)
        else:
            values = _stored(connection, STORES[kind], sandbox_id, ids, lock=to_write)
        for id in ids:
            loaded[(sandbox_id, (kind, id))] = values.get(id)
    return loaded


def server_rows(connection: Connection, make: Callable[..., R], sql: str, /, **parameters: Value) -> list[R]:
    """The rows of a query over all sandboxes, each as `make(*columns)`."""
    return [make(*row) for row in _fetched(connection, sql, parameters)]


def _stored(
    connection: Connection, store: Store[E], sandbox_id: str, ids: Sequence[str], *, lock: bool
) -> dict[str, E]:
    head = f"SELECT {', '.join(store.columns)} FROM {store.table} WHERE "
    if store.scoped:
        head += "sandbox_id = :sandbox_id AND "
    tail = " ORDER BY id FOR UPDATE" if lock and connection.dialect.name == "postgresql" else " ORDER BY id"
    sql, places = _in(head + "id", ids, tail)
    entities = (store.make(row) for row in _fetched(connection, sql, {"sandbox_id": sandbox_id, **places}))
    return {entity.id: entity for entity in entities}


def _in(head: str, values: Sequence[str], tail: str) -> tuple[str, dict[str, Value]]:
    """`head IN (values) tail`. The number of placeholders is a power of two, so that few texts are prepared."""
    places = 1
    while places < len(values):
        places *= 2
    padded = [*values, *[values[-1]] * (places - len(values))]
    return _text_in(head, places, tail), dict(zip(_names(places), padded, strict=True))


@lru_cache(maxsize=1024)
def _text_in(head: str, places: int, tail: str) -> str:
    return f"{head} IN ({', '.join(':' + name for name in _names(places))}){tail}"


@cache
def _names(places: int) -> tuple[str, ...]:
    return tuple(f"id_{n}" for n in range(places))


def _fetched(connection: Connection, sql: str, parameters: dict[str, Value]) -> Sequence[Columns]:
    return fetch(connection, in_driver_style(sql, connection.dialect.paramstyle), parameters)
