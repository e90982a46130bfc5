"""The chain of a loan's views: world, channel, console, books, and what is shown of it, each compared with the world.

        traced loan ──▶ rows ──▶ marks ──▶ breaks, because, remedy, sentence
        (audited)       (as each view says it)

A reader of the world, as the audit is: it stands in its room. It reads one loan, by index, and writes nothing.
"""

from __future__ import annotations

from mocklend.audit.chain.answers import answers_now, wrong_answers
from mocklend.audit.chain.docs import AnswerDoc, Mark, RowDoc, View, ViewsDoc
from mocklend.audit.chain.edges import breaks_of
from mocklend.audit.chain.explaining import because, cause_of, sentence_of
from mocklend.audit.chain.marking import mark_rows
from mocklend.audit.chain.remedy import remedies
from mocklend.audit.chain.rows import Row
from mocklend.audit.chain.said import rows_of, said_doc, said_of
from mocklend.audit.chain.traced import TracedLoan, traced_loan
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.seams.layer import TracedInjection

__all__ = ["TracedLoan", "ViewsDoc", "said_of", "traced_loan", "views_of"]

DAY_MS = 86_400_000
SYMPTOM_OF = {
    View.PAYOUT: "channel", View.LENDER: "partner", View.CLIENT: "answer",
}  # fmt: skip
"""The name under which a kind of fault describes a view, where it is not the view's own."""


def views_of(loan: TracedLoan) -> ViewsDoc:
    """A loan's views in the order of the chain."""
    subject, traced = loan.subject, loan.injections
    now_ms, answers = subject.snapshot.now_ms, answers_now(loan.layer, subject)
    rows = rows_of(subject)
    marked = mark_rows(subject, rows, loan.explained)
    for row, injection in wrong_answers(traced):
        marked.add_answer(row, injection)
    return ViewsDoc(
        loan_id=subject.loan.id,
        borrower_id=subject.borrower.id,
        borrower_name=subject.borrower.name,
        currency=subject.loan.currency,
        now=rfc3339(now_ms),
        verdict=marked.verdict,
        sentence=sentence_of(subject, marked),
        cause=cause_of(subject, marked),
        rows=[
            _row_doc(row, mark, injection, answers.get(row.view), now_ms)
            for row, mark, injection in zip(marked.rows, marked.marks, marked.injections, strict=True)
        ],
        left_out=subject.left_out,
        breaks=breaks_of(traced, marked),
        because=because(subject, marked),
        remedy=remedies(subject, traced, marked),
        noticed=list(loan.alerts),
    )


def _row_doc(row: Row, mark: Mark, injection: TracedInjection | None, answer: AnswerDoc | None, now_ms: int) -> RowDoc:
    since_ms = injection.at_ms if injection is not None else row.pending_ms if mark == Mark.IN_TRANSIT else None
    is_over = injection is not None and injection.ended_ms is not None
    return RowDoc(
        **said_doc(row),
        mark=mark,
        differs=row.differs,
        wrong_since=maybe_rfc3339(since_ms),
        wrong_days=None if since_ms is None or is_over else max(0, now_ms - since_ms) // DAY_MS,
        injection=None if injection is None else injection.id,
        symptom=None if injection is None else injection.symptom.get(_symptom_of(row)),
        classes=sorted({discrepancy.finding.finding_class for discrepancy in row.own}),
        details=[*(item.detail for item in row.own), *([row.pending] if row.pending is not None else [])],
        answer=answer,
    )


def _symptom_of(row: Row) -> str:
    if row.view == View.CONSOLE:
        return {"receipt": "receipts", "dispute": "dispute"}.get(row.about or "", "console")
    return SYMPTOM_OF.get(row.view, row.view)
