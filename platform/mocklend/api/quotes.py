"""Quotes: what a repayment of a given type would have to be on a given day."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import BusinessDate
from mocklend.api.nouns import RepaymentType
from mocklend.api.openapi import operation
from mocklend.api.request_context import run, sandbox_id
from mocklend.api.responses import answered
from mocklend.lending import MakeQuote
from mocklend.lending.quotes import QuoteDoc
from mocklend.validation import Body

quotes = APIBlueprint("quotes", __name__)


class NewQuote(Body):
    """The type and the day of a quote."""

    type: RepaymentType
    date: BusinessDate | None = Field(
        default=None, description="The day of the repayment; today in the sandbox's zone if not given."
    )


@quotes.post("/v1/loans/<id:loan_id>/quotes")
@quotes.input(NewQuote, arg_name="new")
@quotes.output(document(QuoteDoc), status_code=201)
@quotes.doc(**operation("quote", "loan_unknown", "loan_not_active", "amount_out_of_range"))
def quote(loan_id: str, new: NewQuote) -> Response:
    """Quote the amount that pays the loan off, or its overdue and current instalments, on a day."""
    return answered(run(MakeQuote(sandbox_id(), loan_id, new.type, new.date)))
