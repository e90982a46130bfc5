"""An edit that needs a second person goes on the books without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.edit_approval import EditApproval
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class NoFourEyes(Fault):
    """The quarter ends, volume counts, and the approval step is switched off for a while.

    Large corrections used to wait until a second person had looked at them. Now they go through as they are typed,
    good ones and bad ones. Nothing about a single edit need be wrong: it is the control that is missing, and with it
    whatever it would have caught. Have somebody look at each after the fact, or take it back.
    """

    name: ClassVar[str] = "edit.no_four_eyes"
    finding: ClassVar[str] = "unapproved"
    precondition: ClassVar[str] = "The sandbox asks for a second person, and an act above the limit names none."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "what the act did, although it should still be a draft",
        "list": "the same",
        "instalments": "the same",
        "books": "the act's postings",
        "webhook": "`loan.edited`",
        "console": "APPLIED, with no approver",
    }
    heals: ClassVar[str] = "Reversing the act, or approving it after all."
    action: ClassVar[str] = "Have a second person approve it afterwards, or reverse it."

    def edit_approval(self, event: EditApproval) -> EditApproval:
        """Nobody has to look."""
        return replace(event, needed=False)
