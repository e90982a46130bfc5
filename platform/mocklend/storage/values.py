"""Values that a column of an entity holds as JSON, and that are structs everywhere else."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from mocklend.seams.view_refresh import Showing


class StatusOverride(Struct, frozen=True):
    """A loan's status that an operator has set by hand.

    `since_ms` and `since_version` say from when on the books have derived another one; None while they agree.
    """

    edit_id: str
    status: str  # of the bill: INIT, VALID, OVERDUE, CLEAR
    since_ms: int | None = None
    since_version: int | None = None


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One attempt at a message: its number from 1, its moment (RFC 3339), what came of it; of a callback, its type."""

    n: int
    at: str
    outcome: str
    event: str | None = None


class WorldAssignment(Struct, frozen=True):
    """Whose a receipt really is: the loan that an operator last found out, and what took it away from earlier ones.

    `left` has, by loan id, the id of the fact that took the money away from it.
    """

    loan_id: str
    left: dict[str, str]


class ViewVersion(Struct, frozen=True, array_like=True):
    """What a loan's page says at one version, and from when that is seen.

    `change_minor` is what it moved the balance by, `off_minor` what the balance on the page is too much. A version that
    had to wait says in `waits` from when each view shows it, and in `behind_minor` what the page was behind by.
    """

    version: int
    made_ms: int
    status: str
    outstanding_minor: int
    change_minor: int
    off_minor: int
    waits: Showing | None = None
    behind_minor: int | None = None

    @property
    def showing(self) -> Showing:
        """From when on each view shows it: at once and for good, where it did not have to wait."""
        return self.waits or Showing.at(self.made_ms)

    @property
    def books_minor(self) -> int:
        """What the books had outstanding at this version."""
        return self.outstanding_minor - self.off_minor

    @property
    def said(self) -> dict[str, Any]:
        """The part that a fault may look at."""
        return {"version": self.version, "status": self.status, "outstanding_minor": self.outstanding_minor}
