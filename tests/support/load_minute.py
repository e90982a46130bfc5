"""A minute of a load, without waiting for it: real requests with faults, each dozen in a second of its own.

Seconds ─▶ the platform's real time ─▶ the series of the page Live
"""

from __future__ import annotations

from random import Random

from mocklend.api.live import live_doc
from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform
from mocklend.scenarios.in_process import client_of

SECONDS = 60
RULES = {
    "slow-page": {"fault": "cache.bounded_stale", "select": {"probability": 0.3}, "with": {"lag_s": 900}},
    "lost-callback": {"fault": "callback.dropped", "select": {"probability": 0.2}, "with": {"attempts_lost": 3}},
    "twice-told": {"fault": "callback.duplicated", "select": {"probability": 0.1}},
    "slow-answer": {"fault": "transport.latency", "select": {"probability": 0.03}, "with": {"delay_ms": 1_000}},
}
CLOCK = {"mode": "manual", "now": "2026-03-01T09:00:00+08:00"}


class Seconds:
    """A platform's real time that goes on when it is told to."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def under_load(platform: Platform, seconds: Seconds, label: str) -> str:
    """The id of a sandbox in which clients borrowed, looked and repaid for a minute; each second its clock went on by two minutes."""
    random = Random(42)
    with create_app(Settings(), platform).test_client() as http:
        sandbox = http.post("/-/sandboxes", json={"seed": 42, "clock": CLOCK, "label": label}).get_json()["id"]
        client = client_of(http.application.wsgi_app, sandbox)
        for rule, body in RULES.items():
            client.put_rule(rule, body)
        loans: list[str] = []
        for second in range(SECONDS):
            live_doc(platform, sandbox, None)
            borrower = client.add_borrower(f"borrower-{second}", f"Borrower {second}")
            loans.append(client.borrow(borrower["id"], 100_000, product_id="jiebei-like")["id"])
            for loan in random.choices(loans[-20:], k=min(second // 2, 5) + random.randint(0, 2)):
                client.loan(loan)
            client.repay(random.choice(loans[-20:]), 5_000, "wallet", "OVD_AND_CURRENT")
            client.advance("PT2M")
            seconds.now_ms += 1_000
        live_doc(platform, sandbox, None)
    return str(sandbox)
