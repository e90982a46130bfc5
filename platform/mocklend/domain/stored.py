"""The projection's stored form: compact JSON, exact fractions."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from typing import Any

from mocklend.domain.facts import Terms
from mocklend.domain.instalment import NOTHING, Instalment
from mocklend.domain.state import LoanState

SUMS = (
    "overpaid_minor",
    "unapplied_minor",
    "paid_minor",
    "revoked_minor",
    "written_off_minor",
    "recovered_minor",
    "refunding_minor",
    "compensation_minor",
    "bearing_minor",
)


def dump(state: LoanState) -> str:
    """The state as JSON, without the movements (the journal has them) and the terms."""
    return json.dumps(
        {
            "is": [state.accepted, state.disbursed, state.failed],
            "to": state.accrued_to.isoformat(),
            "told": state.posted_to.isoformat(),
            "as_of": state.as_of.isoformat(),
            "bears": state.bearing_to.isoformat(),
            "sums": [getattr(state, name) for name in SUMS],
            "last": state.last,
            "i": [_row(i) for i in state.instalments],
        },
        separators=(",", ":"),
    )


def _row(i: Instalment) -> list[object]:
    return [
        i.n,
        i.from_date.isoformat(),
        i.due_date.isoformat(),
        i.principal,
        i.interest,
        i.fee,
        i.penalty_principal,
        i.penalty_interest,
        i.principal_paid,
        i.interest_paid,
        i.fee_paid,
        i.penalty_principal_paid,
        i.penalty_interest_paid,
        i.interest_exact.as_integer_ratio(),
        i.penalty_principal_exact.as_integer_ratio(),
        i.penalty_interest_exact.as_integer_ratio(),
        i.interest_ahead,
    ]


def _instalment(row: list[Any]) -> Instalment:
    exact = [Fraction(*pair) if pair[0] else NOTHING for pair in row[13:16]]
    kept = Instalment(row[0], date.fromisoformat(row[1]), date.fromisoformat(row[2]), *row[3:13], *exact)
    kept.interest_ahead = row[16]
    return kept


def load(terms: Terms, stored: str) -> LoanState:
    """The state that `dump` stored."""
    raw = json.loads(stored)
    instalments = [_instalment(row) for row in raw["i"]]
    return LoanState(
        terms,
        instalments,
        accepted=raw["is"][0],
        disbursed=raw["is"][1],
        failed=raw["is"][2],
        accrued_to=date.fromisoformat(raw["to"]),
        posted_to=date.fromisoformat(raw["told"]),
        as_of=date.fromisoformat(raw["as_of"]),
        bearing_to=date.fromisoformat(raw["bears"]),
        **dict(zip(SUMS, raw["sums"], strict=True)),
        last=(raw["last"][0], raw["last"][1]),
    )


def same(a: LoanState, b: LoanState) -> bool:
    """Whether two states agree on everything that is stored."""
    return dump(a) == dump(b)
