"""Every operation of /openapi.json, the fault layer's too, against what holds for all of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer


@pytest.fixture
def http(open_platform: Callable[..., Platform]) -> Iterator[FlaskClient]:
    """A client of the platform as it is installed, on loopback and without a key."""
    with create_app(Settings(default_seed=7), open_platform(find_layer())).test_client() as client:
        yield client


@pytest.fixture
def document(http: FlaskClient) -> Doc:
    """The OpenAPI document."""
    document_served: Doc = http.get("/openapi.json").get_json()
    return document_served


def operations(document: Doc) -> Iterator[tuple[str, str, Doc]]:
    """Each operation: its method, its address with some ids in it, and what the document says of it."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.replace("{", "").replace("}", ""), operation


def parameters(operation: Doc) -> list[str]:
    """The query parameters that an operation declares."""
    return [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"]


def refused(http: FlaskClient, method: str, address: str, query: str) -> list[Doc]:
    """The errors of a refusal for its form."""
    response = http.open(f"{address}?{query}", method=method, json={}, headers={"Idempotency-Key": "one"})
    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (422, "validation_failed"), (method, address, query, problem)
    assert response.mimetype == "application/problem+json"
    errors: list[Doc] = problem["errors"]
    return errors


def test_every_operation_refuses_a_query_parameter_that_it_does_not_declare(
    http: FlaskClient, document: dict[str, object]
) -> None:
    for method, address, operation in operations(document):
        declared = parameters(operation)
        listed = f"no parameter but {', '.join(declared)}" if declared else "no parameters: this endpoint has none"
        for query, received in (("colour=red", "red"), ("colour", ""), ("colour=", "")):
            [error] = refused(http, method, address, query)
            assert error == {"field": "colour", "expected": listed, "received": received}, (method, address)
        assert "422" in operation["responses"], (method, address)


def test_every_query_parameter_that_is_nearly_right_is_answered_with_the_right_one(
    http: FlaskClient, document: dict[str, object]
) -> None:
    count = 0
    for method, address, operation in operations(document):
        for name in parameters(operation):
            if len(name) == 1:
                continue  # Without its letter nothing is left.
            [error] = refused(http, method, address, f"{name[:-1]}=1")
            assert error["field"] == name[:-1]
            assert error["expected"].endswith(f"; did you mean {name!r}?"), (method, address, error)
            count += 1
    assert count > 20


def test_every_query_parameter_is_refused_when_it_is_empty_or_given_twice(
    http: FlaskClient, document: dict[str, object]
) -> None:
    for method, address, operation in operations(document):
        for name in parameters(operation):
            assert [error["field"] for error in refused(http, method, address, f"{name}=")] == [name]
            [error] = refused(http, method, address, f"{name}=1&{name}=2")
            assert error == {"field": name, "expected": "the parameter once", "received": ["1", "2"]}


def test_the_pages_beside_the_operations_take_no_parameters_either(http: FlaskClient) -> None:
    for address in ("/docs", "/docs/problems", "/docs/problems.json", "/openapi.json"):
        assert refused(http, "GET", address, "format=yaml")


def test_a_request_with_an_unknown_parameter_changes_nothing(http: FlaskClient) -> None:
    refused(http, "POST", "/v1/borrowers", "dry_run=true")
    refused(http, "POST", "/-/reset", "keep=rules")

    ada = http.post("/v1/borrowers", json={"reference": "ada", "name": "Ada"})

    assert ada.status_code == 201


def test_the_name_of_a_parameter_that_no_text_can_be_is_shown_as_such(http: FlaskClient) -> None:
    [error] = refused(http, "GET", "/v1/loans", "%00%F0%28=%00")

    assert "\0" not in error["field"]


def undescribed(document: dict[str, object]) -> Iterator[str]:
    """Where the document leaves a reader alone: operations, parameters and properties without a sentence."""
    for address, operation in described_operations(document):
        if not is_sentence(operation):
            yield f"operation {address}"
        for parameter in operation.get("parameters", []):
            if not is_sentence(parameter):
                yield f"parameter {address} {parameter['name']}"
    for place, schema in schemas(document, ""):
        for name, item in properties(schema).items():
            if not is_sentence(item):
                yield f"property {place}.{name}"


def described_operations(document: Doc) -> Iterator[tuple[str, Doc]]:
    """The operations of the platform, and those of the receivers of webhooks."""
    for address, methods in (document["paths"] | document["webhooks"]).items():
        for method, operation in methods.items():
            yield f"{method.upper()} {address}", operation


def is_sentence(operation: dict[str, object]) -> bool:
    """Whether a description says something: more than the name of the thing once more."""
    return str(operation.get("description", "")).strip().endswith((".", "`"))


def schemas(part: object, place: str) -> Iterator[tuple[str, Doc]]:
    """Every JSON Schema of the document, and where it stands. What is an example or a value is none."""
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield place, part
        for name, inner in part.items():
            if name not in ("example", "examples", "default", "const", "enum"):
                yield from schemas(inner, f"{place}/{name}")
    elif isinstance(part, list):
        for n, inner in enumerate(part):
            yield from schemas(inner, f"{place}/{n}")


def properties(schema: Doc) -> Doc:
    """What a schema of an object says of its properties."""
    by_name: Doc = schema.get("properties", {})
    return by_name


def test_every_operation_parameter_and_property_is_described(document: dict[str, object]) -> None:
    assert list(undescribed(document)) == []

    count = sum(len(properties(schema)) for _, schema in schemas(document, ""))
    assert count > 1_200  # That many there were when this was written: the walk reaches all.


def test_a_property_without_a_description_is_noticed(document: Doc) -> None:
    planted = copy.deepcopy(document)
    loan = planted["components"]["schemas"]["LoanDoc"]["properties"]
    del loan["overdue_minor"]["description"]
    loan["version"]["description"] = "Version"
    operation = planted["paths"]["/v1/loans"]["post"]
    operation["description"] = "Borrow"
    operation["parameters"][0]["description"] = ""

    assert list(undescribed(planted)) == [
        "operation POST /v1/loans",
        f"parameter POST /v1/loans {operation['parameters'][0]['name']}",
        "property /components/schemas/LoanDoc.overdue_minor",
        "property /components/schemas/LoanDoc.version",
    ]


def refuses_null(document: Doc) -> list[str]:
    """The properties that may be null by their type and not by the list of their values."""
    return [
        f"{place}.{name}"
        for place, schema in schemas(document, "")
        for name, field in properties(schema).items()
        if {"type": "null"} in field.get("anyOf", ()) and None not in field.get("enum", [None])
    ]


def test_a_property_that_may_be_null_does_not_refuse_null_by_its_enum(document: Doc) -> None:
    assert refuses_null(document) == []

    planted = copy.deepcopy(document)
    planted["components"]["schemas"]["RepaymentDoc"]["properties"]["booked_type"]["enum"] = ["CLEAR"]
    assert [place.rpartition("/")[2] for place in refuses_null(planted)] == ["RepaymentDoc.booked_type"]


FREE_FORM = {
    "AdvanceDoc.problem": "the problem that ended it: beside the common fields each has its own",
    "AdvanceList.AdvanceDoc.problem": "the same",
    "AnswerKey.EntryDoc.served": "the fields of the entry's seam, which docs/seams.md lists: each seam has its own",
    "AnswerKey.TruthDoc.before": "the fields of the entry's seam, as above",
    "AnswerKey.TruthDoc.after": "the fields of the entry's seam, as above",
    "AuditDoc.unobserved": "entries of the answer key, whose form is the layer's: the platform knows none",
    "AlertRunJobDoc.problem": "the problem that ended it: beside the common fields each has its own",
    "AuditJobDoc.problem": "the problem that ended it: beside the common fields each has its own",
    "AuditJobDoc.AuditDoc.unobserved": "entries of the answer key, as above",
    "ClassDoc.problem": "why it could not be made, as above",
    "ClassList.ClassHead.problem": "the same",
    "MadeClass.ClassDoc.problem": "the same",
    "RequestsDoc.RequestDoc.body": "whatever was sent: each operation has a schema of its own",
    "RequestsDoc.RequestDoc.answer": "whatever the operation answered that was asked: each has a schema of its own",
}
"""The objects that may hold anything, by component and property, and why they have to."""


def free_form(document: Doc) -> set[str]:
    """The properties that hold an object, or objects, of which the document says nothing."""
    return {
        place
        for at, schema in schemas(document["components"]["schemas"], "")
        if not schema.get("properties") and schema.get("additionalProperties", True) is True
        for place in [at.replace("/properties/", ".").strip("/").partition("/")[0]]
    }


def test_no_object_is_free_form_without_a_reason(document: dict[str, object]) -> None:
    assert free_form(document) == set(FREE_FORM)


def test_a_free_form_object_is_noticed(document: Doc) -> None:
    planted = copy.deepcopy(document)
    planted["components"]["schemas"]["NewRule"]["properties"]["select"] = {
        "anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}]
    }

    assert free_form(planted) - set(FREE_FORM) == {"NewRule.select"}
