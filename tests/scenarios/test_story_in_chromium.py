"""A story in a real Chromium: it plays by itself, waits at a question, and follows what is played elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from mocklend.client import Client
from mocklend.language import Language
from mocklend.local import local_platform
from mocklend.scenarios.playing import console_address
from support.accessibility import barriers

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with local_platform() as served:
        yield served


class Story:
    """A story that somebody plays over HTTP."""

    def __init__(self, url: str, name: str) -> None:
        with Client(url) as anyone:
            begun = anyone.play_scenario(name, seed=7, language="en")
        self.address = console_address(url, begun["run"])
        self.client = Client(url, begun["sandbox"]["api_key"])


@pytest.fixture
def story(url: str) -> Iterator[Story]:
    played = Story(url, "settled-shown-unpaid")
    yield played
    played.client.close()


@pytest.fixture
def page(chromium_browser: Browser) -> Iterator[Page]:
    """A window whose time stands still."""
    opened = chromium_browser.new_page(locale="en", viewport={"width": 1280, "height": 900})
    opened.clock.install()
    yield opened
    opened.close()


def test_it_plays_by_itself_until_somebody_pauses(page: Page, story: Story) -> None:
    page.goto(story.address)
    expect(page.locator(".progress")).to_contain_text("step 0 of 31")

    page.keyboard.press("p")
    for step in (1, 2):
        expect(page.locator("#playing")).to_have_text("A step every 4 seconds.")
        page.clock.run_for(4_100)
        expect(page.locator(".progress")).to_contain_text(f"step {step} of 31")
    page.click("#by-itself")
    page.clock.run_for(20_000)

    expect(page.locator("#by-itself")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".progress")).to_contain_text("step 2 of 31")
    assert "play=" not in page.url


def test_it_waits_at_a_question_and_goes_on_after_the_answer(page: Page, story: Story) -> None:
    while not ((next := story.client.scenario_run()["next"]) and next["guess"]):
        story.client.scenario_steps()
    page.goto(f"{story.address}?play=on")

    expect(page.locator("#playing")).to_have_text("It waits at the question, until you reveal the answer.")
    page.clock.run_for(60_000)
    expect(page.locator("#go-on button.strong")).to_contain_text("Reveal")
    page.keyboard.press("Space")

    expect(page.locator("#playing")).to_have_text("A step every 4 seconds.")
    expect(page.locator(".guess")).to_have_count(0)


def test_a_page_follows_what_is_played_in_a_terminal(page: Page, story: Story) -> None:
    page.goto(story.address)
    story.client.scenario_steps("chapter")
    step = story.client.scenario_run()["step"]

    page.clock.run_for(2_100)

    expect(page.locator(".progress")).to_contain_text(f"step {step} of 31")
    page.goto(f"{story.address}?step=3")
    story.client.scenario_steps()
    page.clock.run_for(10_000)
    expect(page.locator(".progress")).to_contain_text("step 3 of 31")


def test_a_page_that_waits_for_its_answer_is_not_loaded_again(page: Page, story: Story) -> None:
    page.goto(story.address)
    page.evaluate("document.getElementById('go-on').addEventListener('submit', event => event.preventDefault())")
    page.click("#go-on button[value='chapter']")
    story.client.scenario_steps()

    page.clock.run_for(10_000)

    expect(page.locator("body")).to_have_class("busy")
    expect(page.locator(".progress")).to_contain_text("step 0 of 31")


def test_only_the_story_moves_its_clock(page: Page, story: Story) -> None:
    page.goto(story.address)

    expect(page.locator(".bar")).to_contain_text("the story moves it")
    expect(page.locator(".bar .moves, [data-key='n'], [data-key='d'], [data-key='m']")).to_have_count(0)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_a_step_is_shared_by_its_address_and_is_accessible(
    chromium_browser: Browser, story: Story, language: Language, theme: Literal["light", "dark"], width: int
) -> None:
    wrong: list[str] = []
    story.client.scenario_steps("chapter")
    story.client.scenario_steps("chapter")
    page = chromium_browser.new_page(locale="en", color_scheme=theme, viewport={"width": width, "height": 900})
    page.on("console", lambda message: wrong.append(message.text))
    page.goto(f"{story.address}?lang={language}&step=9")

    shared = page.locator("#share").get_attribute("href")
    assert shared == f"{story.address}?step=9&lang={language}"
    other = chromium_browser.new_page(locale="en", java_script_enabled=False)
    other.goto(shared)
    expect(other.locator("html")).to_have_attribute("lang", language.tag)
    expect(other.locator(".shown-steps")).to_have_text(page.locator(".shown-steps").text_content() or "-")
    assert not barriers(page)
    assert wrong == []
    other.close()
    page.close()
