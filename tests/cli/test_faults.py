"""Faults from the shell: armed with flags, listed, linted, disarmed."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from mocklend.client import Client
from support.terminal import Run, repay

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


@needs_faults
def test_a_fault_is_armed_with_its_own_settings_as_flags(run: Run, mocklend: Client) -> None:
    ran = run(
        "faults", "on", "cache.bounded_stale", "--probability", "0.5", "--lag-s", "90", "--match", "channel=wallet"
    )

    assert ran.code == 0
    rule = mocklend.rule("cache.bounded_stale")
    assert rule["with"] == {"lag_s": 90}
    assert rule["match"] == {"channel": {"equal_to": "wallet"}}
    assert 'armed cache.bounded_stale: cache.bounded_stale {"lag_s": 90}, p = 0.5' in ran.out


@needs_faults
@pytest.mark.parametrize(
    ("flags", "settings"),
    [
        (["callback.dropped"], {"attempts_lost": None}),
        (["callback.dropped", "--attempts-lost=3"], {"attempts_lost": 3}),
        (["callback.dropped", "--attempts-lost", "null"], {"attempts_lost": None}),
        (["operator.wrong_amount", "--slip", "sign_flipped"], {"slip": "sign_flipped"}),
        (["operator.marked_overdue"], {}),
    ],
)
def test_settings_have_the_types_that_the_fault_declares(
    run: Run, flags: list[str], settings: dict[str, object]
) -> None:
    ran = run("faults", "on", *flags, "--id", "mine", "--json")

    assert (ran.code, ran.document["id"], ran.document["with"]) == (0, "mine", settings)


@needs_faults
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cache.bounded_stale", "--lagg-s", "90"], "has no setting '--lagg-s'; known: --lag-s"),
        (["cache.bounded_stale", "--lag-s"], "--lag-s needs a value"),
        (["operator.marked_overdue", "--lag-s", "1"], "has no setting '--lag-s'; known: none"),
        (["cashe.stale"], "There is no fault 'cashe.stale'; known: "),
        (["cache.bounded_stale", "--match", "wallet"], "--match takes FIELD=VALUE, not 'wallet'"),
        (
            ["cache.bounded_stale", "--lag-s", "soon"],
            'with.lag_s: expected an integer from 1 to 31536000, received "soon"',
        ),
        (["cache.bounded_stale", "--match", "colour=red"], "colour"),
    ],
)
def test_an_invalid_fault_setting_or_match_is_refused(
    run: Run, mocklend: Client, arguments: list[str], message: str
) -> None:
    ran = run("faults", "on", *arguments)

    assert ran.code == 2
    assert message in ran.err
    assert mocklend.rules()["rules"] == []


@needs_faults
def test_lint_prints_warnings_and_exits_with_1_if_there_are_any(run: Run, mocklend: Client) -> None:
    assert (run("faults", "lint").code, run("faults", "lint").out.strip()) == (0, "no rules")

    run("faults", "on", "cache.bounded_stale", "--times", "3")
    counted, exact_result = run("faults", "lint"), run("faults", "lint", "--exact", "--json")
    run("faults", "on", "callback.dropped", "--probability", "0")
    warned = run("faults", "lint")

    assert counted.code == 0
    assert "cache.bounded_stale  cache.bounded_stale: order_dependent" in counted.out
    assert (exact_result.code, exact_result.document["rules"][0]["verdict"]) == (1, "order_dependent")
    assert warned.code == 1
    assert "warning, never_drawn: the probability is 0 at all times" in warned.out


@needs_faults
def test_the_list_shows_the_kinds_with_their_flags_and_the_rules_with_their_counters(
    run: Run, mocklend: Client, loan: dict[str, object]
) -> None:
    run("faults", "on", "cache.bounded_stale", "--lag-s", "90")
    repay(mocklend, loan)

    ran = run("faults", "list")

    assert ran.code == 0
    assert "--lag-s" in ran.out
    assert "callback.dropped" in ran.out
    assert "injected 1" in ran.out
    assert {"faults", "rules"} <= set(run("faults", "list", "--json").document)


@needs_faults
def test_a_fault_is_disarmed_by_its_name_and_all_at_once(run: Run, mocklend: Client) -> None:
    for fault in ("cache.bounded_stale", "callback.dropped", "operator.wrong_amount"):
        run("faults", "on", fault)

    assert run("faults", "off", "callback.dropped").out == "disarmed: callback.dropped\n"
    assert sorted(run("faults", "off", "--all", "--json").document["off"]) == [
        "cache.bounded_stale",
        "operator.wrong_amount",
    ]
    assert run("faults", "off").code == 2
    unknown = run("faults", "off", "callback.dropped")
    assert (unknown.code, "no rule" in unknown.err) == (2, True)
