"""Edits that a fault submits for an operator: ordinary commands that can be reversed, one for each follow-up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from inspect import isclass

import pytest

from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import make_id
from mocklend.seams import SEAMS, follow_ups
from mocklend.seams.callback_taken import CallbackTaken
from mocklend.seams.follow_ups import FollowUp, OverrideStatus, PostReceiptAgain, TakeCopyForPayment, TakeOrderForClosed
from mocklend.seams.layer import LayerBroke
from mocklend.seams.loan_opened import LoanOpened
from mocklend.seams.order_paid import OrderPaid
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.servicing import ReverseEdit, ReverseReceipt
from mocklend.servicing.by_hand import OverrideStatusByHand, PostReceiptByHand
from mocklend.servicing.follow_ups import FOLLOW_UPS
from mocklend.storage.work import Answer, Sandbox, Work
from support.story import SEED, Story


def test_every_follow_up_has_a_command() -> None:
    kinds = {kind for kind in vars(follow_ups).values() if isclass(kind) and issubclass(kind, FollowUp)}

    assert set(FOLLOW_UPS) == kinds - {FollowUp}


@pytest.mark.parametrize("seam", SEAMS.values(), ids=SEAMS)
def test_nothing_follows_an_honest_outcome(seam: type[OrderPaid]) -> None:
    assert seam.example().follow_ups() == ()


def test_what_follows_has_the_ids_of_the_event() -> None:
    posted = replace(OrderPaid.example(), posted_again=True).follow_ups()
    marked = replace(RepaymentFiled.example(), override_status="OVERDUE").follow_ups()
    [carried] = replace(LoanOpened.example(), residue_minor=-7).follow_ups()

    memo = "rpy_ada was still open on the list"
    assert posted == (PostReceiptAgain("rpy_ada", "rct_ada_by_hand", "operations", memo),)
    assert marked == (OverrideStatus("loan_ada", "edt_desk", "OVERDUE", "operations", "Filed with rpy_ada"),)
    assert carried == follow_ups.CarryResidueOver("loan_ada", "edt_migrated", -7)


def test_an_older_event_that_is_accepted_comes_before_the_copies() -> None:
    event = replace(CallbackTaken.example(), older_event="payment.closed", believed=True, copies=2, new_trade_no=True)

    closed, copied = TakeOrderForClosed("rpy_ada"), TakeCopyForPayment("rpy_ada", "rct_ada_again")
    assert event.follow_ups() == (closed, copied)
    assert replace(event, order_status="REVERSED").follow_ups() == (copied,)
    assert replace(event, believed=False, new_trade_no=False).follow_ups() == ()


def test_a_receipt_that_was_posted_by_hand_is_reversed_like_any_other(story: Story) -> None:
    loan = story.borrow()
    order = story.repay(loan, 20_000)
    once = story.page(loan)["outstanding_minor"]
    id = make_id("rct", SEED, order, f"desk:{order}")
    command = PostReceiptAgain(order, id, operator="grace", memo="Still on the list")

    assert story.platform.run(PostReceiptByHand(story.sandbox_id, command)).body == {"id": id}
    assert story.page(loan)["outstanding_minor"] < once

    story.platform.run(ReverseReceipt(story.sandbox_id, story.key(), id, "it came once", "grace"))
    assert story.page(loan)["outstanding_minor"] == once


def test_a_status_that_was_set_by_hand_is_reversed_like_any_other(story: Story) -> None:
    loan = story.borrow()
    command = OverrideStatus(loan, "edt_slip", "OVERDUE", operator="grace", memo="The wrong line")

    assert story.platform.run(OverrideStatusByHand(story.sandbox_id, command)).body == {"id": "edt_slip"}
    assert story.page(loan)["status"] == "OVD"

    story.platform.run(ReverseEdit(story.sandbox_id, story.key(), "edt_slip", "it is not", "grace"))
    assert story.page(loan)["status"] == "USING"


@dataclass(frozen=True)
class Refuses:
    """A command that is refused."""

    sandbox_id: str
    asked: FollowUp
    idem: None = None

    def needs(self) -> tuple[()]:
        return ()

    def decide(self, work: Work) -> Answer:
        raise Refused("loan_unknown", "no such loan")


def test_a_refused_follow_up_raises_and_does_not_refuse_the_command() -> None:
    """The command itself was honest, so its client must not get a refusal."""
    sandbox = Sandbox("sbx_1", "hash", 1, "UTC", "manual", 0, 0, 0, 0, (), 0)
    work = Work(sandbox, 0, {}, follow_ups={TakeOrderForClosed: Refuses})

    with pytest.raises(LayerBroke, match=r"TakeOrderForClosed\(repayment_id='rpy_ada'\) was refused"):
        work.carry_out(TakeOrderForClosed("rpy_ada"))
