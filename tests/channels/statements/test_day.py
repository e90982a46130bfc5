"""A statement's day ends at the channel's own cut-off, and its file is ready the next morning."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.channels.payouts import PURPOSES as PAID_OUT_FOR
from mocklend.channels.statements.amounts import major, minor
from mocklend.channels.statements.day import PURPOSES, REPAYMENT, WORDS, Heading, MalformedStatement
from mocklend.domain.channel import Channel, channels
from mocklend.domain.money import EXPONENTS, MAX_MINOR
from mocklend.sandboxes.timestamps import rfc3339

TUESDAY = date(2026, 1, 6)
SHANGHAI = "Asia/Shanghai"


def heading(channel: str = "wallet", day: date = TUESDAY, zone: str = SHANGHAI) -> Heading:
    return Heading(channels()[channel], day, "CNY", zone)


def test_most_channels_close_at_midnight_and_banks_an_hour_before() -> None:
    wallet, bank = heading("wallet"), heading("bank_transfer")

    assert (rfc3339(wallet.from_ms), rfc3339(wallet.until_ms)) == (
        "2026-01-05T16:00:00.000Z",
        "2026-01-06T16:00:00.000Z",
    )
    assert (rfc3339(bank.from_ms), rfc3339(bank.until_ms)) == ("2026-01-05T15:00:00.000Z", "2026-01-06T15:00:00.000Z")


def test_a_statement_is_ready_at_nine_on_the_next_day() -> None:
    assert rfc3339(heading().ready_ms) == "2026-01-07T01:00:00.000Z"


@pytest.mark.parametrize("zone", [SHANGHAI, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("cut_off", ["00:00:00", "02:30:00", "23:00:00"])
def test_days_tile_time_even_where_clocks_change(zone: str, cut_off: str) -> None:
    channel = Channel(id="till", name="Till", settle_delay_s=0, profile="standard", cut_off=cut_off)
    days = [Heading(channel, date(2026, 1, 1) + timedelta(days=n), "CNY", zone) for n in range(366)]

    for day, following in pairwise(days):
        assert day.from_ms < day.until_ms == following.from_ms
        assert day.until_ms <= day.ready_ms


@given(st.integers(-MAX_MINOR, MAX_MINOR), st.sampled_from(sorted(EXPONENTS)))
def test_an_amount_reads_as_it_was_written(amount_minor: int, currency: str) -> None:
    assert minor(major(amount_minor, currency), currency) == amount_minor


def test_amounts_have_the_decimals_of_their_currency() -> None:
    assert [major(100_005, currency) for currency in ("CNY", "JPY", "KWD")] == ["1000.05", "100005", "100.005"]
    assert major(-5, "CNY") == "-0.05"
    assert minor("12.5", "CNY") == 1_250


@pytest.mark.parametrize("text", ["", ".5", "1.", "1.005", "1,000.00", "1e3", " 1", "１.00", "--1", "0x1", "nan"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(MalformedStatement):
        minor(text, "CNY")


def test_there_is_a_word_for_everything_that_money_moves_for() -> None:
    assert set(WORDS) == {REPAYMENT, *PAID_OUT_FOR}
    assert len(PURPOSES) == len(WORDS)
