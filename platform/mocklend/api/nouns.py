"""Field types that recur in request bodies and queries. What each means is what it means in documents.

A field that means more than its type says so where it is declared: `Field(description=...)`.
"""

from __future__ import annotations

from typing import Annotated, get_args

from msgspec import Meta

from mocklend.api.fields import Id, Person, Reference
from mocklend.domain import nouns, statuses
from mocklend.domain.statuses import QuoteType
from mocklend.validation import Means, OneOf, bounded_str


def _meaning(noun: object) -> Means:
    """What a type of documents says about itself."""
    [meta] = (part for part in get_args(noun) if isinstance(part, Meta))
    return Means(meta.description or "")


LoanId = Annotated[Id, _meaning(nouns.LoanId)]
BorrowerId = Annotated[Id, _meaning(nouns.BorrowerId)]
ChannelId = Annotated[Id, _meaning(nouns.ChannelId)]
OutTradeNo = Annotated[Id, _meaning(nouns.OutTradeNo)]

Operator = Annotated[Person, _meaning(nouns.Operator)]
Approver = Annotated[Person, _meaning(nouns.Approver)]

ClientReference = Annotated[Reference, _meaning(nouns.ClientReference)]
Search = Annotated[str, bounded_str(200), Means("The beginning of an id, a reference or a name, as it is written.")]

LoanStatus = Annotated[str, OneOf(tuple(statuses.LoanStatus)), _meaning(nouns.LoanStatus)]
RepaymentType = Annotated[str, OneOf((QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT)), _meaning(nouns.RepaymentType)]
