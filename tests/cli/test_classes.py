"""`mocklend class`: made, moved, followed, revealed and deleted from a terminal."""

from __future__ import annotations

import csv
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mocklend.client import Client, Doc
from support.terminal import Run

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

pytestmark = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


@pytest.fixture
def course(run: Run, mocklend: Client, loan: Doc, request: pytest.FixtureRequest) -> Doc:
    """A class of two groups, each with a copy of the test's sandbox, in which a callback was lost."""
    mocklend.arm("callback.dropped")
    mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
    made: Doc = run("class", "make", request.node.name, "--group", "Ada", "--group", "Bo", "--json").document
    return made


def test_a_class_is_made_moved_followed_revealed_and_deleted(run: Run, course: Doc, mocklend: Client) -> None:
    id, now = course["made"]["id"], mocklend.clock()["now"]

    assert f"  {id}  open" in run("class", "list").out
    shown = run("class", "show", id).out.splitlines()
    assert shown[1:] == [
        f"clock: {now}",
        "groups: 2, looking 0, handed in 0, passed 0; wrong findings: 0",
        "    1  Ada  not begun, lies 1",
        "    2  Bo  not begun, lies 1",
    ]
    assert run("class", "clock", id, "PT1H", "--json").document["clock"]["arrived"] == 2
    assert run("class", "clock", id, "next").out.startswith("clock: 20")
    with Client(mocklend.base_url, course["keys"][1]["api_key"]) as bo:
        assert bo.score([])["verdict"] == "FAIL"
    assert "    2  Bo  rank 1: found 0 of 1, wrong 0, FAIL" in run("class", "show", id, "--by-score").out.splitlines()
    assert run("class", "reveal", id).out.startswith(f"class {id}, ended")
    assert run("class", "delete", id, "--json").document == {"deleted": id}
    assert run("class", "show", id).code == 2


def test_keys_go_to_a_file_that_only_its_owner_reads(run: Run, course: Doc, tmp_path: Path) -> None:
    file = tmp_path / "keys.csv"

    ran = run("class", "keys", course["made"]["id"], "--keys", str(file))

    assert ran.out == f"new keys: 2\nthe keys are in {file}\n"
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["name"] for row in rows] == ["Ada", "Bo"]
    assert {row["api_key"] for row in rows}.isdisjoint(key["api_key"] for key in course["keys"])
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_refused_before_there_are_new_keys(
    run: Run, course: Doc, mocklend: Client, tmp_path: Path
) -> None:
    refused = run("class", "keys", course["made"]["id"], "--keys", str(tmp_path / "nowhere" / "keys.csv"))

    assert refused.code == 2
    assert "cannot be written: there is no folder" in refused.err
    with Client(mocklend.base_url, course["keys"][0]["api_key"]) as ada:
        assert len(ada.loans()["loans"]) == 1


def test_what_the_server_refuses_is_said(run: Run, mocklend: Client) -> None:
    refused = run("class", "make", "Nobody", "--scenario", "not-a-story")

    assert refused.code == 2
    assert "scenario" in refused.err
