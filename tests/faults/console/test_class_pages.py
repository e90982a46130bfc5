"""The page Class off loopback: made, signed in to, handed in, moved, revealed and deleted, as people click it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.language import Language
from mocklend.runtime import Platform, find_layer
from mocklend.scenarios.in_process import client_of
from mocklend_faults.engine.catalogue import installed
from support.console import Browser, english_sentences, seen
from support.story import MONDAY_MS

TOKEN = "the-teachers-token"
RULES = {"lost-callbacks": {"fault": "callback.dropped"}}


class Classroom:
    """A server off loopback: the teacher's browser, and the sandbox that was prepared."""

    def __init__(self, platform: Platform) -> None:
        self.app = create_app(Settings(host="0.0.0.0", control_token=TOKEN), platform)
        sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS, label="Teacher")
        self.platform, self.sandbox_id = platform, sandbox.id
        client = client_of(self.app.wsgi_app, sandbox.id)
        for name, rule in RULES.items():
            client.put_rule(name, rule)
        for n in range(3):
            borrower = client.add_borrower(f"b{n}", f"Borrower {n}")
            loan = client.borrow(borrower["id"], 100_000, product_id="jiebei-like", idempotency_key=f"borrow-{n}")
            client.repay(loan["id"], 5_000 + n, "wallet", "OVD_AND_CURRENT", idempotency_key=f"repay-{n}")
        client.advance("P1D")
        self.entries = client.answer_key(status="active")["entries"]
        self.findings = [
            {"class": entry["expected"]["class"], "entity": entry["expected"]["entity"]} for entry in self.entries
        ]
        self.teacher = self.sign_in(TOKEN, sandbox.id)

    def sign_in(self, secret: str, sandbox_id: str) -> Browser:
        """A browser of somebody who has signed in."""
        http = self.app.test_client()
        assert http.post("/console/sign-in", data={"secret": secret}).status_code == 303
        return Browser(http, sandbox_id)

    def make(self, **form: str) -> tuple[str, list[tuple[str, str]]]:
        """A class that was made by the form: its id, and the names and keys of its groups."""
        filled = {"name": "会计二班", "size": "", "groups": "A\nB\n  \nC", "story": "copy", "chapter": "1", **form}
        answer = self.teacher.post("/class", filled)
        assert answer.status_code == 200, answer.text
        keys = re.findall(r"<b>([^<]*)</b></td><td data-label=\"Key\"><code>(mk_[^<]*)</code>", answer.text)
        [class_id] = set(re.findall(r"/class/(cls_\w+)", answer.text))
        return class_id, keys

    def student(self, class_id: str, n: int, key: str) -> Browser:
        """The browser of a group that has signed in with its key."""
        with self.app.test_client() as http:
            course = http.get(f"/-/classes/{class_id}", headers={"X-Mocklend-Control": TOKEN}).get_json()
        return self.sign_in(key, course["groups"][n]["sandbox_id"])


@pytest.fixture
def classroom(open_platform: Callable[..., Platform]) -> Classroom:
    """A classroom with the fault layer."""
    return Classroom(open_platform(find_layer()))


def test_a_class_is_made_and_followed_by_tiles(classroom: Classroom) -> None:
    assert "There is no class yet." in seen(classroom.teacher.get("/class"))
    class_id, keys = classroom.make()
    assert [name for name, _ in keys] == ["A", "B", "C"]
    student = classroom.student(class_id, 1, keys[1][1])
    before = seen(classroom.teacher.get(f"/class/{class_id}"))

    judged = student.post("/score", {"findings": json.dumps(classroom.findings), "label": "B"}).text

    assert "Passed" in seen(judged)
    page = classroom.teacher.get(f"/class/{class_id}")
    assert f"3 groups, {len(classroom.findings)} lies each" in before
    assert "B looking" in before
    assert "A not begun" in before
    assert "B Passed" in seen(page)
    assert "1 of 1 groups" in seen(page)
    assert "Missing in the books" in seen(page)
    assert f'class="got" d="M0 4h{10 * len(classroom.findings)}"' in page
    assert seen(page).index("B Passed") < seen(page).index("A not begun")
    by_number = seen(classroom.teacher.get(f"/class/{class_id}?order=number"))
    assert by_number.index("A not begun") < by_number.index("B Passed")
    assert "会计二班" in seen(classroom.teacher.get("/class"))


