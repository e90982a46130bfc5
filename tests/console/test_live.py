"""The page Live without a browser: its tables are what is counted, and a student sees nothing of what faults did."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.console.app import HERE, create_console
from mocklend.console.live import LivePage
from mocklend.console.visit import SESSION
from mocklend.language import Language
from mocklend.runtime import NewSandbox, Platform, find_layer
from support.console import ROOT, Browser, english_sentences, seen
from support.event_reader import Stream, doored
from support.story import MONDAY_MS, Clock, Story

UPLOT = HERE / "static" / "vendored"


@pytest.fixture
def platform(open_platform: Callable[..., Platform], clock: Clock) -> Platform:
    """A platform with faults, on the test's time."""
    return open_platform(find_layer(), real_ms=clock)


@pytest.fixture
def sandbox(platform: Platform, seed: int) -> NewSandbox:
    return platform.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS)


def table_of(html: str, chart: str) -> list[list[str]]:
    """The rows of a chart's table."""
    body = html.partition(f'id="table-{chart}"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>")[:-1]]


def test_the_tables_have_what_was_counted(browser: Browser, platform: Platform, clock: Clock) -> None:
    assert table_of(browser.get("/live"), "requests") == []
    count = platform.live_series.count
    count(browser.sandbox_id, 200, 0.002, stale=True)
    count(browser.sandbox_id, 200, 0.002, stale=False)
    count(browser.sandbox_id, 422, 0.002)
    count(browser.sandbox_id, 200, 0.002, delay_ms=1_500)
    clock.ms += 2_000

    html = browser.get("/live")

    assert table_of(html, "requests") == [["0:00", "4", "1", "0"], ["0:01", "0", "0", "0"]]
    ((_, p50, p95, delay), quiet) = table_of(html, "latency")
    assert 1.8 < float(p50) == float(p95) < 2.2
    assert delay == "1,500"
    assert quiet == ["0:01", "", "", ""]
    assert table_of(html, "stale") == [["0:00", "50"], ["0:01", ""]]
    assert "of 4" in seen(html)


def test_the_script_gets_what_the_tables_have(browser: Browser, platform: Platform, clock: Clock) -> None:
    browser.get("/live")
    platform.live_series.count(browser.sandbox_id, 200, 0.002)
    clock.ms += 3_000
    got = json.loads(browser.get("/live/rows"))
    tables = browser.get("/live")

    assert len(got["rows"]) == 3
    for chart in ("requests", "latency", "stale", "lies"):
        shown = [["" if value is None else f"{value:,g}" for value in row[chart]] for row in got["rows"]]
        assert shown == [cells for _, *cells in table_of(tables, chart)]
    assert json.loads(browser.get(f"/live/rows?since={got['rows'][1]['second']}"))["rows"] == got["rows"][2:]
    assert json.loads(browser.get("/live/rows?since=x"))["rows"] == got["rows"]


def test_the_stream_has_what_the_page_asks_for_otherwise(browser: Browser, platform: Platform, clock: Clock) -> None:
    browser.get("/live")
    platform.live_series.count(browser.sandbox_id, 200, 0.002)
    clock.ms += 3_000
    polled = json.loads(browser.get("/live/rows"))
    second = polled["rows"][1]["second"]

    with doored(browser.client.application.wsgi_app, 4) as (_, port):
        path = f"/console/{browser.sandbox_id}/live/events"
        stream = Stream(port, path)
        events = stream.events()
        first = next(events)
        assert (first.id, first.data) == (polled["rows"][-1]["second"], polled)
        for again in (Stream(port, f"{path}?since={second}"), Stream(port, path, {"Last-Event-ID": str(second)})):
            assert next(again.events()).data["rows"] == polled["rows"][2:]
            again.close()
        platform.live_series.count(browser.sandbox_id, 404, 0.002)
        clock.ms += 1_000
        came = next(events)
        stream.close()

    now = json.loads(browser.get("/live/rows"))
    assert came.data == {**now, "rows": now["rows"][-1:]}
    assert came.id == now["rows"][-1]["second"]


def test_the_stream_is_one_encoding_for_viewers_of_a_language(browser: Browser, platform: Platform) -> None:
    followed = {
        LivePage(platform, browser.sandbox_id, 1, language, shows_truth=truth)
        for language in (Language.EN, Language.ZH, Language.EN)
        for truth in (True, False, True)
    }

    assert len(followed) == 4


def test_a_students_stream_has_no_truth_and_ends_with_the_key(
    platform: Platform, sandbox: NewSandbox, clock: Clock
) -> None:
    console = create_console(platform, Settings(host="0.0.0.0"))
    student = {"Cookie": f"{SESSION}={sandbox.api_key}", "Accept-Language": "zh-CN"}
    with doored(console.wsgi_app, 4, on_loopback=False) as (_, port):
        stream = Stream(port, f"/console/{sandbox.id}/live/events", student)
        events = stream.events()
        next(events)
        platform.live_series.count(sandbox.id, 200, 0.002, delay_ms=1_500, stale=True)
        clock.ms += 1_000
        came = next(events).data
        assert came["rows"][0].keys() == {"second", "requests", "latency"}
        assert [figure["id"] for figure in came["figures"]] == ["requests", "p50", "p95", "refused"]
        assert came["figures"][0]["beside"] == "共 1"

        platform.give_key(sandbox.id, "mk_another_key_of_it")
        clock.ms += 1_000

        assert list(events) == []
        assert stream.ended
        nobody = Stream(port, f"/console/{sandbox.id}/live/events")
        assert nobody.status == 401
        for each in (stream, nobody):
            each.close()


def test_without_the_truth_nothing_tells_what_faults_did(browser: Browser, platform: Platform, clock: Clock) -> None:
    browser.get("/live")
    platform.live_series.count(browser.sandbox_id, 200, 0.002, delay_ms=1_500, stale=True)
    clock.ms += 1_000

    hidden = browser.get("/live?truth=hidden")
    rows = json.loads(browser.get("/live/rows"))

    assert "plot-stale" not in hidden
    assert "plot-lies" not in hidden
    assert "injected delay<" not in hidden
    assert "1,500" not in hidden
    assert rows["rows"][0].keys() == {"second", "requests", "latency"}
    assert len(rows["rows"][0]["latency"]) == 2
    assert [figure["id"] for figure in rows["figures"]] == ["requests", "p50", "p95", "refused"]


def test_in_chinese_no_english_sentence_is_left(browser: Browser, clock: Clock) -> None:
    browser.get("/live")
    clock.ms += 2_000

    assert english_sentences(browser.get("/live", Language.ZH)) == []


def test_an_unknown_sandbox_is_not_counted(browser: Browser, platform: Platform) -> None:
    browser.get("/console/nobody/live", status=404)

    assert "nobody" not in platform.live_series._watched


def test_looking_at_the_page_is_no_request(story: Story, platform: Platform, browser: Browser, clock: Clock) -> None:
    app = create_app(Settings(), platform)
    for _ in range(3):
        app.test_client().get(f"/console/{story.sandbox_id}/live/rows")
    clock.ms += 1_000

    assert {row[1] for row in table_of(browser.get("/live"), "requests")} == {"0"}


def test_the_vendored_files_have_their_published_hashes() -> None:
    vendored = json.loads((UPLOT / "uplot.json").read_text(encoding="utf-8"))
    notes = (Path(ROOT) / "THIRD_PARTY.md").read_text(encoding="utf-8")

    assert {path.name for path in (UPLOT / "uplot").iterdir()} == set(vendored["sha256"])
    for name, digest in vendored["sha256"].items():
        assert hashlib.sha256((UPLOT / "uplot" / name).read_bytes()).hexdigest() == digest, name
        assert f"| `{name}` | `{digest}` |" in notes
    assert f"{vendored['name']} {vendored['version']}" in notes
