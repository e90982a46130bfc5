"""OpenAPI 3.1 for every endpoint: completes the document that APIFlask generates.

It adds problem codes, required bodies, the headers of each plane, the form of ids, examples and webhooks. `operation`
makes the arguments of `@doc`; `complete` is the spec processor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mocklend import __version__
from mocklend.api import request_ids
from mocklend.api.examples import Examples, key_of
from mocklend.api.fields import SAFE_ID
from mocklend.api.request_context import PLANES
from mocklend.api.responses import JSON, PROBLEM
from mocklend.api.signatures import SIGNED, webhooks
from mocklend.domain.nouns import JsonObject
from mocklend.domain.problems import PROBLEMS

VERSION = "3.1.0"
MOVES_MONEY, MAY_BE_200, MAY_BE_202 = "x-moves-money", "x-may-be-200", "x-may-be-202"
READS, HEADERS = "x-reads", "x-headers"
IN_PROGRESS = "x-in-progress"
EXAMPLE, PARAMETERS = "x-example", "x-parameters"

PROBLEM_SCHEMA: JsonObject = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; /docs/problems lists all codes. Further members name the ids involved.",
    "required": ["type", "title", "status", "detail", "code", "hint"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "The page on this server that explains the code.",
        },
        "title": {"type": "string", "description": "The meaning of the code, in a sentence."},
        "status": {"type": "integer", "description": "The HTTP status of the answer."},
        "detail": {"type": "string", "description": "What is wrong with this request, in a sentence."},
        "code": {"type": "string", "enum": list(PROBLEMS), "description": "The kind of problem; clients branch on it."},
        "hint": {"type": "string", "description": "What the client can do about it."},
        "expected": {"description": "What would have been accepted."},
        "received": {"description": "What was received, shortened."},
        "errors": {
            "type": "array",
            "description": "Every field that is wrong, if fields are.",
            "items": {
                "type": "object",
                "required": ["field", "expected", "received"],
                "properties": {
                    "field": {"type": "string", "description": "The field's path, like penalty.grace_days."},
                    "expected": {"type": "string", "description": "What would have been accepted."},
                    "received": {"description": "What was received, shortened."},
                },
            },
        },
    },
}

BODY_CODES = (
    "body_not_json", "body_too_large", "body_too_many_values", "body_too_deep", "media_type_unsupported",
    "text_not_storable", "validation_failed",
)  # fmt: skip
KEY_CODES = ("idempotency_key_missing", "idempotency_key_invalid", "idempotency_key_reused", "request_in_progress")

PATH_PARAMETERS = {
    "advance_id": "The advance's id.",
    "alert_run_id": "The id of a run of the checks.",
    "audit_id": "The id of an audit that runs, or ran, beside its request.",
    "borrower_id": "The borrower's id.",
    "callback_id": "The callback's id, one of GET /channels/callbacks.",
    "certificate_id": "The certificate's id.",
    "channel": "The channel's id, one of GET /channels.",
    "date": "The day, like 2026-01-05.",
    "dispute_id": "The dispute's id.",
    "edit_id": "The operator edit's id.",
    "endpoint_id": "The webhook endpoint's id.",
    "experiment_id": "The experiment's id, which the client chooses.",
    "id": "The sandbox's id.",
    "lender": "The lender's id, one of GET /bureau/lenders.",
    "loan_id": "The loan's id.",
    "out_trade_no": "The order's number, which the platform assigned.",
    "payout_id": "The payout's id.",
    "receipt_id": "The receipt's id.",
    "repayment_id": "The repayment's id.",
    "fault": "The kind of fault, by its name, such as `callback.dropped`.",
    "report_id": "The report's id.",
    "rule_id": "The rule's id, which the client chooses.",
    "class_id": "The id of a class.",
    "score_id": "The id of a kept score.",
    "scenario": "The scenario's name, one of GET /-/scenarios.",
    "webhook_id": "The message's id, one of GET /v1/webhooks.",
}
"""The meaning of each path parameter, by its name."""

KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A new key for each request; the same key if the request is sent again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
}
REPLAYED_HEADER = {
    "description": "Present if this is the stored answer of an earlier attempt.",
    "schema": {"type": "string", "enum": ["true"]},
}
CACHE_HEADER = {
    "description": "Where there is a shared cache: whether the page came from it (`hit`), from the database (`miss`), "
    "or from the database because the cache did not answer (`down`).",
    "schema": {"type": "string", "enum": ["hit", "miss", "down"]},
}
CACHED = "getLoan"
"""The operation whose answers a shared cache may have."""
LAST_EVENT_HEADER = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last event that the client has got, before `since`. Browsers send it by themselves.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
}
STREAMED = "getLiveStream"
"""The operation whose answer is a stream of events."""
PREFER_HEADER = {
    "name": "Prefer",
    "in": "header",
    "description": "RFC 7240: `respond-async` for 202 at once, or `wait=10` for 202 after 10 seconds.",
    "schema": {"type": "string", "maxLength": 200},
}
IN_PROGRESS_HEADERS = {
    "Location": {"description": "Where to read what becomes of it.", "schema": {"type": "string"}},
    "Retry-After": {"description": "After how many seconds to read it.", "schema": {"type": "integer"}},
    "Preference-Applied": {"description": "The preference that was applied.", "schema": {"type": "string"}},
}
REQUEST_ID_HEADER = {
    "description": "The id of the request. GET /-/explain lists by it the rules that considered the request.",
    "schema": {"type": "string"},
}


def operation(
    operation_id: str,
    *codes: str,
    moves_money: bool = False,
    may_be_200: bool = False,
    may_be_202: str | None = None,
    in_progress: str | None = None,
    reads: JsonObject | None = None,
    headers: Iterable[str] = (),
    example: Any = None,
    parameters: Mapping[str, str] | None = None,
) -> JsonObject:
    """Arguments of `@doc`: a stable operation id and the problem codes of this endpoint.

    `reads` is the OpenAPI request body of a view that reads its body itself; `may_be_202` describes a response 202
    beside 201. `in_progress` is the schema of a 202 beside 200, for what takes longer than the client prefers to wait.
    `example` is an example body that works, `parameters` the path parameters with it; the examples of the
    platform's own operations are in `examples`.
    """
    responses = problem_responses(codes)
    extensions: JsonObject = {}
    if reads is not None:
        extensions[READS] = reads
    if headers:
        extensions[HEADERS] = list(headers)
    if example is not None:
        extensions[EXAMPLE] = example
    if parameters is not None:
        extensions[PARAMETERS] = dict(parameters)
    if moves_money:
        extensions[MOVES_MONEY] = True
    if may_be_200:
        extensions[MAY_BE_200] = True
    if may_be_202 is not None:
        extensions[MAY_BE_202] = may_be_202
    if in_progress is not None:
        extensions[IN_PROGRESS] = in_progress
    return {"operation_id": operation_id, "responses": responses, "extensions": extensions}


def problem_responses(codes: Iterable[str]) -> dict[int, JsonObject]:
    """OpenAPI responses for problem codes, by HTTP status."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        status: {
            "description": "\n".join(f"- `{code}`: {PROBLEMS[code].title}" for code in listed),
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, listed in sorted(by_status.items())
    }


