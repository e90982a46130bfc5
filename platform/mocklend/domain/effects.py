"""The effect of each kind of fact on a loan: one function per kind, listed in EFFECTS. Postings are double entries.

A `void` fact was reversed or returned: a receipt leaves its money as unapplied cash, any other fact has no effect.
Each function accepts every history and ends in a state whose movements balance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from mocklend.domain import facts as kinds
from mocklend.domain.allocation import DUE, IN_ADVANCE, OVERDUE, allocate, settle
from mocklend.domain.facts import Fact, booked
from mocklend.domain.instalment import ACCOUNTS, INTEREST_AHEAD, INTEREST_IN_ADVANCE, Instalment, Movement
from mocklend.domain.money import MAX_MINOR
from mocklend.domain.product import Excess
from mocklend.domain.ratio import plus
from mocklend.domain.schedule import spread
from mocklend.domain.state import LoanState
from mocklend.domain.statuses import QuoteType

Effect = Callable[[LoanState, Fact, bool], None]
Legs = Sequence[tuple[str, str, int]]

UNEARNED = {
    "principal": "2001",
    "interest": "4001",
    "penalty_principal": "4002",
    "penalty_interest": "4002",
    "fee": "4004",
}
"""The account that each bucket was posted against, and is posted back to when the loan was never paid out."""

WAIVABLE: dict[str, tuple[str, ...]] = {
    kinds.MODIFY_BILL_AMOUNT: ("fee", "interest"),
    kinds.MODIFY_BILL_OVERDUE_AMOUNT: ("penalty_interest", "penalty_principal"),
    kinds.MODIFY_REVOKE_AMOUNT: ("fee", "interest", "principal"),
    kinds.WAIVE_FEE: ("fee",),
    kinds.WAIVE_INTEREST: ("interest",),
    kinds.WAIVE_PENALTY: ("penalty_interest", "penalty_principal"),
}
"""The buckets that an edit of each kind may reduce, in order."""


def edit_minor_min(state: LoanState, kind: str) -> int:
    """The most negative amount that an edit of this kind may have, or 0."""
    if kind in WAIVABLE and kind != kinds.MODIFY_REVOKE_AMOUNT:
        return -sum(i.unpaid(bucket) for i in state.instalments for bucket in WAIVABLE[kind])
    if kind == kinds.MODIFY_PAID_AMOUNT:
        return -state.paid_minor
    if kind == kinds.MODIFY_REVOKE_AMOUNT:
        return -state.revoked_minor
    if kind == kinds.MODIFY_PAID_REVOKE_AMOUNT:
        return -state.overpaid_minor
    return 0


def edit_minor_max(state: LoanState, kind: str) -> int:
    """The largest amount that an edit of this kind may have."""
    if kind == kinds.MODIFY_PAID_AMOUNT:
        return state.unapplied_minor
    if kind == kinds.MODIFY_REVOKE_AMOUNT:
        return sum(i.unpaid(bucket) for i in state.instalments for bucket in WAIVABLE[kind])
    if kind == kinds.MODIFY_PAID_REVOKE_AMOUNT:
        return state.paid_minor
    if kind in (kinds.WAIVE_FEE, kinds.WAIVE_INTEREST, kinds.WAIVE_PENALTY):
        return 0
    return MAX_MINOR


def move(state: LoanState, kind: str, fact: Fact, legs: Legs) -> None:
    """Add a movement to the state, unless every leg is 0."""
    postings = tuple(leg for leg in legs if leg[2])
    if postings:
        state.movements.append(Movement(kind, fact.id, fact.on, postings))


# --- paying out ---


def accept(state: LoanState, fact: Fact, void: bool) -> None:
    """The loan is granted and its payout ordered: it is owed from here on, and the money is in transit."""
    state.accepted = True
    state.accrued_to = state.posted_to = fact.on
    move(state, "disbursement_accepted", fact, [("1101", "2001", fact.amount_minor)])


def disburse(state: LoanState, fact: Fact, void: bool) -> None:
    """The channel has paid out."""
    if not state.accepted:
        accept(state, fact, void)
    state.disbursed = True
    move(state, "disbursement_confirmed", fact, [("2001", f"1002:{fact.channel}", fact.amount_minor)])


def fail_payout(state: LoanState, fact: Fact, void: bool) -> None:
    """The channel could not pay out: the loan and its accruals are reversed.

    Repayments that came in before are then overpaid.
    """
    state.accrue(fact.on)
    legs = []
    for bucket, other in UNEARNED.items():
        legs.append((other, ACCOUNTS[bucket], sum(i.unpaid(bucket) for i in state.instalments)))
        legs.append((other, "2101", sum(getattr(i, bucket + "_paid") for i in state.instalments)))
    legs.append((INTEREST_IN_ADVANCE, "2101", state.take_ahead()))
    state.bear_nothing()
    state.overpaid_minor += state.paid_minor
    state.paid_minor = 0
    state.applied = {id: (0, settled + over) for id, (settled, over) in state.applied.items()}
    state.failed = True
    for i in state.instalments:
        for bucket in ACCOUNTS:
            i.pay(bucket, i.unpaid(bucket))
    move(state, "disbursement_failed", fact, legs)


# --- money coming in ---


def receive(state: LoanState, fact: Fact, void: bool) -> None:
    """A receipt is posted to its channel's account first and applied second, so that a break shows as a balance."""
    land(state, fact)
    if void:
        state.unapplied_minor += fact.amount_minor
        return
    # Money on a loan that was written off is a recovery, up to what was lost.
    recovered = min(fact.amount_minor, state.written_off_minor - state.recovered_minor)
    state.recovered_minor += recovered
    paid: dict[str, int] = {}
    left = pay(state, fact.scope, fact.on, fact.amount_minor - recovered, paid)
    state.overpaid_minor += left
    state.paid_minor += fact.amount_minor - recovered - left
    state.applied[booked(fact.id)] = (fact.amount_minor - left, left)
    move(state, "repayment", fact, [("2102", "4003", recovered), *_settling("2102", paid, left)])


