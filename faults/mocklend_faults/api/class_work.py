"""What takes long of a class: filling its sandboxes, moving its clocks, deleting it. Beside the request that began it.

        request ─▶ the class's row says what is meant ─▶ a thread of this process does it ─▶ the answer, within 20 s

Two clocks move at a time, each as any advance does, in commits that others' writes come between. What a process leaves
behind is known by the rows. Clocks that have not arrived: the same request goes on with them. A class that is `making`,
and whose maker is not alive: it has failed, and can only be deleted, with the sandbox that was played in for it.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from mocklend.domain.problems import Refused
from mocklend.language import Language
from mocklend.logs import get_logger
from mocklend.runtime import NewSandbox, Platform, make_key
from mocklend.sandboxes import copying
from mocklend.sandboxes.advances import Move
from mocklend.sandboxes.lifecycle import HIDDEN, REVEALED, ChangeSandbox, required, target_or_now
from mocklend.sandboxes.timestamps import LAST_MS, Span, rfc3339
from mocklend.scenarios.runs import CHAPTER, go_on, named, play
from mocklend.scheduling.driver import problem_of
from mocklend.scheduling.due import next_due
from mocklend.storage.changes import number_of_loans
from mocklend.storage.stores import STORES
from mocklend.storage.work import Sandbox
from mocklend.workers import yield_slot
from mocklend_faults.engine import classes
from mocklend_faults.engine.classes import FAILED, MAKING, OWN, ClassRow, GroupRow
from mocklend_faults.engine.kept_scores import HandIns, KeptScore

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOANS_MAX = 1_000
"""How many loans a sandbox may have that is copied for each group."""
TOGETHER = 2
"""How many clocks of a class move at a time: as many threads of a server work at once."""
WITHIN_S = 20.0
"""How long a request waits for what it began."""
MOVE_WITHIN_S = 3_600.0
NOT_COPIED = frozenset({STORES[HandIns.kind].table, STORES[KeptScore.kind].table})
"""The scores of the sandbox that is copied are nobody's in the class."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Story:
    """What is in the sandboxes of a class: a copy of a sandbox, or a scenario that is played up to a chapter's end."""

    sandbox_id: str
    scenario: str | None
    chapter: int
    seeds: str
    seed: int | None
    language: Language


@dataclass(frozen=True, slots=True)
class GroupKey:
    """The key of a group. Only its hash is stored, so it cannot be read again."""

    n: int
    name: str
    sandbox_id: str
    api_key: str


