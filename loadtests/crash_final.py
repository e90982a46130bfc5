"""What the crash test does after the last kill: it repairs what lost callbacks left open, and reads the final state."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crash_checks import stuck_callbacks
from crash_clients import Ledger
from webhook_receiver import WebhookReceiver

from mocklend.client import Client, Doc, ProblemError

READERS = 8
PAID_WITHIN_S = 60
DELIVERED_WITHIN_S = 20
ATTEMPTED_WITHIN_S = 10
KINDS = ("loan", "repayment", "edit")

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class FinalState:
    """The final state of the platform over the API, and the webhooks that were not delivered."""

    listed: dict[str, list[Doc]]
    journal: dict[str, list[Doc]]
    loans: list[str]
    edits: list[str]
    callbacks: list[Doc]
    trades: list[Doc]
    now: str
    receipts: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)


def repair(client: Client, ledger: Ledger) -> None:
    """Query the channel for each order that is still open, as a reconciler does about callbacks that never came."""

    def orders_of(own: Client, loan_id: str) -> None:
        for doc in _repayments(own, loan_id):
            if doc["status"] == "PROCESSING":
                _once_paid(own.query_repayment, doc["id"], key=f"repair-{doc['id']}")

    _spread(client, [request.answer["id"] for request in ledger.acknowledged("loan") if request.answer], orders_of)
    there = set(_receipts(client))
    for payment in ledger.acknowledged("payment"):
        assert payment.answer is not None
        channel, number = payment.answer["channel"], payment.answer["out_trade_no"]
        if number not in there:
            with _lost_is_left_out():
                _once_paid(client.query_payment, channel, number, key=f"repair-{number}")


def _once_paid(query: Callable[..., object], *of: str, key: str) -> None:
    """Query the channel, again and again until it has settled: on a busy machine that takes longer than its delay."""
    until = time.monotonic() + PAID_WITHIN_S
    for attempt in itertools.count(1):
        try:
            query(*of, operator="op-repair", idempotency_key=f"{key}-{attempt}")  # A refusal is kept under its key.
            return
        except ProblemError as problem:
            if problem.code != "trade_not_paid" or time.monotonic() > until:
                raise
        time.sleep(0.2)


def final_state(client: Client, ledger: Ledger, audit: Doc) -> FinalState:
    """Read the final state over the API."""
    loan_ids = [request.answer["id"] for request in ledger.acknowledged("loan") if request.answer]
    borrowers = sorted({request.body["borrower_id"] for request in ledger.requests if request.kind == "loan"})
    listed = dict(_spread(client, loan_ids, lambda own, id: (id, list(_repayments(own, id)))))
    orders = [doc for docs in listed.values() for doc in docs]
    edits = _spread(client, loan_ids, lambda own, id: own.edits(id)["edits"])
    loans = _spread(client, borrowers, lambda own, id: own.loans(borrower_id=id, limit=500)["loans"])
    return FinalState(
        listed=listed,
        journal=dict(_spread(client, loan_ids, lambda own, id: (id, list(_transactions(own, id))))),
        loans=[doc["id"] for docs in loans for doc in docs],
        edits=[doc["id"] for docs in edits for doc in docs if doc["operator"] != "operations"],
        callbacks=_spread(client, orders, lambda own, doc: _callback(own, doc, audit["now"])),
        trades=_spread(client, orders, lambda own, doc: own.trade(doc["channel"], doc["out_trade_no"])),
        now=audit["now"],
        receipts=list(_receipts(client)),
    )


def _callback(client: Client, order: Doc, now: str) -> Doc:
    """An order's callback; if it was due, as soon as it is not: one that stays due for ATTEMPTED_WITHIN_S is stuck."""
    until = time.monotonic() + ATTEMPTED_WITHIN_S
    while True:
        callback = client.callback(order["channel"], order["out_trade_no"])
        if not stuck_callbacks([callback], now) or time.monotonic() > until:
            return callback
        time.sleep(0.5)


def undelivered(webhook_receiver: WebhookReceiver, ledger: Ledger) -> list[str]:
    """The acknowledged loans and edits without a delivered webhook after DELIVERED_WITHIN_S."""
    until = time.monotonic() + DELIVERED_WITHIN_S
    ids = {kind: [request.answer["id"] for request in ledger.acknowledged(kind) if request.answer] for kind in KINDS}
    while True:
        missing = webhook_receiver.missing("loan.disbursed", ids["loan"]) + webhook_receiver.missing(
            "loan.edited", ids["edit"]
        )
        if not missing or time.monotonic() > until:
            return missing
        time.sleep(0.2)


def _spread(client: Client, items: Sequence[Item], ask: Callable[[Client, Item], Result]) -> list[Result]:
    """What is asked about each item that is there, by several threads, each with a connection of its own."""

    def part(first: int) -> list[Result]:
        results = []
        with Client(client.base_url, client.api_key, timeout_s=client.timeout_s) as own:
            for item in items[first::READERS]:
                with _lost_is_left_out():
                    results.append(ask(own, item))
        return results

    with ThreadPoolExecutor(READERS, thread_name_prefix="reader") as pool:
        return [result for results in pool.map(part, range(READERS)) for result in results]


@contextmanager
def _lost_is_left_out() -> Iterator[None]:
    """Leave the block where something is not there: what was acknowledged and is missing in the final state is lost."""
    try:
        yield
    except ProblemError as problem:
        if problem.status != 404:
            raise


def _repayments(client: Client, loan_id: str) -> Iterator[Doc]:
    return _pages(lambda **page: client.repayments(loan_id, **page), "repayments")


def _transactions(client: Client, loan_id: str) -> Iterator[Doc]:
    return _pages(lambda **page: client.transactions(loan_id=loan_id, **page), "transactions")


def _receipts(client: Client) -> Iterator[str]:
    """The order number of every push payment that the books have, applied or not."""
    for doc in _pages(client.receipts, "receipts"):
        yield doc["out_trade_no"]


def _pages(ask: Callable[..., Any], name: str) -> Iterator[Doc]:
    cursor: str | None = None
    while True:
        page = ask(limit=500, cursor=cursor)
        yield from page[name]
        cursor = page["next_cursor"]
        if cursor is None:
            return
