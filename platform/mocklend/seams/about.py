"""The fields that seams share, taken from what the platform has at hand.

ReceiptBooked(**about_order(work.now_ms, loan, order, occurrence), repayment_id=order.id, day_ends_ms=...)
"""

from __future__ import annotations

from typing import Protocol, TypedDict


class AboutLoan(TypedDict):
    """What a LoanSeam is filled with."""

    entity: str
    occurrence: int
    now_ms: int
    currency: str
    loan_id: str
    borrower_id: str


class AboutOrder(AboutLoan):
    """What an OrderSeam is filled with."""

    channel: str
    amount_minor: int


class AboutPayment(TypedDict):
    """What a PaymentSeam is filled with."""

    entity: str
    occurrence: int
    now_ms: int
    currency: str
    loan_id: str
    channel: str
    amount_minor: int


class Loan(Protocol):
    """Of a loan, who and in what."""

    @property
    def id(self) -> str: ...
    @property
    def borrower_id(self) -> str: ...
    @property
    def currency(self) -> str: ...


class Order(Protocol):
    """Of a repayment, how much and which way."""

    @property
    def id(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def amount_minor(self) -> int: ...


class Payment(Protocol):
    """Of a channel's record of money: for what loan, how much and which way."""

    @property
    def loan_id(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def currency(self) -> str: ...


def about_loan(now_ms: int, loan: Loan, occurrence: int, entity: str | None = None) -> AboutLoan:
    """Of a loan, which is the entity unless another is named."""
    return {
        "entity": loan.id if entity is None else entity,
        "occurrence": occurrence,
        "now_ms": now_ms,
        "currency": loan.currency,
        "loan_id": loan.id,
        "borrower_id": loan.borrower_id,
    }


def about_order(now_ms: int, loan: Loan, order: Order, occurrence: int = 1) -> AboutOrder:
    """Of a repayment, which is the entity, on its loan."""
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
    """Of money at a channel."""
    return {
        "entity": entity,
        "occurrence": occurrence,
        "now_ms": now_ms,
        "currency": payment.currency,
        "loan_id": payment.loan_id,
        "channel": payment.channel,
        "amount_minor": payment.amount_minor,
    }
