"""Staged experiments: a plan becomes rules, each of which acts in its stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mocklend.client import Client, ProblemError
from mocklend.domain.problems import Refused
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.storage.engines import reading
from mocklend.storage.snapshot import SandboxReader
from mocklend_faults.engine.experiments import (
    EXPERIMENTS_MAX,
    DeleteExperiment,
    Experiment,
    ExperimentDoc,
    PutExperiment,
    experiment_document,
    started_of,
)
from mocklend_faults.engine.loaded_rules import stored_of
from support.events import example
from support.layer_harness import LayerHarness

LAG = "cache.bounded_stale"
PLAN = {
    "stages": [
        {"name": "calm", "duration_s": 60},
        {"name": "storm", "duration_s": 60, "rules": {"lag": {"fault": LAG, "with": {"lag_s": 5}}}},
        {"name": "after", "duration_s": 60, "rules": {"lag": {"fault": LAG, "with": {"lag_s": 9}}}},
    ]
}


def plan(harness: LayerHarness, raw: Mapping[str, object] = PLAN, id: str = "rain") -> Experiment:
    return Experiment.from_json(id, raw, harness.layer.catalogue)


def put(harness: LayerHarness, raw: Mapping[str, object] = PLAN, id: str = "rain") -> int:
    status: int = harness.run(PutExperiment("sbx", plan(harness, raw, id))).status
    return status


def documents(harness: LayerHarness) -> list[ExperimentDoc]:
    with reading(harness.engine) as connection:
        reader = SandboxReader(connection, "sbx")
        stored = stored_of(reader)
        return [experiment_document(experiment, harness.now_ms, stored) for experiment in started_of(reader)]


def test_each_stage_has_its_own_rules_and_its_own_time(harness: LayerHarness) -> None:
    put(harness)

    lags = []
    for step in range(8):
        lags.append((documents(harness)[0]["running"], harness.meet(example(ViewRefresh, occurrence=step + 2)).lag_s))
        harness.later(30)

    assert lags == [
        *[("calm", 0)] * 2,
        *[("storm", 5)] * 2,
        *[("after", 9)] * 2,
        *[(None, 0)] * 2,
    ]


def test_an_experiment_tells_its_stages_and_their_rules(harness: LayerHarness) -> None:
    put(harness)
    harness.later(60)

    [entry] = documents(harness)

    assert [(stage["name"], stage["state"], stage["rules"]) for stage in entry["stages"]] == [
        ("calm", "over", []),
        ("storm", "running", ["rain.storm.lag"]),
        ("after", "waiting", ["rain.after.lag"]),
    ]
    assert (entry["stages"][1]["starts_at"], entry["stages"][1]["ends_at"]) == (
        "2026-01-05T02:01:00.000Z",
        "2026-01-05T02:02:00.000Z",
    )


def test_a_rules_activation_is_relative_to_its_stage(harness: LayerHarness) -> None:
    windows: list[tuple[dict[str, Any], tuple[int, int]]] = [
        ({"start_delay_s": 10, "duration_s": 20}, (70, 90)),
        ({"start_delay_s": 10, "duration_s": 500}, (70, 120)),
        ({"ttl_s": 30}, (60, 90)),
        ({"start_delay_s": 500}, (120, 120)),
        ({"schedule": "* * * * *", "duration_s": 7}, (60, 120)),
    ]
    for activate, (start, end) in windows:
        stages = [
            {"name": "calm", "duration_s": 60},
            {"name": "storm", "duration_s": 60, "rules": {"lag": {"fault": LAG, "activate": activate}}},
        ]

        [rule] = plan(harness, {"stages": stages}).compiled()
        first, last = rule.activate.window(0)

        assert last is not None
        assert (first, min(first, last) if activate.get("start_delay_s") == 500 else last) == (start * 1000, end * 1000)


def test_a_stage_may_be_a_profile(harness: LayerHarness) -> None:
    put(harness, {"stages": [{"name": "storm", "duration_s": 60, "profile": "hostile"}]})

    [stage] = documents(harness)[0]["stages"]

    assert "rain.storm.cache.bounded_stale" in stage["rules"]
    assert len(stage["rules"]) == len(harness.layer.catalogue)


def test_the_same_plan_again_changes_nothing_and_another_plan_restarts(harness: LayerHarness) -> None:
    first = put(harness)
    harness.later(70)
    again = put(harness)
    running = documents(harness)[0]["running"]
    other = put(harness, {"stages": PLAN["stages"][:2]})

    assert (first, again, other) == (201, 200, 200)
    assert running == "storm"
    assert [(stage["name"], stage["state"]) for stage in documents(harness)[0]["stages"]] == [
        ("calm", "running"),
        ("storm", "waiting"),
    ]


def test_deleting_an_experiment_deletes_its_rules_and_it_can_be_put_again(harness: LayerHarness) -> None:
    harness.arm("mine", LAG, **{"with": {"lag_s": 1}})
    put(harness)
    harness.later(60)

    harness.run(DeleteExperiment("sbx", "rain"))

    assert harness.meet(example(ViewRefresh)).lag_s == 1
    assert documents(harness) == []
    with pytest.raises(Refused, match="no experiment 'rain'"):
        harness.run(DeleteExperiment("sbx", "rain"))
    assert put(harness) == 201
    assert documents(harness)[0]["running"] == "calm"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({}, "stages"),
        ({"stages": []}, "stages"),
        ({"stages": [{}]}, "stages.0.name"),
        ({"stages": [{"name": "a.b", "duration_s": 5}]}, "stages.0.name"),
        ({"stages": [{"name": "a"}]}, "stages.0.duration_s"),
        ({"stages": [{"name": "a", "duration_s": 0}]}, "stages.0.duration_s"),
        ({"stages": [{"name": "a", "duration_s": 5, "until": 9}]}, "stages.0.until"),
        ({"stages": [{"name": "a", "duration_s": 5}] * 2}, "stages.1.name"),
        ({"stages": [{"name": "a", "duration_s": 5, "rules": {}, "profile": "none"}]}, "stages.0.profile"),
        ({"stages": [{"name": "a", "duration_s": 5, "rules": []}]}, "stages.0.rules"),
        ({"stages": [{"name": "a", "duration_s": 5, "rules": {"A": {"fault": LAG}}}]}, "stages.0.rules.A.id"),
        ({"stages": [{"name": n, "duration_s": 300_000_000} for n in "ab"]}, "stages"),
    ],
)
def test_an_invalid_plan_is_refused(harness: LayerHarness, raw: Mapping[str, object], field: str) -> None:
    with pytest.raises(Refused) as refused:
        plan(harness, raw)

    assert refused.value.ids["errors"][0]["field"] == field


def test_the_number_of_experiments_has_a_maximum_and_one_that_exists_may_change(mocklend: Client) -> None:
    calm = {"stages": [{"name": "calm", "duration_s": 60}]}
    for n in range(EXPERIMENTS_MAX):
        mocklend._call("PUT", f"/-/experiments/calm-{n}", calm)

    with pytest.raises(ProblemError) as caught:
        mocklend._call("PUT", "/-/experiments/one-more", calm)

    assert (caught.value.status, caught.value.code) == (409, "too_many_experiments")
    mocklend._call("PUT", "/-/experiments/calm-0", {"stages": [{"name": "calm", "duration_s": 61}]})
    mocklend._call("DELETE", "/-/experiments/calm-0")
    mocklend._call("PUT", "/-/experiments/one-more", calm)


def test_the_rules_of_a_plan_count_with_the_others(harness: LayerHarness) -> None:
    storms = [{"name": f"storm-{n}", "duration_s": 60, "profile": "hostile"} for n in range(5)]

    with pytest.raises(Refused, match="too_many_rules"):
        put(harness, {"stages": storms})
