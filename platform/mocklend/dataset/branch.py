"""One branch: so many loans on a platform of their own, played day by day; `reading.py` reads it out."""

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
"""The season's first moment: a Monday, in the lender's zone, which has no summer time."""
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
SAMPLED_AT, READ_AT = 23, 12
"""The hour at which views are looked at, and the hour after the last day at which all is read: statements are there."""
WEEK, MONTH, LONG = 7, 30, 120
"""Views are looked at once a week; in a season of more than `LONG` days, once in 30."""
CREDIT_MINOR = 10_000_00
NOWHERE = "http://127.0.0.1:9/mocklend"


def seed_of(seed: int, branch: int) -> int:
    """The seed of a branch's sandbox: others have others, so no id comes twice."""
    digest = hashlib.blake2b(f"dataset/{seed}/{branch}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


class Branch:
    """A branch while it lives. `play` first, then read."""

    def __init__(self, platform: OwnPlatform, number: int, stories: Sequence[Story], days: int) -> None:
        self.number = number
        self.days = days
        self.stories = stories
        self.platform = platform
        self.id = platform.sandbox_id
        self.loans: list[str] = [""] * len(stories)
        self.borrowers: list[str] = [""] * len(stories)
        self.pages: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        """What the views said of each loan: the one thing that cannot be read at the end."""
        self._receipts: dict[int, str] = {}
        self._disputes: dict[int, str] = {}

    # --- playing ---

    def play(self, day_is_over: Callable[[int], None]) -> None:
        """Live through the season; `day_is_over` hears of each day's loans."""
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
                self._look()
            day_is_over(len(self.stories))
        runtime.advance(self.id, FIRST_MS + self.days * DAY_MS + READ_AT * HOUR_MS)

    def _do(self, acts: list[tuple[int, Act]]) -> None:
        """What people and staff do at one moment, in the order of the loans."""
        born = [(n, act) for n, act in acts if act.verb == BORROW]
        found = self._run(
            [AddBorrower(self.id, self._reference(n), self.stories[n].name, CREDIT_MINOR) for n, _ in born]
        )
        for (n, _), body in zip(born, found, strict=True):
            self.borrowers[n] = body["id"]
        quoted = [(n, act) for n, act in acts if act.verb in (PAY, PUSH)]
        quotes = self._run([MakeQuote(self.id, self.loans[n], act.scope, None) for n, act in quoted])
        owed = {n: quote for (n, _), quote in zip(quoted, quotes, strict=True) if quote and quote["total_minor"]}
        todo = [(n, act, command) for n, act in acts if (command := self._command(n, act, owed.get(n)))]
        for (n, act, _), body in zip(todo, self._run([command for _, _, command in todo]), strict=True):
            self._remember(n, act.verb, body)

    def _run(self, commands: Sequence[Command]) -> list[dict[str, Any]]:
        """Carry them out in their order, many in one commit; what is refused has an empty answer."""
        waiting = [self.platform.runtime.writer.submit(command) for command in commands]
        answers = []
        for one in waiting:
            try:
                answers.append(dict(one.result().body))
            except Refused:
                answers.append({})
        return answers

    def _command(self, n: int, act: Act, quote: dict[str, Any] | None) -> Command | None:
        """The command that an act is, or none where there is nothing to do it to."""
        told, loan_id = self.stories[n], self.loans[n]
        idem = Idempotency(f"{act.verb}-{told.n}-{act.day}-{act.hour}", "")
        match act.verb:
            case "borrow":
                product = PRODUCTS[told.product_id]
                return Borrow(
                    self.id, idem, self.borrowers[n], told.principal_minor, "CNY", product, told.product_id,
                    told.reference, told.auto_debit, "bank_transfer", channel_of("bank_transfer").settle_delay_s,
                )  # fmt: skip
            case "pay" | "again" if quote:
                quote_id = quote["id"] if act.verb == PAY else None  # The second order is for the same amount, unasked.
                return Repay(self.id, idem, loan_id, quote["total_minor"], act.channel, act.scope, quote_id, None)
            case "push" if quote:
                return PayAtChannel(
                    self.id, idem, act.channel, quote["total_minor"], "CNY", told.name, act.text, act.scope
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

    def _remember(self, n: int, verb: str, body: dict[str, Any]) -> None:
        if verb == BORROW:
            self.loans[n] = body["id"]
        elif verb == PUSH and body:
            self._receipts[n] = receipt_of(body["out_trade_no"])
        elif verb == DISPUTE and body:
            self._disputes[n] = body["id"]

    def _reference(self, n: int) -> str:
        return f"borrower-{self.stories[n].n}"

    def _look(self) -> None:
        """What each view says of each loan, now."""
        with self.platform.runtime.snapshot(self.id) as snapshot:
            for view in (reads.PAGE, reads.REPLICA, reads.LIST, reads.INSTALMENTS):
                for doc in reads.each_shown(snapshot, view):
                    self.pages[doc["id"]].append(_seen(snapshot.now_ms, view, doc))


def _seen(now_ms: int, view: str, doc: LoanDoc) -> tuple[Any, ...]:
    balances = (
        doc["status"], doc["outstanding_minor"], doc["outstanding_principal_minor"], doc["overdue_minor"],
        doc["overpaid_minor"], doc["paid_minor"],
    )  # fmt: skip
    shown = (None,) * len(balances) if view == reads.INSTALMENTS else balances
    return (now_ms, view, doc["version"], parse_rfc3339(doc["as_of"]), *shown)
