"""Every format, read again: by our own reader to the same day, and by readers that share no line with ours."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mocklend.channels.channel import channels
from mocklend.channels.statements import wechat_csv
from mocklend.channels.statements.camt053 import printable
from mocklend.channels.statements.day import (
    COMPENSATION,
    DISBURSEMENT,
    REFUND,
    REPAYMENT,
    WORDS,
    Heading,
    MalformedStatement,
    Movement,
    StatementDay,
)
from mocklend.channels.statements.formats import FORMATS

DAY = date(2026, 1, 5)
SHANGHAI = timezone(timedelta(hours=8))
EXAMPLES = 60


def gbk(text: str) -> str:
    """What is left of a text in GBK."""
    return text.encode("gbk", "replace").decode("gbk")


HOLDS: dict[str, Callable[[str], str]] = {
    "wechat_csv": str,
    "alipay_trade_csv": gbk,
    "alipay_funds_csv": gbk,
    "alipay_personal_csv": gbk,
    "camt053": printable,
}
"""What a format can hold of a text."""
BALANCED = ("alipay_funds_csv", "camt053")

NASTY = [
    "", "Ada", "a,b", 'say "x"', "`tick`,`tock", "line\nbreak", "carriage\rreturn\r\nboth", "=1+1", "+1", "-1", "@SUM(A1)",
    "\ttab", "#账号：[wallet-CNY]", "共0笔记录", "  two blanks  ", "还款 张三，三月", "诶`|字", "<Ntry>&amp;]]>", "🙂", "\x07bell",
    "'quote", "交易成功", ",", '"', "\n", "a\tb\t", "\ufeff", "x" * 128,
]  # fmt: skip
TEXTS = st.sampled_from(NASTY) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@st.composite
def busy_days(draw: st.DrawFn) -> StatementDay:
    """A day at some channel: in and out, with its first and last second more often than chance has them."""
    heading = Heading(draw(st.sampled_from(list(channels().values()))), DAY, "CNY", "Asia/Shanghai")
    seconds = (heading.until_ms - heading.from_ms) // 1000
    moments = st.sampled_from([0, 1, seconds - 1]) | st.integers(0, seconds - 1)
    moved = st.tuples(moments, st.sampled_from(sorted(WORDS)), st.integers(1, 10**15), TEXTS, TEXTS)
    movements = [
        Movement(
            order_no=f"{'ML' if purpose == REPAYMENT else 'out_'}{number:020}",
            channel_no=f"CH{number:020}",
            at_ms=heading.from_ms + at * 1000,
            amount_minor=amount if purpose == REPAYMENT else -amount,
            purpose=purpose,
            party=party,
            reference=reference,
            ordered_ms=heading.from_ms,
        )
        for number, (at, purpose, amount, party, reference) in enumerate(sorted(draw(st.lists(moved, max_size=12))))
    ]
    return StatementDay(heading, draw(st.integers(-(10**15), 10**15)), tuple(movements))


def one_of_each(channel: str = "wallet") -> StatementDay:
    """Ada repays 95.00 with a note, and has 5.00 back; Ben is paid out 1,000.00."""
    heading = Heading(channels()[channel], DAY, "CNY", "Asia/Shanghai")
    ten = heading.from_ms + 36_000_000
    return StatementDay(
        heading,
        20_000,
        (
            Movement("ML1", "CH1", ten, 9_500, REPAYMENT, "Ada", 'May, "first"', ten - 2_000),
            Movement("out_1", "CH2", ten + 1_000, -500, REFUND, "Ada", "loan_ada", ten),
            Movement("out_2", "CH3", ten + 2_000, -100_000, DISBURSEMENT, "", "loan_ben", ten),
            Movement("out_3", "CH4", ten + 3_000, -1, COMPENSATION, "", "loan_ada", ten),
        ),
    )


def held(id: str, day: StatementDay) -> StatementDay:
    """The day as a format can hold it."""
    hold = HOLDS[id]
    movements = tuple(
        replace(one, party=hold(one.party), reference=hold(one.reference)) for one in day.of(FORMATS[id].carries)
    )
    opening = day.opening_minor if id == "camt053" or (id in BALANCED and movements) else None
    return StatementDay(day.heading, opening, movements)


@pytest.mark.parametrize("id", sorted(FORMATS))
@settings(max_examples=EXAMPLES)
@given(day=busy_days())
@example(day=one_of_each())
@example(day=StatementDay(Heading(channels()["wallet"], DAY, "CNY", "Asia/Shanghai"), 0, ()))
def test_a_busy_day_is_read_again_as_it_was(id: str, day: StatementDay) -> None:
    data = FORMATS[id].write(day)

    assert FORMATS[id].read(data, day.heading) == held(id, day)
    assert FORMATS[id].write(day) == data


# --- readers that are not ours ---

Line = tuple[str, str, datetime, Decimal, str, str]
"""Order number, channel number, moment, signed amount, party, reference."""


def cells(text: str) -> list[list[str]]:
    """CSV as RFC 4180 has it, read sign by sign."""
    rows: list[list[str]] = [[]]
    field, quoted, at = "", False, 0
    while at < len(text):
        sign = text[at]
        at += 1
        if quoted:
            if sign == '"' and text[at : at + 1] == '"':
                field += '"'
                at += 1
            elif sign == '"':
                quoted = False
            else:
                field += sign
        elif sign == '"' and not field:
            quoted = True
        elif sign == ",":
            rows[-1].append(field)
            field = ""
        elif sign == "\r" and text[at : at + 1] == "\n":
            at += 1
            rows[-1].append(field)
            rows.append([])
            field = ""
        else:
            assert sign not in '\r\n"', "a line end or quote outside quotes"
            field += sign
    assert not quoted
    assert rows[-1] == []
    assert field == ""
    return rows[:-1]


def when(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)


def plain(text: str) -> str:
    return text[1:] if text.startswith("\t") else text


def wechat_lines(data: bytes) -> Iterator[Line]:
    rows = cells(data.decode())
    assert len(rows[0]) == 27
    assert rows[-2][0] == "总交易单数"
    totals = [cell[1:] for cell in rows[-1]]
    lines = [[cell[1:] for cell in row if cell[0] == "`"] for row in rows[1:-2]]
    assert int(totals[0]) == len(lines)
    assert Decimal(totals[1]) == sum(Decimal(line[12]) for line in lines)
    assert Decimal(totals[2]) == sum(Decimal(line[16]) for line in lines)
    for line in lines:
        assert len(line) == 27
        back = Decimal(line[16])
        order, number = (line[15], line[14]) if back else (line[6], line[5])
        yield order, number, when(line[0]), Decimal(line[12]) - back, line[7], line[21]


def alipay_table(data: bytes, columns: int) -> list[list[str]]:
    rows = cells(data.decode("gbk"))
    rulers = [n for n, row in enumerate(rows) if row[0].startswith("#---")]
    assert len(rulers) == 2
    table = rows[rulers[0] + 1 : rulers[1]]
    assert {len(row) for row in table} == {columns}
    return table[1:]


def alipay_trade_lines(data: bytes) -> Iterator[Line]:
    for line in alipay_table(data, 25):
        order = line[21] or line[1].rstrip("\t")
        yield order, line[0].rstrip("\t"), when(line[5]), Decimal(line[12]), plain(line[10]), plain(line[24])


def alipay_funds_lines(data: bytes) -> Iterator[Line]:
    for line in alipay_table(data, 12):
        amount = Decimal(line[6]) + Decimal(line[7])
        assert Decimal(line[6]) >= 0 >= Decimal(line[7])
        yield line[2].rstrip("\t"), line[1].rstrip("\t"), when(line[4]), amount, plain(line[5]), plain(line[11])


def alipay_personal_lines(data: bytes) -> Iterator[Line]:
    rows = cells(data.decode("gbk"))
    at = next(n for n, row in enumerate(rows) if row[0] == "交易时间")
    for line in rows[at + 1 :]:
        assert len(line) == 13
        assert line[8] in ("交易成功", "退款成功")
        amount = {"收入": 1, "支出": -1}[line[5]] * Decimal(line[6])
        yield line[10].rstrip("\t"), line[9].rstrip("\t"), when(line[0]), amount, plain(line[2]), plain(line[4])


def camt_lines(data: bytes) -> Iterator[Line]:
    """By pycamt, a published reader of camt messages."""
    if not os.environ.get("CI"):
        pytest.importorskip("pycamt", reason="pycamt is in the dev group; the next set-up installs it")
    message = importlib.import_module("pycamt.parser").Camt053Parser(data)
    assert message.version == "camt.053.001.08"
    for one in message.get_transactions():
        amount = Decimal(one["Amount"]) * (1 if one["CreditDebitIndicator"] == "CRDT" else -1)
        at = datetime.fromisoformat(one["BookingDate"])
        assert one["Status"] == "BOOK"
        assert at.utcoffset() == timedelta(hours=8)
        party = one.get("DebtorName" if amount > 0 else "CreditorName", "")
        told = one.get("RemittanceInformation", "")
        yield one["EndToEndId"], one["TransactionID"], at, amount, party, told


OTHERS: dict[str, Callable[[bytes], Iterator[Line]]] = {
    "wechat_csv": wechat_lines,
    "alipay_trade_csv": alipay_trade_lines,
    "alipay_funds_csv": alipay_funds_lines,
    "alipay_personal_csv": alipay_personal_lines,
    "camt053": camt_lines,
}


def as_line(one: Movement) -> Line:
    at = datetime.fromtimestamp(one.at_ms // 1000, SHANGHAI)
    return one.order_no, one.channel_no, at, Decimal(one.amount_minor).scaleb(-2), one.party, one.reference


@pytest.mark.parametrize("id", sorted(FORMATS))
@settings(max_examples=EXAMPLES)
@given(day=busy_days())
@example(day=one_of_each())
def test_a_reader_that_is_not_ours_finds_the_same_movements(id: str, day: StatementDay) -> None:
    data = FORMATS[id].write(day)

    assert list(OTHERS[id](data)) == [as_line(one) for one in held(id, day).movements]


@settings(max_examples=EXAMPLES)
@given(day=busy_days())
def test_a_camt_statement_adds_up_for_a_reader_that_is_not_ours(day: StatementDay) -> None:
    data = FORMATS["camt053"].write(day)

    moved = sum(line[3] for line in camt_lines(data))
    [said] = importlib.import_module("pycamt.parser").Camt053Parser(data).get_statement_info()
    assert Decimal(said["OpeningBalance"]) + moved == Decimal(said["ClosingBalance"])
    assert Decimal(said["OpeningBalance"]) == Decimal(day.opening_minor or 0).scaleb(-2)
    assert (said["Currency"], said["ClosingBalanceDate"]) == ("CNY", "2026-01-05")


# --- what they look like ---


def test_a_wechat_bill_has_backticks_and_two_lines_of_totals() -> None:
    lines = FORMATS["wechat_csv"].write(one_of_each()).decode().split("\r\n")

    assert lines[0].startswith("交易时间,公众账号ID,商户号,")
    assert lines[1].startswith("`2026-01-05 10:00:00,`mocklend,`wallet-CNY,`0,`,`CH1,`ML1,`Ada,`JSAPI,`SUCCESS,")
    assert ',"`May, ""first""",' in lines[1]
    assert "`REFUND" in lines[2]
    assert lines[3].startswith("总交易单数,应结订单总金额,")
    assert lines[4:] == ["`2,`95.00,`5.00,`0.00,`0.00,`95.00,`5.00", ""]


