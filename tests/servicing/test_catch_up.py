"""Catching up by hand: a loan that the end-of-day batch left out is rolled forward, and no other."""

from __future__ import annotations

import pytest

from mocklend.domain.problems import Refused
from mocklend.servicing import CatchUp
from support.story import Story


def test_catching_up_a_loan_that_was_not_left_out_changes_nothing(story: Story) -> None:
    loan_id = story.borrow(100_000)
    before = story.page(loan_id)

    answer = story.platform.run(CatchUp(story.sandbox_id, loan_id, "to be sure", "olga"))

    assert (answer.status, answer.body["caught_up"]) == (200, False)
    assert story.page(loan_id)["version"] == before["version"]


def test_an_unknown_loan_cannot_catch_up(story: Story) -> None:
    with pytest.raises(Refused, match="loan_unknown"):
        story.platform.run(CatchUp(story.sandbox_id, "loan_x", "to be sure", "olga"))
