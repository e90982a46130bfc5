"""The rules of reporting as tables with their sources, months across year ends, and the published score formula."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.domain.bureau import (
    HIGHEST,
    LOWEST,
    History,
    Standing,
    carry,
    five_class,
    last_of,
    month_codes,
    months_apart,
    overdue_code,
    rederive,
    refreshes,
    score,
    standing_on,
    standings,
    worst_overdue,
)
from mocklend.domain.facts import (
    ACCEPTANCE,
    DISBURSEMENT,
    RECEIPT,
    REVERSAL,
    WRITE_OFF,
    Fact,
    Terms,
)
from mocklend.domain.product import Method, Product
from mocklend.domain.statuses import QuoteType

START = date(2025, 10, 15)
TERMS = Terms("loan_1", "CNY", 120_000, START, Product(method=Method.EQUAL_PRINCIPAL, terms=6, rate="0"))
PART = 20_000


def at(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86_400_000


def fact(id: str, kind: str, day: date, amount: int = 0, scope: str | None = None) -> Fact:
    return Fact(id, kind, at(day), day, amount, "wallet", scope)


PAID_OUT = fact("loan_1", DISBURSEMENT, START, 120_000)


def paid(n: int, day: date, amount: int = PART, scope: str = QuoteType.OVD_AND_CURRENT) -> Fact:
    return fact(f"rpy_{n}", RECEIPT, day, amount, scope)


# --- the five classes, in force since 2023-07-01: overdue at all is special-mention at best, > 90 days substandard,
# > 270 doubtful, > 360 loss (chinabankingnews.com, 2023-02-14) ---


@pytest.mark.parametrize(
    ("days", "named"),
    [(0, "NORMAL"), (1, "ATTENTION"), (90, "ATTENTION"), (91, "SUBPRIME"), (270, "SUBPRIME"), (271, "DOUBTFUL"),
     (360, "DOUBTFUL"), (361, "LOSSES"), (4000, "LOSSES")],
)  # fmt: skip
def test_the_class_follows_from_the_days_overdue(days: int, named: str) -> None:
    assert five_class(days) == named


# --- the months' codes 1 to 7: 1-30, 31-60, … and more than 180 days (csai.cn/video/76500.html and two more) ---


@pytest.mark.parametrize(
    ("days", "code"),
    [(1, "1"), (30, "1"), (31, "2"), (60, "2"), (61, "3"), (90, "3"), (91, "4"), (120, "4"), (121, "5"), (150, "5"),
     (151, "6"), (180, "6"), (181, "7"), (2000, "7")],
)  # fmt: skip
def test_a_month_is_coded_by_its_days_overdue(days: int, code: str) -> None:
    assert overdue_code(days) == code


@pytest.mark.parametrize(
    ("facts", "on", "code"),
    [
        ([], date(2025, 10, 31), "/"),
        ([fact("loan_1", ACCEPTANCE, START, 120_000)], date(2025, 10, 31), "/"),
        ([PAID_OUT], date(2025, 10, 31), "*"),  # nothing was due in the month of borrowing
        ([PAID_OUT, paid(1, date(2025, 11, 15))], date(2025, 11, 30), "N"),
        ([PAID_OUT], date(2025, 11, 15), "N"),  # the due date itself is not overdue
        ([PAID_OUT], date(2025, 11, 16), "1"),
        ([PAID_OUT], date(2025, 11, 30), "1"),
        ([PAID_OUT], date(2025, 12, 31), "2"),
        ([PAID_OUT], date(2026, 6, 30), "7"),
        ([PAID_OUT, paid(1, date(2025, 10, 20), 120_000, QuoteType.CLEAR)], date(2025, 10, 31), "C"),  # settled early
        ([PAID_OUT, fact("wof_1", WRITE_OFF, date(2026, 6, 1))], date(2026, 6, 30), "B"),
    ],
)
def test_a_month_is_coded_by_the_state_at_its_end(facts: list[Fact], on: date, code: str) -> None:
    assert standing_on(TERMS, tuple(facts), on).month == code


def test_an_overdue_account_is_reported_with_its_days_balance_and_class() -> None:
    standing = standing_on(TERMS, (PAID_OUT,), date(2026, 2, 14))

    assert standing == Standing(date(2026, 2, 14), "OVD", "SUBPRIME", 91, 120_000, 60_000, "4")


def test_a_written_off_account_is_a_loss_and_has_no_balance() -> None:
    standing = standing_on(TERMS, (PAID_OUT, fact("wof_1", WRITE_OFF, date(2026, 6, 1))), date(2026, 6, 30))

    assert (standing.status, standing.five_class, standing.balance_minor) == ("OFF", "LOSSES", 0)


# --- months ---


def test_months_run_on_across_the_end_of_a_year() -> None:
    facts = (PAID_OUT, paid(1, date(2025, 11, 14)), paid(2, date(2026, 1, 20)), paid(3, date(2026, 1, 20)))

    assert rederive(TERMS, facts, date(2026, 2, 28)) == History("*N1N1", date(2026, 2, 1))


def test_a_settled_account_ends_with_the_month_of_its_settlement() -> None:
    facts = (PAID_OUT, paid(1, date(2025, 12, 1), 120_000, QuoteType.CLEAR))

    assert rederive(TERMS, facts, date(2026, 5, 31)) == History("*1C", date(2025, 12, 1))


def test_a_reported_month_stays_until_a_correction_reports_all_months_again() -> None:
    end = date(2025, 11, 30)
    wrong = standing_on(TERMS, (PAID_OUT,), end)
    facts = (PAID_OUT, paid(1, date(2025, 11, 15)), paid(2, date(2025, 12, 15)))
    right = standing_on(TERMS, facts, date(2025, 12, 31))

    carried = carry(carry(None, START, wrong), START, right)

    assert carried == History("/1N", date(2025, 12, 1))
    assert rederive(TERMS, facts, date(2025, 12, 31)) == History("*NN", date(2025, 12, 1))


def test_a_second_report_within_a_month_replaces_its_code() -> None:
    first = carry(None, START, standing_on(TERMS, (PAID_OUT,), date(2025, 11, 16)))

    second = carry(first, START, standing_on(TERMS, (PAID_OUT, paid(1, date(2025, 11, 20))), date(2025, 11, 30)))

    assert (first.codes, second.codes) == ("/1", "/N")


def test_months_of_which_nothing_was_reported_are_unknown() -> None:
    first = carry(None, START, standing_on(TERMS, (PAID_OUT,), date(2025, 10, 31)))

    assert carry(first, START, standing_on(TERMS, (PAID_OUT,), date(2026, 1, 31))).codes == "*##3"


@given(st.dates(date(2025, 10, 15), date(2029, 12, 31)))
def test_there_is_one_code_per_month_whatever_the_date(as_of: date) -> None:
    standing = rederive(TERMS, (PAID_OUT,), as_of)

    assert len(standing.codes) == months_apart(START, as_of) + 1


@given(st.integers(0, 40))
def test_reports_at_each_month_end_equal_a_replay_of_all_facts(months: int) -> None:
    facts = (PAID_OUT, paid(1, date(2025, 11, 14)), paid(2, date(2026, 1, 20)))
    history, day = None, START
    for _ in range(months + 1):
        history = carry(history, START, standing_on(TERMS, facts, last_of(day)))
        as_of, day = last_of(day), last_of(day) + timedelta(days=1)

    assert history == rederive(TERMS, facts, as_of)


@pytest.mark.parametrize(
    ("codes", "months", "as_shown"),
    [("*N1", 6, "/ / / * N 1"), ("NNN123", 3, "1 2 3"), ("*", 1, "*")],
)
def test_a_report_shows_the_last_months_and_those_before_opening_as_not_open(
    codes: str, months: int, as_shown: str
) -> None:
    assert month_codes(History(codes, date(2026, 1, 1)), months) == as_shown


# --- the score: 350 to 950 is the documented range of zm_score (ZhimaCreditScoreGetResponse); the formula is ours ---

NOW = date(2026, 3, 6)


@pytest.mark.parametrize(
    ("codes", "last", "inquiries", "expected"),
    [
        ("*", date(2026, 2, 1), 0, 700),
        ("*NN", date(2026, 2, 1), 0, 708),
        ("N" * 60, date(2026, 2, 1), 0, 700 + 4 * 23),  # two years are looked at, and the present month is one of them
        ("*N1", date(2026, 3, 1), 0, 700 + 4 - 80),
        ("*N1", date(2026, 2, 1), 0, 700 + 4 - 80 * 23 // 24),
        ("1", date(2025, 3, 1), 0, 700 - 80 * 12 // 24),
        ("1", date(2024, 3, 1), 0, 700),  # two years on it is forgotten
        ("1234567", date(2026, 3, 1), 0, 350),
        ("*", date(2026, 3, 1), 3, 676),
        ("*", date(2026, 3, 1), 99, 620),
        ("B", date(2026, 3, 1), 0, 350),
    ],
)
def test_the_score_follows_from_the_months_and_the_inquiries(
    codes: str, last: date, inquiries: int, expected: int
) -> None:
    assert score([History(codes, last)], inquiries, NOW) == expected


def test_nobody_has_a_score_before_anything_is_reported() -> None:
    assert score([], 5, NOW) is None


@given(
    st.lists(st.text("/#*N1234567CGB", min_size=1, max_size=60), min_size=1, max_size=20),
    st.integers(0, 1000),
)
def test_a_score_never_leaves_its_range(codes: list[str], inquiries: int) -> None:
    result = score([History(code, date(2026, 2, 1)) for code in codes], inquiries, NOW)

    assert result is not None
    assert LOWEST <= result <= HIGHEST


@pytest.mark.parametrize(
    ("on", "last", "following"),
    [
        (date(2026, 1, 5), date(2025, 12, 6), date(2026, 1, 6)),
        (date(2026, 1, 6), date(2026, 1, 6), date(2026, 2, 6)),
        (date(2025, 12, 31), date(2025, 12, 6), date(2026, 1, 6)),
    ],
)
def test_scores_are_made_on_the_sixth(on: date, last: date, following: date) -> None:
    assert refreshes(on) == (last, following)


@pytest.mark.parametrize(
    ("codes", "months", "expected"),
    [("NN", 24, 0), ("N2N1", 24, 2), ("7" + "N" * 24, 24, 0), ("B", 24, 7), ("3NN", 2, 0), ("*/#CG", 24, 0)],
)
def test_a_lender_looks_for_the_worst_month(codes: str, months: int, expected: int) -> None:
    assert worst_overdue([History(codes, date(2026, 3, 1))], months, NOW) == expected


# --- many cut-off times at once ---


@given(
    st.lists(
        st.tuples(
            st.integers(1, 300),  # the day on which a payment is recorded
            st.integers(0, 40),  # how many days earlier it took effect
            st.integers(1, 30_000),
            st.integers(0, 4),  # 0: it is reversed on the day after
        ),
        max_size=8,
    ),
    st.lists(st.integers(1, 330), min_size=1, max_size=14),
)
def test_standings_of_many_cuts_are_those_of_each_cut_alone(
    payments: list[tuple[int, int, int, int]], days: list[int]
) -> None:
    """Backdated, reversed, or in order: what was known at a cut makes its standing, however it is worked out."""
    recorded = [(0, PAID_OUT)]
    for n, (day, earlier, amount, reversed_) in enumerate(payments):
        on = START + timedelta(days=max(1, day - earlier))
        recorded.append((day, paid(n, on, amount)))
        if not reversed_:
            back = START + timedelta(days=day + 1)
            recorded.append((day + 1, Fact(f"rev_{n}", REVERSAL, at(back), back, 0, reverses=f"rpy_{n}")))
    cuts = []
    for day in sorted(days):
        entries = sorted((item for known_on, item in recorded if known_on < day), key=lambda entry: entry.order)
        cuts.append((tuple(entries), START + timedelta(days=day - 1)))

    assert list(standings(TERMS, cuts)) == [standing_on(TERMS, *cut) for cut in cuts]
