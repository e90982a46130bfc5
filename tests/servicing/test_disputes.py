"""Disputes: a claim with evidence, verified against channel and books, decided, corrected and compensated in time."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable

import pytest

from mocklend.bureau.reports import report
from mocklend.channels.messages import callback_body
from mocklend.client import Doc
from mocklend.domain.problems import Refused
from mocklend.lending.operator_log import operator_log_of
from mocklend.runtime import Platform
from mocklend.sandboxes.ids import out_trade_no
from mocklend.seams.payout_settled import PayoutSettled
from mocklend.seams.seam import SeamEvent
from mocklend.servicing import AddStatement
from mocklend.servicing.evidence import Piece
from mocklend.storage.entities import BureauAccount, Dispute, Loan, Receipt, Trade
from mocklend.webhooks.endpoints import AddEndpoint
from support.dispute_story import decide, dispute, pay_unsolicited, queued_events, slip, unheard, verify
from support.story import Story

DAY_MS = 86_400_000


def test_a_dispute_is_flagged_on_the_report_at_once_and_has_twenty_days(story: Story) -> None:
    loan_id = story.borrow()

    opened = story.entity(Dispute, dispute(story, loan_id))

    assert (opened.state, opened.marked, opened.breached) == ("MARKED", 1, 0)
    assert opened.due_ms == opened.answer_by_ms == story.now_ms + 20 * DAY_MS
    assert [line["state"] for line in opened.progress] == ["OPEN", "MARKED"]
    assert story.entity(BureauAccount, loan_id).disputes == (opened.id,)
    assert story.discrepancies() == []


def test_a_dispute_about_a_lost_callback_is_verified_corrected_and_compensated(story: Story) -> None:
    story.platform.run(AddEndpoint(story.sandbox_id, "http://127.0.0.1:9/", ("*",), "standard"))
    loan_id = story.borrow()
    total = story.quote(loan_id)["total_minor"]
    trade = unheard(story, loan_id, total)
    assert story.page(loan_id)["status"] == "USING"
    dispute_id = dispute(story, loan_id, slip(trade))

    findings = verify(story, dispute_id)["findings"]
    decided = decide(story, dispute_id, correct=True, compensation_minor=5_000)

    assert [(finding["matches_channel"], finding["on_books"], finding["booked"]) for finding in findings] == [
        (True, False, "PROCESSING")
    ]
    assert decided["state"] == "CORRECTED"
    assert decided["corrections"] == [{"what": "repayment_applied", "id": trade.repayment_id, "amount_minor": total}]
    assert story.page(loan_id)["status"] == "CLEAR"
    assert not decided["marked"]
    assert story.entity(BureauAccount, loan_id).disputes == ()
    agreed = [line for line in story.journal(loan_id) if line["kind"] == "compensation_agreed"]
    assert [(p["debit"], p["credit"], p["amount_minor"]) for p in agreed[0]["postings"]] == [("5004", "2104", 5_000)]
    assert story.discrepancies() == []

    story.wait(days=1)

    ended = story.entity(Dispute, dispute_id)
    assert (ended.state, ended.due_ms) == ("COMPENSATED", None)
    paid = [line for line in story.journal(loan_id) if line["kind"] == "compensation_paid"]
    assert [(p["debit"], p["credit"][:4], p["amount_minor"]) for p in paid[0]["postings"]] == [("2104", "1002", 5_000)]
    assert [line["state"] for line in ended.progress] == [
        "OPEN", "MARKED", "VERIFYING", "UPHELD", "CORRECTED", "CORRECTED", "COMPENSATED"
    ]  # fmt: skip
    assert sorted(queued_events(story)) == sorted(
        f"dispute.{kind}"
        for kind in (
            "opened",
            "marked",
            "verified",
            "decided",
            "corrected",
            "compensation_agreed",
            "compensated",
        )
    )
    assert story.discrepancies() == []


def test_the_operator_log_has_who_decided_what_was_corrected_and_what_was_paid(story: Story) -> None:
    loan_id = story.borrow()
    trade = pay_unsolicited(story, "nothing of use", 1_000)
    dispute_id = dispute(story, loan_id, slip(trade))
    verify(story, dispute_id)

    decide(story, dispute_id, correct=True, compensation_minor=5)

    with story.platform.read() as connection:
        acts = operator_log_of(story.snapshot(connection), loan_id)
    assert {(act["action"], act["operator"], act["memo"]) for act in acts} == {
        (verb, "wei", "Checked.") for verb in ("dispute.decided", "receipt.matched", "compensation.agreed")
    }
    matched = next(act for act in acts if act["action"] == "receipt.matched")
    assert (matched["before"]["outstanding_minor"], matched["after"]["outstanding_minor"]) == (100_000, 99_000)


def test_an_unapplied_receipt_is_found_by_the_slip_and_applied_to_the_loan(story: Story) -> None:
    loan_id = story.borrow()
    trade = pay_unsolicited(story, "Ada's loan", story.quote(loan_id)["total_minor"])
    story.wait(1)
    assert story.entity(Receipt, trade.repayment_id).state == "UNAPPLIED"
    assert trade.paid_ms is not None
    dispute_id = dispute(story, loan_id, slip(trade, channel_trade_no=None, paid_ms=trade.paid_ms - 3_600_000))

    finding = verify(story, dispute_id)["findings"][0]
    decided = decide(story, dispute_id, correct=True)

    assert (finding["matches_channel"], finding["booked"], finding["loan_id"]) == (True, "UNAPPLIED", None)
    assert decided["corrections"][0]["what"] == "receipt_applied"
    assert story.page(loan_id)["status"] == "CLEAR"
    assert verify_again(story, loan_id, trade) == (True, True, loan_id)
    assert story.discrepancies() == []


def verify_again(story: Story, loan_id: str, trade: Trade) -> tuple[bool, bool, str | None]:
    """What another dispute with the same slip finds."""
    finding = verify(story, dispute(story, loan_id, slip(trade)))["findings"][0]
    return finding["matches_channel"], finding["on_books"], finding["loan_id"]


@pytest.mark.parametrize("typed", ["the loan's id", "nothing of use"])
def test_a_push_payment_without_a_callback_is_posted_from_the_channels_record(story: Story, typed: str) -> None:
    loan_id = story.borrow()
    trade = pay_unsolicited(story, loan_id if typed == "the loan's id" else typed, story.quote(loan_id)["total_minor"])
    dispute_id = dispute(story, loan_id, slip(trade))

    finding = verify(story, dispute_id)["findings"][0]
    decided = decide(story, dispute_id, correct=True)

    assert (finding["matches_channel"], finding["on_books"], finding["booked"]) == (True, False, "UNKNOWN")
    assert decided["corrections"][0]["id"] == trade.repayment_id
    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.discrepancies() == []

    # The callback comes after all, and finds that the books have it.
    story.wait(days=2)
    assert story.page(loan_id)["overpaid_minor"] == 0
    assert story.discrepancies() == []


def test_one_decision_corrects_several_lost_payments_and_compensates(story: Story) -> None:
    loan_id = story.borrow()
    trades = [unheard(story, loan_id, amount, type="OVD_AND_CURRENT") for amount in (1_000, 2_000)]
    story.sleep(days=40)
    dispute_id = dispute(story, loan_id, *map(slip, trades), *map(slip, trades))
    verify(story, dispute_id)

    decided = decide(story, dispute_id, correct=True, compensation_minor=1)

    assert [correction["amount_minor"] for correction in decided["corrections"]] == [1_000, 2_000]
    assert story.page(loan_id)["paid_minor"] == 3_000
    assert story.discrepancies() == []


def test_a_loan_settled_by_late_evidence_of_the_same_millisecond_is_compensated_too(story: Story) -> None:
    loan_id = story.borrow()
    trade = unheard(story, loan_id, story.quote(loan_id)["total_minor"])
    assert trade.paid_ms == story.now_ms
    dispute_id = dispute(story, loan_id, slip(trade))
    verify(story, dispute_id)

    decide(story, dispute_id, correct=True, compensation_minor=7)

    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.broken() == set()
    assert story.discrepancies() == []


@pytest.mark.parametrize(
    ("otherwise", "differs"),
    [
        ({"amount_minor": 999}, ["amount_minor"]),
        ({"paid_ms": 1_767_578_400_000 + 3 * DAY_MS}, ["paid_at"]),
    ],
)
def test_a_slip_that_differs_from_the_channels_record_does_not_match(
    story: Story, otherwise: dict[str, object], differs: list[str]
) -> None:
    loan_id = story.borrow()
    trade = unheard(story, loan_id, 1_000)
    dispute_id = dispute(story, loan_id, slip(trade, **otherwise))

    finding = verify(story, dispute_id)["findings"][0]
    decided = decide(story, dispute_id, correct=True)

    assert (finding["matches_channel"], finding["differs"], finding["out_trade_no"]) == (False, differs, trade.id)
    assert decided["corrections"] == []
    assert story.page(loan_id)["paid_minor"] == 0


def test_a_slip_of_money_that_the_channel_lacks_does_not_match(story: Story) -> None:
    loan_id = story.borrow()
    waiting = story.entity(Trade, out_trade_no(story.order(loan_id, 1_000, "bank_transfer")))
    forged = Piece("screenshot", "wallet", "CH0", 1_000, story.now_ms, None)
    not_paid = Piece("bank_slip", "bank_transfer", waiting.id, 1_000, story.now_ms, None)

    findings = verify(story, dispute(story, loan_id, forged, not_paid))["findings"]

    assert [(finding["matches_channel"], finding["differs"], finding["booked"]) for finding in findings] == [
        (False, [], "UNKNOWN"),
        (False, ["state"], "PROCESSING"),
    ]


def test_a_payment_of_another_borrower_is_not_applied_to_the_loan(story: Story) -> None:
    mine, other = story.borrow(), story.borrow(borrower="bob")
    trade = unheard(story, other, 1_000)
    dispute_id = dispute(story, mine, slip(trade), slip(trade, channel_trade_no=None))

    findings = verify(story, dispute_id)["findings"]
    decided = decide(story, dispute_id, correct=True)

    assert [finding["matches_channel"] for finding in findings] == [True, False]
    assert decided["corrections"] == []
    assert story.page(mine)["paid_minor"] == story.page(other)["paid_minor"] == 0


def test_a_repayment_reversed_by_staff_is_not_restored_by_a_dispute(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.settle(loan_id)
    story.reverse(repayment_id)
    dispute_id = dispute(story, loan_id, slip(story.entity(Trade, out_trade_no(repayment_id))))

    finding = verify(story, dispute_id)["findings"][0]

    assert (finding["matches_channel"], finding["on_books"], finding["booked"]) == (True, False, "REVERSED")
    assert decide(story, dispute_id, correct=True)["corrections"] == []
    assert story.discrepancies() == []


def test_a_rejection_removes_the_flag_and_the_borrower_may_add_a_statement(story: Story) -> None:
    loan_id = story.borrow()
    dispute_id = dispute(story, loan_id, claim="wrong_amount")
    verify(story, dispute_id)

    rejected = decide(story, dispute_id, "REJECTED")
    stated = story.platform.run(AddStatement(story.sandbox_id, story.key(), dispute_id, "I still disagree.")).body

    assert (rejected["state"], rejected["marked"]) == ("REJECTED", False)
    assert rejected["decision"] is not None
    assert rejected["decision"]["operator"] == "wei"
    assert (stated["state"], stated["disagreement"]) == ("STATEMENT", "I still disagree.")
    assert story.entity(BureauAccount, loan_id).disputes == ()


def test_a_dispute_that_cannot_be_verified_stays_flagged_on_the_report(story: Story) -> None:
    loan_id = story.borrow()
    dispute_id = dispute(story, loan_id)
    verify(story, dispute_id)

    assert decide(story, dispute_id, "UNVERIFIABLE")["marked"]
    assert story.entity(BureauAccount, loan_id).disputes == (dispute_id,)


def test_an_upheld_dispute_can_be_corrected_and_compensated_later(story: Story) -> None:
    loan_id = story.borrow()
    dispute_id = dispute(story, loan_id, slip(unheard(story, loan_id, 1_000)))
    verify(story, dispute_id)

    upheld = decide(story, dispute_id)
    corrected = decide(story, dispute_id, correct=True)
    compensated = decide(story, dispute_id, compensation_minor=10)

    assert (upheld["state"], upheld["marked"]) == ("UPHELD", True)
    assert (corrected["state"], len(corrected["corrections"])) == ("CORRECTED", 1)
    assert compensated["compensation_minor"] == 10
    with pytest.raises(Refused, match="dispute_state"):
        decide(story, dispute_id, compensation_minor=10)
    with pytest.raises(Refused, match="dispute_state"):
        decide(story, dispute_id)
    assert story.discrepancies() == []


def test_the_operator_log_has_each_correction_that_was_ordered_after_the_decision(story: Story) -> None:
    loan_id = story.borrow()
    dispute_id = dispute(story, loan_id, slip(unheard(story, loan_id, 1_000)))
    verify(story, dispute_id)
    decide(story, dispute_id, correct=True)

    for _ in range(2):
        decide(story, dispute_id, correct=True)

    with story.platform.read() as connection:
        verbs = [act["action"] for act in operator_log_of(story.snapshot(connection), loan_id)]
    assert (verbs.count("dispute.decided"), verbs.count("correction.ordered")) == (1, 2)


def test_a_dispute_not_decided_within_twenty_days_is_a_breach(story: Story) -> None:
    story.platform.run(AddEndpoint(story.sandbox_id, "http://127.0.0.1:9/", ("dispute.breached",), "standard"))
    loan_id = story.borrow()
    dispute_id = dispute(story, loan_id)
    answered = dispute(story, loan_id)
    verify(story, answered)
    decide(story, answered, "UNVERIFIABLE")

    story.wait(days=19)
    in_time = story.entity(Dispute, dispute_id)
    story.wait(days=2)

    late = story.entity(Dispute, dispute_id)
    assert (in_time.breached, late.breached, late.state, late.due_ms) == (0, 1, "MARKED", None)
    assert story.entity(Dispute, answered).breached == 0
    assert queued_events(story) == ["dispute.breached"]
    verify(story, dispute_id)
    assert decide(story, dispute_id, "REJECTED")["breached"]


def test_each_step_of_a_dispute_has_its_time(story: Story) -> None:
    dispute_id = dispute(story, story.borrow())

    with pytest.raises(Refused) as undecided:
        decide(story, dispute_id, "REJECTED")
    with pytest.raises(Refused, match="dispute_state"):
        story.platform.run(AddStatement(story.sandbox_id, story.key(), dispute_id, "No."))
    verify(story, dispute_id)
    verify(story, dispute_id)
    decide(story, dispute_id, "REJECTED")
    with pytest.raises(Refused, match="dispute_state"):
        verify(story, dispute_id)

    assert (undecided.value.expected, undecided.value.received) == ("VERIFYING", "MARKED")


def test_a_dispute_about_an_unknown_loan_is_refused(story: Story) -> None:
    with pytest.raises(Refused, match="loan_unknown"):
        dispute(story, "loan_x")
    with pytest.raises(Refused, match="channel_unknown"):
        dispute(story, story.borrow(), Piece("bank_slip", "pigeon", None, 1, 1, None))
    with pytest.raises(Refused, match="dispute_unknown"):
        verify(story, "dsp_x")


@pytest.fixture
def faulty(open_platform: Callable[..., Platform]) -> Callable[[str], Story]:
    """Ada's story on a platform at which one fault strikes every time; skipped where there is no fault layer."""
    engine = pytest.importorskip("mocklend_faults.engine")
    load = importlib.import_module
    dropped = load("mocklend_faults.kinds.callback_dropped").CallbackDropped
    overdue = load("mocklend_faults.kinds.operator_marked_overdue").MarkedOverdue
    parts = ("rules", "catalogue", "commands")
    rules, catalogue, commands = (load(f"mocklend_faults.engine.{part}") for part in parts)

    def tell_faulty(name: str) -> Story:
        platform = open_platform(engine.FaultLayer((dropped, overdue)))
        sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=1_767_578_400_000)
        rule = rules.Rule.from_json(name, {"fault": name}, catalogue.named((dropped, overdue)))
        platform.run(commands.PutRule(sandbox.id, rule))
        return Story(platform, sandbox)

    return tell_faulty


