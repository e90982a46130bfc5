"""Credit reporting as pure rules: what a lender reports about a loan, and the score that a bureau derives from it.

Each month of a loan is one character, oldest first:

    /  not opened yet          N  paid as agreed           C  settled
    *  nothing was due         1..7  overdue, see OVERDUE   B  bad debt: written off
    #  not reported            G  ended without a settlement

Sources: the codes follow public descriptions of the Chinese credit report (24 months in its first edition, 60 in the
second); the five classes are those in force since 2023-07-01; the score's range is that of a well-known consumer
score. The formula of the score is Mocklend's own and is defined here in full.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from mocklend.domain.facts import Fact, Terms
from mocklend.domain.replay import LoanState, apply_fact, initial_state, replay
from mocklend.domain.statuses import LoanStatus

LAG_MS = 86_400_000
"""Milliseconds from a report's cut to its publication: T+1 by common accounts; unconfirmed."""

SHORT, LONG = 24, 60
"""Months that a report shows: in the first edition, and in the second."""

NOT_OPEN, UNKNOWN, QUIET, NORMAL, SETTLED, ENDED, BAD_DEBT = "/", "#", "*", "N", "C", "G", "B"
OVERDUE = ((30, "1"), (60, "2"), (90, "3"), (120, "4"), (150, "5"), (180, "6"))
"""(days, code): up to that many days overdue the month has that code; beyond the last row it has 7."""

CLASSES = ("NORMAL", "ATTENTION", "SUBPRIME", "DOUBTFUL", "LOSSES")
OPEN, OVER = (LoanStatus.USING, LoanStatus.OVD), (LoanStatus.CLEAR, LoanStatus.OFF, LoanStatus.FAILED)
"""The statuses of an active account, and of an account that needs no further report."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A loan at the end of a day, as a lender reports it. `month` is the code of the month so far."""

    as_of: date
    status: str
    five_class: str
    days_overdue: int
    balance_minor: int
    overdue_minor: int
    month: str


@dataclass(frozen=True, slots=True)
class History:
    """A loan's months, one character per month, up to and including the month that begins on `last`."""

    codes: str
    last: date


# --- one loan, one day ---


def standing(state: LoanState) -> Standing:
    """What a lender reports for a state on the state's date."""
    days = days_overdue(state)
    return Standing(
        as_of=state.as_of,
        status=state.status,
        five_class=CLASSES[-1] if state.status == LoanStatus.OFF else five_class(days),
        days_overdue=days,
        balance_minor=state.outstanding_minor,
        overdue_minor=state.overdue_minor,
        month=month_code(state, days),
    )


def days_overdue(state: LoanState) -> int:
    """Days since the oldest missed due date. 0 during the grace period; afterwards the days of grace count too."""
    if not state.accepted:
        return 0
    missed = [i.due_date for i in state.instalments if i.outstanding and state.late(i, state.as_of)]
    return (state.as_of - min(missed)).days if missed else 0


def five_class(days: int) -> str:
    """The class of a loan by its days overdue: from 1 day ATTENTION; above 90, 270, 360 days one class worse each."""
    return CLASSES[sum(days > limit for limit in (0, 90, 270, 360))]


def overdue_code(days: int) -> str:
    """The code of a month at whose end the loan is overdue by this many days."""
    return next((code for limit, code in OVERDUE if days <= limit), "7")


def month_code(state: LoanState, days: int) -> str:
    """The code of the month that a state's date is in, so far."""
    ended = {LoanStatus.CLEAR: SETTLED, LoanStatus.OFF: BAD_DEBT, LoanStatus.FAILED: ENDED}.get(state.status)
    if ended:
        return ended
    if state.status not in OPEN:
        return NOT_OPEN
    if days:
        return overdue_code(days)
    instalment_due = any(
        first_of(i.due_date) == first_of(state.as_of) and i.due_date <= state.as_of for i in state.instalments
    )
    return NORMAL if instalment_due else QUIET


@lru_cache(maxsize=4096)
def standing_on(terms: Terms, facts: tuple[Fact, ...], on: date) -> Standing:
    """The standing on a date that follows from these facts."""
    return standing(replay(terms, facts, on))


def standings(terms: Terms, cuts: Iterable[tuple[tuple[Fact, ...], date]]) -> Iterator[Standing]:
    """`standing_on` for each cut: the facts known at that time, in effective order, and the date.

    Where a cut only adds later facts to those of the cut before, its state continues from there and is not replayed
    from the start: the cost of a history then grows with its length, not with the square of it.
    """
    state, complete = initial_state(terms), True
    before: tuple[Fact, ...] = ()
    for facts, on in cuts:
        if complete and state.as_of <= on and facts[: len(before)] == before:
            state = _continued(state, facts[len(before) :], on) or replay(terms, facts, on)
        else:
            state = replay(terms, facts, on)
        before, complete = facts, all(fact.on <= on for fact in facts)
        yield standing(state)


