"""In an exam nobody reads which story was played: no answer to a student and no page names it, in either language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.console.app import create_console
from mocklend.language import Language, translate
from mocklend.runtime import Platform, find_layer
from mocklend.scenarios.runs import END, go_on, named, play, shipped
from mocklend.storage.entities import Loan, Repayment

pytestmark = pytest.mark.security

STORY = "lost-callback"
TITLE = named(STORY).title
TOKEN = "the-teachers-token"
PLANES = ("/v1", "/-", "/operator", "/channels", "/bureau")


class Exam:
    """A sandbox in which a story was played, with a report and a score of before its truth was hidden, and of after."""

    def __init__(self, platform: Platform, language: Language) -> None:
        self.platform = platform
        self.settings = Settings(host="0.0.0.0", control_token=TOKEN)
        self.app = create_app(self.settings, platform)
        run, made = play(self.app.wsgi_app, platform, STORY, None, language)
        go_on(self.app.wsgi_app, platform, run.sandbox_id, END)
        self.id, self.key, self.title = run.sandbox_id, made["api_key"], translate(language, TITLE)
        self.of_before = self.ids_of_kept()
        self.change(truth="hidden")
        self.of_after = self.ids_of_kept()

    def ask(self, method: str, path: str, body: Doc | None = None) -> Doc:
        """The answer to the teacher, who has the control token."""
        headers = {"Authorization": f"Bearer {self.key}", "X-Mocklend-Control": TOKEN}
        answer = self.app.test_client().open(path, method=method, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        found: Doc = answer.get_json()
        return found

    def change(self, **change: str) -> Doc:
        """Change the sandbox."""
        return self.ask("PATCH", f"/-/sandboxes/{self.id}", change)

    def ids_of_kept(self) -> dict[str, str]:
        """Make a report, and hand in without saying who; their ids, by the name of the part of the path."""
        report, score = self.ask("POST", "/-/reports"), self.ask("POST", "/-/scores", {"findings": []})
        return {"report_id": report["id"], "score_id": score["id"]}

    def ids(self) -> Iterator[dict[str, str]]:
        """What fills the parts of a path."""
        with self.platform.snapshot(self.id) as snapshot:
            own = {
                "loan_id": snapshot.where(Loan, "1 = 1")[0].id,
                "repayment_id": snapshot.where(Repayment, "1 = 1")[0].id,
                "id": self.id,
                "sandbox": self.id,
                "name": STORY,
            }
        for kept in (self.of_before, self.of_after):
            yield own | kept

    def answers(self) -> Iterator[tuple[str, str]]:
        """What the key opens on loopback, which is more than elsewhere."""
        app = create_app(Settings(), self.platform)
        http = app.test_client()
        headers = {"Authorization": f"Bearer {self.key}"}
        for ids in self.ids():
            for rule in app.url_map.iter_rules():
                if "GET" in (rule.methods or ()) and rule.rule.startswith(PLANES):
                    path = filled(rule.rule, ids)
                    yield path, http.get(path, headers=headers).text
        yield "handed in", http.post("/-/scores", json={"findings": []}, headers=headers).text
        yield "nobody's", http.get("/-/sandboxes").text
        yield "changed", http.patch(f"/-/sandboxes/{self.id}", json={"label": ""}, headers=headers).text

    def student(self) -> FlaskClient:
        """A browser that has signed in with the key, off loopback."""
        client: FlaskClient = self.app.test_client()
        assert client.post("/console/sign-in", data={"secret": self.key}).status_code == 303
        return client

    def pages(self) -> Iterator[tuple[str, str]]:
        """Every page of the console, as a student reads it, in each language."""
        student = self.student()
        rules = list(create_console(self.platform, self.settings).url_map.iter_rules())
        for language in Language:
            headers = {"Accept-Language": language.tag}
            for ids in self.ids():
                for rule in rules:
                    if "GET" in (rule.methods or ()) and rule.endpoint != "static":
                        path = filled(rule.rule, ids)
                        yield path, student.get(path, headers=headers).text
            yield "score", student.post(f"/console/{self.id}/score", data={"findings": "[]"}, headers=headers).text


def filled(rule: str, ids: dict[str, str]) -> str:
    """The path of a rule, with these ids in it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda part: ids.get(part[1], "x"), rule)


