"""Marking the rows of a chain: which agree, where a lie shows first, what passes it on, what nobody can explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mocklend.audit.chain.docs import Mark, View
from mocklend.audit.chain.homes import home_of, row_for
from mocklend.audit.chain.rows import Row
from mocklend.audit.chain.subject import Subject
from mocklend.seams.layer import TracedInjection

WRONG = (Mark.FIRST_WRONG, Mark.PASSES_ON, Mark.UNEXPLAINED)
WORST = (Mark.UNEXPLAINED, Mark.FIRST_WRONG, Mark.PASSES_ON, Mark.IN_TRANSIT, Mark.AGREES)
"""The marks, the worst first."""
ABOVE_BOOKS = (View.CHANNEL, View.PAYOUT, View.CONSOLE)
OF_PAGE = (View.LIST, View.INSTALMENTS)


@dataclass(slots=True)
class Marked:
    """The rows of a chain in order, the mark of each, and the injection that makes it wrong.

    `first` has by injection the first wrong row. `answers` are rows of answers that are over, oldest first.
    """

    rows: list[Row]
    marks: list[Mark] = field(default_factory=list)
    injections: list[TracedInjection | None] = field(default_factory=list)
    first: dict[str, Row] = field(default_factory=dict)
    answers: list[Row] = field(default_factory=list)

    @property
    def verdict(self) -> Mark:
        """The worst mark of any view but the answers that are over."""
        marks = [mark for row, mark in zip(self.rows, self.marks, strict=True) if row not in self.answers]
        return min(marks, key=WORST.index)

    def add_answer(self, row: Row, injection: TracedInjection) -> None:
        """Add an answer to a client that was wrong because of an injection, and is over."""
        self.rows.append(row)
        self.marks.append(Mark.FIRST_WRONG)
        self.injections.append(injection)
        self.first[injection.id] = row
        self.answers.append(row)

    def worst_of(self, views: Sequence[View]) -> tuple[Mark, TracedInjection | None]:
        """The worst mark so far of these views, and the injection of the row that has it."""
        marked = [
            (WORST.index(mark), n)
            for n, (row, mark) in enumerate(zip(self.rows, self.marks, strict=False))
            if row.view in views
        ]
        if not marked:
            return Mark.AGREES, None
        worst, n = min(marked)
        return WORST[worst], self.injections[n]


def mark_rows(subject: Subject, rows: list[Row], explained: Mapping[int, TracedInjection | None]) -> Marked:
    """Mark each row. `explained` has for each discrepancy, by its place, the injection behind it, or None."""
    causes: dict[int, list[TracedInjection | None]] = {}
    for n, discrepancy in enumerate(subject.discrepancies):
        cause = explained[n]
        row = row_for(subject, rows, home_of(subject, discrepancy, cause.seam if cause is not None else None))
        row.own.append(discrepancy)
        causes.setdefault(id(row), []).append(cause)
    marked = Marked(rows)
    for row in rows:
        mark, injection = _mark(marked, row, causes.get(id(row), ()))
        marked.marks.append(mark)
        marked.injections.append(injection)
        if mark == Mark.FIRST_WRONG:
            marked.first |= {cause.id: row for cause in causes[id(row)] if cause is not None}
    return marked


def _mark(marked: Marked, row: Row, causes: Sequence[TracedInjection | None]) -> tuple[Mark, TracedInjection | None]:
    if causes:
        first = next((cause for cause in causes if cause is not None), None)
        return (Mark.UNEXPLAINED if None in causes else Mark.FIRST_WRONG), first
    if not row.differs:
        return (Mark.AGREES if row.pending is None else Mark.IN_TRANSIT), None
    if row.view == View.WORLD:
        return Mark.AGREES, None
    source, injection = marked.worst_of(_sources(row))
    if row.view in OF_PAGE:
        # They are made together with the page: what holds it up, or makes it wrong, is behind them as well.
        page, behind_page = marked.worst_of((View.PAGE,))
        if page in WRONG and source not in WRONG:
            return Mark.PASSES_ON, behind_page
    if row.pending is not None and source not in WRONG:
        return Mark.IN_TRANSIT, None
    if source in WRONG:
        return Mark.PASSES_ON, injection
    if source == Mark.IN_TRANSIT:
        return Mark.IN_TRANSIT, None
    if row.view in (View.REPORT, View.SCORE, View.LENDER):
        # The audit has found what was reported, computed or copied right: it tells what its source said then.
        return Mark.PASSES_ON, None
    return Mark.UNEXPLAINED, None


def _sources(row: Row) -> tuple[View, ...]:
    if row.view == View.BOOKS:
        return ABOVE_BOOKS
    return row.also if row.source is None else (row.source, *row.also)
