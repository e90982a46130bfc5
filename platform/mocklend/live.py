"""A population that lives in a running sandbox: borrowers borrow and pay, staff work, all over the public API.

        story (seed, n) ──▶ what is done, by day and hour ──▶ client ──▶ sandbox, whose clock is moved to each hour

The borrowers are those of the data sets (`dataset/story.py`), and each has more to do: after a payment they look at the
status page, some query their score and apply elsewhere, some are charged a fee that is waived. Requests are made one
after the other, with keys made of the borrower and the hour: in a fresh sandbox the same seed and options give the same
answer key, byte for byte. A request whose answer is late, broken or a temporary refusal is retried under the same key,
as a good client does; a final refusal is counted, and the story goes on.
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
"""The actions, and how their counts are labelled."""
LOANS_MAX, DAYS_MAX = 10_000, 1_095
CREDIT_MINOR = 10_000_00
FEE_MINOR = 12_00
TRIES_MAX = 5
"""How often a request is made; then the story goes on without its answer."""
FOR_NOW = frozenset({429, 500, 502, 503, 504})
AT_END = 12
"""The hour of the day after the last, at which the season ends: the statements of the last day are ready."""


class CannotLive(ValueError):
    """The season cannot be played: an option, or the sandbox's clock, is wrong."""


@dataclass(frozen=True, slots=True)
class SeasonOptions:
    """The options of a season. With `wall` it waits for a clock that runs by itself instead of moving it."""

    loans: int = 30
    days: int = 45
    seed: int = 7
    wall: bool = False

    def __post_init__(self) -> None:
        for name, value, most in (("loans", self.loans, LOANS_MAX), ("days", self.days, DAYS_MAX)):
            if not 1 <= value <= most:
                raise CannotLive(f"{name} must be a number from 1 to {most}, not {value}")


@dataclass(slots=True)
class SeasonReport:
    """The result of a season."""

    first_day: date
    last_day: date
    did: Counter[str] = field(default_factory=Counter)
    """How often each action was done, by verb."""
    refused: Counter[str] = field(default_factory=Counter)
    """Final refusals, by the problem's code."""
    asked_again: int = 0
    """Requests that were retried: the answer was late, broken, or a temporary refusal."""
    given_up: int = 0
    """Requests that had no answer after TRIES_MAX tries."""

    def to_json(self) -> Doc:
        """Return what `mocklend live --json` prints."""
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
    options: SeasonOptions,
    *,
    progress: Callable[[int], None] = lambda days: None,
    sleep: Callable[[float], None] = time.sleep,
) -> SeasonReport:
    """Play a season in the client's sandbox. `progress` is called with the number of days that have passed.

    A clock that runs by itself is stopped during the season, and runs on afterwards from where the season ended; with
    `wall` the season waits for it. Raises CannotLive, and ProblemError if the platform refuses the first requests.
    """
    clock = client.clock()
    runs = clock["mode"] == "wall"
    if options.wall and not runs:
        raise CannotLive("this sandbox's clock is manual, so there is nothing to wait for")
    start = client.hold_clock() if runs and not options.wall else clock
    try:
        return _Season(client, options, start, sleep).play(progress)
    finally:
        if runs and not options.wall:
            client.run_clock(speed=clock["speed"] or 1)


