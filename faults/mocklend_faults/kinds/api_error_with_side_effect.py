"""The request is refused, and was carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class ErrorWithSideEffect(Fault):
    """The answer is an error although the state has changed: the work was committed, and what came after it failed.

    A handler posts the repayment and then stumbles over its e-mail, or over a version that somebody else has raised.
    Ada's app reads 500, or 409, and believes it: errors change nothing, says every tutorial. This one did. After any
    error the state has to be read again before anything else is done.
    """

    name: ClassVar[str] = "api.error_with_side_effect"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request that changes something."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "an error, though the work is done"}
    heals: ClassVar[str] = "By itself: the same request again is answered."
    action: ClassVar[str] = "Read the state again after any error; repeat with the same Idempotency-Key only."

    answer: str = setting(
        "internal_error", "The problem that is answered: a 500 or a 409.", options=("internal_error", "conflict")
    )
    tries: int | None = setting(
        1, "How many tries of one key are answered so; null means all.", least=1, most=1_000, nullable=True
    )

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """The first tries of a write are done, and answered with an error."""
        if not event.writes or event.answer_code is not None:
            return event
        if self.tries is not None and event.occurrence > self.tries:
            return event
        return replace(event, answer_code=self.answer)
