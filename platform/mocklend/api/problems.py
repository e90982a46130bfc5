"""The one place where a refusal becomes an HTTP answer: RFC 9457 problem+json, whoever refused.

Ours (`Refused`), the router's and the server's (werkzeug), a field's (pydantic, through APIFlask), and whatever nobody
expected: that one is logged with a trace id, which is all that the caller sees of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, get_args

from apiflask import APIFlask, HTTPError
from flask import Response, current_app, request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from mocklend.api.answers import rendered
from mocklend.api.reading import storable
from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused
from mocklend.door import BODY_MAX
from mocklend.logs import get_logger
from mocklend.seams.asking import ASKED_BY
from mocklend.seams.layer import LayerBroke

log = get_logger()

ERRORS_MAX = 20
"""As many wrong fields as one answer lists."""


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
    """Every field that is wrong: what it should be and what came."""
    errors = [_field_error(one, error) for one in error.errors(include_url=False)[:ERRORS_MAX]]
    first = errors[0]
    return Refused("validation_failed", f"{first['field'] or 'the body'}: expected {first['expected']}", errors=errors)


def field_problem(field: str, expected: str, received: Any, code: str = "validation_failed") -> Refused:
    """The refusal of one field, for what only code can check."""
    error = {"field": field, "expected": expected, "received": shown(received)}
    return Refused(code, f"{field}: expected {expected}", errors=[error])


def _field_error(one: ErrorDetails, error: ValidationError) -> dict[str, Any]:
    field = ".".join(storable(str(part)) for part in one["loc"])
    received: Any = one.get("input")
    context: Mapping[str, Any] = one.get("ctx", {})
    match one["type"]:
        case "missing":
            return {"field": field, "expected": "a value: the field is required", "received": "nothing"}
        case "extra_forbidden":
            names = known_fields(error.title, one["loc"])
            meant = did_you_mean(one["loc"][-1], names)
            expected = f"no field but {', '.join(names)}{meant}" if names else "no such field"
        case "model_type" | "dict_type" | "model_attributes_type":
            expected = "an object"
        case "list_type":
            expected = "an array"
        case "bool_type":
            expected = "true or false"
        case "string_type":
            expected = "a string"
        case _:
            expected = str(context.get("expected", one["msg"]))
    return {"field": field, "expected": expected, "received": shown(received)}


_BODIES: dict[str, type[BaseModel]] = {}


def known_fields(model: str, location: tuple[int | str, ...]) -> list[str]:
    """The fields that there are where an unknown one stands, in a body of this model's name."""
    from mocklend.api.fields import Body

    if model not in _BODIES:  # A layer's bodies may be declared later than the platform's.
        pending = list(Body.__subclasses__())
        while pending:
            body = pending.pop()
            _BODIES[body.__name__] = body
            pending.extend(body.__subclasses__())
    inside = _BODIES.get(model)
    for step in location[:-1]:
        if inside is None or isinstance(step, int):
            continue  # An item of a list has the fields that its list was declared with.
        declared = inside.model_fields.get(step)
        inside = None if declared is None else _model_in(declared.annotation)
    return [] if inside is None else [one.alias or name for name, one in inside.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds: itself, in a list, or none at all."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one)) is not None), None)


def shown(value: Any, deep: bool = True) -> Any:
    """A value that came from outside, short and fit to be sent back."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else f"{str(value)[:24]}…"
    if isinstance(value, float):
        return value
    if deep and isinstance(value, Mapping) and len(value) <= 8:
        return {storable(str(name)): shown(inner, deep=False) for name, inner in value.items()}
    if deep and isinstance(value, list | tuple) and len(value) <= 8:
        return [shown(inner, deep=False) for inner in value]
    if isinstance(value, Mapping):
        return "an object"
    return "an array" if isinstance(value, list | tuple) else storable(str(value))


def _failed(error: Exception) -> Response:
    """Our own failure: loud in the log, and a trace id for the caller, who is told more where a fault is to blame."""
    trace = secrets.token_hex(8)
    told = {"trace": trace, "request_id": ASKED_BY.get(), "method": request.method, "path": request.path}
    log.error("a request failed", **told, exc_info=error)
    if isinstance(error, LayerBroke):
        return refused(Refused("fault_broke", storable(str(error), 800), trace=trace))
    return refused(Refused("internal_error", f"trace {trace} in the server's log", trace=trace))
