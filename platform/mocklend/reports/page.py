"""A report as one HTML file: its own style, plots as SVG, a table for each, and the JSON that it was made of.

The file asks nobody for anything. It has no script, and its policy allows only its own style, by its hash; so it is
the same from a folder, from a mail and from the console.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from flask import Flask
from markupsafe import Markup

from mocklend.console.app import HERE as CONSOLE
from mocklend.console.live import CHARTS, elapsed
from mocklend.console.words import VERDICTS
from mocklend.domain.money import format_minor
from mocklend.language import Language, html, message, said, translate
from mocklend.live_series import LiveRow
from mocklend.reports.documents import ReportDoc
from mocklend.reports.plots import Plot, PlotLine, shown
from mocklend.scenarios.documents import RunDoc

HERE = Path(__file__).parent
TOKENS_UNTIL = "* { box-sizing"
"""The console's style begins with its colours and fonts, up to here; a report has the same."""
KINDS = {
    "load": message("Report of a load"),
    "sandbox": message("Report of a sandbox"),
    "scenario": message("Report of a scenario"),
}
CHAPTERS = message("Open lies at the end of each chapter")


def report_html(report: ReportDoc, language: Language) -> str:
    """The report as an HTML file, in a language."""
    return (
        _templates()
        .jinja_env.get_template("report.html")
        .render(
            _=partial(html, language),
            document=_embedded(report),
            kinds=KINDS,
            language=language,
            money=format_minor,
            outcomes=VERDICTS,
            plots=list(plots_of(report, language)),
            policy=policy(),
            report=report,
            run=run_in(report, language),
            title=title_of(report, language),
            said=lambda sentence: said(language, sentence),
            shown=shown,
            style=Markup(style()),
        )
    )


def run_in(report: ReportDoc, language: Language) -> RunDoc | None:
    """The report's scenario in a language; None if it has none."""
    runs = {run["language"]: run for run in report["scenario"]}
    return runs.get(language) or next(iter(report["scenario"]), None)


def title_of(report: ReportDoc, language: Language) -> str:
    """The report's title in a language: that of a scenario has its translation, too."""
    run = run_in(report, language)
    return said(language, report["title"]) if run is None else run["title"]


def plots_of(report: ReportDoc, language: Language) -> Iterator[Plot]:
    """The plots of a report: its seconds, and for a scenario the open lies of its chapters."""
    rows, run = report["rows"], run_in(report, language)
    if rows:
        yield from _plots_over_time(rows, language, shows_truth=report["shows_truth"])
    if run is not None:
        counts = [chapter["open_lies"] for chapter in run["chapters"]]
        line = PlotLine(translate(language, message("still open")), "lie", counts)
        places = [str(n) for n, _ in enumerate(counts, 1)]
        yield Plot("chapters", translate(language, CHAPTERS), places, (line,))


def _plots_over_time(rows: list[LiveRow], language: Language, *, shows_truth: bool) -> Iterator[Plot]:
    places = [elapsed(row["second"] - rows[0]["second"]) for row in rows]
    for chart in CHARTS:
        lines = [
            PlotLine(translate(language, line.label), line.look, [line.value(row) for row in rows])
            for line in chart.lines
            if shows_truth or not line.shows_truth
        ]
        if lines:
            yield Plot(chart.id, translate(language, chart.title), places, lines, chart.unit, chart.log)


@cache
def style() -> str:
    """The style sheet of a report."""
    tokens, found, _ = (CONSOLE / "static" / "console.css").read_text(encoding="utf-8").partition(TOKENS_UNTIL)
    assert found, "the console's style has its colours first"
    return tokens + (HERE / "report.css").read_text(encoding="utf-8")


@cache
def policy() -> str:
    """The policy of a report: nothing is loaded, and only its own style is used."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _embedded(report: ReportDoc) -> Markup:
    """The report's JSON for a script element that is data: no text of it can end the element."""
    text: Any = json.dumps(report, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


@cache
def _templates() -> Flask:
    """Templates as the console's are, without a request: a report is also written where nothing is served."""
    templates = Flask("mocklend.reports", template_folder=str(HERE / "templates"))
    templates.jinja_env.trim_blocks = templates.jinja_env.lstrip_blocks = True
    return templates
