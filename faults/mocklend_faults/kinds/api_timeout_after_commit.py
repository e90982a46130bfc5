"""The request is committed, and its answer is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class TimeoutAfterCommit(Fault):
    """The platform commits, and the answer never reaches the client: a 504 of the gateway, or a closed connection.

    Ada's app ordered a repayment and got no result. If it orders again with a new key, she pays twice. If it takes the
    504 for a refusal, it tells her wrongly that she has not paid. The same request with the same key gets the lost
    answer, and is not carried out twice.
    """

    name: ClassVar[str] = "api.timeout_after_commit"
    title: ClassVar[str] = "The answer is lost after the commit"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request that changes something."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "504, or no answer at all"}
    heals: ClassVar[str] = "By itself: the repeated request is answered."
    action: ClassVar[str] = "Repeat the request with the same Idempotency-Key; never with a new one."

    how: str = setting(
        "gateway_timeout",
        "What the client sees: a 504, or a closed connection.",
        options=("gateway_timeout", "abort"),
        title="What the client sees",
    )
    tries: int | None = setting(
        1,
        "How many attempts with one key lose their answer; null means all.",
        least=1,
        most=1_000,
        nullable=True,
        title="Attempts per key",
    )

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Lose the answer of the first attempts of a write."""
        if not event.writes or event.before_work or (self.tries is not None and event.occurrence > self.tries):
            return event
        if self.how == "abort":
            return replace(event, break_how="abort")
        return replace(event, answer_code="gateway_timeout")
