"""The unit of work: what a command reads and its effects. Pure data; a test can run a command without a database.

        needs ──▶ [writer loads] ──▶ decide(work) ──▶ work.puts, work.writes ──▶ [writer flushes, commits] ──▶ Answer

`decide` reads states with `get`, `find` and `load`, replaces them with `put`, adds further rows with `write`, consults
the fault layer with `at` and `announce`, and notifies it with `signal`. If it raises `Refused`, all effects are
dropped. Reading an entity that `needs()` did not list raises `NotLoaded`; the writer loads it and calls `decide` again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mocklend.domain.problems import Refused
from mocklend.seams.follow_ups import FollowUp
from mocklend.seams.layer import LayerBroke, LayerGroup
from mocklend.seams.seam import EventContext, Seam, SeamEvent, Write
from mocklend.storage.statements import Value
from mocklend.storage.values import EndpointDoc

Key = tuple[str, str]
"""An entity's kind and id."""


T = TypeVar("T", covariant=True)
Item = TypeVar("Item")


class Entity(Struct, frozen=True, gc=False):
    """The base of what `put` takes. `kind` names the class in keys; `id` is unique within its kind and sandbox."""

    kind: ClassVar[str]
    id: str


E = TypeVar("E", bound=Entity)


class Loaded(Generic[T]):
    """A kind of loaded value that is not a row of one table: a sum, a list of facts. `T` is the type of a value."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


class Sandbox(Entity, frozen=True):
    """An isolated environment with its own clock, seed, data, rules and endpoints.

    The clock is linear: `now = sandbox_ms + (real - real_ms) * speed`. A manual clock has speed 0.
    """

    kind: ClassVar[str] = "sandbox"
    key_hash: str  # of its API key, which is not stored
    seed: int
    zone: str
    mode: str
    sandbox_ms: int
    real_ms: int
    speed: int
    rules_version: int
    endpoints: tuple[EndpointDoc, ...]  # receivers of webhooks
    created_ms: int
    four_eyes_above_minor: int | None = None  # edits above this need a second person; null: none do
    monitored: int = 1  # 1 if the platform's own monitoring is on
    tolerance_minor: int = 0  # differences of money up to this raise no alert
    net_by: str = "none"  # none, loan, channel: how differences are netted before that
    target_ms: int | None = None  # the target of an advance, which may be in progress
    resets: int = 0
    advances: int = 0  # the number of the newest advance of its clock since the last reset
    callback_secrets: dict[str, str] = {}  # by channel: the secret that signs its callbacks
    page_epoch: int = 0  # of its status pages in a shared cache; 0: it has none there (see `sandboxes.page_epochs`)
    jobs: int = 0  # the number of the newest job since the last reset: see `sandboxes.jobs`
    label: str | None = None  # what people call it
    truth: str = "shown"  # or hidden: only the control token shows what really happened, and the faults
    story: str | None = None  # the title of the scenario that was played in it, which says what is wrong

    def name(self, *, shows_truth: bool) -> str | None:
        """Its label, or else the title of its story for those who may see the truth; None if it has neither."""
        return self.label or (self.story if shows_truth else None)

    def now_ms(self, real_ms: int) -> int:
        """The sandbox's time (ms) at a real time."""
        return self.sandbox_ms + max(0, real_ms - self.real_ms) * self.speed

    def real_ms_at(self, at_ms: int) -> int:
        """The real time at which a running clock reaches a moment."""
        return self.real_ms + -(-max(0, at_ms - self.sandbox_ms) // self.speed)


class Idempotency(Struct, frozen=True):
    """A client's Idempotency-Key and the fingerprint of the request that it came with."""

    key: str
    fingerprint: str


class Answer(Struct, frozen=True):
    """A command's answer: an HTTP status and a JSON object. `replayed`: it answered an earlier request."""

    status: int
    body: Mapping[str, Any]
    replayed: bool = False


class StoredAnswer(Struct, frozen=True):
    """An answer that is stored under an idempotency key since `since_ms`."""

    answer: Answer
    since_ms: int


class ReplayStored(Exception):
    """The command repeats a stored request: its stored answer is returned, and nothing is done."""


class Outdated(Exception):
    """The sandbox is not any more as a command assumed (`IfUnchanged`). Nothing was decided."""


class Command(Protocol):
    """A command of a client, an operator, a channel or the clock. Frozen, plain data."""

    @property
    def sandbox_id(self) -> str: ...

    @property
    def idem(self) -> Idempotency | None: ...

    def needs(self) -> Iterable[Key]:
        """The entities that `decide` will read, as far as known.

        A command that knows more of them from its sandbox, as where an id depends on the seed, also has `needs_in`.
        """
        ...

    def decide(self, work: Work) -> Answer:
        """The answer; effects go to `work`. Raises Refused, but not after the first call of `at`.

        A command whose class is `forgettable` may get `work.remembered`. After its last possible refusal and before any
        effect it then decides whether the stored answer is forgotten, and raises `ReplayStored` if it is not.
        """
        ...


def needs_in(command: Command, sandbox: Sandbox) -> Iterable[Key]:
    """The entities that `decide` will read and that the command can name only with its sandbox at hand."""
    named: Callable[[Sandbox], Iterable[Key]] | None = getattr(command, "needs_in", None)
    return () if named is None else named(sandbox)


@dataclass(frozen=True, slots=True)
class IfUnchanged:
    """A command that is decided only if its sandbox has this key, rules and number of resets; else Outdated."""

    command: Command
    key_hash: str
    rules_version: int
    resets: int

    @property
    def sandbox_id(self) -> str:
        """The command's sandbox."""
        return self.command.sandbox_id

    @property
    def idem(self) -> Idempotency | None:
        """The command's idempotency key."""
        return self.command.idem

    @property
    def forgettable(self) -> bool:
        """Whether a fault may forget the command's stored answer."""
        return getattr(self.command, "forgettable", False)

    def needs(self) -> Iterable[Key]:
        """What the command needs."""
        return self.command.needs()

    def needs_in(self, sandbox: Sandbox) -> Iterable[Key]:
        """What the command needs, with its sandbox at hand."""
        return needs_in(self.command, sandbox)

    def decide(self, work: Work) -> Answer:
        """The command's answer."""
        return self.command.decide(work)

    def holds(self, sandbox: Sandbox | None) -> bool:
        """Whether the sandbox is as the command assumes."""
        return sandbox is not None and (self.key_hash, self.rules_version, self.resets) == (
            sandbox.key_hash,
            sandbox.rules_version,
            sandbox.resets,
        )


FollowUps = Mapping[type[FollowUp], Callable[[str, Any], Command]]
"""The constructor of a follow-up's command, from the sandbox's id and the follow-up."""
NO_FOLLOW_UPS: FollowUps = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NoOp:
    """Do nothing. As with any command, the layer's rules are loaded and its counts written."""

    idem: ClassVar[None] = None
    sandbox_id: str

    def needs(self) -> Iterable[Key]:
        """Nothing."""
        return ()

    def decide(self, work: Work) -> Answer:
        """Nothing."""
        return Answer(204, {})


class NotLoaded(Exception):
    """A command reads an entity that is not loaded."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.key = key


class Work:
    """One command's view of the loaded states, and its effects so far."""

    def __init__(
        self,
        sandbox: Sandbox,
        now_ms: int,
        loaded: Mapping[Key, object],
        faults: LayerGroup | None = None,
        *,
        previous_try: Work | None = None,
        remembered: StoredAnswer | None = None,
        asked_by: str | None = None,
        follow_ups: FollowUps = NO_FOLLOW_UPS,
    ) -> None:
        self.now_ms = now_ms
        self.remembered = remembered
        self._follow_ups = follow_ups
        self.puts: dict[Key, Any] = {}
        self.writes: list[Write] = []
        self._appended: dict[Key, list[Any]] = {}
        self._sandbox = sandbox
        self._loaded: Mapping[Key, Any] = loaded
        self._faults = faults if faults is not None and faults.armed(sandbox.id) else None
        self.context = EventContext(sandbox.id, sandbox.seed, now_ms, asked_by)
        # The layer counts events, so each is put to it once: a repeated `decide` gets the former outcomes.
        self._outcomes: list[tuple[Any, Any, Sequence[Write]]] = []
        self._former_outcomes = list(previous_try._outcomes) if previous_try is not None else []

    @property
    def sandbox(self) -> Sandbox:
        """The command's sandbox, with the command's own changes."""
        return self._sandbox

    def find(self, cls: type[E], id: str) -> E | None:
        """The entity with the command's own changes, or None if there is none."""
        entity: E | None = self._read((cls.kind, id))
        return entity

    def get(self, cls: type[E], id: str) -> E:
        """The entity with the command's own changes. Raises AssertionError if there is none."""
        entity = self.find(cls, id)
        if entity is None:
            raise AssertionError(f"there is no {cls.kind} {id}")
        return entity

    def load(self, kind: Loaded[T], id: str) -> T:
        """The loaded value of this id, with what this command has appended."""
        value: T = self._read((kind.kind, id))
        return value

    def _read(self, key: Key) -> Any:
        if key in self.puts:
            return self.puts[key]
        try:
            loaded = self._loaded[key]
        except KeyError:
            raise NotLoaded(key) from None
        return [*loaded, *self._appended[key]] if key in self._appended else loaded

    def put(self, entity: Entity) -> None:
        """Store the entity's new state."""
        self.puts[(entity.kind, entity.id)] = entity
        if isinstance(entity, Sandbox):
            self._sandbox = entity

    def append(self, kind: Loaded[list[Item]], id: str, item: Item) -> None:
        """Append to a loaded list, so that a later `load` of this command includes its own writes."""
        self._appended.setdefault((kind.kind, id), []).append(item)

    def write(self, name: str, /, **parameters: Value) -> None:
        """Write one row by a named statement. `sandbox_id` is filled in. Raises AssertionError for another sandbox."""
        if "sandbox_id" in parameters:
            raise AssertionError(f"{name} writes to the command's own sandbox, {self._sandbox.id!r}")
        parameters["sandbox_id"] = self._sandbox.id
        self.writes.append((name, parameters))

    @property
    def armed(self) -> bool:
        """Whether any rule may act at a seam. If not, values that only faults use need not be computed."""
        return self._faults is not None

    def at(self, event: SeamEvent) -> SeamEvent:
        """The outcome of the event at this seam, which is the event itself unless a fault changes it."""
        faults = self._faults
        if faults is None:
            return event
        outcome, writes = self._former_outcome(event) if self._former_outcomes else faults.at(self.context, event)
        self._outcomes.append((event, outcome, writes))
        if writes:
            self.writes.extend(writes)
        return outcome

    def announce(self, event: Seam) -> bool:
        """Announce an event whose outcome does not change this command. Returns whether it had follow-ups.

        The follow-ups are carried out by then: the caller reads again what they may have changed.
        """
        follow_ups = self.at(event).follow_ups()
        for follow_up in follow_ups:
            self.carry_out(follow_up)
        return bool(follow_ups)

    def carry_out(self, follow_up: FollowUp) -> None:
        """Decide a follow-up's command: its effects are committed with those of this command.

        Its seam is reached only where the command is valid, so a refusal is a bug. Raises LayerBroke.
        """
        command = self._follow_ups[type(follow_up)](self._sandbox.id, follow_up)
        try:
            command.decide(self)
        except Refused as refused:
            raise LayerBroke(f"{follow_up} was refused: {refused}") from refused

    def signal(self, *signals: str) -> None:
        """Notify the layer of signals."""
        faults = self._faults
        if faults is None:
            return
        writes = self._former_outcome(signals)[1] if self._former_outcomes else faults.on_signals(self.context, signals)
        self._outcomes.append((signals, None, writes))
        self.writes.extend(writes)

    def _former_outcome(self, question: Any) -> tuple[Any, Sequence[Write]]:
        former, outcome, writes = self._former_outcomes.pop(0)
        assert former == question, "a command must decide the same way when it is decided again"
        return outcome, writes

    def set_clock(self, now_ms: int) -> None:
        """Move a manual clock to `now_ms`."""
        self.put(replace(self.sandbox, sandbox_ms=now_ms))
        self.now_ms = now_ms
        self.context = self.context._replace(now_ms=now_ms)
