"""Borrowers who act at the same time: each has her own story over HTTP, and all kinds of fault act in it.

        chapter 1   ada ──▶ bo ──▶ ...      one client, or 8, or 32: who comes first within a chapter is up to them
        the clock moves
        chapter 2   ...

The next step of a borrower depends on her number and on her own answers, never on the others. She repeats a request with
the same key if its answer is late, broken or a temporary refusal, as a good client does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests

from mocklend.client import Client, Doc, ProblemError

START = "2026-01-05T02:00:00Z"
SEED = 7
TRIES_MAX = 4
"""How often she sends a request; after that she continues without an answer."""
OLAF = {"operator": "olaf", "memo": "ticket 4711"}
TIMEOUT_S = 120
"""Long enough for a busy machine: a time-out would change the story."""
FOR_NOW = frozenset({429, 500, 503, 504})

ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "api.error_with_side_effect": {"match": {"operation": "repay"}},
    "api.timeout_after_commit": {"match": {"operation": "borrow"}},
    "outage.brownout": {"match": {"operation": "getLoan"}, "with": {"delay_ms": 1, "errors_percent": 60}},
    "outage.dependency": {"match": {"operation": "repay"}, "with": {"channel": "bank_card"}},
    "outage.full": {"match": {"operation": "listInstalments"}},
    "outage.write_only": {"match": {"operation": "edit"}},
    "transport.abort": {"match": {"operation": "getRepayment"}},
    "transport.empty": {"match": {"operation": "getCreditReport"}},
    "transport.latency": {"match": {"operation": "listRepayments"}, "with": {"delay_ms": 1}},
    "transport.malformed": {"match": {"operation": "getCreditScore"}},
    "transport.rate_limit": {"match": {"operation": "addBorrower"}},
    "transport.reset": {"match": {"operation": "getBookedLoan"}},
    "transport.truncated": {"match": {"operation": "getTrade"}},
}
"""Whose answers these kinds break: each has some to itself, or little would be left of any story."""
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "batch.partial": {"with": {"share_done_percent": 30}},
    "callback.acked_not_applied": {"match": {"channel": "wallet"}},
    "callback.delayed": {"match": {"channel": "bank_card"}},
    "callback.dropped": {"match": {"channel": "auto_debit"}},
    "callback.forged_or_altered": {"match": {"channel": "bill_pay"}},
    "callback.duplicated": {"match": {"channel": "bank_card"}},
    "callback.reordered": {"match": {"channel": "wallet"}, "with": {"inbox": "believes"}},
    "cache.lost_invalidation": {"match": {"cause": "receipt"}},
    "cache.stale_set": {"with": {"stale_s": 600}},
    "operator.wrong_loan": {"with": {"line": "first"}},
}


def rule_of(fault: str, **select: object) -> Doc:
    """A rule of this kind, with what it needs to have a part in the story."""
    return {"fault": fault, **(ANSWERS.get(fault) or SETTINGS.get(fault) or {}), "select": select}


class Neighbour:
    """One client and its story."""

    def __init__(self, url: str, api_key: str | None, number: int) -> None:
        self.number, self.name = number, f"neighbour-{number}"
        self.client = Client(url, api_key, timeout_s=TIMEOUT_S)
        self.client.next_key = self._key
        self.asked = 0
        self.known: dict[str, Any] = {}

    def _key(self) -> str:
        return f"{self.name}-{self.asked}"

    def asks(self, call: Callable[..., Doc], *args: object, **named: object) -> Doc:
        """What she is answered in the end; nothing where that is a no, or nothing. One key for all tries."""
        self.asked += 1
        if None in args or None in named.values():
            return {}  # She never learned the id.
        for _ in range(TRIES_MAX):
            try:
                if answer := call(*args, **named):
                    return answer
            except ProblemError as problem:
                if problem.status not in FOR_NOW and problem.code != "answer_not_understood":
                    return {}
            except requests.RequestException:
                continue
        return {}

    def learns(self, name: str, call: Callable[..., Doc], *args: object, **named: object) -> Doc:
        """The same, and she remembers the id."""
        answer = self.asks(call, *args, **named)
        self.known[name] = answer.get("id")
        return answer

    def pays(self, loan: str, type: str, channel: str, amount_minor: int | None) -> str | None:
        """An order at a channel; its id."""
        return self.asks(self.client.repay, self.known[loan], amount_minor, channel, type).get("id")

    # --- the chapters ---

    @property
    def second(self) -> str:
        """What she borrows besides her house: something to argue about, by auto-debit, or paid out by a bank."""
        return ("piano", "auto", "piano", "bank")[self.number % 4]

    def borrows(self) -> None:
        """Two loans; there is a fee, a waiver of it, and an edit that one person may not decide alone."""
        client = self.client
        who = self.learns("me", client.add_borrower, self.name, f"Ada {self.number}").get("id")
        self.learns("house", client.borrow, who, 100_000, product_id="jiebei-like")
        ways: dict[str, dict[str, Any]] = {"auto": {"auto_debit": True}, "bank": {"disburse_to": "bank_transfer"}}
        more = ways.get(self.second, {})
        self.learns(self.second, client.borrow, who, 50_000, product_id="jiebei-like", **more)
        amount_minor = 1_250 if self.number % 8 < 4 else 5_400
        self.asks(client.edit, self.known["house"], "MODIFY_BILL_AMOUNT", amount_minor=amount_minor, **OLAF)
        self.asks(client.charge, self.known["house"], "fee", amount_minor=1_200, due_date="2026-01-20", **OLAF)
        self.learns("waived", client.waive, self.known["house"], "fee", amount_minor=1_200, **OLAF)
        if self.second == "piano":
            self.learns("dispute", client.open_dispute, self.known["piano"], "other", statement="called at night")

    def pays_in_part(self) -> None:
        """By order, and at a channel without one: with a usable reference, or without. All would be too much for her."""
        client, house = self.client, self.known["house"]
        self.asks(client.quote, house, "CLEAR")
        self.known["first"] = self.pays("house", "OVD_AND_CURRENT", "bank_transfer", 10_000)
        self.pays(self.second, "OVD_AND_CURRENT", "bank_card", 9_000)
        self.known["key"] = self._key()
        channel, typed = ("bill_pay", house) if self.number % 2 else ("bank_transfer", "for my loan")
        if typed:
            self.asks(client.pay_at_channel, channel, 6_000, payer_name=self.name, payer_reference=typed)

    def pays_twice(self) -> None:
        """Once more, by mistake, and once by asking again too late; operations match her slip and reverse the waiver."""
        client = self.client
        again = (self.known[self.second], 9_000, "bank_card", "OVD_AND_CURRENT")
        self.asks(client.repay, *again, idempotency_key=self.known["key"])
        self.known["twice"] = self.pays("house", "OVD_AND_CURRENT", "bank_transfer", 8_000)
        receipts = client.receipts(state="UNAPPLIED", limit=500)["receipts"]
        for receipt in sorted(receipt["id"] for receipt in receipts if receipt["payer_name"] == self.name):
            self.asks(client.match_receipt, receipt, self.known["house"], **OLAF)
        self.asks(client.reverse_edit, self.known["waived"], **OLAF)

    def is_put_right(self) -> None:
        """The mistake is reversed, her dispute is heard, yesterday's file is fetched."""
        client = self.client
        self.asks(client.reverse_repayment, self.known["twice"], **OLAF)
        if self.second == "piano":
            self._is_heard("dispute", compensation_minor=2_000)
        self._fetches(START[:10])
        order = self.asks(client.repayment, self.known["first"])
        self.asks(client.trade, "bank_transfer", order.get("out_trade_no"))
        self.asks(client.apply, "swift-card", self.known["me"], "card", 100_000)

    def settles(self) -> None:
        """One loan is paid off early."""
        if self.second == "piano":
            total_minor = self.asks(self.client.quote, self.known["piano"], "CLEAR").get("total_minor")
            self.pays("piano", "CLEAR", "wallet", total_minor)
            self.asks(self.client.repayments, self.known["piano"])

    def pays_late_in_the_evening(self) -> None:
        """On the due date, half an hour before midnight, or not at all."""
        if self.number % 2:
            self.pays("house", "OVD_AND_CURRENT", "bank_transfer", 5_000)

    def looks_around(self) -> None:
        """At her page, the books, her report; at the file of some day. She says that something is wrong."""
        client = self.client
        self.asks(client.loan, self.known["house"])
        self.asks(client.instalments, self.known["house"])
        self.asks(client.books, self.known["house"])
        self.asks(client.credit_report, self.known["me"])
        self._fetches(f"2026-02-0{5 + self.number // 4 % 2}")
        if self.number % 2:
            self.learns("again", client.open_dispute, self.known["house"], "wrong_amount")
        self.asks(client.query_repayment, self.known["first"], operator="olga")

    def is_corrected(self) -> None:
        """Her report is, and she asks for her score and for credit."""
        client = self.client
        if self.number % 2:
            self._is_heard("again", correct=True)
        self.asks(client.credit_score, self.known["me"], transaction_id=f"mortgage-{self.number}")
        self.asks(client.apply, "swift-card", self.known["me"], "card", 100_000, refresh=True)

    def _is_heard(self, dispute: str, **decided: Any) -> None:
        self.asks(self.client.verify_dispute, self.known[dispute], operator="olga")
        self.asks(self.client.decide_dispute, self.known[dispute], "UPHELD", operator="olga", memo="right", **decided)

    def _fetches(self, day: str) -> None:
        """Her channel's file of a day; then she has it made again."""
        channel = ("wallet", "bank_card", "bill_pay", "bank_transfer")[self.number % 4]
        self.asks(lambda: {"read": self.client.statement(channel, day)})
        self.asks(self.client.remake_statement, channel, day)


