"""Reads and validates the YAML of a scenario, and finds the installed scenarios.

        name, title, story          name and description
        seed, starts                the seed and the first time of its sandbox, which has a manual clock
        sandbox                     further settings of the sandbox: zone, four_eyes_above_minor, monitoring
        chapters:
          - title, story
            rules: {id: rule}       rules that are armed at the chapter's beginning; `null` disarms one
            steps:
              - who                 the party that acts, or whose view is read
                say                 a sentence that is printed before the step
                guess: {ask, hint}  a question about the answer, for those who want to guess first
                do, with            a method of `mocklend.client.Client`, and its arguments
                as                  the name under which the answer is kept for later steps
                shows               the fields that are printed
                expect: {field: value}   a field of the answer, or `$name.field` of an earlier one
                claim               one sentence for all of `expect`, which is then one claim
                fails: code         the step fails: the code of the problem, `no_answer`, or `any`
            lies                    how many entries of the answer key are open at the chapter's end; 0 by default
            audit                   true: print the answer key and the audit at the chapter's end; they must agree
            reconcile:              the exact findings of reconcilers at the chapter's end
              thorough: [{class, entity}]
        expected_score              of each reconciler, by `POST /-/scores`: {naive: {precision, recall}, thorough: …},
                                    with further NUMBERS if needed; ratios to three decimals
        open_end                    true: entries of the answer key may still be open at the end

In every value, `$name.field` stands for a field of the answer kept under `name`, and `${name.field}` for the same
inside a text; `$$` is a dollar sign. Scenarios are found through the entry-point group `mocklend.scenarios`, whose
values are packages with YAML files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Annotated, Any, Self

from pydantic import Field, StrictBool, StrictInt, WithJsonSchema, create_model, model_validator

from mocklend.client import Client, Doc
from mocklend.domain.finding import CLASSES
from mocklend.domain.problems import FieldError, Invalid
from mocklend.language import Language, translate
from mocklend.reconcilers.named import SHIPPED
from mocklend.scenarios.checks import NUMBERS
from mocklend.textfiles import NotPlain, read_yaml
from mocklend.validation import Body, OneOf, Reader, shown

GROUP = "mocklend.scenarios"
SCORE = ("precision", "recall")
"""The numbers that an expected score must have."""


class ScenarioError(ValueError):
    """The text of a scenario is invalid. The message has one line per error, with its place."""


def methods() -> list[str]:
    """The values of `do`: the public methods of the client."""
    return [name for name in dir(Client) if not name.startswith("_") and callable(getattr(Client, name))]


class GuessBody(Body):
    """A question about a step, for those who want to guess before its answer is shown."""

    ask: str = Field(description="The question.")
    hint: str | None = Field(default=None, description="What helps to guess.")


class StepBody(Body):
    """One request of a scenario."""

    who: str | None = Field(default=None, description="The party that acts, or whose view is read.")
    say: str | None = Field(default=None, description="A sentence that is printed before the step.")
    guess: GuessBody | None = Field(default=None, description="A question before the step's answer is shown.")
    do: Annotated[str, OneOf(tuple(methods()))] = Field(description="A method of mocklend.client.Client.")
    arguments: dict[str, Any] | None = Field(
        default=None,
        alias="with",
        description="The method's arguments. `$name.field` is a field of the answer kept under `name`.",
    )
    as_: str | None = Field(
        default=None, alias="as", description="The name under which the answer is kept for later steps."
    )
    shows: str | None = Field(default=None, description="The fields that are printed, separated by blanks.")
    expect: dict[str, Any] | None = Field(
        default=None,
        description="The expected values of the answer's fields, by dotted path; `$name.field` is a field of the "
        "answer kept under `name`.",
    )
    claim: str | None = Field(
        default=None,
        description="One sentence for all of `expect`. Without it, each field is a claim of its own.",
    )
    fails: str | None = Field(
        default=None, description="The step must fail: the code of the problem, `no_answer`, or `any`."
    )

    @model_validator(mode="after")
    def _claims_something(self) -> Self:
        if self.claim is not None and not self.expect:
            raise Invalid(FieldError("claim", "also `expect`, with the values of the claim", self.claim))
        return self


# Made by `create_model`, because `class` is a keyword of Python, and reconcilers and numbers are lists of names.
_BREAK: dict[str, Any] = {
    "class": (Annotated[str, OneOf(tuple(sorted(CLASSES)))], Field(description="The finding class.")),
    "entity": (str, Field(description="The id of the entity that is wrong; mostly `$name.id`.")),
}
BreakBody = create_model("BreakBody", __base__=Body, __doc__="A break.", **_BREAK)

_RECONCILE: dict[str, Any] = {
    name: (list[BreakBody] | None, Field(default=None, description=f"The findings of {name}."))  # type: ignore[valid-type]
    for name in SHIPPED
}
ReconcileBody = create_model("ReconcileBody", __base__=Body, **_RECONCILE)

_NUMBER = Annotated[float | str | None, WithJsonSchema({"type": ["number", "string", "null"]})]
_SCORE: dict[str, Any] = {
    name: (_NUMBER, Field(default=... if name in SCORE else None, description="The number of POST /-/scores."))
    for name in NUMBERS
}
ScoreBody = create_model("ScoreBody", __base__=Body, **_SCORE)

_SCORES: dict[str, Any] = {
    name: (ScoreBody | None, Field(default=None, description=f"The score of {name}.")) for name in SHIPPED
}
ScoresBody = create_model("ScoresBody", __base__=Body, **_SCORES)


class ChapterBody(Body):
    """A part of a scenario, with checks at its end."""

    title: str = Field(description="The chapter's title.")
    story: str = Field(description="What happens in the chapter, in a few sentences.")
    rules: dict[str, dict[str, Any] | None] | None = Field(
        default=None,
        description="Rules that are armed at the chapter's beginning, by their ids; null disarms one.",
    )
    steps: list[StepBody] = Field(description="The requests, in order.")
    lies: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="How many entries of the answer key are open at the chapter's end; 0 by default."
    )
    audit: StrictBool | None = Field(
        default=None,
        description="True: print the answer key and the audit at the chapter's end; they must agree.",
    )
    reconcile: ReconcileBody | None = Field(  # type: ignore[valid-type]
        default=None, description="The exact findings of reconcilers at the chapter's end."
    )


class SandboxBody(Body):
    """Settings of the scenario's sandbox."""

    zone: str | None = Field(
        default=None,
        description="The zone whose midnight ends a business day, by its name in the IANA database.",
    )
    four_eyes_above_minor: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="Edits above this amount, in minor units, need an approver."
    )
    monitoring: dict[str, Any] | None = Field(
        default=None, description="The platform's own monitoring: `enabled`, `tolerance_minor`, `net_by`."
    )