def naming(text: str) -> list[str]:
    """The names of the story in a text: its own, its title and those of its chapters, in both languages."""
    story = named(STORY)
    titles = [story.title, *(chapter["title"] for chapter in story.chapters)]
    names = [STORY, *(translate(language, title) for title in titles for language in Language)]
    return [name for name in names if name in text]


@pytest.fixture(params=list(Language))
def exam(open_platform: Callable[..., Platform], request: pytest.FixtureRequest) -> Exam:
    """A story that was played in one of the languages."""
    return Exam(open_platform(find_layer()), request.param)


def test_all_shipped_stories_begin_alike() -> None:
    """Every viewer sees when a sandbox began, its seed and its settings: they must not tell the stories apart."""
    stories = shipped().values()

    assert len(stories) > 10
    assert len({(story.seed, story.starts, repr(story.sandbox)) for story in stories}) == 1


def test_no_answer_to_a_students_key_names_the_story(exam: Exam) -> None:
    answers = list(exam.answers())

    assert len(answers) > 100
    assert [(path, naming(text)) for path, text in answers if naming(text)] == []


def test_no_page_for_a_student_names_the_story_but_the_list_of_all(exam: Exam) -> None:
    pages = list(exam.pages())

    assert len(pages) > 100
    naming_it = {path for path, text in pages if naming(text.replace(path, ""))}  # A page has links to itself.
    assert naming_it == {f"/console/{exam.id}/scenarios", f"/console/{exam.id}/scenarios/{STORY}"}


@pytest.mark.parametrize("page", ["scenarios", f"scenarios/{STORY}", "scenarios/wrong-amount"])
def test_the_pages_of_stories_are_those_of_a_sandbox_in_which_none_was_played(exam: Exam, page: str) -> None:
    other = exam.platform.create_sandbox(seed=7, mode="manual", now_ms=0, truth="hidden")
    elsewhere = exam.app.test_client()
    elsewhere.post("/console/sign-in", data={"secret": other.api_key})

    shown = [
        browser.get(f"/console/{id}/{page}").text.partition("<main")[2].replace(id, "…")
        for browser, id in ((exam.student(), exam.id), (elsewhere, other.id))
    ]

    assert shown[0].partition("</main>")[0] == shown[1].partition("</main>")[0]


def test_the_teacher_sees_the_title_as_the_label_until_there_is_another(exam: Exam) -> None:
    def label() -> object:
        [listed] = [each for each in exam.ask("GET", "/-/sandboxes")["sandboxes"] if each["id"] == exam.id]
        one = exam.ask("GET", f"/-/sandboxes/{exam.id}")["label"]
        assert listed["label"] == one
        return one

    assert label() == exam.title
    teacher = exam.app.test_client()
    teacher.post("/console/sign-in", data={"secret": TOKEN})
    for page in ("loans", "sandboxes"):
        assert exam.title in teacher.get(f"/console/{exam.id}/{page}").text
        assert exam.title not in teacher.get(f"/console/{exam.id}/{page}?truth=hidden").text
        teacher.get(f"/console/{exam.id}/{page}?truth=shown")

    assert exam.change(label="Group 7")["label"] == "Group 7"
    assert "Group 7" in exam.student().get(f"/console/{exam.id}/loans").text
    assert {each["title"] for each in exam.ask("GET", "/-/reports")["reports"]} == {"Group 7"}
    assert exam.change(label="")["label"] == exam.title


def test_a_truth_that_is_revealed_names_the_story_again(exam: Exam) -> None:
    exam.change(truth="revealed")

    assert exam.title in exam.student().get(f"/console/{exam.id}/loans").text
    report = exam.ask("GET", f"/-/reports/{exam.of_before['report_id']}")["report"]
    assert report["title"]["values"] == {"name": TITLE}
    assert report["sandbox"]["label"] == exam.title
    assert [run["title"] for run in report["scenario"]]
