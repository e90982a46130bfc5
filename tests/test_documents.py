"""Documents: one class says what an answer's fields are, and what is made of it keeps to that."""

from __future__ import annotations

import json
from typing import Annotated, TypedDict

import pytest

from mocklend.channels.payments import ReceiptDoc, receipt_doc
from mocklend.dataset.columns import FILES
from mocklend.documents import rendering, schema_of
from mocklend.domain.nouns import column, one_of, says, whether
from mocklend.storage.entities import Receipt
from mocklend.storage.schema import metadata
from mocklend.storage.values import WorldAssignment

RECEIPT = Receipt(
    id="rct_1",
    state="UNAPPLIED",
    loan_id=None,
    channel="wallet",
    out_trade_no="PY1",
    channel_trade_no="W1",
    amount_minor=5_000,
    currency="CNY",
    scope="CLEAR",
    payer_name="Ada",
    payer_reference="loan of Ada",
    landed=1,
    paid_ms=0,
    received_ms=1_500,
    applied_ms=None,
    world_assignment=WorldAssignment("loan_1", {}),
)


def test_a_receipt_s_document_has_its_fields_in_their_order_and_no_others() -> None:
    assert json.dumps(receipt_doc(RECEIPT)) == json.dumps(
        {
            "id": "rct_1",
            "state": "UNAPPLIED",
            "loan_id": None,
            "channel": "wallet",
            "out_trade_no": "PY1",
            "channel_trade_no": "W1",
            "amount_minor": 5_000,
            "currency": "CNY",
            "type": "CLEAR",
            "payer_name": "Ada",
            "payer_reference": "loan of Ada",
            "paid_at": "1970-01-01T00:00:00.000Z",
            "received_at": "1970-01-01T00:00:01.500Z",
            "applied_at": None,
        }
    )


class Shelf(TypedDict):
    """A part of a document."""

    width: Annotated[int, says("How wide it is, in mm.")]


class Case(TypedDict):
    """A document with a part."""

    state: Annotated[str, one_of(("OPEN", "SHUT"), "Whether it is open.")]
    shelves: Annotated[list[Shelf], says("What it has, from above.")]
    colour: Annotated[str | None, says("Its colour; null where it has none.")]


def test_a_schema_has_the_fields_in_their_order_with_what_they_mean() -> None:
    schema = schema_of(Case, "#/{name}")

    assert json.dumps(schema["properties"]) == json.dumps(
        {
            "state": {"description": "Whether it is open.", "enum": ["OPEN", "SHUT"], "type": "string"},
            "shelves": {"description": "What it has, from above.", "type": "array", "items": {"$ref": "#/Shelf"}},
            "colour": {
                "description": "Its colour; null where it has none.",
                "anyOf": [{"type": "string"}, {"type": "null"}],
            },
        }
    )
    assert schema["required"] == ["state", "shelves", "colour"]
    assert schema["$defs"]["Shelf"]["properties"]["width"]["description"] == "How wide it is, in mm."


def test_a_field_without_a_column_is_refused_at_once() -> None:
    class Renamed(TypedDict):
        ident: Annotated[str, column("identity")]

    with pytest.raises(AssertionError, match="Receipt has no column for the field ident"):
        rendering(Receipt, Renamed)


def test_a_nullable_column_needs_a_nullable_field() -> None:
    class Hidden(TypedDict):
        applied_at: str

    with pytest.raises(AssertionError, match=r"applied_at is null where Receipt\.applied_ms is"):
        rendering(Receipt, Hidden)


def test_a_file_of_entities_has_what_their_document_says() -> None:
    file = next(file for file in FILES if file.name == "receipts")
    means = schema_of(ReceiptDoc, "{name}")["properties"]

    columns = {column.name: column for column in file.columns}
    assert columns["receipt_id"].doc == means["id"]["description"]
    assert (columns["paid_at"].type, columns["amount_minor"].type, columns["type"].type) == ("moment", "whole", "text")
    assert len(file.selected) == len(file.columns) - 1
    assert set(file.selected) <= {column.name for column in metadata.tables["receipts"].columns}


def test_a_field_may_be_what_a_function_makes_of_a_column() -> None:
    class Computed(TypedDict):
        short: Annotated[str, column("channel_trade_no", str.lower)]
        is_on_a_loan: Annotated[bool, whether("loan_id")]

    assert rendering(Receipt, Computed)(RECEIPT) == {"short": "w1", "is_on_a_loan": False}
