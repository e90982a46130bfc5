"""Pagination of lists. A cursor is opaque to clients, and validated before a query uses it."""

from __future__ import annotations

from typing import Annotated

from mocklend.api.fields import PageSize
from mocklend.api.problems import field_problem
from mocklend.domain.problems import Refused
from mocklend.validation import Body, Expecting, Means, bounded_str
from mocklend.views.reads import after_cursor

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


def decode_cursor(of: str, cursor: str | None, field: str = "cursor") -> str:
    """The place after which a page of the list `of` begins; "" for the first page.

    Refused `validation_failed` for what is no cursor, and for that of another list.
    """
    if cursor is None:
        return ""
    try:
        after = after_cursor(of, cursor)
    except Refused:
        raise field_problem(field, "a next_cursor of this list", cursor) from None
    if not after.isascii() or not after.isprintable():
        raise field_problem(field, "a next_cursor of this list", cursor)
    return after
