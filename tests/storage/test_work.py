"""A command's view of entities: existing, missing, and not loaded yet."""

from __future__ import annotations

import pytest

from mocklend.storage.entities import Borrower, Loan
from mocklend.storage.work import Key, Loaded, NotLoaded, Sandbox, Work

NAMES: Loaded[list[str]] = Loaded("names")
ADA = Borrower("bor_ada", "ada", "Ada", 100_000, 0)


def work(loaded: dict[Key, object]) -> Work:
    sandbox = Sandbox("sbx_1", "hash", 1, "UTC", "manual", 0, 0, 0, 0, (), 0)
    return Work(sandbox, 0, loaded)


def test_get_returns_the_entity_as_the_command_has_changed_it() -> None:
    work_seen = work({("borrower", "bor_ada"): ADA})
    assert work_seen.get(Borrower, "bor_ada") is work_seen.find(Borrower, "bor_ada") is ADA

    changed = Borrower("bor_ada", "ada", "Ada", 50_000, 0)
    work_seen.put(changed)

    assert work_seen.get(Borrower, "bor_ada") is changed


def test_find_of_a_missing_entity_returns_none_and_get_raises() -> None:
    work_seen = work({("loan", "loan_1"): None})

    assert work_seen.find(Loan, "loan_1") is None
    with pytest.raises(AssertionError, match="there is no loan loan_1"):
        work_seen.get(Loan, "loan_1")


def test_reading_an_entity_that_is_not_loaded_raises_not_loaded() -> None:
    work_seen = work({})

    for ask in (
        lambda: work_seen.get(Loan, "loan_1"),
        lambda: work_seen.find(Loan, "loan_1"),
        lambda: work_seen.load(NAMES, "x"),
    ):
        with pytest.raises(NotLoaded):
            ask()


def test_an_appended_entity_is_loaded() -> None:
    work_seen = work({("names", "of the loan"): ["Ada"]})

    work_seen.append(NAMES, "of the loan", "Bert")

    assert work_seen.load(NAMES, "of the loan") == ["Ada", "Bert"]
