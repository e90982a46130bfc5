"""`replay(terms, facts, as_of) -> LoanState`: the function that world, books and views derive loan states with.

Facts are applied in effective order. Each first accrues up to its date, then has its effect; both yield `Movement`s,
which the journal posts. Accrual periods end only at facts and due dates, so that they tile without gap or overlap and
the movements depend on the facts alone, not on when the loan was read.

    facts ──▶ accrue ▸ effect ▸ accrue ▸ effect … ──▶ LoanState (balances, status)
                 └──────── movements ──────────────▶ journal
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from operator import attrgetter

from mocklend.domain.effects import EFFECTS, land
from mocklend.domain.facts import Fact, Terms, standing
from mocklend.domain.instalment import ACCOUNTS, Instalment, Movement
from mocklend.domain.schedule import principals
from mocklend.domain.state import LoanState
from mocklend.domain.stored import dump, load, same, stored_as_of

__all__ = [
    "ACCOUNTS",
    "Instalment",
    "LoanState",
    "Movement",
    "apply_fact",
    "dump",
    "initial_state",
    "load",
    "replay",
    "same",
    "stored_as_of",
]


_IN_EFFECTIVE_ORDER = attrgetter("at_ms", "id")


def initial_state(terms: Terms) -> LoanState:
    """The state of a loan without facts."""
    plan = principals(terms.product, terms.principal_minor, terms.start)
    return LoanState(
        terms,
        [Instalment(n, from_date, due_date, minor) for n, (from_date, due_date, minor) in enumerate(plan, 1)],
        accrued_to=terms.start,
        posted_to=terms.start,
        as_of=terms.start,
    )


def replay(terms: Terms, facts: Iterable[Fact], as_of: date) -> LoanState:
    """The loan's state on a date, from its terms and facts alone. The order of `facts` does not matter."""
    ordered = sorted(facts, key=_IN_EFFECTIVE_ORDER)
    left = standing(ordered)
    state = initial_state(terms)
    for fact in ordered:
        if fact.on > as_of:
            break
        apply_fact(state, fact, void=fact.id in left.void, gone=fact.id in left.gone)
    state.roll_forward(as_of)
    return state


def apply_fact(state: LoanState, fact: Fact, *, void: bool = False, gone: bool = False) -> None:
    """Apply a fact to a state. A `void` fact was reversed or returned later.

    A `gone` fact only posts that its money came in through its channel: another booking applies the money.
    """
    state.last = max(state.last, fact.order)
    if gone:
        land(state, fact)
    else:
        EFFECTS[fact.kind](state, fact, void)
    state.as_of = max(state.as_of, fact.on)
