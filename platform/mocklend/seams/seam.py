"""What a seam is, what its change leads to, and what the platform asks of a fault layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from mocklend.domain.finding import Finding

#: A statement's name in `mocklend.storage` and its parameters: how a layer takes part in the platform's commit.
Write = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one injection leads to, as the answer key will say it.

    `ends_on` maps a signal of the platform (see `signals`) to the status that the entry then takes: `healed` where the
    truth is shown again, `superseded` where something newer is shown instead; `active` where it was to end by itself,
    and now no longer does. `from_ms` is for lies that show later
    than they were made, `until_ms` for those that end by themselves, both on the sandbox's clock. A lie that was told
    in one answer and is over with it has `until_ms` at the moment of the seam.

    Where the platform withstands what was done to it, so that no view can show anything, `withstood` says why.
    """

    finding: Finding
    loan_id: str
    truth_before: Mapping[str, Any]
    truth_after: Mapping[str, Any]
    served: Mapping[str, Any]
    ends_on: Mapping[str, str] = field(default_factory=dict)
    from_ms: int | None = None
    until_ms: int | None = None
    withstood: str | None = None


class Seam(Protocol):
    """A frozen dataclass: what is about to happen. The fields that a fault may change have a default."""

    seam: ClassVar[str]

    @property
    def entity(self) -> str:
        """Whose story this is part of; with `occurrence`, what chance is drawn from."""
        ...

    @property
    def occurrence(self) -> int:
        """The how manieth of its kind in the entity's own story, from 1."""
        ...

    @property
    def now_ms(self) -> int:
        """When."""
        ...

    @property
    def currency(self) -> str:
        """Of the amounts."""
        ...


class Unmet(Protocol):
    """What may become an event: all that its seam has, as far as anybody has looked, and all that its scene would have.

    Where `glance` says that no rule would touch it, it never becomes one, and needs no command.
    """

    seam: ClassVar[str]
    sandbox_id: str
    seed: int
    asked_by: str | None
    occurrence: int  # 0: not counted yet
    now_ms: int | None  # None: nobody has looked at the clock

    @property
    def entity(self) -> str:
        """Whose story this is part of."""
        ...


Given = TypeVar("Given", bound=Seam)


class Scene(NamedTuple):
    """Where and when a seam is reached: what a layer may know besides the seam itself.

    `asked_by` is the request that led to it, for whoever wants to know later; nothing may be decided by it.
    """

    sandbox_id: str
    seed: int
    now_ms: int
    asked_by: str | None = None


class LayerBroke(AssertionError):
    """A layer failed in what it was asked, by a bug of its own. Its text is one line: what broke, where, which seed."""


class Layer(Protocol):
    """What the platform asks of a fault layer. Without one it is honest.

    One writer calls these, in this order, for each group of commands that it commits together (at its end, `closing`):
    `begin`, then any number of `act` and `heard`, then `end`, and `committed` once the commit is durable. A group that
    is tried again starts with `begin` and forgets what the failed try counted.

    `outdated` and `emptied` come from any thread. `listens` and `glance` are for events that come without a command, as
    a read does: only where a rule may act is a command made of them.
    """

    def begin(self, connection: Any, sandboxes: Iterable[tuple[str, int]]) -> None:
        """Load the rules of these sandboxes (id, rules_version) where the ones held are older."""
        ...

    def armed(self, sandbox_id: str) -> bool:
        """Whether any rule or open entry could make `act` or `heard` do anything. Costs nanoseconds."""
        ...

    def listens(self, sandbox_id: str, seam: str) -> bool | None:
        """Whether a rule is at this seam; None where only the sandbox's next command will tell.

        Asked by any thread; within a group it can be told. Costs nanoseconds.
        """
        ...

    def glance(self, given: Unmet) -> bool:
        """Whether `act` might change this event. Asked by any thread, outside of groups, to spare a commit.

        One of the occurrence 0 is counted and told its occurrence: the how manieth of its entity in this process.
        """
        ...

    def act(self, scene: Scene, given: Given) -> tuple[Given, Sequence[Write]]:
        """What really happens, and the rows that put an injection on record."""
        ...

    def heard(self, scene: Scene, signals: Sequence[str]) -> Sequence[Write]:
        """The rows that end open entries, now that these signals hold."""
        ...

    def end(self) -> Sequence[Write]:
        """The group's counters."""
        ...

    def outdated(self, sandbox_id: str) -> None:
        """A group that is durable has changed the sandbox's rules."""
        ...

    def emptied(self, sandbox_id: str) -> None:
        """The sandbox was reset or deleted."""
        ...

    def committed(self) -> None:
        """The group is durable: keep what was counted."""
        ...

    def closing(self) -> Sequence[Write]:
        """What is still to be written when the platform stops."""
        ...
