"""Telling a scenario in a sandbox of its own: arm, do, look, compare. The first claim that does not hold ends it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from io import TextIOWrapper
from typing import Any, TextIO

import requests

from mocklend import __version__
from mocklend.client import Client, Doc, ProblemError, numbered_keys
from mocklend.exit_codes import ExitCode
from mocklend.local import local_platform
from mocklend.scenarios.looks import Looks
from mocklend.scenarios.narrator import Narrator, NotAsTold, at
from mocklend.scenarios.text import Scenario

NO_ANSWER, ANY = "no_answer", "any"
_NAMED = re.compile(r"\$\{([^}]*)\}|\$\$")


def run(scenario: Scenario, *, seed: int | None = None, as_json: bool = False, out: TextIO | None = None) -> ExitCode:
    """Tell a scenario on a platform of its own. PASS where everything was as told, FAIL where something was not."""
    out = plain(out)
    narrator = Narrator(None if as_json else out)
    with local_platform() as url:
        tell(narrator, url, scenario, seed=seed)
    if as_json:
        print(json.dumps(narrator.to_json(), indent=2, ensure_ascii=False), file=out)
    elif narrator.as_told:
        narrator.end(narrator.count, "mocklend scenario list")
    return ExitCode.PASS if narrator.as_told else ExitCode.FAIL


def plain(out: TextIO | None) -> TextIO:
    """Where a story is printed. A terminal may lack an arrow."""
    out = out or sys.stdout
    if isinstance(out, TextIOWrapper):
        out.reconfigure(errors="replace")
    return out


def tell(narrator: Narrator, url: str, scenario: Scenario, *, seed: int | None = None) -> bool:
    """Tell a scenario on the platform at this address, in a sandbox of its own. Returns whether it was as told."""
    chosen = scenario.seed if seed is None else seed
    narrator.begin(scenario.title, scenario.story, version=__version__, seed=chosen)
    with Client(url) as anyone:
        anyone.on_exchange = narrator.hear
        narrator.client = anyone.sandbox(seed=chosen, now=scenario.starts, **scenario.sandbox)
        narrator.client.next_key = numbered_keys()
        try:
            if not anyone.health()["layer"]:
                raise NotAsTold("there is no fault layer here, so there are no lies to tell: install mocklend_faults")
            tell_chapters(narrator, scenario)
            narrator.close(open_end=scenario.open_end)
        except NotAsTold as surprise:
            narrator.surprise(surprise)
        finally:
            narrator.client.close()
    return narrator.as_told


def tell_chapters(narrator: Narrator, scenario: Scenario) -> None:
    """Tell what happens, in the sandbox of the narrator's client. NotAsTold where something is otherwise."""
    kept: dict[str, Any] = {}
    looks = Looks()
    for chapter in scenario.chapters:
        _tell(narrator, chapter, kept, looks)
    scores = {name: looks.score(narrator.client, name) for name in looks.findings} if looks.moments else {}
    narrator.note("scores", scores)
    for name, wanted in scenario.expected_score.items():
        got = scores.get(name, {})
        narrator.claim(f"{name}: {_said(wanted)}", {number: got.get(number) for number in wanted}, dict(wanted))
    if not scenario.chapters[-1].get("audit"):
        open_lies = narrator.client.answer_key(status="active")["entries"] if scenario.open_end else ()
        narrator.audit(*open_lies, all_is_over=not scenario.open_end)


def _tell(narrator: Narrator, chapter: Mapping[str, Any], kept: dict[str, Any], looks: Looks) -> None:
    narrator.scene(chapter["title"], chapter["story"])
    for rule_id, rule in (chapter.get("rules") or {}).items():
        try:
            if rule is None:
                narrator.client.disarm(rule_id)
            else:
                narrator.client.put_rule(rule_id, filled(rule, kept))
        except ProblemError as problem:
            raise NotAsTold(f"rule {rule_id}: {problem}") from problem
    for step in chapter["steps"]:
        _step(narrator, step, kept)
    if chapter.get("audit"):
        narrator.audit(*narrator.answer_key())
    lies = narrator.client.answer_key(status="active")["entries"]
    narrator.claim(f"open lies: {chapter.get('lies', 0)}", len(lies), chapter.get("lies", 0))
    if "reconcile" in chapter:
        now = looks.look(narrator.client)
        for name, wanted in filled(chapter["reconcile"], kept).items():
            breaks = sorted((one["class"], one["entity"]) for one in wanted)
            said = ", ".join(f"{finding_class} on {entity}" for finding_class, entity in breaks)
            narrator.claim(f"{name} finds {said or 'nothing'}", now[name], breaks)


def _step(narrator: Narrator, step: Mapping[str, Any], kept: dict[str, Any]) -> None:
    if "say" in step:
        narrator.say(step["say"])
    who = f"{step['who']}: " if "who" in step else ""
    answer, failed = asked(narrator.client, step, filled(step.get("with") or {}, kept))
    if "as" in step:
        kept[step["as"]] = answer
    if failed != NO_ANSWER:
        narrator.party(step.get("who"), answer, step.get("shows") or "")
    if step.get("fails") != ANY:
        problem = step.get("fails")
        if problem or failed:
            narrator.claim(f"{who}{step['do']} fails: {problem}", failed, problem)
    wanted = filled(step.get("expect") or {}, kept)
    got = {field: _kept(field[1:], kept) if field.startswith("$") else at(answer, field) for field in wanted}
    if "claim" in step:
        narrator.claim(filled(step["claim"], kept), got, wanted)
    else:
        for field, value in wanted.items():
            narrator.claim(f"{who}{field} is {value}", got[field], value)


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
