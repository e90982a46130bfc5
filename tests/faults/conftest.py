"""The fixtures of the fault layer's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mocklend.storage.engines import open_engine
from mocklend_faults.engine import FaultLayer
from support.databases import Databases
from support.events import KINDS
from support.layer_harness import LayerHarness


@pytest.fixture
def harness(databases: Databases) -> Iterator[LayerHarness]:
    engine = open_engine(databases("harness"), fast=True)
    yield LayerHarness(engine, FaultLayer(KINDS))
    engine.dispose()


@pytest.fixture
def another_layer(harness: LayerHarness) -> Callable[[], None]:
    """A restart of the process: everything in memory is lost."""

    def restart() -> None:
        harness.layer = FaultLayer(KINDS)

    return restart
