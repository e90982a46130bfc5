"""The report as JSON: what its HTML file is made of, and what is left of it while the truth is hidden."""

from __future__ import annotations

from typing import Annotated, TypedDict

from mocklend.domain.nouns import one_of, says
from mocklend.domain.sentences import SentenceDoc, sentence
from mocklend.language import message
from mocklend.live_series import LiveRow
from mocklend.scenarios.documents import RunDoc

LOAD, SANDBOX, SCENARIO = "load", "sandbox", "scenario"
KINDS = (LOAD, SANDBOX, SCENARIO)
LISTED_MAX = 50
"""How many open lies a report lists: the newest."""
NAMED = "{name}"
"""A title that somebody else has given."""
STEPS, STORY_STEPS = message("steps made"), message("steps of the story")
INJECTIONS, LIES_OPEN, STALE = message("injections"), message("lies open"), message("stale pages")
CLAIMS_HELD, DISCREPANCIES = message("claims that held"), message("discrepancies in the end")
EXPLAINED = message("wrong answers that a fault explains")
OF_TRUTH = frozenset({STEPS, STORY_STEPS, INJECTIONS, LIES_OPEN, STALE, CLAIMS_HELD, DISCREPANCIES, EXPLAINED})
"""The labels of figures that say what faults did, or which story was played: by how many steps it has."""


class VerdictDoc(TypedDict):
    """A verdict with its reasons."""

    outcome: Annotated[str, one_of(("PASS", "FAIL", "INCONCLUSIVE"), "The outcome.")]
    reasons: Annotated[list[SentenceDoc], says("Why it is no PASS.")]
    notes: Annotated[list[SentenceDoc], says("Remarks that change no outcome.")]


class FigureDoc(TypedDict):
    """A figure with its name."""

    label: Annotated[str, says("What it is, in English.")]
    value: Annotated[float | None, says("The figure; null where nothing was measured.")]
    unit: Annotated[str, says("Its unit; empty for a number of things.")]


class OperationDoc(TypedDict):
    """The requests of one operation, as the load's clients measured them."""

    operation: Annotated[str, says("The operation's name; `all` for the sum.")]
    requests: Annotated[int, says("How many were sent.")]
    failures: Annotated[int, says("How many failed without a fault that explains it.")]
    per_s: Annotated[float, says("How many a second.")]
    p50_ms: Annotated[float | None, says("The median of their durations, in ms, injected delays included.")]
    p95_ms: Annotated[float | None, says("Their 95th percentile.")]
    p99_ms: Annotated[float | None, says("Their 99th percentile.")]


class RuleFigures(TypedDict):
    """A rule with its counters."""

    id: Annotated[str, says("The rule's id.")]
    fault: Annotated[str, says("Its kind of fault.")]
    evaluated: Annotated[int, says("Events it was evaluated on.")]
    matched: Annotated[int, says("Those that it matched.")]
    selected: Annotated[int, says("Those of them that were drawn.")]
    injected: Annotated[int, says("Those that it changed.")]


class OpenLie(TypedDict):
    """An entry of the answer key that is visible."""

    at: Annotated[str, says("When it began. RFC 3339, on the sandbox's clock.")]
    rule: Annotated[str, says("The rule that did it.")]
    fault: Annotated[str, says("Its kind of fault.")]
    finding_class: Annotated[str, says("The class of finding to report.")]
    entity: Annotated[str, says("The id of what is wrong.")]
    amount_minor: Annotated[int, says("The amount at stake, in minor units of `currency`.")]
    currency: Annotated[str, says("The currency of the amount.")]


class TruthDoc(TypedDict):
    """What the fault layer did. Left out while the truth of the sandbox is hidden."""

    injections: Annotated[int, says("Entries of the answer key.")]
    open: Annotated[int, says("Those that are visible, counted up to 10,000.")]
    rules: Annotated[list[RuleFigures], says("The rules with their counters.")]
    open_lies: Annotated[list[OpenLie], says("The newest of those that are visible.")]


