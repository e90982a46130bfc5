"""What a lender reports of a loan to a credit bureau, and the score that the bureau makes of it. Pure rules.

A loan's months are told by one character each, oldest first:

    /  not opened yet          N  paid as agreed           C  settled
    *  nothing was due         1..7  overdue, see OVERDUE   B  bad debt: written off
    #  not reported            G  ended, and not by settlement

Sources: the codes follow public descriptions of the Chinese credit report (24 months in its first edition, 60 in the
second); the five classes are those in force since 2023-07-01; the score's range is that of a well-known consumer
score. The score's formula is our own and all of it is here.
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

SHORT, LONG = 24, 60
"""How many months a report shows."""

NOT_OPEN, UNKNOWN, QUIET, NORMAL, SETTLED, ENDED, BAD_DEBT = "/", "#", "*", "N", "C", "G", "B"
OVERDUE = ((30, "1"), (60, "2"), (90, "3"), (120, "4"), (150, "5"), (180, "6"))
"""Up to so many days overdue: this code. More than that: 7."""

CLASSES = ("NORMAL", "ATTENTION", "SUBPRIME", "DOUBTFUL", "LOSSES")
OPEN, OVER = (LoanStatus.USING, LoanStatus.OVD), (LoanStatus.CLEAR, LoanStatus.OFF, LoanStatus.FAILED)
"""The statuses of an account that lives, and of one that needs no further report."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A loan at the end of a day, as a lender reports it."""

    as_of: date
    status: str
    five_class: str
    days_overdue: int
    balance_minor: int
    overdue_minor: int
    month: str


@dataclass(frozen=True, slots=True)
class History:
    """A loan's months up to and including `last` (the first day of that month), a character each."""

    codes: str
    last: date


# --- one loan, one day ---


def standing(state: LoanState) -> Standing:
    """What there is to report of a state on its date."""
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
    """Days since the oldest due date that was missed. Days of grace hide it; once they are over they count."""
    if not state.accepted:
        return 0
    missed = [i.due_date for i in state.instalments if i.outstanding and state.late(i, state.as_of)]
    return (state.as_of - min(missed)).days if missed else 0


def five_class(days: int) -> str:
    """The class of a loan so many days overdue: any day is at least ATTENTION, and more than 90, 270, 360 are worse."""
    return CLASSES[sum(days > most for most in (0, 90, 270, 360))]


def overdue_code(days: int) -> str:
    """The code of a month that ends so many days overdue."""
    return next((code for most, code in OVERDUE if days <= most), "7")


def month_code(state: LoanState, days: int) -> str:
    """The code of the month that a state's date is in, so far."""
    ended = {LoanStatus.CLEAR: SETTLED, LoanStatus.OFF: BAD_DEBT, LoanStatus.FAILED: ENDED}.get(state.status)
    if ended:
        return ended
    if state.status not in OPEN:
        return NOT_OPEN
    if days:
        return overdue_code(days)
    asked = any(first_of(i.due_date) == first_of(state.as_of) and i.due_date <= state.as_of for i in state.instalments)
    return NORMAL if asked else QUIET


@lru_cache(maxsize=4096)
def standing_on(terms: Terms, facts: tuple[Fact, ...], on: date) -> Standing:
    """The standing that some facts make on a date."""
    return standing(replay(terms, facts, on))


def standings(terms: Terms, cuts: Iterable[tuple[tuple[Fact, ...], date]]) -> Iterator[Standing]:
    """What `standing_on` makes of each cut: the facts known then, in effective order, and the date.

    Where a cut knows what the one before knew and what came after it, its state is carried on and not replayed from the
    start: a history then costs its length, and not the square of it.
    """
    state, complete = initial_state(terms), True
    before: tuple[Fact, ...] = ()
    for facts, on in cuts:
        if complete and state.as_of <= on and facts[: len(before)] == before:
            state = _carried(state, facts[len(before) :], on) or replay(terms, facts, on)
        else:
            state = replay(terms, facts, on)
        before, complete = facts, all(fact.on <= on for fact in facts)
        yield standing(state)


