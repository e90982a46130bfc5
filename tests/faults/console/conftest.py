"""The API and the console of one sandbox with the fault layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.console.app import create_console
from mocklend.runtime import Platform, find_layer
from support.console import Browser
from support.console_control import Control

MONDAY = "2026-01-05T10:00:00+08:00"


@pytest.fixture
def served(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with the fault layer."""
    return open_platform(find_layer())


@pytest.fixture
def control(served: Platform) -> Iterator[Control]:
    """The API of a sandbox of its own, on a manual clock."""
    with create_app(Settings(default_seed=7), served).test_client() as http:
        made = http.post("/-/sandboxes", json={"seed": 7, "clock": {"mode": "manual", "now": MONDAY}}).get_json()
        yield Control(http, made)


@pytest.fixture
def browser(served: Platform, control: Control) -> Browser:
    """A browser in the same sandbox, on loopback."""
    return Browser(create_console(served, Settings()).test_client(), control.sandbox_id)
