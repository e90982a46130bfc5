"""Status pages as bytes, each for as long as it holds: what the hot path answers from, before it asks the database.

        read  ─▶ page here? ─yes─▶ bytes
                     └─no─▶ database ─▶ keep, unless something was written meanwhile
        write ─▶ commit ─▶ drop the pages it changed ─▶ answer

A page holds until a moment: when another version becomes visible, at the latest. Whatever moves a sandbox's clock, or
changes the sandbox, drops all of its pages. So a read that begins after an answer sees what was written before it. This
is only true if one process writes: see `storage.alone`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from sqlalchemy import Engine

from mocklend.config import STATUS_PAGES_MAX
from mocklend.storage.engines import ground_of
from mocklend.storage.quick import QuickReader
from mocklend.views.page_versions import PageForNow, page_for_now


class PageCache:
    """Pages by sandbox and loan. Thread-safe: the hot path reads while the writer drops."""

    def __init__(self, pages_max: int = STATUS_PAGES_MAX) -> None:
        """Beyond `pages_max` all pages are dropped, and the cache begins again."""
        self._pages: dict[str, dict[str, PageForNow]] = {}
        self._pages_max = pages_max
        self._count = 0
        self._lock = threading.Lock()
        self.generation = 0
        """Counts the drops. A page may be kept only if this has not changed since before it was read."""

    def get(self, sandbox_id: str, loan_id: str, real_ms: int) -> PageForNow | None:
        """The page at a real time (ms), if it is known."""
        pages = self._pages.get(sandbox_id)
        page = pages.get(loan_id) if pages is not None else None
        if page is None or (page.until_ms is not None and page.until_ms <= real_ms):
            return None
        return page

    def keep(self, sandbox_id: str, loan_id: str, page: PageForNow, generation: int) -> None:
        """Keep a page for its time, or until it is dropped, if nothing was dropped since `generation`."""
        with self._lock:
            if generation != self.generation:
                return
            if self._count >= self._pages_max:
                self._pages, self._count = {}, 0
            pages = self._pages.setdefault(sandbox_id, {})
            self._count += loan_id not in pages
            pages[loan_id] = page

    def drop(self, sandboxes: Iterable[str], loans: Iterable[tuple[str, str]] = ()) -> None:
        """Forget all pages of sandboxes, and those of single loans, given by sandbox and loan. After the commit."""
        with self._lock:
            self.generation += 1
            for sandbox_id in sandboxes:
                self._count -= len(self._pages.pop(sandbox_id, ()))
            for sandbox_id, loan_id in loans:
                if self._pages.get(sandbox_id, {}).pop(loan_id, None) is not None:
                    self._count -= 1


class StatusPages:
    """The status pages of an SQLite database as they are sent, for one thread."""

    def __init__(self, engine: Engine, cache: PageCache | None) -> None:
        """Without a cache, each page is read from the database."""
        self._reader = QuickReader(engine)
        self._ground = ground_of(engine)
        self._cache = cache

    def body(self, sandbox_id: str, loan_id: str, real_ms: int) -> bytes | None:
        """The stored JSON of `page`."""
        page = self.page(sandbox_id, loan_id, real_ms)
        return None if page is None else page.body

    def page(self, sandbox_id: str, loan_id: str, real_ms: int) -> PageForNow | None:
        """A loan's status page at a real time (ms). None where that takes more than a look: the caller then asks
        `reads.page_text`, which can wait, retry, refuse, and take turns among replicas."""
        cache = self._cache
        if cache is None:
            return page_for_now(self._reader, sandbox_id, real_ms, loan_id)
        if self._ground.trouble is None and (known := cache.get(sandbox_id, loan_id, real_ms)) is not None:
            return known
        generation = cache.generation
        page = page_for_now(self._reader, sandbox_id, real_ms, loan_id)
        if page is None:
            return None
        cache.keep(sandbox_id, loan_id, page, generation)
        return page