class ScoreFigures(TypedDict):
    """The score of a reconciler's findings."""

    reconciler: Annotated[str, says("The reconciler's name, or who handed in; else the score's id.")]
    verdict: Annotated[str, says("The verdict of the score.")]
    reasons: Annotated[list[SentenceDoc], says("Why it is no PASS.")]
    demanded: Annotated[int, says("How many breaks had to be found.")]
    found: Annotated[int, says("How many of them were.")]
    wrong: Annotated[int, says("Findings that were false or of the wrong class.")]
    precision: Annotated[float | None, says("The share of its findings that were right.")]
    recall: Annotated[float | None, says("The share of the breaks that it found.")]
    f1: Annotated[float | None, says("Both in one number.")]


class SandboxFacts(TypedDict):
    """The sandbox that a report is about."""

    id: Annotated[str, says("Its id.")]
    label: Annotated[str | None, says("Its label, if it has one.")]
    seed: Annotated[int, says("Its seed.")]
    zone: Annotated[str, says("Its time zone.")]
    now: Annotated[str, says("Its time when the report was made. RFC 3339.")]


class ReportDoc(TypedDict):
    """A report of a load, a scenario or a sandbox."""

    kind: Annotated[str, one_of(KINDS, "What it is about.")]
    title: Annotated[SentenceDoc, says("Its title.")]
    mocklend: Annotated[str, says("The version of Mocklend.")]
    made_at: Annotated[str, says("When it was made, in real time. RFC 3339.")]
    sandbox: Annotated[SandboxFacts, says("The sandbox.")]
    shows_truth: Annotated[bool, says("Whether it says what faults did.")]
    command: Annotated[str | None, says("The command that does it again; null if there is none, or it is hidden.")]
    verdict: Annotated[VerdictDoc | None, says("The verdict; null where nobody judges.")]
    figures: Annotated[list[FigureDoc], says("Its figures.")]
    operations: Annotated[list[OperationDoc], says("The operations of a load.")]
    alone: Annotated[bool, says("Whether one process answered all requests; else the rows are those of one of them.")]
    rows: Annotated[list[LiveRow], says("Second by second, as GET /-/live has it.")]
    truth: Annotated[TruthDoc | None, says("What faults did; null while it is hidden, or without a fault layer.")]
    scenario: Annotated[
        list[RunDoc], says("The scenario that was played, once in each language, first in that of the run; or nothing.")
    ]
    scores: Annotated[
        list[ScoreFigures],
        says("The scores of the reconcilers that were run, or the newest 50 kept ones of a sandbox."),
    ]


def without_truth(report: ReportDoc, label: str | None) -> ReportDoc:
    """A report without all that says, or lets somebody find out, what really happened.

    The command goes, because it would do it again where nothing is hidden. Of a verdict the reasons go, which name
    faults. A scenario goes with its title, which says what is wrong: the report is called by the `label` that people
    gave to its sandbox, or by the sandbox's id.
    """
    verdict, sandbox = report["verdict"], report["sandbox"]
    return {
        **report,
        "title": sentence(NAMED, name=label or sandbox["id"]),
        "sandbox": {**sandbox, "label": label},
        "shows_truth": False,
        "command": None,
        "verdict": None if verdict is None else {"outcome": verdict["outcome"], "reasons": [], "notes": []},
        "figures": [figure for figure in report["figures"] if figure["label"] not in OF_TRUTH],
        "rows": [_row_without_truth(row) for row in report["rows"]],
        "truth": None,
        "scenario": [],
        "scores": [],
    }


def _row_without_truth(row: LiveRow) -> LiveRow:
    hidden: LiveRow = {
        **row,
        "delayed": 0,
        "delay_ms": 0,
        "page_reads": 0,
        "stale_reads": 0,
        "injections": None,
        "open": None,
        "healed": None,
    }
    return hidden
