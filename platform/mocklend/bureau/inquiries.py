"""The inquiries about a borrower, with their answers. Reads only."""

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
    """A score query under a transaction id. A repeated query gets the same answer until `remembered_until`."""

    id: Annotated[str, says("The inquiry's id.")]
    transaction_id: Annotated[str, says("The transaction id of the query.")]
    score: Annotated[int | str, says("The answer: 350 to 950, or the text N/A.")]
    answered_at: Annotated[str, says("When it was first answered. RFC 3339, on the sandbox's clock.")]
    refreshed_at: Annotated[str, says("When that score was computed. RFC 3339, on the sandbox's clock.")]
    remembered_until: Annotated[
        str, says("Until when the same id gets the same answer. RFC 3339, on the sandbox's clock.")
    ]


class ApplicationInquiry(TypedDict):
    """An application to a lender, with the age of the report behind the decision."""

    id: Annotated[str, says("The application's id.")]
    lender: Annotated[str, says("The lender's id."), column("partner")]
    product: Annotated[str, says("The kind of credit.")]
    decision: Annotated[str, says("APPROVED or REFUSED.")]
    score: Annotated[int | str, says("The score behind the decision: 350 to 950, or the text N/A.")]
    asked_anew: Annotated[bool, says("Whether the lender pulled a new report for it.")]
    report_pulled_at: Annotated[
        str,
        says("When the lender pulled the report behind the decision. RFC 3339, on the sandbox's clock."),
        column("pulled_ms"),
    ]
    created_at: CreatedAt


class InquiriesDoc(TypedDict):
    """The inquiries about a borrower, oldest first; applications by lender."""

    borrower_id: BorrowerId
    scores: Annotated[list[ScoreInquiry], says("Score queries under a transaction id.")]
    applications: Annotated[list[ApplicationInquiry], says("Applications to lenders.")]


application_inquiry = rendering(Application, ApplicationInquiry)
"""Renders an application for the inquiries."""


def score_inquiry(answer: ScoreAnswer) -> ScoreInquiry:
    """A stored score answer as the inquiries show it."""
    return {
        "id": answer.id,
        "transaction_id": answer.transaction_id,
        "score": answer.body["score"],
        "answered_at": rfc3339(answer.answered_ms),
        "refreshed_at": rfc3339(answer.refreshed_ms),
        "remembered_until": rfc3339(answer.answered_ms + MEMORY_MS),
    }


def inquiries(reader: SandboxReader, borrower_id: str) -> InquiriesDoc:
    """The score queries under a transaction id, and the applications by lender, oldest first. Raises
    Refused `borrower_unknown`."""
    reads.entity(reader, Borrower, borrower_id)
    answers = reader.where(ScoreAnswer, f"{OF_BORROWER} ORDER BY answered_ms, id", borrower_id=borrower_id)
    applications = reader.where(Application, f"{OF_BORROWER} ORDER BY partner, n", borrower_id=borrower_id)
    return {
        "borrower_id": borrower_id,
        "scores": [score_inquiry(answer) for answer in answers],
        "applications": [application_inquiry(application) for application in applications],
    }