def test_an_alipay_bill_of_funds_carries_the_balance_after_each_line() -> None:
    text = FORMATS["alipay_funds_csv"].write(one_of_each()).decode("gbk")

    assert "#账号：[wallet-CNY]" in text
    assert "#起始日期：[2026年01月05日 00:00:00]   终止日期：[2026年01月06日 00:00:00]" in text
    assert [line.split(",")[8] for line in text.split("\r\n") if line.startswith("2026010")] == [
        "295.00", "290.00", "-710.00", "-710.01",
    ]  # fmt: skip
    assert "#支出合计：3笔，共-1005.01元" in text
    assert "#收入合计：1笔，共95.00元" in text


def test_a_personal_file_warns_that_its_totals_may_differ() -> None:
    text = FORMATS["alipay_personal_csv"].write(one_of_each()).decode("gbk")

    assert "汇总金额可能与逐笔金额之和不一致" in text
    assert "交易成功" in text
    assert "退款成功" in text


def test_a_camt_statement_names_the_order_as_end_to_end_id() -> None:
    text = FORMATS["camt053"].write(one_of_each("bank_transfer")).decode()

    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    assert "<FrDtTm>2026-01-04T23:00:00+08:00</FrDtTm><ToDtTm>2026-01-05T23:00:00+08:00</ToDtTm>" in text
    assert "<EndToEndId>ML1</EndToEndId>" in text
    assert '<Ustrd>May, "first"</Ustrd>' in text


