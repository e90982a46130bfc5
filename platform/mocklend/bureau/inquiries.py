"""Who asked the bureau about somebody, and what they were told: the inquiry record of a report. Reads only."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from mocklend.bureau.scores import MEMORY_MS
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Borrower
from mocklend.storage.snapshot import SandboxReader
from mocklend.views import reads

_SCORES = """SELECT id, transaction_id, body, answered_ms, refreshed_ms FROM score_answers
    WHERE sandbox_id = :sandbox_id AND borrower_id = :borrower_id ORDER BY answered_ms, id"""
_APPLICATIONS = """SELECT id, partner, product, decision, score, asked_anew, pulled_ms, created_ms FROM applications
    WHERE sandbox_id = :sandbox_id AND borrower_id = :borrower_id ORDER BY partner, n"""


class _Score(NamedTuple):
    id: str
    transaction_id: str
    body: str
    answered_ms: int
    refreshed_ms: int


class _Application(NamedTuple):
    id: str
    partner: str
    product: str
    decision: str
    score: str
    asked_anew: int
    pulled_ms: int
    created_ms: int


def inquiries(reader: SandboxReader, borrower_id: str) -> dict[str, Any]:
    """The scores that were answered under a transaction id, and the applications by lender, oldest first."""
    reads.entity(reader, Borrower, borrower_id)
    return {
        "borrower_id": borrower_id,
        "scores": [
            {
                "id": id,
                "transaction_id": transaction_id,
                "score": json.loads(body)["score"],
                "answered_at": rfc3339(answered_ms),
                "refreshed_at": rfc3339(refreshed_ms),
                "remembered_until": rfc3339(answered_ms + MEMORY_MS),
            }
            for id, transaction_id, body, answered_ms, refreshed_ms in reader.rows(
                _Score, _SCORES, borrower_id=borrower_id
            )
        ],
        "applications": [
            {
                "id": id,
                "lender": lender,
                "product": product,
                "decision": decision,
                "score": json.loads(score),
                "asked_anew": bool(asked_anew),
                "report_pulled_at": rfc3339(pulled_ms),
                "created_at": rfc3339(created_ms),
            }
            for id, lender, product, decision, score, asked_anew, pulled_ms, created_ms in reader.rows(
                _Application, _APPLICATIONS, borrower_id=borrower_id
            )
        ],
    }
