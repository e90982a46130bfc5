"""A score on the command line: findings out of a file of JSON Lines, and the answer as a table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mocklend.domain.finding import FINDINGS_MAX
from mocklend.textfiles import NotText, read_text

Doc = dict[str, Any]

SHOWN_MAX = 20
COLUMNS = ("demanded", "found", "wrong", "precision", "recall", "f1")


class FindingsUnreadable(ValueError):
    """The file cannot be read as findings: which line, and why."""


def read_findings(path: Path) -> dict[int, Doc]:
    """The findings of a file, by the number of the line that each stands on. What one may hold, the platform says."""
    try:
        text = read_text(path)
    except OSError as failure:
        raise FindingsUnreadable(f"{path} cannot be read: {failure.strerror}") from failure
    except NotText as wrong:
        raise FindingsUnreadable(f"{path}, {wrong}") from wrong
    found: dict[int, Doc] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if len(found) == FINDINGS_MAX:
            raise FindingsUnreadable(f"{path}, line {number}: more than {FINDINGS_MAX} findings")
        try:
            one = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as wrong:
            raise FindingsUnreadable(f"{path}, line {number}: not JSON: {wrong}") from wrong
        if not isinstance(one, dict):
            raise FindingsUnreadable(f"{path}, line {number}: not a JSON object")
        found[number] = one
    return found


def by_line(problem: Mapping[str, Any], numbers: list[int]) -> Doc:
    """A problem with findings, which the platform counts from 0, for somebody who looks at a file and counts lines."""

    def line(found: re.Match[str]) -> str:
        n = int(found[1])
        return f"line {numbers[n]}" if n < len(numbers) else found[0]

    told: Doc = json.loads(re.sub(r"\bfindings\.(\d+)", line, json.dumps(problem)))
    return told


def scorecard(told: Mapping[str, Any]) -> list[str]:
    """The lines of a score: verdict, table, time, money, harm, and the first of what went wrong."""
    counts, harm = told["counts"], told["borrower_harm"]
    lines = [f"{told['verdict']}  at {told['scored_at']}", *(f"  {reason}" for reason in told["reasons"]), ""]
    lines += [*_table(told), ""]
    lines.append(f"right kind {_cell(told['kind_accuracy'])}, right amount {_cell(told['amount_accuracy'])}")
    lines += [
        f"money in {currency}: {one['found_minor']} of {one['demanded_minor']} minor units found; "
        f"at risk {one['at_risk_minor_hours']} minor units x hours"
        for currency, one in told["money"].items()
    ]
    for word in ("detect", "repair"):
        spread = told[f"time_to_{word}_s"]
        if spread["n"]:
            lines.append(f"time to {word}: p50 {spread['p50']} s, p95 {spread['p95']} s, of {spread['n']}")
    lines.append(
        f"borrowers: {harm['unpaid_hours']} hours shown unpaid, {harm['wrong_report_days']} days of wrong reports, "
        f"{counts['refused_applications']} applications refused"
    )
    lines.append(
        f"optional {counts['optional']}, duplicated {counts['duplicated']}, "
        f"harmful repairs {counts['harmful_repairs']}, penalty points {told['penalty_points']}"
    )
    for name in ("missed", "false_positives", "wrong_class", "wrong_amount", "harmful_repairs"):
        title = name.replace("_", " ")
        lines += [f"{title}: {_told(one)}" for one in told["lists"][name][:SHOWN_MAX]]
        if counts[name] > SHOWN_MAX:
            lines.append(f"{title}: {counts[name] - SHOWN_MAX} more; --json has them")
    return lines


def _table(told: Mapping[str, Any]) -> list[str]:
    counts = told["counts"]
    all_wrong = counts["false_positives"] + counts["wrong_class"]
    over_all = (counts["demanded"], counts["true_positives"], all_wrong, told["precision"], told["recall"], told["f1"])
    rows: list[tuple[str, ...]] = [("", *COLUMNS)]
    rows += [(name, *(_cell(one[column]) for column in COLUMNS)) for name, one in sorted(told["by_class"].items())]
    rows.append(("over all", *map(_cell, over_all)))
    widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS) + 1)]
    return [
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _told(one: Mapping[str, Any]) -> str:
    if "about" in one:
        return f"{one['action']} of {one['about']} by {one['operator']}: {one['reason']}"
    key = ", ".join(sorted({lie["class"] for lie in one.get("answer_key", ())}))
    return f"{one['class']} on {one['entity']}, {_cell(one['amount_minor'])}" + (f"; it is {key}" if key else "")


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
