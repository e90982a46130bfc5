"""Makes a report: what a client can read of a sandbox, and what the run knows of itself.

client ─▶ sandbox, figures, rules, open lies ─┐
rows of GET /-/live ──────────────────────────┼─▶ ReportDoc
a scenario's run, a load's verdict ───────────┘
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mocklend import __version__
from mocklend.client import Client, Doc, ProblemError
from mocklend.domain.sentences import SentenceDoc, sentence
from mocklend.language import Language, message
from mocklend.live_series import LiveRow
from mocklend.machine_clock import wall_ns
from mocklend.reports.documents import (
    CLAIMS_HELD,
    INJECTIONS,
    LIES_OPEN,
    LISTED_MAX,
    NAMED,
    SANDBOX,
    SCENARIO,
    STALE,
    STEPS,
    STORY_STEPS,
    FigureDoc,
    OpenLie,
    ReportDoc,
    RuleFigures,
    SandboxFacts,
    ScoreFigures,
    TruthDoc,
    VerdictDoc,
)
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.scenarios.documents import RunDoc
from mocklend.scenarios.narrator import Narrator
from mocklend.scenarios.play import Play
from mocklend.scenarios.runs import Run
from mocklend.scenarios.shown import run_doc

NEWEST_OPEN = f"/-/answer-key?status=active&order=newest&limit={LISTED_MAX}"
RULE_COUNTERS = ("evaluated", "matched", "selected", "injected")
RATIOS = ("precision", "recall", "f1")
CLAIM_FAILED = message("a claim of the story does not hold: {claim}")
NOT_OVER = message("{step} of {steps} steps were made")


def sandbox_facts(client: Client) -> SandboxFacts:
    """The sandbox of a client."""
    sandbox, clock = client.describe_sandbox(), client.clock()
    return {**_only(sandbox, "id", "label", "seed", "zone"), "now": clock["now"]}  # type: ignore[typeddict-item]


def truth_of(client: Client) -> TruthDoc | None:
    """What faults did in the sandbox of a client; None without a fault layer, or if the client may not see it."""
    try:
        figures = client.summary()["faults"]
        if figures is None:
            return None
        rules, newest = client.rules()["rules"], client.request("GET", NEWEST_OPEN)["entries"]
    except ProblemError as refused:
        if refused.code in ("truth_hidden", "not_found"):
            return None
        raise
    return {
        "injections": figures["open"] + figures["closed"],
        "open": figures["open"],
        "rules": [_rule(rule) for rule in rules],
        "open_lies": [_open_lie(entry) for entry in newest],
    }


def new_report(
    kind: str,
    title: SentenceDoc,
    sandbox: SandboxFacts,
    *,
    command: str | None,
    figures: Iterable[FigureDoc],
    truth: TruthDoc | None,
    verdict: VerdictDoc | None = None,
    operations: Iterable[Doc] = (),
    rows: Sequence[LiveRow] = (),
    alone: bool = True,
    scenario: Sequence[RunDoc] = (),
    scores: Iterable[ScoreFigures] = (),
) -> ReportDoc:
    """A report of now."""
    told = [] if truth is None else [figure(INJECTIONS, truth["injections"]), figure(LIES_OPEN, truth["open"])]
    return {
        "kind": kind,
        "title": title,
        "mocklend": __version__,
        "made_at": rfc3339(wall_ns() // 1_000_000),
        "sandbox": sandbox,
        "shows_truth": True,
        "command": command,
        "verdict": verdict,
        "figures": [*figures, *told],
        "operations": [_operation(operation) for operation in operations],
        "alone": alone,
        "rows": list(rows),
        "truth": truth,
        "scenario": list(scenario),
        "scores": list(scores),
    }


def sandbox_report(client: Client) -> ReportDoc:
    """A report of the newest seconds of the sandbox of a client."""
    live, sandbox, truth = client.live(), sandbox_facts(client), truth_of(client)
    rows: list[LiveRow] = live["rows"]
    reads = sum(row["page_reads"] for row in rows)
    stale = round(100 * sum(row["stale_reads"] for row in rows) / reads, 1) if reads else None
    return new_report(
        SANDBOX,
        sentence(NAMED, name=sandbox["label"] or sandbox["id"]),
        sandbox,
        command=None,
        figures=[
            figure(message("seconds"), len(rows), "s"),
            figure(message("requests in all"), sum(row["requests"] for row in rows)),
            figure(message("refused (4xx)"), sum(row["refused"] for row in rows)),
            figure(message("failed (5xx)"), sum(row["failed"] for row in rows)),
            figure(STALE, stale, "%"),
            figure(message("loans"), client.summary()["loans"]),
        ],
        truth=truth,
        rows=rows,
        alone=live["alone"],
        scores=[] if truth is None else _kept_scores(client),
    )


def run_of(play: Play, narrator: Narrator) -> Run:
    """A run that was played by a program, as one that a server has stored."""
    client, facts = narrator.client, narrator.state()["facts"]
    state = {**play.state(), "failed": facts.get("surprise")}
    assert client.sandbox_id is not None, "the client of a run is in its sandbox"
    assert client.seed is not None
    zone = client.clock()["zone"]
    return Run(client.sandbox_id, client.seed, zone, play.scenario, narrator.language, state)


def scenario_report(client: Client, played: Run, name: str | None = None) -> ReportDoc:
    """A report of a scenario's run, in whose sandbox the client is. `name` runs it again; else the scenario's own."""
    runs = [run_doc(played)]
    run = runs[0]
    for language in Language:
        if language != run["language"]:  # Claims are kept as they were said, in one language.
            other = run_doc(played, language)
            runs.append({**other, "chapters": [{**chapter, "claims": []} for chapter in other["chapters"]]})
    scores: Mapping[str, Doc] = played.state["narrator"]["facts"].get("scores", {})
    claims = sum(claim["holds"] for chapter in run["chapters"] for claim in chapter["claims"])
    return new_report(
        SCENARIO,
        sentence(NAMED, name=played.scenario.title),
        sandbox_facts(client),
        command=f"mocklend scenario run {shlex.quote(name or run['scenario'])} --seed {run['seed']}",
        figures=[
            figure(STEPS, run["step"]),
            figure(STORY_STEPS, run["steps"]),
            figure(CLAIMS_HELD, claims),
        ],
        truth=truth_of(client),
        verdict=_verdict(run),
        scenario=runs,
        scores=[_score(name, score) for name, score in scores.items()],
    )


def figure(label: str, value: float | None, unit: str = "") -> FigureDoc:
    """A figure. Its label is English, and has its Chinese in a catalogue."""
    return {"label": label, "value": value, "unit": unit}


def _verdict(run: RunDoc) -> VerdictDoc:
    if run["failed"] is not None:
        return {"outcome": "FAIL", "reasons": [sentence(CLAIM_FAILED, claim=run["failed"])], "notes": []}
    if run["step"] < run["steps"]:
        return {
            "outcome": "INCONCLUSIVE",
            "reasons": [sentence(NOT_OVER, step=run["step"], steps=run["steps"])],
            "notes": [],
        }
    return {"outcome": "PASS", "reasons": [], "notes": []}


def _score(name: str, score: Doc) -> ScoreFigures:
    return {
        "reconciler": name,
        "verdict": score["verdict"],
        "reasons": score.get("reasons", []),
        "demanded": score["counts.demanded"],
        "found": score["counts.true_positives"],
        "wrong": score["counts.false_positives"] + score["counts.wrong_class"],
        **{ratio: score[ratio] for ratio in RATIOS},  # type: ignore[typeddict-item]
    }


def _kept_scores(client: Client) -> list[ScoreFigures]:
    """The newest kept scores. Their list has no reasons: those of a score that has not passed are asked for."""
    return [
        _kept_score(kept, [] if kept["verdict"] == "PASS" else client.kept_score(kept["id"])["sentences"])
        for kept in client.scores(limit=LISTED_MAX)["scores"]
    ]


def _kept_score(kept: Doc, reasons: list[SentenceDoc]) -> ScoreFigures:
    """A kept score, by the name of who handed it in."""
    wrong = kept["false_positives"] + kept["wrong_class"]
    either = 2 * kept["found"] + wrong + kept["missed"]
    return {
        "reconciler": kept["label"] or kept["id"],
        "verdict": kept["verdict"],
        "reasons": reasons,
        "demanded": kept["demanded"],
        "found": kept["found"],
        "wrong": wrong,
        "precision": kept["precision"],
        "recall": kept["recall"],
        "f1": round(2 * kept["found"] / either, 3) if either else None,
    }


def _rule(rule: Doc) -> RuleFigures:
    return {"id": rule["id"], "fault": rule["fault"], **_only(rule, *RULE_COUNTERS)}  # type: ignore[typeddict-item]


def _open_lie(entry: Doc) -> OpenLie:
    expected = entry["expected"]
    return {
        "at": entry["at"],
        "rule": entry["rule"],
        "fault": entry["fault"],
        "finding_class": expected["class"],
        "entity": expected["entity"],
        "amount_minor": expected["amount_minor"],
        "currency": entry["currency"],
    }


def _operation(operation: Mapping[str, Any]) -> Any:
    return _only(operation, "operation", "requests", "failures", "per_s", "p50_ms", "p95_ms", "p99_ms")


def _only(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: document[name] for name in names}
