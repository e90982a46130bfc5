"""Takes the pictures of the console that README and docs show, in both languages, with Debian's Chromium.

        a platform in this process ─▶ three clicks; a scenario to its third chapter; a class; a load ─▶ each page ─▶ docs/console/*.png

The stories have fixed seeds, so that only what has changed on a page changes its picture; on the page Live, the latencies are those
of this machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from playwright.sync_api import Browser, Page

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.exit_codes import ExitCode
from mocklend.language import Language
from mocklend.monitoring.history import checks_task
from mocklend.reports import collecting, storing
from mocklend.runtime import Platform
from mocklend.sandboxes.jobs import CHECKS
from mocklend.scenarios import runs
from mocklend_faults.engine.layer import FaultLayer

sys.path.insert(0, str(Path(__file__).parent))

from support.classroom import a_class
from support.load_minute import Seconds, under_load
from support.served_console import CHROMIUM, WHY_NOT, ServedConsole, chromium, served

OUT = Path(__file__).resolve().parents[1] / "docs" / "console"
SCENARIO, SEED, CHAPTERS = "settled-shown-unpaid", 7, 3
WIDE, NARROW = 1280, 390
MADE_NS = 1_780_000_000 * 10**9
"""The real time at which reports say that they were made."""
NAMES = {Language.EN: ("Teacher", "Accounting 2, spring"), Language.ZH: ("教师", "会计二班，春季")}
"""What the sandbox that is prepared for a class and the class are called."""
LOADS = {Language.EN: "Load 42", Language.ZH: "压测 42"}
LIVE: dict[Language, Literal["light", "dark"]] = {Language.EN: "light", Language.ZH: "dark"}
"""The theme of the picture of Live in each language."""


@dataclass(frozen=True)
class Picture:
    """A page to take: its path, in the sandbox of the scenario, how wide, in which theme, and how much of its height."""

    name: str
    path: str
    theme: Literal["light", "dark"] = "light"
    width: int = WIDE
    height: int = 1_190
    languages: tuple[Language, ...] = tuple(Language)


PICTURES = (
    Picture("loan", "/console/{sandbox}/loans/{loan}"),
    Picture("loan-dark", "/console/{sandbox}/loans/{loan}", theme="dark", languages=(Language.ZH,)),
    Picture("loan-narrow", "/console/{sandbox}/loans/{loan}", width=NARROW, height=1_400, languages=(Language.ZH,)),
    Picture("scenario", "/console/{sandbox}/scenarios/" + SCENARIO, height=800),
    Picture("messages", "/console/{sandbox}/messages", height=700),
    Picture("alerts", "/console/{sandbox}/alerts", height=700),
    Picture("faults", "/console/{sandbox}/faults?kind=callback.dropped"),
    Picture("answer-key", "/console/{prepared}/key", height=800),
    Picture("reports", "/console/{sandbox}/reports", height=480, languages=(Language.ZH,)),
    Picture("report", "/console/{sandbox}/reports/{report}", height=1_300, languages=(Language.ZH,)),
)


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the pictures (docs/console)")
    out: Path = parser.parse_args(arguments).out
    if CHROMIUM is None:
        print(f"INCONCLUSIVE: {WHY_NOT}")
        return ExitCode.INCONCLUSIVE
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(str(Path(folder) / "mocklend.db"), FaultLayer(), fast=True)
        platform.ensure_default(1)
        seconds = Seconds(MADE_NS // 10**6)
        loaded = Platform(str(Path(folder) / "load.db"), FaultLayer(), fast=True, real_ms=seconds)
        loaded.ensure_default(1)
        try:
            with served(platform) as console, served(loaded) as live, chromium() as browser:
                for path in (*_taken(console, browser, out), *_live(live, seconds, browser, out)):
                    print(path.name, flush=True)
        finally:
            platform.close()
            loaded.close()
    return ExitCode.PASS


def _live(console: ServedConsole, seconds: Seconds, browser: Browser, out: Path) -> Iterator[Path]:
    for language, theme in LIVE.items():
        sandbox = under_load(console.platform, seconds, LOADS[language])
        page = _window(browser, language, theme, WIDE)
        page.goto(f"{console.url}/console/{sandbox}/live?window=all")
        page.locator("#plot-lies canvas").wait_for()
        yield _shot(page, out / f"live-{language}.png", 1_190)
        page.close()


def _taken(console: ServedConsole, browser: Browser, out: Path) -> Iterator[Path]:
    for language in Language:
        prepared = a_class(console.platform, NAMES[language])
        page = _window(browser, language, "light", WIDE)
        page.goto(console.url)
        for _ in range(3):
            page.locator(".step.next button:not([disabled])").click()
        yield _shot(page, out / f"start-{language}.png", 900)
        page.close()
        sandbox, loan, report = _played(console.platform, language)
        places = {"sandbox": sandbox, "loan": loan, "report": report, "prepared": prepared.split("/")[2]}
        for picture in PICTURES:
            if language in picture.languages:
                page = _window(browser, language, picture.theme, picture.width)
                page.goto(console.url + picture.path.format(**places))
                yield _shot(page, out / f"{picture.name}-{language}.png", picture.height)
                page.close()
        page = _window(browser, language, "light", WIDE)
        page.goto(console.url + prepared)
        yield _shot(page, out / f"class-{language}.png", 1_190)
        page.close()


def _played(platform: Platform, language: Language) -> tuple[str, str, str]:
    """The scenario after its third chapter and a run of the alerts: its sandbox, its loan, a report of a fixed time."""
    app = create_app(Settings(), platform).wsgi_app
    run, sandbox = runs.play(app, platform, SCENARIO, SEED, language)
    for _ in range(CHAPTERS):
        runs.go_on(app, platform, run.sandbox_id, runs.CHAPTER)
    platform.jobs.begin(run.sandbox_id, CHECKS, checks_task, within_s=60)
    with platform.snapshot(sandbox["id"]) as snapshot:
        [loan_id, *_] = snapshot.ids("SELECT id FROM loans WHERE sandbox_id = :sandbox_id ORDER BY id LIMIT 1")
    with patch.object(collecting, "wall_ns", lambda: MADE_NS), patch.object(storing, "wall_ns", lambda: MADE_NS):
        report = storing.make_report(app, platform, sandbox["id"], Settings().control_token)
    return sandbox["id"], loan_id, report.id


def _window(browser: Browser, language: Language, theme: Literal["light", "dark"], width: int) -> Page:
    return browser.new_page(locale=language.tag, color_scheme=theme, viewport={"width": width, "height": 800})


def _shot(page: Page, path: Path, height: int) -> Path:
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})  # type: ignore[index]
    page.screenshot(path=path)
    return path


if __name__ == "__main__":
    raise SystemExit(main())
