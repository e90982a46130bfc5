"""The cost of a loan on the books, to the fen, compared with an independent calculation in fractions.

Nothing of the platform's arithmetic is used here: periods are counted with the calendar, rates are fractions, rounding
is Python's. The books are asked on any day, of any day count, method and rate, by one who pays nothing; then by one
who pays each bill; then by one who pays all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from mocklend.api.products import read_product
from mocklend.domain.facts import DISBURSEMENT, RECEIPT, Fact, Terms
from mocklend.domain.product import Product
from mocklend.domain.replay import LoanState, replay
from mocklend.domain.statuses import QuoteType

ORIGIN = date(2026, 1, 15)
PRINCIPAL = 1_234_567
DAY_COUNTS = {"30/360": 360, "actual/365": 365, "actual/360": 360}
METHODS = ("equal_instalment", "equal_principal", "interest_first", "bullet", "flat")
TERMS = 4
DAYS = (1, 2, 15, 16, 17, 30, 31, 32, 59, 60, 90, 119, 120, 121, 180)
MULTIPLIER, GRACE = Fraction(3, 2), 3


@dataclass(frozen=True)
class RawClient:
    """An instalment: from when to when, its principal, and what bears its interest."""

    start: date
    due: date
    principal: int
    base: int


@dataclass(frozen=True)
class Outside:
    """A loan as a spreadsheet would calculate it."""

    day_count: str
    method: str
    rate: str
    rate_unit: str
    term_unit: str

    @property
    def product(self) -> Product:
        arguments: dict[str, Any] = {
            "method": self.method, "terms": TERMS, "rate": self.rate, "rate_unit": self.rate_unit,
            "term_unit": self.term_unit, "term_length": 1 if self.term_unit == "month" else 30,
            "day_count": self.day_count,
            "penalty": {"multiplier": "1.5", "base": "principal_and_interest", "grace_days": GRACE},
        }  # fmt: skip
        return read_product(arguments)

    @property
    def year(self) -> int:
        return DAY_COUNTS[self.day_count]

    @property
    def a_year_costs(self) -> Fraction:
        return Fraction(self.rate) * (self.year if self.rate_unit == "daily" else 1)

    def borders(self) -> list[date]:
        n = 1 if self.method == "bullet" else TERMS
        step = TERMS if self.method == "bullet" else 1
        if self.term_unit == "day":
            return [ORIGIN + timedelta(days=30 * step * k) for k in range(n + 1)]
        return [date(2026 + (step * k) // 12, 1 + (step * k) % 12, 15) for k in range(n + 1)]

    def part_of_a_year(self, start: date, stop: date, line: tuple[date, date]) -> Fraction:
        if self.day_count != "30/360" or self.term_unit == "day":
            return Fraction((stop - start).days, self.year)
        # A whole month is a twelfth; a part of one is pro rata by its days.
        total, turn = Fraction(0), line[0]
        while turn < line[1]:
            following = date(turn.year + turn.month // 12, turn.month % 12 + 1, 15)
            inside = (min(stop, following) - max(start, turn)).days
            total += Fraction(max(0, inside), 12 * (following - turn).days)
            turn = following
        return total

    def interest(self, line: RawClient, until: date) -> Fraction:
        stop = min(until, line.due)
        if stop <= line.start:
            return Fraction(0)
        return line.base * self.a_year_costs * self.part_of_a_year(line.start, stop, (line.start, line.due))

    def lines(self) -> Iterator[RawClient]:
        borders = self.borders()
        periods = list(pairwise(borders))
        costs = [self.a_year_costs * self.part_of_a_year(a, b, (a, b)) for a, b in periods]
        worth, discount = Fraction(0), Fraction(1)
        for cost in costs:
            discount /= 1 + cost
            worth += discount
        level = round(PRINCIPAL / worth)
        balance = PRINCIPAL
        for n, ((start, due), cost) in enumerate(zip(periods, costs, strict=True), 1):
            part = {
                "equal_instalment": level - round(balance * cost),
                "equal_principal": round(Fraction(PRINCIPAL, TERMS)),
                "flat": round(Fraction(PRINCIPAL, TERMS)),
            }.get(self.method, 0)
            principal = balance if n == len(periods) else part
            yield RawClient(start, due, principal, PRINCIPAL if self.method == "flat" else balance)
            balance -= principal

    def penalty(self, owed: int, line: RawClient, on: date) -> int:
        days = max(0, (on - line.due).days - GRACE)
        return round(owed * self.a_year_costs / self.year * MULTIPLIER * days)


CASES = [
    Outside(day_count, method, rate, rate_unit, term_unit)
    for day_count in DAY_COUNTS
    for method in METHODS
    for rate, rate_unit in (("0.0725", "annual"), ("0.0003", "daily"))
    for term_unit in ("month", "day")
]

every_case = pytest.mark.parametrize("loan", CASES, ids=lambda entry: "-".join(vars(entry).values()))


def books(loan: Outside, on: date, *paid: Fact) -> LoanState:
    """What the books say of the loan on a day, with all that it has earned up to it."""
    terms = Terms("loan_a", "CNY", PRINCIPAL, ORIGIN, loan.product)
    lent = Fact("loan_a", DISBURSEMENT, ORIGIN.toordinal() * 86_400_000, ORIGIN, PRINCIPAL, "bank_transfer")
    state = replay(terms, [lent, *paid], on)
    state.accrue(on)
    return state


def paid(name: str, on: date, amount_minor: int, scope: str) -> Fact:
    return Fact(f"rpy_{name}", RECEIPT, on.toordinal() * 86_400_000 + 1, on, amount_minor, "wallet", scope)


@every_case
def test_interest_and_penalty_of_a_loan_on_which_nothing_is_paid(loan: Outside) -> None:
    for day in DAYS:
        on = ORIGIN + timedelta(days=day)

        state = books(loan, on)

        lines = list(loan.lines())
        interest = [round(loan.interest(line, on)) for line in lines]
        late = [loan.penalty(line.principal, line, on) for line in lines]
        late_interest = [loan.penalty(part, line, on) for line, part in zip(lines, interest, strict=True)]
        assert [instalment.principal for instalment in state.instalments] == [line.principal for line in lines], day
        assert [instalment.interest for instalment in state.instalments] == interest, day
        assert [instalment.penalty_principal for instalment in state.instalments] == late, day
        assert [instalment.penalty_interest for instalment in state.instalments] == late_interest, day
        assert state.outstanding_minor == PRINCIPAL + sum(interest) + sum(late) + sum(late_interest), day
        posted = sum(
            amount * ((credit in ("4001", "4002")) - (debit in ("4001", "4002")))
            for movement in state.movements for debit, credit, amount in movement.postings
        )  # fmt: skip
        assert posted == sum(interest) + sum(late) + sum(late_interest), day


@every_case
def test_a_payoff_costs_the_principal_and_the_interest_up_to_its_day(loan: Outside) -> None:
    for day in (0, 1, 15, 29):
        on = ORIGIN + timedelta(days=day)
        until = ORIGIN + timedelta(days=max(1, day))  # A loan costs at least a day.
        owed = PRINCIPAL + sum(round(loan.interest(line, until)) for line in loan.lines())

        quoted = sum(books(loan, on).quote(QuoteType.CLEAR, on).values())
        after = books(loan, on, paid("payoff", on, owed, QuoteType.CLEAR))

        assert quoted == owed, day
        assert (after.outstanding_minor, after.overpaid_minor) == (0, 0), day
        assert books(loan, on, paid("payoff", on, owed - 1, QuoteType.CLEAR)).outstanding_minor == 1, day


@every_case
def test_paying_each_bill_on_its_due_date_pays_the_loan_off(loan: Outside) -> None:
    receipts: list[Fact] = []
    for n, line in enumerate(loan.lines()):
        bill = line.principal + round(loan.interest(line, line.due))

        quoted = sum(books(loan, line.due, *receipts).quote(QuoteType.OVD_AND_CURRENT, line.due).values())
        receipts.append(paid(str(n), line.due, bill, QuoteType.OVD_AND_CURRENT))

        assert quoted == bill, line

    done = books(loan, receipts[-1].on + timedelta(days=30), *receipts)
    assert (done.outstanding_minor, done.overpaid_minor, done.status) == (0, 0, "CLEAR")


@pytest.mark.parametrize(
    ("day_count", "days", "interest"),
    [
        # A textbook's pencil: 100,000.00 at 6 %. Of 31 days 516.67 by actual/360, 509.59 by actual/365; of 30 days
        # 500.00 and 493.15; of 365 days 6,083.33 and 6,000.00. By 30/360 a month costs 500.00, however long it is.
        ("actual/360", 31, 516_67),
        ("actual/360", 30, 500_00),
        ("actual/360", 28, 466_67),
        ("actual/360", 1, 16_67),
        ("actual/360", 365, 6083_33),
        ("actual/365", 31, 509_59),
        ("actual/365", 30, 493_15),
        ("actual/365", 28, 460_27),
        ("actual/365", 1, 16_44),
        ("actual/365", 365, 6000_00),
        ("30/360", 31, 500_00),
        ("30/360", 59, 1000_00),
        ("30/360", 365, 6000_00),
    ],
)
def test_a_hundred_thousand_at_six_percent_costs_what_a_textbook_says(day_count: str, days: int, interest: int) -> None:
    product = read_product({"method": "bullet", "terms": 12, "rate": "0.06", "day_count": day_count})
    start = date(2026, 1, 1)
    terms = Terms("loan_a", "CNY", 100_000_00, start, product)
    lent = Fact("loan_a", DISBURSEMENT, start.toordinal() * 86_400_000, start, 100_000_00, "bank_transfer")

    state = replay(terms, [lent], start + timedelta(days=days))
    state.accrue(start + timedelta(days=days))

    assert [instalment.interest for instalment in state.instalments] == [interest]
