"""A product: every policy of a loan in the open, so that no number depends on a rule that cannot be read.

A product is plain data. Whoever makes one, from JSON or in code, gets a valid one or a `ProductError` that
names the field, what was expected and what came; there is no third outcome.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Any, Self

from mocklend.domain.days import DayCount, TermUnit
from mocklend.domain.money import MAX_MINOR, Rounding
from mocklend.domain.names import did_you_mean


class ProductError(ValueError):
    """A product that cannot be lent. `field` is its path, like `penalty.multiplier` or `allocation[3]`."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {got}")
        self.field = field
        self.expected = expected
        self.got = got


class Method(StrEnum):
    """How the principal comes back, and what it earns meanwhile."""

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
    """Up to when a borrower who pays off early owes interest."""

    UNTIL_PAYOFF_DATE = "until_payoff_date"
    UNTIL_PERIOD_END = "until_period_end"


class Excess(StrEnum):
    """Where money above what is due goes."""

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
"""What is overdue, then what is due, then the future; each penalty → fee → interest → principal."""

TERMS_MAX = 360
MONTHS_MAX = 360
DAYS_MAX = 30 * 365
"""No loan runs longer than thirty years."""
GRACE_DAYS_MAX = 365


# --- reading: each reader takes what came and the path it came at, and answers the value or raises ---

Reader = Callable[[object, str], Any]