def test_many_lies_are_a_bar_and_a_number(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    class_id, keys = classroom.make()
    classroom.student(class_id, 1, keys[1][1]).post("/score", {"findings": json.dumps(classroom.findings)})
    lies = len(classroom.findings)
    monkeypatch.setattr("mocklend_faults.console.classes.SQUARES_MAX", lies - 1)

    page = classroom.teacher.get(f"/class/{class_id}")

    assert f"{lies} of {lies} found" in seen(page)
    assert 'class="squares whole"' in page


def test_on_a_projector_no_group_has_a_name_and_with_the_truth_hidden_no_class_of_finding(classroom: Classroom) -> None:
    class_id, _ = classroom.make(groups="Ada and Bob\nCy")

    page = classroom.teacher.get(f"/class/{class_id}?projector=on&truth=hidden")

    assert "Ada and Bob" not in page
    assert "What the class misses" not in seen(page)


def test_one_form_moves_all_clocks(classroom: Classroom) -> None:
    class_id, _ = classroom.make()

    moved = classroom.teacher.go(f"/class/{class_id}/clock", {"by": "P1D"})
    to = classroom.teacher.go(f"/class/{class_id}/clock", {"local": "2026-01-09"})

    assert "2026-01-07 10:00" in moved
    assert "2026-01-09 00:00" in to
    for form, says in (
        ({"local": "soon"}, "received <code>soon</code>"),
        ({"local": "2020-01-01"}, "clock_backwards"),
        ({}, "Expected"),
    ):
        refused = classroom.teacher.post(f"/class/{class_id}/clock", form)
        assert (refused.status_code, says in refused.text) == (422, True), form


@pytest.mark.security
def test_a_group_sees_no_truth_until_it_is_revealed_and_then_the_chain_and_the_key(classroom: Classroom) -> None:
    class_id, keys = classroom.make()
    student = classroom.student(class_id, 0, keys[0][1])
    student.post("/score", {"findings": json.dumps(classroom.findings[1:])})
    loan_id = classroom.entries[0]["loan_id"]
    secrets = {entry["injection"] for entry in classroom.entries} | set(RULES) | set(installed())
    pages = ("/loans", f"/loans/{loan_id}", "/score", "/score/scr_1", "/ledger", "/live", "/scenarios")
    for path in pages:
        text = student.get(path)
        assert not [secret for secret in secrets if secret in text], path
    for path in ("/key", "/faults", "/class", f"/class/{class_id}", "/start"):
        assert student.client.get(f"/console/{student.sandbox_id}{path}").status_code in (401, 403), path
        assert path not in student.get("/loans")

    classroom.teacher.get(f"/class/{class_id}/end")
    ended = classroom.teacher.go(f"/class/{class_id}/end", {})

    assert "ended, the truth is revealed" in seen(ended)
    assert classroom.entries[0]["injection"] in student.get("/key")
    assert "the lie shows first here" in seen(student.get(f"/loans/{loan_id}"))
    assert classroom.findings[0]["entity"] in student.get("/score/scr_1")
    assert student.client.get(f"/console/{student.sandbox_id}/faults").status_code == 401
    assert student.post("/key/audit", {}).status_code == 401
    assert student.post("/clock", {"by": "P1D"}).status_code == 401
    assert "Halt all" not in student.get("/loans")


def test_new_keys_replace_those_of_before(classroom: Classroom) -> None:
    class_id, keys = classroom.make()

    page = classroom.teacher.post(f"/class/{class_id}/keys", {}).text

    assert keys[0][1] not in page
    assert page.count("mk_") >= 6
    assert "/console/sign-in#mk_" in page
    refused = classroom.app.test_client().post("/console/sign-in", data={"secret": keys[0][1]})
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": ""}, "name"),
        ({"groups": "", "size": "61"}, "size"),
        ({"groups": "", "size": "many"}, "size"),
        ({"groups": "A\nA"}, "groups.1"),
        ({"story": "settled-shown-unpaid", "chapter": "99"}, "chapter"),
    ],
)
@pytest.mark.parametrize("language", list(Language))
def test_a_form_that_cannot_be_keeps_what_was_typed_with_the_error(
    classroom: Classroom, form: dict[str, str], field: str, language: Language
) -> None:
    filled = {"name": "My class", "groups": "A", "story": "copy", **form}

    answer = classroom.teacher.post("/class", filled, language)

    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text
    if filled["name"]:
        assert 'value="My class"' in answer.text
    assert "cls_" not in classroom.teacher.get("/class")


