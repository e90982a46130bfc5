"""The notes of a chain and of a dispute's progress, which are stored in English, in the viewer's language."""

from __future__ import annotations

from mocklend.language import message

NOTES = (
    message("{channel} has not paid it out yet"),
    message("{channel} has not settled it yet"),
    message("{channel} is about to call back"),
    message("it is computed again at {moment}"),
    message("{status} of {day} is published at {moment}"),
    message("Received: {claim}."),
    message("Marked on the credit report."),
    message("{operator} verified the evidence: the channels confirm {fitting} of {count} pieces."),
    message("The borrower's statement was added."),
    message("The deadline for an answer has passed."),
    message("The compensation was paid through {channel}."),
    message("The compensation of {amount} was posted."),
    message("A compensation of {amount} was agreed."),
    message("Corrected: {corrected}. Left to do: {todo}."),
    message("Corrected: nothing, the books were already right."),
    message("Corrected: {corrected}."),
)
"""What says how far something is. What an operator wrote stays as it is."""
