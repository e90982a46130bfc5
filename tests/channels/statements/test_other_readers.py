"""Every format, read with no code in common with ours: by readers of a few lines, and as known programs read it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import example, given, settings

from mocklend.channels.statements.day import (
    Movement,
    StatementDay,
)
from mocklend.channels.statements.formats import FORMATS
from support.statement_days import DAY, as_held, busy_days, cells, one_of_each

EXAMPLES = 60


SHANGHAI = timezone(timedelta(hours=8))


RawClient = tuple[str, str, datetime, Decimal, str, str]
"""Order number, channel number, moment, signed amount, party, reference."""


def when(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)


def plain(text: str) -> str:
    return text[1:] if text.startswith("\t") else text


def wechat_lines(data: bytes) -> Iterator[RawClient]:
    assert data.startswith(b"\xef\xbb\xbf")
    rows = cells(data.decode("utf-8-sig"))
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


def alipay_trade_lines(data: bytes) -> Iterator[RawClient]:
    for line in alipay_table(data, 25):
        assert line[2] == ("交易\t" if Decimal(line[12]) > 0 else "退款\t")
        order = line[21].rstrip("\t") or line[1].rstrip("\t")
        party = plain(line[10].removesuffix("\t"))
        yield order, line[0].rstrip("\t"), when(line[5]), Decimal(line[12]), party, plain(line[24])


def alipay_funds_lines(data: bytes) -> Iterator[RawClient]:
    for line in alipay_table(data, 12):
        amount = Decimal(line[6]) + Decimal(line[7])
        assert Decimal(line[6]) >= 0 >= Decimal(line[7])
        party = plain(line[5].removesuffix("\t"))
        yield line[2].rstrip("\t"), line[1].rstrip("\t"), when(line[4]), amount, party, plain(line[11])


def alipay_personal_lines(data: bytes) -> Iterator[RawClient]:
    rows = cells(data.decode("gbk"))
    at = next(n for n, row in enumerate(rows) if row[0] == "交易时间")
    for line in reversed(rows[at + 1 :]):
        assert len(line) == 13
        assert line[8] == "交易成功"
        amount = {"收入": 1, "支出": -1}[line[5]] * Decimal(line[6])
        yield line[10].rstrip("\t"), line[9].rstrip("\t"), when(line[0]), amount, plain(line[2]), plain(line[4])


def camt_lines(data: bytes) -> Iterator[RawClient]:
    """By pycamt, a published reader of camt messages."""
    if not os.environ.get("CI"):
        pytest.importorskip("pycamt", reason="pycamt is in the dev group; the next set-up installs it")
    message = importlib.import_module("pycamt.parser").Camt053Parser(data)
    assert message.version == "camt.053.001.08"
    for transaction in message.get_transactions():
        amount = Decimal(transaction["Amount"]) * (1 if transaction["CreditDebitIndicator"] == "CRDT" else -1)
        at = datetime.fromisoformat(transaction["BookingDate"])
        assert transaction["Status"] == "BOOK"
        assert at.utcoffset() == timedelta(hours=8)
        party = transaction.get("DebtorName" if amount > 0 else "CreditorName", "")
        remittance = transaction.get("RemittanceInformation", "")
        yield transaction["EndToEndId"], transaction["TransactionID"], at, amount, party, remittance


OTHERS: dict[str, Callable[[bytes], Iterator[RawClient]]] = {
    "wechat_csv": wechat_lines,
    "alipay_trade_csv": alipay_trade_lines,
    "alipay_funds_csv": alipay_funds_lines,
    "alipay_personal_csv": alipay_personal_lines,
    "camt053": camt_lines,
}


def as_line(first: Movement) -> RawClient:
    at = datetime.fromtimestamp(first.at_ms // 1000, SHANGHAI)
    return first.order_no, first.channel_no, at, Decimal(first.amount_minor).scaleb(-2), first.party, first.reference


@pytest.mark.parametrize("id", sorted(FORMATS))
@settings(max_examples=EXAMPLES)
@given(day=busy_days())
@example(day=one_of_each())
def test_a_reader_that_is_not_ours_finds_the_same_movements(id: str, day: StatementDay) -> None:
    data = FORMATS[id].write(day)

    assert list(OTHERS[id](data)) == [as_line(movement) for movement in as_held(id, day).movements]


@settings(max_examples=EXAMPLES)
@given(day=busy_days())
def test_a_camt_statement_adds_up_for_a_reader_that_is_not_ours(day: StatementDay) -> None:
    data = FORMATS["camt053"].write(day)

    moved = sum(line[3] for line in camt_lines(data))
    [statement] = importlib.import_module("pycamt.parser").Camt053Parser(data).get_statement_info()
    assert Decimal(statement["OpeningBalance"]) + moved == Decimal(statement["ClosingBalance"])
    assert Decimal(statement["OpeningBalance"]) == Decimal(day.opening_minor or 0).scaleb(-2)
    assert (statement["Currency"], statement["ClosingBalanceDate"]) == ("CNY", "2026-01-05")


#
# Facts from their sources and from files of theirs, told again in our words. CSV is read by a library in some, and by
# its line ends, commas and backticks in most.
CSV_FORMATS = sorted(id for id in FORMATS if FORMATS[id].media_type == "text/csv")


def filled_lines(data: bytes) -> list[str]:
    """The lines that are not empty, as a reader without support for quotes finds them."""
    return [line for line in data.decode("gb18030").splitlines() if line.strip()]


@pytest.mark.parametrize("id", CSV_FORMATS)
@settings(max_examples=EXAMPLES)
@given(day=busy_days())
def test_a_file_is_parted_at_its_line_ends_and_commas_without_knowing_of_quotes(id: str, day: StatementDay) -> None:
    text = FORMATS[id].write(day).decode(FORMATS[id].charset)

    lines = text.split("\r\n")
    assert lines[-1] == ""
    assert "\n" not in text.replace("\r\n", "")
    assert [line for line in text.splitlines() if line] == [line for line in lines if line]
    assert '"' not in text
    split = [line.split(",") for line in lines if line]
    assert split == cells(text.replace("\r\n\r\n", "\r\n"))
    columns = next(row for row in split if len(row) > 1)
    numbers = {movement.order_no for movement in day.of(FORMATS[id].carries)}
    table = [row for row in split if any(cell.strip("\t`") in numbers for cell in row)]
    assert len(table) == len(numbers)
    assert {len(row) for row in table} <= {len(columns)}


def test_a_byte_order_mark_stands_where_the_real_file_has_one() -> None:
    """A WeChat bill that is published with its SHA-1 has that sum with a mark and CR LF, and not without."""
    marked = {id for id in FORMATS if FORMATS[id].write(one_of_each()).startswith(b"\xef\xbb\xbf")}

    assert marked == {"wechat_csv"}


@settings(max_examples=EXAMPLES)
@given(day=busy_days())
def test_ezbookkeeping_finds_the_outside_of_a_personal_file(day: StatementDay) -> None:
    """A first field that begins with 84 dashes, later one that holds the receipt's name; then columns, then rows."""
    rows = [line.split(",") for line in filled_lines(FORMATS["alipay_personal_csv"].write(day))]

    begins = next(n for n, row in enumerate(rows) if row[0].startswith("-" * 84))
    receipt = next(n for n, row in enumerate(rows) if "支付宝（中国）网络技术有限公司  电子客户回单" in row[0])
    columns, *lines = rows[receipt + 1 :]
    assert begins < receipt
    assert {"交易时间", "金额", "收/支", "交易状态"} <= set(columns)
    assert all(len(line) >= len(columns) for line in lines)
    as_dicts = [dict(zip(columns, line, strict=True)) for line in lines]
    assert {(item["收/支"], item["交易状态"]) for item in as_dicts} <= {("收入", "交易成功"), ("支出", "交易成功")}
    amounts = [Decimal(item["金额"]) * {"收入": 1, "支出": -1}[item["收/支"]] for item in as_dicts]
    assert amounts[::-1] == [Decimal(movement.amount_minor).scaleb(-2) for movement in day.movements]


