"""Why the page shows what it shows: what can be seen, what is behind it, and the steps from the page to the cause."""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.audit.chain.docs import Mark, StepDoc, View
from mocklend.audit.chain.marking import Marked
from mocklend.audit.chain.rows import Row
from mocklend.audit.chain.sentences import BECAUSE, CAUSES, SENTENCES, Because, Sentence, step
from mocklend.audit.chain.subject import Subject
from mocklend.domain.facts import RECEIPT, business_date
from mocklend.domain.finding import TIMING
from mocklend.domain.statuses import LoanStatus
from mocklend.seams.layer import TracedInjection

DAY_MS = 86_400_000


def sentence_of(subject: Subject, marked: Marked) -> StepDoc:
    """What can be seen, in one sentence."""
    currency, worst = subject.loan.currency, marked.verdict
    answered = _newest_answer(marked)
    if worst == Mark.AGREES and answered is not None:
        day = business_date(answered.as_of_ms or 0, subject.snapshot.sandbox.zone).isoformat()
        return step(Sentence.ANSWER_WAS_WRONG, SENTENCES[Sentence.ANSWER_WAS_WRONG], currency, date=day)
    if worst == Mark.AGREES:
        return step(Sentence.ALL_AGREE, SENTENCES[Sentence.ALL_AGREE], currency)
    if worst == Mark.IN_TRANSIT:
        return step(Sentence.ON_ITS_WAY, SENTENCES[Sentence.ON_ITS_WAY], currency)
    wrong = marked.rows[marked.marks.index(worst)]
    if worst == Mark.UNEXPLAINED:
        return step(Sentence.UNEXPLAINED, SENTENCES[Sentence.UNEXPLAINED], currency, view=wrong.view.value)
    page, truth = _row(marked, View.PAGE), subject.truth
    if page is None or not page.differs:
        return step(Sentence.PAGE_IS_RIGHT, SENTENCES[Sentence.PAGE_IS_RIGHT], currency, view=wrong.view.value)
    if truth.status == LoanStatus.CLEAR and page.status != LoanStatus.CLEAR:
        paid_ms = max((fact.at_ms for fact in subject.world if fact.kind == RECEIPT), default=subject.truth_ms)
        return step(
            Sentence.PAID_OFF_SHOWN_OTHERWISE,
            SENTENCES[Sentence.PAID_OFF_SHOWN_OTHERWISE],
            currency,
            date=business_date(paid_ms, subject.snapshot.sandbox.zone).isoformat(),
            days=(subject.snapshot.now_ms - paid_ms) // DAY_MS,
            status=page.status,
        )
    return step(
        Sentence.PAGE_DIFFERS,
        SENTENCES[Sentence.PAGE_DIFFERS],
        currency,
        status=page.status,
        outstanding_minor=page.outstanding_minor,
        true_status=truth.status.value,
        true_outstanding_minor=truth.outstanding_minor,
    )


def cause_of(subject: Subject, marked: Marked) -> StepDoc | None:
    """What is behind the first row that is wrong, by the class of its discrepancy; None where none is wrong."""
    found = _first(marked)
    if found is None and _newest_answer(marked) is not None:
        return step(TIMING, CAUSES[TIMING], subject.loan.currency)
    if found is None:
        return None
    [discrepancy, *_] = found.own
    finding = discrepancy.finding
    text = CAUSES[finding.finding_class]
    return step(finding.finding_class, text, subject.loan.currency, amount_minor=finding.amount_minor)


def because(subject: Subject, marked: Marked) -> list[StepDoc]:
    """The steps from what the page shows up to the cause; none where all views agree."""
    return [] if set(marked.marks) == {Mark.AGREES} else list(_steps(subject, marked))


def _steps(subject: Subject, marked: Marked) -> Iterator[StepDoc]:
    currency, truth = subject.loan.currency, subject.truth
    page, books = _row(marked, View.PAGE), _row(marked, View.BOOKS)
    if page is not None and books is not None:
        code = Because.PAGE_SHOWS_BOOKS if page.version == books.version else Because.PAGE_LAGS
        yield step(code, BECAUSE[code], currency, version=page.version, books_version=books.version)
    if books is not None:
        code = Because.BOOKS_DIFFER if books.differs else Because.BOOKS_AGREE
        yield step(
            code,
            BECAUSE[code],
            currency,
            status=books.status,
            outstanding_minor=books.outstanding_minor,
            true_status=truth.status.value,
            true_outstanding_minor=truth.outstanding_minor,
        )
    cause = cause_of(subject, marked)
    if cause is not None:
        yield cause
    told: set[str] = set()
    newest = _newest_answer(marked)
    for row, mark, injection in zip(marked.rows, marked.marks, marked.injections, strict=True):
        if row in marked.answers and row is not newest:
            continue
        if mark == Mark.FIRST_WRONG and injection is not None and injection.id not in told:
            told.add(injection.id)
            yield from _injected(injection, currency)
        elif mark == Mark.UNEXPLAINED:
            detail = row.own[0].detail if row.own else f"{row.view.value} is not what its source says"
            yield step(Because.NO_FAULT, BECAUSE[Because.NO_FAULT], currency, detail=detail)
        elif mark == Mark.IN_TRANSIT and row.pending is not None:
            yield step(Because.IN_TRANSIT, BECAUSE[Because.IN_TRANSIT], currency, detail=row.pending)


def _injected(injection: TracedInjection, currency: str) -> Iterator[StepDoc]:
    if not injection.changes:
        text = BECAUSE[Because.INJECTED]
        yield step(Because.INJECTED, text, currency, rule=injection.rule, seam=injection.seam, injection=injection.id)
    for change in injection.changes:
        yield step(
            Because.INJECTED_FIELD,
            BECAUSE[Because.INJECTED_FIELD],
            currency,
            rule=injection.rule,
            seam=injection.seam,
            injection=injection.id,
            field=change.field,
            before=change.before,
            after=change.after,
        )


def _newest_answer(marked: Marked) -> Row | None:
    return marked.answers[-1] if marked.answers else None


def _first(marked: Marked) -> Row | None:
    pairs = zip(marked.rows, marked.marks, strict=True)
    return next((row for row, mark in pairs if row.own and mark in (Mark.FIRST_WRONG, Mark.UNEXPLAINED)), None)


def _row(marked: Marked, view: View) -> Row | None:
    return next((row for row in marked.rows if row.view == view), None)
