"""Runs a scenario in a new sandbox: arms rules, makes requests, checks claims. The first claim that fails ends it."""

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
from mocklend.scenarios.checks import CheckRun
from mocklend.scenarios.narrator import Narrator, NotAsTold, at
from mocklend.scenarios.text import Scenario

NO_ANSWER, ANY = "no_answer", "any"
_NAMED = re.compile(r"\$\{([^}]*)\}|\$\$")


def run(scenario: Scenario, *, seed: int | None = None, as_json: bool = False, out: TextIO | None = None) -> ExitCode:
    """Run a scenario on a new local platform. Returns PASS if every claim holds, else FAIL."""
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
    """The stream to print to. Characters that the terminal's encoding lacks are replaced."""
    out = out or sys.stdout
    if isinstance(out, TextIOWrapper):
        out.reconfigure(errors="replace")
    return out


def tell(narrator: Narrator, url: str, scenario: Scenario, *, seed: int | None = None) -> bool:
    """Run a scenario on the platform at this URL, in a new sandbox. Returns whether every claim holds."""
    actual_seed = scenario.seed if seed is None else seed
    narrator.begin(scenario.title, scenario.story, version=__version__, seed=actual_seed)
    with Client(url) as anyone:
        anyone.on_exchange = narrator.hear
        narrator.client = anyone.sandbox(seed=actual_seed, now=scenario.starts, **scenario.sandbox)
        narrator.client.next_key = numbered_keys()
        try:
            if not anyone.health()["layer"]:
                raise NotAsTold("this platform has no fault layer: install mocklend_faults")
            tell_chapters(narrator, scenario)
            narrator.close(open_end=scenario.open_end)
        except NotAsTold as failure:
            narrator.surprise(failure)
        finally:
            narrator.client.close()
    return narrator.as_told


def tell_chapters(narrator: Narrator, scenario: Scenario) -> None:
    """Run the chapters in the sandbox of the narrator's client. Raises NotAsTold if a claim fails."""
    kept: dict[str, Any] = {}
    checks = CheckRun()
    for chapter in scenario.chapters:
        _tell(narrator, chapter, kept, checks)
    scores = {name: checks.score(narrator.client, name) for name in checks.findings} if checks.moments else {}
    narrator.note("scores", scores)
    for name, expected in scenario.expected_score.items():
        got = scores.get(name, {})
        narrator.claim(f"{name}: {_listed(expected)}", {number: got.get(number) for number in expected}, dict(expected))
    if not scenario.chapters[-1].get("audit"):
        open_lies = narrator.client.answer_key(status="active")["entries"] if scenario.open_end else ()
        narrator.audit(*open_lies, all_is_over=not scenario.open_end)


def _tell(narrator: Narrator, chapter: Mapping[str, Any], kept: dict[str, Any], checks: CheckRun) -> None:
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
        found_by = checks.check(narrator.client)
        for name, expected in filled(chapter["reconcile"], kept).items():
            breaks = sorted((finding["class"], finding["entity"]) for finding in expected)
            text = ", ".join(f"{finding_class} on {entity}" for finding_class, entity in breaks)
            narrator.claim(f"{name} finds {text or 'nothing'}", found_by[name], breaks)


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
    expected = filled(step.get("expect") or {}, kept)
    got = {field: _kept(field[1:], kept) if field.startswith("$") else at(answer, field) for field in expected}
    if "claim" in step:
        narrator.claim(filled(step["claim"], kept), got, expected)
    else:
        for field, value in expected.items():
            narrator.claim(f"{who}{field} is {value}", got[field], value)


def asked(client: Client, step: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[Doc, str | None]:
    """The answer of a step, and the code of its failure or None. A problem document counts as an answer.

    Raises NotAsTold if the step fails and the scenario does not expect it.
    """
    try:
        answer = getattr(client, step["do"])(**arguments)
    except ProblemError as problem:
        if "fails" not in step:
            raise NotAsTold(f"{step['do']}: {problem}") from problem
        return problem.document, problem.code
    except requests.RequestException as error:
        if "fails" not in step:
            raise NotAsTold(f"{step['do']}: no answer: {type(error).__name__}") from error
        return {}, NO_ANSWER
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise NotAsTold(f"{step['do']}: {error}") from error
    return answer if isinstance(answer, dict) else {}, None


def filled(raw: Any, kept: Mapping[str, Any]) -> Any:
    """A value in which every `$name.field` is replaced by that field of the kept answer."""
    if isinstance(raw, str):
        if raw.startswith("$") and not raw.startswith(("$$", "${")):
            return _kept(raw[1:], kept)
        return _NAMED.sub(lambda match: "$" if match[1] is None else str(_kept(match[1], kept)), raw)
    if isinstance(raw, dict):
        return {key: filled(value, kept) for key, value in raw.items()}
    if isinstance(raw, list):
        return [filled(value, kept) for value in raw]
    return raw


def _kept(reference: str, kept: Mapping[str, Any]) -> Any:
    name, _, path = reference.partition(".")
    if name not in kept:
        raise NotAsTold(f"${reference}: no earlier step has `as: {name}`")
    return at(kept[name], path) if path else kept[name]


def _listed(score: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'none' if value is None else value}" for name, value in score.items())
