"""The end of a view's lag: older versions are deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.views.pages import DROP_OLDER, NOW_VISIBLE


@dataclass(frozen=True, slots=True)
class ShowVersion:
    """Clean up after the lag of one version. Reads show the version from its time on without this command."""

    sandbox_id: str
    loan_id: str
    version: int
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """Nothing: two statements do it all."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200."""
        work.write(DROP_OLDER, loan_id=self.loan_id, version=self.version)
        work.write(NOW_VISIBLE, loan_id=self.loan_id, version=self.version)
        return Answer(200, {"loan_id": self.loan_id, "version": self.version})
