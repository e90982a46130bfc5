"""Hostile input to the console: no page fails, whatever stands in its address or in its form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import unquote

import pytest
from pydantic import BaseModel
from werkzeug.test import TestResponse

from mocklend.api.alerts import HistoryQuery
from mocklend.api.ledger import JournalQuery
from mocklend.api.loans import LoanQuery
from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.console.app import create_console
from mocklend.console.messages import QUERIES
from mocklend.console.visit import CHOICES
from mocklend.language import Language
from mocklend.received import BODY_MAX
from mocklend.runtime import Platform, find_layer
from mocklend.sandboxes.lifecycle import HIDDEN, ChangeSandbox
from mocklend.scenarios.in_process import client_of
from mocklend_faults.api.answer_key import KeyQuery
from support.console import ROOMS, Browser, english_sentences, forms_of
from support.story import MONDAY_MS, SEED


@pytest.fixture
def served(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with the fault layer."""
    return open_platform(find_layer())


@pytest.fixture
def key(served: Platform) -> str:
    """The key of its sandbox `default`."""
    return served.create_sandbox(seed=SEED, mode="manual", now_ms=MONDAY_MS, id="default").api_key


@pytest.fixture
def browser(served: Platform, key: str) -> Browser:
    """A viewer of `default`, on loopback."""
    return Browser(create_app(Settings(), served).test_client(), "default")


@pytest.mark.parametrize("query", ["endpoint=x", "_method=PUT", "_external=1", "_anchor=x", "sandbox=x", "values=x"])
@pytest.mark.parametrize("path", ["/", "/console/sign-in", "/console/default/loans"])
def test_a_query_parameter_is_never_an_argument_of_ours(browser: Browser, path: str, query: str) -> None:
    answer = browser.client.get(f"{path}?{query}", follow_redirects=True)

    assert answer.status_code == 200
    assert answer.request.path == (path if path != "/" else "/console/default/start")
    assert f'href="{answer.request.path}?{query}&amp;lang=zh"' in answer.text


@pytest.mark.parametrize("came_from", ["http://[", "//[::1", "http://[x]/console/", "/console/default/loans?q=["])
def test_an_address_to_go_back_to_that_is_none_is_ignored(browser: Browser, served: Platform, came_from: str) -> None:
    page = browser.go("/clock", {"by": "P1D", "from": came_from})

    assert ">Loans</h1>" in page
    with served.snapshot("default") as snapshot:
        assert snapshot.now_ms == MONDAY_MS + 86_400_000
    assert browser.post("/faults/halt", {"from": came_from}).status_code == 303
    assert browser.post("/alerts", {"from": came_from}).status_code == 303


@pytest.mark.parametrize("origin", ["http://[", "null", "http://localhost:1", "localhost"])
def test_a_form_of_an_origin_that_is_none_is_refused(browser: Browser, origin: str) -> None:
    answer = browser.client.post("/console/default/clock", data={"by": "P1D"}, headers={"Origin": origin})

    assert answer.status_code == 403
    assert "cross_site" in answer.text


NO_NUMBERS = ["²", "٣", "9" * 5_000, "-1", "1e3", "0x1", " "]


@pytest.mark.parametrize("seed", NO_NUMBERS)
def test_a_seed_that_is_none_is_kept_with_the_error(browser: Browser, seed: str) -> None:
    answer = browser.post("/scenarios/stale-page", {"seed": seed})

    assert answer.status_code == 422
    assert 'id="error-seed"' in answer.text
    assert f'value="{seed}"' in answer.text


def test_steps_and_chapters_that_are_none_show_the_newest(browser: Browser) -> None:
    story = browser.post("/scenarios/stale-page", {"seed": "7"}).location
    browser.post(f"{story}/steps", {"until": "chapter", "at_step": "²"})
    progress = browser.get(story).partition("<meter")[2].partition("</meter>")[0]
    assert 'value="0"' not in progress

    for text in NO_NUMBERS:
        page = browser.client.get(story, query_string={"step": text, "chapter": text})
        assert page.status_code == 200
        assert progress in page.text