STORY: Sequence[tuple[Callable[[Neighbour], None], Mapping[str, str]]] = (
    (Neighbour.borrows, {"by": "PT2H"}),
    (Neighbour.pays_in_part, {"by": "PT4H"}),
    (Neighbour.pays_twice, {"to": "2026-01-06T02:00:00Z"}),
    (Neighbour.is_put_right, {"by": "P3D"}),
    (Neighbour.settles, {"to": "2026-02-05T15:00:00Z"}),
    (Neighbour.pays_late_in_the_evening, {"to": "2026-02-07T02:00:00Z"}),
    (Neighbour.looks_around, {"to": "2026-03-08T02:00:00Z"}),
    (Neighbour.is_corrected, {"by": "P3D"}),
)
"""What each of them does, and how far the clock moves when all have."""


@dataclass(frozen=True)
class ConcurrentRun:
    """What came of it: the verdicts of lint, the answer key as it is exported, and what the audit made of it."""

    verdicts: frozenset[str]
    key: str
    audit: Doc

    @property
    def entries(self) -> list[Doc]:
        """The answer key, read."""
        return [json.loads(line) for line in self.key.splitlines()]


def tell(
    url: str,
    rules: Mapping[str, Mapping[str, object]],
    *,
    clients: int,
    neighbours: int,
    backwards: bool = False,
    seed: int = SEED,
    after_chapter: Callable[[], None] = lambda: None,
) -> ConcurrentRun:
    """The story in a sandbox of its own, told by so many clients at once; backwards, the last one comes first.

    `after_chapter` is called when all have done a chapter and keep their connections open.
    """
    with Client(url, timeout_s=TIMEOUT_S) as anyone:
        teller = anyone.sandbox(seed=seed, now=START, four_eyes_above_minor=4_000)
    for rule_id, rule in rules.items():
        teller.put_rule(rule_id, rule)
    people = [Neighbour(url, teller.api_key, number) for number in range(neighbours)]
    if backwards:
        people.reverse()
    try:
        with ThreadPoolExecutor(clients) as pool:
            for chapter, pause in STORY:
                list(pool.map(chapter, people))
                after_chapter()
                teller.advance(pause.get("by"), to=pause.get("to"))
        verdicts = frozenset(rule["lint"]["verdict"] for rule in teller.rules()["rules"])
        return ConcurrentRun(verdicts, b"\n".join(teller.answer_key_lines()).decode(), teller.audit())
    finally:
        for person in people:
            person.client.close()
        teller.delete_sandbox()
        teller.close()