@settings(max_examples=EXAMPLES)
@given(day=busy_days())
def test_double_entry_generator_skips_23_lines_of_a_personal_file_and_reads_the_rest(day: StatementDay) -> None:
    """It counts lines that are not empty, and refuses a file whose first one names the payment firm (an older form)."""
    lines = filled_lines(FORMATS["alipay_personal_csv"].write(day))

    assert "支付宝" not in lines[0]
    assert lines[22].startswith("交易时间,交易分类,交易对方,对方账号,商品说明,收/支,金额,")
    assert len(lines) == 23 + len(day.movements)
    for line in lines[23:]:
        row = [cell.strip(" ").strip("\t") for cell in line.split(",")]
        assert row[5] in ("收入", "支出")
        assert when(row[0]).date() in (DAY, DAY - timedelta(days=1))
        assert float(row[6]) > 0
        assert row[9].startswith("CH")


def test_beancount_daoru_finds_the_columns_account_and_last_day_at_their_places() -> None:
    """Release 0.3.1: row 24 of the file, empty ones counted, and the day on which the file's time ends."""
    text = FORMATS["alipay_personal_csv"].write(one_of_each()).decode("gbk")
    rows = text.split("\r\n")

    assert rows[23].split(",")[:2] == ["交易时间", "交易分类"]
    assert "支付宝账户：wallet-CNY" in rows[:23]
    assert "起始时间：[2026-01-05 00:00:00]    终止时间：[2026-01-05 23:59:59]" in rows[:23]


