"""The unit of work: what a command sees, and what it may do. Pure data; a test can run a command with no database.

        needs ──▶ [writer loads] ──▶ decide(work) ──▶ work.puts, work.writes ──▶ [writer flushes, commits] ──▶ Answer

`decide` reads states with `get`, `find` and `load`, replaces them with `put`, names further rows with `write`, meets
the fault layer with `at` and `announce`, and tells it what became true with `signal`. If it raises `Refused`, none of
that is kept. Reading what was not loaded raises `NotLoaded`; the writer loads that too and decides again: `needs` is a
hint that saves a round.
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


E = TypeVar("E", bound="Entity")
T = TypeVar("T", covariant=True)
Item = TypeVar("Item")


class Entity(Protocol):
    """A frozen struct that `put` can take. `id` is unique within its kind and sandbox."""

    kind: ClassVar[str]

    @property
    def id(self) -> str: ...


class Loaded(Generic[T]):
    """A kind that is loaded and is no row of one table: a sum, a list of facts. `T` is what there is under an id."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


class Sandbox(Struct, frozen=True):
    """A world of its own: clock, seed, data, rules and endpoints.

    The clock is a line: `now = sandbox_ms + (real - real_ms) * speed`. A manual clock is the same line with speed 0.
    """

    kind: ClassVar[str] = "sandbox"
    id: str
    key_hash: str  # of its API key, which is not kept
    seed: int
    zone: str
    mode: str
    sandbox_ms: int
    real_ms: int
    speed: int
    rules_version: int
    endpoints: tuple[EndpointDoc, ...]  # that webhooks go to
    created_ms: int
    four_eyes_above_minor: int | None = None  # acts of staff above this need a second person; null: none do
    monitored: int = 1  # 1 if the platform's own monitoring is on
    tolerance_minor: int = 0  # differences of money up to this raise no alert
    net_by: str = "none"  # none, loan, channel: what differences are set against each other before that
    target_ms: int | None = None  # how far a manual clock was asked to go; it may be on its way there
    resets: int = 0
    callback_secrets: dict[str, str] = {}  # by channel: what it signs its callbacks with

    def now_ms(self, real_ms: int) -> int:
        """The sandbox's time at a real time."""
        return self.sandbox_ms + max(0, real_ms - self.real_ms) * self.speed

    def real_ms_at(self, at_ms: int) -> int:
        """The real time at which a running clock has come to a moment."""
        return self.real_ms + -(-max(0, at_ms - self.sandbox_ms) // self.speed)


class Idempotency(Struct, frozen=True):
    """A client's Idempotency-Key and the fingerprint of the request that it came with."""

    key: str
    fingerprint: str


class Answer(Struct, frozen=True):
    """What a command answers: an HTTP status and a JSON object. `replayed` if it is the answer to an earlier try."""

    status: int
    body: Mapping[str, Any]
    replayed: bool = False


class StoredAnswer(Struct, frozen=True):
    """An answer that is kept under an idempotency key, since a moment."""

    answer: Answer
    since_ms: int


class ReplayStored(Exception):
    """The request that a command repeats is remembered: the answer of then stands, and nothing is done."""


class Command(Protocol):
    """Something that a client, an operator, a channel or the clock asks for. Frozen, plain data."""

    @property
    def sandbox_id(self) -> str: ...

    @property
    def idem(self) -> Idempotency | None: ...

    def needs(self) -> Iterable[Key]:
        """The entities that `decide` will read, as far as known."""
        ...

    def decide(self, work: Work) -> Answer:
        """The answer; effects go to `work`. Raises Refused. Anything asked of `at` comes after the last refusal.

        A command whose class says `forgettable` may come with `work.remembered`. After its last refusal and before all
        else it then asks whether that is forgotten, and raises `ReplayStored` if it is not.
        """
        ...


FollowUps = Mapping[type[FollowUp], Callable[[str, Any], Command]]
"""What makes the command that carries out a follow-up, of the sandbox's id and the follow-up."""
NO_FOLLOW_UPS: FollowUps = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NoOp:
    """Do nothing. What any command brings about happens: the layer's rules are loaded, its counts written."""

    idem: ClassVar[None] = None
    sandbox_id: str

    def needs(self) -> Iterable[Key]:
        """Nothing."""
        return ()

    def decide(self, work: Work) -> Answer:
        """Nothing."""
        return Answer(204, {})


class NotLoaded(Exception):
    """A command reads an entity that is not loaded yet."""

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
        again: Work | None = None,
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
        # The layer counts, so it is asked once: a command that is decided again hears what it heard before.
        self._asked: list[tuple[Any, Any, Sequence[Write]]] = []
        self._heard_before = list(again._asked) if again is not None else []

    @property
    def sandbox(self) -> Sandbox:
        """The command's sandbox, as this command has left it."""
        put: Sandbox | None = self.puts.get(("sandbox", self._sandbox.id))
        return put or self._sandbox

    def find(self, cls: type[E], id: str) -> E | None:
        """The entity as it is now, or None if there is none."""
        found: E | None = self._read((cls.kind, id))
        return found

    def get(self, cls: type[E], id: str) -> E:
        """The entity as it is now. The caller knows that there is one: AssertionError if there is none."""
        found = self.find(cls, id)
        if found is None:
            raise AssertionError(f"there is no {cls.kind} {id}")
        return found

    def load(self, what: Loaded[T], id: str) -> T:
        """What is loaded under this id, with what this command has appended."""
        found: T = self._read((what.kind, id))
        return found

    def _read(self, key: Key) -> Any:
        if key in self.puts:
            return self.puts[key]
        try:
            loaded = self._loaded[key]
        except KeyError:
            raise NotLoaded(key) from None
        return [*loaded, *self._appended[key]] if key in self._appended else loaded

    def put(self, entity: Entity) -> None:
        """The entity's new state."""
        self.puts[(entity.kind, entity.id)] = entity

    def append(self, what: Loaded[list[Item]], id: str, item: Item) -> None:
        """Add to what is loaded as a list: this command's later `load` sees what its own writes will put there."""
        self._appended.setdefault((what.kind, id), []).append(item)

    def write(self, name: str, /, **parameters: Value) -> None:
        """One row of a named statement. `sandbox_id` is filled in: AssertionError where another one is given."""
        if "sandbox_id" in parameters:
            raise AssertionError(f"{name} writes to the command's own sandbox, {self._sandbox.id!r}")
        self.writes.append((name, {"sandbox_id": self._sandbox.id, **parameters}))

    @property
    def armed(self) -> bool:
        """Whether anything could happen at a seam: where not, what only a fault looks at need not be worked out."""
        return self._faults is not None

    def at(self, event: SeamEvent) -> SeamEvent:
        """What really happens at this seam."""
        faults = self._faults
        if faults is None:
            return event
        outcome, writes = self._heard(event) if self._heard_before else faults.at(self.context, event)
        self._asked.append((event, outcome, writes))
        if writes:
            self.writes.extend(writes)
        return outcome

    def announce(self, event: Seam) -> bool:
        """Meet a seam where this command goes on as before, whatever happens. Whether anybody does anything about it.

        What is done is done by now: the caller reads again what it may have changed.
        """
        follow_ups = self.at(event).follow_ups()
        for follow_up in follow_ups:
            self.carry_out(follow_up)
        return bool(follow_ups)

    def carry_out(self, follow_up: FollowUp) -> None:
        """Decide the command that follows: what it does is committed with this one's effects.

        Its seam is met only where it would be taken, so a refusal is a bug: LayerBroke.
        """
        command = self._follow_ups[type(follow_up)](self._sandbox.id, follow_up)
        try:
            command.decide(self)
        except Refused as refused:
            raise LayerBroke(f"{follow_up} was refused: {refused}") from refused

    def signal(self, *signals: str) -> None:
        """Tell the layer what became true."""
        faults = self._faults
        if faults is None:
            return
        writes = self._heard(signals)[1] if self._heard_before else faults.on_signals(self.context, signals)
        self._asked.append((signals, None, writes))
        self.writes.extend(writes)

    def _heard(self, question: Any) -> tuple[Any, Sequence[Write]]:
        asked, outcome, writes = self._heard_before.pop(0)
        assert asked == question, "a command must decide the same way when it is decided again"
        return outcome, writes

    def set_clock(self, now_ms: int) -> None:
        """Move a manual clock."""
        self.put(replace(self.sandbox, sandbox_ms=now_ms))
        self.now_ms = now_ms
        self.context = self.context._replace(now_ms=now_ms)
