"""The score on the command line: reads findings from a JSON Lines file, and prints the answer as a table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mocklend.domain.finding import FINDINGS_MAX
from mocklend.domain.money import format_major, format_minor
from mocklend.textfiles import NotText, read_text

Doc = dict[str, Any]

SHOWN_MAX = 20
COLUMNS = ("demanded", "found", "wrong", "precision", "recall", "f1")


class FindingsUnreadable(ValueError):
    """The file cannot be read as findings. The message has the line and the reason."""


def read_findings(path: Path) -> dict[int, Doc]:
    """Return a file's findings, by the number of their line. The platform validates their content."""
    try:
        text = read_text(path)
    except OSError as failure:
        raise FindingsUnreadable(f"{path} cannot be read: {failure.strerror}") from failure
    except NotText as wrong:
        raise FindingsUnreadable(f"{path}, {wrong}") from wrong
    findings: dict[int, Doc] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if len(findings) == FINDINGS_MAX:
            raise FindingsUnreadable(f"{path}, line {number}: more than {FINDINGS_MAX} findings")
        try:
            finding = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as wrong:
            raise FindingsUnreadable(f"{path}, line {number}: not JSON: {wrong}") from wrong
        if not isinstance(finding, dict):
            raise FindingsUnreadable(f"{path}, line {number}: not a JSON object")
        findings[number] = finding
    return findings


def by_line(problem: Mapping[str, Any], numbers: list[int]) -> Doc:
    """Return a problem that names findings by their lines in the file, instead of by the platform's index from 0."""

    def line(match: re.Match[str]) -> str:
        n = int(match[1])
        return f"line {numbers[n]}" if n < len(numbers) else match[0]

    renumbered: Doc = json.loads(re.sub(r"\bfindings\.(\d+)", line, json.dumps(problem)))
    return renumbered


def scorecard(score: Mapping[str, Any]) -> list[str]:
    """Return the lines of a score: verdict, table, money, times, harm, and the first findings that were wrong."""
    counts, harm = score["counts"], score["borrower_harm"]
    lines = [f"{score['verdict']}  at {score['scored_at']}", *(f"  {reason}" for reason in score["reasons"]), ""]
    lines += [*_table(score), ""]
    lines.append(f"right kind {_cell(score['kind_accuracy'])}, right amount {_cell(score['amount_accuracy'])}")
    lines += [
        f"money in {currency}: {format_major(entry['found_minor'], currency)} of "
        f"{format_major(entry['demanded_minor'], currency)} found; "
        f"at risk {format_minor(entry['at_risk_minor_hours'], currency)} x hours"
        for currency, entry in score["money"].items()
    ]
    for word in ("detect", "repair"):
        times = score[f"time_to_{word}_s"]
        if times.get("n"):
            lines.append(f"time to {word}: p50 {times['p50']} s, p95 {times['p95']} s, of {times['n']}")
    if harm:  # Without it: whoever hands in while the truth is hidden sees counts and ratios.
        lines.append(
            f"borrowers: {harm['unpaid_hours']} hours shown unpaid, {harm['wrong_report_days']} days of wrong reports, "
            f"{counts['refused_applications']} applications refused"
        )
    lines.append(
        f"optional {counts['optional']}, duplicated {counts['duplicated']}, "
        f"harmful repairs {counts['harmful_repairs']}, penalty points {score['penalty_points']}"
    )
    for name in ("missed", "false_positives", "wrong_class", "wrong_amount", "harmful_repairs"):
        if name not in score["lists"]:
            continue
        title = name.replace("_", " ")
        lines += [f"{title}: {_described(entry)}" for entry in score["lists"][name][:SHOWN_MAX]]
        if counts[name] > SHOWN_MAX:
            lines.append(f"{title}: {counts[name] - SHOWN_MAX} more; --json has them")
    return lines


def _table(score: Mapping[str, Any]) -> list[str]:
    counts = score["counts"]
    all_wrong = counts["false_positives"] + counts["wrong_class"]
    over_all = (
        counts["demanded"],
        counts["true_positives"],
        all_wrong,
        score["precision"],
        score["recall"],
        score["f1"],
    )
    rows: list[tuple[str, ...]] = [("", *COLUMNS)]
    rows += [
        (name, *(_cell(figures[column]) for column in COLUMNS)) for name, figures in sorted(score["by_class"].items())
    ]
    rows.append(("over all", *map(_cell, over_all)))
    widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS) + 1)]
    return [
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _described(entry: Mapping[str, Any]) -> str:
    if "about" in entry:
        return f"{entry['action']} of {entry['about']} by {entry['operator']}: {entry['reason']}"
    key = ", ".join(sorted({expected["class"] for expected in entry.get("answer_key", ())}))
    return f"{entry['class']} on {entry['entity']}, {_amount(entry)}" + (f"; it is {key}" if key else "")


def _amount(entry: Mapping[str, Any]) -> str:
    """The amount of a break, or of a finding in the currency of the answer key; a finding about nothing has none."""
    amount_minor = entry["amount_minor"]
    named = [each["currency"] for each in (entry, *entry.get("answer_key", ())) if "currency" in each]
    if amount_minor is None:
        return "-"
    return format_minor(amount_minor, named[0]) if named else f"{amount_minor} minor units"


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
