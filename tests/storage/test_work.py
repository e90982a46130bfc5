"""A command's view: what is there, what is not, and what is not loaded yet."""

from __future__ import annotations

import pytest

from mocklend.storage.entities import Borrower, Loan
from mocklend.storage.work import Key, Loaded, NotLoaded, Sandbox, Work

NAMES: Loaded[list[str]] = Loaded("names")
ADA = Borrower("bor_ada", "ada", "Ada", 100_000, 0)


def work(loaded: dict[Key, object]) -> Work:
    sandbox = Sandbox("sbx_1", "hash", 1, "UTC", "manual", 0, 0, 0, 0, (), 0)
    return Work(sandbox, 0, loaded)


def test_an_entity_is_got_by_its_class_and_is_as_the_command_has_left_it() -> None:
    work_seen = work({("borrower", "bor_ada"): ADA})
    assert work_seen.get(Borrower, "bor_ada") is work_seen.find(Borrower, "bor_ada") is ADA

    changed = Borrower("bor_ada", "ada", "Ada", 50_000, 0)
    work_seen.put(changed)

    assert work_seen.get(Borrower, "bor_ada") is changed


def test_one_that_is_not_there_is_found_to_be_none_and_cannot_be_got() -> None:
    work_seen = work({("loan", "loan_1"): None})

    assert work_seen.find(Loan, "loan_1") is None
    with pytest.raises(AssertionError, match="there is no loan loan_1"):
        work_seen.get(Loan, "loan_1")


def test_what_is_not_loaded_is_asked_of_the_writer() -> None:
    work_seen = work({})

    for ask in (
        lambda: work_seen.get(Loan, "loan_1"),
        lambda: work_seen.find(Loan, "loan_1"),
        lambda: work_seen.load(NAMES, "x"),
    ):
        with pytest.raises(NotLoaded):
            ask()


def test_what_is_appended_is_loaded_from_then_on() -> None:
    work_seen = work({("names", "of the loan"): ["Ada"]})

    work_seen.append(NAMES, "of the loan", "Bert")

    assert work_seen.load(NAMES, "of the loan") == ["Ada", "Bert"]
