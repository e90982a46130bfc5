"""Saving: the requests of a sandbox become a scenario with the same answer key; what cannot be repeated is named."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from typer.testing import CliRunner

from mocklend.cli import app
from mocklend.client import Client, Doc, ProblemError, numbered_keys
from mocklend.scenarios.narrator import Narrator, NotAsTold
from mocklend.scenarios.saving import CannotSave, saved
from mocklend.scenarios.schema import FILE, installed
from mocklend.scenarios.skeleton import skeleton
from mocklend.scenarios.telling import run, tell_chapters
from mocklend.scenarios.text import Scenario, read

SEED = 11


def explore(client: Client) -> None:
    """Four loans among rules that hit some of them: paid, edited, refused, looked at, and cut off."""
    ada = client.add_borrower("ada", "Ada $")
    client.arm("cache.bounded_stale", probability=0.6, lag_s=3600)
    client.arm("callback.dropped", probability=0.5)
    client.arm("transport.reset", match={"operation": "getLoan"}, select={"times": 1})
    client.arm("operator.wrong_amount", probability=0.5)
    for n in range(4):
        loan = client.borrow(ada["id"], 50_000 + n * 100, product_id="jiebei-like")
        client.edit(loan["id"], "MODIFY_BILL_AMOUNT", amount_minor=1_200, operator="grace", memo="A fee of $12")
        quote = client.quote(loan["id"])
        client.repay_quote(quote, "wallet", payer_reference="for $loan.id")
        if client.clock()["mode"] == "manual":
            client.advance("PT1M")
        with contextlib.suppress(requests.ConnectionError):
            client.loan(loan["id"])
        client.books(loan["id"])
        client.repayments(loan["id"])
    with pytest.raises(ProblemError):
        client.quote("loan_nobody")


def key_of(client: Client) -> list[Doc]:
    """The answer key, whole."""
    entries: list[dict[str, Any]] = client.answer_key()["entries"]
    return entries


def retold(scenario: Scenario, url: str) -> list[Doc]:
    """The answer key of a telling in a fresh sandbox."""
    with Client(url) as anyone:
        narrator = Narrator(None)
        anyone.on_exchange = narrator.hear
        with anyone.sandbox(seed=scenario.seed, now=scenario.starts, **scenario.sandbox) as client:
            narrator.client = client
            tell_chapters(narrator, scenario)
            key = key_of(client)
            client.delete_sandbox()
    return key


def save(client: Client, **more: object) -> Scenario:
    """The requests of the sandbox as a scenario."""
    lies = len(client.answer_key(status="active")["entries"])
    return read(saved(client.requests_made(), name="again", title="Again", lies=lies), "again.yaml")


@pytest.fixture
def explored(mocklend_server: str) -> Iterator[Client]:
    """A sandbox after some requests."""
    with Client(mocklend_server) as anyone, anyone.sandbox(seed=SEED, now="2026-01-05T02:00:00Z") as client:
        client.next_key = numbered_keys()
        explore(client)
        yield client
        client.delete_sandbox()


def test_the_same_seed_again_gives_the_same_answer_key(explored: Client, mocklend_server: str) -> None:
    before = key_of(explored)

    again = retold(save(explored), mocklend_server)

    assert len(before) >= 4
    assert len({entry["fault"] for entry in before}) == 4
    assert again == before


def test_a_story_on_a_running_clock_is_repeated_except_for_times(mocklend_server: str) -> None:
    with Client(mocklend_server) as anyone, anyone.sandbox(seed=SEED, clock="wall") as client:
        explore(client)
        before = key_of(client)
        scenario = save(client)
        client.delete_sandbox()

    again = retold(scenario, mocklend_server)

    def timeless(key: list[dict[str, Any]]) -> set[Any]:
        return {(entry["injection"], entry["fault"], entry["entity"]) for entry in key}

    # In this process nothing ticks, so the wallet has not been heard of yet; on the manual clock it has.
    assert timeless(before)
    assert timeless(before) <= timeless(again)


def test_a_saved_scenario_has_names_in_the_place_of_ids(explored: Client) -> None:
    scenario = save(explored)

    text = yaml.safe_dump([dict(chapter) for chapter in scenario.chapters])

    assert "loan_nobody" in text
    assert not any(
        id in text for id in (explored.loans()["loans"][0]["id"], explored.loans()["loans"][0]["borrower_id"])
    )


def test_a_saved_scenario_expects_the_answers_that_were_seen(explored: Client) -> None:
    [chapter] = save(explored).chapters

    claims = [step["expect"] for step in chapter["steps"] if step["do"] == "books"]
    refused = [step for step in chapter["steps"] if step.get("fails") == "loan_unknown"]

    assert len(claims) == 4
    assert all(set(claim) == {"status", "outstanding_minor"} for claim in claims)
    assert len(refused) == 1
    assert [step["fails"] for step in chapter["steps"] if step["do"] == "loan" and "fails" in step] == ["any"]


def test_a_story_of_which_a_part_is_missing_is_not_saved(explored: Client) -> None:
    with pytest.raises(CannotSave, match="is not complete"):
        saved(explored.requests_made() | {"complete": False}, name="x", title="x", lies=0)


def test_a_sandbox_without_requests_cannot_be_saved(mocklend: Client) -> None:
    with pytest.raises(CannotSave, match="there was no request"):
        saved(mocklend.requests_made(), name="x", title="x", lies=0)


def test_requests_that_cannot_be_repeated_are_named_in_the_file(mocklend: Client) -> None:
    mocklend.add_borrower("ada", "Ada")
    mocklend.add_webhook_endpoint("http://127.0.0.1:9/")

    text = saved(mocklend.requests_made(), name="x", title="x", lies=0)

    assert "#   POST /v1/webhook-endpoints: a webhook endpoint" in text
    assert "127.0.0.1" not in text
    assert len(read(text, "x.yaml").chapters[0]["steps"]) == 1


def test_the_command_saves_a_file_that_can_be_run(mocklend: Client, mocklend_server: str, tmp_path: Path) -> None:
    mocklend.add_borrower("ada", "Ada")
    mocklend.advance("P1D")
    file = tmp_path / "what-i-did.yaml"
    to_sandbox = ["--url", mocklend_server, "--api-key", str(mocklend.api_key)]

    first = CliRunner().invoke(app, [*to_sandbox, "scenario", "save", str(file)])
    second = CliRunner().invoke(app, [*to_sandbox, "scenario", "save", str(file)])
    ran = CliRunner().invoke(app, ["scenario", "run", str(file)])

    assert (first.exit_code, second.exit_code, ran.exit_code) == (0, 2, 0), first.output + ran.output
    assert "wrote" in first.output


def test_a_new_scenario_runs_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["scenario", "new", "late-page"])
    again = CliRunner().invoke(app, ["scenario", "new", "late-page"])

    assert (result.exit_code, again.exit_code) == (0, 2)
    assert (tmp_path / "late-page.yaml").read_text() == skeleton("late-page", "late-page.yaml")
    assert (tmp_path / FILE).read_text(encoding="utf-8") == installed()
    assert run(read(skeleton("late-page", "late-page.yaml"), "late-page.yaml")) == 0


@pytest.mark.parametrize("name", ["Late Page", "late: page", "../late", ""])
def test_an_invalid_name_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["scenario", "new", name])

    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_scenario_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("name: x")

    result = CliRunner().invoke(app, ["scenario", "run", str(file)])

    assert result.exit_code == 2
    assert "the field is required" in result.output


def run_and_output(scenario: Scenario) -> tuple[int, str]:
    """The story is told on a platform of its own: whether all was as it says, and what was printed."""
    out = io.StringIO()
    return run(scenario, out=out), out.getvalue()


def test_a_saved_scenario_expects_nothing_that_depends_on_real_time(mocklend_server: str) -> None:
    """Nothing ticks in this process, so of a day that passes in a second the platform is told nothing."""
    with Client(mocklend_server) as anyone, anyone.sandbox(seed=SEED, clock="wall", speed=86_400) as client:
        client.next_key = numbered_keys()
        loan = client.borrow(client.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")
        client.repay_quote(client.quote(loan["id"]), "wallet")
        started = client.clock()["now"]
        while client.clock()["now"] < started[:17] + "59":  # A few milliseconds of real time.
            pass
        assert client.books(loan["id"])["status"] == "USING"
        client.edit(loan["id"], "MODIFY_BILL_AMOUNT", amount_minor=1_200, operator="grace", memo="a fee")
        text = saved(client.requests_made(), name="again", title="Again", lies=0)
        client.delete_sandbox()

    code, printed = run_and_output(read(text, "again.yaml"))

    assert code == 0, printed
    assert "depended on the exact time" in text
    assert "books: status is USING" in text
    assert "edit: it succeeds (in the second run: loan_not_active)" in text


def test_a_season_in_a_sandbox_with_a_running_clock_is_saved_and_run_again(mocklend_server: str) -> None:
    from mocklend.live import SeasonOptions, live

    with Client(mocklend_server) as anyone, anyone.sandbox(seed=SEED, clock="wall", speed=60) as client:
        client.arm("cache.bounded_stale", lag_s=60)
        live(client, SeasonOptions(loans=2, days=34))
        client.loans()
        before = {(item["injection"], item["entity"]) for item in key_of(client)}
        scenario = save(client)
        client.delete_sandbox()

    again = {(item["injection"], item["entity"]) for item in retold(scenario, mocklend_server)}
    code, printed = run_and_output(scenario)

    assert code == 0, printed
    assert before == again != set()


def test_a_story_with_an_open_end_may_end_with_money_in_transit() -> None:
    class OnItsWay:
        def audit(self) -> dict[str, Any]:
            late = {"entity": "cb_1", "age_s": 2, "detail": "is about to call back"}
            return {
                "now": "2026-01-05T02:00:00.000Z", "clean": False, "loans": 1, "discrepancies": [], "unobserved": [],
                "in_transit": [late], "invariants": [],
            }  # fmt: skip

    narrator = Narrator(None)
    narrator.client = OnItsWay()  # type: ignore[assignment]
    narrator.scene("What was done", "As it was done.")

    narrator.audit(all_is_over=False)
    with pytest.raises(NotAsTold, match="nothing is on its way"):
        narrator.audit()
