"""Reading one sandbox: its id is filled into every query, so that no query can read another sandbox's rows.

        SandboxReader(connection, sandbox_id)      within a transaction of the writer's, and in loaders
        Snapshot(connection, sandbox, now_ms)      in a transaction that only reads, with the sandbox and its time

`get` and `find` read entities as `Work` does. `rows` runs any other query, and says what each row becomes: a named
tuple or a struct, made from the columns in their order. That each text is bound to one sandbox is tested for all of
them at once; here a text that names no `:sandbox_id` and a parameter that would take its place are refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from mocklend.seams.layer import Layer
from mocklend.storage.statements import Value, in_driver_style
from mocklend.storage.stores import STORES, E, Store
from mocklend.storage.work import Key, Loaded, Sandbox

R = TypeVar("R")
T = TypeVar("T")


class OtherSandbox(AssertionError):
    """A query was about to read rows that are not the reader's sandbox's: a bug in whoever asks."""


class OfLoan(NamedTuple):
    """A row of two columns: a loan, and something of it, by their ids."""

    loan_id: str
    id: str


@dataclass(frozen=True, slots=True)
class SandboxReader:
    """One sandbox's rows, on one connection."""

    connection: Connection
    sandbox_id: str

    def find(self, cls: type[E], id: str) -> E | None:
        """The entity, or None if there is none."""
        return next(iter(self.find_all(cls, [id])), None)

    def get(self, cls: type[E], id: str) -> E:
        """The entity. The caller knows that there is one: AssertionError if there is none."""
        entity = self.find(cls, id)
        if entity is None:
            raise AssertionError(f"there is no {cls.kind} {id}")
        return entity

    def find_all(self, cls: type[E], ids: Iterable[str]) -> list[E]:
        """The entities with these ids, in their order and each once; those that are not there are left out."""
        return list(self.by_id(cls, ids).values())

    def by_id(self, cls: type[E], ids: Iterable[str]) -> dict[str, E]:
        """The entities with these ids, by id and in their order; those that are not there are left out."""
        wanted, store = list(dict.fromkeys(ids)), STORES[cls.kind]
        if not store.scoped and any(id != self.sandbox_id for id in wanted):
            raise OtherSandbox(f"a reader of sandbox {self.sandbox_id!r} was asked for the sandboxes {wanted}")
        stored = _stored(self.connection, store, self.sandbox_id, wanted, lock=False) if wanted else {}
        return {id: stored[id] for id in wanted if id in stored}

    def where(self, cls: type[E], condition: str, /, **parameters: Value) -> list[E]:
        """The entities for which a condition on their table's columns holds; it may end in an order and a limit.

        One query, where asking for ids and loading those would be two.
        """
        store = STORES[cls.kind]
        sql = f"SELECT {', '.join(store.columns)} FROM {store.table} WHERE sandbox_id = :sandbox_id AND {condition}"
        return [store.make(row) for row in self._run(sql, parameters)]

    def where_in(self, cls: type[E], column: str, values: Sequence[str]) -> list[E]:
        """The entities of which a column has one of these values, by their ids."""
        store = STORES[cls.kind]
        head = f"SELECT {', '.join(store.columns)} FROM {store.table} WHERE sandbox_id = :sandbox_id AND {column}"
        sql, places = _in(head, values, " ORDER BY id")
        return [store.make(row) for row in self._run(sql, places)]

    def load(self, what: Loaded[T], id: str) -> T:
        """What is loaded under an id, as `Work.load` has it."""
        loaded: Mapping[str, T] = LOADERS[what.kind](self, [id])
        return loaded[id]

    def rows(self, make: Callable[..., R], sql: str, /, **parameters: Value) -> list[R]:
        """What a query gives, each row as `make(*columns)`."""
        return [make(*row) for row in self._run(sql, parameters)]

    def rows_in(
        self, make: Callable[..., R], head: str, values: Sequence[str], tail: str = "", /, **parameters: Value
    ) -> list[R]:
        """What `head IN (values) tail` gives, each row as `make(*columns)`."""
        sql, places = _in(head, values, tail)
        return [make(*row) for row in self._run(sql, parameters | places)]

    def ids(self, sql: str, /, **parameters: Value) -> list[str]:
        """What a query of one column of text gives."""
        return [row[0] for row in self._run(sql, parameters)]

    def ids_in(self, head: str, values: Sequence[str], tail: str = "", /, **parameters: Value) -> list[str]:
        """What `head IN (values) tail` gives, a query of one column of text."""
        sql, places = _in(head, values, tail)
        return [row[0] for row in self._run(sql, parameters | places)]

    def number(self, sql: str, /, **parameters: Value) -> int:
        """The one number that a query gives; 0 where that is NULL, as a sum over nothing is."""
        return int(self._run(sql, parameters)[0][0] or 0)

    def exists(self, sql: str, /, **parameters: Value) -> bool:
        """Whether a query gives any row."""
        return bool(self._run(sql, parameters))

    def _run(self, sql: str, parameters: dict[str, Value]) -> Sequence[Sequence[Any]]:
        if "sandbox_id" in parameters:
            given = parameters["sandbox_id"]
            raise OtherSandbox(f"a reader fills in its own sandbox, {self.sandbox_id!r}; it was given {given!r}")
        if ":sandbox_id" not in sql:
            raise OtherSandbox(f"a reader's text says of which sandbox: `sandbox_id = :sandbox_id` is not in {sql!r}")
        return _fetched(self.connection, sql, {"sandbox_id": self.sandbox_id, **parameters})


