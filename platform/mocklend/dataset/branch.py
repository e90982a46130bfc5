"""One branch: some loans on a platform of their own, played day by day; `reading.py` reads it out."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from mocklend.channels.payments import PayAtChannel
from mocklend.dataset.own_platform import OwnPlatform
from mocklend.dataset.story import BORROW, DISPUTE, PAY, PUSH, Act, Story
from mocklend.domain.channel import channel_of
from mocklend.domain.facts import midnight_ms
from mocklend.domain.nouns import JsonObject
from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS
from mocklend.domain.statuses import DisputeState
from mocklend.lending import AddBorrower, Borrow, MakeQuote, Repay
from mocklend.sandboxes.ids import receipt_of
from mocklend.sandboxes.lifecycle import DEFAULT_ZONE
from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.servicing import DecideDispute, Edit, OpenDispute, VerifyDispute
from mocklend.servicing.matching import MatchReceipt
from mocklend.storage.work import Command, Idempotency
from mocklend.views import reads
from mocklend.views.render import LoanDoc
from mocklend.webhooks.endpoints import AddEndpoint

FIRST_DAY = date(2026, 1, 5)
FIRST_MS = midnight_ms(FIRST_DAY, DEFAULT_ZONE)
"""The start of the season: a Monday, in the platform's time zone, which has no summer time."""
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
SAMPLED_AT, READ_AT = 23, 12
"""The hour at which views are sampled, and the hour of the day after the last at which the branch is read."""
WEEK, MONTH, LONG = 7, 30, 120
"""Views are sampled every 7 days; in a season of more than `LONG` days, every 30."""
CREDIT_MINOR = 10_000_00
NOWHERE = "http://127.0.0.1:9/mocklend"


