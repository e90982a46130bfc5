"""Every place where a fault may act: plain data in, plain data out.

A seam is a frozen dataclass. The platform fills one in with what would honestly happen, hands it over, and does what
comes back. A fault changes fields (`dataclasses.replace`) and nothing else: it sees no database, network, clock or
generator.

        platform ── given ──▶ layer.act() ── happened ──▶ platform carries on with it
                                  │
                                  └─ writes: the injection's journal row, in the same commit

Each seam also says what a change *means*: `consequence(happened)` is what a reconciler should find, how much is at
stake and which signal of the platform ends it. So a fault is only a transformation, and its line in the answer key
follows from the seam. That answer is worked out before anything is shown, and never from the audit.

Contract for a new seam: fields that a fault may change come last and have the honest value as their default;
`entity` and `occurrence` are the entity's own (never arrival order), so that the same story makes the same choice
in any interleaving.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from mocklend.domain.finding import Finding

#: A statement's name in `mocklend.storage` and its parameters: how a layer takes part in the platform's commit.
Write = tuple[str, Mapping[str, Any]]

LOST_FOR_GOOD = 1_000
"""More attempts than any ladder has."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one injection leads to, as the answer key will say it.

    `ends_on` maps a signal of the platform (see `signals` below) to the status that the entry then takes: `healed`
    where the truth is shown again, `superseded` where something newer is shown instead. `until_ms` is for lies that
    end by themselves, on the sandbox's clock.
    """

    finding: Finding
    loan_id: str
    truth_before: Mapping[str, Any]
    truth_after: Mapping[str, Any]
    served: Mapping[str, Any]
    ends_on: Mapping[str, str] = field(default_factory=dict)
    until_ms: int | None = None


# --- signals: what the platform says when something became true that may end a lie ---


def shown(loan_id: str) -> str:
    """The loan's newest version is on the page."""
    return f"shown:{loan_id}"


def recorded(loan_id: str) -> str:
    """A fact was recorded on the loan's books."""
    return f"recorded:{loan_id}"


def applied(receipt_id: str) -> str:
    """The books have the receipt on its loan."""
    return f"applied:{receipt_id}"


def landed(receipt_id: str) -> str:
    """The books have the receipt, and do not know whose it is."""
    return f"landed:{receipt_id}"


def reversed_(fact_id: str) -> str:
    """The books have reversed the repayment or edit."""
    return f"reversed:{fact_id}"


# --- the seams ---


@dataclass(frozen=True, slots=True)
class ViewRefresh:
    """A loan has a new version and its status page is refreshed. Honestly: at once (`lag_s` 0)."""

    seam: ClassVar[str] = "view.refresh"
    entity: str  # the loan
    occurrence: int  # the new version
    now_ms: int
    loan_id: str
    borrower_id: str
    reference: str
    channel: str | None  # of the repayment that caused it, where one did
    cause: str  # receipt, edit, reversal, due_date
    currency: str
    before: Mapping[str, Any]  # status, outstanding_minor, version: what the page says now
    after: Mapping[str, Any]  # what it should say
    lag_s: int = 0

    def consequence(self, happened: ViewRefresh) -> Consequence:
        """A page behind the books until the lag is over or a newer version is shown."""
        stake = abs(self.before["outstanding_minor"] - self.after["outstanding_minor"])
        return Consequence(
            finding=Finding("stale_view", self.loan_id, stake),
            loan_id=self.loan_id,
            truth_before=self.before,
            truth_after=self.after,
            served=self.before,
            ends_on={shown(self.loan_id): "superseded"},
            until_ms=self.now_ms + happened.lag_s * 1000,
        )


