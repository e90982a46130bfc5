"""A season of a small lender with all faults armed: borrowers, channels, operations and a bureau, over HTTP.

Told by a seed, and the same for each. What is refused or lost is left at
that: a client of this lender lives with it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

import requests

from mocklend.client import ProblemError
from support.paired_runs import StoryRun

CHANNELS = ("wallet", "bank_card", "auto_debit")
DAY_S = 86_400


def season(run: StoryRun, seed: int, *, profile: str = "hostile", people: int = 12, weeks: int = 12) -> None:
    """People borrow; then the profile is armed, and they pay, mistype, dispute and apply elsewhere; staff edit."""
    chance = random.Random(seed)
    client = run.client
    for n in range(people):
        name = f"Borrower {n}"
        who = run.borrower(f"b-{n}", name)
        for _ in range(chance.choice((1, 1, 2))):
            run.loan(who, chance.randrange(20_000, 300_000, 100), auto_debit=chance.random() < 0.3)
    client.put_profile(profile)
    for slow in ("transport.latency", "outage.brownout"):  # They would only cost real time: no reconciler minds.
        client.disarm(f"{profile}.{slow}")
    acts: tuple[Callable[[StoryRun, random.Random, str], object], ...] = (
        _pay_due, _pay_due, _pay_off, _push, _push, _edit, _edit, _mark, _dispute, _apply, _score
    )  # fmt: skip
    for _ in range(weeks):
        for _ in range(people):
            loan_id = chance.choice(run.loans)
            with suppress(ProblemError, requests.RequestException, KeyError):  # KeyError: an empty answer.
                chance.choice(acts)(run, chance, loan_id)
        client.advance(chance.randrange(3 * DAY_S, 9 * DAY_S))


def _pay_due(run: StoryRun, chance: random.Random, loan_id: str) -> None:
    quote = run.client.quote(loan_id, "OVD_AND_CURRENT")
    run.client.repay_quote(quote, chance.choice(CHANNELS))


def _pay_off(run: StoryRun, chance: random.Random, loan_id: str) -> None:
    run.client.repay_quote(run.client.quote(loan_id), chance.choice(CHANNELS))


def _push(run: StoryRun, chance: random.Random, loan_id: str) -> None:
    who = run.client.loan(loan_id)["borrower_id"]
    name = run.client.borrower(who)["name"]
    amount_minor = chance.randrange(1_000, 20_000)
    run.client.pay_at_channel("bank_transfer", amount_minor, payer_name=name, payer_reference=loan_id)


def _edit(run: StoryRun, chance: random.Random, loan_id: str) -> None:
    amount_minor = chance.randrange(100, 5_000)
    memo = f"fee of {amount_minor // 100}.{amount_minor % 100:02d}, ticket {chance.randrange(10_000)}"
    run.client.edit(loan_id, "MODIFY_BILL_AMOUNT", amount_minor=amount_minor, operator="olaf", memo=memo)


def _mark(run: StoryRun, chance: random.Random, loan_id: str) -> None:
    run.client.edit(loan_id, "MODIFY_BILL_STATUS", status="VALID", operator="olaf", memo="seen on the list")


def _dispute(run: StoryRun, chance: random.Random, loan_id: str) -> None:
    dispute = run.client.open_dispute(loan_id, "other", statement="I was called at night")["id"]
    run.client.verify_dispute(dispute, operator="olga")
    more = {"correct": True} if chance.random() < 0.5 else {"compensation_minor": 2_000}
    run.client.decide_dispute(dispute, "UPHELD", operator="olga", memo="sorry", **more)


def _apply(run: StoryRun, chance: random.Random, loan_id: str) -> None:
    run.client.apply("swift-card", chance.choice(run.borrowers), "card", 100_000, refresh=chance.random() < 0.5)


def _score(run: StoryRun, chance: random.Random, loan_id: str) -> None:
    run.client.credit_score(chance.choice(run.borrowers), transaction_id=f"q-{chance.randrange(5)}")