def test_a_correction_reaches_the_credit_report(faulty: Callable[[str], Story]) -> None:
    story = faulty("callback.dropped")
    loan_id = story.borrow()
    repayment_id = story.settle(loan_id)
    story.wait(days=60)
    trade = story.entity(Trade, out_trade_no(repayment_id))
    before = on_report(story, loan_id)
    dispute_id = dispute(story, loan_id, slip(trade))
    marked = on_report(story, loan_id)
    verify(story, dispute_id)

    decide(story, dispute_id, correct=True)
    story.wait(days=3)

    after = on_report(story, loan_id)
    assert (story.page(loan_id)["status"], after["balance_minor"]) == ("CLEAR", 0)
    assert (before["disputed"], marked["disputed"], after["disputed"]) == (False, True, False)
    assert (before["status"], after["status"]) == ("OVD", "CLEAR")
    assert "1" in before["months_24"]
    assert "1" not in after["months_24"]
    assert story.discrepancies() == []


def on_report(story: Story, loan_id: str) -> Doc:
    """The loan on its borrower's credit report."""
    with story.platform.read() as connection:
        accounts = report(story.snapshot(connection), story.entity(Loan, loan_id).borrower_id)["accounts"]
    return dict(next(account for account in accounts if account["loan_id"] == loan_id))


