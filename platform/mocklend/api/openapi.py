"""OpenAPI 3.1 for every endpoint: APIFlask writes most of it, this file what it leaves out.

Which problems an endpoint may answer with, that bodies are required, the headers of each plane, and what an id looks
like. `described` goes into `@doc`; `complete` is the spec processor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mocklend import __version__
from mocklend.api import request_ids
from mocklend.api.examples import Examples, key_of
from mocklend.api.fields import SAFE_ID
from mocklend.api.request_context import PLANES
from mocklend.api.responses import PROBLEM
from mocklend.api.signatures import SIGNED, webhooks
from mocklend.domain.problems import PROBLEMS

VERSION = "3.1.0"
MOVES_MONEY, MAY_BE_200, MAY_BE_202 = "x-moves-money", "x-may-be-200", "x-may-be-202"
READS, HEADERS = "x-reads", "x-headers"
EXAMPLE, PARAMETERS = "x-example", "x-parameters"

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; /docs/problems lists every one. The ids involved come beside it.",
    "required": ["type", "title", "status", "detail", "code", "hint"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Where the code is explained, on this server.",
        },
        "title": {"type": "string", "description": "What the code means, in a sentence."},
        "status": {"type": "integer", "description": "The HTTP status of the answer."},
        "detail": {"type": "string", "description": "What is wrong here, in a sentence."},
        "code": {"type": "string", "enum": list(PROBLEMS), "description": "What to tell problems apart by."},
        "hint": {"type": "string", "description": "What to do about it."},
        "expected": {"description": "What would have been taken."},
        "received": {"description": "What came, shortened."},
        "errors": {
            "type": "array",
            "description": "Every field that is wrong, where fields are.",
            "items": {
                "type": "object",
                "required": ["field", "expected", "received"],
                "properties": {
                    "field": {"type": "string", "description": "The field's path, like penalty.grace_days."},
                    "expected": {"type": "string", "description": "What would have been taken."},
                    "received": {"description": "What came, shortened."},
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
    "borrower_id": "The borrower's id.",
    "certificate_id": "The certificate's id.",
    "channel": "The channel's id, one of GET /channels.",
    "date": "The day, like 2026-01-05.",
    "dispute_id": "The dispute's id.",
    "edit_id": "The operator edit's id.",
    "endpoint_id": "The webhook endpoint's id.",
    "experiment_id": "The experiment's id; whoever puts it chooses it.",
    "id": "The sandbox's id.",
    "lender": "The lender's id, one of GET /bureau/lenders.",
    "loan_id": "The loan's id.",
    "out_trade_no": "The order's number, as the platform gave it to the channel.",
    "payout_id": "The payout's id.",
    "receipt_id": "The receipt's id.",
    "repayment_id": "The repayment's id.",
    "rule_id": "The rule's id; whoever puts it chooses it.",
}
"""What a part of an address stands for, by its name."""

KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A fresh key, and the same one when the same request is sent again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
}
REPLAYED_HEADER = {
    "description": "Present when this is the answer to an earlier try.",
    "schema": {"type": "string", "enum": ["true"]},
}
REQUEST_ID_HEADER = {
    "description": "The id of the request: GET /-/explain tells by it which rules met the request.",
    "schema": {"type": "string"},
}


def operation(
    operation_id: str,
    *codes: str,
    moves_money: bool = False,
    may_be_200: bool = False,
    may_be_202: str | None = None,
    reads: dict[str, Any] | None = None,
    headers: Iterable[str] = (),
    example: Any = None,
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Arguments for `@doc`: a stable operation id and the problems that are this endpoint's own.

    `reads` is the request body, as OpenAPI has it, of a view that reads it by itself; `may_be_202` says what it means
    when the answer is only that something was started. `example` is a body that works as it stands, and `parameters`
    what stands for the parts of the address then; those of the platform's own operations are in `examples`.
    """
    responses = problem_responses(codes)
    extensions: dict[str, Any] = {}
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
    return {"operation_id": operation_id, "responses": responses, "extensions": extensions}


def problem_responses(codes: Iterable[str]) -> dict[int, dict[str, Any]]:
    """The responses of some codes, by their HTTP status."""
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


