"""`mocklend scenario play`: a story is played on a server, and the console shows it meanwhile."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
import requests

from mocklend.client import Client, Doc
from mocklend.local import local_platform
from mocklend.scenarios.playing import console_address, played
from mocklend.scenarios.text import scenarios

pytestmark = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


def test_each_step_is_told_and_is_seen_at_the_address_that_is_printed() -> None:
    pauses: list[float] = []
    with local_platform() as url, Client(url) as anyone:
        begun = anyone.play_scenario("settled-shown-unpaid", seed=7, language="en")
        address = console_address(f"{url}/", begun["run"])
        lines: list[str] = []
        with Client(url, begun["sandbox"]["api_key"]) as player:
            for run, told in played(player, begun["run"], 1.5, sleep=pauses.append):
                lines += told
                if run["step"] in (4, 20):
                    page = requests.get(address, timeout=10).text
                    assert f"step {run['step']} of 31" in page

    assert (run["state"], run["step"]) == ("over", 31)
    assert pauses == [1.5] * 31
    assert address.startswith(f"{url}/console/{begun['sandbox']['id']}/scenarios/")
    titles = [chapter["title"] for chapter in scenarios()["settled-shown-unpaid"].chapters]
    assert [line.partition(". ")[2].partition("\n")[0] for line in lines if line.startswith("\n")] == titles
    question = next(n for n, line in enumerate(lines) if "What will the bank say?" in line)
    assert lines[question + 1].startswith("  Harbour Bank: Mortgage of 500,000.00: ")


def test_a_claim_that_fails_ends_it_with_what_was_claimed() -> None:
    run: Doc = {"state": "running", "next": None, "step": 1, "chapters": [], "failed": None}

    class Failing:
        def scenario_steps(self, *, at_step: int) -> Doc:
            return {**run, "state": "failed", "step": at_step + 1, "failed": "expected CLEAR, got USING"}

    [(last, lines)] = played(Failing(), run, 0, sleep=lambda _: None)  # type: ignore[arg-type]

    assert last["state"] == "failed"
    assert lines == ["  ✗ expected CLEAR, got USING"]