def test_a_personal_file_of_a_bank_ends_with_the_last_second_before_its_cut_off() -> None:
    text = FORMATS["alipay_personal_csv"].write(one_of_each("bank_transfer")).decode("gbk")

    assert "起始时间：[2026-01-04 23:00:00]    终止时间：[2026-01-05 22:59:59]" in text


def test_a_refund_is_an_expense_in_a_personal_file() -> None:
    """`退款成功` is what readers take for money that came back to the account's owner."""
    lines = filled_lines(FORMATS["alipay_personal_csv"].write(one_of_each()))
    [refund] = [line.split(",") for line in lines if ",out_1\t," in line]

    assert (refund[1], refund[5], refund[6], refund[8]) == ("退款", "支出", "5.00", "交易成功")


@settings(max_examples=EXAMPLES)
@given(day=busy_days())
def test_wxjava_parts_a_wechat_bill_at_its_backticks(day: StatementDay) -> None:
    """It makes blanks of commas, parts the text at backticks, and counts on 27 fields for each line."""
    text = FORMATS["wechat_csv"].write(day).decode("utf-8-sig")
    table, totals = text[: text.rindex("总交易单数")], text[text.rindex("总交易单数") :]

    names, *fields = table.replace(",", " ").split("`")
    assert len(names.split()) == 27
    lines = [[field.strip() for field in fields[n : n + 27]] for n in range(0, len(fields), 27)]
    assert [line[6] or line[15] for line in lines] == [
        movement.order_no for movement in day.of(FORMATS["wechat_csv"].carries)
    ]
    assert [line[9] for line in lines] == ["REFUND" if Decimal(line[16]) else "SUCCESS" for line in lines]
    assert {line[22] for line in lines} <= {"0.00000"}
    assert totals.replace(",", " ").split("`")[1].strip() == str(len(lines))


@pytest.mark.parametrize(
    ("id", "begins", "ends", "totals"),
    [
        (
            "alipay_trade_csv",
            "#-----------------------------------------业务明细列表----------------------------------------",
            "#-----------------------------------------业务明细列表结束------------------------------------",
            [
                "#交易合计：1笔，商家实收共95.00元，商家优惠共0.00元",
                "#退款合计：1笔，商家实收退款共-5.00元，商家优惠退款共0.00元",
            ],
        ),
        (
            "alipay_funds_csv",
            "#-----------------------------------------账务明细列表----------------------------------------",
            "#----------------------------------------账务明细列表结束-------------------------------------",
            ["#支出合计：3笔，共-1005.01元", "#收入合计：1笔，共95.00元"],
        ),
    ],
)
def test_readers_of_a_business_bill_look_for_its_lines_sign_by_sign(
    id: str, begins: str, ends: str, totals: list[str]
) -> None:
    """Line 4 begins the table, line 5 is its columns; the account stands in brackets in line 2."""
    lines = FORMATS[id].write(one_of_each()).decode("gbk").split("\r\n")

    assert lines[3] == begins
    assert lines[1][lines[1].index("[") + 1 : lines[1].index("]")] == "wallet-CNY"
    end = lines.index(ends)
    assert lines[end + 1 : end + 3] == totals
    assert lines[end + 3].startswith("#导出时间：[2026年01月06日 09:00:00]")
    assert lines[4].split(",")[:2] == {"t": ["支付宝交易号", "商户订单号"], "f": ["账务流水号", "业务流水号"]}[id[7]]


def test_texts_and_numbers_of_a_business_bill_end_in_a_tab() -> None:
    def tabbed(id: str) -> set[str]:
        lines = FORMATS[id].write(one_of_each()).decode("gbk").split("\r\n")
        columns, first = lines[4].split(","), lines[5].split(",")
        return {name for name, cell in zip(columns, first, strict=True) if cell.endswith("\t")}

    assert tabbed("alipay_funds_csv") == {"账务流水号", "业务流水号", "商户订单号", "商品名称", "对方账号"}
    assert tabbed("alipay_trade_csv") == {
        "支付宝交易号", "商户订单号", "业务类型", "门店编号", "门店名称", "操作员", "终端号", "对方账户",
        "商家红包消费金额（元）", "退款批次号/请求号",
    }  # fmt: skip