def _continued(state: LoanState, new: Iterable[Fact], on: date) -> LoanState | None:
    """The state after new facts, on a later date; None where they change a month that was already reported."""
    for fact in new:
        if fact.on > on or not state.follows(fact):
            return None
        apply_fact(state, fact)
    state.roll_forward(on)
    return state


# --- months ---


def first_of(day: date) -> date:
    """The first day of a date's month."""
    return day.replace(day=1)


def last_of(day: date) -> date:
    """The last day of a date's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def month_after(month: date) -> date:
    """The first day of the month that follows."""
    return last_of(month) + timedelta(days=1)


def months_apart(earlier: date, later: date) -> int:
    """Calendar months from the earlier date to the later one."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def carry(history: History | None, start: date, now: Standing) -> History:
    """The history after one more report: it sets the code of its own month and leaves earlier months as reported."""
    month = first_of(now.as_of)
    if history is None:
        return History(NOT_OPEN * max(0, months_apart(start, month)) + now.month, month)
    if now.month == history.codes[-1] and now.status in OVER:
        return history  # It ended in a month that was already reported.
    gap = months_apart(history.last, month)
    codes = history.codes if gap else history.codes[:-1]
    return History(codes + UNKNOWN * (gap - 1) + now.month, month)


def rederive(terms: Terms, facts: tuple[Fact, ...], as_of: date) -> History:
    """All months derived again from the facts alone: what a correction reports."""
    codes, month = "", first_of(terms.start)
    while True:
        codes += standing_on(terms, facts, min(last_of(month), as_of)).month
        if month >= first_of(as_of):
            break
        month = month_after(month)
    if codes[-1] in (SETTLED, BAD_DEBT, ENDED):
        months_ended = len(codes) - len(codes.rstrip(codes[-1])) - 1
        for _ in range(months_ended):
            month = first_of(month - timedelta(days=1))
        codes = codes[: len(codes) - months_ended]
    return History(codes, month)


def month_codes(history: History, months: int) -> str:
    """The last `months` months as a report shows them: `/ / N N 1`, oldest first."""
    return " ".join(history.codes[-months:].rjust(months, NOT_OPEN))


# --- the score ---

LOWEST, START, HIGHEST = 350, 700, 950
GOOD_MONTH, GOOD_MAX = 4, 160
DEDUCTION = {"1": 80, "2": 130, "3": 180, "4": 220, "5": 250, "6": 280, "7": 320, BAD_DEBT: 350}
INQUIRY, INQUIRY_MAX, INQUIRY_DAYS = 8, 80, 180
REFRESH_DAY = 6
"""The day of the month on which scores are computed again."""


def score(histories: Iterable[History], inquiries: int, on: date) -> int | None:
    """350 to 950, or None for a borrower without a reported loan.

    Starts at 700. Each month that is paid as agreed, or settled, adds 4, at most 160 in all. An overdue month or a bad
    debt subtracts its deduction in full at first, a 24th less for each month of age, and nothing after two years. Each
    inquiry of the last 180 days subtracts 8, at most 80 in all.
    """
    reported = list(histories)
    if not reported:
        return None
    good = worse = 0
    for history in reported:
        for age, code in enumerate(reversed(history.codes), start=months_apart(history.last, first_of(on))):
            if age >= SHORT:
                break
            good += GOOD_MONTH * (code in (NORMAL, SETTLED))
            worse += DEDUCTION.get(code, 0) * (SHORT - age) // SHORT
    total = START + min(good, GOOD_MAX) - worse - min(INQUIRY * inquiries, INQUIRY_MAX)
    return max(LOWEST, min(HIGHEST, total))


def refreshes(on: date) -> tuple[date, date]:
    """The day of the last refresh, and of the next."""
    this_month = on.replace(day=REFRESH_DAY)
    if on >= this_month:
        return this_month, month_after(on).replace(day=REFRESH_DAY)
    return (first_of(on) - timedelta(days=1)).replace(day=REFRESH_DAY), this_month


def worst_overdue(histories: Sequence[History], months: int, on: date) -> int:
    """The worst overdue code (1 to 7) of the last `months` months, or 0. Bad debt counts as 7."""
    worst = 0
    for history in histories:
        ago = months_apart(history.last, first_of(on))
        codes = history.codes[-(months - ago) :] if ago < months else ""
        worst = max([worst, *(7 if code == BAD_DEBT else int(code) for code in codes if code in "1234567B")])
    return worst
