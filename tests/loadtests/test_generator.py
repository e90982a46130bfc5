"""The monitor of a load: it audits again and again, from the mark of the audit before."""

from __future__ import annotations

import pytest
from generator import LoadMonitor

from mocklend.client import Client, Doc, ProblemError


class Audits:
    """A platform that answers audits with marks in order, or refuses them."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.refuses: Doc | None = None

    def audit(self, *, since: str | None = None) -> Doc:
        self.asked.append(since)
        if self.refuses is not None:
            raise ProblemError(410, self.refuses)
        return {"mark": str(len(self.asked))}


def monitored(audits: Audits, half_way_s: float) -> LoadMonitor:
    monitor = LoadMonitor(Client("http://127.0.0.1:1"), half_way_s, layer=False)
    monitor._client = audits  # type: ignore[assignment]
    return monitor


def test_each_audit_continues_the_one_before() -> None:
    audits = Audits()
    monitor = monitored(audits, 3600)

    for _ in range(3):
        monitor.audit()

    assert audits.asked == [None, "1", "2"]
    assert monitor.audits == [{"mark": "1"}, {"mark": "2"}, {"mark": "3"}]


def test_one_half_way_is_of_everything() -> None:
    audits = Audits()
    monitor = monitored(audits, 0)
    monitor._mark = "0"

    for _ in range(2):
        monitor.audit()

    assert audits.asked == [None, "1"]


@pytest.mark.parametrize(("code", "then"), [("mark_too_old", None), ("server_busy", "1")])
def test_after_a_refused_mark_everything_is_audited_again(code: str, then: str | None) -> None:
    audits = Audits()
    monitor = monitored(audits, 3600)
    monitor.audit()
    audits.refuses = {"code": code, "detail": "", "status": 410}

    for _ in range(2):
        with pytest.raises(ProblemError):
            monitor.audit()

    assert audits.asked == [None, "1", then]