def complete(spec: dict[str, Any] | str, examples: Examples) -> dict[str, Any] | str:
    """Finish what APIFlask has made of the views."""
    assert isinstance(spec, dict), "the spec is JSON, not YAML"
    spec["info"] |= {
        "version": __version__,
        "summary": "A mock consumer-lending platform that misbehaves on purpose, and knows exactly how.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    # Relative to this document: behind a path prefix, "Try it out" asks there too.
    spec["servers"] = [{"url": "."}]
    spec["tags"] = list({tag["name"]: tag for tag in spec["tags"]}.values())  # Several blueprints may share a tag.
    components = spec.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"] = _security_schemes()
    components["headers"] = {request_ids.HEADER: REQUEST_ID_HEADER}
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            _complete_operation(path, operation)
            _exemplify(operation, examples)
    spec["webhooks"] = webhooks()
    describe_properties(components["schemas"], components["schemas"])
    for operations in spec["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                _describe(parameter, parameter["schema"], components["schemas"])
    return spec


def _exemplify(operation: dict[str, Any], examples: Examples) -> None:
    """Put the operation's example where it belongs: into its body, and into what its address and headers need."""
    name = operation["operationId"]
    own: Mapping[str, str] = operation.pop(PARAMETERS, {})
    body = operation.pop(EXAMPLE, None)
    if "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["example"] = (
            examples.body(name) if body is None else body
        )
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "query" or parameter["name"] in own:
            known = own.get(parameter["name"]) or examples.parameter(name, parameter["name"])
            if known is not None:
                parameter["example"] = known


def _complete_operation(path: str, operation: dict[str, Any]) -> None:
    # Any address refuses a query parameter that it does not declare.
    codes: list[str] = ["fault_broke", "internal_error", "validation_failed"]
    operation["security"] = _security(path)
    if not operation.get("description"):
        operation["description"] = operation["summary"]
    if operation["security"]:
        codes += ["credential_missing", "credential_invalid"]
    if path.startswith("/-/") and path != "/-/health":
        codes.append("key_of_staff")
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
    if operation.pop(MAY_BE_200, False):
        made = operation["responses"]["201"]
        operation["responses"]["200"] = {**made, "description": "It was there before."}
    if MAY_BE_202 in operation:
        operation["responses"]["202"] = {
            **operation["responses"]["201"],
            "description": operation.pop(MAY_BE_202),
        }
    for status, response in problem_responses(dict.fromkeys(codes)).items():
        known = operation["responses"].setdefault(str(status), response)
        if known is not response:
            known["description"] = f"{response['description']}\n{known['description']}"
    for response in operation["responses"].values():
        response.setdefault("headers", {})[request_ids.HEADER] = {"$ref": f"#/components/headers/{request_ids.HEADER}"}
    operation["responses"] = dict(sorted(operation["responses"].items()))


def describe_properties(schema: Any, components: Mapping[str, Any]) -> None:
    """Give a property that has no description that of its type: readers of the document look at the property."""
    if isinstance(schema, list):
        for one in schema:
            describe_properties(one, components)
    elif isinstance(schema, dict):
        for one in schema.values():
            describe_properties(one, components)
        for one in _properties_of(schema):
            _describe(one, one, components)


def _describe(what: dict[str, Any], schema: Mapping[str, Any], components: Mapping[str, Any]) -> None:
    if not what.get("description") and (description := _type_description(schema, components)):
        what["description"] = description


def _properties_of(schema: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    found = schema.get("properties")
    return found.values() if schema.get("type") == "object" and isinstance(found, dict) else ()


def _type_description(schema: Mapping[str, Any], components: Mapping[str, Any]) -> str | None:
    """The description of what a schema refers to, or of the one kind of value that it has beside null."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    values = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    description: str | None = schema.get("description")
    return description or (_type_description(values[0], components) if len(values) == 1 else None)


def _security_schemes() -> dict[str, Any]:
    schemes: dict[str, Any] = {
        "sandbox": {
            "type": "http",
            "scheme": "bearer",
            "description": "A sandbox's api_key. On loopback it may be left out: then the sandbox is `default`.",
        }
    }
    for prefix, (header, _) in PLANES.items():
        schemes[prefix.strip("/").replace("-", "control") or "control"] = {
            "type": "apiKey",
            "in": "header",
            "name": header,
            "description": f"Asked for by `{prefix}` where the server is not on loopback.",
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
