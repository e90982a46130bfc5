"""Alipay's bill of orders (业务明细, bill type `trade`): payments and refunds, in 25 columns.

Lines that begin with # surround the table, and have the account, the days and the totals. Numbers and texts end in a
tab, and so does the kind of a line. GBK, as the real bill: a character that GBK lacks becomes a question mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mocklend.channels.statements.alipay import body, chinese_stamp, fields_of, notes, tabbed
from mocklend.channels.statements.amounts import major, minor
from mocklend.channels.statements.day import (
    REFUND,
    REPAYMENT,
    WORDS,
    Heading,
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
    "支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "门店编号", "门店名称", "操作员",
    "终端号", "对方账户", "订单金额（元）", "商家实收（元）", "支付宝红包（元）", "集分宝（元）", "支付宝优惠（元）",
    "商家优惠（元）", "券核销金额（元）", "券名称", "商家红包消费金额（元）", "卡消费金额（元）", "退款批次号/请求号",
    "服务费（元）", "分润（元）", "备注",
)  # fmt: skip
ZEROS = (
    "支付宝红包（元）", "集分宝（元）", "支付宝优惠（元）", "商家优惠（元）", "券核销金额（元）",
    "商家红包消费金额（元）", "卡消费金额（元）", "服务费（元）", "分润（元）",
)  # fmt: skip
TABBED = (
    "支付宝交易号", "商户订单号", "业务类型", "门店编号", "门店名称", "操作员", "终端号", "对方账户",
    "商家红包消费金额（元）", "退款批次号/请求号",
)  # fmt: skip
"""The columns whose fields end in a tab."""
BEGINS = "#" + "-" * 41 + "业务明细列表" + "-" * 40
ENDS = "#" + "-" * 41 + "业务明细列表结束" + "-" * 36
"""Readers match these two lines exactly."""
CARRIES = (REPAYMENT, REFUND)


def write(day: StatementDay) -> bytes:
    """The bill."""
    heading, movements = day.heading, day.of(CARRIES)
    rows = [
        ["#支付宝业务明细查询"],
        *notes(heading),
        [BEGINS],
        COLUMNS,
        *(_row(heading, movement) for movement in movements),
        [ENDS],
        *_totals(heading, movements),
        [f"#导出时间：[{chinese_stamp(heading, heading.ready_ms)}]"],
    ]
    return joined(rows).encode("gbk", "replace")


def _row(heading: Heading, movement: Movement) -> list[str]:
    amount = major(movement.amount_minor, heading.currency)
    refunded = movement.amount_minor < 0
    fields = dict.fromkeys(ZEROS, major(0, heading.currency)) | {
        "支付宝交易号": movement.channel_no,
        "商户订单号": "" if refunded else movement.order_no,
        "业务类型": "退款" if refunded else "交易",
        "商品名称": WORDS[movement.purpose],
        "创建时间": heading.stamp(movement.at_ms if movement.ordered_ms is None else movement.ordered_ms),
        "完成时间": heading.stamp(movement.at_ms),
        "对方账户": guarded(movement.party),
        "订单金额（元）": amount,
        "商家实收（元）": amount,
        "退款批次号/请求号": movement.order_no if refunded else "",
        "备注": guarded(movement.reference),
    }
    return [tabbed(fields.get(name, "")) if name in TABBED else fields.get(name, "") for name in COLUMNS]


def _totals(heading: Heading, movements: Sequence[Movement]) -> list[list[str]]:
    paid, back, none = incoming(movements), outgoing(movements), major(0, heading.currency)
    money_in, money_out = major(total(paid), heading.currency), major(total(back), heading.currency)
    return [
        [f"#交易合计：{len(paid)}笔，商家实收共{money_in}元，商家优惠共{none}元"],
        [f"#退款合计：{len(back)}笔，商家实收退款共{money_out}元，商家优惠退款共{none}元"],
    ]


def read(data: bytes, heading: Heading) -> StatementDay:
    """The day of a bill, checked against the bill's totals."""
    rows = parted(data, "gbk")
    movements = list(_movements(heading, body(rows, COLUMNS, heading)))
    for line in _totals(heading, movements):
        expect("totals", True, line in rows)
    return read_day(heading, None, movements)


def _movements(heading: Heading, rows: Sequence[Sequence[str]]) -> Iterator[Movement]:
    for row in rows:
        field = fields_of(COLUMNS, row)
        refunded = field["业务类型"] == "退款"
        if not refunded:
            expect("业务类型", "交易", field["业务类型"])
        yield Movement(
            order_no=field["退款批次号/请求号"] if refunded else field["商户订单号"],
            channel_no=field["支付宝交易号"],
            at_ms=heading.read_stamp(field["完成时间"]),
            amount_minor=minor(field["商家实收（元）"], heading.currency),
            purpose=REFUND if refunded else REPAYMENT,
            party=bare(field["对方账户"]),
            reference=bare(field["备注"]),
        )


FORMAT = Format("alipay_trade_csv", "text/csv", "gbk", "csv", CARRIES, write, read)
