"""ISO 20022 camt.053.001.08, a bank's end-of-day statement: one entry per movement between two balances that add up.

        OPBD + credits − debits = CLBD

All entries are booked (BOOK). XML cannot hold control characters, and names have at most 140 characters; everything
else is read back unchanged.
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
    """The text without characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)[:TEXT_MAX]


def _text(text: str) -> str:
    return printable(text).translate(_ESCAPES)


def write(day: StatementDay) -> bytes:
    """The message."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *_document(day), ""]).encode("utf-8")


def _document(day: StatementDay) -> Iterator[str]:
    heading = day.heading
    opening, closing = day.opening_minor or 0, day.closing_minor
    created, id = _moment(heading, heading.ready_ms), f"{heading.account}-{heading.day}"[:35]
    yield f'<Document xmlns="{NAMESPACE}">'
    yield "<BkToCstmrStmt>"
    yield f"<GrpHdr><MsgId>{id}</MsgId><CreDtTm>{created}</CreDtTm></GrpHdr>"
    yield f"<Stmt><Id>{id}</Id><CreDtTm>{created}</CreDtTm>"
    start, stop = _moment(heading, heading.from_ms), _moment(heading, heading.until_ms)
    yield f"<FrToDt><FrDtTm>{start}</FrDtTm><ToDtTm>{stop}</ToDtTm></FrToDt>"
    account = f"<Id><Othr><Id>{heading.account}</Id></Othr></Id><Ccy>{heading.currency}</Ccy>"
    yield f"<Acct>{account}<Svcr><FinInstnId><Nm>{_text(heading.channel.name)}</Nm></FinInstnId></Svcr></Acct>"
    yield _balance(heading, "OPBD", opening)
    yield _balance(heading, "CLBD", closing)
    yield _summary(day)
    for number, movement in enumerate(day.movements, 1):
        yield _entry(heading, number, movement)
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
    # The opening balance is dated the day before, as its closing balance.
    day = heading.day - timedelta(days=1) if code == "OPBD" else heading.day
    return f"<Bal>{kind}{_amount(heading, amount_minor)}<Dt><Dt>{day}</Dt></Dt></Bal>"


def _summary(day: StatementDay) -> str:
    currency = day.heading.currency
    parts = []
    for name, movements in (("TtlCdtNtries", incoming(day.movements)), ("TtlDbtNtries", outgoing(day.movements))):
        number, amount = len(movements), major(abs(total(movements)), currency)
        parts.append(f"<{name}><NbOfNtries>{number}</NbOfNtries><Sum>{amount}</Sum></{name}>")
    return f"<TxsSummry>{''.join(parts)}</TxsSummry>"


def _entry(heading: Heading, number: int, movement: Movement) -> str:
    is_credit = movement.amount_minor > 0
    family, sub = _FAMILY[is_credit]
    domain = f"<Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn>"
    side = "Dbtr" if is_credit else "Cdtr"
    party = (
        f"<RltdPties><{side}><Pty><Nm>{_text(movement.party)}</Nm></Pty></{side}></RltdPties>" if movement.party else ""
    )
    remittance = f"<RmtInf><Ustrd>{_text(movement.reference)}</Ustrd></RmtInf>" if movement.reference else ""
    value_day = heading.local(movement.at_ms).date()
    return (
        f"<Ntry><NtryRef>{number}</NtryRef>{_amount(heading, movement.amount_minor)}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><DtTm>{_moment(heading, movement.at_ms)}</DtTm></BookgDt><ValDt><Dt>{value_day}</Dt></ValDt>"
        f"<AcctSvcrRef>{_text(movement.channel_no)}</AcctSvcrRef>"
        f"<BkTxCd>{domain}<Prtry><Cd>{movement.purpose}</Cd></Prtry></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{_text(movement.order_no)}</EndToEndId></Refs>"
        f"{_amount(heading, movement.amount_minor)}{party}{remittance}</TxDtls></NtryDtls></Ntry>"
    )


def read(data: bytes, heading: Heading) -> StatementDay:
    """The day of a message, checked against the message's balances and summary."""
    if b"<!DOCTYPE" in data:
        raise MalformedStatement("a statement has no document type")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise MalformedStatement(f"this is not XML: {error}") from None
    expect("the root", f"{{{NAMESPACE}}}Document", root.tag)
    statement = _Node(root).only("BkToCstmrStmt/Stmt")
    expect("the account", heading.account, statement.text("Acct/Id/Othr/Id"))
    expect("the currency", heading.currency, statement.text("Acct/Ccy"))
    balances = {balance.text("Tp/CdOrPrtry/Cd"): balance for balance in statement.all("Bal")}
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
    """An element of the message, with queries by paths without the namespace."""

    def __init__(self, element: ElementTree.Element) -> None:
        self._element = element

    def all(self, path: str) -> list[_Node]:
        return [_Node(element) for element in self._element.findall(_in_namespace(path))]

    def only(self, path: str) -> _Node:
        nodes = self.all(path)
        expect(f"the number of {path}", 1, len(nodes))
        return nodes[0]

    def text(self, path: str) -> str:
        return self.only(path)._element.text or ""

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
    details = entry.only("NtryDtls/TxDtls")
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