def _seen(value: object) -> str:
    """What came, short enough to print and safe to encode, whatever it was."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > 128:
            return "a number of far too many digits"
        case str() | int() | float():
            text = repr(value)
            return text if len(text) <= 60 else text[:57] + "..."
        case Mapping():
            return "an object"
        case list() | tuple():
            return "an array"
    return type(value).__name__


def _integer(low: int, high: int) -> Reader:
    expected = f"an integer from {low} to {high}"

    def read(value: object, path: str) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ProductError(path, expected, _seen(value))
        return value

    return read


def _choice(kind: type[StrEnum]) -> Reader:
    known = {member.value: member for member in kind}
    expected = f"one of {', '.join(known)}"

    def read(value: object, path: str) -> StrEnum:
        if not isinstance(value, str) or value not in known:
            raise ProductError(path, expected + did_you_mean(value, known), _seen(value))
        return known[value]

    return read


_DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,18})?")


def _decimal(high: int) -> Reader:
    expected = f'a decimal string from "0" to "{high}", like "0.06", with at most 18 decimals'

    def read(value: object, path: str) -> str:
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            numerator, denominator = _ratio(value)
            if numerator <= high * denominator:
                return value
        raise ProductError(path, expected, _seen(value))

    return read


def _order(value: object, path: str) -> tuple[Bucket, ...]:
    if value is DEFAULT_ALLOCATION:
        return DEFAULT_ALLOCATION
    if not isinstance(value, list | tuple):
        raise ProductError(path, f"an array of {len(Bucket)} buckets, each once", _seen(value))
    order: list[Bucket] = []
    for at, item in enumerate(value):
        bucket = _bucket(item, f"{path}[{at}]")
        if bucket in order:
            raise ProductError(f"{path}[{at}]", "each bucket once", _seen(item))
        order.append(bucket)
    missing = [bucket.value for bucket in Bucket if bucket not in order]
    if missing:  # Money for a bucket that is not in the order would have nowhere to go.
        raise ProductError(path, f"every bucket, also {', '.join(missing)}", f"{len(order)} buckets")
    return tuple(order)


@lru_cache(maxsize=1024)
def _ratio(decimal: str) -> tuple[int, int]:
    whole, _, decimals = decimal.partition(".")
    return Fraction(int(whole + decimals), 10 ** len(decimals)).as_integer_ratio()


_bucket = _choice(Bucket)


class _Record:
    """A frozen dataclass that reads its own fields, so that none can exist with a wrong one."""

    __slots__ = ()

    def _read(self, readers: Mapping[str, Reader], prefix: str) -> None:
        for name, read in readers.items():
            object.__setattr__(self, name, read(getattr(self, name), prefix + name))

    @classmethod
    def _fill(cls, data: object, path: str) -> Self:
        if not isinstance(data, Mapping):
            raise ProductError(path or "product", "an object", _seen(data))
        prefix = f"{path}." if path else ""
        declared = {one.name: one for one in fields(cls)}  # type: ignore[arg-type]
        for name in data:
            if name not in declared:
                plain = isinstance(name, str) and len(name) <= 60 and name.isprintable()
                unknown = prefix + (name if plain else _seen(name))
                expected = f"a known field: {', '.join(declared)}{did_you_mean(name, declared)}"
                raise ProductError(unknown, expected, "an unknown one")
        for name, one in declared.items():
            if name not in data and one.default is MISSING and one.default_factory is MISSING:
                raise ProductError(prefix + name, "a value: the field has no default", "nothing")
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Penalty(_Record):
    """What being late costs a day: the contract rate times `multiplier`, once the grace days are over."""

    multiplier: str = "1.5"
    base: PenaltyBase = PenaltyBase.PRINCIPAL
    grace_days: int = 0

    def __post_init__(self) -> None:
        self._read(_PENALTY, "penalty.")

    @classmethod
    def from_json(cls, data: object) -> Penalty:
        """From the `penalty` object of a product."""
        return cls._fill(data, "penalty")

    def to_json(self) -> dict[str, Any]:
        """The object that `from_json` takes."""
        return {"multiplier": self.multiplier, "base": self.base.value, "grace_days": self.grace_days}


@dataclass(frozen=True, slots=True)
class Limits(_Record):
    """The smallest and the largest principal that the product lends."""

    min_minor: int = 1
    max_minor: int = MAX_MINOR

    def __post_init__(self) -> None:
        self._read(_LIMITS, "limits.")
        if self.min_minor > self.max_minor:
            raise ProductError("limits.max_minor", f"at least min_minor, {self.min_minor}", str(self.max_minor))

    @classmethod
    def from_json(cls, data: object) -> Limits:
        """From the `limits` object of a product."""
        return cls._fill(data, "limits")

    def to_json(self) -> dict[str, Any]:
        """The object that `from_json` takes."""
        return {"min_minor": self.min_minor, "max_minor": self.max_minor}


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(_Record):
    """All terms of a loan but its principal, currency and dates.

    A term is `term_length` days or months long. There is one instalment a term, except that a bullet loan has
    a single one, at the end of its last term. `instalment_multiple_minor` rounds what is level: the whole
    instalment of `equal_instalment`, the principal part of `equal_principal` and `flat`; the last instalment
    absorbs the remainder.
    """

    method: Method
    terms: int
    rate: str
    rate_unit: RateUnit = RateUnit.ANNUAL
    term_unit: TermUnit = TermUnit.MONTH
    term_length: int = 1
    day_count: DayCount = DayCount.ACTUAL_365
    rounding: Rounding = Rounding.HALF_EVEN
    instalment_multiple_minor: int = 1
    payoff_interest: PayoffInterest = PayoffInterest.UNTIL_PAYOFF_DATE
    allocation: tuple[Bucket, ...] = DEFAULT_ALLOCATION
    processing: Processing = Processing.HORIZONTAL
    excess: Excess = Excess.NEXT_INSTALMENT
    penalty: Penalty = field(default_factory=Penalty)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self._read(_PRODUCT, "")
        longest = MONTHS_MAX if self.term_unit is TermUnit.MONTH else DAYS_MAX
        if self.terms * self.term_length > longest:
            raise ProductError(
                "term_length", f"terms times term_length at most {longest} {self.term_unit}s",
                str(self.terms * self.term_length),
            )  # fmt: skip

    @classmethod
    def from_json(cls, data: object) -> Product:
        """From the API's JSON object: `method`, `terms`, `rate`, and whatever else replaces a default."""
        return cls._fill(data, "")

    def to_json(self) -> dict[str, Any]:
        """The object that `from_json` takes, with every field."""
        return {
            "method": self.method.value,
            "terms": self.terms,
            "rate": self.rate,
            "rate_unit": self.rate_unit.value,
            "term_unit": self.term_unit.value,
            "term_length": self.term_length,
            "day_count": self.day_count.value,
            "rounding": self.rounding.value,
            "instalment_multiple_minor": self.instalment_multiple_minor,
            "payoff_interest": self.payoff_interest.value,
            "allocation": [bucket.value for bucket in self.allocation],
            "processing": self.processing.value,
            "excess": self.excess.value,
            "penalty": self.penalty.to_json(),
            "limits": self.limits.to_json(),
        }

    @property
    def instalments(self) -> int:
        """How many instalments a loan has."""
        return 1 if self.method is Method.BULLET else self.terms

    @property
    def instalment_length(self) -> int:
        """How many term units lie between two due dates."""
        return self.terms * self.term_length if self.method is Method.BULLET else self.term_length

    def annual_ratio(self) -> tuple[int, int]:
        """`annual_rate` as numerator and denominator, for arithmetic in integers."""
        numerator, denominator = _ratio(self.rate)
        if self.rate_unit is RateUnit.DAILY:
            numerator *= self.day_count.days_in_year
        return numerator, denominator

    def annual_rate(self) -> Fraction:
        """The contract rate of a year; a daily rate is one of the days that the day count has in a year."""
        return Fraction(*self.annual_ratio())

    def daily_rate(self) -> Fraction:
        """The contract rate of a day: the annual one by 365 or 360, as the day count says."""
        return self.annual_rate() / self.day_count.days_in_year

    def penalty_rate(self) -> Fraction:
        """What an overdue minor unit costs a day: the daily contract rate times the penalty's multiplier."""
        return self.daily_rate() * Fraction(*_ratio(self.penalty.multiplier))


