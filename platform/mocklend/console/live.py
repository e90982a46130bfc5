"""The page Live: a sandbox second by second while it is under load, as figures, charts, and a table beside each chart.

        the page ─▶ /live/events: a stream, a second an event ─ refused, or broken off ─▶ /live/rows, every two seconds

The values of charts and tables are made here, once for both, so that a table equals its chart. A fault layer adds what
stands below the charts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import orjson
from flask import Blueprint, Response, current_app, render_template, request
from markupsafe import Markup

from mocklend.api.live import LiveDoc, live_doc
from mocklend.api.live_stream import RETRY, LiveRows, Viewer, event, last_of, streamed
from mocklend.console.formats import Formats
from mocklend.console.visit import SESSION, platform, visit
from mocklend.domain.numbers import SECOND_DIGITS, whole_number
from mocklend.language import Language, message, translate
from mocklend.live_series import LiveRow
from mocklend.signing import hash_of_key

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


BELOW = "mocklend.console.below_live"
"""In the app's extensions: the endpoints of what layers show below the charts."""


@live_pages.get("/live")
def live() -> str:
    """The page. Without scripts it shows the seconds until now."""
    counted, here = _counted(), visit()
    rows, window = counted["rows"], request.args.get("window") == "all"
    below = current_app.extensions[BELOW] if here.shows_truth else ()
    return render_template(
        "live.html",
        below=[(endpoint, Markup(current_app.view_functions[endpoint]())) for endpoint in below],
        charts=charts(shows_truth=here.shows_truth),
        counted_since=counted["counted_since"],
        elapsed=elapsed,
        seen=figures(rows, here.language, shows_truth=here.shows_truth),
        rows=rows if window else rows[-MINUTE:],
        window=window,
    )


@live_pages.get("/live/rows")
def live_rows() -> Response:
    """What the page's script asks for: the figures, and for each second after `since` the values of each chart."""
    since, counted = _since(), _counted()
    seen = _followed(counted).seen(counted["rows"], since)
    return Response(orjson.dumps(seen), content_type="application/json")


@live_pages.get("/live/events")
def live_events() -> Response:
    """The same as a stream, from where the script was: an event a second. Raises Refused `too_many_streams`."""
    since, counted = _last_event() or _since(), _counted()
    followed, rows = _followed(counted), counted["rows"]
    first = RETRY + event(followed.seen(rows, since), last := last_of(rows, since, followed))
    student = hash_of_key(request.cookies.get(SESSION, "")) if visit().student_of else None
    return streamed(first, followed, Viewer(student, sees_hidden=True), last)


@dataclass(frozen=True)
class LivePage(LiveRows):
    """What the streams of one page follow: the same for all viewers of a language who may see as much."""

    language: Language
    shows_truth: bool

    def events(self, rows: Sequence[LiveRow]) -> bytes:
        """One event with these rows, and the figures as they are then."""
        kept = self.platform.live_series.rows(self.sandbox_id).rows
        return event(self.seen(kept, rows[0]["second"] - 1), rows[-1]["second"])

    def seen(self, rows: Sequence[LiveRow], since: int) -> dict[str, object]:
        """The figures of all rows that are kept, and what the charts show of those after a second."""
        drawn = charts(shows_truth=self.shows_truth)
        return {
            "counted_since": self.counted_since,
            "figures": [asdict(figure) for figure in figures(rows, self.language, shows_truth=self.shows_truth)],
            "rows": [
                {"second": row["second"], **{chart.id: chart.values(row) for chart in drawn}}
                for row in rows
                if row["second"] > since
            ],
        }


def elapsed(seconds: int) -> str:
    """A time since the beginning: 2:29."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def _counted() -> LiveDoc:
    return live_doc(platform(), visit().sandbox_id, None)


def _followed(counted: LiveDoc) -> LivePage:
    here = visit()
    return LivePage(platform(), here.sandbox_id, counted["counted_since"], here.language, here.shows_truth)


def _last_event() -> int:
    """The header with which a browser goes on; 0 without one."""
    return whole_number(request.headers.get("Last-Event-ID", ""), SECOND_DIGITS) or 0


def _since() -> int:
    return whole_number(request.args.get("since", ""), SECOND_DIGITS) or 0


def charts(*, shows_truth: bool) -> Sequence[Chart]:
    """The charts: without the truth, nothing of what faults did."""
    if shows_truth:
        return CHARTS
    without = [
        Chart(chart.id, chart.title, tuple(line for line in chart.lines if not line.shows_truth), chart.unit, chart.log)
        for chart in CHARTS
    ]
    return [chart for chart in without if chart.lines]


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the figures on top: its value, and what it is a part of."""

    id: str
    label: str
    value: str
    beside: str
    is_lie: bool = False


def figures(rows: Sequence[LiveRow], language: Language, *, shows_truth: bool) -> list[Figure]:
    """The figures of the last second, and of all that are kept."""
    number = Formats(language, "UTC").number
    last = rows[-1] if rows else None
    reads, stale = sum(row["page_reads"] for row in rows), sum(row["stale_reads"] for row in rows)
    looked = next((row for row in reversed(rows) if row["open"] is not None), None)
    served = next((row for row in reversed(rows) if row["p50_ms"] is not None), None)

    def text(english: str) -> str:
        return translate(language, english)

    def of(total: float) -> str:
        return translate(language, "of {total}", total=number(total))

    def ms(value: float | None) -> str:
        return "–" if value is None else number(in_ms(value) or 0)

    seen = [
        Figure(
            "requests",
            text("requests / s"),
            number(last["requests"] if last else 0),
            of(sum(row["requests"] for row in rows)),
        ),
        Figure("p50", text("p50, without injected delays"), ms(served["p50_ms"] if served else None), "ms"),
        Figure("p95", text("p95, without injected delays"), ms(served["p95_ms"] if served else None), "ms"),
        Figure("refused", text("refused (4xx)"), number(sum(row["refused"] for row in rows)), ""),
    ]
    if shows_truth:
        share = number(round(100 * stale / reads, 1)) if reads else "–"
        open_now = "–" if looked is None else number(looked["open"] or 0)
        told = "" if looked is None else of(looked["injections"] or 0)
        seen[3:3] = [
            Figure("stale", text("stale pages"), share, "%", is_lie=stale > 0),
            Figure("open", text("lies open"), open_now, told, is_lie=bool(looked and looked["open"])),
        ]
    return seen
