"""Hostile input to the console: no page fails, whatever stands in its address or in its form."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer
from support.console import Browser
from support.story import MONDAY_MS, SEED


@pytest.fixture
def served(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with the fault layer and the sandbox `default`."""
    platform = open_platform(find_layer())
    platform.create_sandbox(seed=SEED, mode="manual", now_ms=MONDAY_MS, id="default")
    return platform


@pytest.fixture
def browser(served: Platform) -> Browser:
    """A viewer of `default`, on loopback."""
    return Browser(create_app(Settings(), served).test_client(), "default")


@pytest.mark.parametrize("query", ["endpoint=x", "_method=PUT", "_external=1", "_anchor=x", "sandbox=x", "values=x"])
@pytest.mark.parametrize("path", ["/", "/console/sign-in", "/console/default/loans"])
def test_a_query_parameter_is_never_an_argument_of_ours(browser: Browser, path: str, query: str) -> None:
    answer = browser.client.get(f"{path}?{query}", follow_redirects=True)

    assert answer.status_code == 200
    assert answer.request.path == (path if path != "/" else "/console/default/start")
    assert f'href="{answer.request.path}?{query}&amp;lang=zh"' in answer.text


@pytest.mark.parametrize("came_from", ["http://[", "//[::1", "http://[x]/console/", "/console/default/loans?q=["])
def test_an_address_to_go_back_to_that_is_none_is_ignored(browser: Browser, served: Platform, came_from: str) -> None:
    page = browser.go("/clock", {"by": "P1D", "from": came_from})

    assert ">Loans</h1>" in page
    with served.snapshot("default") as snapshot:
        assert snapshot.now_ms == MONDAY_MS + 86_400_000
    assert browser.post("/faults/halt", {"from": came_from}).status_code == 303
    assert browser.post("/alerts", {"from": came_from}).status_code == 303


@pytest.mark.parametrize("origin", ["http://[", "null", "http://localhost:1", "localhost"])
def test_a_form_of_an_origin_that_is_none_is_refused(browser: Browser, origin: str) -> None:
    answer = browser.client.post("/console/default/clock", data={"by": "P1D"}, headers={"Origin": origin})

    assert answer.status_code == 403
    assert "cross_site" in answer.text


NO_NUMBERS = ["²", "٣", "9" * 5_000, "-1", "1e3", "0x1", " "]


@pytest.mark.parametrize("seed", NO_NUMBERS)
def test_a_seed_that_is_none_is_kept_with_the_error(browser: Browser, seed: str) -> None:
    answer = browser.post("/scenarios/stale-page", {"seed": seed})

    assert answer.status_code == 422
    assert 'id="error-seed"' in answer.text
    assert f'value="{seed}"' in answer.text


def test_steps_and_chapters_that_are_none_show_the_newest(browser: Browser) -> None:
    story = browser.post("/scenarios/stale-page", {"seed": "7"}).location
    browser.post(f"{story}/steps", {"until": "chapter", "at_step": "²"})
    progress = browser.get(story).partition("<meter")[2].partition("</meter>")[0]
    assert 'value="0"' not in progress

    for text in NO_NUMBERS:
        page = browser.client.get(story, query_string={"step": text, "chapter": text})
        assert page.status_code == 200
        assert progress in page.text
