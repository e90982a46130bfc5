"""A run of a scenario that stops after each step, and goes on later, also in another process.

        Play(scenario, narrator) ── step() ──▶ lines, claims, findings ── state() ──▶ JSON
        Play(scenario, narrator, state) ◀───────────────────────────────────────────────┘

A chapter's rules are armed before its first step; its checks are made after its last one. The end of the scenario, with
its scores, belongs to the last step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from mocklend.client import Doc, ProblemError
from mocklend.scenarios.checks import CheckRun
from mocklend.scenarios.narrator import Narrator, NotAsTold, at
from mocklend.scenarios.steps import ANY, NO_ANSWER, asked, filled, kept_value
from mocklend.scenarios.text import Scenario

SPOKEN = ("name", "payer_name", "memo")
"""The arguments of calls that are in the language of the run: names of people, and their reasons."""


class Move(NamedTuple):
    """One step of a scenario, with what comes before and after it. `step` is None in a chapter without steps."""

    chapter: int
    step: Mapping[str, Any] | None
    opens: bool
    closes: bool


def moves_of(scenario: Scenario) -> tuple[Move, ...]:
    """The steps of a scenario, in order."""
    return tuple(_moves(scenario))


def _moves(scenario: Scenario) -> Iterator[Move]:
    for n, chapter in enumerate(scenario.chapters):
        steps = chapter["steps"] or [None]
        for place, step in enumerate(steps):
            yield Move(n, step, opens=place == 0, closes=place == len(steps) - 1)


@dataclass(slots=True)
class Line:
    """What a step has shown: who, which call with which arguments, the answer, and how many claims it made."""

    chapter: int
    who: str | None
    do: str
    arguments: Doc
    answer: Doc
    failed: str | None
    claims: int


class NumberedKeys:
    """Idempotency keys `call-1`, `call-2`, …, as `client.numbered_keys`, which say how many were used."""

    def __init__(self, used: int = 0) -> None:
        self.used = used

    def __call__(self) -> str:
        self.used += 1
        return f"call-{self.used}"


class Play:
    """A run of a scenario in the sandbox of the narrator's client. `state` is that of an earlier Play of it."""

    def __init__(self, scenario: Scenario, narrator: Narrator, state: Doc | None = None) -> None:
        self.scenario, self.narrator = scenario, narrator
        self.moves = moves_of(scenario)
        state = state or {}
        self.position: int = state.get("position", 0)
        self.lines: list[Line] = [Line(**line) for line in state.get("lines", ())]
        self.found: dict[str, dict[str, list[Doc]]] = state.get("found", {})
        """By the number of the chapter at whose end it was checked: the findings of each reconciler."""
        self.open_lies: dict[str, int] = state.get("open_lies", {})
        """By the number of the chapter: how many entries of the answer key were open at its end."""
        self._kept: dict[str, Any] = state.get("kept", {})
        self._checks = CheckRun(state["moments"], state["findings"]) if "moments" in state else CheckRun()
        self._keys = NumberedKeys(state.get("keys", 0))
        narrator.client.next_key = self._keys
        if "narrator" in state:
            narrator.restore(state["narrator"])

    @property
    def is_over(self) -> bool:
        """Whether every step was carried out."""
        return self.position >= len(self.moves)

    def state(self) -> Doc:
        """The run as JSON, from which another Play goes on."""
        return {
            "position": self.position,
            "lines": [asdict(line) for line in self.lines],
            "found": self.found,
            "open_lies": self.open_lies,
            "kept": self._kept,
            "moments": self._checks.moments,
            "findings": self._checks.findings,
            "keys": self._keys.used,
            "narrator": self.narrator.state(),
        }

    def step(self) -> None:
        """Carry out the next step. Raises NotAsTold if a claim fails."""
        move = self.moves[self.position]
        chapter = self.scenario.chapters[move.chapter]
        if move.opens:
            self._open(chapter)
        if move.step is not None:
            self._ask(move.chapter, move.step)
        if move.closes:
            self._close(move.chapter, chapter)
        if self.position == len(self.moves) - 1:
            self._end()
        self.position += 1

    def _open(self, chapter: Mapping[str, Any]) -> None:
        narrator = self.narrator
        narrator.scene(chapter["title"], chapter["story"])
        for rule_id, rule in (chapter.get("rules") or {}).items():
            try:
                if rule is None:
                    narrator.client.disarm(rule_id)
                else:
                    narrator.client.put_rule(rule_id, filled(rule, self._kept))
            except ProblemError as problem:
                raise NotAsTold(f"rule {rule_id}: {problem}") from problem

    def _ask(self, chapter: int, step: Mapping[str, Any]) -> None:
        narrator, kept = self.narrator, self._kept
        if "say" in step:
            narrator.say(step["say"])
        arguments = self._spoken(filled(step.get("with") or {}, kept))
        answer, failed = asked(narrator.client, step, arguments)
        line = Line(chapter, step.get("who"), step["do"], arguments, answer, failed, narrator.claims)
        self.lines.append(line)
        if "as" in step:
            kept[step["as"]] = answer
        if failed != NO_ANSWER:
            narrator.party(step.get("who"), answer, step.get("shows") or "")
        if step.get("fails") != ANY:
            problem = step.get("fails")
            if problem or failed:
                self._claim(step, "{call} fails: {problem}", failed, problem, call=step["do"], problem=problem)
        expected = filled(step.get("expect") or {}, kept)
        got = {field: kept_value(field[1:], kept) if field.startswith("$") else at(answer, field) for field in expected}
        if "claim" in step:
            narrator.claim(filled(narrator.translated(step["claim"]), kept), got, expected)
        else:
            for field, value in expected.items():
                said = narrator.translated(", ").join(map(str, value)) if isinstance(value, list) else value
                self._claim(step, "{field} is {value}", got[field], value, field=field, value=said)
        line.claims = narrator.claims - line.claims

    def _claim(self, step: Mapping[str, Any], text: str, got: Any, expected: Any, **values: object) -> None:
        """Check a claim about what the step's party sees."""
        if "who" in step:
            text, values = f"{{who}}: {text}", {"who": self.narrator.translated(step["who"]), **values}
        self.narrator.claim(text, got, expected, **values)

    def _spoken(self, arguments: Doc) -> Doc:
        """Arguments with names and memos in the narrator's language."""
        spoken = {name: arguments[name] for name in SPOKEN if isinstance(arguments.get(name), str)}
        return arguments | {name: self.narrator.translated(text) for name, text in spoken.items()}

    def _close(self, number: int, chapter: Mapping[str, Any]) -> None:
        narrator = self.narrator
        if chapter.get("audit"):
            narrator.audit(*narrator.answer_key())
        lies = narrator.client.answer_key(status="active")["entries"]
        self.open_lies[str(number)] = len(lies)
        expected_lies = chapter.get("lies", 0)
        narrator.claim("open lies: {count}", len(lies), expected_lies, count=expected_lies)
        if "reconcile" not in chapter:
            return
        found_by = self._checks.check(narrator.client)
        self.found[str(number)] = self._checks.newest()
        for name, expected in filled(chapter["reconcile"], self._kept).items():
            breaks = sorted((finding["class"], finding["entity"]) for finding in expected)
            each = "{finding_class} on {entity}"
            found = [narrator.translated(each, finding_class=on[0], entity=on[1]) for on in breaks]
            text = narrator.translated(", ").join(found) or narrator.translated("nothing")
            narrator.claim("{name} finds {findings}", found_by[name], breaks, name=name, findings=text)

    def _end(self) -> None:
        narrator, checks, scenario = self.narrator, self._checks, self.scenario
        scores = {name: checks.score(narrator.client, name) for name in checks.findings} if checks.moments else {}
        narrator.note("scores", scores)
        for name, expected in scenario.expected_score.items():
            got = scores.get(name, {})
            numbers = {number: got.get(number) for number in expected}
            narrator.claim("{name}: {numbers}", numbers, dict(expected), name=name, numbers=_listed(expected))
        if not scenario.chapters[-1].get("audit"):
            open_lies = narrator.client.answer_key(status="active")["entries"] if scenario.open_end else ()
            narrator.audit(*open_lies, all_is_over=not scenario.open_end)


def _listed(score: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'-' if value is None else value}" for name, value in score.items())
