"""`replay(terms, facts, as_of) -> LoanState`: the one function behind world, books and views.

Facts are taken in effective order. Each first brings accrual up to its date, then has its effect; both are told as
`Movement`s, which are what the journal posts. Time is cut only at facts and due dates, so that accrual periods tile
without gap or overlap and the movements are a function of the facts alone, whenever anybody looked.

    facts ──▶ accrue ▸ effect ▸ accrue ▸ effect … ──▶ LoanState (balances, status)
                 └──────── movements ──────────────▶ journal
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from mocklend.domain.effects import EFFECTS, land
from mocklend.domain.facts import Fact, Terms, standing
from mocklend.domain.instalment import ACCOUNTS, Instalment, Movement
from mocklend.domain.schedule import schedule
from mocklend.domain.state import LoanState
from mocklend.domain.stored import dump, load, same

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
]


def initial_state(terms: Terms) -> LoanState:
    """A loan of which nothing is known but its terms."""
    plan = schedule(terms.product, terms.principal_minor, terms.start)
    return LoanState(
        terms,
        [Instalment(i.n, i.from_date, i.due_date, i.principal_minor) for i in plan],
        accrued_to=terms.start,
        posted_to=terms.start,
        as_of=terms.start,
    )


def replay(terms: Terms, facts: Iterable[Fact], as_of: date) -> LoanState:
    """The loan's state on a date, from nothing but its terms and facts. The order in which they come is no matter."""
    ordered = sorted(facts, key=lambda fact: fact.order)
    left = standing(ordered)
    state = initial_state(terms)
    for fact in ordered:
        if fact.on > as_of:
            break
        apply_fact(state, fact, void=fact.id in left.void, gone=fact.id in left.gone)
    state.roll_forward(as_of)
    return state


def apply_fact(state: LoanState, fact: Fact, *, void: bool = False, gone: bool = False) -> None:
    """A fact takes effect on a state. A `void` one has been reversed, or has failed since.

    Of one that is `gone`, only that its money came in through its channel is told here: another booking applies it.
    """
    state.last = max(state.last, fact.order)
    if gone:
        land(state, fact)
    else:
        EFFECTS[fact.kind](state, fact, void)
    state.as_of = max(state.as_of, fact.on)
