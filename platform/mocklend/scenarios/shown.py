"""A run of a scenario as its readers see it, made from its state. A server starts without it: see `scenarios.runs`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mocklend.language import Language, translate
from mocklend.scenarios.chain import BelievedRow
from mocklend.scenarios.documents import (
    DONE,
    FAILED,
    NEXT,
    NOW,
    OVER,
    RUNNING,
    BelieverDoc,
    ClaimDoc,
    FindersDoc,
    GuessDoc,
    LineDoc,
    ListedScenario,
    NextStep,
    PlayedChapter,
    RunDoc,
)
from mocklend.scenarios.play import Line, moves_of
from mocklend.scenarios.runs import Run, shipped
from mocklend.scenarios.text import Scenario
from mocklend.scenarios.words import party, sentence

BELIEVERS = ("trade", "receipts", "repayment", "books", "loan", "callback", "credit_report", "credit_score", "apply")
"""The calls that show what somebody believes, in the order of the chain from the channel to the lender."""


def listed_doc(language: Language) -> list[ListedScenario]:
    """The installed scenarios."""
    return [_listed(language, scenario) for scenario in shipped().values()]


def _listed(language: Language, scenario: Scenario) -> ListedScenario:
    return {
        "name": scenario.name,
        "title": translate(language, scenario.title),
        "story": translate(language, scenario.story),
        "seed": scenario.seed,
        "starts": scenario.starts,
        "chapters": [translate(language, chapter["title"]) for chapter in scenario.chapters],
        "steps": len(moves_of(scenario)),
    }


def at_step(run: Run, step: int) -> Run:
    """A run as it was after so many steps; it is at a later one."""
    state, moves = run.state, moves_of(run.scenario)
    asked = sum(move.step is not None for move in moves[:step])
    lines = state["lines"][:asked]
    closed = {move.chapter for move in moves[:step] if move.closes}
    scenes = []
    for n, scene in enumerate(state["narrator"]["scenes"]):
        if n in {move.chapter for move in moves[:step]}:
            made = sum(line["claims"] for line in lines if line["chapter"] == n)
            scenes.append(scene if n in closed else {**scene, "claims": scene["claims"][:made]})
    earlier = {
        **state,
        "position": step,
        "failed": None,
        "lines": lines,
        "found": {n: found for n, found in state["found"].items() if int(n) in closed},
        "open_lies": {n: count for n, count in state.get("open_lies", {}).items() if int(n) in closed},
        "narrator": {**state["narrator"], "scenes": scenes},
    }
    return Run(run.sandbox_id, run.seed, run.zone, run.scenario, run.language, earlier)


def believed_at(run: Run, step: int) -> list[BelievedRow]:
    """Who believed what after so many steps of a run."""
    beliefs: Mapping[str, Iterable[Iterable[Any]]] = run.state.get("beliefs", {})
    known = [int(n) for n in beliefs if int(n) <= step]
    return [BelievedRow(*row) for row in beliefs[str(max(known))]] if known else []


def run_doc(run: Run, language: Language | None = None) -> RunDoc:
    """A run as JSON, in its own language or in another one."""
    language = language or run.language
    scenario, state = run.scenario, run.state
    position, moves = state["position"], moves_of(scenario)
    said = list(_lines(run, language))
    told = state["narrator"]["scenes"]
    now = moves[min(position, len(moves) - 1)].chapter
    chapters: list[PlayedChapter] = [
        {
            "title": translate(language, chapter["title"]),
            "story": translate(language, chapter["story"]) if n <= now else "",
            "state": _state(n, now, is_over=position == len(moves)),
            "lines": [line for at, line in said if at.chapter == n],
            "claims": _claims(told[n]["claims"]) if n < len(told) else [],
            "found": _found(state["found"].get(str(n), {})),
            "open_lies": state.get("open_lies", {}).get(str(n)),
        }
        for n, chapter in enumerate(scenario.chapters)
    ]
    return {
        "scenario": scenario.name,
        "title": translate(language, scenario.title),
        "story": translate(language, scenario.story),
        "language": language,
        "sandbox_id": run.sandbox_id,
        "seed": run.seed,
        "state": FAILED if run.failed else OVER if position == len(moves) else RUNNING,
        "failed": run.failed,
        "step": position,
        "steps": len(moves),
        "chapters": chapters,
        "believes": _believes(said),
        "next": None if run.failed or position == len(moves) else _next(run, language, said),
    }


def _state(chapter: int, now: int, *, is_over: bool) -> str:
    if chapter < now or is_over:
        return DONE
    return NOW if chapter == now else NEXT


def _lines(run: Run, language: Language) -> Iterator[tuple[Line, LineDoc]]:
    """The lines so far, each with its document."""
    before, currency = "", None
    asked = [(n, move.step) for n, move in enumerate(moves_of(run.scenario), 1) if move.step is not None]
    for (n, step), raw in zip(asked, run.state["lines"], strict=False):
        line = Line(**raw)
        if line.do == "borrow" and line.failed is None:
            currency = line.answer.get("currency", currency)
        text, detail = sentence(language, run.zone, line.do, line.answer, line.failed, currency)
        before = party(language, line.who, line.do, before)
        yield (
            line,
            {
                "step": n,
                "who": before,
                "do": line.do,
                "narration": translate(language, step["say"]) if "say" in step else "",
                "text": text,
                "detail": detail,
            },
        )


def _believes(said: Iterable[tuple[Line, LineDoc]]) -> list[BelieverDoc]:
    """The newest line of each party whose view was read, in the order of the chain."""
    lines = [(line, doc) for line, doc in said if line.do in BELIEVERS]
    newest: dict[str, tuple[Line, LineDoc, bool]] = {}
    for line, doc in lines:
        before = newest.get(doc["who"])
        newest[doc["who"]] = (line, doc, before is not None and before[1]["text"] != doc["text"])
    chapter = max((line.chapter for line, _ in lines), default=0)
    in_order = sorted(newest.values(), key=lambda each: BELIEVERS.index(each[0].do))
    return [
        {"who": doc["who"], "text": doc["text"], "changed": changed and line.chapter == chapter}
        for line, doc, changed in in_order
    ]


def _next(run: Run, language: Language, said: list[tuple[Line, LineDoc]]) -> NextStep | None:
    step = moves_of(run.scenario)[run.state["position"]].step
    if step is None:
        return None
    before = said[-1][1]["who"] if said else ""
    guess = step.get("guess")
    return {
        "who": party(language, step.get("who"), step["do"], before),
        "do": step["do"],
        "guess": None if guess is None else _guess(language, guess),
    }


def _guess(language: Language, guess: Mapping[str, str]) -> GuessDoc:
    hint = guess.get("hint")
    return {"question": translate(language, guess["ask"]), "hint": translate(language, hint) if hint else ""}


def _claims(claims: Iterable[Mapping[str, Any]]) -> list[ClaimDoc]:
    return [{"claim": claim["claim"], "holds": claim["holds"]} for claim in claims]


def _found(found: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[FindersDoc]:
    return [
        {
            "reconciler": name,
            "found": [
                {
                    "finding_class": finding["class"],
                    "entity": finding["entity"],
                    "amount_minor": finding["amount_minor"],
                    "currency": finding["currency"],
                }
                for finding in findings
            ],
        }
        for name, findings in found.items()
        if name in ("naive", "thorough")
    ]
