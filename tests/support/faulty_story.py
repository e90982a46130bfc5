"""A story of six loans in which rules act by chance, and what is left of it: the answer key and the counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mocklend.client import Client
from mocklend.runtime import Platform

RULES: Mapping[str, Mapping[str, object]] = {
    "half-of-the-answers": {"fault": "transport.latency", "select": {"probability": 0.5}, "with": {"delay_ms": 1}},
    "slow-page": {"fault": "cache.bounded_stale", "select": {"probability": 0.5}, "with": {"lag_s": 3600}},
    "no-callback": {"fault": "callback.dropped", "select": {"probability": 0.5}},
    "two-replicas": {"fault": "read.non_monotonic", "select": {"probability": 0.5}},
}


def told(client: Client, look: Callable[[str], None]) -> None:
    """Loans that are repaid in part and paid off, while rules act; `look` is called with a loan after each step."""
    for name, rule in RULES.items():
        client.put_rule(name, rule)
    for n in range(6):
        borrower = client.add_borrower(f"borrower-{n}", f"Borrower {n}")
        loan_id = client.borrow(borrower["id"], 100_000, product_id="jiebei-like", idempotency_key=f"borrow-{n}")["id"]
        look(loan_id)
        client.repay(loan_id, 5_000, "wallet", "OVD_AND_CURRENT", idempotency_key=f"repay-{n}")
        client.advance("PT2H")
        look(loan_id)
        quote = client.quote(loan_id, "CLEAR")
        client.repay_quote(quote, "bank_card", idempotency_key=f"pay-off-{n}")
        client.loan(loan_id)
        look(loan_id)
        client.advance("P1D")
        look(loan_id)


def what_is_left(platform: Platform, client: Client, sandbox_id: str) -> tuple[object, object]:
    """The answer key, and each rule's counters."""
    rules = [
        {name: rule[name] for name in ("id", "evaluated", "matched", "selected", "injected")}
        for rule in client.rules()["rules"]
    ]
    with platform.snapshot(sandbox_id) as snapshot:
        layer = platform.layer
        assert layer is not None
        key = [entry.to_json() for entry in layer.answer_key(snapshot)]
    return key, rules
