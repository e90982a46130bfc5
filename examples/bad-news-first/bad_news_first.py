"""The status page shows a new debt at once, and a payment later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class BadNewsFirst(Fault):
    """Debts are pushed to the status page; payments wait for its next refresh.

    Ada is charged a fee and sees it within the second. She pays it, and sees it still, for ten minutes. Two pipelines
    feed one page, and only one of them is in a hurry. Wait for the slow one; nothing is wrong with the money.
    """

    name: ClassVar[str] = "cache.bad_news_first"
    title: ClassVar[str] = "A payment is shown later than a debt"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes so that less is owed."
    symptom: ClassVar[Mapping[str, str]] = {"page": "the old amount", "list": "the same", "instalments": "the same"}
    heals: ClassVar[str] = "Time: after `lag_s`, or sooner when a newer version is shown."
    action: ClassVar[str] = "Wait for the slow pipeline; nothing is wrong with the money."

    lag_s: int = setting(600, "How much later a payment is shown.", least=1, most=86_400)

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """Delay a version only if less is owed in it."""
        if event.after["outstanding_minor"] >= event.before["outstanding_minor"]:
            return event
        return replace(event, lag_s=event.lag_s + self.lag_s)
