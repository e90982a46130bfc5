"""Types of the fields that recur in documents, each with its meaning and unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Meta

from mocklend.domain.finding import CLASSES
from mocklend.domain.money import EXPONENTS
from mocklend.domain.statuses import LoanStatus as Statuses
from mocklend.domain.statuses import QuoteType

V = TypeVar("V")

JsonObject = dict[str, Any]
"""A JSON object without a fixed shape, or with the shape of another schema (`shaped`)."""

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,79}$"


def says(text: str) -> Meta:
    """A field's description, in a sentence."""
    return Meta(description=text)


def one_of(words: Iterable[str], text: str | None = None) -> Meta:
    """The description of a field whose value is one of these words. `text` is None where another annotation has it."""
    return Meta(description=text, extra_json_schema={"enum": [str(word) for word in words]})


def shaped(schema: Mapping[str, object], text: str | None = None) -> Meta:
    """The description of a field whose shape another schema defines, such as that of a request body."""
    return Meta(description=text, extra_json_schema=dict(schema))


A_DATE = {"format": "date"}


def a_date(text: str) -> Meta:
    """What a field means that is a business date, like 2026-01-05."""
    return Meta(description=text, extra_json_schema=A_DATE)


@dataclass(frozen=True, slots=True)
class FromColumn(Generic[V]):
    """The column of the entity that a field of its document renders. `V` is the type of its values."""

    name: str
    make: Callable[[V], object] | None = None


def column(name: str, make: Callable[[V], object] | None = None) -> FromColumn[V]:
    """The field renders a column of another name, or the result of a function on that column."""
    return FromColumn(name, make)


def whether(name: str) -> FromColumn[object]:
    """The field is true where this column of the entity has a value."""
    return FromColumn(name, _is_given)


def _is_given(value: object) -> bool:
    return value is not None


def _id(text: str) -> Meta:
    return Meta(description=text, min_length=1, max_length=80, pattern=ID_PATTERN)


def _person(text: str) -> Meta:
    return Meta(description=text, min_length=1, max_length=200, pattern=r"\S")


LoanId = Annotated[str, _id("The loan's id.")]
BorrowerId = Annotated[str, _id("The borrower's id.")]
ChannelId = Annotated[str, _id("The channel's id, one of GET /channels.")]
OutTradeNo = Annotated[str, _id("The order's number, which the platform assigned.")]
ChannelTradeNo = Annotated[str, says("The trade number, which the channel assigned; null before the payment.")]
AmountMinor = Annotated[int, says("The amount, in minor units of the currency, such as cents or fen.")]
Currency = Annotated[str, one_of(EXPONENTS, "The currency of the amounts beside it, by its ISO 4217 code.")]
CreatedAt = Annotated[str, says("When it was created. RFC 3339, on the sandbox's clock.")]
PayerName = Annotated[str, says("The payer's name, as the channel reports it.")]
PayerReference = Annotated[str, says("The payment reference that the payer typed, by which the payment is matched.")]
RepaymentType = Annotated[
    str,
    one_of(
        (QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT),
        "CLEAR pays the loan off; OVD_AND_CURRENT pays overdue instalments, oldest first, and the current one.",
    ),
]
FindingClass = Annotated[str, one_of(CLASSES, "The finding class.")]
NextCursor = Annotated[str, says("The `cursor` of the next list page; null on the last one.")]

EditId = Annotated[str, _id("The operator edit's id.")]
Memo = Annotated[str, Meta(description="The reason for it, in a sentence.", min_length=1, max_length=1_000)]
Operator = Annotated[str, _person("The operator's name. Names that differ only in case or blanks mean one person.")]
Approver = Annotated[str, _person("The second person, who approves: anybody but the operator. Null if there is none.")]
PrincipalMinor = Annotated[int, says("The principal that was lent, in minor units of the loan's currency.")]
AsOf = Annotated[str, says("The moment whose state is shown; earlier than now if the view lags. RFC 3339.")]
PageVersion = Annotated[
    int, says("The version of the loan that is shown, from 1; each change of the loan increases it by 1.")
]
ClientReference = Annotated[str, Meta(description="The client's own reference for it.", min_length=1, max_length=128)]
LoanStatus = Annotated[
    str,
    one_of(
        Statuses,
        "SUBMITTED; LENDING until the loan is paid out; FAILED if the payout failed; USING; OVD if an instalment is "
        "overdue; CLEAR if nothing is owed; OFF after a write-off.",
    ),
]
CutOff = Annotated[str, says("When the channel's business day ends: HH:MM:SS, in the sandbox's zone.")]
StatementReady = Annotated[
    str, says("When the day's statement is ready, on the next day: HH:MM:SS, in the sandbox's zone.")
]
