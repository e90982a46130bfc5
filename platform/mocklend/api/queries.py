"""Query parameters: an address takes those that it declares, each once. All others are refused, at every address.

        GET /v1/loans?stats=USING ─▶ 422: "no parameter but limit, …, status; did you mean 'status'?"
        GET /v1/loans?status=%00  ─▶ 422: "text in UTF-8 without control characters"

What a body may not hold, a query may not hold either: it is read here from the bytes that came, strictly.

One look before each request, from the declarations that /openapi.json is made of, so that no view needs to ask and none
can forget. A parameter that was ignored would answer another question than the one that was asked.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, current_app, request

from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused
from mocklend.validation import ERRORS_MAX, is_storable, shown, storable

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def refuse_unknown_parameters(app: Flask) -> None:
    """Look at the query of each of an app's requests."""
    app.before_request(look_at_query)


def look_at_query() -> None:
    """Refused `validation_failed` where a parameter is unknown, is given twice, or is not text."""
    if not request.query_string or request.url_rule is None:
        return
    known = declared(current_app.view_functions[request.endpoint or ""])
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(
        request.query_string.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"
    ):
        given.setdefault(name, []).append(value)
    errors = [_error(name, values, known) for name, values in given.items() if _is_wrong(name, values, known)]
    if errors:
        first = errors[0]
        raise Refused(
            "validation_failed", f"{first['field']}: expected {first['expected']}", errors=errors[:ERRORS_MAX]
        )


def declared(view: Any) -> tuple[str, ...]:
    """The query parameters that a view declares, in the order of the documentation."""
    models = [model for model, location in getattr(view, "_spec", {}).get("args") or () if location == "query"]
    return tuple(one.alias or name for model in models for name, one in model.model_fields.items())


def _is_wrong(name: str, values: list[str], known: tuple[str, ...]) -> bool:
    return name not in known or len(values) > 1 or not _is_text(values[0])


def _is_text(value: str) -> bool:
    return is_storable(value) and CONTROL.search(value) is None


def _error(name: str, values: list[str], known: tuple[str, ...]) -> dict[str, Any]:
    if name in known:
        expected = "the parameter once" if len(values) > 1 else "text in UTF-8 without control characters"
        return {"field": name, "expected": expected, "received": shown(values if len(values) > 1 else values[0])}
    if known:
        expected = f"no parameter but {', '.join(known)}{did_you_mean(name, known)}"
    else:
        expected = "no parameters: this address takes none"
    return {"field": storable(name), "expected": expected, "received": shown(values[0])}
