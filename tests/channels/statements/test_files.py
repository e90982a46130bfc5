"""A channel's file: the same bytes at each request, and refused by a reader if it is damaged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from msgspec import structs

from mocklend.channels.statements.day import REPAYMENT, Heading, MalformedStatement, Movement, StatementDay
from mocklend.channels.statements.files import MakeStatement, check_statement_files, contents, fetch, file_id
from mocklend.channels.statements.format import Format
from mocklend.channels.statements.formats import FORMATS
from mocklend.domain.channel import channel_of
from mocklend.domain.problems import Refused
from mocklend.storage.entities import StatementFile
from support.story import Story

MONDAY = date(2026, 1, 5)
HEADING = Heading(channel_of("wallet"), MONDAY, "CNY", "Asia/Shanghai")
GOOD = StatementFile("wallet.2026-01-05.CNY", "wallet", "2026-01-05", "CNY", 1, HEADING.ready_ms, 100, 0, 0)
ROW = Movement("ML1", "CH1", HEADING.from_ms, 12_345, REPAYMENT, "Ada", "a loan")
DAY = StatementDay(HEADING, 0, (ROW, replace(ROW, order_no="ML2", channel_no="CH2", amount_minor=5)))
EMPTY = StatementDay(HEADING, 0, ())

every_format = pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)


@every_format
@pytest.mark.parametrize("day", [DAY, EMPTY], ids=["a day", "an empty day"])
def test_a_good_file_is_what_its_format_writes(format: Format, day: StatementDay) -> None:
    assert contents(GOOD, day, format) == format.write(day)


@every_format
@pytest.mark.parametrize("bytes_kept", [0, 1, 60, 90])
def test_a_file_that_breaks_off_is_refused(format: Format, bytes_kept: int) -> None:
    with pytest.raises(MalformedStatement):
        format.read(contents(structs.replace(GOOD, kept_percent=bytes_kept), DAY, format), HEADING)


@every_format
@pytest.mark.parametrize("day", [DAY, EMPTY], ids=["a day", "an empty day"])
def test_a_file_in_another_encoding_is_refused(format: Format, day: StatementDay) -> None:
    with pytest.raises(MalformedStatement):
        format.read(contents(structs.replace(GOOD, recoded=1), day, format), HEADING)


@every_format
def test_a_file_with_a_row_twice_agrees_with_itself(format: Format) -> None:
    read = format.read(contents(structs.replace(GOOD, repeated_rows=1), DAY, format), HEADING)

    assert [movement.order_no for movement in read.movements] == ["ML1", "ML2", "ML1"]


def test_a_late_file_is_refused_until_it_is_there() -> None:
    late = structs.replace(GOOD, ready_ms=HEADING.ready_ms + 60_000)

    with pytest.raises(Refused, match="statement_not_ready"):
        fetch(late, DAY, FORMATS["camt053"], late.ready_ms - 1)
    assert fetch(late, DAY, FORMATS["camt053"], late.ready_ms) == FORMATS["camt053"].write(DAY)


def test_a_file_is_made_once_and_again_only_on_request(story: Story) -> None:
    story.wait(days=1)
    make = MakeStatement(story.sandbox_id, "wallet", MONDAY, "CNY", 0)

    answers = [story.platform.run(item) for item in (make, make, replace(make, again=True), make)]

    assert [(answer.status, answer.body["times_made"]) for answer in answers] == [
        (201, 1),
        (200, 1),
        (201, 2),
        (200, 2),
    ]


def test_the_audit_reads_the_files_that_were_asked_for(story: Story) -> None:
    story.settle(story.borrow(100_000))
    story.wait(days=1)
    story.platform.run(MakeStatement(story.sandbox_id, "wallet", MONDAY, "CNY", 1))
    file = story.entity(StatementFile, file_id("wallet", MONDAY, "CNY"))

    with story.platform.read() as connection:
        assert list(check_statement_files(story.snapshot(connection))) == []
    assert file.ready_ms == HEADING.ready_ms
    assert story.discrepancies() == []
