"""A channel's record of a day equals the world's (V7), for payments around every channel's cut-off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mocklend.channels.payments import PayAtChannel
from mocklend.channels.statements.day import DISBURSEMENT, REPAYMENT, Heading, StatementDay, total
from mocklend.channels.statements.formats import FORMATS
from mocklend.channels.statements.invariant import moved_in_the_world, statement_against_world
from mocklend.channels.statements.record import ready_statement, statement_day
from mocklend.domain.channel import channel_of, channels
from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS
from mocklend.lending import AddBorrower, Borrow
from mocklend.storage.entities import Repayment
from support.sql import change
from support.story import Story

MONDAY = date(2026, 1, 5)
"""Stories begin on it, at 10:00."""


def heading(story: Story, channel: str, day: date, currency: str = "CNY") -> Heading:
    return Heading(channel_of(channel), day, currency, story.sandbox.zone)


def stated(story: Story, channel: str, day: date, currency: str = "CNY") -> StatementDay:
    """The statement, if it is ready."""
    with story.platform.read() as connection:
        return ready_statement(story.snapshot(connection), heading(story, channel, day, currency))


def broken(story: Story, day: StatementDay) -> list[tuple[str, str]]:
    """The discrepancies that V7 finds in a statement."""
    with story.platform.read() as connection:
        return list(statement_against_world(day, moved_in_the_world(story.snapshot(connection), day.heading)))


def pay(story: Story, channel: str, amount_minor: int, reference: str = "", currency: str = "CNY") -> str:
    """Make a push payment."""
    payment = PayAtChannel(
        story.sandbox_id, story.key(), channel, amount_minor, currency, "Ada", reference, "OVD_AND_CURRENT"
    )
    return str(story.platform.run(payment).body["out_trade_no"])


def test_a_repayment_is_on_the_statement_of_its_day(story: Story) -> None:
    loan_id = story.borrow()
    order = story.entity(Repayment, story.repay(loan_id, 9_500))
    story.wait(days=1)

    [line] = stated(story, "wallet", MONDAY).movements

    assert (line.amount_minor, line.purpose) == (9_500, REPAYMENT)
    assert (line.channel_no, line.at_ms) == (order.channel_trade_no, order.paid_ms)


def test_a_statement_comes_on_the_next_day_at_nine_and_not_before(story: Story) -> None:
    story.wait(22 * 3600 + 59 * 60 + 59)

    with pytest.raises(Refused) as caught:
        stated(story, "wallet", MONDAY)

    assert (caught.value.code, caught.value.expected) == ("statement_not_ready", "from 2026-01-06T01:00:00.000Z")
    story.wait(1)
    assert stated(story, "wallet", MONDAY).movements == ()


@pytest.mark.parametrize(
    ("channel", "seconds_after_ten", "day"),
    [
        ("wallet", 13 * 3600 + 59 * 60 + 57, MONDAY),  # paid at 23:59:59
        ("wallet", 13 * 3600 + 59 * 60 + 58, MONDAY + timedelta(days=1)),  # paid at 00:00:00
        ("bank_transfer", 12 * 3600 + 29 * 60 + 59, MONDAY),  # paid at 22:59:59
        ("bank_transfer", 12 * 3600 + 30 * 60, MONDAY + timedelta(days=1)),  # paid at 23:00:00
    ],
)
def test_the_last_second_before_the_cut_off_is_of_the_day_and_the_cut_off_of_the_next(
    story: Story, channel: str, seconds_after_ten: int, day: date
) -> None:
    story.wait(seconds_after_ten)
    order_no = pay(story, channel, 100)
    story.wait(days=3)

    days = {on: stated(story, channel, on) for on in (MONDAY, MONDAY + timedelta(days=1))}

    assert [on for on, day in days.items() if [m.order_no for m in day.movements] == [order_no]] == [day]
    assert not any(broken(story, day) for day in days.values())


def test_a_payment_without_a_usable_reference_is_on_the_statement(story: Story) -> None:
    """The bank's statement is where a payment without a usable reference is found."""
    pay(story, "bill_pay", 4_200, "for the loan, thanks")
    story.wait(days=1)

    [line] = stated(story, "bill_pay", MONDAY).movements

    assert (line.amount_minor, line.party, line.reference) == (4_200, "Ada", "for the loan, thanks")


def test_each_currency_has_a_statement_of_its_own(story: Story) -> None:
    pay(story, "bill_pay", 4_200)
    pay(story, "bill_pay", 100, currency="JPY")
    story.wait(days=1)

    yuan, yen = stated(story, "bill_pay", MONDAY), stated(story, "bill_pay", MONDAY, "JPY")

    assert (total(yuan.movements), total(yen.movements)) == (4_200, 100)
    assert not broken(story, yuan) + broken(story, yen)
    for format in FORMATS.values():
        assert total(format.read(format.write(yen), yen.heading).movements) == 100


