"""The modules that may have `Any` in the signature of a public function, each with its reason; see `test_signatures_typed`."""

from __future__ import annotations

from collections.abc import Mapping

ANY_IN: Mapping[str, str] = {
    "platform/mocklend/access_log.py": "scope and protocol of RSGI, which Granian does not type",
    "platform/mocklend/api/documents.py": "pydantic's own signature",
    "platform/mocklend/api/examples.py": "a body that fits a JSON Schema, whatever it says",
    "platform/mocklend/api/json_body.py": "hooks of Flask and webargs, with their signatures",
    "platform/mocklend/api/openapi.py": "OpenAPI as data, in APIFlask's own signatures",
    "platform/mocklend/client.py": "bodies and answers of HTTP as they are: the client shows also an answer that a fault has broken",
    "platform/mocklend/documents.py": "a TypedDict has no class of its own in typing; a JSON Schema is data",
    "platform/mocklend/door.py": "scope and protocol of RSGI, which Granian does not type",
    "platform/mocklend/exports.py": "an entry of the answer key as its JSON says; its before, after and served differ by fault",
    "platform/mocklend/local.py": "bodies and answers of HTTP",
    "platform/mocklend/logs.py": "wrap_logger of structlog returns Any: its methods are made at run time",
    "platform/mocklend/received.py": "scope of RSGI, which Granian does not type",
    "platform/mocklend/reconcilers/patient.py": "stands in for any method of the client, by the method's name",
    "platform/mocklend/scenarios/checks.py": "numbers of the score's answer, by their paths",
    "platform/mocklend/scenarios/narrator.py": "values out of any answer of HTTP",
    "platform/mocklend/scenarios/saving.py": "the request log as HTTP gave it",
    "platform/mocklend/scenarios/schema.py": "a JSON Schema is data",
    "platform/mocklend/scenarios/steps.py": "arguments and answers of any method of the client",
    "platform/mocklend/scorecard.py": "the score's answer as HTTP gave it, to be printed",
    "platform/mocklend/textfiles.py": "a YAML document is any value that JSON can hold",
    "platform/mocklend/validation/reader.py": "a JSON Schema is data",
    "platform/mocklend/validation/types.py": "pydantic's hook, with its signature",
}