def receive_again(state: LoanState, fact: Fact, void: bool) -> None:
    """A receipt that is on the books beside the order's own. Once reversed, it leaves no unapplied cash."""
    if not void:
        receive(state, fact, void)


def land(state: LoanState, fact: Fact) -> None:
    """Post a receipt's money to its channel's account, unless it was posted as unapplied cash before."""
    if not fact.landed:
        move(state, "receipt", fact, [(f"1002:{fact.channel}", "2102", fact.amount_minor)])


def pay(state: LoanState, scope: str | None, on: date, amount: int, paid: dict[str, int]) -> int:
    """Pay what a repayment of this scope settles on a date. Adds to `paid` by bucket; returns the overpaid minor units.

    An amount that covers a payoff is a payoff, whatever its scope. A smaller amount settles what is owed that day and
    principal: money for interest that has not accrued yet is set aside, and freed if principal is repaid first.
    """
    state.accrue(on)
    if not any(i.outstanding for i in state.instalments):
        return amount
    if scope != QuoteType.INSTALMENT and _is_payoff(state, on, amount):
        return _pay_off(state, on, amount, paid)
    if scope == QuoteType.INSTALMENT:
        return _pay_as_planned(state, on, amount, paid)
    timing, lent = state.by_timing(on), state.lent_minor
    payable = timing if scope == QuoteType.CLEAR else {OVERDUE: timing[OVERDUE], DUE: timing[DUE]}
    left = allocate(state.terms.product, payable, amount, paid)
    state.bear(lent - state.lent_minor, on)
    left = _in_advance(state, on, left, paid, aside=scope != QuoteType.CLEAR)
    if not state.outstanding_principal_minor and state.bearing_minor:
        # All principal is repaid, and some of it still bears interest for later days: only that interest is left.
        state.accrue(state.bearing_to, ahead=True)
        left = allocate(state.terms.product, state.by_timing(on), left, paid)
    return left


def _is_payoff(state: LoanState, on: date, amount: int) -> bool:
    if amount + state.ahead_minor < state.outstanding_principal_minor:
        return False  # Cheap check that decides most cases.
    return amount >= sum(state.quote(QuoteType.CLEAR, on).values())


def _pay_off(state: LoanState, on: date, amount: int, paid: dict[str, int]) -> int:
    """Pay everything that is owed on the date, with the whole principal. Returns the overpaid minor units."""
    ahead = state.take_ahead()
    paid[INTEREST_AHEAD] = paid.get(INTEREST_AHEAD, 0) - ahead
    state.accrue(state.payoff_date(on), ahead=True)
    left = allocate(state.terms.product, state.by_timing(on), amount + ahead, paid)
    state.bear_nothing()
    return left


