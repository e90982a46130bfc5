"""Converts every exception into an HTTP answer: RFC 9457 problem+json.

Title and hint are in the language that `Accept-Language` prefers. Handled are `Refused`, the exceptions of router and
server (werkzeug), and validation errors (pydantic, through APIFlask). An unexpected exception is logged with a trace
id; the client gets only that id.
"""

from __future__ import annotations

import json
import secrets
from functools import cache

from apiflask import APIFlask, HTTPError
from flask import Response, current_app, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from mocklend.api.responses import IN_ENGLISH, PROBLEM, rendered
from mocklend.domain.names import did_you_mean
from mocklend.domain.nouns import JsonObject
from mocklend.domain.problems import FieldError, Invalid, Refused
from mocklend.language import Language, accepted, translate
from mocklend.logs import get_logger
from mocklend.received import BODY_MAX
from mocklend.seams.asking import ASKED_BY
from mocklend.seams.layer import LayerBroke
from mocklend.validation import Body, field_errors, invalid_fields, shown, storable

log = get_logger()


def handle_problems(app: APIFlask) -> None:
    """Answer every exception with a problem."""
    app.register_error_handler(Refused, refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(HTTPError, _invalid)
    app.register_error_handler(Exception, _failed)


def speak(app: APIFlask) -> None:
    """Write the problems of an app in the language of each client. Call this before `answer_faultily`.

    So it sees the problem that replaces the view's answer, before it is logged or broken.
    """
    app.after_request(in_language)


def in_language(response: Response) -> Response:
    """After each answer: a problem's title and hint in the language that the client prefers."""
    if response.mimetype != PROBLEM:
        return response
    for name, value in IN_ENGLISH.items():
        response.headers.setdefault(name, value)
    language = accepted(request.headers.get("Accept-Language"))
    if language is not Language.EN:
        # Not with orjson: a refused value may be an integer of more than 64 bits.
        document = json.loads(response.get_data())
        document |= {name: translate(language, document[name]) for name in ("title", "hint") if name in document}
        response.set_data(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
        response.headers["Content-Language"] = language.tag
    return response


def refused(refusal: Refused) -> Response:
    """A refusal as problem+json."""
    document = refusal.to_json()
    if "received" in document:
        document["received"] = shown(document["received"])
    response = rendered(document, refusal.problem.status)
    response.headers.update(IN_ENGLISH)
    if refusal.problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="mocklend"'
    elif refusal.problem.status == 503:
        response.headers["Retry-After"] = "1"
    return response


def _http(error: HTTPException) -> Response:
    """An exception of werkzeug: unknown path or method, body too long, malformed request."""
    if error.code is not None and error.code < 400:
        return Response(status=error.code, headers=list(error.get_headers()))
    if isinstance(error, MethodNotAllowed):
        methods = sorted(error.valid_methods or ())
        response = refused(
            Refused(
                "method_not_allowed",
                f"this path has no method {request.method}",
                expected=methods,
                received=request.method,
            )
        )
        response.headers["Allow"] = ", ".join(methods)
        return response
    path = storable(request.path)
    by_code = {
        404: Refused("not_found", f"nothing is at {path}{did_you_mean(request.path, _addresses())}"),
        413: Refused("body_too_large", f"the body has more than {BODY_MAX} bytes", expected=BODY_MAX),
        415: Refused("media_type_unsupported", "the Content-Type is not JSON", expected="application/json"),
    }
    if error.code in by_code:
        return refused(by_code[error.code])
    if error.code is not None and error.code >= 500:
        return _failed(error)
    return refused(Refused("validation_failed", f"the request is not valid HTTP: {error.name.lower()}"))


def _addresses() -> list[str]:
    """The paths without parameters, to suggest one for an unknown path."""
    return [rule.rule for rule in current_app.url_map.iter_rules() if not rule.arguments]


def _invalid(error: HTTPError) -> Response:
    """APIFlask's error for a body or query that does not fit its model."""
    if isinstance(error.__cause__, ValidationError):
        return refused(invalid(error.__cause__))
    return refused(Refused("validation_failed", error.message or "the request is not valid"))


def invalid(error: ValidationError) -> Refused:
    """The refusal of a body or a query, with every wrong field: what was expected and what was received."""
    return invalid_fields(Invalid(*field_errors(error, lambda: _schema_named(error.title))))


def field_problem(field: str, expected: str, received: object, code: str = "validation_failed") -> Refused:
    """The refusal of one field, for checks that a schema cannot express."""
    return invalid_fields(Invalid(FieldError(field, expected, received)), code=code)


@cache
def _schema_named(model: str) -> JsonObject:
    """The JSON Schema of a body by its model's name; a ValidationError has only the name."""
    pending: list[type[BaseModel]] = [Body]
    while pending:
        body = pending.pop()
        if body.__name__ == model:
            return body.model_json_schema()
        pending.extend(body.__subclasses__())
    return {}


def _failed(error: Exception) -> Response:
    """An unexpected exception: log it, and answer with a trace id. An exception in a fault's own code is named."""
    trace = secrets.token_hex(8)
    details = {"trace": trace, "request_id": ASKED_BY.get(), "method": request.method, "path": request.path}
    log.error("a request failed", **details, exc_info=error)
    if isinstance(error, LayerBroke):
        return refused(Refused("fault_broke", storable(str(error), 800), trace=trace))
    return refused(Refused("internal_error", f"trace {trace} in the server's log", trace=trace))
