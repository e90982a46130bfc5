"""Status pages in Redis, shared by the processes of a PostgreSQL database: cache-aside, with leases.

        read   ─▶ page there? ─yes─▶ bytes
                     └─no─▶ lease ─▶ database ─▶ keep, if the lease is still there
        write  ─▶ block ─▶ COMMIT ─▶ drop ─▶ answer

A page has the key `mocklend:<incarnation>:<sandbox>:<epoch>:<loan>`, of the server's incarnation (`storage.redis_link`)
and the epoch of the sandbox's pages (`sandboxes.page_epochs`). Its value says from when until when, on the sandbox's
clock, the database shows this page: Redis's own expiry runs on real time, and only limits how long it is kept.

In place of a page stands for a short time the lease of the one reader that may put it there, or the block of a commit,
during which nobody may. A drop ends both. So what was read before a drop is not kept after it.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from itertools import count
from typing import Literal, NamedTuple, get_args

import msgspec

from mocklend.domain.problems import Refused
from mocklend.sandboxes.page_epochs import CachePages, PageKey
from mocklend.storage.redis_link import Asked, RedisLink
from mocklend.storage.work import Answer, Command
from mocklend.views.page_versions import PageSpan

PREFIX = "mocklend"
CHANNEL = "mocklend:dropped"
"""The channel to which each drop is published, as `<sandbox> <loan>`. For whoever watches: no process relies on it."""
PAGE_MS = 30_000
"""How long a page is kept at most, in real time."""
LEASE_MS = 2_000
BLOCK_MS = 10_000
"""How long a commit may take before pages that it changes are read into the cache again, to be dropped after it."""
BLOCK = "block"

CacheUse = Literal["hit", "miss", "down"]
"""How a status page was answered: from the cache, from the database, or from the database since the cache is down."""
CACHE_USES: tuple[CacheUse, ...] = get_args(CacheUse)

LOOK = """local found = {}
for n, key in ipairs(KEYS) do
  found[n] = redis.call('GET', key)
  if not found[n] then redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
end
return found"""
"""Get the values of all keys, and take a lease where there is none."""
SWAP = """if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1"""
"""Replace a value, if it is still what it was: a lease by its page, or a page that is out of date by a lease."""
DROP = """for _, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  if value and (value == ARGV[1] or string.sub(value, 1, #ARGV[2]) ~= ARGV[2]) then redis.call('DEL', key) end
end
return 1"""
"""Delete all keys but those that another process blocks: it is about to commit, and nobody may fill them meanwhile."""


class CachedPage(msgspec.Struct, frozen=True):
    """A status page in the cache: its version, from when until when it is shown (sandbox ms), and its stored JSON.

    `stale` says whether there was a newer version when the page was kept.
    """

    version: int
    from_ms: int
    until_ms: int
    stale: bool
    page: msgspec.Raw

    @classmethod
    def of(cls, span: PageSpan) -> CachedPage:
        """A page that was read from the database."""
        return cls(span.version, span.from_ms, span.until_ms, span.stale, msgspec.Raw(span.doc.encode()))


class Look(NamedTuple):
    """What a look for a page has found: its body, or None; the lease to keep it with, or None; whether it is stale."""

    body: bytes | None
    lease: bytes | None
    stale: bool = False


_read = msgspec.json.Decoder(CachedPage).decode
_written = msgspec.json.Encoder().encode
NOTHING = Look(None, None)


class SharedPages:
    """The status pages of all sandboxes in one Redis. Thread-safe. See `PageStore` for `block` and `drop`."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._name = secrets.token_hex(8)
        self._block = f"{BLOCK} {self._name}"
        self._numbers = count()
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self.uses: Counter[CacheUse] = Counter()
        """How many status pages were answered in which way."""

    def get(self, key: PageKey, now_ms: int) -> Look | None:
        """A look for one page at a sandbox's time (ms); None if the cache is down."""
        looks = self.get_many([(key, now_ms)])
        return None if looks is None else looks[0]

    def get_many(self, asked: Sequence[tuple[PageKey, int]]) -> list[Look] | None:
        """Looks for pages, each at its sandbox's time (ms), in one round trip; None if the cache is down.

        A page that is not there has to be read from the database after this, and may be kept with its lease.
        """
        if not asked:
            return []
        lease = f"lease {self._name} {next(self._numbers)}".encode()

        def look(incarnation: str) -> list[Asked]:
            return [("EVAL", LOOK, len(asked), *(_key(incarnation, key) for key, _ in asked), lease, LEASE_MS)]

        replies = self._link.ask(look)
        if replies is None or not isinstance(values := replies[0], list) or len(values) != len(asked):
            return None
        return [self._look(*each, value, lease) for each, value in zip(asked, values, strict=True)]

    def _look(self, key: PageKey, now_ms: int, value: bytes | None, lease: bytes) -> Look:
        if value is None:
            return Look(None, lease)
        try:
            cached = _read(value)
        except (msgspec.MsgspecError, ValueError):  # A lease, a block, or what somebody else has put there.
            return NOTHING
        if cached.from_ms <= now_ms < cached.until_ms:
            return Look(bytes(cached.page), None, cached.stale)
        return Look(None, lease) if self._swap(key, value, lease, LEASE_MS) else NOTHING

    def keep(self, key: PageKey, lease: bytes, page: CachedPage) -> bool:
        """Put a page into the cache that was read after the look that gave this lease. Returns whether it is there."""
        return self._swap(key, lease, _written(page), PAGE_MS)

    def _swap(self, key: PageKey, old: bytes, new: bytes, keep_ms: int) -> bool:
        replies = self._link.ask(lambda incarnation: [("EVAL", SWAP, 1, _key(incarnation, key), old, new, keep_ms)])
        return replies == [1]

    def block(self, pages: Collection[PageKey]) -> bool:
        """Forget pages, and keep none of them for BLOCK_MS, or until they are dropped."""
        replies = self._link.ask(lambda of: [("SET", _key(of, page), self._block, "PX", BLOCK_MS) for page in pages])
        return replies is not None  # A command that is refused is a failure of the link.

    def drop(self, pages: Collection[PageKey]) -> bool:
        """Forget pages, their leases and this process's blocks, and publish which."""

        def dropped(incarnation: str) -> list[Asked]:
            told: list[Asked] = [("PUBLISH", CHANNEL, f"{page.sandbox_id} {page.loan_id}") for page in pages]
            keys = [_key(incarnation, page) for page in pages]
            return [("EVAL", DROP, len(keys), *keys, self._block, BLOCK), *told]

        return self._link.ask(dropped) is not None

    def begin(self, sandbox_id: str, real_ms: int, submit: Callable[[Command], Future[Answer]]) -> None:
        """Have a command set a sandbox's first epoch. Nothing waits for it: until then its pages are not cached."""
        with self._lock:
            if sandbox_id in self._begun:
                return
            self._begun.add(sandbox_id)
        try:
            submit(CachePages(sandbox_id, real_ms)).add_done_callback(lambda _: self._begun.discard(sandbox_id))
        except Refused:
            self._begun.discard(sandbox_id)

    @property
    def is_down(self) -> bool:
        """Whether the server did not answer when it was last asked."""
        return self._link.is_down

    def count(self, use: CacheUse) -> None:
        """Count a status page that was answered."""
        with self._lock:
            self.uses[use] += 1

    def close(self) -> None:
        """Close the connections."""
        self._link.close()


def _key(incarnation: str, page: PageKey) -> str:
    return f"{PREFIX}:{incarnation}:{page.sandbox_id}:{page.epoch}:{page.loan_id}"
