"""`replay(terms, facts, as_of) -> LoanState`: the one function behind world, books and views.

Facts are taken in effective order. Each first brings accrual up to its date, then has its effect; both are told as
`Movement`s, which are what the journal posts. Time is cut only at facts and due dates, so that accrual periods tile
without gap or overlap and the movements are a function of the facts alone, whenever anybody looked.

    facts ──▶ accrue ▸ apply ▸ accrue ▸ apply … ──▶ LoanState (balances, status)
                 └───────── movements ─────────────▶ journal

Rounding is cumulative within a period: what has been posted is always the rounded total so far, so that a period cut
in three adds up to the period uncut.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from mocklend.domain.allocation import DUE, IN_ADVANCE, OVERDUE, allocate, settle
from mocklend.domain.facts import (
    CLEAR,
    DISBURSEMENT,
    EDIT,
    MARK,
    MODIFY_BILL_AMOUNT,
    RECEIPT,
    REVERSAL,
    Fact,
    Terms,
)
from mocklend.domain.money import round_minor
from mocklend.domain.product import Excess
from mocklend.domain.schedule import interest_exact, penalty_exact, schedule, spread

ONE_DAY = timedelta(days=1)
NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Movement:
    """Money moving between accounts for one reason, on one date: what becomes a journal transaction.

    `postings` are (debit account, credit account, amount_minor), every amount above 0.
    """

    kind: str
    ref: str
    on: date
    postings: tuple[tuple[str, str, int], ...]
    period: tuple[date, date] | None = None


@dataclass(slots=True)
class Instalment:
    """What one instalment asks for and has got, by bucket. Interest and penalties are what has accrued so far."""

    n: int
    from_date: date
    due_date: date
    principal: int
    interest: int = 0
    fee: int = 0
    penalty_principal: int = 0
    penalty_interest: int = 0
    principal_paid: int = 0
    interest_paid: int = 0
    fee_paid: int = 0
    penalty_principal_paid: int = 0
    penalty_interest_paid: int = 0
    interest_exact: Fraction = NOTHING
    penalty_principal_exact: Fraction = NOTHING
    penalty_interest_exact: Fraction = NOTHING

    def unpaid(self, bucket: str) -> int:
        """What is left of one bucket."""
        due: int = getattr(self, bucket) - getattr(self, bucket + "_paid")
        return due

    def pay(self, bucket: str, amount_minor: int) -> None:
        """Pay, or waive, part of one bucket."""
        setattr(self, bucket + "_paid", getattr(self, bucket + "_paid") + amount_minor)

    @property
    def outstanding(self) -> int:
        """What is left of all buckets."""
        return (
            self.principal
            - self.principal_paid
            + self.interest
            - self.interest_paid
            + self.fee
            - self.fee_paid
            + self.penalty_principal
            - self.penalty_principal_paid
            + self.penalty_interest
            - self.penalty_interest_paid
        )

    @property
    def paid(self) -> int:
        """What all buckets have got, waivers included."""
        return (
            self.principal_paid
            + self.interest_paid
            + self.fee_paid
            + self.penalty_principal_paid
            + self.penalty_interest_paid
        )


ACCOUNTS = {
    "penalty_interest": "1104",
    "penalty_principal": "1103",
    "fee": "1105",
    "interest": "1102",
    "principal": "1101",
}
"""The receivable behind each bucket, in the default order of allocation: penalty, fee, interest, principal."""


@dataclass(slots=True)
class LoanState:
    """A loan as some set of facts has it. Everything here can be rebuilt by `replay`.

    `accrued_to` is the date up to which interest and penalty are on the state (`posted_to`: up to which a movement
    tells of them); `as_of` the date for which the status
    holds; `last` the newest fact in effective order. `applied` says for each receipt how much it settled and how much
    was too much.
    """

    terms: Terms
    instalments: list[Instalment]
    disbursed: bool = False
    accrued_to: date = date.min
    posted_to: date = date.min
    as_of: date = date.min
    overpaid_minor: int = 0
    unapplied_minor: int = 0
    paid_minor: int = 0
    last: tuple[int, str] = (0, "")
    movements: list[Movement] = field(default_factory=list)
    applied: dict[str, tuple[int, int]] = field(default_factory=dict)

    # --- what it says ---

    @property
    def outstanding_minor(self) -> int:
        """All receivables: accounts 1101 to 1105."""
        return sum(i.outstanding for i in self.instalments) if self.disbursed else 0

    @property
    def outstanding_principal_minor(self) -> int:
        """Account 1101."""
        return sum(i.principal - i.principal_paid for i in self.instalments) if self.disbursed else 0

    @property
    def overdue_minor(self) -> int:
        """What is left of instalments whose due date, and any days of grace, have passed."""
        return sum(i.outstanding for i in self.instalments if self.late(i, self.as_of)) if self.disbursed else 0

    @property
    def status(self) -> str:
        """B12: a function of balances and dates alone."""
        if not self.disbursed:
            return "SUBMITTED"
        if self.outstanding_minor == 0:
            return "CLEAR"
        return "OVD" if self.overdue_minor else "USING"

    @property
    def current(self) -> Instalment | None:
        """The instalment whose period contains `accrued_to`, or None when the last due date has passed."""
        for instalment in self.instalments:
            if instalment.from_date <= self.accrued_to < instalment.due_date:
                return instalment
        return None

    def next_touch(self) -> date | None:
        """The next date on which the status may change by itself: the day after a due date, and after its grace."""
        if not self.disbursed or self.outstanding_minor == 0:
            return None
        grace = timedelta(days=self.terms.product.penalty.grace_days)
        turns = {i.due_date + ONE_DAY for i in self.instalments} | {
            i.due_date + grace + ONE_DAY for i in self.instalments
        }
        return min((day for day in turns if day > self.as_of), default=None)

    # --- what happens to it ---

    def touch(self, as_of: date) -> None:
        """Nothing but time: accrue up to the last due date that has passed, and look at the status again."""
        passed = [i.due_date for i in self.instalments if i.due_date <= as_of]
        if passed and self.disbursed:
            self.accrue(passed[-1])
        self.as_of = max(self.as_of, as_of)

    def follows(self, fact: Fact) -> bool:
        """Whether a fact can be taken on this state as it is, with the same result as replaying everything.

        A mark moves nothing, so it always can; a reversal never; anything else if no fact and no accrual is past it.
        """
        if fact.kind == MARK:
            return True
        return fact.kind != REVERSAL and fact.order > self.last and fact.on >= self.accrued_to

    def take(self, fact: Fact, *, void: bool = False) -> None:
        """A fact takes effect. A `void` one has been reversed: of a receipt only the money is left, unapplied."""
        self.last = max(self.last, fact.order)
        if fact.kind == DISBURSEMENT:
            self._disburse(fact)
        elif fact.kind == RECEIPT:
            self._receive(fact, void=void)
        elif fact.kind == EDIT and not void:
            self._edit(fact)
        self.as_of = max(self.as_of, fact.on)

    def _disburse(self, fact: Fact) -> None:
        self.disbursed = True
        self.accrued_to = self.posted_to = fact.on
        amount = fact.amount_minor
        self._move("disbursement_accepted", fact, [("1101", "2001", amount)])
        self._move("disbursement_confirmed", fact, [("2001", f"1002:{fact.channel}", amount)])

    def _receive(self, fact: Fact, *, void: bool) -> None:
        self._move("receipt", fact, [(f"1002:{fact.channel}", "2102", fact.amount_minor)])
        if void:
            self.unapplied_minor += fact.amount_minor
            return
        paid: dict[str, int] = {}
        left = (self._pay_off if fact.scope == CLEAR else self._pay_what_is_due)(fact.on, fact.amount_minor, paid)
        postings = [("2102", account, paid[bucket]) for bucket, account in ACCOUNTS.items() if paid.get(bucket)]
        if left:
            self.overpaid_minor += left
            postings.append(("2102", "2101", left))
        self.paid_minor += fact.amount_minor - left
        self.applied[fact.id] = (fact.amount_minor - left, left)
        self._move("repayment", fact, postings)

    def _pay_off(self, on: date, amount: int, paid: dict[str, int]) -> int:
        """Everything that is owed on the date, the whole principal with it. Gives back what is too much."""
        self.accrue(self.payoff_date(on))
        return allocate(self.terms.product, self._by_timing(on), amount, paid)

    def _pay_what_is_due(self, on: date, amount: int, paid: dict[str, int]) -> int:
        """What is overdue and current; the rest goes where the product's excess rule says."""
        product = self.terms.product
        self.accrue(on)
        timing = self._by_timing(on)
        asked = [*timing[OVERDUE], *timing[DUE]]
        current = self.bill(on)
        whole = sum(i.outstanding for i in asked) + (self.interest_to_come(current) if current else 0)
        left = allocate(product, {OVERDUE: timing[OVERDUE]}, amount, paid) if amount >= whole else amount
        if amount >= whole and current is not None:
            # Paying the instalment before its due date pays its whole interest.
            self.accrue(current.due_date)
        left = allocate(product, {OVERDUE: timing[OVERDUE], DUE: timing[DUE]}, left, paid)
        # Interest that is not earned yet cannot be paid: money in advance reduces principal.
        ahead = timing[IN_ADVANCE]
        if product.excess == Excess.REAMORTIZE:
            return self._reamortize(on, ahead, left, paid)
        return allocate(
            product, {IN_ADVANCE: ahead[::-1] if product.excess == Excess.LAST_INSTALMENT else ahead}, left, paid
        )

    def _reamortize(self, on: date, ahead: Sequence[Instalment], amount: int, paid: dict[str, int]) -> int:
        """Principal paid in advance joins the current bill, and the rest is spread over the same dates anew."""
        unpaid = sum(i.unpaid("principal") for i in ahead)
        part = min(amount, unpaid)
        if not part:
            return amount
        bill = self.bill(on) or self.instalments[-1]
        bill.principal += part
        bill.pay("principal", part)
        paid["principal"] = paid.get("principal", 0) + part
        if part < unpaid:
            dates = [ahead[0].from_date, *(i.due_date for i in ahead)]
            plan = [new.principal_minor for new in spread(self.terms.product, unpaid - part, dates)]
        else:
            plan = [0] * len(ahead)
        for instalment, principal in zip(ahead, plan, strict=True):
            instalment.principal = instalment.principal_paid + principal
        return amount - part

    def _by_timing(self, on: date) -> dict[str, list[Instalment]]:
        """The instalments as the order of allocation speaks of them: overdue, due (the current one too), in advance."""
        current = self.bill(on)
        timing: dict[str, list[Instalment]] = {OVERDUE: [], DUE: [], IN_ADVANCE: []}
        for i in self.instalments:
            if self.late(i, on):
                timing[OVERDUE].append(i)
            else:
                timing[DUE if i.due_date < on or i is current else IN_ADVANCE].append(i)
        return timing

    def bill(self, on: date) -> Instalment | None:
        """The current instalment: the first whose due date has not passed."""
        return next((i for i in self.instalments if i.due_date >= on), None)

    def late(self, instalment: Instalment, on: date) -> bool:
        """Whether an instalment's due date and its days of grace have passed."""
        return instalment.due_date + timedelta(days=self.terms.product.penalty.grace_days) < on

    def _edit(self, fact: Fact) -> None:
        self.accrue(fact.on)
        penalty = fact.edit_kind != MODIFY_BILL_AMOUNT
        if fact.amount_minor > 0:
            bill = next((i for i in self.instalments if i.due_date >= fact.on), self.instalments[-1])
            if penalty:
                bill.penalty_principal += fact.amount_minor
                bill.penalty_principal_exact += fact.amount_minor
                self._move("edit", fact, [("1103", "4002", fact.amount_minor)])
            else:
                bill.fee += fact.amount_minor
                self._move("edit", fact, [("1105", "4004", fact.amount_minor)])
            return
        left = min(-fact.amount_minor, self.waivable(fact.edit_kind or ""))
        waived: dict[str, int] = {}
        for instalment in self.instalments:
            left = settle(instalment, WAIVABLE[fact.edit_kind or ""], left, waived)
        self._move("edit", fact, [("5003", ACCOUNTS[bucket], part) for bucket, part in waived.items()])

    def waivable(self, edit_kind: str) -> int:
        """The most that an edit of this kind could take off the bill: never principal."""
        return sum(i.unpaid(bucket) for i in self.instalments for bucket in WAIVABLE[edit_kind])

    def _move(self, kind: str, fact: Fact, postings: Sequence[tuple[str, str, int]]) -> None:
        if postings:
            self.movements.append(Movement(kind, fact.id, fact.on, tuple(postings)))

    # --- accrual ---

    def accrue(self, to: date) -> None:
        """Interest on principal that is not due yet and penalty on what is overdue, for the days up to `to`."""
        if not self.disbursed:
            return
        if self.outstanding_principal_minor == 0 and not any(i.outstanding for i in self.instalments):
            self.accrued_to = max(self.accrued_to, to)
            self.posted_to = self.accrued_to
            return
        while self.accrued_to < to:
            current = self.current
            stop = min(to, current.due_date) if current else to
            self._accrue_stretch(current, stop)
            self.accrued_to = stop

    def _accrue_stretch(self, current: Instalment | None, stop: date) -> None:
        """One stretch within a single period: from `accrued_to` up to `stop`."""
        start, product = self.accrued_to, self.terms.product
        grace = timedelta(days=product.penalty.grace_days)
        postings = []
        if current is not None:
            base = self._interest_base(current)
            current.interest_exact += interest_exact(product, base, start, stop, current.from_date, current.due_date)
            grown = round_minor(current.interest_exact, product.rounding) - current.interest
            if grown:
                current.interest += grown
                postings.append(("1102", "4001", grown))
        for bucket, account in (("penalty_principal", "1103"), ("penalty_interest", "1104")):
            grown = 0
            for late in self.instalments:
                days = (stop - max(start, late.due_date + grace)).days
                if days > 0:
                    grown += self._grow_penalty(late, bucket, days)
            if grown:
                postings.append((account, "4002", grown))
        if postings:
            # A stretch in which nothing grew by a whole minor unit is told with the next one: periods tile.
            period = (self.posted_to, stop)
            self.movements.append(Movement("accrual", self.terms.loan_id, stop, tuple(postings), period))
            self.posted_to = stop

    def _interest_base(self, current: Instalment) -> int:
        """The principal that bears interest in this period: all that is not due yet (flat: the original amount)."""
        open_principal = sum(i.principal - i.principal_paid for i in self.instalments if i.n >= current.n)
        if self.terms.product.method == "flat":
            return self.terms.principal_minor if open_principal else 0
        return open_principal

    def _grow_penalty(self, late: Instalment, bucket: str, days: int) -> int:
        """Penalty at the contract rate times the multiplier on what is overdue, rounded on the total so far."""
        product = self.terms.product
        if bucket == "penalty_principal":
            base = late.principal - late.principal_paid
        elif product.penalty.base == "principal_and_interest":
            base = late.interest - late.interest_paid
        else:
            return 0
        if not base:
            return 0
        exact = getattr(late, bucket + "_exact") + penalty_exact(product, base, days)
        grown: int = round_minor(exact, product.rounding) - getattr(late, bucket)
        setattr(late, bucket + "_exact", exact)
        setattr(late, bucket, getattr(late, bucket) + grown)
        return grown

    # --- quotes and outlook: read-only ---

    def payoff_date(self, on: date) -> date:
        """Up to when interest runs if the loan is paid off on a date: one day at the least, or the period's end."""
        to = max(on, self.instalments[0].from_date + ONE_DAY)
        if self.terms.product.payoff_interest == "until_period_end":
            to = next((i.due_date for i in self.instalments if i.from_date <= on < i.due_date), to)
        return to

    def interest_to_come(self, instalment: Instalment) -> int:
        """What the current instalment's interest will still grow by its due date, if nothing else happens."""
        if self.accrued_to >= instalment.due_date:
            return 0
        rest = interest_exact(
            self.terms.product,
            self._interest_base(instalment),
            max(self.accrued_to, instalment.from_date),
            instalment.due_date,
            instalment.from_date,
            instalment.due_date,
        )
        return round_minor(instalment.interest_exact + rest, self.terms.product.rounding) - instalment.interest

    def quote(self, scope: str, on: date) -> dict[str, int]:
        """The buckets that a repayment of this scope would have to settle on a date. Leaves this state alone."""
        at = load(self.terms, dump(self))
        if scope == CLEAR:
            at.accrue(at.payoff_date(on))
            asked = at.instalments
        else:
            at.accrue(on)
            current = at.bill(on)
            asked = [i for i in at.instalments if i.due_date < on or i is current]
            if current is not None and at.outstanding_minor:
                current.interest += at.interest_to_come(current)
        normal = [i for i in asked if not self.late(i, on)]
        overdue = [i for i in asked if self.late(i, on)]
        return {
            "normal_principal_minor": sum(i.unpaid("principal") for i in normal),
            "overdue_principal_minor": sum(i.unpaid("principal") for i in overdue),
            "normal_interest_minor": sum(i.unpaid("interest") for i in normal),
            "overdue_interest_minor": sum(i.unpaid("interest") for i in overdue),
            "penalty_principal_minor": sum(i.unpaid("penalty_principal") for i in asked),
            "penalty_interest_minor": sum(i.unpaid("penalty_interest") for i in asked),
            "fee_minor": sum(i.unpaid("fee") for i in asked),
        }