def test_no_field_that_a_payer_fills_begins_like_a_formula() -> None:
    day = one_of_each()
    day = replace(day, movements=(replace(day.movements[0], party="@SUM(A1)", reference="=HYPERLINK(1)"),))

    for id in sorted(FORMATS):
        if FORMATS[id].media_type == "text/csv":
            found = [cell for row in cells(FORMATS[id].write(day).decode(FORMATS[id].charset)) for cell in row]
            assert any("HYPERLINK" in cell for cell in found)
            assert not any(cell.startswith(("=", "@")) for cell in found), id


# --- what is not the statement ---


@pytest.mark.parametrize("id", sorted(FORMATS))
def test_a_file_that_was_cut_short_is_noticed(id: str) -> None:
    format, day = FORMATS[id], one_of_each()
    data = format.write(day)
    lines = data.splitlines(keepends=True)

    for n in range(len(lines) - 2):
        with pytest.raises(MalformedStatement):
            format.read(b"".join(lines[: n + 1]), day.heading)


@pytest.mark.parametrize("id", sorted(FORMATS))
def test_a_line_that_stands_twice_is_noticed(id: str) -> None:
    format, day = FORMATS[id], one_of_each()
    lines = format.write(day).splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b"ML1" in line)

    with pytest.raises(MalformedStatement):
        format.read(b"".join([*lines[:at], lines[at], *lines[at:]]), day.heading)


