"""Scenarios that are played on a server: step by step, with real requests, each in a sandbox of its own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

import pytest
import requests

from mocklend.client import Client, Doc, ProblemError
from mocklend.local import Local, opened_platform
from mocklend.scenarios.in_process import client_of
from mocklend.scenarios.narrator import Narrator
from mocklend.scenarios.telling import tell
from mocklend.scenarios.text import scenarios

pytestmark = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)
STORY = "settled-shown-unpaid"


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    with opened_platform() as opened:
        yield opened


class Player:
    """A run of a scenario, as a client of the API sees it."""

    def __init__(self, local: Local, scenario: str, **body: object) -> None:
        self.local = local
        status, made = local.ask("POST", f"/-/scenarios/{scenario}/runs", body)
        assert status == 201, made
        self.key: str = made["sandbox"]["api_key"]
        self.label: str = made["sandbox"]["label"]
        self.run: Doc = made["run"]

    def go_on(self, **body: object) -> Doc:
        status, run = self.local.ask("POST", "/-/scenarios/run/steps", body, self.key)
        assert status == 200, run
        self.run = run
        return self.run

    def answer_key(self) -> list[Doc]:
        entries: list[Doc] = self.local.ask("GET", "/-/answer-key", api_key=self.key)[1]["entries"]
        return entries


def test_the_scenarios_are_listed_with_chapters_and_steps(local: Local) -> None:
    status, listed = local.ask("GET", "/-/scenarios")

    assert status == 200
    by_name = {scenario["name"]: scenario for scenario in listed["scenarios"]}
    assert set(by_name) == set(scenarios())
    assert by_name[STORY]["steps"] == 31
    assert by_name[STORY]["chapters"][1] == "The due date passes"


def test_a_run_begins_in_a_sandbox_of_its_own_with_no_step_made(local: Local) -> None:
    player = Player(local, STORY, seed=11)

    assert player.label == "Settled, and still shown as unpaid"
    assert (player.run["seed"], player.run["step"], player.run["state"]) == (11, 0, "running")
    assert [chapter["state"] for chapter in player.run["chapters"]] == ["now", "next", "next", "next", "next"]
    assert player.run["next"] == {"who": "Ada", "do": "add_borrower", "guess": None}
    assert local.ask("GET", "/v1/loans", api_key=player.key)[1]["loans"] == []


def test_a_step_shows_its_answer_in_a_sentence(local: Local) -> None:
    player = Player(local, STORY)
    player.go_on()
    run = player.go_on()

    assert run["step"] == 2
    assert [(line["who"], line["text"]) for line in run["chapters"][0]["lines"]] == [
        ("Ada", "Ada, credit limit 50,000.00"),
        ("Ada", "Borrows 1,000.00; first due 90.90 on 5 Feb"),
    ]


def test_a_chapter_ends_with_what_each_reconciler_found(local: Local) -> None:
    player = Player(local, STORY)
    run = player.go_on(until="chapter")

    assert [chapter["state"] for chapter in run["chapters"]][:2] == ["done", "now"]
    found = {each["reconciler"]: each["found"] for each in run["chapters"][0]["found"]}
    assert found["naive"] == []
    assert [(each["finding_class"], each["amount_minor"]) for each in found["thorough"]] == [("unidentified", 100_450)]
    assert [each["who"] for each in run["believes"]] == ["The channel", "An operator", "The status page"]


def test_the_lender_is_a_guess_before_its_answer_is_shown(local: Local) -> None:
    player = Player(local, STORY)
    player.go_on(until="chapter")
    player.go_on(until="chapter")
    run = player.go_on()
    while run["next"]["do"] != "apply":
        run = player.go_on()

    assert run["next"]["guess"]["question"].endswith("What will the bank say?")
    assert run["next"]["guess"]["hint"]
    answered = player.go_on()
    assert answered["believes"][-1] == {
        "who": "Harbour Bank",
        "text": "Mortgage of 500,000.00: refused",
        "changed": True,
    }


@pytest.mark.long
def test_a_played_story_has_the_answer_key_of_the_same_story_on_the_command_line(local: Local) -> None:
    player = Player(local, STORY)
    run = player.go_on(until="end")
    narrator = Narrator(None)
    with Client(local.url) as anyone:
        kept: list[Doc] = []
        narrator.note = lambda name, what: kept.extend(narrator.client.answer_key()["entries"])  # type: ignore[method-assign]
        assert tell(narrator, local.url, scenarios()[STORY])
        anyone.health()

    assert (run["state"], run["failed"], run["next"]) == ("over", None, None)
    assert all(claim["holds"] for chapter in run["chapters"] for claim in chapter["claims"])
    assert player.answer_key() == kept
    assert len(kept) == 1


def test_a_form_that_is_sent_twice_makes_one_step(local: Local) -> None:
    player = Player(local, "stale-page")

    first = player.go_on(at_step=0)
    second = player.go_on(at_step=0)

    assert (first["step"], second["step"]) == (1, 1)


def test_a_run_that_is_over_stays_as_it_is(local: Local) -> None:
    player = Player(local, "wrong-amount")
    over = player.go_on(until="end")

    assert player.go_on() == over


def test_an_outage_of_the_story_is_the_storys_and_the_run_goes_on(local: Local) -> None:
    player = Player(local, "month-end-outage")
    run = player.go_on(until="chapter")
    run = player.go_on(until="chapter")

    refused = [line for line in run["chapters"][1]["lines"] if line["do"] == "repay"]
    assert [line["text"] for line in refused] == ["Refused: The platform cannot answer now."] * 2
    assert run["state"] == "running"


def test_a_reset_ends_the_run(local: Local) -> None:
    player = Player(local, "stale-page")
    player.go_on()
    local.ask("POST", "/-/reset", None, player.key)

    status, problem = local.ask("GET", "/-/scenarios/run", api_key=player.key)

    assert (status, problem["code"]) == (404, "run_unknown")


def test_a_run_that_was_made_and_not_stored_goes_on_without_a_second_effect(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = Player(local, "stale-page")
    player.go_on()
    with monkeypatch.context() as patch:
        patch.setattr("mocklend.scenarios.runs.StoreRun.decide", _dies)
        assert local.ask("POST", "/-/scenarios/run/steps", {}, player.key)[0] == 409
    run = player.go_on()

    assert run["step"] == 2
    assert len(local.ask("GET", "/v1/loans", api_key=player.key)[1]["loans"]) == 1


def _dies(*_: Any) -> None:
    from mocklend.domain.problems import Refused

    raise Refused("conflict", "the process died")


def test_a_scenario_that_does_not_exist_is_refused_with_the_nearest_name(local: Local) -> None:
    status, problem = local.ask("POST", "/-/scenarios/stale-pages/runs", {})

    assert (status, problem["code"]) == (404, "scenario_unknown")
    assert "stale-page" in problem["detail"]


def test_a_client_of_this_process_sees_a_broken_connection_as_any_client(local: Local) -> None:
    with Client(local.url).sandbox(seed=7) as outside:
        client = client_of(local.app, outside.sandbox_id or "")
        ada = client.add_borrower("ada", "Ada")
        loan = client.borrow(ada["id"], 100_000, product_id="jiebei-like")
        assert client.loan(loan["id"]) == outside.loan(loan["id"])
        for fault in ("transport.reset", "transport.abort", "transport.truncated"):
            with outside.arm(fault, match={"operation": "getLoan"}), pytest.raises(requests.RequestException):
                client.loan(loan["id"])
        with pytest.raises(ProblemError, match="loan_unknown"):
            client.loan("loan_nobody")


def test_a_client_from_outside_cannot_name_a_sandbox_as_the_process_does(local: Local) -> None:
    with Client(local.url).sandbox(seed=7) as other:
        answer = requests.get(
            f"{local.url}/v1/loans",
            headers={"mocklend.inside": other.sandbox_id or "", "Authorization": "Bearer mk_no"},
        )

    assert answer.status_code == 401
