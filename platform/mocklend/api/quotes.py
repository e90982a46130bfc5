"""Quotes: what a repayment would have to be. Ask before paying."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import BusinessDate, Currency, Doc
from mocklend.api.nouns import AsOf, LoanId, PageVersion, RepaymentType
from mocklend.api.openapi import described
from mocklend.api.request_context import run, sandbox_id
from mocklend.api.responses import answered
from mocklend.lending import MakeQuote
from mocklend.validation import Body

quotes = APIBlueprint("quotes", __name__)

"""To pay everything off, or what is overdue and the current instalment."""


class NewQuote(Body):
    """What to quote for. Without a date: today, in the sandbox's zone."""

    type: RepaymentType
    date: BusinessDate | None = Field(
        default=None, description="The day for which to quote; today in the sandbox's zone if not given."
    )


class Buckets(Doc):
    """Where the total would go."""

    normal_principal_minor: int = Field(description="Principal that is not overdue, in minor units.")
    overdue_principal_minor: int = Field(description="Overdue principal, in minor units.")
    normal_interest_minor: int = Field(description="Interest that is not overdue, in minor units.")
    overdue_interest_minor: int = Field(description="Overdue interest, in minor units.")
    penalty_principal_minor: int = Field(description="Penalty on overdue principal, in minor units.")
    penalty_interest_minor: int = Field(description="Penalty on overdue interest, in minor units.")
    fee_minor: int = Field(description="Fees, in minor units.")
    written_off_minor: int = Field(description="What was written off and is still owed, in minor units.")


class QuoteDoc(Doc):
    """A quote."""

    id: str = Field(description="The quote's id.")
    loan_id: LoanId
    type: RepaymentType
    date: str = Field(description="The day that it is for, like 2026-01-05, in the sandbox's zone.")
    total_minor: int = Field(description="What is to be paid, in minor units of `currency`.")
    currency: Currency
    buckets: Buckets = Field(description="Where the total would go.")
    valid_until: str = Field(description="The last moment at which it can be paid. RFC 3339, on the sandbox's clock.")
    version: PageVersion
    as_of: AsOf


@quotes.post("/v1/loans/<id:loan_id>/quotes")
@quotes.input(NewQuote, arg_name="new")
@quotes.output(QuoteDoc, status_code=201)
@quotes.doc(**described("quote", "loan_unknown", "loan_not_active", "amount_out_of_range"))
def quote(loan_id: str, new: NewQuote) -> Response:
    """What would pay the loan off, or bring it up to date, on a day."""
    return answered(run(MakeQuote(sandbox_id(), loan_id, new.type, new.date)))
