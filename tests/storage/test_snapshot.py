"""A reader of one sandbox reads no other, whatever it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend.storage.entities import Borrower, Loan
from mocklend.storage.facts import BOOK_FACTS
from mocklend.storage.snapshot import OtherSandbox, SandboxReader, Snapshot
from mocklend.storage.statements import Value
from mocklend.storage.work import Sandbox, Work
from support.story import Story

LOANS = "SELECT id, principal_minor FROM loans WHERE sandbox_id = :sandbox_id"


class Lent(NamedTuple):
    id: str
    principal_minor: int


Read = Callable[[SandboxReader, str], object]
READS: dict[str, Read] = {
    "find": lambda reader, id: reader.find(Loan, id),
    "find_all": lambda reader, id: reader.find_all(Loan, [id]),
    "by_id": lambda reader, id: reader.by_id(Loan, [id]),
    "where": lambda reader, id: reader.where(Loan, "id = :id", id=id),
    "where_in": lambda reader, id: reader.where_in(Loan, "id", [id]),
    "load": lambda reader, id: reader.load(BOOK_FACTS, id),
    "rows": lambda reader, id: reader.rows(Lent, f"{LOANS} AND id = :id", id=id),
    "raw": lambda reader, id: list(reader.raw(f"{LOANS} AND id = :id", id=id)),
    "rows_in": lambda reader, id: reader.rows_in(Lent, f"{LOANS} AND id", [id]),
    "ids": lambda reader, id: reader.ids("SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND id = :id", id=id),
    "ids_in": lambda reader, id: reader.ids_in("SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND id", [id]),
    "number": lambda reader, id: reader.number(
        "SELECT SUM(principal_minor) FROM loans WHERE sandbox_id = :sandbox_id AND id = :id", id=id
    ),
    "exists": lambda reader, id: reader.exists(f"{LOANS} AND id = :id", id=id),
}
"""Each way to read, of one loan."""


def test_every_method_of_the_reader_is_tested() -> None:
    ways = {name for name, value in vars(SandboxReader).items() if callable(value) and not name.startswith("_")}

    assert ways - {"get"} == READS.keys()


@pytest.mark.security
@pytest.mark.parametrize("way", READS)
def test_no_method_returns_another_sandboxs_rows(
    way: str, platform: Platform, story: Story, tell: Callable[..., Story]
) -> None:
    mine, theirs = story.borrow(), tell().borrow(reference="theirs")

    with platform.snapshot(story.sandbox_id) as snapshot:
        own, others = READS[way](snapshot, mine), READS[way](snapshot, theirs)
        if way == "load":
            others = snapshot.load(BOOK_FACTS, theirs)

    assert own
    assert not others


@pytest.mark.security
def test_no_other_sandbox_can_be_asked_for_by_a_parameter(platform: Platform, story: Story) -> None:
    other: dict[str, Value] = {"sandbox_id": "sbx_other"}

    with platform.snapshot(story.sandbox_id) as snapshot:
        for ask in (
            lambda: snapshot.rows(Lent, LOANS, **other),
            lambda: snapshot.rows_in(Lent, f"{LOANS} AND id", ["loan_1"], **other),
            lambda: snapshot.where(Loan, "id > ''", **other),
            lambda: snapshot.ids("SELECT id FROM loans WHERE sandbox_id = :sandbox_id", **other),
            lambda: snapshot.number("SELECT COUNT(*) FROM loans WHERE sandbox_id = :sandbox_id", **other),
            lambda: snapshot.exists(LOANS, **other),
        ):
            with pytest.raises(OtherSandbox, match=f"'{story.sandbox_id}', not 'sbx_other'"):
                ask()


@pytest.mark.security
def test_a_text_that_names_no_sandbox_is_refused(platform: Platform, story: Story) -> None:
    with platform.snapshot(story.sandbox_id) as snapshot, pytest.raises(OtherSandbox, match="query needs `sandbox_id"):
        snapshot.ids("SELECT id FROM loans")


@pytest.mark.security
def test_a_reader_sees_its_own_sandbox_only(platform: Platform, story: Story, tell: Callable[..., Story]) -> None:
    theirs = tell().sandbox_id

    with platform.snapshot(story.sandbox_id) as snapshot:
        assert snapshot.get(Sandbox, story.sandbox_id) == snapshot.sandbox
        with pytest.raises(OtherSandbox, match=theirs):
            snapshot.find(Sandbox, theirs)


def test_entities_are_returned_in_the_requested_order(platform: Platform, story: Story) -> None:
    first, second = sorted(story.borrow(reference=name) for name in ("one", "two"))

    with platform.snapshot(story.sandbox_id) as snapshot:
        entities = snapshot.find_all(Loan, [second, "loan_missing", first, second])
        nothing = snapshot.find_all(Loan, [])

    assert ([loan.id for loan in entities], nothing) == ([second, first], [])


def test_get_of_a_missing_entity_raises_and_find_returns_none(platform: Platform, story: Story) -> None:
    with platform.snapshot(story.sandbox_id) as snapshot:
        assert snapshot.find(Borrower, "brw_nobody") is None
        with pytest.raises(AssertionError, match="there is no borrower brw_nobody"):
            snapshot.get(Borrower, "brw_nobody")


def test_a_sum_over_no_rows_is_zero(platform: Platform, story: Story) -> None:
    with platform.snapshot(story.sandbox_id) as snapshot:
        assert snapshot.number("SELECT SUM(principal_minor) FROM loans WHERE sandbox_id = :sandbox_id") == 0


def test_a_snapshot_has_its_sandbox_and_the_time_there(platform: Platform, story: Story) -> None:
    story.wait(days=1)

    with platform.snapshot(story.sandbox_id) as snapshot:
        assert isinstance(snapshot, Snapshot)
        assert (snapshot.sandbox_id, snapshot.sandbox.seed) == (story.sandbox_id, story.sandbox.seed)
        assert snapshot.now_ms == story.now_ms


def test_there_is_no_snapshot_of_a_sandbox_that_is_not_there(platform: Platform) -> None:
    with pytest.raises(Refused, match="no sandbox sbx_nobody"), platform.snapshot("sbx_nobody"):
        pass


@pytest.mark.security
def test_a_command_writes_to_its_own_sandbox(story: Story) -> None:
    work = Work(story.sandbox, story.now_ms, {})

    work.write("acts.insert", id="act_1")

    assert work.writes == [("acts.insert", {"sandbox_id": story.sandbox_id, "id": "act_1"})]
    with pytest.raises(AssertionError, match="writes to the command's own sandbox"):
        work.write("acts.insert", id="act_1", sandbox_id="sbx_other")
