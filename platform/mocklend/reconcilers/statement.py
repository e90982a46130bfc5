"""Reading a channel's statement as a user would: the entries of an ISO 20022 camt.053 file, nothing else."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

_NS = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}


class MalformedFile(ValueError):
    """These bytes are no statement."""


@dataclass(frozen=True, slots=True)
class Row:
    """One movement: positive where money came in."""

    out_trade_no: str
    channel_trade_no: str
    amount_minor: int
    currency: str
    purpose: str
    at: datetime


def read_camt053(data: bytes) -> list[Row]:
    """The movements of a statement, in the order of the file; MalformedFile where it is none."""
    try:
        return [_row(entry) for entry in ElementTree.fromstring(data).iterfind(".//c:Ntry", _NS)]
    except (ElementTree.ParseError, ValueError, ArithmeticError) as error:
        raise MalformedFile(str(error)) from None


def whole_rows(data: bytes) -> list[Row]:
    """What can be made out of a file that cannot be read as agreed: the entries before it breaks off.

    Each has to be held against the channel's own word.
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
    sign = 1 if _text(entry, "c:CdtDbtInd") == "CRDT" else -1
    return Row(
        out_trade_no=_text(entry, ".//c:EndToEndId"),
        channel_trade_no=_text(entry, "c:AcctSvcrRef"),
        amount_minor=sign * int(Decimal(amount.text or "0") * 100),
        currency=amount.get("Ccy", ""),
        purpose=_text(entry, "c:BkTxCd/c:Prtry/c:Cd"),
        at=datetime.fromisoformat(_text(entry, "c:BookgDt/c:DtTm")),
    )


def _text(entry: ElementTree.Element, path: str) -> str:
    found = entry.find(path, _NS)
    return (found.text or "") if found is not None else ""