@dataclass(frozen=True, slots=True)
class Snapshot(SandboxReader):
    """One sandbox's rows as they were at one moment, with the sandbox, and that moment on its clock."""

    sandbox_id: str = field(init=False)
    sandbox: Sandbox
    now_ms: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "sandbox_id", self.sandbox.id)


PlatformLayer = Layer[Connection, Snapshot]
"""A fault layer that reads as the platform does."""

Load = Callable[[SandboxReader, Sequence[str]], Mapping[str, T]]
LOADERS: dict[str, Load[Any]] = {}


def register_loader(what: Loaded[T], load: Load[T]) -> None:
    """Say how a kind is loaded that is no row of one table: (reader, ids) -> id -> value. `mocklend.loaders` does."""
    LOADERS[what.kind] = load


def load_all(
    connection: Connection, wanted: Iterable[tuple[str, Key]], *, to_write: bool = False
) -> dict[tuple[str, Key], object]:
    """What is behind (sandbox id, key) pairs, one query per kind and sandbox; None where there is no such row.

    A value is what its kind says: an entity, or what a loader gives. `Work.find` and `Work.load` read them with their
    types. `to_write` locks the rows, in the order of their ids, where the engine has row locks.
    """
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    loaded: dict[tuple[str, Key], object] = {}
    for sandbox_id, (kind, id) in wanted:
        if (sandbox_id, (kind, id)) not in loaded:
            loaded[(sandbox_id, (kind, id))] = None
            groups[(sandbox_id, kind)].append(id)
    for (sandbox_id, kind), ids in groups.items():
        load = LOADERS.get(kind)
        if load is not None:
            values = load(SandboxReader(connection, sandbox_id), ids)
        else:
            values = _stored(connection, STORES[kind], sandbox_id, ids, lock=to_write)
        for id, value in values.items():
            loaded[(sandbox_id, (kind, id))] = value
    return loaded


def server_rows(connection: Connection, make: Callable[..., R], sql: str, /, **parameters: Value) -> list[R]:
    """What a query about the whole server gives, each row as `make(*columns)`."""
    return [make(*row) for row in _fetched(connection, sql, parameters)]


def _stored(connection: Connection, store: Store, sandbox_id: str, ids: Sequence[str], *, lock: bool) -> dict[str, Any]:
    head = f"SELECT {', '.join(store.columns)} FROM {store.table} WHERE "
    if store.scoped:
        head += "sandbox_id = :sandbox_id AND "
    tail = " ORDER BY id FOR UPDATE" if lock and connection.dialect.name == "postgresql" else " ORDER BY id"
    sql, places = _in(head + "id", ids, tail)
    entities = (store.make(row) for row in _fetched(connection, sql, {"sandbox_id": sandbox_id, **places}))
    return {entity.id: entity for entity in entities}


def _in(head: str, values: Sequence[str], tail: str) -> tuple[str, dict[str, Value]]:
    """`head IN (values) tail`. The number of places is a power of two, so that few texts are ever prepared."""
    places = 1
    while places < len(values):
        places *= 2
    padded = list(values) + [values[-1]] * (places - len(values))
    names = [f"id_{n}" for n in range(places)]
    return f"{head} IN ({', '.join(':' + name for name in names)}){tail}", dict(zip(names, padded, strict=True))


def _fetched(connection: Connection, sql: str, parameters: dict[str, Value]) -> Sequence[Sequence[Any]]:
    return connection.exec_driver_sql(in_driver_style(sql, connection.dialect.paramstyle), parameters).fetchall()