WAIVABLE = {
    MODIFY_BILL_AMOUNT: ("fee", "interest"),
    "MODIFY_BILL_OVERDUE_AMOUNT": ("penalty_interest", "penalty_principal"),
}
"""The buckets that a negative edit of each kind may reduce, in order."""


def opened(terms: Terms) -> LoanState:
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
    reversed_ids = {fact.reverses for fact in ordered if fact.kind == REVERSAL}
    state = opened(terms)
    for fact in ordered:
        if fact.on > as_of:
            break
        state.take(fact, void=fact.id in reversed_ids)
    state.touch(as_of)
    return state


# --- the projection's stored form: compact JSON, exact fractions ---


def dump(state: LoanState) -> str:
    """The state as JSON, without the movements (the journal has them) and the terms."""
    return json.dumps(
        {
            "d": state.disbursed,
            "to": state.accrued_to.isoformat(),
            "told": state.posted_to.isoformat(),
            "as_of": state.as_of.isoformat(),
            "over": state.overpaid_minor,
            "hung": state.unapplied_minor,
            "paid": state.paid_minor,
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
    ]


def load(terms: Terms, stored: str) -> LoanState:
    """The state that `dump` stored."""
    raw = json.loads(stored)
    instalments = [
        Instalment(
            row[0],
            date.fromisoformat(row[1]),
            date.fromisoformat(row[2]),
            *row[3:13],
            *(Fraction(*pair) if pair[0] else NOTHING for pair in row[13:]),
        )
        for row in raw["i"]
    ]
    return LoanState(
        terms,
        instalments,
        disbursed=raw["d"],
        accrued_to=date.fromisoformat(raw["to"]),
        posted_to=date.fromisoformat(raw["told"]),
        as_of=date.fromisoformat(raw["as_of"]),
        overpaid_minor=raw["over"],
        unapplied_minor=raw["hung"],
        paid_minor=raw["paid"],
        last=(raw["last"][0], raw["last"][1]),
    )


def same(a: LoanState, b: LoanState) -> bool:
    """Whether two states agree on everything that is stored."""
    return dump(a) == dump(b)


__all__ = ["ACCOUNTS", "Instalment", "LoanState", "Movement", "dump", "load", "opened", "replay", "same"]
