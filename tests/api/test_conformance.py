"""Requests that Schemathesis generates from the OpenAPI document: never a 500, and every answer as documented."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from apiflask import APIFlask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mocklend.runtime import NewSandbox

EXAMPLES = 40
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def document(app: APIFlask) -> schemathesis.BaseSchema:
    """The app's document, for Schemathesis."""
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


@pytest.mark.long
def test_generated_requests_are_answered_as_documented(document: schemathesis.BaseSchema, sandbox: NewSandbox) -> None:
    requests = 0
    for result in document.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.path == "/-/sandboxes/{id}" and operation.method == "delete":
            continue

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.explicit, Phase.generate],
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            nonlocal requests
            requests += 1
            case.call_and_validate(headers={"Authorization": f"Bearer {sandbox.api_key}"}, checks=CHECKS)

        given(case=operation.as_strategy())(ask)()

    assert requests > 100
