"""WeChat Pay's trade bill (对账单): paid orders and accepted refunds, in 27 columns.

UTF-8 with a byte order mark, as the real bill. Each field begins with a backtick, by which readers split a line, so no
text contains one; two lines at the end have the totals. The state of a refund is a snapshot: the line never changes.
Movements without an order (a disbursement) are not on a trade bill.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mocklend.channels.statements.amounts import major, minor
from mocklend.channels.statements.day import (
    REFUND,
    REPAYMENT,
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
from mocklend.channels.statements.rows import as_columns, joined, parted, plain

COLUMNS = (
    "交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识", "交易类型",
    "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额", "微信退款单号", "商户退款单号", "退款金额",
    "充值券退款金额", "退款类型", "退款状态", "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额",
    "费率备注",
)  # fmt: skip
TOTALS = (
    "总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额", "申请退款总金额"
)  # fmt: skip
CARRIES = (REPAYMENT, REFUND)
STATUS_OVERRIDE = "`"
NO_FEE = "0.00000"
"""Fees have five decimals, whatever the currency."""


def write(day: StatementDay) -> bytes:
    """The bill."""
    movements = day.of(CARRIES)
    rows = [
        COLUMNS,
        *(_marked(_row(day.heading, movement)) for movement in movements),
        TOTALS,
        _marked(_totals(day.heading, movements)),
    ]
    return joined(rows).encode("utf-8-sig")


def _marked(fields: Sequence[str]) -> list[str]:
    return [STATUS_OVERRIDE + field for field in fields]


def _row(heading: Heading, movement: Movement) -> list[str]:
    paid, back = max(movement.amount_minor, 0), max(-movement.amount_minor, 0)
    zero = major(0, heading.currency)
    refunded = movement.amount_minor < 0
    fields = {
        "交易时间": heading.stamp(movement.at_ms),
        "公众账号ID": "mocklend",
        "商户号": heading.account,
        "特约商户号": "0",
        # Refunds are of overpaid money, and of no single order.
        "微信订单号": "" if refunded else movement.channel_no,
        "商户订单号": "" if refunded else movement.order_no,
        "用户标识": _text(movement.party),
        "交易类型": "JSAPI",
        "交易状态": "REFUND" if refunded else "SUCCESS",
        "付款银行": "OTHERS",
        "货币种类": heading.currency,
        "应结订单金额": major(paid, heading.currency),
        "代金券金额": zero,
        "微信退款单号": movement.channel_no if refunded else "0",
        "商户退款单号": movement.order_no if refunded else "0",
        "退款金额": major(back, heading.currency),
        "充值券退款金额": zero,
        "退款类型": "ORIGINAL" if refunded else "",
        "退款状态": "SUCCESS" if refunded else "",
        "商品名称": WORDS[movement.purpose],
        "商户数据包": _text(movement.reference),
        "手续费": NO_FEE,
        "费率": "0.00%",
        "订单金额": major(paid, heading.currency),
        "申请退款金额": major(back, heading.currency),
    }
    return [fields.get(name, "") for name in COLUMNS]


def _text(text: str) -> str:
    return plain(text).replace(STATUS_OVERRIDE, "'")


def _totals(heading: Heading, movements: Sequence[Movement]) -> list[str]:
    paid = major(total(incoming(movements)), heading.currency)
    back = major(-total(outgoing(movements)), heading.currency)
    zero = major(0, heading.currency)
    return [str(len(movements)), paid, back, zero, NO_FEE, paid, back]


def read(data: bytes, heading: Heading) -> StatementDay:
    """The day of a bill. Its totals are checked against its lines, which detects a truncated bill."""
    rows = parted(data, "utf-8-sig")
    if len(rows) < 3 or tuple(rows[0]) != COLUMNS or tuple(rows[-2]) != TOTALS:
        raise MalformedStatement("the bill lacks its line of columns or its two lines of totals")
    movements = list(_movements(heading, rows[1:-2]))
    expect("totals", _totals(heading, movements), _unmarked(rows[-1]))
    return read_day(heading, None, movements)


def _movements(heading: Heading, rows: Sequence[Sequence[str]]) -> Iterator[Movement]:
    for row in rows:
        field = as_columns(COLUMNS, _unmarked(row))
        expect("商户号", heading.account, field["商户号"])
        expect("货币种类", heading.currency, field["货币种类"])
        refunded = field["交易状态"] == "REFUND"
        if not refunded:
            expect("交易状态", "SUCCESS", field["交易状态"])
        amount = minor(field["退款金额" if refunded else "应结订单金额"], heading.currency)
        yield Movement(
            order_no=field["商户退款单号" if refunded else "商户订单号"],
            channel_no=field["微信退款单号" if refunded else "微信订单号"],
            at_ms=heading.read_stamp(field["交易时间"]),
            amount_minor=-amount if refunded else amount,
            purpose=REFUND if refunded else REPAYMENT,
            party=field["用户标识"],
            reference=field["商户数据包"],
        )


def _unmarked(row: Sequence[str]) -> list[str]:
    if not all(field.startswith(STATUS_OVERRIDE) for field in row):
        raise MalformedStatement(f"a field without its backtick: {row[:3]}")
    return [field.removeprefix(STATUS_OVERRIDE) for field in row]


FORMAT = Format("wechat_csv", "text/csv", "utf-8", "csv", CARRIES, write, read)