def complete(spec: JsonObject | str, examples: Examples) -> JsonObject | str:
    """Complete the document that APIFlask generated from the views."""
    assert isinstance(spec, dict), "the spec is JSON, not YAML"
    spec["info"] |= {
        "version": __version__,
        "summary": "A mock consumer-lending platform that misbehaves on purpose, and knows exactly how.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    # Relative to this document, so that "Try it out" works behind a path prefix.
    spec["servers"] = [{"url": "."}]
    spec["tags"] = list({tag["name"]: tag for tag in spec["tags"]}.values())  # Several blueprints may share a tag.
    components = spec.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"] = _security_schemes()
    components["headers"] = {request_ids.HEADER: REQUEST_ID_HEADER}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)
            _exemplify(operation, examples)
    spec["webhooks"] = webhooks()
    describe_properties(components["schemas"], components["schemas"])
    for operations in spec["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                _describe(parameter, parameter["schema"], components["schemas"])
    return spec


def _exemplify(operation: JsonObject, examples: Examples) -> None:
    """Put the operation's example into its body, and into its path parameters and headers."""
    name = operation["operationId"]
    own: Mapping[str, str] = operation.pop(PARAMETERS, {})
    body = operation.pop(EXAMPLE, None)
    if "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["example"] = (
            examples.body(name) if body is None else body
        )
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "query" or parameter["name"] in own:
            example = own.get(parameter["name"]) or examples.parameter(name, parameter["name"])
            if example is not None:
                parameter["example"] = example


