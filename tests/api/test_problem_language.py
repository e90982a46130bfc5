"""Problems in the language that a client prefers: title and hint, on every way to an answer."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.domain.problems import PROBLEMS
from mocklend.language import Language, is_translated, translate
from mocklend.runtime import Platform

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}


@pytest.fixture
def client(platform: Platform) -> FlaskClient:
    return create_app(Settings(), platform).test_client()


@pytest.mark.parametrize("path", ["/v1/loans/loan_nobody", "/v1/nothing", "/v1/loans?limit=many"])
def test_a_problem_has_title_and_hint_in_chinese_and_codes_as_they_are(client: FlaskClient, path: str) -> None:
    english, chinese = client.get(path), client.get(path, headers=CHINESE)

    spoken, before = chinese.get_json(), english.get_json()
    assert spoken["title"] == translate(Language.ZH, before["title"]) != before["title"]
    assert spoken["hint"] == translate(Language.ZH, before["hint"]) != before["hint"]
    assert {name: value for name, value in spoken.items() if name not in ("title", "hint")} == {
        name: value for name, value in before.items() if name not in ("title", "hint")
    }
    assert (english.headers["Content-Language"], chinese.headers["Content-Language"]) == ("en", "zh-CN")
    assert "Accept-Language" in english.headers["Vary"]
    assert int(chinese.headers["Content-Length"]) == len(chinese.get_data())


def test_a_stored_refusal_is_said_again_in_the_language_of_who_repeats_it(client: FlaskClient) -> None:
    ada = client.post("/v1/borrowers", json={"reference": "ada", "name": "Ada", "credit_limit_minor": 1_000}).get_json()
    order = {"borrower_id": ada["id"], "principal_minor": 100_000, "product_id": "jiebei-like"}
    key = {"Idempotency-Key": "one"}

    first = client.post("/v1/loans", json=order, headers=key).get_json()
    again = client.post("/v1/loans", json=order, headers=key | CHINESE).get_json()

    assert first["title"] == PROBLEMS["credit_limit_exceeded"].title
    assert again["title"] == translate(Language.ZH, first["title"])


def test_an_answer_that_is_no_problem_has_no_language(client: FlaskClient) -> None:
    assert "Content-Language" not in client.get("/v1/products", headers=CHINESE).headers


def test_the_list_of_problems_is_in_the_readers_language(client: FlaskClient) -> None:
    page = client.get("/docs/problems", headers=CHINESE)
    listed = client.get("/docs/problems.json", headers=CHINESE)

    assert '<html lang="zh-CN">' in page.text
    assert "没有这笔借款。" in page.text
    assert PROBLEMS["loan_unknown"].title not in page.text
    assert listed.headers["Content-Language"] == "zh-CN"
    assert [row["title"] for row in listed.get_json()["problems"]] == [
        translate(Language.ZH, problem.title) for problem in PROBLEMS.values()
    ]
    assert PROBLEMS["loan_unknown"].title in client.get("/docs/problems").text


def test_every_problem_has_its_chinese() -> None:
    texts = [text for problem in PROBLEMS.values() for text in (problem.title, problem.hint)]

    assert [text for text in texts if not is_translated(Language.ZH, text)] == []
