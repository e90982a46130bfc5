"""The score: computed on the 6th of each month from the published records, and stored for repeated queries.

Two properties of real scores let a wrong record outlast its correction without a fault: the score is not computed again
before the next 6th, and a query that repeats its transaction id within 24 hours gets its first answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mocklend.bureau.reports import PUBLISHED, Reported, published
from mocklend.domain.bureau import INQUIRY_DAYS, refreshes, score
from mocklend.domain.facts import business_date, midnight_ms
from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.score_asked import ScoreAsked
from mocklend.storage.entities import Borrower, ScoreAnswer
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.values import ScoreDoc
from mocklend.storage.work import Answer, Idempotency, Key, Loaded, Work

INQUIRIES: Loaded[int] = Loaded("inquiries")
"""By `borrower@ms`: the number of inquiries before a moment."""

MEMORY_MS = 86_400_000
EARLIER = 3
"""The most refreshes by which a stuck score can be behind."""
NO_SCORE = "N/A"
CURRENCY = "CNY"
"""The currency of partners' credit."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """The last refresh and the next, as moments, and the day of the last one."""

    day: date
    at_ms: int
    next_ms: int


def refresh_before(now_ms: int, zone: str) -> Refresh:
    """The last refresh of scores, and the next."""
    last, following = refreshes(business_date(now_ms, zone))
    return Refresh(last, midnight_ms(last, zone), midnight_ms(following, zone))


def score_of(accounts: Sequence[Reported], inquiries: int, on: date) -> int | str:
    """The score, or N/A."""
    value = score([account.history for account in accounts], inquiries, on)
    return NO_SCORE if value is None else value


def score_doc(
    borrower_id: str, value: int | str, refresh: Refresh, now_ms: int, transaction_id: str | None
) -> ScoreDoc:
    """A score as JSON."""
    return {
        "borrower_id": borrower_id,
        "score": value,
        "transaction_id": transaction_id,
        "answered_at": rfc3339(now_ms),
        "refreshed_at": rfc3339(refresh.at_ms),
        "next_refresh": rfc3339(refresh.next_ms),
    }


def current_score(snapshot: Snapshot, borrower_id: str) -> ScoreDoc:
    """A borrower's score now. Stores nothing. Raises Refused `borrower_unknown`."""
    refresh = refresh_before(snapshot.now_ms, snapshot.sandbox.zone)
    accounts = published(snapshot, borrower_id, refresh.at_ms)
    value = score_of(accounts, inquiries_before(snapshot, borrower_id, refresh.at_ms), refresh.day)
    return score_doc(borrower_id, value, refresh, snapshot.now_ms, None)


@dataclass(frozen=True, slots=True)
class AskScore:
    """A score query under a transaction id: for a day its first answer is repeated."""

    sandbox_id: str
    borrower_id: str
    transaction_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The borrower; the other keys depend on the clock."""
        return (("borrower", self.borrower_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the score, or the stored answer. Raises Refused `borrower_unknown`."""
        if work.find(Borrower, self.borrower_id) is None:
            raise Refused("borrower_unknown", f"no borrower {self.borrower_id}", borrower_id=self.borrower_id)
        id = make_id("scq", work.sandbox.seed, self.borrower_id, self.transaction_id)
        before = work.find(ScoreAnswer, id)
        if before is not None and work.now_ms < before.answered_ms + MEMORY_MS:
            return Answer(200, before.body)
        refresh = refresh_before(work.now_ms, work.sandbox.zone)
        value = self._answer(work, id, refresh)
        doc = score_doc(self.borrower_id, value, refresh, work.now_ms, self.transaction_id)
        work.put(ScoreAnswer(id, self.borrower_id, self.transaction_id, doc, refresh.at_ms, work.now_ms))
        return Answer(200, doc)

    def _answer(self, work: Work, id: str, refresh: Refresh) -> int | str:
        """The score of the last refresh, unless a fault changes the answer."""
        if not work.armed:
            return score_at(work, self.borrower_id, refresh)
        scores: list[int | str] = []
        at = refresh
        for _ in range(1 + EARLIER):
            scores.append(score_at(work, self.borrower_id, at))
            at = refresh_before(at.at_ms - 1, work.sandbox.zone)
        outcome = work.at(
            ScoreAsked(
                entity=id,
                occurrence=work.now_ms // MEMORY_MS,
                now_ms=work.now_ms,
                currency=CURRENCY,
                borrower_id=self.borrower_id,
                answer_id=id,
                remembered_until_ms=work.now_ms + MEMORY_MS,
                earlier=tuple(map(str, scores[1:])),
                score=str(scores[0]),
            )
        ).score
        return int(outcome) if outcome.isdigit() else outcome


def score_at(work: Work, borrower_id: str, refresh: Refresh) -> int | str:
    """A borrower's score as of a refresh, for a command."""
    moment = f"{borrower_id}@{refresh.at_ms}"
    return score_of(work.load(PUBLISHED, moment), work.load(INQUIRIES, moment), refresh.day)


_INQUIRIES = """SELECT COUNT(*) FROM applications WHERE sandbox_id = :sandbox_id AND borrower_id = :borrower_id
    AND created_ms >= :from_ms AND created_ms < :before_ms"""


def inquiries_before(reader: SandboxReader, borrower_id: str, before_ms: int) -> int:
    """The number of inquiries about a borrower in the 180 days before a moment."""
    from_ms = before_ms - INQUIRY_DAYS * 86_400_000
    return reader.number(_INQUIRIES, borrower_id=borrower_id, from_ms=from_ms, before_ms=before_ms)


def load_inquiries(reader: SandboxReader, keys: Sequence[str]) -> Mapping[str, int]:
    """By `borrower@ms`: the number of inquiries before a moment."""
    counts = {}
    for key in keys:
        borrower_id, _, at_ms = key.rpartition("@")
        counts[key] = inquiries_before(reader, borrower_id, int(at_ms))
    return counts
