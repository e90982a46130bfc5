"""Forms: read into the same models as the API's bodies, with an error by field, and nothing that was typed is lost."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import SplitResult, urlencode, urlsplit
from zoneinfo import ZoneInfo

from flask import redirect, request, url_for
from markupsafe import Markup
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.problems import field_problem, invalid
from mocklend.api.request_context import PLANES
from mocklend.console.visit import console, open_snapshot, visit
from mocklend.domain.problems import FieldErrorDoc, Refused
from mocklend.sandboxes.timestamps import rfc3339

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Filled:
    """What a viewer has typed, and what was wrong with it: the errors by field, and the refusal of the whole."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, FieldErrorDoc] = field(default_factory=dict)
    refused: Refused | None = None

    def invalid(self, name: str) -> Markup:
        """The attributes of a field's control that say whether it has an error; the first one gets the focus."""
        if name not in self.errors:
            return Markup("")
        focus = Markup(" autofocus") if next(iter(self.errors)) == name else ""
        return Markup(' aria-invalid="true" aria-describedby="error-{}"{}').format(name, focus)

    @classmethod
    def refused_with(cls, refused: Refused) -> Filled:
        """The form of this request, with the errors of a refusal."""
        errors = {error["field"]: error for error in refused.ids.get("errors", ())}
        return cls(request.values.to_dict(), errors, refused)


def read_form(model: type[M], values: Mapping[str, object]) -> M:
    """The values of a form as the model of a body. Empty fields are left out. Raises Refused `validation_failed`."""
    try:
        return model.model_validate({name: value for name, value in values.items() if value not in ("", None)})
    except ValidationError as error:
        raise invalid(error) from None


def local_moment(text: str) -> str:
    """What was typed in the field `local` as RFC 3339: a date, or a date and a time, in the visited sandbox's zone.

    Raises Refused `validation_failed`.
    """
    with open_snapshot() as snapshot:
        zone = ZoneInfo(snapshot.sandbox.zone)
    try:
        return rfc3339(int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000))
    except (ValueError, OverflowError):
        raise field_problem("local", "a date like 2026-03-09, or a date and a time", text) from None


def curl(method: str, path: str, body: Mapping[str, object] | None = None, *, key: str | None = None) -> str:
    """The command that sends the same request, without a body for None. `key` is its Idempotency-Key.

    The sandbox's key, and off loopback the token of the plane, are taken from the environment.
    """
    headers = ['"Authorization: Bearer $MOCKLEND_API_KEY"']
    if not console().settings.on_loopback:
        of_plane = [(header, setting) for prefix, (header, setting) in PLANES.items() if path.startswith(prefix)]
        headers += [f'"{header}: $MOCKLEND_{setting.upper()}"' for header, setting in of_plane]
    if key is not None:
        headers.append(shlex.quote(f"Idempotency-Key: {key}"))
    if body is not None:
        headers.append("'Content-Type: application/json'")
    lines = [f"curl -sS -X {method} {shlex.quote(request.url_root.rstrip('/') + path)}"]
    lines += [f"-H {header}" for header in headers]
    if body is not None:
        lines.append(f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}")
    return " \\\n  ".join(lines)


def back(**more: str) -> AnyResponse:
    """Go back to the page that had the form, of this server; to the loans if it is not known."""
    came_from = _came_from()
    path = came_from.path if came_from.path.startswith("/console/") else ""
    address = path or sandbox_path("loans.loans")
    query = "&".join(
        [part for part in came_from.query.split("&") if part and part.partition("=")[0] not in more]
        + [f"{name}={value}" for name, value in more.items()]
    )
    return redirect(f"{address}?{query}" if query else address, 303)


def _came_from() -> SplitResult:
    try:
        return urlsplit(request.form.get("from", ""))
    except ValueError:  # The act is done: where to go is no reason to fail.
        return urlsplit("")


def sandbox_path(endpoint: str, **values: str) -> str:
    """The address of a page in the visited sandbox."""
    return url_for(endpoint, sandbox=visit().sandbox_id, **values)  # type: ignore[arg-type]


def with_query(path: str, values: Mapping[str, str]) -> str:
    """An address with query parameters. What comes from outside never names an argument of `url_for`."""
    return f"{path}?{urlencode(values)}" if values else path