def _pay_as_planned(state: LoanState, on: date, amount: int, paid: dict[str, int]) -> int:
    """Pay the current instalment as planned, with the interest of its whole period; the rest is paid in advance.

    Operations staff can make this mistake: it costs interest for days on which the money is not lent.
    """
    product, timing, bill = state.terms.product, state.by_timing(on), state.bill(on)
    whole = sum(i.outstanding for i in (*timing[OVERDUE], *timing[DUE])) + (state.interest_to_come(bill) if bill else 0)
    left = amount
    if amount >= whole and bill is not None:
        before = [i for i in timing[DUE] if i is not bill]
        left = allocate(product, {OVERDUE: timing[OVERDUE], DUE: before}, left, paid)
        state.accrue(bill.due_date)
    lent = state.lent_minor
    left = allocate(product, {OVERDUE: timing[OVERDUE], DUE: timing[DUE]}, left, paid)
    state.bear(lent - state.lent_minor, on)
    return _in_advance(state, on, left, paid, aside=False)


def _in_advance(state: LoanState, on: date, amount: int, paid: dict[str, int], *, aside: bool) -> int:
    """Pay what is not due yet: part of the money is set `aside` for later interest, the rest follows the excess rule.

    Interest that has not accrued cannot be paid. Money that was set aside before and is no longer needed is used too.
    """
    product, bill, lent = state.terms.product, state.bill(on), state.lent_minor
    if not amount and (bill is None or not bill.interest_ahead):
        return 0
    if bill is not None:
        keep = state.to_set_aside(bill, amount + bill.interest_ahead, on)
        change = (keep if aside else min(keep, bill.interest_ahead)) - bill.interest_ahead
        bill.interest_ahead += change
        paid[INTEREST_AHEAD] = paid.get(INTEREST_AHEAD, 0) + change
        amount -= change
    ahead = state.by_timing(on)[IN_ADVANCE]
    if product.excess == Excess.REAMORTIZE:
        left = _reamortize(state, on, ahead, amount, paid)
    else:
        last_first = product.excess == Excess.LAST_INSTALMENT
        left = allocate(product, {IN_ADVANCE: ahead[::-1] if last_first else ahead}, amount, paid)
    state.bear(lent - state.lent_minor, on)
    return left


def _reamortize(state: LoanState, on: date, ahead: Sequence[Instalment], amount: int, paid: dict[str, int]) -> int:
    """Principal paid in advance joins the current bill, and the rest is spread over the same dates again."""
    unpaid = sum(i.unpaid("principal") for i in ahead)
    part = min(amount, unpaid)
    if not part:
        return amount
    bill = state.bill(on) or state.instalments[-1]
    bill.principal += part
    bill.pay("principal", part)
    paid["principal"] = paid.get("principal", 0) + part
    if part < unpaid:
        dates = [ahead[0].from_date, *(i.due_date for i in ahead)]
        plan = [new.principal_minor for new in spread(state.terms.product, unpaid - part, dates)]
    else:
        plan = [0] * len(ahead)
    for instalment, principal in zip(ahead, plan, strict=True):
        instalment.principal = instalment.principal_paid + principal
    return amount - part


def clawback(state: LoanState, fact: Fact, void: bool) -> None:
    """A payment return: the receipt is void, and its unapplied money goes out through the channel again.

    Money that an edit has used from the unapplied cash meanwhile cannot go out: it is owed again, as a fee.
    """
    part = min(fact.amount_minor, max(0, state.unapplied_minor))
    short = fact.amount_minor - part
    state.unapplied_minor -= part
    if short:
        state.accrue(fact.on)
        (state.bill(fact.on) or state.instalments[-1]).fee += short
    out = f"1002:{fact.channel}"
    move(state, "payment_return", fact, [("2102", out, part), ("1105", out, short)])


# --- what staff decide ---


def edit(state: LoanState, fact: Fact, void: bool) -> None:
    """An operator's relative amount, by the kind of edit."""
    if void:
        return
    state.accrue(fact.on)
    amount, kind = fact.amount_minor, fact.edit_kind or ""
    if kind == kinds.MODIFY_PAID_AMOUNT:
        _edit_paid(state, fact, "2102")
    elif kind == kinds.MODIFY_PAID_REVOKE_AMOUNT:
        _edit_paid(state, fact, "2101")
    elif kind == kinds.MODIFY_REVOKE_AMOUNT:
        _edit_revoked(state, fact)
    elif amount > 0:
        charge(state, fact, void)
    else:
        waived: dict[str, int] = {}
        _take_off(state.instalments, WAIVABLE[kind], -amount, waived)
        move(state, "edit", fact, _legs("5003", waived))


