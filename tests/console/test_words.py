"""The words of the console: every code that a page may show has one, in both languages."""

from __future__ import annotations

from mocklend.audit.chain.docs import Mark, View
from mocklend.console import words
from mocklend.console.words import CORRECTIONS, DUE, MARKS, SIGNS, VIEWS
from mocklend.language import Language, is_translated
from mocklend.lending.operator_log import ACTIONS
from mocklend.scheduling.due import EVERY, PUBLICATION
from mocklend.storage.values import CORRECTIONS as MADE
from mocklend.storage.values import LEFT_TO_DO


def test_everything_that_falls_due_has_a_word() -> None:
    assert set(DUE) == {*EVERY, PUBLICATION}


def test_every_view_has_a_name() -> None:
    assert set(VIEWS) == set(View)


def test_every_mark_has_a_sign_and_says_something() -> None:
    assert set(MARKS) == set(SIGNS) == set(Mark)


def test_every_action_of_the_operator_log_has_a_word() -> None:
    assert set(words.ACTIONS) == set(ACTIONS)


def test_every_correction_of_a_dispute_has_a_word() -> None:
    assert set(CORRECTIONS) == {*MADE, *LEFT_TO_DO}


def test_the_words_of_staff_exist_in_chinese() -> None:
    said = (*words.ACTIONS.values(), *CORRECTIONS.values())

    assert [text for text in said if not is_translated(Language.ZH, text)] == []
