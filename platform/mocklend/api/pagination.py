"""Pagination of lists. A cursor is opaque to clients, and validated before a query uses it."""

from __future__ import annotations

from typing import Annotated

from mocklend.api.fields import PageSize
from mocklend.api.problems import field_problem
from mocklend.validation import Body, Expecting, Means, bounded_str
from mocklend.views.reads import after_cursor, cursor

Cursor = Annotated[
    str,
    bounded_str(400, pattern=r"[A-Za-z0-9_\-]+"),
    Expecting("a next_cursor of this list"),
    Means("The `next_cursor` of the previous page; the first page if not given."),
]


class Paged(Body):
    """The query parameters of every list."""

    limit: PageSize = 50
    cursor: Cursor | None = None


def decode_cursor(cursor: str | None, field: str = "cursor", *, begins: str | tuple[str, ...] = "") -> str:
    """The key after which a page begins; "" for the first page. Refused `validation_failed` for a wrong cursor.

    `begins` is how each key of the list begins: the cursor of another list is wrong, too.
    """
    if cursor is None:
        return ""
    after = after_cursor(cursor)
    if not after.isascii() or not after.isprintable() or not after.startswith(begins):
        raise field_problem(field, "a next_cursor of this list", cursor)
    return after


def cursor_of(last: str) -> str:
    """The cursor of the page after this key."""
    return cursor(last)