def charge(state: LoanState, fact: Fact, void: bool) -> None:
    """A fee or a penalty joins the bill of its due date."""
    if void:
        return
    state.accrue(fact.on)
    bill = state.bill(fact.due or fact.on) or state.instalments[-1]
    if fact.edit_kind in (kinds.MODIFY_BILL_OVERDUE_AMOUNT, kinds.CHARGE_PENALTY):
        bill.penalty_principal += fact.amount_minor
        bill.penalty_principal_exact = plus(bill.penalty_principal_exact, (fact.amount_minor, 1))
        move(state, fact.kind, fact, [("1103", "4002", fact.amount_minor)])
    else:
        bill.fee += fact.amount_minor
        move(state, fact.kind, fact, [("1105", "4004", fact.amount_minor)])


def _edit_paid(state: LoanState, fact: Fact, other: str) -> None:
    """A higher paid amount is taken from the loan's unapplied (or overpaid) money; a lower one is returned to it."""
    amount = fact.amount_minor
    held = state.unapplied_minor if other == "2102" else state.overpaid_minor
    revoke = other == "2101"
    # A revoked payment is returned, so its sign is opposite.
    more_paid = amount < 0 if revoke else amount > 0
    by_bucket: dict[str, int] = {}
    if more_paid:
        part = min(abs(amount), held)
        left = pay(state, QuoteType.OVD_AND_CURRENT, fact.on, part, by_bucket)
        change_minor = part - left
        legs = _settling(other, by_bucket)
    else:
        lent = state.lent_minor
        change_minor = _unpay(state, min(abs(amount), state.paid_minor), by_bucket)
        state.bear(lent - state.lent_minor, fact.on)
        legs = _legs(other, by_bucket, turned=True)
        change_minor = -change_minor
    state.paid_minor += change_minor
    if revoke:
        state.overpaid_minor -= change_minor
    else:
        state.unapplied_minor -= change_minor
    move(state, "edit", fact, legs)


def _edit_revoked(state: LoanState, fact: Fact) -> None:
    """Part of what was bought on credit is cancelled: the bill shrinks, newest instalment first; or grows back."""
    by_bucket: dict[str, int] = {}
    buckets = WAIVABLE[kinds.MODIFY_REVOKE_AMOUNT]
    if fact.amount_minor > 0:
        state.revoked_minor += _take_off(state.instalments[::-1], buckets, fact.amount_minor, by_bucket)
        move(state, "edit", fact, _legs("5003", by_bucket))
        _free_ahead(state, fact)
        return
    back = min(-fact.amount_minor, state.revoked_minor)
    state.revoked_minor -= back
    bill = state.bill(fact.on) or state.instalments[-1]
    bill.fee += back
    move(state, "edit", fact, [("1105", "5003", back)])


def _take_off(instalments: Iterable[Instalment], buckets: Sequence[str], amount: int, by_bucket: dict[str, int]) -> int:
    """Settle up to `amount` of the buckets without money. Returns the minor units settled."""
    left = amount
    for instalment in instalments:
        left = settle(instalment, buckets, left, by_bucket)
    return amount - left


def _unpay(state: LoanState, amount: int, by_bucket: dict[str, int]) -> int:
    """Undo payments, newest instalment first, principal first. Returns the minor units undone.

    Money that is set aside for later interest has paid nothing yet, so it is taken first.
    """
    left = amount
    for instalment in reversed(state.instalments):
        part = min(left, instalment.interest_ahead)
        instalment.interest_ahead -= part
        by_bucket[INTEREST_AHEAD] = by_bucket.get(INTEREST_AHEAD, 0) + part
        left -= part
    for instalment in reversed(state.instalments):
        for bucket in reversed(ACCOUNTS):
            part = min(left, getattr(instalment, bucket + "_paid"))
            if part:
                instalment.pay(bucket, -part)
                by_bucket[bucket] = by_bucket.get(bucket, 0) + part
                left -= part
    return amount - left


def _free_ahead(state: LoanState, fact: Fact) -> None:
    """After principal fell without a payment, use the money set aside for interest that is no longer needed."""
    if not state.outstanding_principal_minor:
        state.bear_nothing()
        _settle_with_ahead(state, fact)
    elif state.ahead_minor:
        paid: dict[str, int] = {}
        _move_ahead(state, fact, paid, _in_advance(state, fact.on, 0, paid, aside=False))


def _settle_with_ahead(state: LoanState, fact: Fact) -> None:
    """No more interest will accrue: the money set aside for it pays what is owed."""
    ahead = state.take_ahead()
    if ahead:
        paid = {INTEREST_AHEAD: -ahead}
        _move_ahead(state, fact, paid, allocate(state.terms.product, state.by_timing(fact.on), ahead, paid))