@pytest.mark.parametrize("id", sorted(FORMATS))
def test_the_statement_of_another_day_or_account_is_refused(id: str) -> None:
    format, day = FORMATS[id], one_of_each()
    data = format.write(day)

    for other in (
        replace(day.heading, day=date(2026, 1, 6)),
        replace(day.heading, channel=channels()["bank_card"]),
        replace(day.heading, currency="EUR"),
    ):
        with pytest.raises(MalformedStatement):
            format.read(data, other)


@pytest.mark.parametrize("id", sorted(FORMATS))
@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"<html></html>", b'"', b"a,b\r\n", b"<!DOCTYPE x []><x/>"])
def test_what_is_no_statement_at_all_is_refused(id: str, data: bytes) -> None:
    with pytest.raises(MalformedStatement):
        FORMATS[id].read(data, one_of_each().heading)


def test_a_wechat_bill_with_a_byte_order_mark_is_read_all_the_same() -> None:
    day = one_of_each()

    assert wechat_csv.read(b"\xef\xbb\xbf" + wechat_csv.write(day), day.heading) == held("wechat_csv", day)


def test_a_personal_file_lists_closed_orders_that_moved_nothing() -> None:
    format, day = FORMATS["alipay_personal_csv"], one_of_each()
    text = format.write(day).decode("gbk")
    closed = "2026-01-05 11:00:00,贷款还款,Ada,/,,不计收支,95.00,余额,交易关闭,CH9\t,ML9\t,,\r\n"
    waiting = "2026-01-05 11:00:00,贷款还款,Ada,/,,支出,95.00,余额,等待确认收货,CH8\t,ML8\t,,\r\n"

    data = (text.replace("共4笔记录", "共6笔记录") + closed + waiting).encode("gbk")

    assert format.read(data, day.heading) == held("alipay_personal_csv", day)
