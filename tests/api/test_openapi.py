from __future__ import annotations

from collections.abc import Iterator

from apiflask import APIFlask
from openapi_spec_validator import validate

from mocklend.client import Doc
from support.caller import Documented

PROBLEM = "application/problem+json"


READS_ITSELF = {
    "/v1/callbacks/{channel}",
    "/-/reset",
    "/-/audits",
    "/operator/alerts/runs",
    "/v1/webhooks/{webhook_id}/resend",
    "/channels/callbacks/{callback_id}/resend",
    "/v1/loans/{loan_id}/certificates",
    "/channels/{channel}/trades/{out_trade_no}/return",
    "/channels/{channel}/payouts/{payout_id}/failure",
}
"""Addresses that read their bodies by themselves, or take none."""


def operations(document: Doc) -> Iterator[tuple[str, str, Doc]]:
    """Every operation of the document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_document_is_openapi_3_1(documented: Documented) -> None:
    assert documented.document["openapi"].startswith("3.1")

    validate(documented.document)


def test_every_endpoint_is_documented(app: APIFlask, documented: Documented) -> None:
    served = {
        (rule.rule.replace("<id:", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith(("/docs", "/openapi"))
    }

    assert {(path, method) for path, method, _ in operations(documented.document)} == served


def test_every_operation_has_a_name_of_its_own_and_a_summary(documented: Documented) -> None:
    listed = [operation for _, _, operation in operations(documented.document)]

    assert len({operation["operationId"] for operation in listed}) == len(listed)
    assert all(operation["summary"] for operation in listed)


def test_every_answer_names_its_request(documented: Documented) -> None:
    named = [
        response["headers"]
        for _, _, operation in operations(documented.document)
        for response in operation["responses"].values()
    ]

    assert all("Mocklend-Request-Id" in headers for headers in named)


def test_every_operation_documents_its_refusals(documented: Documented) -> None:
    for path, method, operation in operations(documented.document):
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == [PROBLEM], (path, method, status)
                assert response["content"][PROBLEM]["schema"] == {"$ref": "#/components/schemas/Problem"}
        if path != "/-/health":
            assert "401" in operation["responses"], (path, method)
        if "{" in path:
            assert "404" in operation["responses"], (path, method)
        if "requestBody" in operation and method != "delete" and path not in READS_ITSELF:
            assert operation["requestBody"]["required"] is True
            assert {"400", "413", "415", "422"} <= set(operation["responses"]), (path, method)


def test_request_schemas_forbid_unknown_fields_and_answer_schemas_allow_them(documented: Documented) -> None:
    schemas = documented.document["components"]["schemas"]
    body_names = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        for path, _, operation in operations(documented.document)
        if "requestBody" in operation and path not in READS_ITSELF
    }

    assert body_names
    for name in body_names:
        assert schemas[name]["additionalProperties"] is False
    for name, schema in schemas.items():
        if name.endswith("Doc"):
            assert schema.get("additionalProperties") is not False