class ClassWork:
    """The work for classes of one process, one thing for a class at a time. Thread-safe."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}
        self._coming: set[str] = set()
        self._turns = threading.Semaphore(TOGETHER)

    def begin(self, class_id: str, act: Callable[[], None], within_s: float = WITHIN_S) -> bool:
        """Do something for a class, in a thread of its own. Returns whether it was done in time; it goes on.

        Raises Refused `class_not_ready` if something else is being done for it here.
        """
        thread = threading.Thread(
            target=copy_context().run, args=(self._run, class_id, act), name="mocklend-class", daemon=True
        )
        with self._lock:
            if class_id in self._busy:
                raise Refused("class_not_ready", "this request has changed nothing", received=class_id)
            self._busy[class_id] = thread
            thread.start()
        with yield_slot():
            thread.join(within_s)
        return not thread.is_alive()

    @contextmanager
    def coming(self, class_id: str) -> Iterator[None]:
        """While this lasts, this process does something for a class, also before `begin`."""
        with self._lock:
            self._coming.add(class_id)
        try:
            yield
        finally:
            with self._lock:
                self._coming.discard(class_id)

    def is_busy(self, class_id: str) -> bool:
        """Whether this process does something for a class."""
        with self._lock:
            return class_id in self._busy or class_id in self._coming

    def _run(self, class_id: str, act: Callable[[], None]) -> None:
        try:
            with self._turns:
                act()
        except Refused as refused:  # The rows say how far it came.
            log.warning("something of a class was not done", class_id=class_id, why=str(refused))
        except Exception as failure:
            log.error("something of a class failed", class_id=class_id, exc_info=failure)
        finally:
            with self._lock:
                del self._busy[class_id]


_WORK: WeakKeyDictionary[Platform, ClassWork] = WeakKeyDictionary()
_MAKING = threading.Lock()


def work_of(platform: Platform) -> ClassWork:
    """The work for classes of this process."""
    with _MAKING:
        return _WORK.setdefault(platform, ClassWork(platform))


def make(
    app: WSGIApplication, platform: Platform, name: str, groups: Sequence[str], story: Story
) -> tuple[ClassRow, list[GroupKey]]:
    """Make a class: a sandbox with a key for each group. Returns its row as it is after a while, and the keys.

    Raises Refused `validation_failed` if the name is taken, `too_many_classes`, `class_too_large`, `sandbox_unknown`.
    """
    if story.scenario is None:
        _refuse_large(platform, story.sandbox_id)
    class_id = "cls_" + secrets.token_hex(6)
    maker = platform.clocks.runs.process
    row = ClassRow(class_id, name, story.scenario, story.seeds, MAKING, platform.real_ms(), maker=maker)
    keys = [GroupKey(n, group, "sbx_" + secrets.token_hex(10), make_key()) for n, group in enumerate(groups, 1)]
    rows = [GroupRow(class_id, key.n, key.name, key.sandbox_id) for key in keys]
    work = work_of(platform)
    with work.coming(class_id):
        platform.writer.call(lambda connection: classes.add(connection, row, rows))
        work.begin(class_id, lambda: _make(app, platform, class_id, keys, story))
    with platform.read() as connection:
        return classes.class_of(connection, class_id), keys


def as_it_is(platform: Platform, row: ClassRow) -> ClassRow:
    """A class as it is now: one that is `making` in a process that is not alive, as far as is known, has failed."""
    if row.state != MAKING:
        return row
    processes = platform.clocks.processes
    if row.maker == platform.clocks.runs.process:
        is_made = work_of(platform).is_busy(row.id)
    else:
        is_made = processes is not None and row.maker is not None and processes.is_alive(row.maker)
    if is_made:
        return row
    left = Refused("class_interrupted", "its process is not alive", received=row.id)
    return replace(row, state=FAILED, problem=problem_of(left))


def _refuse_large(platform: Platform, sandbox_id: str) -> None:
    with platform.snapshot(sandbox_id) as snapshot:
        loans = number_of_loans(snapshot)
    if loans > LOANS_MAX:
        raise Refused(
            "class_too_large", f"{sandbox_id} has {loans} loans", expected=f"a sandbox with at most {LOANS_MAX} loans"
        )


def _make(app: WSGIApplication, platform: Platform, class_id: str, keys: Sequence[GroupKey], story: Story) -> None:
    try:
        if story.scenario is None:
            _fill(platform, class_id, story.sandbox_id, keys)
        elif story.seeds == OWN:
            for key in keys:
                _played(app, platform, class_id, story, key.n - 1, [key])
        else:
            _played(app, platform, class_id, story, 0, keys)
        for key in keys:
            platform.give_key(key.sandbox_id, key.api_key)
        platform.writer.call(lambda connection: classes.opened(connection, class_id, platform.real_ms()))
    except Exception as failure:
        problem = problem_of(failure)
        platform.writer.call(lambda connection: classes.failed(connection, class_id, problem))
        raise


def _played(
    app: WSGIApplication, platform: Platform, class_id: str, story: Story, later: int, keys: Sequence[GroupKey]
) -> None:
    """Play the scenario in a sandbox that is deleted afterwards, and copy it for these groups."""
    assert story.scenario is not None
    first = named(story.scenario).seed if story.seed is None else story.seed
    run, _ = play(app, platform, story.scenario, first + later, story.language)
    try:
        platform.writer.call(lambda connection: classes.played_in(connection, class_id, run.sandbox_id))
        for _ in range(story.chapter):
            run = go_on(app, platform, run.sandbox_id, CHAPTER)
        if run.failed is not None:
            raise Refused("conflict", f"the scenario was not as it is told: {run.failed}")
        _fill(platform, class_id, run.sandbox_id, keys)
    finally:
        with suppress(Refused):
            platform.delete_sandbox(run.sandbox_id)


def _fill(platform: Platform, class_id: str, source_id: str, keys: Sequence[GroupKey]) -> None:
    """Make the sandboxes of these groups, copies of another one. Raises Refused `class_unknown` if it was deleted."""
    with platform.read() as connection:
        classes.class_of(connection, class_id)
    with platform.snapshot(source_id) as source:
        for key in keys:
            _create(platform, source.sandbox, source.now_ms, key)
        copying.copy(
            source,
            [key.sandbox_id for key in keys],
            lambda act: _commit(platform, act),
            NOT_COPIED,
        )


def _commit(platform: Platform, act: Callable[..., None]) -> None:
    """A write transaction of a class that is being made. Raises Refused `server_stopping`."""
    if platform.clocks.is_closing:
        raise Refused("server_stopping", "the class was not made to the end")
    platform.writer.call(act, waits_for_disk=False)


def _create(platform: Platform, source: Sandbox, now_ms: int, key: GroupKey) -> NewSandbox:
    """An empty sandbox for a group. Its key is one that nobody has, until it is filled."""
    return platform.create_sandbox(
        seed=source.seed,
        mode="manual",
        now_ms=now_ms,
        zone=source.zone,
        id=key.sandbox_id,
        four_eyes_above_minor=source.four_eyes_above_minor,
        monitored=bool(source.monitored),
        tolerance_minor=source.tolerance_minor,
        net_by=source.net_by,
        label=key.name,
        truth=HIDDEN,
    )


def new_keys(platform: Platform, class_id: str) -> list[GroupKey]:
    """A new key for each group that is still there; those of before open nothing any more."""
    keys = []
    for group in _open_groups(platform, class_id):
        key = GroupKey(group.n, group.name, group.sandbox, make_key())
        with suppress(Refused):
            platform.give_key(key.sandbox_id, key.api_key)
            keys.append(key)
    return keys


def move(platform: Platform, class_id: str, to: int | Span | None) -> None:
    """Move the clocks of all groups to one moment: this one (ms), or so much after the clock that is furthest.

    With None they move to when the next thing is due in any of their sandboxes. Raises Refused `class_not_ready`,
    `clock_backwards` if a clock is past it, `nothing_due`, `validation_failed` if it is too late.
    """
    groups = _open_groups(platform, class_id)
    sandboxes = []
    with platform.read() as connection:
        for group in groups:
            with suppress(Refused):
                sandboxes.append(required(connection, group.sandbox))
    furthest_ms = max((target_or_now(sandbox) for sandbox in sandboxes), default=0)
    if isinstance(to, Span):
        to_ms = to.after(furthest_ms, sandboxes[0].zone if sandboxes else "UTC")
    else:
        to_ms = _next_ms(platform, sandboxes, furthest_ms) if to is None else to
    if to_ms > LAST_MS:
        raise Refused("validation_failed", "the time is too late", expected=f"a time not after {rfc3339(LAST_MS)}")
    if to_ms < furthest_ms:
        raise Refused(
            "clock_backwards", "a clock of the class is past that time", expected=f"not before {rfc3339(furthest_ms)}",
            received=rfc3339(to_ms),
        )  # fmt: skip

    def act() -> None:
        platform.writer.call(lambda connection: classes.moved(connection, class_id, to_ms))
        with ThreadPoolExecutor(TOGETHER, thread_name_prefix="mocklend-class-clock") as pool:
            list(pool.map(lambda sandbox: _advance(platform, sandbox.id, to_ms), sandboxes))

    work_of(platform).begin(class_id, act)


def _next_ms(platform: Platform, sandboxes: Sequence[Sandbox], furthest_ms: int) -> int:
    """When the next thing is due in any of these sandboxes, but not before the clock that is furthest."""
    moments = []
    for sandbox in sandboxes:
        with suppress(Refused), platform.snapshot(sandbox.id) as snapshot:
            coming = next_due(snapshot)
            moments += [] if coming is None else [max(coming.due_ms, furthest_ms)]
    if not moments:
        raise Refused("nothing_due", "nothing is due in any group's sandbox")
    return min(moments)


def _advance(platform: Platform, sandbox_id: str, to_ms: int) -> None:
    if platform.clocks.is_closing:
        return
    try:
        platform.move_clock(sandbox_id, Move(to_ms=to_ms), MOVE_WITHIN_S)
    except Refused as refused:  # Its row says where its clock is; the others go on.
        log.warning("a clock of a class was not moved", sandbox=sandbox_id, why=str(refused))
    except Exception as failure:
        log.error("a clock of a class was not moved", sandbox=sandbox_id, exc_info=failure)


def reveal(platform: Platform, class_id: str) -> None:
    """End a class: what is handed in from now on does not count, and each group sees the truth of its sandbox."""
    groups = _open_groups(platform, class_id)
    platform.writer.call(lambda connection: classes.ended(connection, class_id, platform.real_ms()))
    for group in groups:
        with suppress(Refused):
            platform.run(ChangeSandbox(group.sandbox, None, REVEALED))


def delete(platform: Platform, class_id: str) -> bool:
    """Delete a class with the sandboxes of its groups. Returns whether it is gone; if not, it goes on.

    Raises Refused `class_unknown`, `class_not_ready`.
    """
    with platform.read() as connection:
        row = classes.class_of(connection, class_id)
        sandboxes = [group.sandbox for group in classes.groups_of(connection, class_id)]
    if row.played_in is not None:  # It is there only if its process was killed.
        sandboxes.append(row.played_in)

    def act() -> None:
        for sandbox_id in sandboxes:
            if platform.clocks.is_closing:
                return
            try:
                platform.delete_sandbox(sandbox_id)
            except Refused as refused:
                if refused.code != "sandbox_unknown":
                    raise
        platform.writer.call(lambda connection: classes.remove(connection, class_id))

    return work_of(platform).begin(class_id, act)


def _open_groups(platform: Platform, class_id: str) -> list[GroupRow]:
    """The groups of a class that is made. Raises Refused `class_unknown`, `class_not_ready`."""
    with platform.read() as connection:
        row = as_it_is(platform, classes.class_of(connection, class_id))
        if row.state in (MAKING, FAILED):
            raise Refused("class_not_ready", f"the class is {row.state}", received=class_id)
        return classes.groups_of(connection, class_id)
