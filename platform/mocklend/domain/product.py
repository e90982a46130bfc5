"""A product: every policy of a loan as explicit data, so that no amount depends on a hidden rule.

Each field carries its meaning and bounds as metadata of the validator. The API validates products by that metadata
(`mocklend.validation`) and lists every wrong field in the refusal. Code that builds a product skips these checks of
single fields; rules over several fields are checked whenever a product is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from operator import attrgetter
from typing import Any, ClassVar

import msgspec

from mocklend.domain.days import DayCount, TermUnit
from mocklend.domain.money import MAX_MINOR, Rounding
from mocklend.domain.problems import FieldError, Invalid


class Method(StrEnum):
    """How the principal is repaid, and on what balance interest is charged."""

    EQUAL_INSTALMENT = "equal_instalment"
    """Level payments; the share of principal grows (等额本息)."""
    EQUAL_PRINCIPAL = "equal_principal"
    """The same principal each time, interest on the balance (等额本金)."""
    INTEREST_FIRST = "interest_first"
    """Interest each time, the principal with the last (先息后本)."""
    BULLET = "bullet"
    """One instalment at maturity, with all interest (到期一次还本付息)."""
    FLAT = "flat"
    """The same principal each time, interest on the original principal throughout (等本等息)."""


class RateUnit(StrEnum):
    """Whether `rate` is the rate of a year or of a day."""

    ANNUAL = "annual"
    DAILY = "daily"


class PayoffInterest(StrEnum):
    """The date up to which a borrower who pays off early owes interest."""

    UNTIL_PAYOFF_DATE = "until_payoff_date"
    UNTIL_PERIOD_END = "until_period_end"


class Excess(StrEnum):
    """Which instalment money above what is due repays."""

    NEXT_INSTALMENT = "next_instalment"
    LAST_INSTALMENT = "last_instalment"
    REAMORTIZE = "reamortize"


class PenaltyBase(StrEnum):
    """What an overdue instalment's penalty is charged on."""

    PRINCIPAL = "principal"
    PRINCIPAL_AND_INTEREST = "principal_and_interest"


class Processing(StrEnum):
    """`horizontal` finishes one instalment before the next, `vertical` one bucket across all instalments."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


class Bucket(StrEnum):
    """One of the twelve places where a repayment can go: when an instalment is due, and which part of it."""

    OVERDUE_PENALTY = "overdue_penalty"
    OVERDUE_FEE = "overdue_fee"
    OVERDUE_INTEREST = "overdue_interest"
    OVERDUE_PRINCIPAL = "overdue_principal"
    DUE_PENALTY = "due_penalty"
    DUE_FEE = "due_fee"
    DUE_INTEREST = "due_interest"
    DUE_PRINCIPAL = "due_principal"
    IN_ADVANCE_PENALTY = "in_advance_penalty"
    IN_ADVANCE_FEE = "in_advance_fee"
    IN_ADVANCE_INTEREST = "in_advance_interest"
    IN_ADVANCE_PRINCIPAL = "in_advance_principal"

    @property
    def timing(self) -> str:
        """`overdue`, `due` or `in_advance`."""
        return self.value.rpartition("_")[0]

    @property
    def part(self) -> str:
        """`penalty`, `fee`, `interest` or `principal`."""
        return self.value.rpartition("_")[2]


DEFAULT_ALLOCATION: tuple[Bucket, ...] = tuple(Bucket)
"""Overdue, then due, then in advance; within each, penalty → fee → interest → principal."""

TERMS_MAX = 360
MONTHS_MAX = 360
DAYS_MAX = 30 * 365
"""No loan runs longer than thirty years."""
GRACE_DAYS_MAX = 365


@lru_cache(maxsize=1024)
def _ratio(decimal: str) -> tuple[int, int]:
    whole, _, decimals = decimal.partition(".")
    return Fraction(int(whole + decimals), 10 ** len(decimals)).as_integer_ratio()


@lru_cache(maxsize=1024)
def _daily_ratio(rate: str, unit: RateUnit, day_count: DayCount) -> tuple[int, int]:
    numerator, denominator = _ratio(rate)
    days = day_count.days_in_year
    return numerator * (days if unit is RateUnit.DAILY else 1), denominator * days


# --- metadata of the fields for the validator; the rules of lending do not use it ---


def _integer(description: str, low: int, high: int) -> dict[str, object]:
    return {"description": description, "strict": True, "ge": low, "le": high}


def _decimal(description: str, high: int, pattern: str) -> dict[str, object]:
    expected = f'a decimal string from "0" to "{high}", like "0.06", with at most 18 decimals'
    return {"description": description, "pattern": pattern, "json_schema_extra": {"expected": expected}}


_UP_TO_1 = r"^(0{1,3}(\.[0-9]{1,18})?|0{0,2}1(\.0{1,18})?)$"
_UP_TO_10 = r"^(0{0,2}[0-9](\.[0-9]{1,18})?|0?10(\.0{1,18})?)$"
_KNOWN_FIELDS: Mapping[str, str] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Penalty:
    """The penalty for each day overdue: the contract rate times `multiplier`, once the grace days are over."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = _KNOWN_FIELDS

    multiplier: str = field(
        default="1.5",
        metadata=_decimal('What the rate is multiplied by: a decimal string, at most "10".', 10, _UP_TO_10),
    )
    base: PenaltyBase = field(
        default=PenaltyBase.PRINCIPAL, metadata={"description": "What the penalty is charged on."}
    )
    grace_days: int = field(default=0, metadata=_integer("Days after the due date without penalty.", 0, GRACE_DAYS_MAX))


