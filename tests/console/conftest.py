"""A console beside the API of the tests' platform, and what a page is asked for."""

from __future__ import annotations

import pytest

from mocklend.config import Settings
from mocklend.console.app import create_console
from mocklend.runtime import Platform
from support.console import Browser
from support.story import Story


@pytest.fixture
def browser(platform: Platform, story: Story) -> Browser:
    """A viewer of the story's sandbox, on loopback."""
    return Browser(create_console(platform, Settings()).test_client(), story.sandbox_id)
