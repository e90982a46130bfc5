"""What the tests of storage share: a real PostgreSQL, one a run, found in the folder above."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a database. Without one the tests that need it are skipped, but never in CI."""
    from postgresql import NotHere, running

    try:
        with running() as url:
            yield url
    except NotHere as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))
