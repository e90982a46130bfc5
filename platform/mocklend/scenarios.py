"""Scenarios: a story in YAML, told with the platform's real requests and answers, each claim checked.

        name, title, story          what it is
        seed, starts                the sandbox that it is told in, on a manual clock
        chapters:
          - title, story
            rules: {id: rule}       armed as the chapter begins; `null` disarms
            steps:
              - who                 the party that acts, or that is looked at
                say                 a sentence before it
                do, with            a method of `mocklend.client.Client`, and its arguments
                as                  the name under which the answer is kept: later steps say `$name.field`
                shows               the fields that are printed
                expect: {field: value}
            lies                    how many entries of the answer key are open when the chapter ends

A scenario is found through the entry-point group `mocklend.scenarios`, whose values are packages that hold YAML files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any, TextIO

import yaml  # type: ignore[import-untyped]

from mocklend import __version__
from mocklend.client import Client, Doc
from mocklend.demo.story import NotAsTold, Story
from mocklend.demo.telling import tell

GROUP = "mocklend.scenarios"
CHAPTER = {"title", "story", "rules", "steps", "lies"}
STEP = {"who", "say", "do", "with", "as", "shows", "expect"}


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


def read(text: str, where: str) -> Scenario:
    """A scenario from its YAML. ScenarioError names the part that is wrong."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScenarioError(f"{where}: {error}") from None
    if not isinstance(raw, dict):
        raise ScenarioError(f"{where}: expected a mapping")
    fields = set(Scenario.__dataclass_fields__)
    _only(raw, fields, where, needed=fields)
    for number, chapter in enumerate(raw["chapters"], 1):
        at = f"{where}, chapter {number}"
        _only(chapter, CHAPTER, at, needed={"title", "story", "steps"})
        for n, step in enumerate(chapter["steps"], 1):
            _only(step, STEP, f"{at}, step {n}", needed={"do"})
            if step["do"].startswith("_") or not callable(getattr(Client, step["do"], None)):
                raise ScenarioError(f"{at}, step {n}: the client cannot {step['do']!r}")
    return Scenario(**{**raw, "chapters": tuple(raw["chapters"])})


def _only(raw: Any, known: set[str], where: str, *, needed: set[str]) -> None:
    if not isinstance(raw, dict):
        raise ScenarioError(f"{where}: expected a mapping")
    if unknown := sorted(set(raw) - known):
        raise ScenarioError(f"{where}: unknown {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    if missing := sorted(needed - set(raw)):
        raise ScenarioError(f"{where}: {', '.join(missing)} missing")


def run(scenario: Scenario, *, seed: int | None = None, as_json: bool = False, out: TextIO | None = None) -> int:
    """Tell a scenario on a platform of its own. 0 where everything was as told, 1 where something was not."""
    chosen = scenario.seed if seed is None else seed

    def begin(story: Story, _url: str) -> None:
        story.begin(scenario.title, scenario.story, version=__version__, seed=chosen)

    def chapters(story: Story) -> None:
        kept: dict[str, Any] = {}
        for chapter in scenario.chapters:
            _tell(story, chapter, kept)
        story.audit()

    return tell(
        begin,
        chapters,
        seed=chosen,
        starts=scenario.starts,
        next_command="mocklend scenario list",
        as_json=as_json,
        out=out,
    )


def _tell(story: Story, chapter: Mapping[str, Any], kept: dict[str, Any]) -> None:
    story.scene(chapter["title"], chapter["story"])
    for rule_id, rule in (chapter.get("rules") or {}).items():
        if rule is None:
            story.client.disarm(rule_id)
        else:
            story.client.put_rule(rule_id, _filled(rule, kept))
    for step in chapter["steps"]:
        if "say" in step:
            story.say(step["say"])
        answer = getattr(story.client, step["do"])(**_filled(step.get("with") or {}, kept))
        answer = answer or {}
        if "as" in step:
            kept[step["as"]] = answer
        story.party(step.get("who"), answer, step.get("shows") or "")
        for field, wanted in (step.get("expect") or {}).items():
            who = f"{step['who']}: " if "who" in step else ""
            value = _filled(wanted, kept)
            story.claim(f"{who}{field} is {value}", _at(answer, field), value)
    lies = story.client.answer_key(status="active")["entries"]
    story.claim(f"open lies: {chapter.get('lies', 0)}", len(lies), chapter.get("lies", 0))


def _filled(raw: Any, kept: Mapping[str, Any]) -> Any:
    """A value with every `$name.field` replaced by what that answer had."""
    if isinstance(raw, str) and raw.startswith("$"):
        name, _, path = raw[1:].partition(".")
        if name not in kept:
            raise NotAsTold(f"{raw}: no step has kept anything as {name!r}")
        return _at(kept[name], path) if path else kept[name]
    if isinstance(raw, dict):
        return {key: _filled(value, kept) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_filled(value, kept) for value in raw]
    return raw


def _at(answer: Any, path: str) -> Any:
    """The value at a dotted path; numbers count through lists."""
    for part in _parts(path):
        try:
            answer = answer[int(part)] if isinstance(answer, list) else answer[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise NotAsTold(f"nothing is at {path!r} of the answer") from None
    return answer


def _parts(path: str) -> Iterator[str]:
    yield from path.split(".")


def listed() -> list[Doc]:
    """The scenarios as `mocklend scenario list` shows them."""
    return [{"name": one.name, "title": one.title, "story": one.story} for one in scenarios().values()]
