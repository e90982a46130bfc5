"""The commands that execute the follow-ups of an outcome."""

from __future__ import annotations

from mocklend.channels.closed_orders import BelieveClosed
from mocklend.channels.second_receipts import BookCopy
from mocklend.lending.opening_balance import PostResidue
from mocklend.seams.follow_ups import (
    CarryResidueOver,
    OverrideStatus,
    PostReceiptAgain,
    TakeCopyForPayment,
    TakeOrderForClosed,
)
from mocklend.servicing.by_hand import OverrideStatusByHand, PostReceiptByHand
from mocklend.storage.work import FollowUps

FOLLOW_UPS: FollowUps = {
    PostReceiptAgain: PostReceiptByHand,
    OverrideStatus: OverrideStatusByHand,
    TakeCopyForPayment: BookCopy,
    TakeOrderForClosed: BelieveClosed,
    CarryResidueOver: PostResidue,
}
"""By class of follow-up: the constructor of its command."""
