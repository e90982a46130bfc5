"""Experiments from the shell: files of plans, good and bad."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mocklend.client import Client
from support.terminal import Run

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


PLAN = """
stages:
  - {name: calm, duration_s: 600}
  - name: storm
    duration_s: 300
    rules: {late: {fault: cache.bounded_stale, with: {lag_s: 60}}}
"""


@needs_faults
def test_an_experiment_is_started_from_a_file_shown_and_stopped(run: Run, mocklend: Client, tmp_path: Path) -> None:
    file = tmp_path / "weather.yaml"
    file.write_text(PLAN)

    started = run("experiments", "start", str(file))
    again = run("experiments", "start", str(file), "--json")
    mocklend.advance("PT11M")
    listed = run("experiments", "list")
    stopped = run("experiments", "stop", "weather")

    assert started.out.splitlines()[0] == "weather: calm"
    rules = [(stage["name"], stage["rules"]) for stage in again.document["stages"]]
    assert (again.document["running"], rules) == ("calm", [("calm", []), ("storm", ["weather.storm.late"])])
    assert "storm: running, 1 rules" in listed.out
    assert (started.code, again.code, listed.code, stopped.code) == (0, 0, 0, 0)
    assert mocklend.rules()["rules"] == []
    assert run("experiments", "list").out.strip() == "no experiments"
    assert run("experiments", "stop", "weather").code == 2


@needs_faults
def test_an_experiment_may_be_json_and_has_the_name_that_it_is_given(
    run: Run, mocklend: Client, tmp_path: Path
) -> None:
    file = tmp_path / "Plan A.json"
    file.write_text('{"stages": [{"name": "storm", "duration_s": 60, "profile": "lessons"}]}')

    refused = run("experiments", "start", str(file))
    named = run("experiments", "start", str(file), "--id", "plan-a")

    assert (refused.code, named.code) == (2, 0)
    assert mocklend.experiment("plan-a")["running"] == "storm"


@needs_faults
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_plan_that_another_system_has_saved_is_read(
    run: Run, mocklend: Client, tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "weather.yaml"
    file.write_bytes(PLAN.replace("\n", "\r\n").encode(encoding))

    assert run("experiments", "start", str(file)).code == 0
    assert mocklend.experiment("weather")["running"] == "calm"


def test_a_file_in_an_undeclared_encoding_is_refused_in_a_sentence(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "weather.yaml"
    file.write_bytes(PLAN.encode("utf-16-le"))
    mine = tmp_path / "mine.py"
    mine.write_bytes("def reconcile(client):\n    return []\n".encode("utf-16-le"))
    findings = tmp_path / "findings.jsonl"
    findings.write_bytes('{"class": "stale_view", "entity": "张三"}'.encode("gbk"))

    for command in (
        ["experiments", "start", str(file)],
        ["scenario", "run", str(file)],
        ["score", str(findings)],
        ["reconcile", "--with", str(mine)],
    ):
        ran = run(*command)
        assert (ran.code, "Traceback" in ran.err, "Errno" in ran.err) == (2, False, False), command
        assert "UTF-8" in ran.err or "cannot be read as Python" in ran.err, ran.err


@pytest.mark.parametrize(
    "text",
    ["", "{", "stages: 5", "stages: [calm]", "stages: []\nname: x", "- {name: calm}", "stages: [{name: 2026-01-05}]"],
)
def test_a_file_that_is_no_plan_is_refused(run: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "weather.yaml"
    file.write_text(text)

    assert run("experiments", "start", str(file)).code == 2
    assert run("experiments", "start", str(tmp_path / "nothing.yaml")).code == 2


@needs_faults
def test_a_refused_stage_is_named_by_its_field(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "weather.yaml"
    file.write_text("stages: [{name: calm, duration_s: 0}]")

    ran = run("experiments", "start", str(file))

    assert ran.code == 2
    assert "stages.0.duration_s" in ran.err
