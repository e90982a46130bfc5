"""The text of a scenario: what its YAML may say, and where files with it are found.

        name, title, story          what it is
        seed, starts                the sandbox that it is told in, on a manual clock
        sandbox                     more about it, if need be: zone, four_eyes_above_minor, monitoring
        chapters:
          - title, story
            rules: {id: rule}       armed as the chapter begins; `null` disarms
            steps:
              - who                 the party that acts, or that is looked at
                say                 a sentence before it
                do, with            a method of `mocklend.client.Client`, and its arguments
                as                  the name under which the answer is kept for later steps
                shows               the fields that are printed
                expect: {field: value}   a field of the answer, or `$name.field` of an earlier one
                claim               the sentence that stands for all of `expect`, which is one claim then
                fails: code         it is refused: the code of the problem, `no_answer`, or `any`
            lies                    how many entries of the answer key are open when the chapter ends; 0 unless given
            audit                   true: the answer key and the audit are shown at the end, and must agree
            reconcile:              what reconcilers must find then, no more and no less
              thorough: [{class, entity}]
        expected_score              of each reconciler, by `POST /-/scores`: {naive: {precision, recall}, thorough: …};
                                    more of NUMBERS may be named; ratios to three decimals
        open_end                    true where lies may still be told at the end

In every value `$name.field` is what that answer had, and `${name.field}` the same in the middle of a text; `$$` is a
dollar sign. A scenario is found through the entry-point group `mocklend.scenarios`, whose values are packages that hold
YAML files.
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
from mocklend.reconcilers.named import SHIPPED
from mocklend.scenarios.looks import NUMBERS
from mocklend.textfiles import NotPlain, read_yaml
from mocklend.validation import Body, OneOf, Reader, shown

GROUP = "mocklend.scenarios"
SCORE = ("precision", "recall")
"""What a score names at least."""


class ScenarioError(ValueError):
    """A scenario that cannot be told: what is wrong with its text, and where, a line each."""


def methods() -> list[str]:
    """What a step can do: the methods of the client."""
    return [name for name in dir(Client) if not name.startswith("_") and callable(getattr(Client, name))]


class StepBody(Body):
    """One thing that somebody does, or looks at."""

    who: str | None = Field(default=None, description="Who acts, or is looked at.")
    say: str | None = Field(default=None, description="A sentence that is printed before it.")
    do: Annotated[str, OneOf(tuple(methods()))] = Field(description="A method of mocklend.client.Client.")
    arguments: dict[str, Any] | None = Field(
        default=None,
        alias="with",
        description="The method's arguments. `$name.field` is what the answer called `name` had.",
    )
    as_: str | None = Field(
        default=None, alias="as", description="The name under which the answer is kept for later steps."
    )
    shows: str | None = Field(default=None, description="The fields that are printed, with blanks between.")
    expect: dict[str, Any] | None = Field(
        default=None,
        description="What fields of the answer must be, by their dotted names; `$name.field` is a field of the answer "
        "called `name`.",
    )
    claim: str | None = Field(
        default=None,
        description="The sentence that is printed for all of `expect`; each field has its own without it.",
    )
    fails: str | None = Field(
        default=None, description="It is refused: the code of the problem, `no_answer`, or `any`."
    )

    @model_validator(mode="after")
    def _claims_something(self) -> Self:
        if self.claim is not None and not self.expect:
            raise Invalid(FieldError("claim", "`expect` beside it, which says what the claim holds", self.claim))
        return self


# `class` is a word of Python's own; the reconcilers and the numbers of a score are known by name only.
_BREAK: dict[str, Any] = {
    "class": (Annotated[str, OneOf(tuple(sorted(CLASSES)))], Field(description="The class of break.")),
    "entity": (str, Field(description="What is wrong, by its id; mostly `$name.id`.")),
}
BreakBody = create_model("BreakBody", __base__=Body, __doc__="A break.", **_BREAK)

_RECONCILE: dict[str, Any] = {
    name: (list[BreakBody] | None, Field(default=None, description=f"What {name} must find."))  # type: ignore[valid-type]
    for name in SHIPPED
}
ReconcileBody = create_model("ReconcileBody", __base__=Body, **_RECONCILE)

_NUMBER = Annotated[float | str | None, WithJsonSchema({"type": ["number", "string", "null"]})]
_SCORE: dict[str, Any] = {
    name: (_NUMBER, Field(default=... if name in SCORE else None, description="As POST /-/scores has it."))
    for name in NUMBERS
}
ScoreBody = create_model("ScoreBody", __base__=Body, **_SCORE)

_SCORES: dict[str, Any] = {
    name: (ScoreBody | None, Field(default=None, description=f"The score of {name}.")) for name in SHIPPED
}
ScoresBody = create_model("ScoresBody", __base__=Body, **_SCORES)


class ChapterBody(Body):
    """One moment of the story."""

    title: str = Field(description="What the chapter is called.")
    story: str = Field(description="What happens in it, in a few sentences.")
    rules: dict[str, dict[str, Any] | None] | None = Field(
        default=None,
        description="Rules that are armed as the chapter begins, by their ids; null disarms one.",
    )
    steps: list[StepBody] = Field(description="What is done, in order.")
    lies: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="How many entries of the answer key are open when the chapter ends; 0 unless given."
    )
    audit: StrictBool | None = Field(
        default=None,
        description="True: the answer key and the audit are shown when the chapter ends, and must agree.",
    )
    reconcile: ReconcileBody | None = Field(  # type: ignore[valid-type]
        default=None, description="What reconcilers must find then, no more and no less."
    )


class SandboxBody(Body):
    """More about the sandbox that it is told in."""

    zone: str | None = Field(
        default=None,
        description="The zone whose midnight ends a business day, by its name in the IANA database.",
    )
    four_eyes_above_minor: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="For larger amounts, in minor units, staff need a second person."
    )
    monitoring: dict[str, Any] | None = Field(
        default=None, description="The platform's own monitoring: `enabled`, `tolerance_minor`, `net_by`."
    )


class ScenarioBody(Body):
    """A story of things going wrong: `mocklend scenario run FILE` tells it and checks each claim."""

    name: str = Field(description="The story's name: small letters, digits and hyphens.")
    title: str = Field(description="What the story is called.")
    story: str = Field(description="What happens, as you would tell it to a colleague.")
    seed: StrictInt = Field(description="The same seed has the same ids and meets the same faults.")
    starts: Annotated[str, Field(json_schema_extra={"format": "date-time"})] = Field(
        description="When the sandbox's clock starts. RFC 3339."
    )
    sandbox: SandboxBody | None = Field(default=None, description="More about the sandbox that it is told in.")
    chapters: list[ChapterBody] = Field(description="The story's moments, in order.")
    expected_score: ScoresBody | None = Field(  # type: ignore[valid-type]
        default=None, description="The score of each reconciler in the end; ratios to three decimals."
    )
    open_end: StrictBool | None = Field(
        default=None, description="True where entries of the answer key may still be open at the end."
    )


SCENARIO = Reader(ScenarioBody)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story, as its file has it."""

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
    """Every scenario that is installed, by name."""
    found = {}
    for entry in entry_points(group=GROUP):
        if find_spec(entry.value.partition(".")[0]) is None:
            continue
        for file in sorted(resources.files(entry.value).iterdir(), key=lambda one: one.name):
            if file.name.endswith(".yaml"):
                scenario = read(file.read_text(encoding="utf-8"), file.name)
                found[scenario.name] = scenario
    return dict(sorted(found.items()))


def listed() -> list[Doc]:
    """The scenarios as `mocklend scenario list` shows them."""
    return [
        {"name": scenario.name, "title": scenario.title, "story": scenario.story} for scenario in scenarios().values()
    ]


def read(text: str, where: str) -> Scenario:
    """A scenario from its YAML. ScenarioError names the part that is wrong."""
    try:
        raw = read_yaml(text)
    except NotPlain as error:
        raise ScenarioError(f"{where}: {error}") from None
    try:
        SCENARIO.parse(raw)
    except Invalid as wrong:
        raise ScenarioError("\n".join(_line(where, error) for error in wrong.errors)) from None
    given = {name: value for name, value in raw.items() if value is not None}
    return Scenario(**{**given, "chapters": tuple(given["chapters"])})


def _line(where: str, error: FieldError) -> str:
    """What is wrong, and where, as a person counts: `chapter 1, step 2, do`."""
    places = [where]
    for part in error.field.split(".") if error.field else ():
        if part.isdigit() and places[-1] in ("chapters", "steps"):
            places[-1] = f"{places[-1].removesuffix('s')} {int(part) + 1}"
        else:
            places.append(part)
    return f"{', '.join(places)}: expected {error.expected}, received {shown(error.received)!r}"
