"""The same seed and the same per-entity story give the same answer key, byte for byte, in any interleaving.

Each client has its own borrower and loans and tells its own story; between the chapters a manual clock moves. Who
comes first within a chapter is up to the threads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from mocklend.domain.channel import channels
from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS
from mocklend.domain.statuses import EntryStatus
from mocklend.lending import AddBorrower, Borrow, MakeQuote, Repay
from mocklend.runtime import Platform
from mocklend.servicing import Edit, ReverseRepayment
from mocklend.storage.work import Idempotency
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.catalogue import installed, named
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.fault import Fault
from mocklend_faults.engine.lint import EXACT, ORDER, TIME, lint
from mocklend_faults.engine.rules import Rule
from mocklend_faults.kinds.cache_bounded_stale import BoundedStale
from mocklend_faults.kinds.callback_dropped import CallbackDropped
from mocklend_faults.kinds.operator_marked_overdue import MarkedOverdue
from mocklend_faults.kinds.operator_wrong_amount import WrongAmount
from support.databases import Databases

KINDS = (BoundedStale, CallbackDropped, MarkedOverdue, WrongAmount)
START_MS, HOUR, DAY = 1_767_578_400_000, 3_600_000, 86_400_000
STORIES = 32


@pytest.fixture
def platform(databases: Databases) -> Iterator[Platform]:
    opened = Platform(databases(), FaultLayer(KINDS), fast=True)
    yield opened
    opened.close()


class Client:
    """One client of a sandbox. Its story depends on its number alone."""

    def __init__(self, platform: Platform, sandbox_id: str, number: int) -> None:
        self.platform, self.sandbox_id, self.number = platform, sandbox_id, number
        self.steps = 0
        self.loans: list[str] = []
        self.repayments: list[str] = []

    def key(self) -> Idempotency:
        self.steps += 1
        return Idempotency(f"client-{self.number}-{self.steps}", f"{self.number}/{self.steps}")

    def borrows(self) -> None:
        who = self.platform.run(AddBorrower(self.sandbox_id, f"client-{self.number}", "Ada", 10**9)).body["id"]
        for product in ("jiebei-like", "jiebei-like"):
            borrow = Borrow(self.sandbox_id, self.key(), who, 100_000, "CNY", PRODUCTS[product], product, None)
            self.loans.append(self.platform.run(borrow).body["id"])

    def repays(self) -> None:
        channel = sorted(channels())[self.number % len(channels())]
        for loan_id, scope in zip(self.loans, ("CLEAR", "OVD_AND_CURRENT"), strict=True):
            total = self.platform.run(MakeQuote(self.sandbox_id, loan_id, scope, None)).body["total_minor"]
            order = Repay(self.sandbox_id, self.key(), loan_id, total, channel, scope, None, None)
            self.repayments.append(self.platform.run(order).body["id"])

    def is_edited(self) -> None:
        for amount in (1_250, 730):
            edit = Edit(
                self.sandbox_id, self.key(), self.loans[1], "MODIFY_BILL_AMOUNT", amount, None, "fee", "op", None
            )
            self.platform.run(edit)

    def is_reversed(self) -> None:
        if self.number % 3 == 0:
            self.platform.run(ReverseRepayment(self.sandbox_id, self.key(), self.repayments[1], "back", "op"))


def answer_key(
    platform: Platform,
    *,
    seed: int,
    workers: int,
    probability: float,
    stories: int = STORIES,
    kinds: Sequence[type[Fault]] = KINDS,
    more: Mapping[str, object] | None = None,
    backwards: bool = False,
) -> str:
    """Tell all stories with so many clients at once; the answer key as JSON. `more` is added to each rule."""
    sandbox = platform.create_sandbox(seed=seed, mode="manual", now_ms=START_MS)
    for rule in armed(probability, kinds, more or {}):
        platform.run(PutRule(sandbox.id, rule))
    clients = [Client(platform, sandbox.id, number) for number in range(stories)]
    if backwards:
        clients.reverse()
    chapters: list[tuple[Callable[[Client], None], int]] = [
        (Client.borrows, HOUR),
        (Client.repays, HOUR),
        (Client.is_edited, 40 * DAY),
        (Client.repays, DAY),
        (Client.is_reversed, DAY),
    ]
    now_ms = START_MS
    with ThreadPoolExecutor(workers) as pool:
        for chapter, pause in chapters:
            if chapter is Client.repays and now_ms > START_MS + 2 * HOUR:
                for client in clients:
                    client.loans = client.loans[1:] * 2
            list(pool.map(lambda client, tell=chapter: _tell(tell, client), clients))
            now_ms = platform.advance(sandbox.id, now_ms + pause).now_ms
    assert isinstance(platform.layer, FaultLayer)
    with platform.snapshot(sandbox.id) as snapshot:
        key = platform.layer.answer_key(snapshot)
    entries = json.dumps([entry.to_json() for entry in key], indent=1)
    discrepancies = sorted(
        (d.finding.finding_class, d.finding.entity) for d in platform.audit(sandbox.id).discrepancies
    )
    assert discrepancies == sorted(
        (e.finding.finding_class, e.finding.entity) for e in key if e.status == EntryStatus.ACTIVE
    )
    return entries


def armed(probability: float, kinds: Sequence[type[Fault]], more: Mapping[str, object]) -> list[Rule]:
    """A rule for each kind."""
    select = {"probability": probability, "unit": "occurrence"}
    own = more.get("select", {})
    assert isinstance(own, dict)
    return [
        Rule.from_json(kind.name, {"fault": kind.name, **more, "select": {**select, **own}}, named(KINDS))
        for kind in kinds
    ]


def _tell(chapter: Callable[[Client], None], client: Client) -> None:
    """A refusal ends the chapter: the lie before it may have cleared the loan, or hidden a receipt."""
    with suppress(Refused):
        chapter(client)


@pytest.mark.parametrize("workers", [8, *(pytest.param(n, marks=pytest.mark.long) for n in (16, 32))])
def test_the_answer_key_is_byte_equal_with_one_client_and_with_many(platform: Platform, workers: int) -> None:
    alone = answer_key(platform, seed=7, workers=1, probability=0.5)
    together = answer_key(platform, seed=7, workers=workers, probability=0.5)

    assert len(json.loads(alone)) > STORIES
    assert alone == together


EXACT_RULES: dict[str, dict[str, Any]] = {
    "unit": {"select": {"unit": "entity"}},
    "times_per": {"select": {"times_per": {"entity": 1}}},
    "delay": {"activate": {"start_delay_s": 60, "duration_s": 5 * 86_400, "ttl_s": 50 * 86_400}},
    "schedule": {"activate": {"schedule": "0 9-12 * * *", "duration_s": 5400}},
    "ramp": {"activate": {"ramp": {"over_s": 86_400, "from": 0.2}}},
}
LIMITED_RULES: dict[str, dict[str, Any]] = {
    "times": {"select": {"times": 5}},
    "every": {"select": {"every": 3}},
    "skip_first": {"select": {"skip_first": 7}},
    "max_active": {"select": {"max_active": 2}},
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "unit" else pytest.mark.long) for name in EXACT_RULES]
)
def test_a_rule_that_lint_calls_exact_has_the_same_answer_key_with_1_8_and_32_clients(
    platform: Platform, name: str
) -> None:
    more = EXACT_RULES[name]
    verdicts = {result.verdict for result in lint(armed(0.6, KINDS, more), mode="manual").values()}

    keys = [answer_key(platform, seed=7, workers=n, probability=0.6, stories=16, more=more) for n in (1, 8, 32)]

    assert verdicts == {EXACT}
    assert len(json.loads(keys[0])) > 4
    assert keys[0] == keys[1] == keys[2]
    assert keys[0] == answer_key(platform, seed=7, workers=1, probability=0.6, stories=16, more=more, backwards=True)


@pytest.mark.parametrize("name", LIMITED_RULES)
def test_a_rule_that_lint_calls_order_dependent_depends_on_the_order(platform: Platform, name: str) -> None:
    more = LIMITED_RULES[name]
    [linted] = lint(armed(1, [WrongAmount], more), mode="manual").values()
    options: dict[str, Any] = {
        "seed": 7, "workers": 1, "probability": 1.0, "stories": 8, "kinds": [WrongAmount], "more": more
    }  # fmt: skip

    forwards, backwards = (answer_key(platform, **options, backwards=turned) for turned in (False, True))

    assert linted.verdict == ORDER
    assert json.loads(forwards)
    assert forwards != backwards


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({}, EXACT),
        ({"activate": {"start_delay_s": 60}}, TIME),
        ({"activate": {"duration_s": 60}}, TIME),
        ({"activate": {"ttl_s": 60}}, TIME),
        ({"activate": {"schedule": "0 2 5 * *"}}, TIME),
        ({"activate": {"ramp": {"over_s": 60, "from": 0}}}, TIME),
        ({"match": {"now_ms": {"lt": START_MS + 60_000}}}, TIME),
    ],
)
def test_on_a_wall_clock_a_rule_that_lint_calls_time_dependent_depends_on_the_speed_of_clients(
    databases: Databases, more: dict[str, object], verdict: str
) -> None:
    rule = armed(1, [WrongAmount], more)[0]
    real = [START_MS]
    opened = Platform(databases("wall"), FaultLayer(KINDS), fast=True, real_ms=lambda: real[0])

    def acts(slow_ms: int) -> list[tuple[str, int]]:
        real[0] = START_MS
        sandbox = opened.create_sandbox(seed=7, mode="wall", now_ms=START_MS, zone="UTC")
        opened.run(PutRule(sandbox.id, rule))
        client = Client(opened, sandbox.id, 0)
        client.borrows()
        real[0] += slow_ms
        client.is_edited()
        assert isinstance(opened.layer, FaultLayer)
        with opened.snapshot(sandbox.id) as snapshot:
            key = opened.layer.answer_key(snapshot)
        return [(entry.entity, entry.occurrence) for entry in key]

    try:
        quick, slow = acts(0), acts(2 * 60_000)
    finally:
        opened.close()

    assert lint([rule], mode="wall")[rule.id].verdict == verdict
    assert quick or slow
    assert (quick == slow) is (verdict == EXACT)


def test_another_seed_gives_another_answer_key(platform: Platform) -> None:
    sample = answer_key(platform, seed=7, workers=1, probability=0.5, stories=4)
    other = answer_key(platform, seed=8, workers=1, probability=0.5, stories=4)

    assert sample != other


@pytest.mark.parametrize("kind", KINDS)
def test_a_higher_probability_keeps_every_injection_of_a_lower_one(platform: Platform, kind: type[Fault]) -> None:
    def acts(key: str) -> set[tuple[Any, ...]]:
        return {(e["seam"], e["entity"], e["occurrence"]) for e in json.loads(key)}

    low = acts(answer_key(platform, seed=11, workers=1, probability=0.1, kinds=[kind]))
    high = acts(answer_key(platform, seed=11, workers=1, probability=0.2, kinds=[kind]))

    assert low < high


@pytest.mark.parametrize("kind", installed().values(), ids=lambda kind: kind.name)
def test_over_a_thousand_seeds_half_of_the_draws_select(kind: type[Fault]) -> None:
    """u = H(seed, rule, seam, entity, occurrence) is fair over seeds for each kind's rule and seam."""
    rule = Rule.from_json(kind.name, {"fault": kind.name, "select": {"probability": 0.5}}, named([kind]))
    for seam in kind.seams():
        drawn_count = sum(
            rule.select.drawn(seed=seed, rule=rule.id, seam=seam, entity="loan_ada", occurrence=1)
            for seed in range(1000)
        )

        assert 440 <= drawn_count <= 560  # 0.5 within 3.8 standard deviations
