from __future__ import annotations

import re
from pathlib import Path

import pytest

import mocklend
from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.domain.problems import PROBLEMS
from mocklend.runtime import Platform
from support.caller import Caller


def test_an_unknown_address_is_not_found(api: Caller) -> None:
    api.problem(api.get("/v1/nothing"), 404, "not_found")


def test_a_method_not_allowed_names_the_allowed_ones(api: Caller) -> None:
    refused = api.call("DELETE", "/v1/loans")

    assert "GET" in api.problem(refused, 405, "method_not_allowed")["expected"]
    assert "POST" in refused.headers["Allow"]


def test_an_internal_error_is_logged_and_the_caller_gets_a_trace_id(
    platform: Platform, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(), platform)
    monkeypatch.setattr(platform, "read", lambda: 1 / 0)

    with app.test_client() as client:
        failed = client.get("/v1/loans")

    assert (failed.status_code, failed.mimetype) == (500, "application/problem+json")
    document = failed.get_json()
    assert document["code"] == "internal_error"
    assert "ZeroDivisionError" not in failed.get_data(as_text=True)
    logged = capsys.readouterr()
    assert document["trace"] in logged.out + logged.err
    assert "ZeroDivisionError" in logged.out + logged.err


def test_all_wrong_fields_are_named_up_to_twenty(api: Caller) -> None:
    document = api.problem(api.post("/v1/loans", {f"field {n}": n for n in range(100)}), 422, "validation_failed")

    assert len(document["errors"]) == 20


def test_an_unknown_field_is_answered_with_the_known_ones(api: Caller) -> None:
    document = api.problem(
        api.post("/v1/borrowers", {"reference": "a", "name": "A", "limit": 5}), 422, "validation_failed"
    )

    assert document["errors"] == [
        {
            "field": "limit",
            "expected": "no field but reference, name, credit_limit_minor; did you mean 'credit_limit_minor'?",
            "received": 5,
        }
    ]


def test_every_code_that_the_platform_refuses_with_is_in_the_table() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in Path(mocklend.__file__).parent.rglob("*.py"))

    raised = set(re.findall(r'Refused\(\s*"([a-z_]+)"', source))

    assert raised <= set(PROBLEMS)
