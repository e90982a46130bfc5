"""Telling a scenario on a platform of its own: arm, do, look, compare. The first claim that does not hold ends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TextIO

import requests

from mocklend import __version__
from mocklend.client import Client, Doc, ProblemError
from mocklend.demo.story import NotAsTold, Story, at
from mocklend.demo.telling import tell
from mocklend.exit_codes import ExitCode
from mocklend.scenarios.looks import Looks
from mocklend.scenarios.text import Scenario

NO_ANSWER, ANY = "no_answer", "any"
_NAMED = re.compile(r"\$\{([^}]*)\}|\$\$")


def run(scenario: Scenario, *, seed: int | None = None, as_json: bool = False, out: TextIO | None = None) -> ExitCode:
    """Tell a scenario on a platform of its own. PASS where everything was as told, FAIL where something was not."""
    chosen = scenario.seed if seed is None else seed

    def begin(story: Story, _url: str) -> None:
        story.begin(scenario.title, scenario.story, version=__version__, seed=chosen)

    return tell(
        begin,
        lambda story: tell_chapters(story, scenario),
        seed=chosen,
        starts=scenario.starts,
        sandbox=scenario.sandbox,
        open_end=scenario.open_end,
        next_command="mocklend scenario list",
        as_json=as_json,
        out=out,
    )


def tell_chapters(story: Story, scenario: Scenario) -> None:
    """Tell what happens, in the sandbox of the story's client. NotAsTold where something is otherwise."""
    kept: dict[str, Any] = {}
    looks = Looks()
    for chapter in scenario.chapters:
        _tell(story, chapter, kept, looks)
    scores = {name: looks.score(story.client, name) for name in looks.findings} if looks.moments else {}
    story.note("scores", scores)
    for name, wanted in scenario.expected_score.items():
        got = scores.get(name, {})
        story.claim(f"{name}: {_said(wanted)}", {number: got.get(number) for number in wanted}, dict(wanted))
    open_lies = story.client.answer_key(status="active")["entries"] if scenario.open_end else ()
    story.audit(*open_lies, all_is_over=not scenario.open_end)


def _tell(story: Story, chapter: Mapping[str, Any], kept: dict[str, Any], looks: Looks) -> None:
    story.scene(chapter["title"], chapter["story"])
    for rule_id, rule in (chapter.get("rules") or {}).items():
        try:
            if rule is None:
                story.client.disarm(rule_id)
            else:
                story.client.put_rule(rule_id, filled(rule, kept))
        except ProblemError as problem:
            raise NotAsTold(f"rule {rule_id}: {problem}") from problem
    for step in chapter["steps"]:
        _step(story, step, kept)
    lies = story.client.answer_key(status="active")["entries"]
    story.claim(f"open lies: {chapter.get('lies', 0)}", len(lies), chapter.get("lies", 0))
    if "reconcile" in chapter:
        now = looks.look(story.client)
        for name, wanted in filled(chapter["reconcile"], kept).items():
            breaks = sorted((one["class"], one["entity"]) for one in wanted)
            said = ", ".join(f"{finding_class} on {entity}" for finding_class, entity in breaks)
            story.claim(f"{name} finds {said or 'nothing'}", now[name], breaks)


def _step(story: Story, step: Mapping[str, Any], kept: dict[str, Any]) -> None:
    if "say" in step:
        story.say(step["say"])
    who = f"{step['who']}: " if "who" in step else ""
    answer, failed = asked(story.client, step, filled(step.get("with") or {}, kept))
    if "as" in step:
        kept[step["as"]] = answer
    if failed != NO_ANSWER:
        story.party(step.get("who"), answer, step.get("shows") or "")
    if step.get("fails") != ANY:
        wanted = step.get("fails")
        if wanted or failed:
            story.claim(f"{who}{step['do']} fails: {wanted}", failed, wanted)
    for field, wanted in (step.get("expect") or {}).items():
        value = filled(wanted, kept)
        story.claim(f"{who}{field} is {value}", at(answer, field), value)


def asked(client: Client, step: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[Doc, str | None]:
    """The answer of a step, and how it failed. A problem is an answer too; where none comes there is nothing in it."""
    try:
        answer = getattr(client, step["do"])(**arguments)
    except ProblemError as problem:
        if "fails" not in step:
            raise NotAsTold(f"{step['do']}: {problem}") from problem
        return problem.document, problem.code
    except requests.RequestException as silence:
        if "fails" not in step:
            raise NotAsTold(f"{step['do']}: no answer: {type(silence).__name__}") from silence
        return {}, NO_ANSWER
    except (TypeError, ValueError, AttributeError, LookupError) as wrong:
        raise NotAsTold(f"{step['do']}: {wrong}") from wrong
    return answer if isinstance(answer, dict) else {}, None


def filled(raw: Any, kept: Mapping[str, Any]) -> Any:
    """A value with every `$name.field` replaced by what that answer had."""
    if isinstance(raw, str):
        if raw.startswith("$") and not raw.startswith(("$$", "${")):
            return _kept(raw[1:], kept)
        return _NAMED.sub(lambda found: "$" if found[1] is None else str(_kept(found[1], kept)), raw)
    if isinstance(raw, dict):
        return {key: filled(value, kept) for key, value in raw.items()}
    if isinstance(raw, list):
        return [filled(value, kept) for value in raw]
    return raw


def _kept(named: str, kept: Mapping[str, Any]) -> Any:
    name, _, path = named.partition(".")
    if name not in kept:
        raise NotAsTold(f"${named}: no step has kept anything as {name!r}")
    return at(kept[name], path) if path else kept[name]


def _said(score: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'none' if value is None else value}" for name, value in score.items())
