"""Who asked the bureau about somebody, and what they were told: the inquiry record of a report. Reads only."""

from __future__ import annotations

from typing import Any

from mocklend.bureau.scores import MEMORY_MS
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Application, Borrower, ScoreAnswer
from mocklend.storage.snapshot import SandboxReader
from mocklend.views import reads

OF_BORROWER = "borrower_id = :borrower_id"


def inquiries(reader: SandboxReader, borrower_id: str) -> dict[str, Any]:
    """The scores that were answered under a transaction id, and the applications by lender, oldest first."""
    reads.entity(reader, Borrower, borrower_id)
    return {
        "borrower_id": borrower_id,
        "scores": [
            {
                "id": answer.id,
                "transaction_id": answer.transaction_id,
                "score": answer.body["score"],
                "answered_at": rfc3339(answer.answered_ms),
                "refreshed_at": rfc3339(answer.refreshed_ms),
                "remembered_until": rfc3339(answer.answered_ms + MEMORY_MS),
            }
            for answer in reader.where(ScoreAnswer, f"{OF_BORROWER} ORDER BY answered_ms, id", borrower_id=borrower_id)
        ],
        "applications": [
            {
                "id": application.id,
                "lender": application.partner,
                "product": application.product,
                "decision": application.decision,
                "score": application.score,
                "asked_anew": bool(application.asked_anew),
                "report_pulled_at": rfc3339(application.pulled_ms),
                "created_at": rfc3339(application.created_ms),
            }
            for application in reader.where(Application, f"{OF_BORROWER} ORDER BY partner, n", borrower_id=borrower_id)
        ],
    }