@dataclass(frozen=True, slots=True)
class Limits:
    """The smallest and the largest principal that the product lends."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = _KNOWN_FIELDS

    min_minor: int = field(default=1, metadata=_integer("The smallest principal, in minor units.", 1, MAX_MINOR))
    max_minor: int = field(default=MAX_MINOR, metadata=_integer("The largest principal, in minor units.", 1, MAX_MINOR))

    def __post_init__(self) -> None:
        if self.min_minor > self.max_minor:
            raise Invalid(FieldError("max_minor", f"at least min_minor, {self.min_minor}", self.max_minor))


class _HashKept:
    """Keeps an object's hash: a replay looks a product up in several caches, and its hash is over thirty values."""

    __slots__ = ("_hash",)
    _hash: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(_HashKept):
    """Every policy of a loan as explicit data. An omitted field has the default that GET /v1/products shows.

    A term is `term_length` days or months long. There is one instalment a term, except that a bullet loan has
    a single one, at the end of its last term. `instalment_multiple_minor` rounds the level amount: the whole
    instalment of `equal_instalment`, the principal part of `equal_principal` and `flat`; the last instalment
    absorbs the remainder.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = _KNOWN_FIELDS

    method: Method = field(
        metadata={"description": "How the principal is repaid, and on what balance interest is charged."}
    )
    terms: int = field(metadata=_integer("How many terms the loan runs.", 1, TERMS_MAX))
    rate: str = field(metadata=_decimal('A decimal string, like "0.06", and at most "1".', 1, _UP_TO_1))
    rate_unit: RateUnit = field(
        default=RateUnit.ANNUAL, metadata={"description": "Whether `rate` is the rate of a year or of a day."}
    )
    term_unit: TermUnit = field(
        default=TermUnit.MONTH, metadata={"description": "Whether `term_length` counts days or months."}
    )
    term_length: int = field(
        default=1,
        metadata=_integer("How many `term_unit`s a term has; no loan runs longer than 30 years.", 1, DAYS_MAX),
    )
    day_count: DayCount = field(
        default=DayCount.ACTUAL_365, metadata={"description": "How a number of days becomes a fraction of a year."}
    )
    rounding: Rounding = field(
        default=Rounding.HALF_EVEN,
        metadata={"description": "How an amount between two minor units is rounded."},
    )
    instalment_multiple_minor: int = field(
        default=1,
        metadata=_integer(
            "The level amount is a multiple of this, in minor units; the last instalment absorbs the rest.",
            1,
            MAX_MINOR,
        ),
    )
    payoff_interest: PayoffInterest = field(
        default=PayoffInterest.UNTIL_PAYOFF_DATE,
        metadata={"description": "The date up to which a borrower who pays off early owes interest."},
    )
    allocation: tuple[Bucket, ...] = field(
        default=DEFAULT_ALLOCATION,
        metadata={
            "description": "The order in which a repayment settles what is owed: each bucket once.",
            "min_length": len(Bucket),
            "max_length": len(Bucket),
            "json_schema_extra": {
                "uniqueItems": True,
                "expected": f"an array of {len(Bucket)} buckets, each once",
            },
        },
    )
    processing: Processing = field(
        default=Processing.HORIZONTAL,
        metadata={"description": "`horizontal` finishes one instalment before the next, `vertical` one bucket of all."},
    )
    excess: Excess = field(
        default=Excess.NEXT_INSTALMENT, metadata={"description": "Which instalment money above what is due repays."}
    )
    penalty: Penalty = field(default=Penalty(), metadata={"description": "The penalty for being overdue."})
    limits: Limits = field(
        default=Limits(), metadata={"description": "The smallest and the largest principal that is lent."}
    )

    def __post_init__(self) -> None:
        longest = MONTHS_MAX if self.term_unit is TermUnit.MONTH else DAYS_MAX
        if (length := self.terms * self.term_length) > longest:
            expected = f"terms times term_length at most {longest} {self.term_unit}s"
            raise Invalid(FieldError("term_length", expected, length))
        if self.allocation is not DEFAULT_ALLOCATION:
            for at, bucket in enumerate(self.allocation):
                if bucket in self.allocation[:at]:
                    raise Invalid(FieldError(f"allocation.{at}", "each bucket once", bucket))

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            object.__setattr__(self, "_hash", hash(_values(self)))
            return self._hash

    def to_json(self) -> dict[str, object]:
        """The API's JSON object, with every field."""
        return msgspec.json.decode(self.as_text(), type=dict[str, object])

    def as_text(self) -> str:
        """The same as text, as a loan keeps it."""
        return msgspec.json.encode(self).decode()

    @property
    def instalments(self) -> int:
        """The number of instalments of a loan."""
        return 1 if self.method is Method.BULLET else self.terms

    @property
    def instalment_length(self) -> int:
        """The number of term units between two due dates."""
        return self.terms * self.term_length if self.method is Method.BULLET else self.term_length

    def annual_ratio(self) -> tuple[int, int]:
        """`annual_rate` as numerator and denominator, for arithmetic in integers."""
        numerator, denominator = _ratio(self.rate)
        if self.rate_unit is RateUnit.DAILY:
            numerator *= self.day_count.days_in_year
        return numerator, denominator

    def daily_ratio(self) -> tuple[int, int]:
        """`daily_rate` as numerator and denominator, not in lowest terms."""
        return _daily_ratio(self.rate, self.rate_unit, self.day_count)

    def annual_rate(self) -> Fraction:
        """The contract rate of a year; a daily rate is multiplied by the day count's days in a year."""
        return Fraction(*self.annual_ratio())

    def daily_rate(self) -> Fraction:
        """The contract rate of a day: the annual one by 365 or 360, as the day count says."""
        return self.annual_rate() / self.day_count.days_in_year

    def penalty_rate(self) -> Fraction:
        """The penalty per overdue minor unit and day: the daily contract rate times the penalty's multiplier."""
        return self.daily_rate() * Fraction(*_ratio(self.penalty.multiplier))


