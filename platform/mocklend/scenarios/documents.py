"""The documents of a scenario's run: chapters, what each step has shown, who believes what, who finds it."""

from __future__ import annotations

from typing import Annotated, TypedDict

from mocklend.domain.nouns import one_of, says
from mocklend.language import Language

DONE, NOW, NEXT = "done", "now", "next"
RUNNING, OVER, FAILED = "running", "over", "failed"


class GuessDoc(TypedDict):
    """A question about the next step, for those who want to guess before its answer is shown."""

    question: Annotated[str, says("The question.")]
    hint: Annotated[str, says("What helps to guess; empty if there is nothing.")]


class ClaimDoc(TypedDict):
    """A sentence that the scenario claims."""

    claim: Annotated[str, says("The sentence.")]
    holds: Annotated[bool, says("Whether it holds.")]


class LineDoc(TypedDict):
    """What a step has shown."""

    step: Annotated[int, says("The number of the step, from 1.")]
    who: Annotated[str, says("The party that acts, or whose view is read.")]
    do: Annotated[str, says("The call, a method of `mocklend.client.Client`.")]
    narration: Annotated[str, says("What is said before the step; empty if nothing is.")]
    text: Annotated[str, says("What the answer shows, in a sentence.")]
    detail: Annotated[str, says("A second line; empty if there is none.")]


class FoundDoc(TypedDict):
    """A finding of a reconciler."""

    finding_class: Annotated[str, says("The finding class.")]
    entity: Annotated[str, says("The id of the entity that is wrong.")]
    amount_minor: Annotated[int, says("The amount at stake, in minor units of `currency`.")]
    currency: Annotated[str | None, says("The currency of the amount; null where the finding is about no money.")]


class FindersDoc(TypedDict):
    """What a reconciler found at the end of a chapter."""

    reconciler: Annotated[str, says("The reconciler's name.")]
    found: Annotated[list[FoundDoc], says("Its findings.")]


class PlayedChapter(TypedDict):
    """A chapter of a run."""

    title: Annotated[str, says("The chapter's title.")]
    story: Annotated[str, says("What happens in it; empty before it begins.")]
    state: Annotated[str, one_of((DONE, NOW, NEXT), "`done`, `now` while its steps are made, or `next`.")]
    lines: Annotated[list[LineDoc], says("What its steps have shown.")]
    claims: Annotated[list[ClaimDoc], says("The claims that were checked.")]
    found: Annotated[list[FindersDoc], says("What each reconciler found at its end; empty before.")]
    open_lies: Annotated[int | None, says("How many entries of the answer key were open at its end; null before.")]


class BelieverDoc(TypedDict):
    """What a party believes, as it was last shown."""

    who: Annotated[str, says("The party.")]
    text: Annotated[str, says("What it believes, in a sentence.")]
    changed: Annotated[bool, says("Whether the last step of the chapter that is played has changed it.")]


class NextStep(TypedDict):
    """The step that comes next."""

    who: Annotated[str, says("The party that will act, or whose view will be read.")]
    do: Annotated[str, says("The call, a method of `mocklend.client.Client`.")]
    guess: Annotated[GuessDoc | None, says("A question about its answer; null if there is none.")]


class RunDoc(TypedDict):
    """A scenario that is played in a sandbox."""

    scenario: Annotated[str, says("The scenario's name.")]
    title: Annotated[str, says("Its title.")]
    story: Annotated[str, says("What happens in it.")]
    language: Annotated[str, one_of(tuple(Language), "The language in which it is told.")]
    sandbox_id: Annotated[str, says("The id of its sandbox.")]
    seed: Annotated[int, says("The seed of its sandbox.")]
    state: Annotated[str, one_of((RUNNING, OVER, FAILED), "`failed` if a claim did not hold, which ends the run.")]
    failed: Annotated[str | None, says("The claim that did not hold; null if all have.")]
    step: Annotated[int, says("How many steps were made.")]
    steps: Annotated[int, says("How many steps the scenario has.")]
    chapters: Annotated[list[PlayedChapter], says("The chapters, in order.")]
    believes: Annotated[list[BelieverDoc], says("What each party believes, as it was last shown.")]
    next: Annotated[NextStep | None, says("The next step; null if there is none.")]


class ListedScenario(TypedDict):
    """A scenario that can be played."""

    name: Annotated[str, says("The scenario's name.")]
    title: Annotated[str, says("Its title.")]
    story: Annotated[str, says("What happens in it.")]
    seed: Annotated[int, says("The seed of its sandbox, if no other is given.")]
    starts: Annotated[str, says("The time at which its clock starts. RFC 3339.")]
    chapters: Annotated[list[str], says("The titles of its chapters.")]
    steps: Annotated[int, says("How many steps it has.")]
