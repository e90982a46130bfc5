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
from dataclasses import MISSING, dataclass, field, fields
from importlib import resources
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from mocklend.client import Client, Doc
from mocklend.domain.names import did_you_mean
from mocklend.reconcilers.named import SHIPPED
from mocklend.scenarios.looks import NUMBERS
from mocklend.textfiles import NotPlain, read_yaml

GROUP = "mocklend.scenarios"
CHAPTER = {"title", "story", "rules", "steps", "lies", "audit", "reconcile"}
STEP = {"who", "say", "do", "with", "as", "shows", "expect", "claim", "fails"}
SANDBOX = {"zone", "four_eyes_above_minor", "monitoring"}
SCORE = {"precision", "recall"}
"""What a score names at least."""


class ScenarioError(ValueError):
    """A scenario that cannot be told: what is wrong with its text, and where."""


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
    known = {one.name for one in fields(Scenario)}
    needed = {one.name for one in fields(Scenario) if one.default is MISSING and one.default_factory is MISSING}
    _only(raw, known, where, needed=needed)
    _typed(raw, {"name": str, "title": str, "story": str, "seed": int, "starts": str, "open_end": bool}, where)
    _only(raw.get("sandbox", {}), SANDBOX, f"{where}, sandbox")
    _scores(raw.get("expected_score", {}), f"{where}, expected_score")
    for number, chapter in enumerate(_several(raw["chapters"], f"{where}, chapters"), 1):
        at = f"{where}, chapter {number}"
        _only(chapter, CHAPTER, at, needed={"title", "story", "steps"})
        _typed(chapter, {"title": str, "story": str, "rules": dict, "lies": int, "audit": bool}, at)
        _reconcilers(chapter.get("reconcile", {}), f"{at}, reconcile")
        for n, step in enumerate(_several(chapter["steps"], f"{at}, steps"), 1):
            _only(step, STEP, f"{at}, step {n}", needed={"do"})
            texts = dict.fromkeys(("who", "say", "do", "as", "shows", "claim", "fails"), str)
            _typed(step, {**texts, "with": dict, "expect": dict}, f"{at}, step {n}")
            if "claim" in step and not step.get("expect"):
                raise ScenarioError(f"{at}, step {n}: a claim says what `expect` holds, and there is none")
            if str(step["do"]).startswith("_") or not callable(getattr(Client, str(step["do"]), None)):
                raise ScenarioError(
                    f"{at}, step {n}: the client cannot {step['do']!r}{did_you_mean(step['do'], methods())}"
                )
    return Scenario(**{**raw, "chapters": tuple(raw["chapters"])})


def methods() -> list[str]:
    """What a step can do: the methods of the client."""
    return [name for name in dir(Client) if not name.startswith("_") and callable(getattr(Client, name))]


def _only(raw: Any, known: set[str], where: str, *, needed: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    if not isinstance(raw, dict):
        raise ScenarioError(f"{where}: expected a mapping")
    if unknown := sorted(str(name) for name in set(raw) - known):
        meant = did_you_mean(unknown[0], known)
        raise ScenarioError(f"{where}: unknown {', '.join(unknown)}; known: {', '.join(sorted(known))}{meant}")
    if missing := sorted(needed - set(raw)):
        raise ScenarioError(f"{where}: {', '.join(missing)} missing")


def _typed(raw: Mapping[str, Any], kinds: Mapping[str, type], where: str) -> None:
    """What is there is of its kind; null is as if it were not there."""
    for name, kind in kinds.items():
        value = raw.get(name)
        if value is not None and (not isinstance(value, kind) or (kind is int and value is True)):
            called = {str: "a text", int: "a whole number", bool: "true or false", dict: "a mapping"}[kind]
            raise ScenarioError(f"{where}, {name}: expected {called}, received {str(value)[:80]!r}")


def _several(raw: Any, where: str) -> list[Any]:
    if not isinstance(raw, list):
        raise ScenarioError(f"{where}: expected a list")
    return raw


def _reconcilers(raw: Any, where: str) -> None:
    _only(raw, set(SHIPPED), where)
    for name, found in raw.items():
        for one in _several(found, f"{where}, {name}"):
            _only(one, {"class", "entity"}, f"{where}, {name}", needed={"class", "entity"})


def _scores(raw: Any, where: str) -> None:
    _only(raw, set(SHIPPED), where)
    for name, score in raw.items():
        _only(score, set(NUMBERS), f"{where}, {name}", needed=SCORE)
