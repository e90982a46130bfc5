"""Query parameters: every endpoint accepts those that it declares, each once, and refuses all others.

        GET /v1/loans?stats=USING ─▶ 422: "no parameter but limit, …, status; did you mean 'status'?"
        GET /v1/loans?status=%00  ─▶ 422: "text in UTF-8 without control characters"

The check runs before every view, by the declarations from which /openapi.json is made. An ignored parameter would
give the client the answer to another question. Values are decoded strictly here, with the same limits as in a body.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from flask import Flask, current_app, request

from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import FieldErrorDoc, Refused
from mocklend.validation import ERRORS_MAX, is_storable, shown, storable

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def refuse_unknown_parameters(app: Flask) -> None:
    """Check the query of each request of an app."""
    app.before_request(check_query)


def check_query() -> None:
    """Refused `validation_failed` if a parameter is unknown, is given twice, or is not text."""
    if not request.query_string or request.url_rule is None:
        return
    known = declared(current_app.view_functions[request.endpoint or ""])
    values_of: dict[str, list[str]] = {}
    for name, value in parse_qsl(
        request.query_string.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"
    ):
        values_of.setdefault(name, []).append(value)
    errors = [_error(name, values, known) for name, values in values_of.items() if _is_wrong(name, values, known)]
    if errors:
        first = errors[0]
        raise Refused(
            "validation_failed", f"{first['field']}: expected {first['expected']}", errors=errors[:ERRORS_MAX]
        )


def declared(view: Callable[..., object]) -> tuple[str, ...]:
    """The names of the query parameters that a view declares, in their order."""
    models = [model for model, location in getattr(view, "_spec", {}).get("args") or () if location == "query"]
    return tuple(field.alias or name for model in models for name, field in model.model_fields.items())


def _is_wrong(name: str, values: list[str], known: tuple[str, ...]) -> bool:
    return name not in known or len(values) > 1 or not _is_text(values[0])


def _is_text(value: str) -> bool:
    return is_storable(value) and CONTROL.search(value) is None


def _error(name: str, values: list[str], known: tuple[str, ...]) -> FieldErrorDoc:
    if name in known:
        expected = "the parameter once" if len(values) > 1 else "text in UTF-8 without control characters"
        return {"field": name, "expected": expected, "received": shown(values if len(values) > 1 else values[0])}
    if known:
        expected = f"no parameter but {', '.join(known)}{did_you_mean(name, known)}"
    else:
        expected = "no parameters: this endpoint has none"
    return {"field": storable(name), "expected": expected, "received": shown(values[0])}
