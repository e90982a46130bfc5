"""A report is one HTML file: it says what its JSON says, asks nobody for anything, and keeps a hidden truth."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from copy import deepcopy
from importlib.metadata import entry_points
from io import StringIO
from pathlib import Path

import pytest

from mocklend.cli.scenarios import reporter
from mocklend.domain.sentences import sentence
from mocklend.exit_codes import ExitCode
from mocklend.language import Language, html
from mocklend.live_series import LiveRow
from mocklend.reports.collecting import figure, new_report
from mocklend.reports.documents import INJECTIONS, LOAD, NAMED, ReportDoc, without_truth
from mocklend.reports.page import plots_of, report_html
from mocklend.reports.plots import DOTS, Plot, PlotLine, shown
from mocklend.scenarios.telling import run
from mocklend.scenarios.text import scenarios
from support.console import english_sentences
from support.report_file import ReportFile

LANGUAGES = pytest.mark.parametrize("language", list(Language))
HOSTILE = "</script><script>alert(1)</script><b>"


def row(second: int, **counted: float | None) -> LiveRow:
    """A second with these figures, and nothing else."""
    zeros = dict.fromkeys(("requests", "refused", "failed", "delayed", "delay_ms", "page_reads", "stale_reads"), 0)
    nothing = dict.fromkeys(("p50_ms", "p95_ms", "injections", "open", "healed"))
    return {"second": second, **zeros, **nothing, **counted}  # type: ignore[typeddict-item]


@pytest.fixture
def report() -> ReportDoc:
    """A report of a load in which all happened that a report can say."""
    return new_report(
        LOAD,
        sentence(NAMED, name=HOSTILE),
        {"id": "sbx_a", "label": HOSTILE, "seed": 42, "zone": "Asia/Shanghai", "now": "2026-03-01T06:06:00.000Z"},
        command="scripts/load --users 5 --seed 42",
        figures=[figure("requests in all", 12_980), figure("stale pages", 7.9, "%"), figure("seconds", None, "s")],
        truth={
            "injections": 56_801,
            "open": 4_901,
            "rules": [
                {"id": "slow", "fault": "cache.stale_set", "evaluated": 9, "matched": 8, "selected": 7, "injected": 6}
            ],
            "open_lies": [
                {
                    "at": "2026-03-01T06:05:00.000Z",
                    "rule": "slow",
                    "fault": "cache.stale_set",
                    "finding_class": "stale_view",
                    "entity": "loan_a",
                    "amount_minor": 100_450,
                    "currency": "CNY",
                }
            ],
        },
        verdict={
            "outcome": "FAIL",
            "reasons": [sentence("armed without an injection: {faults}", faults="cache.stale_set")],
            "notes": [],
        },
        operations=[
            {"operation": HOSTILE, "requests": 3, "failures": 0, "per_s": 0.5, "p50_ms": 2, "p95_ms": None, "p99_ms": 9}
        ],
        rows=[
            row(1_000, requests=92, p50_ms=1.834, p95_ms=6.1, delayed=2, delay_ms=24_682, page_reads=8, stale_reads=1),
            row(1_001, requests=4, refused=1, failed=1, injections=56_801, open=4_901, healed=51_900),
            row(1_002, requests=1_200, p50_ms=2, p95_ms=30.25, injections=56_803, open=4_902, healed=51_901),
        ],
        scores=[
            {
                "reconciler": "naive",
                "verdict": "FAIL",
                "reasons": [sentence("the answer key demands nothing in this window")],
                "demanded": 2,
                "found": 1,
                "wrong": 0,
                "precision": 1.0,
                "recall": 0.5,
                "f1": 0.667,
            }
        ],
    )


@LANGUAGES
def test_each_figure_of_the_file_is_that_of_its_json(report: ReportDoc, language: Language) -> None:
    file = ReportFile(report_html(report, language))

    assert file.document == json.loads(json.dumps(report))
    assert file.figures == {each["label"]: shown(each["value"]) or "–" for each in report["figures"]}
    assert file.figures["requests in all"] == "12,980"
    assert file.figures[INJECTIONS] == "56,801"
    assert file.fields == {"seed": "42", "command": "scripts/load --users 5 --seed 42"}
    assert file.tables["rules"] == [["slow", "cache.stale_set", "9", "8", "7", "6"]]
    assert file.tables["open_lies"][0][-2:] == ["loan_a", "1,004.50 CNY"]
    assert file.tables["operations"] == [[HOSTILE, "3", "0", "0.5", "2", "", "9"]]
    assert file.tables["scores"][0][2:] == ["2", "1", "0", "1", "0.5", "0.667"]


def test_the_table_of_each_plot_has_its_values_and_the_plot_has_as_many_points(report: ReportDoc) -> None:
    file = ReportFile(report_html(report, Language.EN))

    assert file.tables["requests"] == [["0:00", "92", "0", "0"], ["0:01", "4", "1", "1"], ["0:02", "1,200", "0", "0"]]
    assert file.tables["latency"] == [
        ["0:00", "1.83", "6.1", "12,341"],
        ["0:01", "", "", ""],
        ["0:02", "2", "30.25", ""],
    ]
    assert file.tables["stale"] == [["0:00", "12.5"], ["0:01", ""], ["0:02", ""]]
    assert file.drawn["dots"] == 1, "one second had an injected delay"
    for plot in plots_of(report, Language.EN):
        assert [cells[1:] for cells in file.tables[plot.id]] == [
            [shown(line.values[n]) for line in plot.lines] for n in range(len(plot.places))
        ]


@LANGUAGES
def test_the_file_asks_nobody_for_anything(report: ReportDoc, language: Language) -> None:
    html = report_html(report, language)
    file = ReportFile(html)

    assert file.references == []
    assert not re.search(r"url\(|@import|https?://|//[a-z]", re.sub(r"<script.*</script>", "", html, flags=re.DOTALL))
    style = html.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert file.policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert file.title == f"{HOSTILE} · Mocklend"


def test_names_are_text_and_no_markup(report: ReportDoc) -> None:
    assert "<script>alert" not in report_html(report, Language.EN)


def test_a_chinese_file_has_no_english_sentence(report: ReportDoc) -> None:
    html = report_html(report, Language.ZH)

    assert "未通过" in html
    assert "已启用但没有注入：cache.stale_set" in html
    assert "在这个时间窗内，答案不要求发现任何差异" in html
    assert english_sentences(html) == []


def test_while_the_truth_is_hidden_no_byte_tells_it(report: ReportDoc) -> None:
    hidden = without_truth(deepcopy(report), None)
    html = report_html(hidden, Language.EN)

    numbers = ("56,801", "56801", "4,901", "4901", "51900", "12,341", "24682", "7.9<", "12.5")
    for secret in ("cache.stale_set", "slow", "--seed 42", "naive", "loan_a", *numbers):
        assert secret not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL), secret
    file = ReportFile(html)
    assert "The truth is hidden." in html
    assert file.tables.keys() == {"requests", "latency", "operations"}
    assert file.tables["latency"][0] == ["0:00", "1.83", "6.1"]
    assert "Not passed" in html
    assert report["truth"] is not None, "the report itself is as it was"


def test_without_a_row_there_is_no_plot(report: ReportDoc) -> None:
    assert "<svg" not in report_html({**report, "rows": []}, Language.EN)


# --- plots ---


def test_a_gap_ends_a_line_and_a_point_alone_is_a_dot() -> None:
    plot = Plot("p", "P", ["0", "1", "2", "3"], (PlotLine("a", "ink", [1, 2, None, 4]),))

    assert str(plot.svg()).count("<polyline") == 1
    assert str(plot.svg()).count("<circle") == 1


def test_a_value_stands_at_its_place_between_the_ticks() -> None:
    plot = Plot("p", "P", ["0", "1"], (PlotLine("a", "ink", [0, 100]),))
    [points] = re.findall(r'points="([^"]+)"', str(plot.svg()))

    ticks = [float(y) for y in re.findall(r'y1="([\d.]+)"', str(plot.svg()))]
    assert points == f"56.0,{ticks[0]:.1f} 628.0,{ticks[-1]:.1f}"
    assert re.findall(r'class="y"[^>]*>([^<]*)', str(plot.svg())) == ["0", "50", "100"]


def test_a_logarithmic_plot_has_decades_and_keeps_a_zero_at_its_foot() -> None:
    plot = Plot("p", "P", ["0", "1", "2"], (PlotLine("a", DOTS, [0, 1, 1_000]),), unit="ms", log=True)

    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', str(plot.svg()))]
    assert re.findall(r'class="y"[^>]*>([^<]*)', str(plot.svg())) == ["1 ms", "10 ms", "100 ms", "1,000 ms"]
    assert heights[0] == heights[1] > heights[2]


def test_what_is_counted_has_whole_ticks() -> None:
    counted = Plot("p", "P", ["0"], (PlotLine("a", "ink", [1]),))

    assert re.findall(r'class="y"[^>]*>([^<]*)', str(counted.svg())) == ["0", "1"]
    assert "<svg" in Plot("p", "P", [], (PlotLine("a", "ink", []),)).svg()


# --- scenarios ---


@pytest.mark.skipif(not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point")
@LANGUAGES
def test_a_scenario_leaves_a_report_of_what_it_showed(tmp_path: Path, language: Language) -> None:
    out, file = StringIO(), tmp_path / "report.html"

    code = run(
        scenarios()["stale-page"],
        as_json=True,
        out=out,
        language=language,
        at_end=reporter(file, "stale-page", language),
    )

    told, html = json.loads(out.getvalue()), file.read_text(encoding="utf-8")
    report = ReportFile(html)
    assert code is ExitCode.PASS
    assert report.references == []
    assert report.fields == {
        "seed": str(told["seed"]),
        "command": f"mocklend scenario run stale-page --seed {told['seed']}",
    }
    assert report.figures["claims that held"] == str(sum(len(scene["claims"]) for scene in told["scenes"]))
    assert report.figures[INJECTIONS] == str(len(told["answer_key"]))
    assert [cells[0] for cells in report.tables["scores"]] == list(told["scores"])
    for cells in report.tables["scores"]:
        score = told["scores"][cells[0]]
        assert cells[5:] == [shown(score[name]) or "–" for name in ("precision", "recall", "f1")]
    assert [cells[1] for cells in report.tables["chapters"]] == [
        str(chapter["open_lies"]) for chapter in report.document["scenario"][0]["chapters"]
    ]
    if language is Language.ZH:
        assert english_sentences(re.sub(r"<li>[✓✕].*?</li>", "", html)) == []


def test_a_place_where_no_file_can_be_is_refused_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    with pytest.raises(typer.Exit) as refused:
        reporter(tmp_path / "nowhere" / "report.html", "stale-page", Language.EN)

    assert refused.value.exit_code == ExitCode.WRONG_USE
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(("currency", "written"), [("JPY", "100,450 JPY"), ("KWD", "100.450 KWD")])
def test_an_amount_is_in_the_currency_of_its_lie(report: ReportDoc, currency: str, written: str) -> None:
    assert report["truth"] is not None
    report["truth"]["open_lies"][0]["currency"] = currency

    assert f'<td class="n">{written}</td>' in report_html(report, Language.EN)


def test_chinese_stands_beside_chinese_without_a_space() -> None:
    text = "as of {time}, polling"

    assert html(Language.ZH, text, time="上午") == "截至上午，轮询中"
    assert html(Language.ZH, text, time="10:10") == "截至 10:10，轮询中"
    assert html(Language.ZH, text, time="<b>") == "截至 &lt;b&gt;，轮询中"
