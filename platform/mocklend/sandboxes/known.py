"""The sandboxes that this process knows: which sandbox a credential opens, its seed, the version of its rules.

        alone     credential ─▶ memory ─ unknown ─▶ database ─▶ memory
        shared    credential ─▶ database, at each request ─▶ compared with memory: another process may have changed it

A process that shares its database learns of what other processes did to a sandbox by this one read: that it is gone or
has another key, that it was reset, and that its rules were changed. The hot path does not wait for a read; its commands
are decided only if the sandbox is still as it was known (`IfUnchanged`).
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Engine

from mocklend.domain.problems import Refused
from mocklend.sandboxes.lifecycle import DEFAULT, STAFF, being_reset, is_emptying, staff_key
from mocklend.signing import hash_of_key
from mocklend.storage.engines import is_shared, reading
from mocklend.storage.snapshot import server_rows
from mocklend.storage.work import Command, IfUnchanged


class Known(NamedTuple):
    """What is known of a sandbox. `rules_version` is that of the last read."""

    id: str
    key_hash: str
    seed: int
    rules_version: int
    resets: int


class Seen(NamedTuple):
    """What a request's first read has seen of its sandbox: the epoch of its cached pages, and its clock."""

    id: str
    page_epoch: int
    sandbox_ms: int
    real_ms: int
    speed: int

    def now_ms(self, real_ms: int) -> int:
        """The sandbox's time (ms) at a real time, as `Sandbox.now_ms`."""
        return self.sandbox_ms + max(0, real_ms - self.real_ms) * self.speed


_COLUMNS = ", ".join([*Known._fields, *Seen._fields])


def _known_and_seen(*columns: Any) -> tuple[Known, Seen]:
    known = len(Known._fields)
    return Known(*columns[:known]), Seen(*columns[known:])


class Opened(NamedTuple):
    """The sandbox that a key opened when it was last read, and the hash of its API key then."""

    id: str
    key_hash: str


class KnownSandboxes:
    """The sandboxes that a process knows. Thread-safe: a lost update is only read again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.shared = is_shared(engine)
        self._opened: dict[str, Opened] = {}  # by the hash of the key that opened it
        self._by_id: dict[str, Known] = {}
        self._here = threading.local()
        self.on_rules: Callable[[str, int], None] = lambda sandbox_id, version: None
        """Called at each read with the version of the sandbox's rules."""
        self.on_reset: Callable[[str], None] = lambda sandbox_id: None
        """Called once another process has reset a sandbox."""

    def by_key(self, api_key: str) -> str | None:
        """Return the id of the sandbox that an API key opens, or None. Raises Refused `sandbox_emptying`."""
        digest = hash_of_key(api_key)
        if not self.shared and (opened := self._opened.get(digest)) is not None:
            return opened.id
        known = self._read("key_hash", digest)
        if known is None:
            return None
        self._opened[digest] = Opened(known.id, known.key_hash)
        return known.id

    def by_staff_key(self, key: str) -> str | None:
        """Return the id of the sandbox whose staff key this is, or None. Raises Refused `sandbox_emptying`."""
        digest = hash_of_key(key)
        if not self.shared and (opened := self._opened.get(digest)) is not None:
            return opened.id
        known = self._read("id", key.removeprefix(STAFF).partition(".")[0])
        if known is None or not hmac.compare_digest(staff_key(known.id, known.key_hash), key):
            return None
        self._opened[digest] = Opened(known.id, known.key_hash)
        return known.id

    def default(self) -> str:
        """Return the id of the sandbox `default`, after a look at it."""
        return self.named(DEFAULT)

    def named(self, sandbox_id: str) -> str:
        """Return the id of a sandbox that needs no key, after a look at it. Raises Refused `sandbox_emptying`."""
        if self.shared:
            self._read("id", sandbox_id)
        return sandbox_id

    def cached(self, key: str) -> Opened | None:
        """Return the sandbox that a key opened when it was last read."""
        return self._opened.get(hash_of_key(key))

    def cached_seed(self, sandbox_id: str) -> int | None:
        """Return a sandbox's seed, if it is known."""
        known = self._by_id.get(sandbox_id)
        return None if known is None else known.seed

    def seed_of(self, sandbox_id: str) -> int:
        """Return a sandbox's seed, which never changes. Raises Refused `sandbox_unknown`, `sandbox_emptying`."""
        known = self._by_id.get(sandbox_id) or self._read("id", sandbox_id)
        if known is None:
            raise Refused("sandbox_unknown", f"no sandbox {sandbox_id}", sandbox_id=sandbox_id)
        return known.seed

    def if_unchanged(self, command: Command, key_hash: str | None, rules_version: int | None) -> Command | None:
        """Return the command, to be decided only if the sandbox is as it is known, with these rules.

        `key_hash` is that of the sandbox when the request's key opened it; None without a key. Returns None if too
        little is known, and the command as it is in a process that is alone.
        """
        if not self.shared:
            return command
        known = self._by_id.get(command.sandbox_id)
        if known is None or rules_version is None:
            return None
        return IfUnchanged(command, known.key_hash if key_hash is None else key_hash, rules_version, known.resets)

    def seen_here(self, sandbox_id: str) -> Seen | None:
        """What this thread's last read saw, if it was of this sandbox: where processes share, a request begins so."""
        seen: Seen | None = getattr(self._here, "seen", None)
        return seen if self.shared and seen is not None and seen.id == sandbox_id else None

    def reset_here(self, sandbox_id: str, resets: int) -> None:
        """Note that this process has reset a sandbox, so that `on_reset` is not called."""
        known = self._by_id.get(sandbox_id)
        if known is not None:
            self._by_id[sandbox_id] = known._replace(resets=max(known.resets, resets))

    def forget_keys(self, sandbox_id: str) -> None:
        """Forget which keys open a sandbox: it has another one."""
        self._opened = {key: opened for key, opened in list(self._opened.items()) if opened.id != sandbox_id}

    def forget(self, sandbox_id: str) -> None:
        """Forget a deleted sandbox."""
        self._by_id.pop(sandbox_id, None)
        self.forget_keys(sandbox_id)

    def _read(self, column: str, value: str) -> Known | None:
        sql = f"SELECT {_COLUMNS} FROM sandboxes WHERE {column} = :value"
        with reading(self._engine, one_statement=True) as connection:
            rows = server_rows(connection, _known_and_seen, sql, value=value)
        if not rows:
            with reading(self._engine, one_statement=True) as connection:
                if is_emptying(connection, column, value):
                    raise being_reset()
            return None
        known, self._here.seen = rows[0]
        self.compare(known)
        return known

    def compare(self, read: Known) -> None:
        """Remember what was read of a sandbox. What another process has changed of it is forgotten, or loaded again."""
        before = self._by_id.get(read.id)
        # A read that was overtaken by another is older than what is known.
        if before is None or before.seed != read.seed or before.resets <= read.resets:
            self._by_id[read.id] = read
        if self.shared:
            if before is not None and (before.resets < read.resets or before.seed != read.seed):
                self.on_reset(read.id)
            self.on_rules(read.id, read.rules_version)
