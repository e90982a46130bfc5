"""The story of a loan depends on the seed and the loan's number only."""

from __future__ import annotations

from mocklend.dataset.branch import seed_of
from mocklend.dataset.story import BORROW, HABITS, PAY, PUSH, story


def test_a_story_is_the_same_each_time_and_another_for_another_seed() -> None:
    stories = [story(7, n, 60) for n in range(50)]

    assert stories == [story(7, n, 60) for n in range(50)]
    assert stories != [story(8, n, 60) for n in range(50)]


def test_each_story_begins_with_one_loan_and_ends_within_the_season() -> None:
    for n in range(300):
        borrower_story = story(7, n, 45)

        assert [act.verb for act in borrower_story.acts].count(BORROW) == 1
        assert borrower_story.acts[0].verb == BORROW
        assert all(0 <= act.day < 45 for act in borrower_story.acts)
        assert [(act.day, act.hour) for act in borrower_story.acts] == sorted(
            (act.day, act.hour) for act in borrower_story.acts
        )


def test_people_differ_in_how_they_pay() -> None:
    stories = [story(7, n, 90) for n in range(400)]

    assert sum(HABITS.values()) == 100
    assert any(person.auto_debit for person in stories)
    assert any(act.verb == PUSH and act.text != person.reference for person in stories for act in person.acts)
    assert any(act.verb == PAY and act.scope == "CLEAR" for person in stories for act in person.acts)
    assert any(len(person.acts) == 1 and not person.auto_debit for person in stories), "somebody never pays"


def test_a_season_of_one_day_has_a_story_too() -> None:
    assert [act.verb for act in story(7, 0, 1).acts] == [BORROW]


def test_each_branch_has_a_seed_of_its_own() -> None:
    seeds = {seed_of(seed, branch) for seed in range(20) for branch in range(200)}

    assert len(seeds) == 20 * 200
    assert all(0 <= seed < 2**63 for seed in seeds)
