"""The answer is an error, although the request was carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class ErrorWithSideEffect(Fault):
    """The answer is an error although the state has changed: the request was committed, and a later step failed.

    A handler posts the repayment and then fails to send an e-mail, or meets a version conflict. Ada's app gets 500, or
    409, and assumes that nothing has changed. After any error, the state has to be read again before anything else is
    done.
    """

    name: ClassVar[str] = "api.error_with_side_effect"
    title: ClassVar[str] = "An error, though the work was done"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request that changes something."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "an error, although the request was carried out"}
    heals: ClassVar[str] = "By itself: the repeated request is answered."
    action: ClassVar[str] = "Read the state again after any error; repeat with the same Idempotency-Key only."

    answer: str = setting(
        "internal_error",
        "The problem code of the answer: a 500 or a 409.",
        options=("internal_error", "conflict"),
        title="Error in the answer",
    )
    tries: int | None = setting(
        1,
        "How many attempts with one key get the error; null means all.",
        least=1,
        most=1_000,
        nullable=True,
        title="Attempts per key",
    )

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Answer the first attempts of a write with an error, after they were carried out."""
        if not event.writes or event.answer_code is not None:
            return event
        if self.tries is not None and event.occurrence > self.tries:
            return event
        return replace(event, answer_code=self.answer)
