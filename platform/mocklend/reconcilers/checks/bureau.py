"""Books against the bureau and its users: late and lost records, old scores, old copies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found

LAG = timedelta(days=1)
"""From a snapshot to its publication, by the bureau's terms."""


def late_records(evidence: Evidence) -> Iterator[Found]:
    """Records that should be published by now. Records behind a late one are late for the same reason."""
    for case in evidence.cases:
        for record in case.records:
            due = datetime.fromisoformat(record["snapshot_at"]) + LAG
            if due <= evidence.now < datetime.fromisoformat(record["published_at"]):
                yield case.found("wrong_bureau", record["id"], 0, "wait", f"due {due.isoformat()}")
                break


def lost_corrections(evidence: Evidence) -> Iterator[Found]:
    """Loans with a corrected dispute, whose correction was not reported although the bureau's lag is over."""
    for case in evidence.cases:
        ordered = [
            (step["at"], dispute["id"])
            for dispute in case.disputes
            for step in dispute["progress"]
            if step["note"].startswith("Corrected:")
        ]
        if not ordered:
            continue
        at, dispute_id = max(ordered)
        cut = evidence.day_over(at)
        snapshots = [(record["cause"], datetime.fromisoformat(record["snapshot_at"])) for record in case.records]
        reported_before = any(taken < cut for _, taken in snapshots)
        was_reported = any(cause == "correction" and taken >= cut for cause, taken in snapshots)
        if reported_before and not was_reported and cut + LAG <= evidence.now:
            yield case.found("wrong_bureau", case.id, 0, "correct_again", f"dispute {dispute_id} of {at}")


def old_scores(evidence: Evidence) -> Iterator[Found]:
    """Answers that are still repeated and are not the score of the refresh that they name."""
    for borrower in evidence.borrowers:
        true = evidence.reads.credit_score(borrower)
        for answer in evidence.reads.inquiries(borrower)["scores"]:
            remembered = evidence.now < datetime.fromisoformat(answer["remembered_until"])
            if remembered and answer["refreshed_at"] == true["refreshed_at"] and answer["score"] != true["score"]:
                detail = f"answered {answer['score']}, the refresh made {true['score']}"
                yield Found("wrong_bureau", answer["id"], None, 0, "wait", detail)


def old_copies(evidence: Evidence) -> Iterator[Found]:
    """Lenders whose newest decision is based on a copy that they should have renewed."""
    for borrower in evidence.borrowers:
        newest = {entry["lender"]: entry for entry in evidence.reads.inquiries(borrower)["applications"]}
        for application in newest.values():
            pulled, decided = (datetime.fromisoformat(application[name]) for name in ("report_pulled_at", "created_at"))
            too_old = decided >= pulled + timedelta(days=evidence.keeps_days[application["lender"]])
            if pulled < decided and (application["asked_anew"] or too_old):
                yield Found(
                    "stale_view", application["id"], None, 0, "escalate", f"decided by a copy of {pulled.isoformat()}"
                )
