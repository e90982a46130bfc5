"""Field types that recur in request bodies, each with its meaning and unit.

A field that means more than its type says so where it is declared: `Field(description=...)`.
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
OutTradeNo = Annotated[Id, Means("The order's number, which the platform assigned.")]
ChannelTradeNo = Annotated[str, Means("The trade number, which the channel assigned; null before the payment.")]
EditId = Annotated[Id, Means("The operator edit's id.")]

Operator = Annotated[Person, Means("The operator's name. Names that differ only in case or blanks mean one person.")]
Approver = Annotated[Person, Means("The second person, who approves: anybody but the operator. Null if there is none.")]

AmountMinor = Annotated[int, Means("The amount, in minor units of the currency, such as cents or fen.")]
PrincipalMinor = Annotated[int, Means("The principal that was lent, in minor units of the loan's currency.")]

CreatedAt = Annotated[str, Means("When it was created. RFC 3339, on the sandbox's clock.")]
AsOf = Annotated[str, Means("The moment whose state is shown; earlier than now if the view lags. RFC 3339.")]
PageVersion = Annotated[
    int, Means("The version of the loan that is shown, from 1; each change of the loan increases it by 1.")
]
NextCursor = Annotated[str, Means("The `cursor` of the next list page; null on the last one.")]

ClientReference = Annotated[Reference, Means("The client's own reference for it.")]
PayerName = Annotated[str, Means("The payer's name, as the channel reports it.")]
PayerReference = Annotated[str, Means("The payment reference that the payer typed, by which the payment is matched.")]

CutOff = Annotated[str, Means("When the channel's business day ends: HH:MM:SS, in the sandbox's zone.")]
StatementReady = Annotated[
    str, Means("When the day's statement is ready, on the next day: HH:MM:SS, in the sandbox's zone.")
]

LoanStatus = Annotated[
    str,
    OneOf(LOAN_STATUSES),
    Means(
        "SUBMITTED; LENDING until the loan is paid out; FAILED if the payout failed; USING; OVD if an "
        "instalment is overdue; CLEAR if nothing is owed; OFF after a write-off."
    ),
]
RepaymentType = Annotated[
    str,
    OneOf((QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT)),
    Means(
        "CLEAR pays the whole loan off; OVD_AND_CURRENT pays overdue instalments, oldest first, and the current one."
    ),
]
