"""A population that lives in a running sandbox: people borrow and pay, staff work, all over the public API.

        story (seed, n) ──▶ what is done, by day and hour ──▶ client ──▶ sandbox, whose clock is moved to each hour

The people are those of the data sets (`dataset/story.py`), and each of them has a life beside the loan: who paid looks
at the page, some ask for their score and apply elsewhere, some are charged a fee that is waived. One request follows
another, and the keys are made of whom and when: so in a fresh sandbox the same seed and options give the same answer
key, byte for byte. An answer that is late, broken or refused for now is asked for again under the same key, as a good
client does; what is refused for good does not happen, as in life.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as hour_of_day
from typing import Any
from zoneinfo import ZoneInfo

import requests

from mocklend.client import Client, Doc, ProblemError
from mocklend.dataset.story import AGAIN, BORROW, DISPUTE, HOURS, PAY, PUSH, Act, Story, story
from mocklend.domain.statuses import DisputeState, ReceiptState

LOOK, SCORE, APPLY, FEE, WAIVE, UNWAIVE, REFUND = "look", "score", "apply", "fee", "waive", "unwaive", "refund"
DID: Mapping[str, str] = {
    "borrow": "loans",
    "pay": "repayments",
    "again": "paid twice",
    "push": "payments without an order",
    "match": "receipts matched",
    "refund": "refunds",
    "edit": "edits",
    "override": "statuses set",
    "fee": "fees",
    "waive": "waivers",
    "unwaive": "waivers taken back",
    "dispute": "disputes",
    "verify": "disputes verified",
    "decide": "disputes decided",
    "look": "looks at a page",
    "score": "scores asked for",
    "apply": "applications to other lenders",
}
"""What can be done, and what a number of it is called."""
LOANS_MAX, DAYS_MAX = 10_000, 1_095
CREDIT_MINOR = 10_000_00
FEE_MINOR = 12_00
PATIENCE = 5
"""So often one asks; after that one goes on without."""
FOR_NOW = frozenset({429, 500, 502, 503, 504})
AT_END = 12
"""The hour after the last day at which the season ends: the statements of the last day are there."""


class CannotLive(ValueError):
    """Nobody can live there so: what is wrong with the options, or with the sandbox's clock."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many people for how long. `wall` waits for a clock that runs by itself instead of moving it."""

    loans: int = 30
    days: int = 45
    seed: int = 7
    wall: bool = False

    def __post_init__(self) -> None:
        for name, value, most in (("loans", self.loans, LOANS_MAX), ("days", self.days, DAYS_MAX)):
            if not 1 <= value <= most:
                raise CannotLive(f"{name} is a number from 1 to {most}, not {value}")


@dataclass(slots=True)
class Lived:
    """What came of it."""

    first_day: date
    last_day: date
    did: Counter[str] = field(default_factory=Counter)
    """How often each thing was done."""
    refused: Counter[str] = field(default_factory=Counter)
    """What was refused for good, by the problem's code."""
    asked_again: int = 0
    """Requests that were made again, since the answer was late, broken or refused for now."""
    given_up: int = 0
    """What nobody answered, however often it was asked."""

    def to_json(self) -> Doc:
        """As `mocklend live --json` prints it."""
        return {
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "did": {verb: self.did[verb] for verb in DID},
            "refused": dict(sorted(self.refused.items())),
            "asked_again": self.asked_again,
            "given_up": self.given_up,
        }


