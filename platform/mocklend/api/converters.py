"""The form of an id in a path. A path with anything else in its place (NUL, a lone surrogate, 1 KB) is 404."""

from __future__ import annotations

from werkzeug.routing import BaseConverter

from mocklend.api.fields import SAFE_ID


class IdConverter(BaseConverter):
    """`<id:loan_id>` in a route."""

    regex = SAFE_ID