def _carried(state: LoanState, new: Iterable[Fact], on: date) -> LoanState | None:
    """The state after new facts, on a later date; None where they change what is told already."""
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
    """How many months lie from one to the other, by the calendar."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def carry(history: History | None, start: date, now: Standing) -> History:
    """One more report: the month it falls in is told afresh, and what was told of earlier ones stays told."""
    month = first_of(now.as_of)
    if history is None:
        return History(NOT_OPEN * max(0, months_apart(start, month)) + now.month, month)
    if now.month == history.codes[-1] and now.status in OVER:
        return history  # It has been over since a month that is told already.
    gap = months_apart(history.last, month)
    kept = history.codes if gap else history.codes[:-1]
    return History(kept + UNKNOWN * (gap - 1) + now.month, month)


def rederive(terms: Terms, facts: tuple[Fact, ...], as_of: date) -> History:
    """All months told afresh from facts alone: what a correction reports."""
    codes, month = "", first_of(terms.start)
    while True:
        codes += standing_on(terms, facts, min(last_of(month), as_of)).month
        if month >= first_of(as_of):
            break
        month = month_after(month)
    if codes[-1] in (SETTLED, BAD_DEBT, ENDED):
        over = len(codes) - len(codes.rstrip(codes[-1])) - 1
        for _ in range(over):
            month = first_of(month - timedelta(days=1))
        codes = codes[: len(codes) - over]
    return History(codes, month)


def shown(history: History, months: int) -> str:
    """The last so many months as a report shows them: `/ / N N 1`, oldest first."""
    return " ".join(history.codes[-months:].rjust(months, NOT_OPEN))


# --- the score ---

LOWEST, START, HIGHEST = 350, 700, 950
GOOD_MONTH, GOOD_MAX = 4, 160
DEDUCTION = {"1": 80, "2": 130, "3": 180, "4": 220, "5": 250, "6": 280, "7": 320, BAD_DEBT: 350}
INQUIRY, INQUIRY_MAX, INQUIRY_DAYS = 8, 80, 180
REFRESH_DAY = 6
"""The day of the month on which scores are made anew."""


def score(histories: Iterable[History], inquiries: int, on: date) -> int | None:
    """350 to 950, or None for somebody of whom nothing is reported.

    Starts at 700. A month paid as agreed, or settled, adds 4, up to 160 in all. An overdue month or a bad debt takes
    off its deduction while it is new, a 24th less for each month of age, nothing after two years. Each inquiry of the
    last 180 days takes off 8, up to 80 in all.
    """
    known = list(histories)
    if not known:
        return None
    good = worse = 0
    for history in known:
        for age, code in enumerate(reversed(history.codes), start=months_apart(history.last, first_of(on))):
            if age >= SHORT:
                break
            good += GOOD_MONTH * (code in (NORMAL, SETTLED))
            worse += DEDUCTION.get(code, 0) * (SHORT - age) // SHORT
    made = START + min(good, GOOD_MAX) - worse - min(INQUIRY * inquiries, INQUIRY_MAX)
    return max(LOWEST, min(HIGHEST, made))


def refreshes(on: date) -> tuple[date, date]:
    """The day of the last refresh, and of the next."""
    this = on.replace(day=REFRESH_DAY)
    if on >= this:
        return this, month_after(on).replace(day=REFRESH_DAY)
    return (first_of(on) - timedelta(days=1)).replace(day=REFRESH_DAY), this


def worst_overdue(histories: Sequence[History], months: int, on: date) -> int:
    """The worst overdue code (1 to 7) of the last so many months, or 0. Bad debt counts as 7."""
    worst = 0
    for history in histories:
        ago = months_apart(history.last, first_of(on))
        codes = history.codes[-(months - ago) :] if ago < months else ""
        worst = max([worst, *(7 if code == BAD_DEBT else int(code) for code in codes if code in "1234567B")])
    return worst
