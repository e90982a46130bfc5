"""Alipay's CSV for individuals, as its app sends it: GBK, a preamble of fixed length, newest line first.

Bookkeeping programs detect the file by its form: a rule of 84 dashes first, and before the columns a line that calls it
an electronic receipt. Others count 22 lines with content, 23 with the empty one. This file has both.

Its preamble warns that its totals may differ from the sum of its lines, so this reader ignores them. Only lines that
count as income or expense and have succeeded moved money. `退款成功` marks money that comes back to the account's
owner, and readers treat it so; money that the account pays out is an expense.
"""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.channels.statements.alipay import fields_of, tabbed
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
    "交易时间", "交易分类", "交易对方", "对方账号", "商品说明", "收/支", "金额", "收/付款方式", "交易状态",
    "交易订单号", "商家订单号", "备注", "",
)  # fmt: skip
"""Each line ends in a comma, so there is a thirteenth column with no name."""
SUCCEEDED, REFUNDED = "交易成功", "退款成功"
IN, OUT, NEITHER = "收入", "支出", "不计收支"
RULE = "-" * 84
RECEIPT = "-" * 24 + "支付宝（中国）网络技术有限公司  电子客户回单" + "-" * 24


def write(day: StatementDay) -> bytes:
    """The file."""
    table = (_row(day.heading, movement) for movement in reversed(day.movements))
    return joined([*_preamble(day), COLUMNS, *table]).encode("gbk", "replace")


def _period(heading: Heading) -> str:
    """The period of the file, with its last second."""
    start, stop = heading.stamp(heading.from_ms), heading.stamp(heading.until_ms - 1000)
    return f"起始时间：[{start}]    终止时间：[{stop}]"


def _preamble(day: StatementDay) -> Iterator[list[str]]:
    heading = day.heading
    money_in, money_out = incoming(day.movements), outgoing(day.movements)
    yield [RULE]
    yield ["导出信息："]
    yield ["姓名：mocklend"]
    yield [f"支付宝账户：{heading.account}"]
    yield [_period(heading)]
    yield ["导出交易类型：[全部]"]
    yield [f"导出时间：[{heading.stamp(heading.ready_ms)}]"]
    yield [f"共{len(day.movements)}笔记录"]
    yield [f"{IN}：{len(money_in)}笔 {major(total(money_in), heading.currency)}元"]
    yield [f"{OUT}：{len(money_out)}笔 {major(-total(money_out), heading.currency)}元"]
    yield [f"{NEITHER}：0笔 {major(0, heading.currency)}元"]
    yield []
    yield ["特别提示："]
    yield ["1.本文件由模拟通道生成；不得用作凭证。"]
    yield ["2.交易关闭、等待确认收货等状态的记录也会列出；它们没有资金进出。"]
    yield ["3.以上汇总金额可能与逐笔金额之和不一致；请以逐笔记录为准。"]
    yield ["4.退款按退款成功的时间列示；原交易的状态不再更新。"]
    yield ["5.支付给对方的退款记为支出；退回本账户的退款记为不计收支。"]
    yield ["6.时间为本账户所在地的时间；终止时间的一秒包括在内。"]
    yield ["7.金额以本账户的币种为单位；不含千位分隔符。"]
    yield ["8.对方名称和商品说明由付款方填写；其中的逗号以全角逗号列示。"]
    yield ["9.再次导出同一时间段时内容不变。"]
    yield [RECEIPT]


def _row(heading: Heading, movement: Movement) -> list[str]:
    return [
        heading.stamp(movement.at_ms),
        WORDS[movement.purpose],
        guarded(movement.party),
        "/",
        guarded(movement.reference),
        IN if movement.amount_minor > 0 else OUT,
        major(abs(movement.amount_minor), heading.currency),
        "余额",
        SUCCEEDED,
        tabbed(movement.channel_no),
        tabbed(movement.order_no),
        "",
        "",
    ]


def read(data: bytes, heading: Heading) -> StatementDay:
    """The day of a file. Its number of records is checked; its sums are not, as the preamble warns."""
    rows = parted(data, "gbk")
    comments = [row[0] for row in rows]
    if f"支付宝账户：{heading.account}" not in comments or list(COLUMNS) not in rows:
        raise MalformedStatement(f"this is not a file of {heading.account}, or it lacks its line of columns")
    expect(f"the time from {heading.day}", True, _period(heading) in comments)
    lines = rows[rows.index(list(COLUMNS)) + 1 :]
    expect("the number of records", True, f"共{len(lines)}笔记录" in comments)
    fields = (fields_of(COLUMNS, row) for row in lines)
    movements = [
        _movement(heading, field)
        for field in fields
        if field["收/支"] != NEITHER and field["交易状态"] in (SUCCEEDED, REFUNDED)
    ]
    return read_day(heading, None, reversed(movements))


def _movement(heading: Heading, field: dict[str, str]) -> Movement:
    purpose = PURPOSES.get(field["交易分类"])
    if purpose is None or field["收/支"] not in (IN, OUT):
        raise MalformedStatement(f"a line of {field['交易分类']!r}, {field['收/支']!r}")
    amount = minor(field["金额"], heading.currency)
    return Movement(
        order_no=field["商家订单号"],
        channel_no=field["交易订单号"],
        at_ms=heading.read_stamp(field["交易时间"]),
        amount_minor=amount if field["收/支"] == IN else -amount,
        purpose=purpose,
        party=bare(field["交易对方"]),
        reference=bare(field["商品说明"]),
    )


FORMAT = Format("alipay_personal_csv", "text/csv", "gbk", "csv", tuple(WORDS), write, read)
