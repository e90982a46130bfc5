"""Reads a channel's statement as a user would: the entries of an ISO 20022 camt.053 file."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from mocklend.domain.money import minor_exponent

_NS = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}


class MalformedFile(ValueError):
    """The bytes are not a statement."""


@dataclass(frozen=True, slots=True)
class Row:
    """A movement. The amount is positive if money came in."""

    out_trade_no: str
    channel_trade_no: str
    amount_minor: int
    currency: str
    purpose: str
    at: datetime


def read_camt053(data: bytes) -> list[Row]:
    """Return the movements of a statement in the order of the file. Raises MalformedFile."""
    try:
        return [_row(entry) for entry in ElementTree.fromstring(data).iterfind(".//c:Ntry", _NS)]
    except (ElementTree.ParseError, ValueError, ArithmeticError) as error:
        raise MalformedFile(str(error)) from None


def whole_rows(data: bytes) -> list[Row]:
    """Return the readable entries of a malformed file: those before it breaks off.

    Each has to be checked against the channel's own record.
    """
    utf16 = data.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    parser: Any = ElementTree.XMLPullParser()
    parser.feed(data.decode("utf-16" if utf16 else "utf-8", "ignore"))
    rows = []
    with suppress(ElementTree.ParseError, ValueError, ArithmeticError):
        for _, entry in parser.read_events():
            if entry.tag == f"{{{_NS['c']}}}Ntry":
                rows.append(_row(entry))
    return rows


def _row(entry: ElementTree.Element) -> Row:
    amount = entry.find("c:Amt", _NS)
    assert amount is not None
    currency = amount.get("Ccy", "")
    major = Decimal(amount.text or "0")
    sign = 1 if _text(entry, "c:CdtDbtInd") == "CRDT" else -1
    return Row(
        out_trade_no=_text(entry, ".//c:EndToEndId"),
        channel_trade_no=_text(entry, "c:AcctSvcrRef"),
        amount_minor=sign * int(major.scaleb(minor_exponent(currency))),
        currency=currency,
        purpose=_text(entry, "c:BkTxCd/c:Prtry/c:Cd"),
        at=datetime.fromisoformat(_text(entry, "c:BookgDt/c:DtTm")),
    )


def _text(entry: ElementTree.Element, path: str) -> str:
    element = entry.find(path, _NS)
    return (element.text or "") if element is not None else ""
