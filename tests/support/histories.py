"""Random products and histories of a loan, and Ada's loan for examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import strategies as st

from mocklend.domain.days import DayCount, TermUnit
from mocklend.domain.facts import (
    DISBURSEMENT,
    EDIT,
    MODIFY_BILL_AMOUNT,
    MODIFY_BILL_OVERDUE_AMOUNT,
    RECEIPT,
    REVERSAL,
    STATUS_OVERRIDE,
    Fact,
    Terms,
)
from mocklend.domain.money import Rounding
from mocklend.domain.product import (
    DEFAULT_ALLOCATION,
    PRODUCTS,
    Excess,
    Method,
    PayoffInterest,
    Penalty,
    PenaltyBase,
    Processing,
    Product,
    RateUnit,
)
from mocklend.domain.replay import LoanState, replay
from mocklend.domain.schedule import schedule
from mocklend.domain.statuses import QuoteType

START = date(2026, 1, 31)


EDIT_KINDS = (MODIFY_BILL_AMOUNT, MODIFY_BILL_OVERDUE_AMOUNT)


@dataclass(frozen=True)
class History:
    """A loan's terms and facts, in effective order."""

    terms: Terms
    facts: tuple[Fact, ...]

    def at(self, day: int) -> LoanState:
        """The loan so many days after it began."""
        return replay(self.terms, self.facts, self.terms.start + timedelta(days=day))

    @property
    def last_day(self) -> int:
        """The day of the newest fact."""
        return (self.facts[-1].on - self.terms.start).days


def moment(on: date, n: int = 0) -> int:
    """A moment on a date, the n-th of it."""
    return on.toordinal() * 86_400_000 + n


def paid_out(terms: Terms) -> Fact:
    """The fact that every loan begins with."""
    return Fact("loan_a", DISBURSEMENT, moment(terms.start), terms.start, terms.principal_minor, "bank_transfer")


def receipt(name: str, on: date, amount_minor: int, scope: str = QuoteType.OVD_AND_CURRENT, n: int = 1) -> Fact:
    """Money that came in."""
    return Fact(f"rpy_{name}", RECEIPT, moment(on, n), on, amount_minor, "wallet", scope)


def ada(product: Product = PRODUCTS["jiebei-like"], principal_minor: int = 100_000, start: date = START) -> Terms:
    """Ada borrows 1,000.00 at the end of January."""
    return Terms("loan_a", "CNY", principal_minor, start, product)


@st.composite
def products(draw: st.DrawFn) -> Product:
    unit = draw(st.sampled_from(TermUnit))
    return Product(
        method=draw(st.sampled_from(Method)),
        terms=draw(st.integers(1, 12)),
        rate=draw(st.sampled_from(["0", "0.00045", "0.06", "0.35", "1"])),
        rate_unit=RateUnit.ANNUAL,
        term_unit=unit,
        term_length=draw(st.integers(1, 3) if unit is TermUnit.MONTH else st.integers(1, 40)),
        day_count=draw(st.sampled_from(DayCount)),
        rounding=draw(st.sampled_from(Rounding)),
        instalment_multiple_minor=draw(st.sampled_from([1, 100])),
        payoff_interest=draw(st.sampled_from(PayoffInterest)),
        allocation=tuple(draw(st.just(list(DEFAULT_ALLOCATION)) | st.permutations(DEFAULT_ALLOCATION))),
        processing=draw(st.sampled_from(Processing)),
        excess=draw(st.sampled_from(Excess)),
        penalty=Penalty(
            draw(st.sampled_from(["0", "1", "1.5", "10"])),
            draw(st.sampled_from(PenaltyBase)),
            draw(st.sampled_from([0, 3])),
        ),
    )


@st.composite
def histories(draw: st.DrawFn, *, edits: bool = True) -> History:
    """Receipts, edits and reversals on any day from the first to half a year after the last due date."""
    principal = draw(st.integers(1, 200) | st.integers(1_000, 10_000_000))
    terms = ada(draw(products()), principal, draw(st.dates(date(2023, 12, 1), date(2026, 3, 1))))
    length = (schedule(terms.product, principal, terms.start)[-1].due_date - terms.start).days
    dues = [(i.due_date - terms.start).days for i in schedule(terms.product, principal, terms.start)]
    days = st.integers(0, length + 180) | st.sampled_from(dues) | st.sampled_from(dues).map(lambda day: day + 1)
    amounts = st.integers(1, 50) | st.integers(1, max(2, principal // 3)) | st.integers(1, 2 * principal)
    facts = [paid_out(terms)]
    for n in range(draw(st.integers(0, 7))):
        on = terms.start + timedelta(days=draw(days))
        action = draw(st.sampled_from(["receipt", "receipt", "edit", "mark", "reversal"]))
        if action == "edit" and edits:
            amount = draw(amounts) * draw(st.sampled_from([1, -1]))
            kind = draw(st.sampled_from(EDIT_KINDS))
            facts.append(Fact(f"edt_{n}", EDIT, moment(on, n), on, amount, edit_kind=kind))
        elif action == "mark" and edits:
            facts.append(Fact(f"edt_{n}", STATUS_OVERRIDE, moment(on, n), on, status="OVERDUE"))
        elif action == "reversal" and (earlier := _reversible(facts)):
            target = draw(st.sampled_from(earlier))
            on = max(on, target.on)
            facts.append(Fact(f"rev_{n}", REVERSAL, max(moment(on, n), target.at_ms + 1), on, reverses=target.id))
        else:
            scope = draw(st.sampled_from([QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT]))
            facts.append(receipt(str(n), on, draw(amounts), scope, n))
    return History(terms, tuple(sorted(facts, key=lambda fact: fact.order)))


def _reversible(facts: Sequence[Fact]) -> list[Fact]:
    gone = {fact.reverses for fact in facts}
    return [fact for fact in facts if fact.kind in (RECEIPT, EDIT) and fact.id not in gone]