def test_a_class_whose_name_has_blanks_around_it_is_deleted_by_its_name(classroom: Classroom) -> None:
    client = client_of(classroom.app.wsgi_app, classroom.sandbox_id)
    class_id = client.make_class(" spring ", groups=["A"])["made"]["id"]

    classroom.teacher.go(f"/class/{class_id}/delete", {"name": "spring"})

    assert client.classes()["classes"] == []


def test_a_class_is_deleted_by_its_name(classroom: Classroom) -> None:
    class_id, keys = classroom.make()

    kept = classroom.teacher.post(f"/class/{class_id}/delete", {"name": "another"})
    gone = classroom.teacher.go(f"/class/{class_id}/delete", {"name": "会计二班"})

    assert (kept.status_code, 'id="error-name"' in kept.text) == (422, True)
    assert "There is no class yet." in seen(gone)
    assert classroom.app.test_client().post("/console/sign-in", data={"secret": keys[0][1]}).status_code == 401
    assert "There is no such class." in seen(classroom.teacher.get(f"/class/{class_id}", status=404))


def test_a_scenario_can_be_played_for_the_groups(classroom: Classroom) -> None:
    class_id, _ = classroom.make(story="stale-page", seeds="own")

    assert "other ids for each group" in seen(classroom.teacher.get(f"/class/{class_id}"))
    answer = classroom.teacher.client.get(f"/console/{classroom.sandbox_id}/class/{class_id}/csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.text.count("\r\n") == 4


def test_a_chinese_page_has_no_english_sentence(classroom: Classroom) -> None:
    class_id, keys = classroom.make(groups="甲\n乙")
    student = classroom.student(class_id, 0, keys[0][1])
    wrong = [*classroom.findings, {"class": "misapplied", "entity": "loan_x"}]
    student.post("/score", {"findings": json.dumps(wrong)})

    paths = ("/class", f"/class/{class_id}", f"/class/{class_id}/end", f"/class/{class_id}/delete")
    pages = [classroom.teacher.get(path, Language.ZH) for path in paths]
    pages.append(student.get("/score", Language.ZH))
    pages.append(classroom.teacher.post(f"/class/{class_id}/keys", {}, Language.ZH).text)
    for page in pages:
        assert english_sentences(page) == []


@pytest.mark.parametrize("language", list(Language))
def test_on_loopback_the_keys_page_says_that_nobody_has_to_sign_in(classroom: Classroom, language: Language) -> None:
    nobody = Browser(create_app(Settings(), classroom.platform).test_client(), classroom.sandbox_id)
    form = {"name": "A class", "size": "", "groups": "A\nB", "story": "copy", "chapter": "1"}
    note = {Language.EN: "whoever opens the console is the teacher", Language.ZH: "打开控制台的人都是教师"}[language]

    assert note in nobody.post("/class", form, language).text
    assert note not in classroom.teacher.post("/class", form | {"name": "Another"}, language).text
