"""The fixtures of the fault layer's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mocklend.storage.engines import open_engine
from mocklend_faults.engine import FaultLayer
from support.events import KINDS
from support.layer_harness import LayerHarness


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[LayerHarness]:
    engine = open_engine(f"sqlite:///{tmp_path}/floor.db", fast=True)
    yield LayerHarness(engine, FaultLayer(KINDS))
    engine.dispose()


@pytest.fixture
def another_layer(floor: LayerHarness) -> Callable[[], None]:
    """A restart of the process: everything in memory is lost."""

    def restart() -> None:
        floor.layer = FaultLayer(KINDS)

    return restart