@pytest.mark.parametrize("language", list(Language))
def test_text_that_cannot_be_stored_is_refused_wherever_it_stands(browser: Browser, language: Language) -> None:
    headers = {"Accept-Language": language.tag}
    for path in ("loans/%00", "loans/a%00b/forms/repay", "rules/%00", "class/%00", "scenarios/%00", "%00"):
        assert browser.client.get(f"/console/default/{path}", headers=headers).status_code == 404, path
    assert browser.client.get("/console/a%00b/loans", headers=headers).status_code == 404
    assert browser.client.get("/console/static/%00", headers=headers).status_code == 404
    for query in ("q=%00", "moved=a%00", "%00=1", "lang=zh&loan=%00"):
        answer = browser.client.get(f"/console/default/start?{query}", headers=headers)
        assert answer.status_code == 400, query
        assert "text_not_storable" in answer.text
    for path, field in (("score", "label"), ("class", "name"), ("class", "groups"), ("clock", "from")):
        answer = browser.post(f"/{path}", {"findings": "[]", field: "a\0b"}, language)
        assert answer.status_code == 422, path
        assert f"<code>{field}</code>" in answer.text
        assert english_sentences(answer.text) == [] or language is Language.EN
    assert "Nobody has handed in yet." in browser.get("/score?lang=en")


def test_text_that_cannot_be_stored_is_refused_in_json_too(browser: Browser) -> None:
    for text in ("\\u0000", "\\ud800"):
        rule = f'[{{"id": "a", "fault": "callback.dropped", "select": {{"where": {{"reference": "{text}"}}}}}}]'
        for form in ({"rules": rule}, {"file": (BytesIO(rule.encode()), "rules.json")}):
            answer = browser.client.post("/console/default/faults/import", data=form)
            assert answer.status_code == 400
            assert "a text contains NUL or a lone surrogate" in answer.text
    file = {"file": (BytesIO(b'[{"id": "a\0", "fault": "callback.dropped"}]'), "rules.json")}
    assert browser.client.post("/console/default/faults/import", data=file).status_code == 400


@pytest.mark.parametrize("language", list(Language))
def test_a_form_that_is_too_long_says_how_long_it_may_be(browser: Browser, language: Language) -> None:
    answer = browser.post("/clock", {"by": "x" * BODY_MAX}, language)

    assert answer.status_code == 413
    assert f"<code>{BODY_MAX}</code>" in answer.text
    assert f"<code>{BODY_MAX + 3}</code>" in answer.text


HOSTILE = (
    *("%00", "a%00b", "%ED%A0%80", "%FF", "%C2%B2", "9" * 5_000, "-1", "%5B", "http://%5B", "endpoint", "x" * 4_000),
    *("%F0%9F%8F%A6", "%27%22%3C%3E", "%7B0%7D", "..%2F..", "%0A", "", "0001-01-01", "9999-12-31T23:59"),
)
"""Texts as they stand in an address."""
RULE = "the-rule-that-slows-pages"
OF_TRUTH = re.compile(rf"{RULE}|\binj_[a-z2-7]{{20}}\b|\bA class\b")
"""What no answer to a student may say: a rule, an injection, a class of the teacher's."""
NAMES = re.compile(
    r"""request\.(?:args|form|values)(?:\.get\(|\[)\s*"(\w+)"|\(args\.get\("(\w+)"|"(\w+)" in request\."""
)


def names_asked_for() -> list[str]:
    """The names of parameters and fields that the rooms of the console ask for, and those of the models they read."""
    rooms = [path.read_text(encoding="utf-8") for room in ROOMS for path in sorted(room.rglob("*.py"))]
    found = {name for text in rooms for names in NAMES.findall(text) for name in names if name}
    models: tuple[type[BaseModel], ...] = (LoanQuery, JournalQuery, HistoryQuery, *QUERIES.values(), KeyQuery)
    found |= {name for model in models for name in model.model_fields}
    return sorted(found | {"moved", "endpoint", "_method", "sandbox", *CHOICES})


def routes(served: Platform, method: str) -> list[str]:
    """The paths of all routes of the console with this method, with `{}` for each id but the sandbox's."""
    rules = create_console(served, Settings()).url_map.iter_rules()
    paths = {
        re.sub(r"<[^>]+>", "{}", rule.rule.replace("<sandbox>", "default"))
        for rule in rules
        if method in (rule.methods or ())
    }
    return sorted(paths)


