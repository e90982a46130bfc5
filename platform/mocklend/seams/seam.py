"""What a seam is, its context, and the consequence of a change there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, Self, TypedDict, TypeVar

from mocklend.domain.finding import Finding
from mocklend.seams.edges import Edge
from mocklend.seams.follow_ups import FollowUp

#: A statement's name in `mocklend.storage` and its parameters: how a layer takes part in the platform's commit.
Write = tuple[str, Mapping[str, Any]]


class PageShown(TypedDict):
    """The part of a loan's status page that faults see."""

    version: int
    status: str
    outstanding_minor: int


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one injection leads to, as the answer key has it.

    `ends_on` maps a signal of the platform (see `signals`) to the status that the entry then gets: `healed` if the
    truth is shown again, `superseded` if something newer is shown instead, `active` if the entry would end by itself
    and now no longer does. `from_ms` is for breaks that become visible later than they were made, `until_ms` for those
    that end by themselves, both on the sandbox's clock. A break of a single answer has `until_ms` at the time of the
    seam.

    If the platform withstands the injection, so that no view can show it, `withstood` says why.
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
    """An event that is about to happen: the base of all seams.

    The fields that a fault may change have a default and come last. A class in a module of this package that sets
    `seam` is a seam, and names its `edge`. `example` is an honest event: the documentation shows it, and tests start
    from it.
    """

    seam: ClassVar[str]
    edge: ClassVar[Edge]
    """The edge of the chain at which it stands: where a break that begins here shows first."""
    by_request: ClassVar[bool] = False
    """Whether a client's request reaches it. The others are reached by the clock, in the order of ids."""
    entity_is: ClassVar[str]
    """The meaning of `entity` at this seam."""
    occurrence_is: ClassVar[str]
    """The meaning of `occurrence` at this seam."""

    entity: str  # what the event belongs to; chance is drawn from it and `occurrence`
    occurrence: int  # sequence number of the event within its entity
    now_ms: int
    currency: str  # of the amounts

    @classmethod
    def example(cls) -> Self:
        """Return an honest event."""
        raise NotImplementedError(f"{cls.__name__} has no example")

    def consequence(self, outcome: Self) -> Consequence:
        """Return the consequence of an outcome that differs from this event, which is the honest one."""
        raise NotImplementedError(f"{type(self).__name__} does not say what a change leads to")

    def follow_ups(self) -> tuple[FollowUp, ...]:
        """Return what happens next because of this outcome: honestly nothing."""
        return ()

    def validate(self, outcome: Self) -> None:
        """Raise BadOutcome if the platform cannot accept the outcome, although each field has its type."""


@dataclass(frozen=True, slots=True)
class LoanSeam(Seam):
    """A seam about a loan."""

    loan_id: str
    borrower_id: str


@dataclass(frozen=True, slots=True)
class OrderSeam(LoanSeam):
    """A seam about a repayment that was ordered."""

    channel: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PaymentSeam(Seam):
    """A seam about money at a channel, which does not know the borrower."""

    loan_id: str  # "" if it is unknown
    channel: str
    amount_minor: int


class PendingEvent(Protocol):
    """What may become an event: the fields of its seam, computed on demand, and those of its context.

    If `may_affect` says that no rule would change it, no event is made, and no command is needed.
    """

    seam: ClassVar[str]
    sandbox_id: str
    seed: int
    asked_by: str | None
    occurrence: int  # 0: not counted yet
    now_ms: int | None  # None: not read yet

    @property
    def entity(self) -> str:
        """What the event belongs to."""
        ...


SeamEvent = TypeVar("SeamEvent", bound=Seam)


class EventContext(NamedTuple):
    """Where and when a seam is reached: what a layer may know besides the seam itself.

    `asked_by` is the request that led to it, for explanations; no decision may depend on it.
    """

    sandbox_id: str
    seed: int
    now_ms: int
    asked_by: str | None = None
