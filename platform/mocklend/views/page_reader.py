"""Status pages of a database that several processes serve: one statement reads all that are asked for at one time.

        status queries ─▶ queue ─▶ a thread ─▶ one statement ─▶ each page, with what is known of its sandbox
                                                  └ failed ─▶ None for each, and for RETRY_S none is taken

While a statement is executed, further queries wait, and the next statement reads them together. A statement begins
after the queries that it answers have arrived, so it sees what was answered before them, in whatever process. Nobody
waits longer than two statements may take: WITHIN_S each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from queue import Empty, SimpleQueue
from typing import NamedTuple

from sqlalchemy import Engine, event

from mocklend.logs import get_logger
from mocklend.sandboxes.known import Known
from mocklend.storage.engines import ground_of
from mocklend.storage.ground import RETRY_S
from mocklend.storage.statement_reader import PAIRS, Row, StatementReader, text_array
from mocklend.views.page_versions import PageForNow, VersionAndClock, page_among, pages_of_many

WITHIN_S = 2.0
"""How long a statement may take, in seconds."""
TOGETHER_MAX = 256
"""The most queries that one statement answers."""
WAITING_MAX = 4_096
"""The most queries that wait for a statement."""
CLOSES_WITHIN_S = 1.0

log = get_logger()


class ReadPage(NamedTuple):
    """A sandbox as a statement found it, and a status page in it; None where that takes more than a look."""

    sandbox: Known
    page: PageForNow | None


Receive = Callable[[ReadPage | None], None]
"""Receives what was read, in the reader's thread; None if nothing could be read."""


class Query(NamedTuple):
    """A query for a loan's status page."""

    sandbox_id: str
    loan_id: str
    receive: Receive


class PageReader:
    """Reads status pages on one thread, with one connection. Its methods are thread-safe. It ends with its engine."""

    def __init__(self, engine: Engine, real_ms: Callable[[], int], *, within_s: float = WITHIN_S) -> None:
        self._ground, self._real_ms = ground_of(engine), real_ms
        self._statement = StatementReader(engine, pages_of_many(PAIRS), within_s=within_s)
        self._queries: SimpleQueue[Query | None] = SimpleQueue()
        self._taken = 0
        self._retry_s: float | None = None if self._statement.open() else 0.0
        """While statements fail: the time of the next attempt."""
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="mocklend-pages", daemon=True)
        self._thread.start()
        event.listen(engine, "engine_disposed", lambda _: self.close())

    @property
    def taken(self) -> int:
        """How many queries were taken and have not received anything yet."""
        return self._taken

    def ask(self, sandbox_id: str, loan_id: str, receive: Receive) -> bool:
        """Read a status page, unless that is impossible now: then False, and nothing is received."""
        if self._ground.trouble is not None:
            return False
        with self._lock:
            if self._closed or self._taken >= WAITING_MAX or self._retry_s is not None:
                self._retry()
                return False
            self._taken += 1
            self._queries.put(Query(sandbox_id, loan_id, receive))
            return True

    def close(self) -> None:
        """Answer the queries that wait, and end the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queries.put(None)
        self._thread.join(CLOSES_WITHIN_S)

    def _retry(self) -> None:
        """Attempt a statement again, for nobody, if it is time to."""
        if self._retry_s is not None and self._retry_s <= time.monotonic() and not self._closed:
            self._retry_s = time.monotonic() + WITHIN_S + RETRY_S
            self._taken += 1
            self._queries.put(NOBODY)

    # --- in its thread ---

    def _run(self) -> None:
        last = False
        while not last:
            queries, last = self._next()
            pages = self._read(queries) if queries else {}
            for query in queries:
                try:
                    query.receive(pages.get((query.sandbox_id, query.loan_id)))
                except Exception as failure:
                    log.error("a status query could not be answered", exc_info=failure)
            with self._lock:
                self._taken -= len(queries)
        self._statement.close()

    def _next(self) -> tuple[list[Query], bool]:
        """All queries that wait, once there is one; and whether they are the last."""
        queries: list[Query] = []
        query = self._queries.get()
        while query is not None:
            queries.append(query)
            if len(queries) == TOGETHER_MAX:
                return queries, False
            try:
                query = self._queries.get_nowait()
            except Empty:
                return queries, False
        return queries, True

    def _read(self, queries: Sequence[Query]) -> Mapping[tuple[str, str], ReadPage]:
        """The pages of queries, by sandbox and loan, from one statement that begins now."""
        if self._retry_s is not None and NOBODY not in queries:
            return {}
        asked = list(dict.fromkeys((query.sandbox_id, query.loan_id) for query in queries))
        rows = self._statement.rows(text_array(id for id, _ in asked), text_array(id for _, id in asked))
        self._retry_s = time.monotonic() + RETRY_S if rows is None else None
        real_ms = self._real_ms()  # After the statement: what it found is not later.
        by_page = groupby(rows or (), key=itemgetter(0))
        return {asked[int(n) - 1]: _read_page(list(of_page), real_ms) for n, of_page in by_page if n is not None}


def _read_page(rows: Sequence[Row], real_ms: int) -> ReadPage:
    """What the rows of one page say: see `page_versions.pages_of_many`."""
    _, id, key_hash, seed, rules_version, resets, *_ = rows[0]
    sandbox = Known(_text(id), _text(key_hash), _number(seed), _number(rules_version), _number(resets))
    versions = [VersionAndClock(body, *map(_number, times)) for _, _, _, _, _, _, body, *times in rows if body]
    return ReadPage(sandbox, page_among(versions, real_ms) if versions else None)


def _text(value: bytes | None) -> str:
    return (value or b"").decode()


def _number(value: bytes | None) -> int:
    return int(value or 0)


NOBODY = Query("", "", lambda _: None)