def ids_of(served: Platform, browser: Browser) -> dict[str, str]:
    """An id that there is, by the part of the path before it."""
    client = client_of(create_app(Settings(), served).wsgi_app, "default")
    client.put_rule(RULE, {"fault": "cache.bounded_stale", "with": {"lag_s": 60}})
    borrower = client.add_borrower("ada", "Ada")
    loan = client.borrow(borrower["id"], 100_000, product_id="jiebei-like", idempotency_key="borrow")["id"]
    client.repay(loan, 5_000, "wallet", "OVD_AND_CURRENT", idempotency_key="repay")
    client.advance("P1D")
    made = client.make_class("A class", groups=["A"])["made"]["id"]
    assert browser.post("/score", {"findings": "[]"}).status_code == 200
    return {
        "loans": loan,
        "rules": RULE,
        "class": made,
        "score": "scr_1",
        "scenarios": "stale-page",
        "forms": "repay",
    }


def filled(path: str, ids: Mapping[str, str]) -> str:
    """A path with ids that there are."""
    parts = path.split("/")
    return "/".join(ids.get(parts[n - 1], "x") if part == "{}" else part for n, part in enumerate(parts))


@dataclass(frozen=True)
class Viewer:
    """Who looks at `default`, and ids in it. No answer may be a failure of ours, or tell a student of the truth."""

    browser: Browser
    ids: Mapping[str, str]
    is_student: bool

    def get(self, address: str, **headers: str) -> TestResponse:
        """Open an address."""
        return self._checked(self.browser.client.get(address, headers=headers), address)

    def post(self, path: str, fields: Mapping[str, str]) -> None:
        """Send a form."""
        self._checked(self.browser.client.post(path, data=fields), f"{path} {fields}")

    def _checked(self, answer: TestResponse, asked: str) -> TestResponse:
        assert answer.status_code < 500, asked[:200]
        if answer.mimetype == "text/html":
            assert "A bug of Mocklend" not in answer.text, asked[:200]
            typed_it = RULE in answer.request.path
            assert not self.is_student or typed_it or OF_TRUTH.search(answer.text) is None, asked[:200]
        answer.close()
        return answer


@pytest.fixture(params=["teacher", "student"])
def viewer(request: pytest.FixtureRequest, served: Platform, browser: Browser, key: str) -> Viewer:
    """A teacher on loopback; or a student who has signed in elsewhere, and from whom the truth is hidden."""
    ids = ids_of(served, browser)
    if request.param == "teacher":
        return Viewer(browser, ids, is_student=False)
    served.run(ChangeSandbox("default", None, HIDDEN))
    elsewhere = Settings(host="0.0.0.0", control_token="the-teachers-token")
    student = Browser(create_app(elsewhere, served).test_client(), "default")
    assert student.client.post("/console/sign-in", data={"secret": key}).status_code == 303
    return Viewer(student, ids, is_student=True)


@pytest.mark.long
def test_no_address_of_a_page_fails(viewer: Viewer, served: Platform) -> None:
    paths, names = routes(served, "GET"), names_asked_for()
    assert len(paths) > 30
    assert {"cursor", "before", "step", "chapter", "since", "q", "from"} <= set(names)

    for path in paths:
        for text in HOSTILE:
            if "{}" in path:
                viewer.get(path.replace("{}", text or "x"))
            query = "&".join(f"{name}={text}" for name in names)
            viewer.get(f"{filled(path, viewer.ids)}?{query}")
        for n, name in enumerate(names):
            viewer.get(f"{filled(path, viewer.ids)}?{name}={HOSTILE[n % len(HOSTILE)]}")
    for text in HOSTILE:
        viewer.get(f"/console/{text or 'x'}/loans")
        viewer.get(f"/?{text}={text}&{text}")
        viewer.get("/console/default/loans", Cookie=f"mocklend_console={text}")


@pytest.mark.long
def test_no_form_of_a_page_fails(viewer: Viewer, served: Platform) -> None:
    forms = {path: dict.fromkeys(names_asked_for(), "") for path in routes(served, "POST")}
    assert len(forms) > 20
    shown = [viewer.get(filled(path, viewer.ids)) for path in routes(served, "GET")]
    for action, fields in (form for page in shown if page.mimetype == "text/html" for form in forms_of(page.text)):
        [path] = [path for path in forms if filled(path, viewer.ids) == action] or [""]
        if path:
            forms[path] |= fields

    for path, fields in forms.items():
        for text in HOSTILE:
            if "{}" in path:
                viewer.post(path.replace("{}", text or "x"), fields)
            viewer.post(filled(path, viewer.ids), dict.fromkeys(fields, unquote(text, errors="replace")))
        for n, one in enumerate(fields):
            text = unquote(HOSTILE[n % len(HOSTILE)], errors="replace")
            viewer.post(filled(path, viewer.ids), fields | {one: text})
