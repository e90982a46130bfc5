"""The projection's stored form: compact JSON, exact fractions."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from mocklend.domain.facts import Terms
from mocklend.domain.instalment import NOTHING, Instalment
from mocklend.domain.state import LoanState

Ratio = tuple[int, int]
"""A fraction: numerator and denominator."""


class _Instalment(Struct, array_like=True):
    """The fields of an `Instalment`, in its order."""

    n: int
    from_date: date
    due_date: date
    principal: int
    interest: int
    fee: int
    penalty_principal: int
    penalty_interest: int
    principal_paid: int
    interest_paid: int
    fee_paid: int
    penalty_principal_paid: int
    penalty_interest_paid: int
    interest_exact: Ratio
    penalty_principal_exact: Ratio
    penalty_interest_exact: Ratio
    interest_ahead: int


class _State(Struct, array_like=True):
    """The fields of a `LoanState`, in its order, without terms, movements (the journal has them) and `applied`."""

    instalments: list[_Instalment]
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


_FIELDS = _State.__struct_fields__
_EXACT = slice(_Instalment.__struct_fields__.index("interest_exact"), -1)
_read = msgspec.json.Decoder(_State).decode
_write = msgspec.json.Encoder().encode


def dump(state: LoanState) -> str:
    """The state as JSON."""
    rows = [_row(instalment) for instalment in state.instalments]
    return _write([rows, *(getattr(state, name) for name in _FIELDS[1:])]).decode()


def _row(instalment: Instalment) -> list[object]:
    row: list[object] = list(astuple(instalment))
    row[_EXACT] = [exact.as_integer_ratio() for exact in row[_EXACT]]  # type: ignore[attr-defined]
    return row


def load(terms: Terms, stored: str) -> LoanState:
    """The state that `dump` stored."""
    kept = _read(stored)
    values = astuple(kept)
    return LoanState(terms, [_instalment(row) for row in kept.instalments], *values[1:])


def _instalment(kept: _Instalment) -> Instalment:
    values = list(astuple(kept))
    values[_EXACT] = [Fraction(*ratio) if ratio[0] else NOTHING for ratio in values[_EXACT]]
    return Instalment(*values)


def same(a: LoanState, b: LoanState) -> bool:
    """Whether two states agree on everything that is stored."""
    return dump(a) == dump(b)
