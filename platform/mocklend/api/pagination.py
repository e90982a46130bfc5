"""Lists come in pages. A cursor is opaque to clients, and checked before it reaches a query."""

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
    Means("Where the page begins: the `next_cursor` of the page before; the first page if not given."),
]


class Paged(Body):
    """What every list takes."""

    limit: PageSize = 50
    cursor: Cursor | None = None


def place(cursor: str | None, field: str = "cursor") -> str:
    """Where a page begins. Refused if the cursor names no place."""
    if cursor is None:
        return ""
    after = after_cursor(cursor)
    if not after.isascii() or not after.isprintable():
        raise field_problem(field, "a next_cursor of this list", cursor)
    return after


def cursor_of(last: str) -> str:
    """The cursor of a page that ends with this place."""
    return cursor(last)
