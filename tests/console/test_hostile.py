"""Hostile input to the console: no page fails, whatever stands in its address or in its form."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.language import Language
from mocklend.runtime import Platform, find_layer
from support.console import Browser, english_sentences
from support.story import MONDAY_MS, SEED


@pytest.fixture
def served(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with the fault layer and the sandbox `default`."""
    platform = open_platform(find_layer())
    platform.create_sandbox(seed=SEED, mode="manual", now_ms=MONDAY_MS, id="default")
    return platform


@pytest.fixture
def browser(served: Platform) -> Browser:
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
