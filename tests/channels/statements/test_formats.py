"""Every format is read back: by our own reader to the same day, and by readers with no code in common with ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings

from mocklend.channels.statements import wechat_csv
from mocklend.channels.statements.day import (
    Heading,
    MalformedStatement,
    StatementDay,
)
from mocklend.channels.statements.formats import FORMATS
from mocklend.domain.channel import channels
from support.statement_days import DAY, as_held, busy_days, cells, one_of_each

EXAMPLES = 60


@pytest.mark.parametrize("id", sorted(FORMATS))
@settings(max_examples=EXAMPLES)
@given(day=busy_days())
@example(day=one_of_each())
@example(day=StatementDay(Heading(channels()["wallet"], DAY, "CNY", "Asia/Shanghai"), 0, ()))
def test_a_written_statement_is_read_back_unchanged(id: str, day: StatementDay) -> None:
    data = FORMATS[id].write(day)

    assert FORMATS[id].read(data, day.heading) == as_held(id, day)
    assert FORMATS[id].write(day) == data


def test_a_wechat_bill_has_a_byte_order_mark_backticks_and_two_lines_of_totals() -> None:
    data = FORMATS["wechat_csv"].write(one_of_each())
    lines = data.decode("utf-8-sig").split("\r\n")

    assert data.count(b"\xef\xbb\xbf") == 1

    assert lines[0].startswith("交易时间,公众账号ID,商户号,")
    assert lines[1].startswith("`2026-01-05 10:00:00,`mocklend,`wallet-CNY,`0,`,`CH1,`ML1,`Ada,`JSAPI,`SUCCESS,")
    assert ",`May， ”first”,`0.00000,`0.00%,`95.00," in lines[1]
    assert "`REFUND" in lines[2]
    assert lines[3].startswith("总交易单数,应结订单总金额,")
    assert lines[4:] == ["`2,`95.00,`5.00,`0.00,`0.00000,`95.00,`5.00", ""]


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
            texts = [cell for row in cells(FORMATS[id].write(day).decode(FORMATS[id].charset)) for cell in row]
            assert any("HYPERLINK" in cell for cell in texts)
            assert not any(cell.startswith(("=", "@")) for cell in texts), id


@settings(max_examples=EXAMPLES)
@given(day=busy_days())
def test_a_camt_message_keeps_the_limits_of_its_schema(day: StatementDay) -> None:
    """Texts of 35 and 140 signs that are not empty, a declaration as the very first bytes, nothing that XML forbids."""
    data = FORMATS["camt053"].write(day)
    root = ElementTree.fromstring(data)

    assert data.startswith(b"<?xml ")
    for element in root.iter():
        most = {"Nm": 140, "Ustrd": 140, "MsgId": 35, "EndToEndId": 35, "AcctSvcrRef": 35, "NtryRef": 35}
        name = element.tag.rpartition("}")[2]
        assert len(element) or 1 <= len(element.text or "") <= most.get(name, 35), (name, element.text)


@pytest.mark.parametrize("id", sorted(FORMATS))
def test_a_truncated_file_is_detected(id: str) -> None:
    format, day = FORMATS[id], one_of_each()
    data = format.write(day)
    lines = data.splitlines(keepends=True)

    for n in range(len(lines) - 2):
        with pytest.raises(MalformedStatement):
            format.read(b"".join(lines[: n + 1]), day.heading)


@pytest.mark.parametrize("id", sorted(FORMATS))
def test_a_duplicated_line_is_detected(id: str) -> None:
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
def test_a_file_that_is_not_a_statement_is_refused(id: str, data: bytes) -> None:
    with pytest.raises(MalformedStatement):
        FORMATS[id].read(data, one_of_each().heading)


def test_a_wechat_bill_without_its_byte_order_mark_is_read() -> None:
    day = one_of_each()

    assert wechat_csv.read(wechat_csv.write(day).removeprefix(b"\xef\xbb\xbf"), day.heading) == as_held(
        "wechat_csv", day
    )


def test_a_personal_file_lists_closed_orders_that_moved_nothing() -> None:
    format, day = FORMATS["alipay_personal_csv"], one_of_each()
    text = format.write(day).decode("gbk")
    closed = "2026-01-05 11:00:00,贷款还款,Ada,/,,不计收支,95.00,余额,交易关闭,CH9\t,ML9\t,,\r\n"
    waiting = "2026-01-05 11:00:00,贷款还款,Ada,/,,支出,95.00,余额,等待确认收货,CH8\t,ML8\t,,\r\n"

    data = (text.replace("共4笔记录", "共6笔记录") + closed + waiting).encode("gbk")

    assert format.read(data, day.heading) == as_held("alipay_personal_csv", day)