def _move_ahead(state: LoanState, fact: Fact, paid: dict[str, int], left: int) -> None:
    state.paid_minor -= left
    state.overpaid_minor += left
    move(state, "interest_in_advance", fact, _settling(INTEREST_IN_ADVANCE, paid, left))


def write_off(state: LoanState, fact: Fact, void: bool) -> None:
    """What is owed becomes a credit loss. Later receipts are recoveries."""
    if void:
        return
    state.accrue(fact.on)
    _settle_with_ahead(state, fact)
    lost: dict[str, int] = {}
    state.written_off_minor += _take_off(state.instalments, list(ACCOUNTS), state.outstanding_minor, lost)
    state.bear_nothing()
    move(state, "write_off", fact, _legs("5002", lost))


# --- money going back ---


def agree_refund(state: LoanState, fact: Fact, void: bool) -> None:
    """A refund of overpaid money is agreed: it moves from overpaid to refunding."""
    part = min(fact.amount_minor, state.overpaid_minor)
    state.overpaid_minor -= part
    state.refunding_minor += part
    move(state, "refund_agreed", fact, [("2101", "2103", part)])


def pay_refund(state: LoanState, fact: Fact, void: bool) -> None:
    """The refund was paid through its channel. What a changed history no longer covers is owed again, as a fee."""
    part = min(fact.amount_minor, state.refunding_minor)
    short = fact.amount_minor - part
    state.refunding_minor -= part
    if short:
        (state.bill(fact.on) or state.instalments[-1]).fee += short
    out = f"1002:{fact.channel}"
    move(state, "refund_paid", fact, [("2103", out, part), ("1105", out, short)])


def agree_compensation(state: LoanState, fact: Fact, void: bool) -> None:
    """A compensation is agreed: it is owed to the borrower."""
    state.compensation_minor += fact.amount_minor
    move(state, "compensation_agreed", fact, [("5004", "2104", fact.amount_minor)])


def pay_compensation(state: LoanState, fact: Fact, void: bool) -> None:
    """The compensation was paid through its channel."""
    state.compensation_minor -= fact.amount_minor
    move(state, "compensation_paid", fact, [("2104", f"1002:{fact.channel}", fact.amount_minor)])


def no_movement(state: LoanState, fact: Fact, void: bool) -> None:
    """No movement: a status override, a reversal and the move of a receipt to another loan post nothing themselves."""


EFFECTS: dict[str, Effect] = {
    kinds.ACCEPTANCE: accept,
    kinds.DISBURSEMENT: disburse,
    kinds.PAYOUT_FAILURE: fail_payout,
    kinds.RECEIPT: receive,
    kinds.SECOND_RECEIPT: receive_again,
    kinds.PAYMENT_RETURN: clawback,
    kinds.EDIT: edit,
    kinds.CHARGE: charge,
    kinds.WRITE_OFF: write_off,
    kinds.REFUND_AGREED: agree_refund,
    kinds.REFUND_PAID: pay_refund,
    kinds.COMPENSATION_AGREED: agree_compensation,
    kinds.COMPENSATION_PAID: pay_compensation,
    kinds.STATUS_OVERRIDE: no_movement,
    kinds.REVERSAL: no_movement,
    kinds.MOVED: no_movement,
}


def _settling(other: str, paid: dict[str, int], left: int = 0) -> list[tuple[str, str, int]]:
    """Legs for money that was settled, set aside and left over. Freed money pays first, then `other`."""
    aside = paid.get(INTEREST_AHEAD, 0)
    into = [(account, paid[bucket]) for bucket, account in ACCOUNTS.items() if bucket in paid]
    legs, free = [], max(0, -aside)
    for account, amount in (*into, (INTEREST_IN_ADVANCE, max(0, aside)), ("2101", left)):
        part = min(free, amount)
        free -= part
        legs += [(INTEREST_IN_ADVANCE, account, part), (other, account, amount - part)]
    return legs


def _legs(other: str, by_bucket: dict[str, int], *, turned: bool = False) -> list[tuple[str, str, int]]:
    """Legs from the other account into each bucket's receivable, in the standard order; `turned` swaps the sides."""
    accounts = ACCOUNTS | {INTEREST_AHEAD: INTEREST_IN_ADVANCE}
    legs = [(other, account, by_bucket.get(bucket, 0)) for bucket, account in accounts.items()]
    return [(account, other, amount) for _, account, amount in legs] if turned else legs
