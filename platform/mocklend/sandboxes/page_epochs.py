"""The epoch of a sandbox's status pages in a shared cache: part of their keys there, and a column of the sandbox's row.

        commit of pages   block them in the cache ─▶ COMMIT ─▶ drop them there ─▶ answer
          if a step fails                         └─ the next epoch ─┘

A request reads its sandbox's row when it begins, and looks for pages of that epoch alone. So a commit whose pages may
have stayed in the cache, because it could not be reached, sets the next epoch: nobody finds them there any more. A
process that has no cache cannot drop anything, and does the same at each commit of pages that another may have cached.

A sandbox has the epoch 0 until its pages are cached for the first time, and such commits then cost nothing. Its first
epoch is a real time (ms), so a sandbox that is made again, with the same id, does not have the epochs of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from msgspec.structs import replace
from sqlalchemy import Connection

from mocklend.domain.problems import Refused
from mocklend.logs import get_logger
from mocklend.seams.view_refresh import NEVER_MS
from mocklend.storage.entities import Loan
from mocklend.storage.statements import run_many
from mocklend.storage.work import Answer, Idempotency, Key, Sandbox, Work

_NEXT_EPOCH = "UPDATE sandboxes SET page_epoch = page_epoch + 1 WHERE id = :id AND page_epoch > 0"

log = get_logger()


class PageKey(NamedTuple):
    """A status page in a shared cache: the sandbox, the epoch of its pages, and the loan."""

    sandbox_id: str
    epoch: int
    loan_id: str


class PageStore(Protocol):
    """A shared cache, as a writer uses it. Both return whether the cache has confirmed it, for all pages."""

    def block(self, pages: Collection[PageKey]) -> bool:
        """Forget pages, and keep none of them until they are dropped, or for a time. Before their commit."""

    def drop(self, pages: Collection[PageKey]) -> bool:
        """Forget pages, and whatever is read for them now: only what is read from now on may be kept."""


def next_epoch(sandbox: Sandbox) -> int:
    """The epoch after the sandbox's; 0 where its pages are not cached."""
    return sandbox.page_epoch + 1 if sandbox.page_epoch else 0


def keeps_page(before: Loan | None, after: Loan) -> bool:
    """Whether a loan has only got versions that no view will ever show: a fault has lost the invalidation of its page.

    Then none is sent, and the page that is in the cache stays there. It is what the database shows.
    """
    if before is None:
        return False
    new = [version for version in after.view_versions if version not in before.view_versions]
    return bool(new) and all(version.showing.page_ms >= NEVER_MS for version in new)


def pages_of(loans: Iterable[tuple[str, str]], sandbox_of: Callable[[str], Sandbox | None]) -> Iterator[PageKey]:
    """The pages of loans, given by sandbox and loan, in sandboxes whose pages are cached."""
    for sandbox_id, loan_id in loans:
        sandbox = sandbox_of(sandbox_id)
        if sandbox is not None and sandbox.page_epoch:
            yield PageKey(sandbox_id, sandbox.page_epoch, loan_id)


class PageFence:
    """Keeps pages from staying in a shared cache beyond the commit that changes them. For one writer, in its lock."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        """`transaction` opens a write transaction of its own."""
        self._transaction = transaction
        self._owed: set[str] = set()
        self.store: PageStore | None = None
        """The shared cache; None if this process has none."""

    def before_commit(self, connection: Connection, pages: Collection[PageKey]) -> None:
        """Block pages in the cache, or set the next epoch in this transaction."""
        if not pages:
            return
        sandboxes = {page.sandbox_id for page in pages}
        if self.store is not None and self.store.block(pages):
            self._owed |= sandboxes  # Until the pages are dropped. The commit may also fail, and yet have taken place.
        else:
            _set_next_epoch(connection, sandboxes)

    def after_commit(self, pages: Collection[PageKey]) -> None:
        """Drop pages that were blocked, and where that fails set the next epoch of their sandboxes. Before the answers.

        If the database fails as well, the cache still holds the block, and the next epoch is set after another commit.
        A cache that has lost the block, too, may show an older page until then: see decision 23.
        """
        if not self._owed:
            return
        if self.store is not None and pages and self.store.drop(pages):
            self._owed -= {page.sandbox_id for page in pages}
        if self._owed:
            try:
                with self._transaction() as connection:
                    _set_next_epoch(connection, self._owed)
                self._owed = set()
            except Refused as refused:
                log.warning("status pages could not be dropped from the shared cache", why=refused.detail)


def _set_next_epoch(connection: Connection, sandboxes: Iterable[str]) -> None:
    run_many(connection, _NEXT_EPOCH, [{"id": sandbox_id} for sandbox_id in sorted(sandboxes)])


@dataclass(frozen=True, slots=True)
class CachePages:
    """Let a sandbox's pages be cached from now on. `real_ms` becomes its first epoch."""

    sandbox_id: str
    real_ms: int
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200."""
        if not work.sandbox.page_epoch:
            work.put(replace(work.sandbox, page_epoch=self.real_ms))
        return Answer(200, {})
