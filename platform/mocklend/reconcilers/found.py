"""A finding of a reconciler: one break, in the terms of the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

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
    """A break: its class, the entity, the amount (minor units), the action that repairs it, and the evidence."""

    finding_class: str
    entity: str
    loan_id: str | None
    amount_minor: int
    action: str
    detail: str
    found_at: str | None = None

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