_values = attrgetter(*(each.name for each in fields(Product)))

PRODUCTS: dict[str, Product] = {
    # 0.045 % a day and twelve months at most are the figures that public pages quote for Jiebei; which day
    # count it uses is not published, so actual/365 is our choice, as are the limits (100.00 to 300,000.00).
    "jiebei-like": Product(
        method=Method.EQUAL_INSTALMENT, terms=12, rate="0.00045", rate_unit=RateUnit.DAILY,
        day_count=DayCount.ACTUAL_365, limits=Limits(100_00, 300_000_00),
    ),
    # Weilidai quotes 0.02 % to 0.05 % a day on the remaining principal, in 5, 10 or 20 equal parts of
    # principal: the upper rate and the middle length here. The limits are our choice.
    "weilidai-like": Product(
        method=Method.EQUAL_PRINCIPAL, terms=10, rate="0.0005", rate_unit=RateUnit.DAILY,
        day_count=DayCount.ACTUAL_365, limits=Limits(100_00, 300_000_00),
    ),
    # A short loan that is repaid in one instalment. All its figures are our choice.
    "bullet-30d": Product(
        method=Method.BULLET, term_unit=TermUnit.DAY, terms=30, rate="0.0005", rate_unit=RateUnit.DAILY,
        day_count=DayCount.ACTUAL_365, limits=Limits(100_00, 50_000_00),
    ),
    # A shop's promotion: three instalments without interest. A penalty is a multiple of the contract rate, so there
    # is none.
    "interest-free-3": Product(
        method=Method.EQUAL_INSTALMENT, terms=3, rate="0", limits=Limits(1_00, 50_000_00),
    ),
}  # fmt: skip
"""The products that ship: realistic, but not the terms of any real lender."""
