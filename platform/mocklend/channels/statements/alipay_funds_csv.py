"""Alipay's bill of fund movements (账务明细, bill type `signcustomer`): every movement, with the balance after it.

The table stands between lines that begin with #. Outgoing money has a minus sign, in a column of its own. GBK, as
the real bill: a character that GBK lacks becomes a question mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mocklend.channels.statements.alipay import body, chinese_stamp, fields_of, notes, tabbed
from mocklend.channels.statements.amounts import major, minor
from mocklend.channels.statements.day import (
    PURPOSES,
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
from mocklend.channels.statements.rows import bare, guarded, joined, parted

COLUMNS = (
    "账务流水号", "业务流水号", "商户订单号", "商品名称", "发生时间", "对方账号", "收入金额（+元）", "支出金额（-元）",
    "账户余额（元）", "交易渠道", "业务类型", "备注",
)  # fmt: skip
BEGINS = "#" + "-" * 41 + "账务明细列表" + "-" * 40
ENDS = "#" + "-" * 40 + "账务明细列表结束" + "-" * 37
"""Readers match these two lines exactly."""


def write(day: StatementDay) -> bytes:
    """The bill."""
    heading = day.heading
    rows = [
        ["#支付宝账务明细查询"],
        *notes(heading),
        [BEGINS],
        COLUMNS,
        *_rows(day),
        [ENDS],
        *_totals(heading, day.movements),
        [f"#导出时间：[{chinese_stamp(heading, heading.ready_ms)}]"],
    ]
    return joined(rows).encode("gbk", "replace")


def _rows(day: StatementDay) -> Iterator[list[str]]:
    heading, balance = day.heading, day.opening_minor or 0
    for number, movement in enumerate(day.movements, 1):
        balance += movement.amount_minor
        yield [
            tabbed(f"{heading.day:%Y%m%d}{number:08}"),
            tabbed(movement.channel_no),
            tabbed(movement.order_no),
            tabbed(WORDS[movement.purpose]),
            heading.stamp(movement.at_ms),
            tabbed(guarded(movement.party)),
            major(max(movement.amount_minor, 0), heading.currency),
            major(min(movement.amount_minor, 0), heading.currency),
            major(balance, heading.currency),
            heading.channel.name,
            WORDS[movement.purpose],
            guarded(movement.reference),
        ]


def _totals(heading: Heading, movements: Sequence[Movement]) -> list[list[str]]:
    money_in, money_out = incoming(movements), outgoing(movements)
    return [
        [f"#支出合计：{len(money_out)}笔，共{major(total(money_out), heading.currency)}元"],
        [f"#收入合计：{len(money_in)}笔，共{major(total(money_in), heading.currency)}元"],
    ]


def read(data: bytes, heading: Heading) -> StatementDay:
    """The day of a bill, checked against the bill's totals and balances. A day without a line has no balance."""
    rows = parted(data, "gbk")
    movements: list[Movement] = []
    opening: int | None = None
    balance = 0
    for row in body(rows, COLUMNS, heading):
        field = fields_of(COLUMNS, row)
        movement = _movement(heading, field)
        printed_minor = minor(field["账户余额（元）"], heading.currency)
        if opening is None:
            opening = balance = printed_minor - movement.amount_minor
        balance += movement.amount_minor
        expect(f"the balance after {movement.order_no}", balance, printed_minor)
        movements.append(movement)
    for line in _totals(heading, movements):
        expect("totals", True, line in rows)
    return read_day(heading, opening, movements)


def _movement(heading: Heading, field: dict[str, str]) -> Movement:
    purpose = PURPOSES.get(field["业务类型"])
    if purpose is None:
        raise MalformedStatement(f"unknown kind of movement {field['业务类型']!r}; known: {', '.join(PURPOSES)}")
    money_in, money_out = (
        minor(field["收入金额（+元）"], heading.currency),
        minor(field["支出金额（-元）"], heading.currency),
    )
    return Movement(
        order_no=field["商户订单号"],
        channel_no=field["业务流水号"],
        at_ms=heading.read_stamp(field["发生时间"]),
        amount_minor=money_in + money_out,
        purpose=purpose,
        party=bare(field["对方账号"]),
        reference=bare(field["备注"]),
    )


FORMAT = Format("alipay_funds_csv", "text/csv", "gbk", "csv", tuple(WORDS), write, read)
