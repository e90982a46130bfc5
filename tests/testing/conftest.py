"""A folder in which a test runs a small suite of its own."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

# What an inner run imports is forgotten after it, and a table cannot be declared twice: so import it all before.
import mocklend.app
import mocklend.client
import mocklend.local  # noqa: F401
from mocklend.runtime import find_layer

find_layer()
for kind in entry_points(group="mocklend.faults"):  # The layer loads them only when they are asked for.
    kind.load()


INSTALLED = bool(entry_points(group="pytest11", name="mocklend"))


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with the plug-in in force, whether it is installed or only on the path."""
    if not INSTALLED:
        pytester.makeconftest('pytest_plugins = ["mocklend.testing"]')
    return pytester
