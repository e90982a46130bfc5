"""Documents: what the API answers, as one typed class for each noun, with what a field means at the field.

    class ReceiptDoc(TypedDict):
        \"""Money that came without an order of ours.\"""

        id: Annotated[str, says("The receipt's id.")]
        type: Annotated[RepaymentType, column("scope")]
        paid_at: Annotated[str, says("When it was paid at the channel. RFC 3339, on the sandbox's clock.")]

    receipt_doc = rendering(Receipt, ReceiptDoc)

OpenAPI's schema (`schema_of`), the function that makes the answer (`rendering`) and the columns of a data set come from
the class. A field is the entity's column of its name; `..._at` is the moment in `..._ms`; `column` names another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import msgspec
from msgspec import Meta, Struct, to_builtins

from mocklend.domain.money import EXPONENTS
from mocklend.domain.statuses import QuoteType
from mocklend.sandboxes.timestamps import maybe_rfc3339

E = TypeVar("E", bound=Struct)
D = TypeVar("D", bound=Mapping[str, object])

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,79}$"


def says(text: str) -> Meta:
    """What a field means, in a sentence."""
    return Meta(description=text)


def one_of(words: Iterable[str], text: str) -> Meta:
    """What a field means that is one of these words."""
    return Meta(description=text, extra_json_schema={"enum": [str(word) for word in words]})


@dataclass(frozen=True, slots=True)
class FromColumn:
    """Which column of the entity a field of its document is."""

    name: str


def column(name: str) -> FromColumn:
    """The field is this column of the entity, which has another name."""
    return FromColumn(name)


def _id(text: str) -> Meta:
    return Meta(description=text, min_length=1, max_length=80, pattern=ID_PATTERN)


LoanId = Annotated[str, _id("The loan's id.")]
BorrowerId = Annotated[str, _id("The borrower's id.")]
ChannelId = Annotated[str, _id("The channel's id, one of GET /channels.")]
OutTradeNo = Annotated[str, _id("The order's number, as the platform gave it to the channel.")]
ChannelTradeNo = Annotated[str, says("The payment's number, as the channel gave it; null until it has been paid.")]
AmountMinor = Annotated[int, says("The amount, in minor units of the currency, such as cents or fen.")]
Currency = Annotated[str, one_of(EXPONENTS, "The currency of the amounts beside it, by its ISO 4217 code.")]
CreatedAt = Annotated[str, says("When it was made. RFC 3339, on the sandbox's clock.")]
PayerName = Annotated[str, says("The name under which the money was paid, as the channel has it.")]
PayerReference = Annotated[str, says("What the payer types so that the lender may know whose money it is.")]
RepaymentType = Annotated[
    str,
    one_of(
        (QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT),
        "CLEAR pays the whole loan off; OVD_AND_CURRENT pays what is overdue and due, oldest first.",
    ),
]
NextCursor = Annotated[str, says("The `cursor` that asks for the next page; null on the last one.")]


def schema_of(document: type[Any], ref_template: str) -> dict[str, Any]:
    """A document's JSON Schema, with those that it consists of under `$defs`; `{name}` in the template is theirs."""
    _, schemas = msgspec.json.schema_components([document], ref_template=ref_template)
    for part in _parts(document):  # msgspec has the fields of a TypedDict by their names; here they have their order.
        schema = schemas[part.__name__]
        for fields in ("properties", "required"):
            schema[fields] = _ordered(schema.get(fields, ()), get_type_hints(part))
    own: dict[str, Any] = schemas.pop(document.__name__)
    return own | {"$defs": schemas} if schemas else own


def _ordered(fields: Any, names: Iterable[str]) -> Any:
    if isinstance(fields, dict):
        return {name: fields[name] for name in names}
    return [name for name in names if name in fields]


def _parts(kind: Any) -> Iterator[type[Any]]:
    """The documents that a type consists of."""
    if is_typeddict(kind):
        yield kind
        for field in get_type_hints(kind).values():
            yield from _parts(field)
    for inner in get_args(kind):
        yield from _parts(inner)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a document: its name, what it means, the entity's column, and how it is made of that."""

    name: str
    description: str
    kind: Any
    column: str
    make: Callable[[Any], Any] | None


def fields_of(entity: type[Struct], document: type[Any]) -> tuple[Field, ...]:
    """The fields of an entity's document. AssertionError where one has no column, or hides that it may be null."""
    columns = get_type_hints(entity)
    return tuple(
        _field(entity, columns, name, kind) for name, kind in get_type_hints(document, include_extras=True).items()
    )


def _field(entity: type[Struct], columns: Mapping[str, Any], name: str, kind: Any) -> Field:
    marks = list(_marks(kind))
    named = next((mark.name for mark in marks if isinstance(mark, FromColumn)), name)
    source = named
    if named not in columns and named.endswith("_at"):
        source = named.removesuffix("_at") + "_ms"
    if source not in columns:
        raise AssertionError(f"{entity.__name__} has no column for the field {name}")
    if type(None) in get_args(columns[source]) and type(None) not in get_args(_plain(kind)):
        raise AssertionError(f"{name} is null where {entity.__name__}.{source} is")
    description = next((mark.description for mark in marks if isinstance(mark, Meta) and mark.description), "")
    return Field(name, description, _plain(kind), source, _maker(source != named, columns[source], _plain(kind)))


def _maker(is_moment: bool, stored: Any, shown: Any) -> Callable[[Any], Any] | None:
    if is_moment:
        return maybe_rfc3339
    if shown is bool:
        return bool
    plain = (str, int, StrEnum, type(None))
    kinds = get_args(stored) if get_origin(stored) in (Union, UnionType) else (stored,)
    return None if all(isinstance(kind, type) and issubclass(kind, plain) for kind in kinds) else to_builtins


def _marks(kind: Any) -> Iterable[Any]:
    """What is said of a type, the outermost first."""
    if get_origin(kind) is Annotated:
        yield from reversed(kind.__metadata__)
        yield from _marks(kind.__origin__)
    elif get_origin(kind) in (Union, UnionType):
        for inner in get_args(kind):
            yield from _marks(inner)


def _plain(kind: Any) -> Any:
    return kind.__origin__ if get_origin(kind) is Annotated else kind


def rendering(entity: type[E], document: type[D]) -> Callable[[E], D]:
    """The function that makes an entity's document."""
    fields = fields_of(entity, document)
    names, read = [field.name for field in fields], attrgetter(*(field.column for field in fields))
    makers = [(field.name, field.make) for field in fields if field.make is not None]
    return cast(Callable[[E], D], partial(_render, names, read, makers))


def _render(
    names: list[str], read: Callable[[Any], Any], makers: list[tuple[str, Callable[[Any], Any]]], entity: Struct
) -> dict[str, Any]:
    document = dict(zip(names, read(entity), strict=True))
    for name, make in makers:
        document[name] = make(document[name])
    return document
