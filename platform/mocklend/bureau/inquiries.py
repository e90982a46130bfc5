"""Who asked the bureau about somebody, and what they were told: the inquiry record of a report. Reads only."""

from __future__ import annotations

from typing import Annotated, TypedDict

from mocklend.bureau.scores import MEMORY_MS
from mocklend.documents import rendering
from mocklend.domain.nouns import BorrowerId, CreatedAt, column, says
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Application, Borrower, ScoreAnswer
from mocklend.storage.snapshot import SandboxReader
from mocklend.views import reads

OF_BORROWER = "borrower_id = :borrower_id"


class ScoreInquiry(TypedDict):
    """A score that was answered under a transaction id. Asked again, it is repeated until `remembered_until`."""

    id: Annotated[str, says("The inquiry's id.")]
    transaction_id: Annotated[str, says("The id under which the score was asked for.")]
    score: Annotated[int | str, says("What was answered: 350 to 950, or the text N/A.")]
    answered_at: Annotated[str, says("When it was first answered. RFC 3339, on the sandbox's clock.")]
    refreshed_at: Annotated[str, says("When that score was made. RFC 3339, on the sandbox's clock.")]
    remembered_until: Annotated[
        str, says("Until when the same id gets the same answer. RFC 3339, on the sandbox's clock.")
    ]


class ApplicationInquiry(TypedDict):
    """An application to a lender, with the age of the report that decided it."""

    id: Annotated[str, says("The application's id.")]
    lender: Annotated[str, says("The lender's id."), column("partner")]
    product: Annotated[str, says("What kind of credit was applied for.")]
    decision: Annotated[str, says("APPROVED or REFUSED.")]
    score: Annotated[int | str, says("The score that decided it: 350 to 950, or the text N/A.")]
    asked_anew: Annotated[bool, says("Whether the lender pulled a new report for it.")]
    report_pulled_at: Annotated[
        str,
        says("When the lender had pulled the report that decided it. RFC 3339, on the sandbox's clock."),
        column("pulled_ms"),
    ]
    created_at: CreatedAt


class InquiriesDoc(TypedDict):
    """Who asked about a borrower, oldest first; applications by lender."""

    borrower_id: BorrowerId
    scores: Annotated[list[ScoreInquiry], says("Scores that were asked for under a transaction id.")]
    applications: Annotated[list[ApplicationInquiry], says("Applications to lenders.")]


application_inquiry = rendering(Application, ApplicationInquiry)
"""An application as the inquiries show it."""


def score_inquiry(answer: ScoreAnswer) -> ScoreInquiry:
    """A remembered answer as the inquiries show it."""
    return {
        "id": answer.id,
        "transaction_id": answer.transaction_id,
        "score": answer.body["score"],
        "answered_at": rfc3339(answer.answered_ms),
        "refreshed_at": rfc3339(answer.refreshed_ms),
        "remembered_until": rfc3339(answer.answered_ms + MEMORY_MS),
    }


def inquiries(reader: SandboxReader, borrower_id: str) -> InquiriesDoc:
    """The scores that were answered under a transaction id, and the applications by lender, oldest first."""
    reads.entity(reader, Borrower, borrower_id)
    answers = reader.where(ScoreAnswer, f"{OF_BORROWER} ORDER BY answered_ms, id", borrower_id=borrower_id)
    applications = reader.where(Application, f"{OF_BORROWER} ORDER BY partner, n", borrower_id=borrower_id)
    return {
        "borrower_id": borrower_id,
        "scores": [score_inquiry(answer) for answer in answers],
        "applications": [application_inquiry(application) for application in applications],
    }
