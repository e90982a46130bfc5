"""When a rule acts: windows, schedules and ramps, on the sandbox's clock and in its zone."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from mocklend.domain.problems import Refused
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.activation import Activate, Ramp
from mocklend_faults.engine.selection import SPAN
from support.events import example
from support.layer_harness import LayerHarness

LAG = "cache.bounded_stale"
HOUR_S = 3600


def test_the_time_to_live_starts_at_arming_and_the_duration_at_the_start() -> None:
    assert Activate(start_delay_s=60, duration_s=60, ttl_s=90).window(1_000) == (61_000, 91_000)
    assert Activate(start_delay_s=10, duration_s=60, ttl_s=90).window(1_000) == (11_000, 71_000)
    assert Activate().window(1_000) == (1_000, None)


def test_a_daily_rule_acts_for_its_hour_in_the_sandboxes_zone() -> None:
    nightly = Activate.from_json({"schedule": "0 2 * * *", "duration_s": HOUR_S})
    two_in_shanghai = 1_767_549_600_000  # 2026-01-05T02:00+08:00

    assert [nightly.open(two_in_shanghai + at, "Asia/Shanghai") for at in (-1, 0, 3_599_999, 3_600_000)] == [
        False,
        True,
        True,
        False,
    ]
    assert not nightly.open(two_in_shanghai, "UTC")
    assert nightly.window(1_000) == (1_000, None)


def test_a_schedule_without_a_duration_lasts_for_its_minute() -> None:
    at_nine = Activate.from_json({"schedule": "0 9 * * *", "ttl_s": 86_400})

    assert [at_nine.open(32_400_000 + at, "UTC") for at in (-1, 0, 59_999, 60_000)] == [False, True, True, False]
    assert at_nine.window(0) == (0, 86_400_000)


def test_a_scheduled_rule_acts_at_the_seam_only_while_it_is_open(harness: LayerHarness) -> None:
    harness.arm(
        "lag", LAG, activate={"schedule": "0 3 * * *", "duration_s": HOUR_S}
    )  # the harness's clock says 2:00 UTC

    early = harness.meet(example(ViewRefresh))
    harness.later(HOUR_S)
    within = harness.meet(example(ViewRefresh, occurrence=3))
    harness.later(HOUR_S)
    late = harness.meet(example(ViewRefresh, occurrence=4))

    assert [item.lag_s for item in (early, within, late)] == [0, 60, 0]


def test_a_scheduled_rule_waits_between_its_windows(harness: LayerHarness) -> None:
    body = harness.arm("lag", LAG, activate={"schedule": "0 3 * * *", "duration_s": HOUR_S}).body

    assert body["zone"] == harness.sandbox.zone
    assert body["rule"]["activate"] == {"start_delay_s": 0, "duration_s": HOUR_S, "schedule": "0 3 * * *"}


def test_a_ramp_scales_the_probability_exactly() -> None:
    threshold = Ramp(over_s=3, from_share="0.1", to_share="0.4").threshold("0.5", start_ms=1_000)

    tenths = [threshold(at) for at in (0, 1_000, 2_000, 3_000, 4_000, 99_000)]

    assert tenths == [-(-SPAN * Fraction(n, 20) // 1) for n in (1, 1, 2, 3, 4, 4)]


def test_a_rising_ramp_only_adds_injections(harness: LayerHarness) -> None:
    harness.arm("lag", LAG, activate={"ramp": {"over_s": 100}}, select={"unit": "entity"})
    drawn_sets: list[set[str]] = []
    for step in range(5):
        loans = [f"loan_{n}" for n in range(60)]
        met = [example(ViewRefresh, entity=loan, loan_id=loan, occurrence=2 + step) for loan in loans]
        drawn_sets.append({outcome.entity for outcome in harness.group(*met) if outcome.lag_s})
        harness.later(25)

    assert next(len(drawn) for drawn in drawn_sets) == 0
    assert [len(drawn) for drawn in drawn_sets][-1] == 60
    assert all(early < late for early, late in itertools.pairwise(drawn_sets))


def test_a_ramp_survives_json() -> None:
    raw = {"start_delay_s": 5, "ramp": {"over_s": 600, "from": 0.25, "to": 1}}

    assert Activate.from_json(raw).to_json() == raw


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"schedule": "0 9 * *"}, "activate.schedule"),
        ({"schedule": 9}, "activate.schedule"),
        ({"schedule": "0 9 31 2 *"}, "activate.schedule"),
        ({"schedule": "0 9 * * *", "duration_s": 32 * 86_400}, "activate.duration_s"),
        ({"ramp": {}}, "activate.ramp.over_s"),
        ({"ramp": 5}, "activate.ramp"),
        ({"ramp": {"over_s": 0}}, "activate.ramp.over_s"),
        ({"ramp": {"over_s": 5, "from": 2}}, "activate.ramp.from"),
        ({"ramp": {"over_s": 5, "until": 1}}, "activate.ramp.until"),
    ],
)
def test_an_invalid_activation_is_refused(raw: object, field: str) -> None:
    with pytest.raises(Refused) as refused:
        Activate.from_json(raw)

    assert refused.value.ids["errors"][0]["field"] == field
