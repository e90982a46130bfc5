"""scripts/neighbours: its bounds and its verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bad_neighbours import Impact, judged

from mocklend.exit_codes import ExitCode

FINE = Impact("nothing", p50_ms=3, p99_ms=49, settled=2, settles_late_s=0.9, health_ms=99, ends_s=29, exit_code=0)
TOO_MUCH: dict[str, Any] = {
    "failed": 1, "p99_ms": 51, "settled": 0, "settles_late_s": 1.1, "health_ms": 101, "ends_s": 31, "exit_code": -9,
}  # fmt: skip


def test_nothing_is_wrong_where_every_bound_holds() -> None:
    assert FINE.wrong == []
    assert judged([FINE, replace(FINE, way="latency")]) == ExitCode.PASS


@pytest.mark.parametrize("field", TOO_MUCH)
def test_each_broken_bound_is_a_fail(field: str) -> None:
    noticed = replace(FINE, way="latency", **{field: TOO_MUCH[field]})

    assert len(noticed.wrong) == 1
    assert judged([FINE, noticed]) == ExitCode.FAIL


@pytest.mark.parametrize("field", TOO_MUCH)
def test_a_slow_sandbox_without_misbehaviour_is_inconclusive(field: str) -> None:
    assert judged([replace(FINE, **{field: TOO_MUCH[field]}), FINE]) == ExitCode.INCONCLUSIVE