@dataclass(frozen=True, slots=True)
class CallbackAttempt:
    """A channel is about to deliver a callback to the platform. Honestly: it arrives (`lost_attempts` 0).

    With n, this attempt and the next n-1 are lost on the way; the channel sees a time-out each time and goes on along
    its ladder. The fate is settled once: an attempt that is lost already is not asked about again.
    """

    seam: ClassVar[str] = "callback.attempt"
    entity: str  # the repayment
    occurrence: int  # the attempt, from 1
    now_ms: int
    loan_id: str
    repayment_id: str
    callback_id: str
    channel: str
    amount_minor: int
    currency: str
    payer_reference: str | None
    attempts_left: int  # on the ladder, this one included
    lost_attempts: int = 0

    def consequence(self, happened: CallbackAttempt) -> Consequence:
        """Money at the channel that the books lack, until a later attempt or an order query brings it."""
        truth = {"channel_state": "SUCCESS", "amount_minor": self.amount_minor}
        return Consequence(
            finding=Finding("missing_in_books", self.repayment_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before=truth,
            truth_after=truth,
            served={"callback": "lost", "attempts": min(happened.lost_attempts, self.attempts_left)},
            ends_on={applied(self.repayment_id): "healed", landed(self.repayment_id): "superseded"},
        )


@dataclass(frozen=True, slots=True)
class PaymentReference:
    """The platform reads what the payer of a push payment typed. Honestly: just that.

    `typed_reference` is what the payer wrote, `reference` what arrives. Where the one names a loan and the other does
    not, the money is booked as unapplied.
    """

    seam: ClassVar[str] = "payment.reference"
    entity: str  # the receipt
    occurrence: int  # 1: a payment is read once
    now_ms: int
    loan_id: str
    receipt_id: str
    channel: str
    amount_minor: int
    currency: str
    payer_name: str
    typed_reference: str
    reference: str = ""

    def consequence(self, happened: PaymentReference) -> Consequence:
        """Money on the books that belongs to a loan and is on none, until it is matched."""
        truth = {"loan_id": self.loan_id, "reference": self.typed_reference}
        return Consequence(
            finding=Finding("unidentified", self.receipt_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before=truth,
            truth_after=truth,
            served={"reference": happened.reference},
            ends_on={applied(self.receipt_id): "healed"},
        )


@dataclass(frozen=True, slots=True)
class OperatorEdit:
    """An operator submits an edit. Honestly: exactly what was meant.

    `amount_minor` is relative; the books would take `least_minor` (negative for a waiver) to `most_minor`, so a wrong
    amount can stay well-formed. `books_status` is what the books derive for the loan at that moment.
    """

    seam: ClassVar[str] = "operator.edit"
    entity: str  # the loan
    occurrence: int  # the loan's n-th edit
    now_ms: int
    loan_id: str
    borrower_id: str
    edit_id: str
    operator: str
    kind: str
    currency: str
    books_status: str
    least_minor: int
    most_minor: int
    amount_minor: int | None = None
    status: str | None = None

    def consequence(self, happened: OperatorEdit) -> Consequence:
        """An edit on the books that is not what was meant, until it is reversed (or, for a status, outdated)."""
        meant = {"kind": self.kind, "amount_minor": self.amount_minor, "status": self.status}
        done = {"kind": happened.kind, "amount_minor": happened.amount_minor, "status": happened.status}
        ends_on = {reversed_(self.edit_id): "healed"}
        if happened.status != self.status:
            finding = Finding("status_mismatch", self.loan_id, 0)
            ends_on[recorded(self.loan_id)] = "superseded"
        else:
            stake = abs((happened.amount_minor or 0) - (self.amount_minor or 0))
            finding = Finding("amount_mismatch", self.edit_id, stake)
        return Consequence(
            finding=finding, loan_id=self.loan_id, truth_before={}, truth_after=meant, served=done, ends_on=ends_on
        )


@dataclass(frozen=True, slots=True)
class RepaymentFiled:
    """A receipt is on the books and passes the operations desk. Honestly: the desk leaves the loan's status alone.

    With `marked_status` a clerk marks the bill (`edit_id` is the id that this edit would have).
    """

    seam: ClassVar[str] = "repayment.filed"
    entity: str  # the repayment
    occurrence: int  # 1: a receipt is filed once
    now_ms: int
    loan_id: str
    borrower_id: str
    repayment_id: str
    edit_id: str
    channel: str
    amount_minor: int
    currency: str
    books_status: str
    marked_status: str | None = None

    def consequence(self, happened: RepaymentFiled) -> Consequence:
        """A status on the page that the books do not derive, until it is reversed or outdated."""
        truth = {"status": self.books_status}
        return Consequence(
            finding=Finding("status_mismatch", self.loan_id, 0),
            loan_id=self.loan_id,
            truth_before=truth,
            truth_after=truth,
            served={"status": happened.marked_status},
            ends_on={reversed_(happened.edit_id): "healed", recorded(self.loan_id): "superseded"},
        )


SEAMS: dict[str, type[Any]] = {
    cls.seam: cls for cls in (ViewRefresh, CallbackAttempt, PaymentReference, OperatorEdit, RepaymentFiled)
}

Given = TypeVar("Given", ViewRefresh, CallbackAttempt, PaymentReference, OperatorEdit, RepaymentFiled)


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when a seam is reached: what a layer may know besides the seam itself."""

    sandbox_id: str
    seed: int
    now_ms: int


class Layer(Protocol):
    """What the platform asks of a fault layer. Without one it is honest.

    One writer calls these, in this order, for each group of commands that it commits together:
    `begin`, then any number of `act` and `heard`, then `end`, and `committed` once the commit is durable. A group that
    is tried again starts with `begin` and forgets what the failed try counted.
    """

    def begin(self, connection: Any, sandboxes: Iterable[tuple[str, int]]) -> None:
        """Load the rules of these sandboxes (id, rules_version) where the ones held are older."""
        ...

    def armed(self, sandbox_id: str) -> bool:
        """Whether any rule or open entry could make `act` or `heard` do anything. Costs nanoseconds."""
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

    def committed(self) -> None:
        """The group is durable: keep what was counted."""
        ...