def test_a_channel_that_is_behind_with_its_settling_is_late_with_its_statement(story: Story) -> None:
    pay(story, "wallet", 100)
    story.sleep(days=1)

    with pytest.raises(Refused) as caught:
        stated(story, "wallet", MONDAY)

    assert caught.value.code == "statement_not_ready"
    assert "settling" in caught.value.detail
    story.wait(0)
    assert total(stated(story, "wallet", MONDAY).movements) == 100


def test_a_balance_opens_where_the_day_before_closed(story: Story) -> None:
    for amount in (100, 20, 3):
        pay(story, "wallet", amount)
        story.wait(days=1)
    story.wait(days=1)

    days = [stated(story, "wallet", MONDAY + timedelta(days=n)) for n in range(3)]

    assert [(day.opening_minor, day.closing_minor) for day in days] == [(0, 100), (100, 120), (120, 123)]


def test_a_payout_is_on_the_statement_of_the_channel_that_paid_it(story: Story) -> None:
    with story.platform.engine.begin() as connection:
        change(
            connection,
            """INSERT INTO payouts (sandbox_id, id, loan_id, purpose, channel, amount_minor, currency, state,
                   created_ms, paid_ms, due_ms)
               VALUES (?, 'out_1', 'loan_1', 'disbursement', 'wallet', 100000, 'CNY', 'PAID', ?, ?, NULL)""",
            story.sandbox_id,
            story.now_ms,
            story.now_ms,
        )
    story.wait(days=1)

    day = stated(story, "wallet", MONDAY)

    [line] = day.movements
    assert (line.order_no, line.amount_minor, line.purpose, line.reference) == (
        "out_1", -100_000, DISBURSEMENT, "loan_1",
    )  # fmt: skip
    assert day.closing_minor == -100_000
    assert broken(story, day) == [("V7", "wallet-CNY 2026-01-05 states out_1 of -100000, which never moved")]


def test_v7_detects_an_extra_line_a_missing_line_and_a_wrong_amount(story: Story) -> None:
    order_no = pay(story, "wallet", 100)
    story.wait(days=1)
    day = stated(story, "wallet", MONDAY)
    [line] = day.movements

    assert broken(story, day) == []
    assert broken(story, replace(day, movements=())) == [("V7", f"wallet-CNY 2026-01-05 lacks {order_no} of 100")]
    assert len(broken(story, replace(day, movements=(line, line)))) == 1
    assert len(broken(story, replace(day, movements=(replace(line, amount_minor=99),)))) == 2
    assert len(broken(story, replace(day, movements=(replace(line, at_ms=line.at_ms + 1000),)))) == 2


@settings(max_examples=25)
@given(
    payments=st.lists(
        st.tuples(
            st.integers(0, 13 * 3600 + 1800) | st.integers(12 * 3600, 14 * 3600 + 60),  # seconds after 10:00
            st.sampled_from(sorted(channels())),
            st.integers(1, 10**12),
            st.sampled_from(["", "rent, may", 'he said "x"', "`", "a\nb", "=1", "备注，中文"]),
        ),
        max_size=25,
    )
)
def test_every_payment_of_busy_days_is_on_one_statement_in_every_format(
    payments: list[tuple[int, str, int, str]], tell: Callable[..., Story]
) -> None:
    story = tell()
    began, paid = story.now_ms, Counter[tuple[str, str, int]]()
    for seconds, channel, amount, reference in sorted(payments):
        story.platform.advance(story.sandbox_id, began + seconds * 1000)
        paid[channel, pay(story, channel, amount, reference), amount] += 1
    story.wait(days=3)

    counted = Counter[tuple[str, str, int]]()
    for channel in channels():
        for n in range(3):
            day = stated(story, channel, MONDAY + timedelta(days=n))
            assert broken(story, day) == []
            for format in FORMATS.values():
                again = format.read(format.write(day), day.heading)
                assert [(m.order_no, m.at_ms, m.amount_minor) for m in again.movements] == [
                    (m.order_no, m.at_ms, m.amount_minor) for m in day.of(format.carries)
                ]
            counted.update((channel, movement.order_no, movement.amount_minor) for movement in day.movements)
    assert counted == paid


def test_asking_before_the_day_is_over_shows_what_has_moved_so_far(story: Story) -> None:
    pay(story, "wallet", 100)
    story.wait(2)

    with story.platform.read() as connection:
        day = statement_day(story.snapshot(connection), heading(story, "wallet", MONDAY))

    assert total(day.movements) == 100


def test_a_loan_that_is_paid_out_through_a_channel_is_on_its_statement(story: Story) -> None:
    ada = story.platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 10**9)).body["id"]
    borrowing = Borrow(
        story.sandbox_id, story.key(), ada, 100_000, "CNY", PRODUCTS["jiebei-like"], None, "first",
        disburse_to="wallet", disburse_delay_s=2,
    )  # fmt: skip
    loan_id = story.platform.run(borrowing).body["id"]
    story.wait(days=1)

    day = stated(story, "wallet", MONDAY)

    assert [(m.amount_minor, m.purpose, m.reference) for m in day.movements] == [(-100_000, DISBURSEMENT, loan_id)]
    assert broken(story, day) == []
