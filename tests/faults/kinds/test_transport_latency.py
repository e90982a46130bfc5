"""transport.latency: how late an answer is, by its distribution."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.api_answer import DELAY_MS_MAX
from mocklend_faults.kinds.transport_latency import DRAWS, LONGEST_MS, Latency
from support.events import example_read
from support.layer_harness import LayerHarness

draws = st.integers(0, DRAWS - 1)


def late(fault: Latency, draw: int) -> int:
    delay: int = fault.api_answer(example_read(draw=draw)).delay_ms
    return delay


@given(draw=draws)
def test_a_fixed_delay_is_always_the_same(draw: int) -> None:
    assert late(Latency(delay_ms=250), draw) == 250


@given(draw=draws, middle=st.integers(1, 5_000), spread=st.integers(0, 5_000))
def test_a_uniform_delay_stays_in_its_spread(draw: int, middle: int, spread: int) -> None:
    delay = late(Latency("uniform", middle, spread), draw)

    assert max(0, middle - spread) <= delay <= middle + spread


def test_a_uniform_delay_reaches_both_ends() -> None:
    fault = Latency("uniform", 100, 10)

    assert (late(fault, 0), late(fault, DRAWS // 2), late(fault, DRAWS - 1)) == (90, 100, 110)


def test_a_lognormal_delay_has_its_median_and_its_99th_percentile() -> None:
    fault = Latency("lognormal", 100, 900)

    assert late(fault, DRAWS // 2) == 100
    assert late(fault, DRAWS * 99 // 100) == pytest.approx(1_000, abs=1)


@given(distribution=st.sampled_from(["uniform", "lognormal"]), chance=draws, other=draws)
def test_a_higher_chance_is_never_earlier(distribution: str, chance: int, other: int) -> None:
    fault = Latency(distribution, 500, 400)
    first, last = sorted((chance, other))

    assert late(fault, first) <= late(fault, last)


@given(draw=draws, delay=st.integers(1, LONGEST_MS), spread=st.integers(0, LONGEST_MS))
def test_nothing_takes_longer_than_a_minute(draw: int, delay: int, spread: int) -> None:
    assert 0 <= late(Latency("lognormal", delay, spread), draw) <= LONGEST_MS


def test_two_delays_add_up() -> None:
    assert Latency(delay_ms=40).api_answer(example_read(delay_ms=2)).delay_ms == 42


def test_delays_of_all_rules_add_up_to_a_bound_and_the_answer_key_has_what_happened(harness: LayerHarness) -> None:
    for n in range(5):
        harness.arm(f"late-{n}", "transport.latency", **{"with": {"delay_ms": 50_000}})

    outcome = harness.meet(example_read())

    assert outcome.delay_ms == DELAY_MS_MAX == 120_000
    assert [(entry.rule, entry.served["delay_ms"]) for entry in harness.key()] == [
        ("late-0", 50_000),
        ("late-1", 100_000),
        ("late-2", 120_000),
    ]
