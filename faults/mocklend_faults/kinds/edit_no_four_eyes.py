"""An edit that needs an approver is posted without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.edit_approval import EditApproval
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class NoFourEyes(Fault):
    """At the end of the quarter, the approval step is switched off for a while to save time.

    Large corrections used to wait until a second person had approved them. Now all of them are posted as entered, right
    or wrong. A single edit may be right: what is missing is the control, and with it the errors that it would have
    found. Have a second person approve each edit afterwards, or reverse it.
    """

    name: ClassVar[str] = "edit.no_four_eyes"
    title: ClassVar[str] = "An edit without approval"
    finding: ClassVar[str] = "unapproved"
    precondition: ClassVar[str] = "The sandbox requires approvers, and an edit above the limit names none."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the result of the edit, although it should still be a draft",
        "list": "the same",
        "instalments": "the same",
        "books": "the edit's postings",
        "webhook": "`loan.edited`",
        "console": "APPLIED, with no approver",
    }
    heals: ClassVar[str] = "Reversing the edit, or approving it afterwards."
    action: ClassVar[str] = "Have a second person approve it afterwards, or reverse it."

    def edit_approval(self, event: EditApproval) -> EditApproval:
        """Require no approver."""
        return replace(event, needed=False)
