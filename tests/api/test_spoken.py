"""Alerts and audit say what a check or a class means in the language that the client prefers; codes stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.domain.finding import CLASSES
from mocklend.language import Language, is_translated, translate
from mocklend.monitoring.alerts import CHECKS
from mocklend.runtime import Platform
from mocklend_faults.engine.layer import FaultLayer
from support.story import MONDAY_MS

UNBOOKED = "channel_money_not_in_books"


class Reader:
    """Asks in a sandbox in which a callback was lost two hours ago."""

    def __init__(self, http: FlaskClient, key: str) -> None:
        self.http, self.key = http, key

    def ask(self, method: str, path: str, language: str | None = None, body: Doc | None = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"{method} {path}"}
        if language is not None:
            headers["Accept-Language"] = language
        answer = self.http.open(path, method=method, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer


@pytest.fixture
def reader(open_platform: Callable[..., Platform]) -> Reader:
    platform = open_platform(FaultLayer())
    sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)
    reader = Reader(create_app(Settings(), platform).test_client(), sandbox.api_key)
    reader.ask("PUT", "/-/rules/drop", body={"fault": "callback.dropped"})
    ada = reader.ask("POST", "/v1/borrowers", body={"reference": "ada", "name": "Ada"}).get_json()["id"]
    borrow = {"borrower_id": ada, "principal_minor": 100_000, "product_id": "jiebei-like"}
    loan = reader.ask("POST", "/v1/loans", body=borrow).get_json()["id"]
    order = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
    reader.ask("POST", f"/v1/loans/{loan}/repayments", body=order)
    reader.ask("POST", "/-/clock/advance", body={"by": "PT2H"})
    return reader


@pytest.mark.parametrize(("asked", "language"), [(None, Language.EN), ("zh-CN,zh;q=0.9", Language.ZH)])
def test_an_alert_has_a_title_in_the_language_of_its_reader(
    reader: Reader, asked: str | None, language: Language
) -> None:
    reader.ask("POST", "/operator/alerts/runs")
    for path in ("/operator/alerts", "/operator/alerts/history"):
        answer = reader.ask("GET", path, asked)

        [alert] = answer.get_json()["alerts"]
        assert (alert["check"], alert["title"]) == (UNBOOKED, translate(language, CHECKS[UNBOOKED]))
        assert answer.headers["Content-Language"] == language.tag
        assert "Accept-Language" in answer.headers["Vary"]


@pytest.mark.parametrize("language", list(Language))
def test_an_audit_says_its_classes_and_invariants_in_the_language_of_its_reader(
    reader: Reader, language: Language
) -> None:
    job = reader.ask("POST", "/-/audits").get_json()["id"]
    whole = reader.ask("GET", "/-/audit", language.tag)
    while (beside := reader.ask("GET", f"/-/audits/{job}", language.tag).get_json())["state"] == "running":
        pass

    [found] = whole.get_json()["discrepancies"]
    english = reader.ask("GET", "/-/audit").get_json()
    assert found["title"] == translate(language, CLASSES["missing_in_books"])
    assert found | {"title": ""} == english["discrepancies"][0] | {"title": ""}
    assert [each["states"] for each in whole.get_json()["invariants"]] == [
        translate(language, each["states"]) for each in english["invariants"]
    ]
    assert beside["result"]["discrepancies"] == whole.get_json()["discrepancies"]
    assert whole.headers["Content-Language"] == language.tag


def test_each_title_exists_in_chinese() -> None:
    assert [text for text in (*CHECKS.values(), *CLASSES.values()) if not is_translated(Language.ZH, text)] == []
