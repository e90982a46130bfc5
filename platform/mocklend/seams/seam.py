"""What a seam is, what happens at it, and what a change there leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, Self, TypeVar

from mocklend.domain.finding import Finding
from mocklend.seams.follow_ups import FollowUp

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


@dataclass(frozen=True, slots=True)
class Seam:
    """What is about to happen: the base of all seams. The fields that a fault may change have a default, and come last.

    A class of a module of this package that names its `seam` is one. `example` is an honest event as it may come: the
    documentation shows it, and tests begin from it.
    """

    seam: ClassVar[str]
    by_request: ClassVar[bool] = False
    """Whether a client's request comes to it. To the others the clock comes, in the order of ids."""
    entity_is: ClassVar[str]
    """What `entity` is at this seam."""
    occurrence_is: ClassVar[str]
    """What `occurrence` counts at this seam."""

    entity: str  # whose story this is part of; with `occurrence`, what chance is drawn from
    occurrence: int  # its sequence number in the entity's own story
    now_ms: int
    currency: str  # of the amounts

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        raise NotImplementedError(f"{cls.__name__} has no example")

    def consequence(self, outcome: Self) -> Consequence:
        """What it leads to that `happened` came of this event, which is the honest one."""
        raise NotImplementedError(f"{type(self).__name__} does not say what a change leads to")

    def follow_ups(self) -> tuple[FollowUp, ...]:
        """What somebody does next where this is the outcome: honestly nothing."""
        return ()

    def validate(self, outcome: Self) -> None:
        """Raise BadOutcome where the platform cannot take the outcome, though each field is of its type."""


@dataclass(frozen=True, slots=True)
class LoanSeam(Seam):
    """Of a loan."""

    loan_id: str
    borrower_id: str


@dataclass(frozen=True, slots=True)
class OrderSeam(LoanSeam):
    """Of a repayment that was ordered."""

    channel: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PaymentSeam(Seam):
    """Of money at a channel, which knows no borrowers."""

    loan_id: str  # "" where nobody has said whose it is
    channel: str
    amount_minor: int


class PendingEvent(Protocol):
    """What may become an event: what its seam has, as far as anybody has looked, and what its context would have.

    Where `may_affect` says that no rule would touch it, it never becomes one, and needs no command.
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


SeamEvent = TypeVar("SeamEvent", bound=Seam)


class EventContext(NamedTuple):
    """Where and when a seam is reached: what a layer may know besides the seam itself.

    `asked_by` is the request that led to it, for whoever wants to know later; nothing may be decided by it.
    """

    sandbox_id: str
    seed: int
    now_ms: int
    asked_by: str | None = None
