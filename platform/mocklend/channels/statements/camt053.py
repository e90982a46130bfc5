"""ISO 20022 camt.053.001.08, a bank's end-of-day statement: an entry a movement between two balances that add up.

        OPBD + credits − debits = CLBD

All entries are booked (BOOK). XML has no sign for control characters, and its names end at 140 characters; everything
else comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from xml.etree import ElementTree

from mocklend.channels.statements.amounts import major, minor
from mocklend.channels.statements.day import (
    WORDS,
    Heading,
    MalformedStatement,
    Movement,
    StatementDay,
    expect,
    incoming,
    outgoing,
    read_day,
    total,
)
from mocklend.channels.statements.format import Format

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
TEXT_MAX = 140
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_FAMILY = {True: ("RCDT", "ESCT"), False: ("ICDT", "ESCT")}
"""Bank transaction codes: a credit transfer received, and one issued."""


def printable(text: str) -> str:
    """The text as a camt message holds it."""
    return _NOT_XML.sub("\ufffd", text)[:TEXT_MAX]


def _text(text: str) -> str:
    return printable(text).translate(_ESCAPES)


def write(day: StatementDay) -> bytes:
    """The message."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *_document(day), ""]).encode("utf-8")


def _document(day: StatementDay) -> Iterator[str]:
    heading = day.heading
    opening, closing = day.opening_minor or 0, day.closing_minor
    made, id = _moment(heading, heading.ready_ms), f"{heading.account}-{heading.day}"[:35]
    yield f'<Document xmlns="{NAMESPACE}">'
    yield "<BkToCstmrStmt>"
    yield f"<GrpHdr><MsgId>{id}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr>"
    yield f"<Stmt><Id>{id}</Id><CreDtTm>{made}</CreDtTm>"
    start, stop = _moment(heading, heading.from_ms), _moment(heading, heading.until_ms)
    yield f"<FrToDt><FrDtTm>{start}</FrDtTm><ToDtTm>{stop}</ToDtTm></FrToDt>"
    account = f"<Id><Othr><Id>{heading.account}</Id></Othr></Id><Ccy>{heading.currency}</Ccy>"
    yield f"<Acct>{account}<Svcr><FinInstnId><Nm>{_text(heading.channel.name)}</Nm></FinInstnId></Svcr></Acct>"
    yield _balance(heading, "OPBD", opening)
    yield _balance(heading, "CLBD", closing)
    yield _summary(day)
    for number, one in enumerate(day.movements, 1):
        yield _entry(heading, number, one)
    yield "</Stmt>"
    yield "</BkToCstmrStmt>"
    yield "</Document>"


def _moment(heading: Heading, at_ms: int) -> str:
    return heading.local(at_ms).isoformat(timespec="seconds")


def _amount(heading: Heading, amount_minor: int) -> str:
    side = "DBIT" if amount_minor < 0 else "CRDT"
    text = major(abs(amount_minor), heading.currency)
    return f'<Amt Ccy="{heading.currency}">{text}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _balance(heading: Heading, code: str, amount_minor: int) -> str:
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    # An opening balance is the closing one of the day before.
    day = heading.day - timedelta(days=1) if code == "OPBD" else heading.day
    return f"<Bal>{kind}{_amount(heading, amount_minor)}<Dt><Dt>{day}</Dt></Dt></Bal>"


def _summary(day: StatementDay) -> str:
    currency = day.heading.currency
    parts = []
    for name, movements in (("TtlCdtNtries", incoming(day.movements)), ("TtlDbtNtries", outgoing(day.movements))):
        number, amount = len(movements), major(abs(total(movements)), currency)
        parts.append(f"<{name}><NbOfNtries>{number}</NbOfNtries><Sum>{amount}</Sum></{name}>")
    return f"<TxsSummry>{''.join(parts)}</TxsSummry>"