def live(
    client: Client,
    wanted: Wanted,
    *,
    progress: Callable[[int], None] = lambda days: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Lived:
    """Live through the season in the client's sandbox; `progress` hears of days.

    A clock that runs by itself is held meanwhile, and runs on afterwards from where the season ended; with `wall` it is
    waited for. Raises CannotLive, and ProblemError where the platform cannot be played in.
    """
    clock = client.clock()
    runs = clock["mode"] == "wall"
    if wanted.wall and not runs:
        raise CannotLive("this sandbox's clock moves only when it is told to, so there is nothing to wait for")
    held = client.hold_clock() if runs and not wanted.wall else clock
    try:
        return _Season(client, wanted, held, sleep).play(progress)
    finally:
        if runs and not wanted.wall:
            client.run_clock(speed=clock["speed"] or 1)


class _Season:
    """A season while it is lived through."""

    def __init__(self, client: Client, wanted: Wanted, clock: Doc, sleep: Callable[[float], None]) -> None:
        self._client, self._wanted, self._sleep = client, wanted, sleep
        self._zone = ZoneInfo(clock["zone"])
        today = datetime.fromisoformat(clock["now"]).astimezone(self._zone).date()
        self._first = today + timedelta(days=1)
        # The day is in every name, so that a season that follows has people of its own.
        self._people = [
            _Person(story(wanted.seed, n, wanted.days, label=f"{self._first:%y%m%d}-{n}")) for n in range(wanted.loans)
        ]
        self.lived = Lived(self._first, self._first + timedelta(days=wanted.days - 1))

    def play(self, progress: Callable[[int], None]) -> Lived:
        """Day by day, hour by hour, in the order of the people."""
        calendar: dict[tuple[int, int], list[tuple[_Person, Act]]] = defaultdict(list)
        for person in self._people:
            for act in _life(self._wanted.seed, person.story, self._wanted.days):
                calendar[act.day, act.hour].append((person, act))
        for day in range(self._wanted.days):
            for hour in sorted(hour for on, hour in calendar if on == day):
                self._wait_until(day, hour)
                for person, act in calendar[day, hour]:
                    self._do(person, act)
            progress(1)
        self._wait_until(self._wanted.days, AT_END)
        return self.lived

    def _wait_until(self, day: int, hour: int) -> None:
        at = datetime.combine(self._first + timedelta(days=day), hour_of_day(hour), self._zone)
        if not self._wanted.wall:
            self._client.advance(to=at.isoformat())
            return
        while True:
            clock = self._client.clock()
            left = (at - datetime.fromisoformat(clock["now"])).total_seconds()
            if left <= 0:
                return
            self._sleep(left / (clock["speed"] or 1))

    def _do(self, person: _Person, act: Act) -> None:
        """One act of one person, or of staff on that person's loan."""
        told = person.story
        if act.verb == BORROW:
            borrower = self._ask(
                self._client.add_borrower,
                told.reference.replace("loan", "borrower"),
                told.name,
                credit_limit_minor=CREDIT_MINOR,
            )
            person.known["borrower"] = borrower.get("id")
        if answer := self._answer(person, act, f"live-{told.reference}-{act.verb}-{act.day}-{act.hour}"):
            self.lived.did[act.verb] += 1
            person.known[act.verb] = answer.get("id")
            person.known["paid in"] = answer.get("out_trade_no") if act.verb == PUSH else person.known.get("paid in")

    def _answer(self, person: _Person, act: Act, key: str) -> Doc:
        """What the act was answered; nothing where it could not be done, or was refused."""
        client, told, known = self._client, person.story, person.known
        loan = known.get(BORROW)
        keyed: dict[str, Any] = {"idempotency_key": key}
        olaf, olga = keyed | {"operator": "olaf"}, keyed | {"operator": "olga"}
        match act.verb:
            case "borrow" if known["borrower"]:
                return self._ask(
                    client.borrow, known["borrower"], told.principal_minor, product_id=told.product_id, currency="CNY",
                    reference=told.reference, auto_debit=told.auto_debit, disburse_to="bank_transfer", **keyed,
                )  # fmt: skip
            case _ if not loan:
                return {}
            case "pay" | "push":
                # What is owed is asked first, and nothing is paid where that is nothing.
                person.quote = self._ask(client.quote, loan, act.scope)
                if not person.quote.get("total_minor"):
                    return {}
                if act.verb == PAY:
                    return self._ask(client.repay_quote, person.quote, act.channel, **keyed)
                return self._ask(
                    client.pay_at_channel, act.channel, person.quote["total_minor"], payer_name=told.name,
                    payer_reference=act.text, type=act.scope, currency="CNY", **keyed,
                )  # fmt: skip
            case "again" if person.quote.get("total_minor"):
                return self._ask(client.repay, loan, person.quote["total_minor"], act.channel, act.scope, **keyed)
            case "match" if receipt := self._receipt(known.get("paid in")):
                return self._ask(client.match_receipt, receipt, loan, memo="the payer called", **olga)
            case "refund":
                return self._ask(client.refund, loan, act.channel, memo="paid twice", **olga)
            case "edit":
                return self._ask(
                    client.edit, loan, "MODIFY_BILL_AMOUNT", amount_minor=act.amount_minor, memo=act.text, **olaf
                )
            case "override":
                return self._ask(client.edit, loan, "MODIFY_BILL_STATUS", status="VALID", memo=act.text, **olaf)
            case "fee":
                due = self._first + timedelta(days=act.day + 10)
                memo = f"fee of {FEE_MINOR // 100}.00 for a reminder"
                return self._ask(client.charge, loan, "fee", FEE_MINOR, due.isoformat(), memo=memo, **olaf)
            case "waive" if known.get(FEE):
                return self._ask(client.waive, loan, "fee", FEE_MINOR, memo="goodwill", **olaf)
            case "unwaive" if known.get(WAIVE):
                return self._ask(client.reverse_edit, known[WAIVE], memo="not agreed", **olga)
            case "dispute":
                return self._ask(client.open_dispute, loan, "other", statement=act.text, **keyed)
            case "verify" if known.get(DISPUTE):
                return self._ask(client.verify_dispute, known[DISPUTE], **olga)
            case "decide" if known.get(DISPUTE):
                return self._ask(
                    client.decide_dispute, known[DISPUTE], DisputeState.UPHELD, memo=act.text,
                    correct=not act.amount_minor,
                    compensation_minor=act.amount_minor or None, **olga,
                )  # fmt: skip
            case "look":
                self._ask(client.instalments, loan)
                return self._ask(client.loan, loan)
            case "score":
                return self._ask(client.credit_score, known["borrower"], transaction_id=key)
            case "apply":
                return self._ask(client.apply, "swift-card", known["borrower"], "card", 1_000_00, **keyed)
        return {}

    def _receipt(self, order: str | None) -> str | None:
        """The receipt of a payment that nobody could assign, as staff find it in the list."""
        cursor = None
        while order:
            page = self._ask(self._client.receipts, state=ReceiptState.UNAPPLIED, limit=500, cursor=cursor)
            for receipt in page.get("receipts", ()):
                if receipt["out_trade_no"] == order:
                    return str(receipt["id"])
            cursor = page.get("next_cursor")
            order = order if cursor else None
        return None

    def _ask(self, call: Callable[..., Doc], *given: Any, **named: Any) -> Doc:
        """What is answered in the end; nothing where that is a no, or nothing. One key for all tries."""
        for tried in range(PATIENCE):
            self.lived.asked_again += bool(tried)
            try:
                if answer := call(*given, **named):
                    return answer
            except ProblemError as problem:
                if problem.status not in FOR_NOW and problem.code != "answer_not_understood":
                    self.lived.refused[problem.code] += 1
                    return {}
            except requests.RequestException:
                continue
        self.lived.given_up += 1
        return {}


@dataclass(slots=True)
class _Person:
    """Somebody with a loan, and what there is to remember."""

    story: Story
    quote: Doc = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    """Ids, by what was done when they were learned."""


def _life(seed: int, told: Story, days: int) -> list[Act]:
    """The story of a loan, and what else its borrower and staff do. Pure."""
    acts = [*told.acts, *_beside(random.Random(f"{seed}/{told.n}/life"), told, days)]
    return sorted((act for act in acts if act.day < days), key=lambda act: (act.day, act.hour))


def _beside(chance: random.Random, told: Story, days: int) -> Iterator[Act]:
    born = told.acts[0].day if told.acts else days
    for act in told.acts:
        if act.verb in (PAY, PUSH):
            yield Act(act.day, HOURS[-1], LOOK)
            yield Act(act.day + 1, HOURS[0], LOOK)
        elif act.verb == AGAIN:
            yield Act(act.day + 2, HOURS[1], REFUND, channel=act.channel)
    if not chance.randrange(8):
        day = chance.randrange(born + 1, max(born + 2, days))
        yield Act(day, HOURS[1], SCORE)
        yield Act(day, HOURS[2], APPLY)
    if not chance.randrange(16):
        day = chance.randrange(born + 1, max(born + 2, days))
        yield Act(day, HOURS[0], FEE)
        yield Act(day + 1, HOURS[1], WAIVE)
        if chance.randrange(2):
            yield Act(day + 3, HOURS[1], UNWAIVE)


__all__ = ["DID", "CannotLive", "Lived", "Wanted", "live"]
