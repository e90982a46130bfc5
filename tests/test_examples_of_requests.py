"""The examples of /openapi.json work as they stand, in the sandbox that somebody has who reads /docs on loopback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer

MONDAY_MS = 1_767_578_400_000
HOUR_MS = 3_600_000
FORM = {
    "body_not_json", "body_too_large", "body_too_many_values", "body_too_deep", "media_type_unsupported",
    "text_not_storable", "validation_failed", "idempotency_key_missing", "idempotency_key_invalid", "idempotency_key_reused",
    "product_invalid", "callback_malformed", "not_found", "method_not_allowed",
}  # fmt: skip
"""Codes that say that a request is not in the form that its address takes."""

STORY = (
    "addBorrower", "tryOutSchedule", "addWebhookEndpoint", "borrow", "quote", "repay", "payAtChannel", "",
    "queryRepayment", "queryPayment", "matchReceipt", "edit", "charge", "waive", "openDispute", "reverseEdit", "",
    "verifyDispute", "decideDispute", "addStatement", "refreshLoan", "catchUpLoan", "remakeStatement", "applyAtLender",
    "reverseRepayment", "reinstateRepayment", "failTradeLate", "writeOff",
    "setClock", "advanceClock",
)  # fmt: skip
"""The operations that follow from each other, in their order; a blank is a day that passes."""
REFUSED = {
    "approveEdit": "edit_not_draft",
    "failPayout": "payout_unknown",
    "issueCertificate": "not_settled",
    "moveClass": "class_unknown",
    "moveReceipt": "receipt_not_movable",
    "newClassKeys": "class_unknown",
    "rebookRepayment": "repayment_not_applied",
    "receiveCallback": "callback_signature_invalid",
    "refund": "refund_too_large",
    "rejectEdit": "edit_not_draft",
    "revealClass": "class_unknown",
    "reverseReceipt": "receipt_not_second",
    "stepScenario": "run_unknown",
}
"""What the examples cannot be about in a sandbox that tells this story, and what is answered."""
GONE = ("removeWebhookEndpoint", "resetSandbox", "deleteSandbox")
"""What takes away what the others are about comes last."""


class Reader:
    """Somebody who tries out what the page shows, on a platform whose real time the test moves."""

    def __init__(self, open_platform: Callable[..., Platform]) -> None:
        self.now_ms = MONDAY_MS
        self.platform = open_platform(find_layer(), real_ms=lambda: self.now_ms, delivers=False)
        self.http: FlaskClient = create_app(Settings(default_seed=7), self.platform).test_client()
        document: dict[str, Any] = self.http.get("/openapi.json").get_json()
        self.document = document
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }

    def try_out(self, name: str) -> tuple[int, str]:
        """The status and the code, if there is one, of an operation's example as it stands."""
        method, path, operation = self.operations[name]
        headers, query = {}, {}
        for parameter in operation.get("parameters", []):
            if "example" not in parameter:
                assert not parameter.get("required"), f"{name} needs {parameter['name']}, and has no example of it"
                continue
            if parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", parameter["example"])
            elif parameter["in"] == "header":
                headers[parameter["name"]] = parameter["example"]
            else:
                query[parameter["name"]] = parameter["example"]
        body = None
        if "requestBody" in operation:
            body = operation["requestBody"]["content"]["application/json"]["example"]
            assert body is not None, f"{name} has no example"
        response = self.http.open(path, method=method, json=body, headers=headers, query_string=query)
        problem = response.get_json() if response.mimetype == "application/problem+json" else {}
        return response.status_code, problem.get("code", "")

    def wait(self) -> None:
        """A day passes."""
        for _ in range(24):
            self.now_ms += HOUR_MS
            self.platform.tick()


@pytest.fixture
def reader(open_platform: Callable[..., Platform]) -> Reader:
    """Somebody who reads the page."""
    return Reader(open_platform)


def test_every_request_body_and_every_part_of_an_address_has_an_example(reader: Reader) -> None:
    for name, (_, _, operation) in reader.operations.items():
        for parameter in operation.get("parameters", []):
            if parameter.get("required"):
                assert parameter.get("example"), (name, parameter["name"])
        if "requestBody" in operation:
            [media] = operation["requestBody"]["content"].values()
            assert media["example"] is not None, name


def test_every_example_works_or_is_refused_for_its_subject(reader: Reader) -> None:
    for name in STORY:
        if not name:
            reader.wait()
            continue
        status, code = reader.try_out(name)
        assert 200 <= status < 300, (name, status, code)

    others = [name for name in reader.operations if name not in (*STORY, *GONE)]
    for name in (*others, *GONE):
        status, code = reader.try_out(name)
        assert code not in FORM, (name, status, code)
        if name in REFUSED:
            assert code == REFUSED[name], (name, status, code)
        elif reader.operations[name][0] in ("POST", "PUT", "PATCH"):
            assert 200 <= status < 300, (name, status, code)
        else:
            assert status < 500, (name, status, code)


def test_an_example_that_is_tried_again_is_the_same_request(reader: Reader) -> None:
    for name in ("addBorrower", "borrow", "repay", "addBorrower", "borrow", "repay"):
        status, code = reader.try_out(name)
        assert 200 <= status < 300, (name, code)

    assert len(reader.http.get("/v1/loans").get_json()["loans"]) == 1
