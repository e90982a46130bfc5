"""A loan's state: its balances and status, and how time alone changes it. `effects` has the effects of facts.

Rounding is cumulative within a period: the posted amount is always the rounded total so far, so that the parts of a
divided period add up to the amount of the undivided one.

Interest is owed for the days on which the money was lent: principal that is repaid on a day, in part or in whole, bears
interest up to the `payoff_date` of that day and no longer.
"""

from __future__ import annotations

from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from mocklend.domain.allocation import DUE, IN_ADVANCE, OVERDUE, allocate
from mocklend.domain.facts import STATUS_OVERRIDE, Fact, Terms
from mocklend.domain.instalment import INTEREST_IN_ADVANCE, Instalment, Movement
from mocklend.domain.money import round_ratio
from mocklend.domain.ratio import NOTHING, Ratio, plus
from mocklend.domain.schedule import interest_exact, penalty_exact
from mocklend.domain.statuses import LoanStatus, QuoteType

ONE_DAY = timedelta(days=1)


class LoanState(Struct, gc=False):
    """A loan's state as derived from a set of facts. `replay` can rebuild all of it.

    `accrued_to` is the date up to which interest and penalty have accrued (`posted_to`: up to which movements post
    them); `as_of` the date for which the status holds; `last` the key of the newest fact in effective order. `applied`
    has for each receipt (settled, overpaid) in minor units. Money of the loan that is no receivable: `overpaid` 2101,
    `unapplied` 2102, `refunding` 2103, `compensation` 2104; money for later interest (2105) is held by each
    instalment. `bearing` is principal that is repaid and still bears interest, up to `bearing_to`.
    """

    terms: Terms
    instalments: list[Instalment]
    accepted: bool = False
    disbursed: bool = False
    failed: bool = False
    accrued_to: date = date.min
    posted_to: date = date.min
    as_of: date = date.min
    overpaid_minor: int = 0
    unapplied_minor: int = 0
    paid_minor: int = 0
    revoked_minor: int = 0
    written_off_minor: int = 0
    recovered_minor: int = 0
    refunding_minor: int = 0
    compensation_minor: int = 0
    bearing_minor: int = 0
    bearing_to: date = date.min
    last: tuple[int, str] = (0, "")
    movements: list[Movement] = []
    applied: dict[str, tuple[int, int]] = {}

    # --- balances and status ---

    @property
    def outstanding_minor(self) -> int:
        """All receivables in minor units: accounts 1101 to 1105."""
        if not self.accepted:
            return 0
        # The sum of `Instalment.outstanding`, without a call for each.
        return sum(
            [
                i.principal
                + i.interest
                + i.fee
                + i.penalty_principal
                + i.penalty_interest
                - i.principal_paid
                - i.interest_paid
                - i.fee_paid
                - i.penalty_principal_paid
                - i.penalty_interest_paid
                for i in self.instalments
            ]
        )

    @property
    def owes(self) -> bool:
        """Whether anything is outstanding. No bucket is negative (B8), so one instalment decides as the sum would."""
        if self.accepted:
            for instalment in self.instalments:
                if instalment.outstanding:
                    return True
        return False

    @property
    def outstanding_principal_minor(self) -> int:
        """Account 1101, in minor units."""
        return sum([i.principal - i.principal_paid for i in self.instalments]) if self.accepted else 0

    @property
    def ahead_minor(self) -> int:
        """Account 2105: minor units received for interest that has not accrued yet."""
        return sum([i.interest_ahead for i in self.instalments])

    @property
    def overdue_minor(self) -> int:
        """Unpaid minor units of instalments whose due date and grace period have passed."""
        if not self.accepted:
            return 0
        before, minor = self._late_before(self.as_of), 0
        for instalment in self.instalments:  # Due dates ascend.
            if instalment.due_date >= before:
                break
            minor += instalment.outstanding
        return minor

    @property
    def status(self) -> LoanStatus:
        """The loan's status, derived from balances and dates alone (invariant B12)."""
        if self.failed:
            return LoanStatus.FAILED
        if not self.disbursed:
            return LoanStatus.LENDING if self.accepted else LoanStatus.SUBMITTED
        if not self.owes:
            return LoanStatus.OFF if self.recovered_minor < self.written_off_minor else LoanStatus.CLEAR
        before = self._late_before(self.as_of)
        for instalment in self.instalments:  # Due dates ascend.
            if instalment.due_date >= before:
                break
            if instalment.outstanding:
                return LoanStatus.OVD
        return LoanStatus.USING

    @property
    def current(self) -> Instalment | None:
        """The instalment whose period contains `accrued_to`, or None when the last due date has passed."""
        for instalment in self.instalments:
            if instalment.from_date <= self.accrued_to < instalment.due_date:
                return instalment
        return None

    def next_change(self, since: date = date.min) -> date | None:
        """The next date on which the status may change by itself: the day after a due date, and after its grace.

        Dates before `since` are left out.
        """
        if not self.owes:
            return None
        not_before = max(self.as_of, since)
        passing = [self._first_due(not_before, timedelta(0))]
        if grace := self.terms.product.penalty.grace_days:
            passing.append(self._first_due(not_before, timedelta(days=grace)))
        return min([last + ONE_DAY for last in passing if last is not None], default=None)

    def _first_due(self, not_before: date, grace: timedelta) -> date | None:
        """The first due date, with its grace, that is not before a date. Due dates ascend."""
        for instalment in self.instalments:
            last = instalment.due_date + grace
            if last >= not_before:
                return last
        return None

    # --- time ---

    def roll_forward(self, as_of: date) -> None:
        """Let time pass without facts: accrue up to the last due date that has passed, and move the status's date."""
        passed = [i.due_date for i in self.instalments if i.due_date <= as_of]
        if passed and self.accepted:
            self.accrue(passed[-1])
        self.as_of = max(self.as_of, as_of)

    def follows(self, fact: Fact) -> bool:
        """Whether applying a fact to this state gives the same result as a replay of all facts.

        Always for a status override, which moves nothing; never for a fact that takes another one back; otherwise if no
        fact and no accrual is later than it.
        """
        if fact.kind == STATUS_OVERRIDE:
            return True
        return fact.reverses is None and fact.order > self.last and fact.on >= self.accrued_to

    def by_timing(self, on: date) -> dict[str, list[Instalment]]:
        """The instalments by the timings of the allocation order: overdue, due (with the current one), in advance."""
        current, late_before = self.bill(on), self._late_before(on)
        overdue: list[Instalment] = []
        due: list[Instalment] = []
        in_advance: list[Instalment] = []
        for i in self.instalments:
            if i.due_date < late_before:
                overdue.append(i)
            elif i.due_date < on or i is current:
                due.append(i)
            else:
                in_advance.append(i)
        return {OVERDUE: overdue, DUE: due, IN_ADVANCE: in_advance}

    def bill(self, on: date) -> Instalment | None:
        """The current instalment: the first whose due date has not passed."""
        for instalment in self.instalments:
            if instalment.due_date >= on:
                return instalment
        return None

    def late(self, instalment: Instalment, on: date) -> bool:
        """Whether an instalment's due date and its days of grace have passed."""
        return instalment.due_date < self._late_before(on)

    def _late_before(self, on: date) -> date:
        """The date before which a due date is late on `on`: that date less the days of grace."""
        grace = self.terms.product.penalty.grace_days
        return date.fromordinal(max(1, on.toordinal() - grace)) if grace else on

    # --- accrual ---

    def accrue(self, to: date, *, ahead: bool = False) -> None:
        """Interest on principal that is not due yet and penalty on what is overdue, for the days up to `to`.

        `ahead` accrues for days in the future: interest is charged for them, penalty is not.
        """
        if not self.accepted:
            return
        if not (self._bears or self.owes):
            # No movement. If the loan is reopened, its next period begins where the last one ended.
            self.accrued_to = max(self.accrued_to, to)
            return
        while self.accrued_to < to:
            current = self.current
            stop = min(to, current.due_date) if current else to
            if self._bears:
                stop = min(stop, self.bearing_to)
            self._accrue_stretch(current, stop, ahead=ahead)
            self.accrued_to = stop
            if not self._bears:
                self.bear_nothing()

    def _accrue_stretch(self, current: Instalment | None, stop: date, *, ahead: bool) -> None:
        """Accrue within a single period: from `accrued_to` up to `stop`."""
        start, product = self.accrued_to, self.terms.product
        grace = timedelta(days=product.penalty.grace_days)
        postings = []
        if current is not None:
            bearing = self.bearing_minor if self._bears else 0
            interest = self._interest(current, start, stop, self.lent_minor + bearing)
            current.interest_exact = plus(current.interest_exact, interest)
            grown = round_ratio(*current.interest_exact, product.rounding) - current.interest
            if grown:
                current.interest += grown
                postings.append(("1102", "4001", grown))
            postings += self._use_ahead(current, stop)
        late_before = self._late_before(stop)
        overdue = [] if ahead else [i for i in self.instalments if i.due_date < late_before]
        for bucket, account in (("penalty_principal", "1103"), ("penalty_interest", "1104")):
            grown = 0
            for late in overdue:
                grown += self._grow_penalty(late, bucket, (stop - max(start, late.due_date + grace)).days)
            if grown:
                postings.append((account, "4002", grown))
        if postings:
            # Days without growth by a whole minor unit are posted with the next movement, so that periods tile.
            period = (self.posted_to, stop)
            self.movements.append(Movement("accrual", self.terms.loan_id, stop, tuple(postings), period))
            self.posted_to = stop

    def _use_ahead(self, current: Instalment, stop: date) -> list[tuple[str, str, int]]:
        """Pay accrued interest from the money set aside. What is left at the due date goes to the next instalment."""
        used = min(current.interest_ahead, current.unpaid("interest"))
        if used:
            current.interest_ahead -= used
            current.pay("interest", used)
        if current.interest_ahead and stop == current.due_date and current is not self.instalments[-1]:
            self.instalments[current.n].interest_ahead += current.interest_ahead
            current.interest_ahead = 0
        return [(INTEREST_IN_ADVANCE, "1102", used)] if used else []

    @property
    def lent_minor(self) -> int:
        """The minor units of principal that bear interest from `accrued_to`: all that is not due yet."""
        return self._lent(self.accrued_to)

    def _lent(self, on: date) -> int:
        return sum([i.principal - i.principal_paid for i in self.instalments if i.due_date > on])

    def _interest(self, instalment: Instalment, start: date, stop: date, lent_minor: int) -> Ratio:
        """The exact interest on principal for days of an instalment's period (flat: on the original amount)."""
        if start >= stop or not lent_minor:
            return NOTHING
        product = self.terms.product
        base = self.terms.principal_minor if product.method == "flat" else lent_minor
        return interest_exact(product, base, start, stop, instalment.from_date, instalment.due_date)

    @property
    def _bears(self) -> bool:
        """Whether principal that is repaid bears interest on the days from `accrued_to`."""
        return self.bearing_minor > 0 and self.accrued_to < self.bearing_to

    def bear(self, repaid_minor: int, on: date) -> None:
        """Note that principal not due yet was repaid on a date, in minor units (below 0: repayment undone)."""
        until = self.payoff_date(on)
        if until > self.accrued_to:
            self.bearing_minor, self.bearing_to = max(0, self.bearing_minor + repaid_minor), until
        if not self._bears:
            self.bear_nothing()

    def bear_nothing(self) -> None:
        """No repaid principal bears interest any more."""
        self.bearing_minor, self.bearing_to = 0, date.min

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
        exact = plus(getattr(late, bucket + "_exact"), penalty_exact(product, base, days))
        grown: int = round_ratio(*exact, product.rounding) - getattr(late, bucket)
        setattr(late, bucket + "_exact", exact)
        setattr(late, bucket, getattr(late, bucket) + grown)
        return grown

    # --- quotes and projections: read-only ---

    def copy(self) -> LoanState:
        """An independent copy, without the movements so far."""
        return replace(self, instalments=[i.copy() for i in self.instalments], movements=[], applied={})

    def payoff_date(self, on: date) -> date:
        """The date up to which principal repaid on `on` bears interest: at least one day, or the period's end."""
        to = max(on, self.instalments[0].from_date + ONE_DAY)
        if self.terms.product.payoff_interest == "until_period_end":
            to = next((i.due_date for i in self.instalments if i.from_date <= on < i.due_date), to)
        return to

    def interest_to_come(self, instalment: Instalment, repaid_minor: int = 0, on: date = date.min) -> int:
        """The minor units by which an instalment's interest will grow until its due date, if nothing else happens.

        With `repaid_minor`, the same if that much more principal is repaid on the date `on`, which is today.
        """
        start, due = max(self.accrued_to, instalment.from_date), instalment.due_date
        if start >= due:
            return 0
        bearing = self.bearing_minor if self._bears else 0
        until = max(start, self.bearing_to if bearing else start, self.payoff_date(on) if repaid_minor else start)
        lent = self._lent(start)
        rest = self._interest(instalment, until, due, lent - repaid_minor)
        if until > start:
            rest = plus(rest, self._interest(instalment, start, min(until, due), lent + bearing))
        exact = plus(instalment.interest_exact, rest)
        return round_ratio(*exact, self.terms.product.rounding) - instalment.interest

    def to_set_aside(self, bill: Instalment, money_minor: int, on: date) -> int:
        """How many of some minor units to set aside for a bill's later interest. The rest is repaid in advance.

        Repaying in advance reduces later interest: the result is the least that covers the remaining interest.
        """
        most = self.interest_to_come(bill)
        if money_minor <= most:
            return money_minor
        lent, low = self._lent(self.accrued_to), 0
        while low < most:
            aside = (low + most) // 2
            if self.interest_to_come(bill, min(money_minor - aside, lent), on) <= aside:
                most = aside
            else:
                low = aside + 1
        return most

    def quote(self, scope: str, on: date) -> dict[str, int]:
        """Minor units, by bucket, that a repayment of this scope has to settle on a date. Does not change the state."""
        at = self.copy()
        at.accrue(on)
        if scope == QuoteType.CLEAR:
            at.prepare_payoff(on)
            return at._buckets(at.instalments, on)
        current = at.bill(on)
        instalments = [i for i in at.instalments if i.due_date < on or i is current]
        if current is not None and at.outstanding_minor:
            rest = at.interest_to_come(current, current.unpaid("principal"), on)
            current.interest += max(0, rest - current.interest_ahead)
        buckets = at._buckets(instalments, on)
        if sum(buckets.values()) > self.outstanding_principal_minor:
            # A period's interest can exceed the principal: then a payoff costs less, and the quote asks for no more.
            payoff = self.quote(QuoteType.CLEAR, on)
            return min(buckets, payoff, key=lambda quoted: sum(quoted.values()))
        return buckets

    def prepare_payoff(self, on: date) -> None:
        """Make everything due that a payoff on a date has to settle, less the money set aside for later interest."""
        ahead = self.take_ahead()
        self.accrue(self.payoff_date(on), ahead=True)
        allocate(self.terms.product, self.by_timing(on), ahead, {})

    def take_ahead(self) -> int:
        """Remove the money set aside for later interest. Returns its minor units."""
        taken = self.ahead_minor
        for i in self.instalments:
            i.interest_ahead = 0
        return taken

    def _buckets(self, instalments: list[Instalment], on: date) -> dict[str, int]:
        normal = [i for i in instalments if not self.late(i, on)]
        overdue = [i for i in instalments if self.late(i, on)]
        return {
            "normal_principal_minor": sum(i.unpaid("principal") for i in normal),
            "overdue_principal_minor": sum(i.unpaid("principal") for i in overdue),
            "normal_interest_minor": sum(i.unpaid("interest") for i in normal),
            "overdue_interest_minor": sum(i.unpaid("interest") for i in overdue),
            "penalty_principal_minor": sum(i.unpaid("penalty_principal") for i in instalments),
            "penalty_interest_minor": sum(i.unpaid("penalty_interest") for i in instalments),
            "fee_minor": sum(i.unpaid("fee") for i in instalments),
        }
