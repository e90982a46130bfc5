"""Catching up: what the end-of-day batch has left out is done by hand; what it has not left out stays as it is."""

from __future__ import annotations

import pytest

from mocklend.domain.problems import Refused
from mocklend.servicing import CatchUp
from support.story import Story


def test_a_loan_that_no_run_has_left_out_stays_as_it_is(story: Story) -> None:
    loan_id = story.borrow(100_000)
    before = story.page(loan_id)

    answer = story.platform.run(CatchUp(story.sandbox_id, loan_id, "to be sure", "olga"))

    assert (answer.status, answer.body["caught_up"]) == (200, False)
    assert story.page(loan_id)["version"] == before["version"]


def test_a_loan_that_nobody_knows_cannot_catch_up(story: Story) -> None:
    with pytest.raises(Refused, match="loan_unknown"):
        story.platform.run(CatchUp(story.sandbox_id, "loan_x", "to be sure", "olga"))
