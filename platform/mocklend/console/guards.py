"""Before every page: what is refused wherever it stands.

Forms that are too long or of another origin, and text that no database stores.
"""

from __future__ import annotations

from flask import request
from werkzeug.datastructures import ImmutableMultiDict

from mocklend.domain.problems import FieldError, Invalid, Refused
from mocklend.received import body_max
from mocklend.validation import invalid_fields, is_storable, storable

STORABLE = "text without NUL and lone surrogates"


def limit_body() -> None:
    """Before a form is read: it may have as many bytes as the server receives of it."""
    request.max_content_length = request.max_form_memory_size = body_max(request.path)


def refuse_other_origins() -> None:
    """Before each form: it must come from a page of this server. Raises Refused `cross_site`."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and origin.partition("://")[2] != request.host:
        raise Refused("cross_site", "a page of another origin sent the form", expected=request.host, received=origin)


def refuse_unstorable_address() -> None:
    """Before it is known who asks. Raises Refused `not_found` for a path, `text_not_storable` for a query.

    The page of the refusal has a frame, which asks for what stands in the address: it sees nothing of what was refused.
    """
    if not all(is_storable(str(part)) for part in (request.view_args or {}).values()):
        request.url_rule = request.view_args = None
        raise Refused("not_found", "the path contains NUL or a lone surrogate", expected=STORABLE)
    given = list(request.args.items(multi=True))
    kept = [(name, value) for name, value in given if is_storable(name) and is_storable(value)]
    if kept != given:
        name, value = next(pair for pair in given if pair not in kept)
        request.args = ImmutableMultiDict(kept)
        detail = f"the query parameter {storable(name)} contains NUL or a lone surrogate"
        raise Refused("text_not_storable", detail, expected=STORABLE, received=storable(value))


def refuse_unstorable_form() -> None:
    """Before a form is read, once it is known that its sender has signed in. Raises Refused `validation_failed`."""
    if request.method != "POST":
        return
    errors = [
        FieldError(storable(name), STORABLE, value)
        for name, value in request.form.items(multi=True)
        if not (is_storable(name) and is_storable(value))
    ]
    if errors:
        raise invalid_fields(Invalid(*errors))
