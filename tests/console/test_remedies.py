"""What puts it right: for every kind of fault the buttons of the card end what its story has made wrong."""

from __future__ import annotations

import html
import re

import pytest
import requests

from mocklend.client import Doc
from mocklend_faults.engine.catalogue import installed
from support import paired_runs
from support.console import forms_of
from support.paired_runs import StoryRun

ROUNDS = 6
"""How many buttons a loan may need: one for each break, and one for what a repair has uncovered."""


def chain(run: StoryRun, loan_id: str) -> Doc:
    """A loan's views."""
    return run.client.request(method="GET", path=f"/-/loans/{loan_id}/views")


def wrong(run: StoryRun, loan_id: str) -> list[Doc]:
    """The rows that are wrong now: an answer to a client is over at once."""
    return [
        row
        for row in chain(run, loan_id)["rows"]
        if row["mark"] == "unexplained" or (row["mark"] == "first_wrong" and row["wrong_days"] is not None)
    ]


def card(page: str) -> str:
    """The card of the loan page."""
    return page.partition("What puts it right</h2>")[2].partition("</section>")[0]


def press(server: str, path: str) -> bool:
    """Press the first button of the card, and send the form that it opens. False if there is no button."""
    loan_page = requests.get(f"{server}{path}", timeout=30)
    assert loan_page.status_code == 200
    shown = card(loan_page.text)
    opens = re.search(r'class="button strong" href="([^"]+)"', shown)
    if opens is not None:
        page = requests.get(f"{server}{html.unescape(opens[1])}", timeout=30)
        assert page.status_code == 200, page.text
        [(action, values)] = [found for found in forms_of(page.text) if "/forms/" in found[0]]
    else:
        moment = re.search(r'name="to" value="([^"]+)" class="strong"', shown)
        if moment is None:
            return False
        [(action, values)] = forms_of(shown)
        values["to"] = moment[1]
    answer = requests.post(f"{server}{action}", data=values, timeout=30, allow_redirects=False)
    assert answer.status_code == 303, answer.text
    return True


@pytest.mark.parametrize("fault", sorted(installed()))
def test_the_buttons_put_right_what_a_kind_has_made_wrong(mocklend_server: str, fault: str) -> None:
    told = paired_runs.lesson_of(fault)
    with paired_runs.story_run(mocklend_server, **told.sandbox) as run:
        run.client.arm(fault, rule_id="lesson", match=told.match, select=told.select, **told.settings)
        told.story(run)
        run.views()
        run.client.halt()
        pressed = 0
        for loan_id in run.loans:
            for _ in range(ROUNDS):
                if not wrong(run, loan_id):
                    break
                assert press(mocklend_server, f"/console/{run.client.sandbox_id}/loans/{loan_id}"), "there is no button"
                pressed += 1

        assert [row for loan_id in run.loans for row in wrong(run, loan_id)] == []
        assert pressed or set(installed()[fault].seams()) == {"api.answer"}
