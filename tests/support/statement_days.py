"""Days at a channel to write statements of, and what each format can hold of a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from mocklend.channels.statements.camt053 import printable
from mocklend.channels.statements.day import (
    COMPENSATION,
    DISBURSEMENT,
    REFUND,
    REPAYMENT,
    WORDS,
    Heading,
    Movement,
    StatementDay,
)
from mocklend.channels.statements.formats import FORMATS
from mocklend.domain.channel import channels

DAY = date(2026, 1, 5)


def unquoted(text: str) -> str:
    """What is left of a text where nothing is quoted: no comma, no quote, nothing that ends a line."""
    breaks = {chr(n) for n in (*range(32), *range(127, 160))} | {"\u2028", "\u2029"}
    return "".join(" " if sign in breaks else {",": "，", '"': "”"}.get(sign, sign) for sign in text)


def gbk(text: str) -> str:
    """What is left of a text in GBK."""
    return unquoted(text).encode("gbk", "replace").decode("gbk")


HOLDS: dict[str, Callable[[str], str]] = {
    "wechat_csv": lambda text: unquoted(text).replace("`", "'"),
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
    "'quote", "交易成功", ",", '"', "\n", "a\tb\t", "\ufeff", "x" * 128, "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", ",`", "总交易单数",
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


def as_held(id: str, day: StatementDay) -> StatementDay:
    """The day as a format can hold it."""
    hold = HOLDS[id]
    movements = tuple(
        replace(movement, party=hold(movement.party), reference=hold(movement.reference))
        for movement in day.of(FORMATS[id].carries)
    )
    opening = day.opening_minor if id == "camt053" or (id in BALANCED and movements) else None
    return StatementDay(day.heading, opening, movements)


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