def _complete_operation(path: str, method: str, operation: JsonObject) -> None:
    # Every endpoint refuses a query parameter that it does not declare: `validation_failed`.
    codes: list[str] = ["fault_broke", "internal_error", "validation_failed"]
    operation["security"] = _security(path)
    if not operation.get("description"):
        operation["description"] = operation["summary"]
    if operation["security"]:
        codes += ["credential_missing", "credential_invalid", "sandbox_emptying"]
    if path.startswith("/-/") and path != "/-/health":
        codes.append("key_of_staff")
    elif method == "post" and "{loan_id}" in path:
        codes.append("truth_hidden")  # With the header by which a layer may let a client name a fault.
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
        codes += BODY_CODES
    elif READS in operation:
        operation["requestBody"] = operation.pop(READS)
    for name in operation.pop(HEADERS, []):
        header = {"name": name, "in": "header", "required": True, **SIGNED[name]}
        operation["parameters"] = [*operation.get("parameters", []), header]
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter["required"] = True
            parameter["schema"] = {"type": "string", "pattern": f"^{SAFE_ID}$"}
            parameter["description"] = PATH_PARAMETERS[parameter["name"]]
            codes.append("not_found")
    if operation.pop(MOVES_MONEY, False):
        key = {**KEY_HEADER, "example": key_of(operation["operationId"])}
        operation["parameters"] = [*operation.get("parameters", []), key]
        codes += KEY_CODES
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                response.setdefault("headers", {})["Idempotency-Replayed"] = REPLAYED_HEADER
    if operation["operationId"] == CACHED:
        operation["responses"]["200"].setdefault("headers", {})["Mocklend-Cache"] = CACHE_HEADER
    if operation["operationId"] == STREAMED:
        operation["parameters"] = [*operation.get("parameters", []), dict(LAST_EVENT_HEADER)]
    if operation.pop(MAY_BE_200, False):
        created = operation["responses"]["201"]
        operation["responses"]["200"] = {**created, "description": "It existed before."}
    if MAY_BE_202 in operation:
        operation["responses"]["202"] = {
            **operation["responses"]["201"],
            "description": operation.pop(MAY_BE_202),
        }
    if IN_PROGRESS in operation:
        schema = {"$ref": f"#/components/schemas/{operation.pop(IN_PROGRESS)}"}
        operation["parameters"] = [*operation.get("parameters", []), PREFER_HEADER]
        operation["responses"]["202"] = {
            "description": "It is in progress.",
            "content": {JSON: {"schema": schema}},
            "headers": dict(IN_PROGRESS_HEADERS),
        }
    for status, response in problem_responses(dict.fromkeys(codes)).items():
        documented = operation["responses"].setdefault(str(status), response)
        if documented is not response:
            documented["description"] = f"{response['description']}\n{documented['description']}"
    for response in operation["responses"].values():
        response.setdefault("headers", {})[request_ids.HEADER] = {"$ref": f"#/components/headers/{request_ids.HEADER}"}
    operation["responses"] = dict(sorted(operation["responses"].items()))


def describe_properties(schema: Any, components: Mapping[str, Any]) -> None:
    """Give each property without a description that of its type, because readers look at the property."""
    if isinstance(schema, list):
        for item in schema:
            describe_properties(item, components)
    elif isinstance(schema, dict):
        for part in schema.values():
            describe_properties(part, components)
        for property in _properties_of(schema):
            _describe(property, property, components)


def _describe(target: JsonObject, schema: Mapping[str, Any], components: Mapping[str, Any]) -> None:
    if not target.get("description") and (description := _type_description(schema, components)):
        target["description"] = description


def _properties_of(schema: Mapping[str, Any]) -> Iterable[JsonObject]:
    properties = schema.get("properties")
    return properties.values() if schema.get("type") == "object" and isinstance(properties, dict) else ()


def _type_description(schema: Mapping[str, Any], components: Mapping[str, Any]) -> str | None:
    """The description of a schema, of the schema it refers to, or of its only alternative beside null."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    values = [alternative for alternative in schema.get("anyOf", ()) if alternative.get("type") != "null"]
    description: str | None = schema.get("description")
    return description or (_type_description(values[0], components) if len(values) == 1 else None)


def _security_schemes() -> JsonObject:
    schemes: JsonObject = {
        "sandbox": {
            "type": "http",
            "scheme": "bearer",
            "description": "A sandbox's api_key. On loopback it is optional; without it the sandbox is `default`.",
        }
    }
    for prefix, (header, _) in PLANES.items():
        schemes[prefix.strip("/").replace("-", "control") or "control"] = {
            "type": "apiKey",
            "in": "header",
            "name": header,
            "description": f"Required by `{prefix}` if the server is not on loopback.",
        }
    return schemes


def _security(path: str) -> list[dict[str, list[str]]]:
    if path == "/-/health":
        return []
    for prefix in PLANES:
        if path.startswith(prefix):
            plane = prefix.strip("/").replace("-", "control")
            return [{}, {"sandbox": []}, {"sandbox": [], plane: []}]
    return [{}, {"sandbox": []}]
