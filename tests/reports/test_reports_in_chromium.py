"""A report in a real Chromium, opened as a file: no error, no request, no violation of accessibility, and it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from mocklend.cli.scenarios import reporter
from mocklend.language import Language
from mocklend.scenarios.telling import run
from mocklend.scenarios.text import scenarios
from support.accessibility import barriers

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[Language, Path]:
    """The report of a story in each language."""
    folder = tmp_path_factory.mktemp("reports")
    for language in Language:
        at_end = reporter(folder / f"{language}.html", "stale-page", language)
        run(scenarios()["stale-page"], as_json=True, out=(folder / "told").open("w"), language=language, at_end=at_end)
    return {language: folder / f"{language}.html" for language in Language}


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_is_read_from_a_folder(
    chromium_browser: Browser,
    files: dict[Language, Path],
    language: Language,
    theme: Literal["light", "dark"],
    width: int,
) -> None:
    wrong: list[str] = []
    address = files[language].as_uri()
    page = chromium_browser.new_page(color_scheme=theme, viewport={"width": width, "height": 900})
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: None if asked.url == address else wrong.append(asked.url))

    page.goto(address)
    for summary in page.locator("summary").all():
        summary.click()
    expect(page.locator("svg.plot").first).to_be_visible()

    assert not barriers(page)
    assert page.evaluate("getComputedStyle(document.body).display") == "block"
    assert page.evaluate("getComputedStyle(document.querySelector('main')).display") == "grid", "its style is in force"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert wrong == []
    page.close()
