"""The tables of docs/benchmarks.md, from the report of `scripts/bench` that is kept beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mocklend.client import Doc

REPORT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "report.json"

Rows = Iterator[tuple[str, ...]]


def run_of(report: Doc) -> Rows:
    """How the report was made."""
    for name in ("python", "machine", "rounds", "seconds", "connections", "loans"):
        yield name, str(report[name])


def ratios(report: Doc) -> Rows:
    """Every figure that has a ruler, beside it."""
    for name, of_rulers in report["ratios"].items():
        figure = report["figures"][name]
        for ruler, ratio in of_rulers.items():
            goal = report["goals"][name][ruler]
            yield (
                report["titles"][name],
                _count(figure["per_s"]),
                f"{figure['p99_ms']:.1f}",
                ruler,
                _count(report["figures"][ruler]["per_s"]),
                f"**{ratio:.2f}**",
                f"{goal:g}" if ratio >= goal else f"{goal:g}, not reached",
            )


def others(report: Doc) -> Rows:
    """Every figure without a ruler."""
    for name, title in report["titles"].items():
        if not report["ratios"][name]:
            figure = report["figures"][name]
            behind = f"{figure['behind_s']:.1f} s behind at the end" if "behind_s" in figure else ""
            yield title, _count(figure["per_s"]), f"{figure['p50_ms']:.1f}", f"{figure['p99_ms']:.1f}", behind


def costs(report: Doc) -> Rows:
    """Every cost, beside its goal."""
    for cost in report["costs"].values():
        goal = f"{cost['goal']:g}"
        reached = goal if cost["least"] <= cost["goal"] else f"{goal}, not reached"
        yield cost["title"], f"{cost['least']:.3g}", cost["unit"], reached


def peers(report: Doc) -> Rows:
    """How every peer reads and writes."""
    for name, loads in report["peers"].items():
        yield name, *(f"{_count(loads[kind]['per_s'])}, {loads[kind]['p99_ms']:.1f}" for kind in ("read", "write"))


def written(report: Doc) -> Rows:
    """What every kind of command makes the database do."""
    for kind, each in report["written"].items():
        yield kind, f"{each['statements']:.0f}", _count(each["bytes"])


def growth(report: Doc) -> Rows:
    """What an operation costs with so many loans, beside the fewest."""
    grown = report["growth"]
    for cost in grown:
        kinds = ("status_us", "repay_us", "borrow_us")
        yield f"{cost['loans']:,}", *(f"{cost[kind]:.0f} ({cost[kind] / grown[0][kind]:.2f})" for kind in kinds)


TABLES: Mapping[str, tuple[tuple[str, ...], Callable[[Doc], Rows]]] = {
    "run": (("setting", "value"), run_of),
    "ratios": (("figure", "a second", "p99 ms", "ruler", "a second", "ratio", "goal"), ratios),
    "others": (("figure", "a second", "p50 ms", "p99 ms", ""), others),
    "costs": (("cost", "least", "unit", "goal"), costs),
    "peers": (("peer", "reads a second, p99 ms", "writes a second, p99 ms"), peers),
    "written": (("command", "statements a group of 64", "bytes each"), written),
    "growth": (("loans there", "status query, us", "repayment, us", "loan, us"), growth),
}
"""By name: the head of a table, and its rows."""


def table_of(part: str) -> tuple[tuple[str, ...], Sequence[tuple[str, ...]]]:
    """The head and the rows of one table of the kept report."""
    head, rows = TABLES[part]
    return head, list(rows(json.loads(REPORT.read_text(encoding="utf-8"))))


def _count(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2f}"
