"""scripts/writer: it measures the four kinds of command with the code of both commits, and compares the medians."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import writer_cost
from other_commit import ROOT, end_of_log, running
from writer_cost import SAMPLE, ratios
from writer_sample import COMMANDS

from mocklend.exit_codes import ExitCode


def test_a_ratio_is_the_median_of_those_within_a_round() -> None:
    before = [{"repay": 100.0}, {"repay": 400.0}, {"repay": 100.0}]
    now = [{"repay": 50.0}, {"repay": 300.0}, {"repay": 90.0}]

    assert ratios(before, now) == {"repay": 0.75}


@pytest.mark.long
def test_each_kind_of_command_is_measured(tmp_path: Path) -> None:
    with running(ROOT, SAMPLE, ["2"], tmp_path / "now") as process:
        assert process.wait(60) == 0, end_of_log(tmp_path / "now")

    sample = json.loads(end_of_log(tmp_path / "now").splitlines()[-1])
    assert sample.keys() == COMMANDS.keys()
    assert min(sample.values()) > 1


@pytest.mark.parametrize(("bound", "code"), [("0.7", ExitCode.PASS), ("0.6", ExitCode.FAIL)])
def test_a_callback_above_its_bound_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bound: str, code: ExitCode
) -> None:
    costs = {"before": 1_000.0, "now": 650.0}
    monkeypatch.setattr(writer_cost, "_sample", lambda tree, out, loans: dict.fromkeys(COMMANDS, costs[out.name]))

    assert writer_cost.main(["HEAD", "--rounds", "2", "--callback-at-max", bound]) == code
    assert "callback with booking        1000        650    0.65" in capsys.readouterr().out
