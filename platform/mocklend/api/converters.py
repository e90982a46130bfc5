"""What an id in an address can look like. Anything else (NUL, half a surrogate, a kilobyte) is at no address: 404."""

from __future__ import annotations

from werkzeug.routing import BaseConverter

from mocklend.api.fields import SAFE_ID


class IdConverter(BaseConverter):
    """`<id:loan_id>` in a route."""

    regex = SAFE_ID
