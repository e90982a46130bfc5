"""Profiles: the shipped ones, and that one is on at a time."""

from __future__ import annotations

import pytest

from mocklend.client import Doc
from mocklend.domain.problems import Refused
from mocklend.storage.engines import reading
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.work import Answer
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.lint import EXACT, lint
from mocklend_faults.engine.loaded_rules import stored_of
from mocklend_faults.engine.profiles import PutProfile, profile_named, profile_of, profiles
from support.layer_harness import LayerHarness

LAG = "cache.bounded_stale"


def put(harness: LayerHarness, name: str) -> Answer:
    rules = profile_named(name).armed(harness.layer.catalogue, f"{name}.")
    return harness.run(PutProfile("sbx", name, tuple(rules)))


def stored(harness: LayerHarness) -> Doc:
    with reading(harness.engine) as connection:
        return {rule["id"]: rule for rule in stored_of(SandboxReader(connection, "sbx"))}


def test_the_documented_profiles_exist() -> None:
    assert {"none", "realistic", "hostile", "lessons"} <= set(profiles())
    assert profiles()["none"].armed(installed()) == []


def test_profile_hostile_arms_every_installed_kind_often() -> None:
    rules = profiles()["hostile"].armed(installed())

    assert {rule.fault.name for rule in rules} == set(installed())
    of_answers = {rule.fault.name for rule in rules if rule.fault.seams() == ("api.answer",)}
    assert {rule.select.probability for rule in rules if rule.fault.name not in of_answers} == {"0.1"}
    assert {rule.select.probability for rule in rules if rule.fault.name in of_answers} == {"0.01"}


@pytest.mark.parametrize("name", profiles())
def test_each_profile_names_installed_kinds_and_has_no_lint_warning(name: str) -> None:
    profile = profiles()[name]

    results = lint(profile.armed(installed()), mode="wall")

    assert {rule["fault"] for rule in profile.rules.values()} <= set(installed())
    assert {(finding.verdict, finding.warnings) for finding in results.values()} <= {(EXACT, ())}


def test_profile_realistic_acts_rarely(harness: LayerHarness) -> None:
    assert all(float(rule.select.probability) <= 0.01 for rule in profiles()["realistic"].armed(installed()))


def test_one_profile_is_on_at_a_time_and_other_rules_stay(harness: LayerHarness) -> None:
    harness.arm("mine", LAG)

    put(harness, "hostile")
    hostile = stored(harness)
    put(harness, "lessons")
    lessons = stored(harness)
    put(harness, "none")

    assert profile_of(hostile.values()) == "hostile"
    assert profile_of(lessons.values()) == "lessons"
    assert {item.partition(".")[0] for item in hostile} == {"mine", "hostile"}
    assert {lesson.partition(".")[0] for lesson in lessons} == {"mine", "lessons"}
    assert set(stored(harness)) == {"mine"}


def test_the_same_profile_again_changes_nothing_unless_its_rules_were_changed(harness: LayerHarness) -> None:
    put(harness, "hostile")
    first = stored(harness)
    harness.later(60)
    put(harness, "hostile")
    again = stored(harness)
    harness.arm("hostile.cache.bounded_stale", LAG)
    with pytest.raises(Refused, match=r"there is a rule hostile.cache.bounded_stale already"):
        put(harness, "hostile")

    assert first == again


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match=r"unknown profile 'nice'; known: hostile, lessons, none, realistic"):
        profile_named("nice")
