"""Query parameters: an address takes those that it declares, each once. All others are refused, at every address.

        GET /v1/loans?stats=USING ─▶ 422: "no parameter but limit, …, status; did you mean 'status'?"

One look before each request, from the declarations that /openapi.json is made of, so that no view needs to ask and none
can forget. A parameter that was ignored would answer another question than the one that was asked.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, request

from mocklend.api.problems import ERRORS_MAX, shown
from mocklend.api.reading import storable
from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused


def refuse_unknown_parameters(app: Flask) -> None:
    """Look at the query of each of an app's requests."""
    app.before_request(look_at_query)


def look_at_query() -> None:
    """Refused `validation_failed` where a parameter is unknown, or is given twice."""
    if not request.query_string or request.url_rule is None:
        return
    known = declared(current_app.view_functions[request.endpoint or ""])
    errors = [_error(name, values, known) for name, values in request.args.lists() if _is_wrong(name, values, known)]
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
    return name not in known or len(values) > 1


def _error(name: str, values: list[str], known: tuple[str, ...]) -> dict[str, Any]:
    if name in known:
        return {"field": name, "expected": "the parameter once", "received": shown(values)}
    if known:
        expected = f"no parameter but {', '.join(known)}{did_you_mean(name, known)}"
    else:
        expected = "no parameters: this address takes none"
    return {"field": storable(name), "expected": expected, "received": shown(values[0])}
