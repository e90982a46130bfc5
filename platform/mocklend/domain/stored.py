"""The projection's stored form: compact JSON, exact ratios."""

from __future__ import annotations

from datetime import date
from operator import attrgetter

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from mocklend.domain.facts import Terms
from mocklend.domain.instalment import Instalment
from mocklend.domain.state import LoanState


class _State(Struct, array_like=True):
    """The fields of a `LoanState`, in the same order, without terms, movements (the journal has them) and `applied`."""

    instalments: list[Instalment]
    accepted: bool
    disbursed: bool
    failed: bool
    accrued_to: date
    posted_to: date
    as_of: date
    overpaid_minor: int
    unapplied_minor: int
    paid_minor: int
    revoked_minor: int
    written_off_minor: int
    recovered_minor: int
    refunding_minor: int
    compensation_minor: int
    bearing_minor: int
    bearing_to: date
    last: tuple[int, str]


_stored_fields = attrgetter(*_State.__struct_fields__)


_read = msgspec.json.Decoder(_State).decode
_write = msgspec.json.Encoder().encode


def dump(state: LoanState) -> str:
    """The state as JSON: an array. So is each instalment, and each ratio: `[numerator, denominator]`."""
    return _write(_stored_fields(state)).decode()


def load(terms: Terms, stored: str) -> LoanState:
    """The state that `dump` stored."""
    return LoanState(terms, *astuple(_read(stored)))


class _Dates(Struct, array_like=True):
    """The beginning of a `_State`, without its instalments, which take the most time."""

    instalments: msgspec.Raw
    accepted: bool
    disbursed: bool
    failed: bool
    accrued_to: date
    posted_to: date
    as_of: date


_read_dates = msgspec.json.Decoder(_Dates).decode


def stored_as_of(stored: str) -> date:
    """The date for which a stored state holds."""
    return _read_dates(stored).as_of


def same(a: LoanState, b: LoanState) -> bool:
    """Whether two states agree on everything that is stored."""
    return dump(a) == dump(b)