def test_a_wrong_override_is_reversed(faulty: Callable[[str], Story]) -> None:
    story = faulty("operator.marked_overdue")
    loan_id = story.borrow()
    story.settle(loan_id)
    assert story.page(loan_id)["status"] == "OVD"
    dispute_id = dispute(story, loan_id, claim="wrong_status")
    verify(story, dispute_id)

    decided = decide(story, dispute_id, correct=True, compensation_minor=100)

    assert [correction["what"] for correction in decided["corrections"]] == ["override_reversed"]
    assert story.page(loan_id)["status"] == "CLEAR"
    story.wait(days=1)
    assert story.entity(Dispute, dispute_id).state == "COMPENSATED"
    assert story.discrepancies() == []


def test_the_callback_of_a_push_payment_equals_the_channels_record(story: Story) -> None:
    trade = pay_unsolicited(story, "Ada", 1_000)

    data = json.loads(callback_body(trade, "2026-01-05T02:00:00Z"))["data"]

    assert (data["out_trade_no"], data["amount_minor"], data["payer_reference"]) == (trade.id, 1_000, "Ada")


def test_a_compensation_that_its_channel_does_not_pay_is_checked_again_within_a_day(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from mocklend.storage.work import Work

    loan_id = story.borrow()
    dispute_id = dispute(story, loan_id, claim="other")
    verify(story, dispute_id)
    act = Work.at

    def stuck(self: Work, event: SeamEvent) -> SeamEvent:
        outcome = act(self, event)
        return replace(outcome, confirmed=False) if isinstance(outcome, PayoutSettled) else outcome

    with monkeypatch.context() as at_channel:
        at_channel.setattr(Work, "at", stuck)
        decide(story, dispute_id, compensation_minor=5_000)
        story.wait(days=3)

    waiting = story.entity(Dispute, dispute_id)
    assert waiting.state == "UPHELD"
    assert waiting.due_ms is not None
    assert story.now_ms < waiting.due_ms <= story.now_ms + DAY_MS
