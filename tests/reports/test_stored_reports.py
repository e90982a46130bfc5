"""Reports that are kept: made with a button or a call, opened as a file, and without the truth while it is hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.domain.problems import Refused
from mocklend.language import Language
from mocklend.reports import storing
from mocklend.reports.page import policy
from mocklend.reports.storing import StoreReport
from mocklend.runtime import Platform, find_layer
from mocklend.scenarios.runs import play
from mocklend.storage.entities import StoredReport
from support.console import Browser, english_sentences, seen
from support.console_control import Control
from support.report_file import ReportFile
from support.story import Clock

MONDAY = "2026-01-05T10:00:00+08:00"
LOST = {"fault": "callback.dropped"}
TOKEN = "the-teachers-token"


class Class:
    """A served platform with the fault layer: its API, and its pages for a viewer."""

    def __init__(self, platform: Platform, host: str = "127.0.0.1") -> None:
        self.platform = platform
        self.app = create_app(Settings(default_seed=7, control_token=TOKEN, host=host), platform)
        http = self.app.test_client()
        http.environ_base["HTTP_X_MOCKLEND_CONTROL"] = TOKEN
        made = http.post("/-/sandboxes", json={"seed": 7, "clock": {"mode": "manual", "now": MONDAY}}).get_json()
        self.control = Control(http, made)
        self.id = self.control.sandbox_id
        self.browser = Browser(self.viewer(), self.id)

    def viewer(self) -> FlaskClient:
        """Somebody with a browser of their own."""
        client: FlaskClient = self.app.test_client()
        return client

    def lie(self) -> str:
        """A lie whose rule, fault and finding a report names. Returns the entity of the finding."""
        self.control.call("PUT", "/-/rules/rule-of-loss", LOST)
        self.control.repay()
        [entry] = self.control.call("GET", "/-/answer-key")["entries"]
        return str(entry["expected"]["entity"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lesson(open_platform: Callable[..., Platform], clock: Clock) -> Class:
    """On loopback, with a control token that is known."""
    return Class(open_platform(find_layer(), real_ms=clock))


def made_on(browser: Browser, page: str) -> str:
    """Press the button Report of a page. Returns the id of the report."""
    action = re.search(r'<form method="post"[^>]* action="(/console/[^"]+/reports)"', browser.get(page))
    assert action, "the page has the button"
    answer = browser.post(action[1], {})
    assert answer.status_code == 303, answer.text
    return str(answer.location.partition("#")[2])


def test_the_button_of_live_makes_a_report_of_what_was_counted(lesson: Class, clock: Clock) -> None:
    browser = lesson.browser
    assert "No report is here." in seen(browser.get("/reports"))
    browser.get("/live")
    entity = lesson.lie()
    clock.ms += 2_000

    id = made_on(browser, "/live")

    listed = browser.get("/reports")
    assert f'id="{id}"' in listed
    kept = lesson.control.call("GET", f"/-/reports/{id}")["report"]
    file = ReportFile(browser.get(f"/reports/{id}"))
    assert file.document == kept
    assert kept["kind"] == "sandbox"
    assert kept["rows"] == lesson.control.call("GET", "/-/live")["rows"]
    assert [cells[1] for cells in file.tables["requests"]] == [f"{row['requests']:,}" for row in kept["rows"]]
    assert sum(row["requests"] for row in kept["rows"]) == 3
    assert file.tables["rules"][0][:2] == ["rule-of-loss", "callback.dropped"]
    assert file.tables["open_lies"][0][4] == entity
    assert file.figures["lies open"] == "1"
    [told] = lesson.control.call("GET", "/-/reports")["reports"]
    assert (told["id"], told["kind"], told["title"]) == (id, "sandbox", lesson.id)


def test_the_kept_scores_of_a_sandbox_are_in_its_report_where_the_truth_is(lesson: Class) -> None:
    entity = lesson.lie()
    right = {"class": "missing_in_books", "entity": entity}
    lesson.control.call("POST", "/-/scores", {"findings": [right], "label": "Ada"})
    lesson.control.call("POST", "/-/scores", {"findings": []})

    id = made_on(lesson.browser, "/reports")
    file = ReportFile(lesson.browser.get(f"/reports/{id}"))
    lesson.browser.get("/loans?truth=hidden")
    hidden = ReportFile(lesson.browser.get(f"/reports/{id}"))

    nobody, ada = file.tables["scores"]
    assert (ada[0], ada[2:]) == ("Ada", ["1", "1", "0", "1", "1", "1"])
    assert nobody[2:5] == ["1", "0", "0"]
    assert "is required" not in ada[1]
    assert "recall is 0.0000, and at least 1 is required" in nobody[1], "why it has failed"
    assert "scores" not in hidden.tables


def test_a_report_is_saved_as_the_file_that_is_shown(lesson: Class) -> None:
    id = made_on(lesson.browser, "/reports")

    shown, saved = (lesson.browser.client.get(f"/console/{lesson.id}/reports/{id}{query}") for query in ("", "?save=1"))

    assert shown.data == saved.data
    assert saved.headers["Content-Disposition"] == f'attachment; filename="{id}-en.html"'
    assert shown.headers["Content-Security-Policy"] == f"{policy()}; frame-ancestors 'none'"
    assert "Content-Disposition" not in shown.headers


def test_the_button_of_a_scenario_makes_its_report_in_both_languages(lesson: Class) -> None:
    run, _ = play(lesson.app.wsgi_app, lesson.platform, "wrong-amount", 7, Language.ZH)
    browser = Browser(lesson.viewer(), run.sandbox_id)
    page = f"/console/{run.sandbox_id}/scenarios/wrong-amount"
    browser.post(f"{page}/steps", {"until": "end", "at_step": "0"})

    id = made_on(browser, page)

    for language in Language:
        html = browser.get(f"/reports/{id}", language)
        file = ReportFile(html)
        assert file.fields["command"] == "mocklend scenario run wrong-amount --seed 7"
        assert file.document["verdict"]["outcome"] == "PASS"
        assert file.figures["steps made"] == file.figures["steps of the story"]
    assert english_sentences(re.sub(r"<li>[✓✕].*?</li>", "", browser.get(f"/reports/{id}", Language.ZH))) == []
    assert english_sentences(browser.get("/reports", Language.ZH)) == []


def test_while_the_truth_is_hidden_a_report_is_without_it_for_everybody(lesson: Class, clock: Clock) -> None:
    lesson.browser.get("/live")
    entity = lesson.lie()
    clock.ms += 2_000
    id = made_on(lesson.browser, "/live")
    lesson.control.call("PATCH", f"/-/sandboxes/{lesson.id}", {"truth": "hidden"})
    later = made_on(lesson.browser, "/reports")

    for each in (id, later):
        html = lesson.browser.get(f"/reports/{each}")
        over_http = json.dumps(lesson.control.call("GET", f"/-/reports/{each}"))
        for text in (html, over_http):
            for secret in ("rule-of-loss", "callback.dropped", "missing_in_books", entity):
                assert secret not in text
        assert "The truth is hidden." in html

    lesson.control.call("PATCH", f"/-/sandboxes/{lesson.id}", {"truth": "shown"})
    for each in (id, later):
        assert "rule-of-loss" in lesson.browser.get(f"/reports/{each}"), "what was made meanwhile has it, too"


def test_a_truth_that_is_revealed_is_in_the_reports_again(open_platform: Callable[..., Platform]) -> None:
    lesson = Class(open_platform(find_layer()), host="0.0.0.0")
    lesson.lie()
    lesson.control.call("PATCH", f"/-/sandboxes/{lesson.id}", {"truth": "hidden"})
    id = lesson.control.call("POST", "/-/reports", {})["id"]
    student = lesson.viewer()
    student.post("/console/sign-in", data={"secret": lesson.control.key})
    assert "rule-of-loss" not in student.get(f"/console/{lesson.id}/reports/{id}").text
    assert "these files are without it" in student.get(f"/console/{lesson.id}/reports").text

    lesson.control.call("PATCH", f"/-/sandboxes/{lesson.id}", {"truth": "revealed"})

    assert "rule-of-loss" in student.get(f"/console/{lesson.id}/reports/{id}").text
    assert "these files are without it" not in student.get(f"/console/{lesson.id}/reports").text
    assert lesson.control.call("GET", f"/-/reports/{id}")["report"]["shows_truth"]


def test_a_student_opens_reports_without_the_truth_and_makes_none(open_platform: Callable[..., Platform]) -> None:
    lesson = Class(open_platform(find_layer()), host="0.0.0.0")
    lesson.lie()
    id = lesson.control.call("POST", "/-/reports", {})["id"]
    student = lesson.viewer()
    student.post("/console/sign-in", data={"secret": lesson.control.key})

    opened = student.get(f"/console/{lesson.id}/reports/{id}")

    assert opened.status_code == 200
    assert "rule-of-loss" not in opened.text
    assert "<button" not in student.get(f"/console/{lesson.id}/reports").text.partition("<main")[2]
    assert student.post(f"/console/{lesson.id}/reports").status_code == 401


def test_making_a_report_changes_no_answer_key_and_no_counter(lesson: Class) -> None:
    lesson.lie()
    before = (lesson.control.call("GET", "/-/answer-key"), lesson.control.call("GET", "/-/rules"))

    made_on(lesson.browser, "/live")

    assert (lesson.control.call("GET", "/-/answer-key"), lesson.control.call("GET", "/-/rules")) == before


def test_the_newest_are_kept_and_a_reset_takes_them_away(lesson: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "KEPT_MAX", 2)
    ids = [lesson.control.call("POST", "/-/reports", {})["id"] for _ in range(3)]

    assert [each["id"] for each in lesson.control.call("GET", "/-/reports")["reports"]] == ids[:0:-1]
    lesson.control.call("POST", "/-/reset", {})
    assert lesson.control.call("GET", "/-/reports")["reports"] == []


def test_a_report_that_there_is_not_is_refused(lesson: Class) -> None:
    assert "There is no such report." in seen(lesson.browser.get("/reports/rep_1", status=404))


def test_two_reports_of_one_moment_do_not_overwrite_each_other(lesson: Class) -> None:
    report = StoredReport("rep_1", "sandbox", "a title", 1, "{}")
    lesson.platform.run(StoreReport(lesson.id, report))

    with pytest.raises(Refused, match="same moment"):
        lesson.platform.run(StoreReport(lesson.id, report))