def _entry(heading: Heading, number: int, one: Movement) -> str:
    came = one.amount_minor > 0
    family, sub = _FAMILY[came]
    domain = f"<Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn>"
    side = "Dbtr" if came else "Cdtr"
    party = f"<RltdPties><{side}><Pty><Nm>{_text(one.party)}</Nm></Pty></{side}></RltdPties>" if one.party else ""
    told = f"<RmtInf><Ustrd>{_text(one.reference)}</Ustrd></RmtInf>" if one.reference else ""
    value_day = heading.local(one.at_ms).date()
    return (
        f"<Ntry><NtryRef>{number}</NtryRef>{_amount(heading, one.amount_minor)}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><DtTm>{_moment(heading, one.at_ms)}</DtTm></BookgDt><ValDt><Dt>{value_day}</Dt></ValDt>"
        f"<AcctSvcrRef>{_text(one.channel_no)}</AcctSvcrRef>"
        f"<BkTxCd>{domain}<Prtry><Cd>{one.purpose}</Cd></Prtry></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{_text(one.order_no)}</EndToEndId></Refs>"
        f"{_amount(heading, one.amount_minor)}{party}{told}</TxDtls></NtryDtls></Ntry>"
    )


def read(data: bytes, heading: Heading) -> StatementDay:
    """The message as a day, held against its own balances and summary."""
    if b"<!DOCTYPE" in data:
        raise MalformedStatement("a statement has no document type")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise MalformedStatement(f"this is no XML: {error}") from None
    expect("the root", f"{{{NAMESPACE}}}Document", root.tag)
    statement = _Node(root).one("BkToCstmrStmt/Stmt")
    expect("the account", heading.account, statement.text("Acct/Id/Othr/Id"))
    expect("the currency", heading.currency, statement.text("Acct/Ccy"))
    balances = {one.text("Tp/CdOrPrtry/Cd"): one for one in statement.all("Bal")}
    if set(balances) != {"OPBD", "CLBD"}:
        raise MalformedStatement(f"balances {sorted(balances)}, not CLBD and OPBD")
    expect("the day", str(heading.day), balances["CLBD"].text("Dt/Dt"))
    movements = [_movement(heading, entry) for entry in statement.all("Ntry")]
    opening, closing = (_signed(heading, balances[code]) for code in ("OPBD", "CLBD"))
    expect("the closing balance", opening + total(movements), closing)
    for name, some in (("TtlCdtNtries", incoming(movements)), ("TtlDbtNtries", outgoing(movements))):
        expect(f"{name}/NbOfNtries", str(len(some)), statement.text(f"TxsSummry/{name}/NbOfNtries"))
    return read_day(heading, opening, movements)


class _Node:
    """An element of the message, asked by paths without the namespace."""

    def __init__(self, element: ElementTree.Element) -> None:
        self._element = element

    def all(self, path: str) -> list[_Node]:
        return [_Node(one) for one in self._element.findall(_in_namespace(path))]

    def one(self, path: str) -> _Node:
        found = self.all(path)
        expect(f"the number of {path}", 1, len(found))
        return found[0]

    def text(self, path: str) -> str:
        return self.one(path)._element.text or ""

    def maybe(self, path: str) -> str:
        return self.text(path) if self.all(path) else ""


@cache
def _in_namespace(path: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{part}" for part in path.split("/"))


def _signed(heading: Heading, node: _Node) -> int:
    amount = minor(node.text("Amt"), heading.currency)
    return -amount if node.text("CdtDbtInd") == "DBIT" else amount


def _movement(heading: Heading, entry: _Node) -> Movement:
    expect("the state of an entry", "BOOK", entry.text("Sts/Cd"))
    details = entry.one("NtryDtls/TxDtls")
    amount = _signed(heading, entry)
    at = datetime.fromisoformat(entry.text("BookgDt/DtTm"))
    if at.tzinfo is None:
        raise MalformedStatement(f"{at} has no offset")
    return Movement(
        order_no=details.text("Refs/EndToEndId"),
        channel_no=entry.text("AcctSvcrRef"),
        at_ms=(at - datetime.fromtimestamp(0, at.tzinfo)) // timedelta(milliseconds=1),
        amount_minor=amount,
        purpose=entry.text("BkTxCd/Prtry/Cd"),
        party=details.maybe("RltdPties/Dbtr/Pty/Nm" if amount > 0 else "RltdPties/Cdtr/Pty/Nm"),
        reference=details.maybe("RmtInf/Ustrd"),
    )


FORMAT = Format("camt053", "application/xml", "utf-8", "xml", tuple(WORDS), write, read)
