"""A finding of a reconciler: one break, in the terms of the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from mocklend.domain.money import format_minor

FoundDoc = TypedDict(
    "FoundDoc",
    {
        "class": str,
        "entity": str,
        "loan_id": str | None,
        "amount_minor": int,
        "action": str,
        "detail": str,
        "found_at": str | None,
    },
)
"""A line of findings.jsonl."""


@dataclass(frozen=True, slots=True)
class Found:
    """A break: its class, the entity, the amount (minor units), the action that repairs it, and the evidence.

    `currency` is that of the amount, for people who read it, or None if it is not known. The score takes the currency
    from the answer key, so a line of findings.jsonl has none.
    """

    finding_class: str
    entity: str
    loan_id: str | None
    amount_minor: int
    action: str
    detail: str
    found_at: str | None = None
    currency: str | None = None

    @property
    def amount(self) -> str:
        """The amount for people to read, like `1,000.00 CNY`."""
        if self.currency is None:
            return f"{self.amount_minor} minor units"
        return format_minor(self.amount_minor, self.currency)

    def to_json(self) -> FoundDoc:
        """Return a line of findings.jsonl."""
        return {
            "class": self.finding_class,
            "entity": self.entity,
            "loan_id": self.loan_id,
            "amount_minor": self.amount_minor,
            "action": self.action,
            "detail": self.detail,
            "found_at": self.found_at,
        }
