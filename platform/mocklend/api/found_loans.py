"""Loans by the books, with what is wrong about them, for those who may see the truth."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import BeforeValidator, Field, StrictBool

from mocklend.api.documents import document
from mocklend.api.nouns import Search
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.problems import field_problem
from mocklend.api.request_context import current_platform, leaves_truth_out, open_snapshot, shows_truth
from mocklend.api.responses import rendered
from mocklend.lending import found
from mocklend.lending.found import FoundLoans
from mocklend.validation import OneOf
from mocklend.views.reads import Lists

found_loans = APIBlueprint("found_loans", __name__)

Yes = Annotated[StrictBool, BeforeValidator(lambda value: {"true": True, "false": False}.get(value, value))]


class FoundQuery(Paged):
    """Filters of the list of loans by the books."""

    wrong: Yes = Field(
        default=False, description="`true`: only loans on which an entry of the answer key is open, by id."
    )
    q: Search | None = Field(
        default=None, description="Only loans whose id, reference or borrower's name begins with this text."
    )
    order: Annotated[str, OneOf(found.ORDERS)] | None = Field(
        default=None, description="`newest`, which is the default, or `id`. Not with `q` or `wrong`."
    )


@found_loans.get("/-/loans")
@found_loans.input(FoundQuery, location="query", arg_name="query")
@found_loans.output(document(FoundLoans))
@found_loans.doc(**operation("findLoans"))
@leaves_truth_out
def find_loans(query: FoundQuery) -> Response:
    """Loans by the books, the newest first, each with the number of its open entries of the answer key.

    With `wrong` and `q` together a page may be short although there are more: `next_cursor` says so.
    """
    if query.order is not None and (query.q is not None or query.wrong):
        raise field_problem("order", "no value beside q or wrong", query.order)
    order = query.order or found.NEWEST
    after = decode_cursor(
        found.list_of(Lists.FOUND_LOANS, query.q, found.WRONG if query.wrong else order), query.cursor
    )
    with open_snapshot() as snapshot:
        return rendered(
            found.loans_with_entries(
                snapshot,
                current_platform().layer,
                wrong=query.wrong,
                q=query.q,
                order=order,
                after=after,
                limit=query.limit,
                shows_truth=shows_truth(snapshot.sandbox),
            )
        )