def seed_of(seed: int, branch: int) -> int:
    """Return the seed of a branch's sandbox. Each branch has another one, so that no id is repeated."""
    digest = hashlib.blake2b(f"dataset/{seed}/{branch}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


class Branch:
    """A branch in progress. `play` it first, then read it."""

    def __init__(self, platform: OwnPlatform, number: int, stories: Sequence[Story], days: int) -> None:
        self.number = number
        self.days = days
        self.stories = stories
        self.platform = platform
        self.id = platform.sandbox_id
        self.loans: list[str] = [""] * len(stories)
        self.borrowers: list[str] = [""] * len(stories)
        self.pages: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        """The views of each loan as sampled: they cannot be read at the end."""
        self._receipts: dict[int, str] = {}
        self._disputes: dict[int, str] = {}

    # --- playing ---

    def play(self, day_is_over: Callable[[int], None]) -> None:
        """Play the season; `day_is_over` is called with the number of loans after each day."""
        runtime = self.platform.runtime
        runtime.run(AddEndpoint(self.id, NOWHERE, ("*",), "standard"))
        calendar: dict[tuple[int, int], list[tuple[int, Act]]] = defaultdict(list)
        for n, story in enumerate(self.stories):
            for act in story.acts:
                calendar[act.day, act.hour].append((n, act))
        step = WEEK if self.days <= LONG else MONTH
        for day in range(self.days):
            for hour in sorted(hour for on, hour in calendar if on == day):
                runtime.advance(self.id, FIRST_MS + day * DAY_MS + hour * HOUR_MS)
                self._do(calendar[day, hour])
            if (day + 1) % step == 0 or day + 1 == self.days:
                runtime.advance(self.id, FIRST_MS + day * DAY_MS + SAMPLED_AT * HOUR_MS)
                self._sample()
            day_is_over(len(self.stories))
        runtime.advance(self.id, FIRST_MS + self.days * DAY_MS + READ_AT * HOUR_MS)

    def _do(self, acts: list[tuple[int, Act]]) -> None:
        """Run what borrowers and staff do at one time, in the order of the loans."""
        borrowings = [(n, act) for n, act in acts if act.verb == BORROW]
        borrowers = self._run(
            [AddBorrower(self.id, self._reference(n), self.stories[n].name, CREDIT_MINOR) for n, _ in borrowings]
        )
        for (n, _), body in zip(borrowings, borrowers, strict=True):
            self.borrowers[n] = body["id"]
        quoted = [(n, act) for n, act in acts if act.verb in (PAY, PUSH)]
        quotes = self._run([MakeQuote(self.id, self.loans[n], act.scope, None) for n, act in quoted])
        owed = {n: quote for (n, _), quote in zip(quoted, quotes, strict=True) if quote and quote["total_minor"]}
        commands = [(n, act, command) for n, act in acts if (command := self._command(n, act, owed.get(n)))]
        for (n, act, _), body in zip(commands, self._run([command for _, _, command in commands]), strict=True):
            self._remember(n, act.verb, body)

    def _run(self, commands: Sequence[Command]) -> list[JsonObject]:
        """Run commands in their order, many in one commit. The answer of a refused command is empty."""
        waiting = [self.platform.runtime.writer.submit(command) for command in commands]
        answers = []
        for future in waiting:
            try:
                answers.append(dict(future.result().body))
            except Refused:
                answers.append({})
        return answers

    def _command(self, n: int, act: Act, quote: JsonObject | None) -> Command | None:
        """Return the command of an action, or None if it cannot be done."""
        plot, loan_id = self.stories[n], self.loans[n]
        idem = Idempotency(f"{act.verb}-{plot.n}-{act.day}-{act.hour}", "")
        match act.verb:
            case "borrow":
                product = PRODUCTS[plot.product_id]
                return Borrow(
                    self.id, idem, self.borrowers[n], plot.principal_minor, "CNY", product, plot.product_id,
                    plot.reference, plot.auto_debit, "bank_transfer", channel_of("bank_transfer").settle_delay_s,
                )  # fmt: skip
            case "pay" | "again" if quote:
                quote_id = (
                    quote["id"] if act.verb == PAY else None
                )  # The second order has the same amount and no quote.
                return Repay(self.id, idem, loan_id, quote["total_minor"], act.channel, act.scope, quote_id, None)
            case "push" if quote:
                return PayAtChannel(
                    self.id, idem, act.channel, quote["total_minor"], "CNY", plot.name, act.text, act.scope
                )
            case "match" if n in self._receipts:
                memo = "the payer called"
                return MatchReceipt(self.id, idem, self._receipts[n], loan_id, memo, "olga")
            case "edit":
                return Edit(
                    self.id, idem, loan_id, "MODIFY_BILL_AMOUNT", act.amount_minor, None, act.text, "olaf", None
                )
            case "override":
                return Edit(self.id, idem, loan_id, "MODIFY_BILL_STATUS", None, "VALID", act.text, "olaf", None)
            case "dispute":
                return OpenDispute(self.id, idem, loan_id, "other", act.text, ())
            case "verify" if n in self._disputes:
                return VerifyDispute(self.id, idem, self._disputes[n], "olga")
            case "decide" if n in self._disputes:
                return DecideDispute(
                    self.id, idem, self._disputes[n], DisputeState.UPHELD, act.text, "olga",
                    correct=not act.amount_minor, compensation_minor=act.amount_minor or None,
                )  # fmt: skip
        return None

    def _remember(self, n: int, verb: str, body: JsonObject) -> None:
        if verb == BORROW:
            self.loans[n] = body["id"]
        elif verb == PUSH and body:
            self._receipts[n] = receipt_of(body["out_trade_no"])
        elif verb == DISPUTE and body:
            self._disputes[n] = body["id"]

    def _reference(self, n: int) -> str:
        return f"borrower-{self.stories[n].n}"

    def _sample(self) -> None:
        """Record what each view shows of each loan now."""
        with self.platform.runtime.snapshot(self.id) as snapshot:
            for view in (reads.PAGE, reads.REPLICA, reads.LIST, reads.INSTALMENTS):
                for doc in reads.each_in_view(snapshot, view):
                    self.pages[doc["id"]].append(_sample_row(snapshot.now_ms, view, doc))


def _sample_row(now_ms: int, view: str, doc: LoanDoc) -> tuple[Any, ...]:
    balances = (
        doc["status"], doc["outstanding_minor"], doc["outstanding_principal_minor"], doc["overdue_minor"],
        doc["overpaid_minor"], doc["paid_minor"],
    )  # fmt: skip
    shown = (None,) * len(balances) if view == reads.INSTALMENTS else balances
    return (now_ms, view, doc["version"], parse_rfc3339(doc["as_of"]), *shown)
