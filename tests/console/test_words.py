"""The words of the console: every code that a page may show has one, in both languages."""

from __future__ import annotations

from mocklend.audit.chain.docs import Mark, View
from mocklend.console.words import DUE, MARKS, SIGNS, VIEWS
from mocklend.scheduling.due import EVERY, PUBLICATION


def test_everything_that_falls_due_has_a_word() -> None:
    assert set(DUE) == {*EVERY, PUBLICATION}


def test_every_view_has_a_name() -> None:
    assert set(VIEWS) == set(View)


def test_every_mark_has_a_sign_and_says_something() -> None:
    assert set(MARKS) == set(SIGNS) == set(Mark)
