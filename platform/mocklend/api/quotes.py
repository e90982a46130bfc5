"""Quotes: what a repayment would have to be. Ask before paying."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import answered
from mocklend.api.asking import run, sandbox_id
from mocklend.api.fields import Body, BusinessDate, Choice, Doc
from mocklend.api.openapi import described
from mocklend.domain.facts import CLEAR, OVD_AND_CURRENT
from mocklend.lending import MakeQuote

quotes = APIBlueprint("quotes", __name__)

RepaymentType = Annotated[str, Choice((CLEAR, OVD_AND_CURRENT))]
"""To pay everything off, or what is overdue and the current instalment."""


class NewQuote(Body):
    """What to quote for. Without a date: today, in the sandbox's zone."""

    type: RepaymentType
    date: BusinessDate | None = None


class Buckets(Doc):
    """Where the total would go."""

    normal_principal_minor: int
    overdue_principal_minor: int
    normal_interest_minor: int
    overdue_interest_minor: int
    penalty_principal_minor: int
    penalty_interest_minor: int
    fee_minor: int
    written_off_minor: int


class QuoteDoc(Doc):
    """A quote."""

    id: str
    loan_id: str
    type: RepaymentType
    date: str
    total_minor: int
    currency: str
    buckets: Buckets
    valid_until: str
    version: int
    as_of: str


@quotes.post("/v1/loans/<id:loan_id>/quotes")
@quotes.input(NewQuote, arg_name="new")
@quotes.output(QuoteDoc, status_code=201)
@quotes.doc(**described("quote", "loan_unknown", "loan_not_active", "amount_out_of_range"))
def quote(loan_id: str, new: NewQuote) -> Response:
    """What would pay the loan off, or bring it up to date, on a day."""
    return answered(run(MakeQuote(sandbox_id(), loan_id, new.type, new.date)))
