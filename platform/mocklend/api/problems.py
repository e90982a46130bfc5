"""The one place where a refusal becomes an HTTP answer: RFC 9457 problem+json, whoever refused.

Ours (`Refused`), the router's and the server's (werkzeug), a field's (pydantic, through APIFlask), and whatever nobody
expected: that one is logged with a trace id, which is all that the caller sees of it.
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any

from apiflask import APIFlask, HTTPError
from flask import Response, current_app, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from mocklend.api.responses import rendered
from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import FieldError, Invalid, Refused
from mocklend.door import BODY_MAX
from mocklend.logs import get_logger
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


def refused(refusal: Refused) -> Response:
    """A refusal as problem+json."""
    document = refusal.to_json()
    if "received" in document:
        document["received"] = shown(document["received"])
    response = rendered(document, refusal.problem.status)
    if refusal.problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="mocklend"'
    elif refusal.problem.status == 503:
        response.headers["Retry-After"] = "1"
    return response


def _http(error: HTTPException) -> Response:
    """What werkzeug says: no such address, no such method, a body too long, a request that is none."""
    if error.code is not None and error.code < 400:
        return Response(status=error.code, headers=list(error.get_headers()))
    if isinstance(error, MethodNotAllowed):
        methods = sorted(error.valid_methods or ())
        response = refused(
            Refused(
                "method_not_allowed", f"{request.method} has no meaning here", expected=methods, received=request.method
            )
        )
        response.headers["Allow"] = ", ".join(methods)
        return response
    path = storable(request.path)
    by_code = {
        404: Refused("not_found", f"nothing is at {path}{did_you_mean(request.path, _addresses())}"),
        413: Refused("body_too_large", "the body is longer than this API takes", expected=BODY_MAX),
        415: Refused("media_type_unsupported", "the Content-Type is not one of JSON", expected="application/json"),
    }
    if error.code in by_code:
        return refused(by_code[error.code])
    if error.code is not None and error.code >= 500:
        return _failed(error)
    return refused(Refused("validation_failed", f"the request is not one that HTTP allows: {error.name.lower()}"))


def _addresses() -> list[str]:
    """The addresses that name nothing in particular: those can be meant by one that names nothing."""
    return [rule.rule for rule in current_app.url_map.iter_rules() if not rule.arguments]


def _invalid(error: HTTPError) -> Response:
    """What APIFlask says when a body or query does not fit its model."""
    if isinstance(error.__cause__, ValidationError):
        return refused(invalid(error.__cause__))
    return refused(Refused("validation_failed", error.message or "the request is not valid"))


def invalid(error: ValidationError) -> Refused:
    """Every field of a body or a query that is wrong: what it should be and what came."""
    return invalid_fields(Invalid(*field_errors(error, lambda: _schema_named(error.title))))


def field_problem(field: str, expected: str, received: Any, code: str = "validation_failed") -> Refused:
    """The refusal of one field, for what only code can check."""
    return invalid_fields(Invalid(FieldError(field, expected, received)), code=code)


@cache
def _schema_named(model: str) -> dict[str, Any]:
    """The JSON Schema of a body by its name, which is all that an error has of it."""
    pending: list[type[BaseModel]] = [Body]
    while pending:
        body = pending.pop()
        if body.__name__ == model:
            return body.model_json_schema()
        pending.extend(body.__subclasses__())
    return {}


def _failed(error: Exception) -> Response:
    """Our own failure: loud in the log, and a trace id for the caller, who is told more where a fault is to blame."""
    trace = secrets.token_hex(8)
    told = {"trace": trace, "request_id": ASKED_BY.get(), "method": request.method, "path": request.path}
    log.error("a request failed", **told, exc_info=error)
    if isinstance(error, LayerBroke):
        return refused(Refused("fault_broke", storable(str(error), 800), trace=trace))
    return refused(Refused("internal_error", f"trace {trace} in the server's log", trace=trace))