class ScenarioBody(Body):
    """A scenario. `mocklend scenario run FILE` runs it and checks each claim."""

    name: str = Field(description="The scenario's name: lower-case letters, digits and hyphens.")
    title: str = Field(description="The scenario's title.")
    story: str = Field(description="What happens, as you would tell it to a colleague.")
    seed: StrictInt = Field(description="The sandbox's seed. The same seed gives the same ids and the same faults.")
    starts: Annotated[str, Field(json_schema_extra={"format": "date-time"})] = Field(
        description="When the sandbox's clock starts. RFC 3339."
    )
    sandbox: SandboxBody | None = Field(default=None, description="Further settings of the sandbox.")
    chapters: list[ChapterBody] = Field(description="The chapters, in order.")
    expected_score: ScoresBody | None = Field(  # type: ignore[valid-type]
        default=None, description="The score of each reconciler at the end; ratios to three decimals."
    )
    open_end: StrictBool | None = Field(
        default=None, description="True: entries of the answer key may still be open at the end."
    )


SCENARIO = Reader(ScenarioBody)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, as read from its file."""

    name: str
    title: str
    story: str
    seed: int
    starts: str
    chapters: tuple[Mapping[str, Any], ...]
    sandbox: Mapping[str, Any] = field(default_factory=dict)
    expected_score: Mapping[str, Mapping[str, float | str | None]] = field(default_factory=dict)
    open_end: bool = False


def scenarios() -> dict[str, Scenario]:
    """Every installed scenario, by name."""
    by_name = {}
    for entry in entry_points(group=GROUP):
        if find_spec(entry.value.partition(".")[0]) is None:
            continue
        for file in sorted(resources.files(entry.value).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".yaml"):
                scenario = read(file.read_text(encoding="utf-8"), file.name)
                by_name[scenario.name] = scenario
    return dict(sorted(by_name.items()))


def listed(language: Language = Language.EN) -> list[Doc]:
    """The scenarios as `mocklend scenario list` shows them."""
    return [
        {
            "name": scenario.name,
            "title": translate(language, scenario.title),
            "story": translate(language, scenario.story),
        }
        for scenario in scenarios().values()
    ]


def read(text: str, where: str) -> Scenario:
    """Read a scenario from its YAML. Raises ScenarioError, which names the invalid parts."""
    try:
        raw = read_yaml(text)
    except NotPlain as error:
        raise ScenarioError(f"{where}: {error}") from None
    try:
        SCENARIO.parse(raw)
    except Invalid as invalid:
        raise ScenarioError("\n".join(_line(where, error) for error in invalid.errors)) from None
    fields = {name: value for name, value in raw.items() if value is not None}
    return Scenario(**{**fields, "chapters": tuple(fields["chapters"])})


def _line(where: str, error: FieldError) -> str:
    """An error with its place, counted from 1: `chapter 1, step 2, do`."""
    places = [where]
    for part in error.field.split(".") if error.field else ():
        if part.isdigit() and places[-1] in ("chapters", "steps"):
            places[-1] = f"{places[-1].removesuffix('s')} {int(part) + 1}"
        else:
            places.append(part)
    return f"{', '.join(places)}: expected {error.expected}, received {shown(error.received)!r}"
