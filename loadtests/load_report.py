"""The report of a load: its verdict, its figures, and each second of its server, as one HTML file.

client ─▶ sandbox, rules, open lies ─┐
GET /-/live, each second ────────────┼─▶ ReportDoc ─▶ FILE.html
the document that `--json` prints ───┘
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from judge import Verdict
from tool import NotRun

from mocklend.client import Client, Doc
from mocklend.domain.sentences import sentence
from mocklend.language import Language, message
from mocklend.live_series import LiveRow
from mocklend.reports.collecting import figure, new_report, sandbox_facts, truth_of
from mocklend.reports.documents import (
    DISCREPANCIES,
    EXPLAINED,
    LOAD,
    FigureDoc,
    ReportDoc,
    SandboxFacts,
    TruthDoc,
    VerdictDoc,
)
from mocklend.textfiles import unwritable

TITLE = message("A load of {users} users for {seconds} s")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sandbox of a load has in the end, read while its server still answers."""

    sandbox: SandboxFacts
    truth: TruthDoc | None


def look(client: Client) -> Seen:
    """Read what a report says of the client's sandbox."""
    return Seen(sandbox_facts(client), truth_of(client))


def require_place(file: Path) -> None:
    """Raises NotRun if a report cannot be written there: before the load, and not after it."""
    if find_spec("babel") is None:
        raise NotRun("a report needs the console: pip install 'mocklend[console]'")
    if (reason := unwritable(file)) is not None:
        raise NotRun(f"--report {file}: {reason}")


def load_report(document: Doc, verdict: Verdict, seen: Seen, rows: Sequence[Doc], command: str) -> ReportDoc:
    """The report of a load. `document` is what `--json` prints, `rows` are its seconds, `command` repeats it."""
    return new_report(
        LOAD,
        sentence(TITLE, users=document["users"], seconds=document["time_s"]),
        seen.sandbox,
        command=command,
        figures=_figures(document),
        truth=seen.truth,
        verdict=_verdict(verdict),
        operations=[*document["operations"], document["total"]],
        rows=cast("Sequence[LiveRow]", rows),
        alone=document["workers"] == 1,
    )


def write_report(report: ReportDoc, file: Path, language: Language) -> None:
    """Write a report as HTML. Raises NotRun if the file cannot be written."""
    from mocklend.reports.page import report_html

    try:
        file.write_text(report_html(report, language), encoding="utf-8")
    except OSError as failure:
        raise NotRun(f"--report {file}: {failure.strerror}") from failure


def _figures(document: Doc) -> Iterator[FigureDoc]:
    yield figure(message("users"), document["users"])
    yield figure(message("requests in all"), document["requests"])
    yield figure(message("requests per second"), document["rate_per_s"])
    yield figure(message("failures that no fault explains"), document["unexplained_failures"])
    yield figure(EXPLAINED, sum(document["explained_observations"].values()))
    yield figure(DISCREPANCIES, document["discrepancies"])
    yield figure(message("invariants that hold"), document["invariants"] - len(document["broken_invariants"]))
    yield figure(message("loans"), document["loans"])


def _verdict(verdict: Verdict) -> VerdictDoc:
    return {
        "outcome": verdict.outcome,
        "reasons": [verdict.sentences[reason] for reason in verdict.reasons],
        "notes": [verdict.sentences[note] for note in verdict.notes],
    }