def _object(kind: type[Penalty | Limits]) -> Reader:
    return lambda value, _path: value if isinstance(value, kind) else kind.from_json(value)


_PENALTY: dict[str, Reader] = {
    "multiplier": _decimal(10),
    "base": _choice(PenaltyBase),
    "grace_days": _integer(0, GRACE_DAYS_MAX),
}
_LIMITS: dict[str, Reader] = {"min_minor": _integer(1, MAX_MINOR), "max_minor": _integer(1, MAX_MINOR)}
_PRODUCT: dict[str, Reader] = {
    "method": _choice(Method),
    "terms": _integer(1, TERMS_MAX),
    "rate": _decimal(1),
    "rate_unit": _choice(RateUnit),
    "term_unit": _choice(TermUnit),
    "term_length": _integer(1, DAYS_MAX),
    "day_count": _choice(DayCount),
    "rounding": _choice(Rounding),
    "instalment_multiple_minor": _integer(1, MAX_MINOR),
    "payoff_interest": _choice(PayoffInterest),
    "allocation": _order,
    "processing": _choice(Processing),
    "excess": _choice(Excess),
    "penalty": _object(Penalty),
    "limits": _object(Limits),
}

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
    # A short loan that comes back in one piece. All its figures are our choice.
    "bullet-30d": Product(
        method=Method.BULLET, term_unit=TermUnit.DAY, terms=30, rate="0.0005", rate_unit=RateUnit.DAILY,
        day_count=DayCount.ACTUAL_365, limits=Limits(100_00, 50_000_00),
    ),
    # A shop's promotion: three parts and no interest. A penalty is a multiple of the contract rate, so there
    # is none.
    "interest-free-3": Product(
        method=Method.EQUAL_INSTALMENT, terms=3, rate="0", limits=Limits(1_00, 50_000_00),
    ),
}  # fmt: skip
"""The products that ship. Realistic, and nobody's actual terms."""
