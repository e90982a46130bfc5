"""The nouns that recur in bodies: each is one type, with what it means and in which unit it is.

What a field means beyond that, it says where it is declared: `Field(description=...)`.
"""

from __future__ import annotations

from typing import Annotated

from mocklend.api.fields import Id, Person, Reference
from mocklend.domain import statuses
from mocklend.domain.statuses import QuoteType
from mocklend.validation import Means, OneOf

LOAN_STATUSES = tuple(statuses.LoanStatus)

LoanId = Annotated[Id, Means("The loan's id.")]
BorrowerId = Annotated[Id, Means("The borrower's id.")]
ChannelId = Annotated[Id, Means("The channel's id, one of GET /channels.")]
OutTradeNo = Annotated[Id, Means("The order's number, as the platform gave it to the channel.")]
ChannelTradeNo = Annotated[str, Means("The payment's number, as the channel gave it; null until it has been paid.")]
EditId = Annotated[Id, Means("The operator edit's id.")]

Operator = Annotated[Person, Means("Who does it: a person's name. Two spellings of one name are one person.")]
Approver = Annotated[
    Person, Means("The second person, who approves: anybody but the operator. Null where there is none.")
]

AmountMinor = Annotated[int, Means("The amount, in minor units of the currency, such as cents or fen.")]
PrincipalMinor = Annotated[int, Means("The principal that was lent, in minor units of the loan's currency.")]

CreatedAt = Annotated[str, Means("When it was made. RFC 3339, on the sandbox's clock.")]
AsOf = Annotated[str, Means("The moment whose state is shown; it lags where the view does. RFC 3339, sandbox's clock.")]
PageVersion = Annotated[
    int, Means("The loan's version that is shown, from 1; each change of the loan makes the next one.")
]
NextCursor = Annotated[str, Means("The `cursor` that asks for the next page; null on the last one.")]

ClientReference = Annotated[Reference, Means("The client's own name for it.")]
PayerName = Annotated[str, Means("The name under which the money was paid, as the channel has it.")]
PayerReference = Annotated[str, Means("What the payer types so that the lender may know whose money it is.")]

CutOff = Annotated[str, Means("When the channel's day ends: HH:MM:SS, in the sandbox's zone.")]
StatementReady = Annotated[
    str, Means("From when on the next day its statement can be had: HH:MM:SS, in the sandbox's zone.")
]

LoanStatus = Annotated[
    str,
    OneOf(LOAN_STATUSES),
    Means(
        "SUBMITTED, LENDING until it is paid out (FAILED where it never is), USING, OVD when "
        "something is overdue, CLEAR when nothing is owed, OFF when it was written off."
    ),
]
RepaymentType = Annotated[
    str,
    OneOf((QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT)),
    Means("CLEAR pays the whole loan off; OVD_AND_CURRENT pays what is overdue and due, oldest first."),
]
