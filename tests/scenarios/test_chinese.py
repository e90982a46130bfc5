"""Each text of each story has its Chinese, and a story that is told in Chinese has no English sentence."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any

import pytest

from mocklend import demo
from mocklend.cli.root import language_of
from mocklend.language import Language, is_translated, translate
from mocklend.local import opened_platform
from mocklend.scenarios.telling import run
from mocklend.scenarios.text import Scenario, scenarios
from mocklend.scenarios.words import CODES, PARTIES, SENTENCES

pytestmark = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)
SHIPPED = scenarios()
ENGLISH = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z]{2,}[,;:]? [a-z]{2,}")
"""Three words of a sentence; names and codes have fewer."""


def texts_of(scenario: Scenario) -> Iterator[str]:
    """Every text of a story that a reader sees."""
    yield from (scenario.title, scenario.story)
    for chapter in scenario.chapters:
        yield from (chapter["title"], chapter["story"])
        for step in chapter["steps"]:
            spoken: Mapping[str, Any] = step.get("with") or {}
            guess = step.get("guess") or {}
            for text in (
                *(step.get(name) for name in ("who", "say", "claim")),
                *(guess.get(name) for name in ("ask", "hint")),
                *(spoken.get(name) for name in ("name", "payer_name", "memo")),
            ):
                if text:
                    yield text


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_text_of_a_story_has_its_chinese(name: str) -> None:
    assert [text for text in texts_of(SHIPPED[name]) if not is_translated(Language.ZH, text)] == []


def test_every_sentence_and_word_about_an_answer_has_its_chinese() -> None:
    sentences = [text for each in SENTENCES.values() for one in each for text in (one.text, one.detail) if text]
    texts = [*sentences, *CODES.values(), *PARTIES.values(), "Refused: {title}", "{day} {month}", ", "]

    assert [text for text in texts if not is_translated(Language.ZH, text)] == []


def test_a_text_without_chinese_would_be_noticed() -> None:
    assert not is_translated(Language.ZH, "Ada borrows, and forgets it.")
    assert ENGLISH.search("Ada borrows, and forgets it.")
    assert not ENGLISH.search("张三 outage.write_only USING bill_pay")


def english_in(document: object) -> list[str]:
    """The English sentences of a document."""
    if isinstance(document, dict):
        return [found for value in document.values() for found in english_in(value)]
    if isinstance(document, list):
        return [found for value in document for found in english_in(value)]
    if not isinstance(document, str):
        return []
    return [document] if ENGLISH.search(re.sub(r"mocklend [a-z ]+", "", document)) else []  # A command is no sentence.


@pytest.mark.parametrize("name", [pytest.param("settled-shown-unpaid", marks=pytest.mark.long), "wrong-amount"])
def test_a_story_played_in_chinese_has_no_english_sentence(name: str) -> None:
    with opened_platform() as local:
        _, made = local.ask("POST", f"/-/scenarios/{name}/runs", {"language": "zh"})
        status, run = local.ask("POST", "/-/scenarios/run/steps", {"until": "end"}, made["sandbox"]["api_key"])
        _, english = local.ask("GET", "/-/scenarios/run?language=en", api_key=made["sandbox"]["api_key"])

    assert (status, run["state"], run["failed"]) == (200, "over", None)
    assert english_in(run) == []
    assert run["title"] == translate(Language.ZH, SHIPPED[name].title)
    assert english["title"] == SHIPPED[name].title


@pytest.mark.parametrize("name", ["stale-page", pytest.param("month-end-outage", marks=pytest.mark.long)])
def test_a_story_run_on_the_command_line_in_chinese_prints_no_english_sentence(name: str) -> None:
    out = io.StringIO()
    code = run(SHIPPED[name], out=out, language=Language.ZH)

    assert (code, english_in(out.getvalue().splitlines())) == (0, [])
    assert translate(Language.ZH, SHIPPED[name].title) in out.getvalue()


@pytest.mark.long
def test_the_demo_in_chinese_prints_no_english_sentence() -> None:
    out = io.StringIO()

    assert demo.run(seed=7, out=out, language=Language.ZH) == 0
    assert english_in(out.getvalue().splitlines()) == []


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "C.UTF-8"}, "en"), ({"LANG": "zh_CN", "LC_ALL": "en_US.UTF-8"}, "en")],
)
def test_the_command_line_speaks_the_language_of_the_environment(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert language_of(None) == language
    assert language_of(Language.ZH) is Language.ZH
