"""The page Live: a sandbox second by second while it is under load, as figures, charts, and a table beside each chart.

The values of charts and tables are made here, once for both, so that a table equals its chart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
from flask import Blueprint, Response, render_template, request

from mocklend.api.live import live_doc
from mocklend.console.visit import formats, platform, visit
from mocklend.language import message
from mocklend.live_series import LiveRow

live_pages = Blueprint("live", __name__)

MINUTE = 60
Values = list[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart, and a column of its table. `look` is how it is drawn: see live.js."""

    label: str
    look: str
    value: Callable[[LiveRow], float | None]
    shows_truth: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. `log` draws it on a logarithmic scale."""

    id: str
    title: str
    lines: tuple[Line, ...]
    unit: str = ""
    log: bool = False

    def values(self, row: LiveRow) -> Values:
        """The chart's values in one second."""
        return [line.value(row) for line in self.lines]


def stale_share(row: LiveRow) -> float | None:
    """How many of a hundred status pages showed an older version than the newest."""
    return round(100 * row["stale_reads"] / row["page_reads"], 1) if row["page_reads"] else None


def mean_delay(row: LiveRow) -> float | None:
    """The mean of the injected delays in ms."""
    return round(row["delay_ms"] / row["delayed"]) if row["delayed"] else None


def in_ms(value: float | None) -> float | None:
    """A latency as it is shown."""
    return None if value is None else round(value, 2)


CHARTS = (
    Chart(
        "requests",
        message("Requests per second"),
        (
            Line(message("all"), "ink", lambda row: row["requests"]),
            Line(message("refused (4xx)"), "dashed", lambda row: row["refused"]),
            Line(message("failed (5xx)"), "grey", lambda row: row["failed"]),
        ),
    ),
    Chart(
        "latency",
        message("Latency"),
        (
            Line(message("p50"), "ink", lambda row: in_ms(row["p50_ms"])),
            Line(message("p95"), "grey", lambda row: in_ms(row["p95_ms"])),
            Line(message("injected delay"), "dots", mean_delay, shows_truth=True),
        ),
        unit="ms",
        log=True,
    ),
    Chart(
        "stale",
        message("Stale share of page reads"),
        (Line(message("page behind the books"), "lie", stale_share, shows_truth=True),),
        unit="%",
    ),
    Chart(
        "lies",
        message("Lies told, and still open"),
        (
            Line(message("told"), "grey", lambda row: row["injections"], shows_truth=True),
            Line(message("still open"), "lie", lambda row: row["open"], shows_truth=True),
        ),
    ),
)


@live_pages.get("/live")
def live() -> str:
    """The page. Without scripts it shows the seconds until now."""
    counted_since, rows = _rows()
    window = request.args.get("window") == "all"
    return render_template(
        "live.html",
        charts=_charts(),
        counted_since=counted_since,
        elapsed=elapsed,
        seen=_figures(rows),
        rows=rows if window else rows[-MINUTE:],
        window=window,
    )


@live_pages.get("/live/rows")
def live_rows() -> Response:
    """What the page's script asks for: the figures, and for each second after `since` the values of each chart."""
    since = request.args.get("since", 0, type=int)
    counted_since, rows = _rows()
    shown = {
        "counted_since": counted_since,
        "figures": _figures(rows),
        "rows": [
            {"second": row["second"], **{chart.id: chart.values(row) for chart in _charts()}}
            for row in rows
            if row["second"] > since
        ],
    }
    return Response(orjson.dumps(shown), content_type="application/json")


def elapsed(seconds: int) -> str:
    """A time since the beginning: 2:29."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def _rows() -> tuple[int, list[LiveRow]]:
    counted = live_doc(platform(), visit().sandbox_id, None)
    return counted["counted_since"], counted["rows"]


def _shows_truth() -> bool:
    return visit().shows_truth


def _charts() -> Sequence[Chart]:
    """The charts for this visit: without the truth, nothing of what faults did."""
    if _shows_truth():
        return CHARTS
    charts = [
        Chart(chart.id, chart.title, tuple(line for line in chart.lines if not line.shows_truth), chart.unit, chart.log)
        for chart in CHARTS
    ]
    return [chart for chart in charts if chart.lines]


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the figures on top: its value, and what it is a part of."""

    id: str
    label: str
    value: str
    beside: str
    is_lie: bool = False


def _figures(rows: Sequence[LiveRow]) -> list[Figure]:
    """The figures of the last second, and of all that are kept."""
    here, number = visit(), formats().number
    last = rows[-1] if rows else None
    reads, stale = sum(row["page_reads"] for row in rows), sum(row["stale_reads"] for row in rows)
    looked = next((row for row in reversed(rows) if row["open"] is not None), None)
    served = next((row for row in reversed(rows) if row["p50_ms"] is not None), None)

    def of(total: float) -> str:
        return here.text("of {total}", total=number(total))

    def ms(value: float | None) -> str:
        return "–" if value is None else number(in_ms(value) or 0)

    figures = [
        Figure(
            "requests",
            here.text("requests / s"),
            number(last["requests"] if last else 0),
            of(sum(row["requests"] for row in rows)),
        ),
        Figure("p50", here.text("p50, without injected delays"), ms(served["p50_ms"] if served else None), "ms"),
        Figure("p95", here.text("p95, without injected delays"), ms(served["p95_ms"] if served else None), "ms"),
        Figure("refused", here.text("refused (4xx)"), number(sum(row["refused"] for row in rows)), ""),
    ]
    if _shows_truth():
        share = number(round(100 * stale / reads, 1)) if reads else "–"
        open_now = "–" if looked is None else number(looked["open"] or 0)
        told = "" if looked is None else of(looked["injections"] or 0)
        figures[3:3] = [
            Figure("stale", here.text("stale pages"), share, "%", is_lie=stale > 0),
            Figure("open", here.text("lies open"), open_now, told, is_lie=bool(looked and looked["open"])),
        ]
    return figures
