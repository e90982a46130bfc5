"""The words of the console: every code that a page may show has one, in both languages."""

from __future__ import annotations

from mocklend.audit.chain.docs import View
from mocklend.console.words import DUE, VIEWS
from mocklend.scheduling.due import EVERY, PUBLICATION


def test_everything_that_falls_due_has_a_word() -> None:
    assert set(DUE) == {*EVERY, PUBLICATION}


def test_every_view_has_a_name() -> None:
    assert set(VIEWS) == set(View)
