"""The fields that seams share, taken from the platform's entities.

ReceiptBooked(**about_order(work.now_ms, loan, order, occurrence), repayment_id=order.id, day_ends_ms=...)
"""

from __future__ import annotations

from typing import Protocol, TypedDict


class AboutLoan(TypedDict):
    """The fields of a LoanSeam."""

    entity: str
    occurrence: int
    now_ms: int
    currency: str
    loan_id: str
    borrower_id: str


class AboutOrder(AboutLoan):
    """The fields of an OrderSeam."""

    channel: str
    amount_minor: int


class AboutPayment(TypedDict):
    """The fields of a PaymentSeam."""

    entity: str
    occurrence: int
    now_ms: int
    currency: str
    loan_id: str
    channel: str
    amount_minor: int


class Loan(Protocol):
    """A loan: its borrower and its currency."""

    @property
    def id(self) -> str: ...
    @property
    def borrower_id(self) -> str: ...
    @property
    def currency(self) -> str: ...


class Order(Protocol):
    """A repayment: its channel and amount."""

    @property
    def id(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def amount_minor(self) -> int: ...


class Payment(Protocol):
    """A channel's record of money: its loan, channel and amount."""

    @property
    def loan_id(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def currency(self) -> str: ...


def about_loan(now_ms: int, loan: Loan, occurrence: int, entity: str | None = None) -> AboutLoan:
    """Return the fields about a loan, which is the entity unless another is given."""
    return {
        "entity": loan.id if entity is None else entity,
        "occurrence": occurrence,
        "now_ms": now_ms,
        "currency": loan.currency,
        "loan_id": loan.id,
        "borrower_id": loan.borrower_id,
    }


def about_order(now_ms: int, loan: Loan, order: Order, occurrence: int = 1) -> AboutOrder:
    """Return the fields about a repayment, which is the entity, and its loan."""
    return {
        "entity": order.id,
        "occurrence": occurrence,
        "now_ms": now_ms,
        "currency": loan.currency,
        "loan_id": loan.id,
        "borrower_id": loan.borrower_id,
        "channel": order.channel,
        "amount_minor": order.amount_minor,
    }


def about_payment(now_ms: int, payment: Payment, entity: str, occurrence: int = 1) -> AboutPayment:
    """Return the fields about money at a channel."""
    return {
        "entity": entity,
        "occurrence": occurrence,
        "now_ms": now_ms,
        "currency": payment.currency,
        "loan_id": payment.loan_id,
        "channel": payment.channel,
        "amount_minor": payment.amount_minor,
    }
