"""Seams without a fault layer: a function of the test decides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.seams.seam import SeamEvent
from mocklend.storage.work import Work


def decide_by(plant: pytest.MonkeyPatch, act: Callable[[Work, SeamEvent], SeamEvent]) -> None:
    """Put each event to a function, as if a rule were armed: else most events are not even made."""
    plant.setattr(Work, "armed", True)
    plant.setattr(Work, "at", act)
