"""The story of one loan, as a pure function of the data set's seed and the loan's number.

It has who borrows, how much, and how they pay, and what staff do. What the platform refuses on the day (the loan is
already settled, or written off) is skipped.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mocklend.domain.statuses import QuoteType

HOURS = (9, 14, 20)
"""The hours at which borrowers and staff act, in the platform's time zone."""

BORROW, PAY, AGAIN, PUSH, MATCH, EDIT, OVERRIDE = "borrow", "pay", "again", "push", "match", "edit", "override"
DISPUTE, VERIFY, DECIDE = "dispute", "verify", "decide"

DUE, CLEAR = QuoteType.OVD_AND_CURRENT, QuoteType.CLEAR
CHANNELS = ("wallet", "bank_card", "bill_pay")
PRODUCTS = ("jiebei-like", "weilidai-like", "bullet-30d", "interest-free-3")
HABITS = {"on time": 34, "by debit": 22, "early": 14, "by push": 14, "late": 10, "never": 6}
"""How borrowers pay, and the percentage of each."""

_GIVEN = (
    "Ada",
    "Bo",
    "Chen",
    "Dai",
    "Emil",
    "Fang",
    "Gus",
    "Hua",
    "Ines",
    "Jun",
    "Kai",
    "Lin",
    "Mei",
    "Nor",
    "Qi",
    "Wei",
)
_FAMILY = ("Adler", "Bai", "Cao", "Deng", "Falk", "Gao", "Huang", "Kern", "Liu", "Ma", "Ng", "Sun", "Tan", "Wu", "Zhou")
_MONTH = 3044
"""Days per month, times 100."""


@dataclass(frozen=True, slots=True)
class Act:
    """An action, on a day of the season and at an hour. The meaning of the other fields depends on the verb."""

    day: int
    hour: int
    verb: str
    scope: str = DUE
    channel: str = ""
    amount_minor: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """A loan, from its borrowing to the end of the season."""

    n: int
    reference: str
    name: str
    product_id: str
    principal_minor: int
    auto_debit: bool
    acts: tuple[Act, ...]


def story(seed: int, n: int, days: int, *, label: str | None = None) -> Story:
    """Return the story of loan number n in a season of `days`. Pure. `label`, by default n, is in the reference."""
    chance = random.Random(f"{seed}/{n}")
    # Every draw is an integer, so that nothing depends on a machine's floating point.
    name = f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}"
    product_id = chance.choice(PRODUCTS)
    principal_minor = chance.randrange(200_00, 5_000_00, 1_00)
    habit = chance.choices(tuple(HABITS), tuple(HABITS.values()))[0]
    borrow_day = chance.randrange(max(1, days // 3))
    reference = f"loan-{n if label is None else label}"
    acts = [Act(borrow_day, HOURS[0], BORROW)]
    acts += _payments(chance, habit, borrow_day, days, product_id, reference)
    acts += _operations(chance, borrow_day, days)
    # It has a generator of its own, so that the draws above stay the same.
    acts = list(_twice(random.Random(f"{seed}/{n}/twice"), acts))
    in_season = sorted((act for act in acts if act.day < days), key=lambda act: (act.day, act.hour))
    return Story(n, reference, name, product_id, principal_minor, habit == "by debit", tuple(in_season))


def _payments(
    chance: random.Random, habit: str, borrow_day: int, days: int, product_id: str, reference: str
) -> list[Act]:
    if habit in ("by debit", "never"):
        return []
    if habit == "early":
        day = borrow_day + chance.randrange(3, max(4, days // 2))
        return [Act(day, chance.choice(HOURS), PAY, CLEAR, chance.choice(CHANNELS))]
    terms = 1 if product_id == "bullet-30d" else (days - borrow_day) * 100 // _MONTH + 1
    acts = []
    for k in range(1, terms + 1):
        due = borrow_day + k * _MONTH // 100
        day = due + chance.randrange(1, 22) if habit == "late" else due - chance.randrange(0, 4)
        scope = CLEAR if product_id == "bullet-30d" else DUE
        if habit == "by push":
            acts += _push(chance, day, scope, reference)
        else:
            acts.append(Act(day, chance.choice(HOURS), PAY, scope, chance.choice(CHANNELS)))
    return acts


def _twice(chance: random.Random, acts: list[Act]) -> Iterator[Act]:
    """Repeat one payment in twelve: the borrower pays again through another channel, since nothing seemed to happen."""
    for act in acts:
        yield act
        if act.verb == PAY and not chance.randrange(12):
            other = chance.choice([channel for channel in CHANNELS if channel != act.channel])
            yield replace(act, verb=AGAIN, channel=other)


def _push(chance: random.Random, day: int, scope: str, reference: str) -> list[Act]:
    """A bank transfer: nine in ten have the right reference. Of the others staff match half, some days later."""
    if chance.randrange(10):
        return [Act(day, chance.choice(HOURS), PUSH, scope, "bank_transfer", text=reference)]
    pay = Act(day, chance.choice(HOURS), PUSH, scope, "bank_transfer", text=_mistyped(chance, reference))
    if chance.randrange(2):
        return [pay]
    return [pay, Act(day + chance.randrange(1, 8), HOURS[1], MATCH)]


def _mistyped(chance: random.Random, reference: str) -> str:
    """A reference that names no loan: a blank for the hyphen, two letters swapped, or no number."""
    return chance.choice((reference.replace("-", " "), reference.replace("loan", "lona"), "loan"))


def _operations(chance: random.Random, borrow_day: int, days: int) -> list[Act]:
    """What staff do: an edit on one loan in 8, a status override on one in 25, a dispute on one in 40."""

    def some_day() -> int:
        return chance.randrange(borrow_day + 1, max(borrow_day + 2, days))

    acts = []
    if not chance.randrange(8):
        amount = chance.randrange(1_00, 50_00)
        memo = f"fee of {amount // 100}.{amount % 100:02d}, ticket {chance.randrange(10_000)}"
        acts.append(Act(some_day(), HOURS[1], EDIT, amount_minor=amount, text=memo))
    if not chance.randrange(25):
        acts.append(Act(some_day(), HOURS[2], OVERRIDE, text="seen on the list"))
    if not chance.randrange(40):
        day = some_day()
        acts.append(Act(day, HOURS[0], DISPUTE, text="I was called at night"))
        acts.append(Act(day + 1, HOURS[1], VERIFY))
        compensation = 20_00 if chance.randrange(2) else 0
        acts.append(Act(day + 2, HOURS[1], DECIDE, amount_minor=compensation, text="sorry"))
    return acts
