"""A client's request is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import TIMING, Finding
from mocklend.domain.problems import PROBLEMS
from mocklend.seams.ada import MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.outcome import BadOutcome
from mocklend.seams.seam import Consequence, Seam

BREAKS = ("none", "abort", "reset", "empty", "truncated", "malformed")
"""How an answer can break in transit; docs/seams.md describes each."""
DELAY_MS_MAX = 120_000
"""The longest delay of an answer, however many rules add to it."""


@dataclass(frozen=True, slots=True)
class ApiAnswer(Seam):
    """A client's request arrived, on any plane but the control plane, and is about to be processed.

    Honestly it is processed and answered, at once and whole. With `delay_ms` the answer comes later, by 120 s at most
    however many rules add to it (a rule whose delay is cut has the actual delay on the answer key, and one that adds
    nothing is not on it). With `answer_code` (a code of docs/problems.md) another answer is given: instead of the work
    with `before_work`, after it otherwise. With `break_how` the answer breaks in transit. The finding is `timing` on
    the entity: one answer, which ends at once.

    `entity` is the `Idempotency-Key`, else the loan, repayment or borrower of the path, else another id of the path (as
    `wallet.2026-01-05`), else the `reference` of a new borrower, else the operation. Requests are counted in memory
    (docs/decisions/10-requests-are-counted-in-memory.md). A request without any id, like a list, is counted together
    with those of all clients: how many of them are hit does not depend on their order, which of them does. `draw` is
    derived from the seed, the entity and the occurrence: it is the only chance that a fault has.
    """

    seam: ClassVar[str] = "api.answer"
    edge: ClassVar[Edge] = Edge.CLIENT
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = (
        "the Idempotency-Key, else the loan, repayment or borrower of the path, else the operation"
    )
    occurrence_is: ClassVar[str] = "the sequence number of its requests, counted while a rule is at this seam"
    loan_id: str  # of the path; "" if it has none
    plane: str  # v1, operator, channels, bureau
    method: str
    operation: str  # as in /openapi.json: repay, getLoan
    path: str  # with its parameters in braces
    writes: bool
    channel: str | None  # that the request needs: for an order or a query
    draw: int  # 0 to 999,999, derived from seed, entity and occurrence: the chance that a fault may use
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
        """Require a known problem code and a known way to break. Raises BadOutcome."""
        if outcome.answer_code is not None and outcome.answer_code not in PROBLEMS:
            raise BadOutcome("answer_code", "a code of docs/problems.md", outcome.answer_code)
        if outcome.break_how not in BREAKS:
            raise BadOutcome("break_how", f"one of {', '.join(BREAKS)}", outcome.break_how)

    def consequence(self, outcome: ApiAnswer) -> Consequence:
        """One answer that came late, broken or wrong; the next answer is right."""
        served = {
            "delay_ms": outcome.delay_ms,
            "answer": outcome.answer_code or "true",
            "break": outcome.break_how,
        }
        return Consequence(
            finding=Finding(TIMING, self.entity, 0),
            loan_id=self.loan_id,
            truth_before={"operation": self.operation},
            truth_after={"operation": self.operation, "work": "not begun" if outcome.before_work else "done"},
            served=served,
            until_ms=self.now_ms,
        )
