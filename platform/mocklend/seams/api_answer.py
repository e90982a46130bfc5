"""A client's request is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.problems import PROBLEMS
from mocklend.seams.ada import MONDAY_MS
from mocklend.seams.outcome import BadOutcome
from mocklend.seams.seam import Consequence, Seam

BREAKS = ("none", "abort", "reset", "empty", "truncated", "malformed")
"""How an answer can break on its way: not at all, or as docs/seams.md has each of them on the wire."""
DELAY_MS_MAX = 120_000
"""No answer is later than this, however many rules delay it."""


@dataclass(frozen=True, slots=True)
class ApiAnswer(Seam):
    """A client's request has come, on any plane but the control plane, and its work is about to be done.

    Honestly it is done and answered, at once and whole. With `delay_ms` the answer comes late, by 120 s at most however
    many rules add to it (a rule whose delay is cut has on the answer key what happened, and one that can add nothing is
    not on it); with `answer_code` (a code of docs/problems.md) another answer is given, instead of the work where
    `before_work` says so, after it otherwise; with `break_how` the answer breaks on its way. The finding is `timing` on
    the entity: one answer, over at once.

    `entity` is the `Idempotency-Key`, else the loan, repayment or borrower of the address, else what it names otherwise
    (as `wallet.2026-01-05`), else the `reference` of a new borrower, else the operation. Requests are counted in memory
    (docs/decisions/10-requests-are-counted-in-memory.md). A request that names nobody, like a list, is counted with
    everybody's: how many of them are hit is the same in any order, whose is not. `draw` follows from the seed, the
    entity and the occurrence: the only chance that a fault has.
    """

    seam: ClassVar[str] = "api.answer"
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = (
        "the Idempotency-Key, else the loan, repayment or borrower of the address, else the operation"
    )
    occurrence_is: ClassVar[str] = "the sequence number of the requests about it, counted while a rule is at this seam"
    loan_id: str  # of the address; "" where it names none
    plane: str  # v1, operator, channels, bureau
    method: str
    operation: str  # as in /openapi.json: repay, getLoan
    path: str  # with its parts in braces
    writes: bool
    channel: str | None  # that has to take part in this: an order at it, a question to it
    draw: int  # 0 to 999,999, of the seed, the entity and the occurrence: the chance that a fault may use
    delay_ms: int = 0
    answer_code: str | None = None
    retry_after_s: int | None = None
    before_work: bool = False
    break_how: str = "none"

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="order-1",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            plane="v1",
            method="POST",
            operation="repay",
            path="/v1/loans/{loan_id}/repayments",
            writes=True,
            channel="wallet",
            currency="CNY",
            draw=500_000,
        )

    def __post_init__(self) -> None:
        if self.delay_ms > DELAY_MS_MAX:
            object.__setattr__(self, "delay_ms", DELAY_MS_MAX)

    def validate(self, outcome: ApiAnswer) -> None:
        """The answer is a problem that there is, and breaks in a way that there is. Raises BadOutcome."""
        if outcome.answer_code is not None and outcome.answer_code not in PROBLEMS:
            raise BadOutcome("answer_code", "a code of docs/problems.md", outcome.answer_code)
        if outcome.break_how not in BREAKS:
            raise BadOutcome("break_how", f"one of {', '.join(BREAKS)}", outcome.break_how)

    def consequence(self, outcome: ApiAnswer) -> Consequence:
        """One answer that came late, broken or wrong, and is over with it: the next look is right."""
        served = {
            "delay_ms": outcome.delay_ms,
            "answer": outcome.answer_code or "true",
            "break": outcome.break_how,
        }
        return Consequence(
            finding=Finding("timing", self.entity, 0),
            loan_id=self.loan_id,
            truth_before={"operation": self.operation},
            truth_after={"operation": self.operation, "work": "not begun" if outcome.before_work else "done"},
            served=served,
            until_ms=self.now_ms,
        )