class _Season:
    """A season in progress."""

    def __init__(self, client: Client, options: SeasonOptions, clock: Doc, sleep: Callable[[float], None]) -> None:
        self._client, self._options, self._sleep = client, options, sleep
        self._zone = ZoneInfo(clock["zone"])
        today = datetime.fromisoformat(clock["now"]).astimezone(self._zone).date()
        self._first = today + timedelta(days=1)
        # The day is in every reference, so that the next season has other borrowers.
        self._people = [
            _Person(story(options.seed, n, options.days, label=f"{self._first:%y%m%d}-{n}"))
            for n in range(options.loans)
        ]
        self.lived = SeasonReport(self._first, self._first + timedelta(days=options.days - 1))

    def play(self, progress: Callable[[int], None]) -> SeasonReport:
        """Play day by day and hour by hour, in the order of the borrowers."""
        calendar: dict[tuple[int, int], list[tuple[_Person, Act]]] = defaultdict(list)
        for person in self._people:
            for act in _life(self._options.seed, person.story, self._options.days):
                calendar[act.day, act.hour].append((person, act))
        for day in range(self._options.days):
            for hour in sorted(hour for on, hour in calendar if on == day):
                self._wait_until(day, hour)
                for person, act in calendar[day, hour]:
                    self._do(person, act)
            progress(1)
        self._wait_until(self._options.days, AT_END)
        return self.lived

    def _wait_until(self, day: int, hour: int) -> None:
        at = datetime.combine(self._first + timedelta(days=day), hour_of_day(hour), self._zone)
        if not self._options.wall:
            self._client.advance(to=at.isoformat())
            return
        while True:
            clock = self._client.clock()
            left = (at - datetime.fromisoformat(clock["now"])).total_seconds()
            if left <= 0:
                return
            self._sleep(left / (clock["speed"] or 1))

    def _do(self, person: _Person, act: Act) -> None:
        """Do one action of a borrower, or of staff on the borrower's loan."""
        plot = person.story
        if act.verb == BORROW:
            borrower = self._ask(
                self._client.add_borrower,
                plot.reference.replace("loan", "borrower"),
                plot.name,
                credit_limit_minor=CREDIT_MINOR,
            )
            person.ids["borrower"] = borrower.get("id")
        if answer := self._answer(person, act, f"live-{plot.reference}-{act.verb}-{act.day}-{act.hour}"):
            self.lived.did[act.verb] += 1
            person.ids[act.verb] = answer.get("id")
            person.ids["paid in"] = answer.get("out_trade_no") if act.verb == PUSH else person.ids.get("paid in")

    def _answer(self, person: _Person, act: Act, key: str) -> Doc:
        """Return the answer to an action; empty if it could not be done or was refused."""
        client, plot, ids = self._client, person.story, person.ids
        loan = ids.get(BORROW)
        keyed: dict[str, Any] = {"idempotency_key": key}
        olaf, olga = keyed | {"operator": "olaf"}, keyed | {"operator": "olga"}
        match act.verb:
            case "borrow" if ids["borrower"]:
                return self._ask(
                    client.borrow, ids["borrower"], plot.principal_minor, product_id=plot.product_id, currency="CNY",
                    reference=plot.reference, auto_debit=plot.auto_debit, disburse_to="bank_transfer", **keyed,
                )  # fmt: skip
            case _ if not loan:
                return {}
            case "pay" | "push":
                # The debt is quoted first, and nothing is paid if nothing is owed.
                person.quote = self._ask(client.quote, loan, act.scope)
                if not person.quote.get("total_minor"):
                    return {}
                if act.verb == PAY:
                    return self._ask(client.repay_quote, person.quote, act.channel, **keyed)
                return self._ask(
                    client.pay_at_channel, act.channel, person.quote["total_minor"], payer_name=plot.name,
                    payer_reference=act.text, type=act.scope, currency="CNY", **keyed,
                )  # fmt: skip
            case "again" if person.quote.get("total_minor"):
                return self._ask(client.repay, loan, person.quote["total_minor"], act.channel, act.scope, **keyed)
            case "match" if receipt := self._receipt(ids.get("paid in")):
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
            case "waive" if ids.get(FEE):
                return self._ask(client.waive, loan, "fee", FEE_MINOR, memo="goodwill", **olaf)
            case "unwaive" if ids.get(WAIVE):
                return self._ask(client.reverse_edit, ids[WAIVE], memo="not agreed", **olga)
            case "dispute":
                return self._ask(client.open_dispute, loan, "other", statement=act.text, **keyed)
            case "verify" if ids.get(DISPUTE):
                return self._ask(client.verify_dispute, ids[DISPUTE], **olga)
            case "decide" if ids.get(DISPUTE):
                return self._ask(
                    client.decide_dispute, ids[DISPUTE], DisputeState.UPHELD, memo=act.text,
                    correct=not act.amount_minor,
                    compensation_minor=act.amount_minor or None, **olga,
                )  # fmt: skip
            case "look":
                self._ask(client.instalments, loan)
                return self._ask(client.loan, loan)
            case "score":
                return self._ask(client.credit_score, ids["borrower"], transaction_id=key)
            case "apply":
                return self._ask(client.apply, "swift-card", ids["borrower"], "card", 1_000_00, **keyed)
        return {}

    def _receipt(self, order: str | None) -> str | None:
        """Return the id of an order's unapplied receipt, as staff find it in the list."""
        cursor = None
        while order:
            page = self._ask(self._client.receipts, state=ReceiptState.UNAPPLIED, limit=500, cursor=cursor)
            for receipt in page.get("receipts", ()):
                if receipt["out_trade_no"] == order:
                    return str(receipt["id"])
            cursor = page.get("next_cursor")
            order = order if cursor else None
        return None

    def _ask(self, call: Callable[..., Doc], *args: Any, **kwargs: Any) -> Doc:
        """Return the final answer; empty if it is a refusal or none came. All tries have one key."""
        for attempt in range(TRIES_MAX):
            self.lived.asked_again += bool(attempt)
            try:
                if answer := call(*args, **kwargs):
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
    """A borrower with a loan, and the ids to remember."""

    story: Story
    quote: Doc = field(default_factory=dict)
    ids: dict[str, Any] = field(default_factory=dict)
    """Ids, by the action whose answer had them."""


def _life(seed: int, plot: Story, days: int) -> list[Act]:
    """The story of a loan, and what else its borrower and staff do. Pure."""
    acts = [*plot.acts, *_beside(random.Random(f"{seed}/{plot.n}/life"), plot, days)]
    return sorted((act for act in acts if act.day < days), key=lambda act: (act.day, act.hour))


def _beside(chance: random.Random, plot: Story, days: int) -> Iterator[Act]:
    borrow_day = plot.acts[0].day if plot.acts else days
    for act in plot.acts:
        if act.verb in (PAY, PUSH):
            yield Act(act.day, HOURS[-1], LOOK)
            yield Act(act.day + 1, HOURS[0], LOOK)
        elif act.verb == AGAIN:
            yield Act(act.day + 2, HOURS[1], REFUND, channel=act.channel)
    if not chance.randrange(8):
        day = chance.randrange(borrow_day + 1, max(borrow_day + 2, days))
        yield Act(day, HOURS[1], SCORE)
        yield Act(day, HOURS[2], APPLY)
    if not chance.randrange(16):
        day = chance.randrange(borrow_day + 1, max(borrow_day + 2, days))
        yield Act(day, HOURS[0], FEE)
        yield Act(day + 1, HOURS[1], WAIVE)
        if chance.randrange(2):
            yield Act(day + 3, HOURS[1], UNWAIVE)


__all__ = ["DID", "CannotLive", "SeasonOptions", "SeasonReport", "live"]
