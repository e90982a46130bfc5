from __future__ import annotations

from datetime import date

import pytest

from mocklend.channels.statements.day import Heading
from mocklend.channels.statements.formats import FORMATS
from mocklend.domain.channel import channel_of
from support.caller import Caller

MONDAY = "/channels/wallet/statements/2026-01-05"


@pytest.fixture
def paid(api: Caller) -> str:
    """Ada has repaid 95.00 through the wallet on Monday, and it is Tuesday, 10:00."""
    repayment = api.repay(api.borrow()["id"], 9_500, payer_reference='May, "first"')
    api.wait("P1D")
    return str(repayment["out_trade_no"])


def test_a_channel_lists_its_formats_and_when_a_statement_is_ready(api: Caller) -> None:
    listed = api.made(api.get("/channels/bank_transfer/statements"))

    assert (listed["cut_off"], listed["statement_ready"]) == ("23:00:00", "09:00:00")
    assert {item["id"]: item["media_type"] for item in listed["formats"]} == {
        "alipay_funds_csv": "text/csv",
        "alipay_personal_csv": "text/csv",
        "alipay_trade_csv": "text/csv",
        "camt053": "application/xml",
        "wechat_csv": "text/csv",
    }


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_a_statement_is_a_file_in_the_format_that_was_asked_for(api: Caller, paid: str, format: str) -> None:
    response = api.get(MONDAY, format=format)

    file_format = FORMATS[format]
    heading = Heading(channel_of("wallet"), date(2026, 1, 5), "CNY", "Asia/Shanghai")
    [line] = file_format.read(response.data, heading).movements
    memo = 'May, "first"' if format == "camt053" else "May， ”first”"
    assert (line.order_no, line.amount_minor, line.reference) == (paid, 9_500, memo)
    assert response.headers["Content-Type"] == f"{file_format.media_type}; charset={file_format.charset}"
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="wallet-CNY-2026-01-05-{format}.{file_format.extension}"'
    )
    assert api.get(MONDAY, format=format).data == response.data


def test_the_default_format_of_a_statement_is_the_lossless_one(api: Caller, paid: str) -> None:
    assert api.get(MONDAY).data == api.get(MONDAY, format="camt053", currency="CNY").data


def test_a_statement_of_today_is_refused_with_the_time_when_it_is_ready(api: Caller, paid: str) -> None:
    problem = api.problem(api.get("/channels/wallet/statements/2026-01-06"), 409, "statement_not_ready")

    assert problem["expected"] == "from 2026-01-07T01:00:00.000Z"


@pytest.mark.parametrize(
    "day", ["yesterday", "20260105", "2026-02-30", "2026-1-5", "1970-01-01", "9999-12-31", "0001-01-01"]
)
def test_an_invalid_date_is_named(api: Caller, day: str) -> None:
    problem = api.problem(api.get(f"/channels/wallet/statements/{day}"), 422, "validation_failed")

    assert problem["errors"][0]["field"] == "date"


def test_an_unknown_channel_format_or_currency_is_refused(api: Caller) -> None:
    api.problem(api.get("/channels/cash/statements"), 404, "channel_unknown")
    api.problem(api.get("/channels/cash/statements/2026-01-05"), 404, "channel_unknown")
    api.problem(api.get(MONDAY, format="mt940"), 422, "validation_failed")
    api.problem(api.get(MONDAY, currency="XXX"), 422, "validation_failed")
    api.problem(api.get(MONDAY, day="2026-01-05"), 422, "validation_failed")


def test_a_sandbox_sees_its_own_money_only(api: Caller, stranger: Caller, paid: str) -> None:
    theirs = stranger.get(MONDAY)

    assert theirs.status_code in (200, 409)
    assert paid.encode() not in theirs.data
