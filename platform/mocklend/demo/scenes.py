"""The scenes of the demo: an honest one, then four lies, each seen, explained and put right."""

from __future__ import annotations

from collections.abc import Callable

from mocklend.client import Doc
from mocklend.demo.story import Story, only
from mocklend.domain.money import format_minor

PRINCIPAL_MINOR = 1_000_00
FEE_MINOR = 12_00
STATUS = "status outstanding_minor version"


def every_channel(story: Story) -> None:
    """No fault is armed: money goes its way and every view says so."""
    client = story.client
    story.scene(
        "Ada borrows, and repays in full through every channel",
        "The platform is honest here. Five loans of 1,000.00; ten days later each is settled through another "
        "channel, which takes its own time and then calls back.",
    )
    ada = story.shows(client.add_borrower("ada", "Ada"), "id name credit_limit_minor")
    channels = {channel["id"]: channel for channel in client.channels()["channels"]}
    loans = {"wallet": _borrow(story, "by-wallet")}
    for channel in channels.keys() - {"wallet"}:
        loans[channel] = client.borrow(ada["id"], PRINCIPAL_MINOR, product_id="jiebei-like", reference=f"by-{channel}")
    story.shows(client.loan(loans["wallet"]["id"]), "status outstanding_minor next_due version as_of")
    story.shows(client.advance("P10D"), "now")
    for channel in sorted(channels, key=lambda id: int(channels[id]["settle_delay_s"])):
        loan_id, delay_s = loans[channel]["id"], channels[channel]["settle_delay_s"]
        story.say(f"{channels[channel]['name']}: settles after {delay_s} s.")
        quote = client.quote(loan_id, "CLEAR")
        if channel == "wallet":
            story.shows(quote, "total_minor buckets valid_until")
        repayment = story.shows(client.repay_quote(quote, channel), "id status out_trade_no")
        story.shows(client.advance(delay_s), "now")
        page = story.shows(client.loan(loan_id), STATUS)
        known = client.repayment(repayment["id"])
        paid = format_minor(quote["total_minor"], quote["currency"])
        story.claim(f"{paid} are on the books", (known["status"], known["applied_minor"]), ("S", quote["total_minor"]))
        story.claim("the page says CLEAR, and so do the books", _both(story, page), ("CLEAR", "CLEAR"))
    story.audit()


def stale_page(story: Story) -> None:
    """cache.bounded_stale: the most common lie there is."""
    client = story.client
    story.scene(
        "The page says unpaid, the books say CLEAR",
        "The status page is cached for an hour. Ada pays, looks, and sees her debt still standing. Nothing "
        "is wrong with the money: whoever corrects it makes it worse.",
    )
    loan = _borrow(story, "stale-page")
    story.shows(client.arm("cache.bounded_stale", lag_s=3600), "id state")
    repayment = _repay(story, loan, "wallet")
    page = story.shows(client.loan(loan["id"]), f"{STATUS} as_of")
    story.shows(client.books(loan["id"]), STATUS)
    story.claim("the page says USING while the books say CLEAR", _both(story, page), ("USING", "CLEAR"))
    trade = story.shows(client.trade("wallet", repayment["out_trade_no"]), "state amount_minor paid_at")
    story.claim("the channel has the money", trade["state"], "SUCCESS")
    entry = story.active_entry("cache.bounded_stale")
    story.audit(entry)

    story.say("An hour later the cache is refreshed. The right thing to do was to wait.")
    client.disarm("cache.bounded_stale")
    story.shows(client.advance("PT1H"), "now")
    page = story.shows(client.loan(loan["id"]), STATUS)
    story.claim("the page and the books say CLEAR", _both(story, page), ("CLEAR", "CLEAR"))
    story.ended_entry(entry["injection"], "healed")
    story.audit()


def lost_callback(story: Story) -> None:
    """callback.dropped: the money is there and nobody was told."""
    client = story.client
    story.scene(
        "A callback that never came",
        "Bill-pay has Ada's money and tells the platform; no attempt arrives, and after a day it gives up. "
        "Now the books themselves are wrong, and waiting does not help.",
    )
    loan = _borrow(story, "lost-callback")
    story.shows(client.arm("callback.dropped"), "id state")
    repayment = _repay(story, loan, "bill_pay")
    story.shows(client.advance("P2D"), "now")
    trade = story.shows(client.trade("bill_pay", repayment["out_trade_no"]), "state amount_minor paid_at")
    log = story.shows(client.callback("bill_pay", repayment["out_trade_no"]), "state acked_at applied_at")
    known = story.shows(client.repayment(repayment["id"]), "status applied_minor paid_at")
    page = story.shows(client.loan(loan["id"]), STATUS)
    story.claim(
        f"the channel says SUCCESS and gave up after {len(log['attempts'])} attempts",
        (trade["state"], log["state"]),
        ("SUCCESS", "EXHAUSTED"),
    )
    story.claim("the platform still waits for it", known["status"], "PROCESSING")
    story.claim("page and books both say USING", _both(story, page), ("USING", "USING"))
    entry = story.active_entry("callback.dropped")
    story.audit(entry)

    story.say("The repair: ask the channel for the order, and post what it says for the day on which it was paid.")
    client.disarm("callback.dropped")
    repaired = story.shows(client.query_repayment(repayment["id"], operator="grace"), "status paid_at applied_at")
    page = story.shows(client.loan(loan["id"]), f"{STATUS} overpaid_minor")
    story.claim("the repayment is applied at the channel's time", repaired["paid_at"], trade["paid_at"])
    story.claim("page and books say CLEAR, and no cent too much", _both(story, page), ("CLEAR", "CLEAR"))
    story.claim(
        "two days' interest and more are not charged",
        (page["outstanding_minor"], page["overpaid_minor"]),
        (0, 0),
    )
    journal = client.transactions(loan_id=loan["id"])["transactions"]
    effective = sorted({entry["effective_date"] for entry in journal if entry["ref"] == repayment["id"]})
    story.claim(
        f"its postings are effective {repayment['created_at'][:10]}",
        effective,
        [repayment["created_at"][:10]],
    )
    story.ended_entry(entry["injection"], "healed")
    story.audit()


def wrong_amount(story: Story) -> None:
    """operator.wrong_amount: balanced books, wrong figure."""
    client = story.client
    meant = format_minor(FEE_MINOR, "CNY")
    story.scene(
        "An operator's wrong amount",
        f"Grace adds a fee of {meant} to a bill, and her hand slips. The books balance perfectly; the figure is wrong.",
    )
    loan = _borrow(story, "wrong-amount")
    story.shows(client.arm("operator.wrong_amount"), "id state")
    edit = story.shows(_fee(story, loan), "id amount_minor state")
    posted = format_minor(edit["amount_minor"], "CNY")
    story.claim(f"{meant} were meant, {posted} were posted", edit["amount_minor"] != FEE_MINOR, True)
    entry = story.active_entry("operator.wrong_amount")
    story.claim(
        "the answer key knows both figures",
        (entry["truth"]["after"]["amount_minor"], entry["served"]["amount_minor"]),
        (FEE_MINOR, edit["amount_minor"]),
    )
    story.audit(entry)

    story.say("The repair: reverse the edit and post what was meant. Nothing on the journal is ever changed.")
    client.disarm("operator.wrong_amount")
    back = story.shows(client.reverse_edit(edit["id"], operator="grace", memo="Wrong amount"), "id state")
    again = story.shows(_fee(story, loan), "id amount_minor state")
    page = story.shows(client.loan(loan["id"]), STATUS)
    story.claim(
        "the wrong edit is reversed, the right one applied",
        (back["state"], again["state"]),
        ("REVERSED", "APPLIED"),
    )
    story.claim("the bill is what it should be", page["outstanding_minor"] - loan["outstanding_minor"], FEE_MINOR)
    story.ended_entry(entry["injection"], "healed")
    story.audit()


def marked_overdue(story: Story) -> None:
    """operator.marked_overdue: paid, and called a defaulter."""
    client = story.client
    story.scene(
        "Paid, and marked overdue",
        "Ada settles her loan by card. The clerk who files the receipt sets the bill to OVERDUE. The journal "
        "shows no debt at all; the page calls her a defaulter.",
    )
    loan = _borrow(story, "marked-overdue")
    story.shows(client.arm("operator.marked_overdue"), "id state")
    _repay(story, loan, "bank_card")
    page = story.shows(client.loan(loan["id"]), STATUS)
    story.shows(client.books(loan["id"]), STATUS)
    story.claim("the page says OVD while the books say CLEAR", _both(story, page), ("OVD", "CLEAR"))
    story.claim("nothing is owed", page["outstanding_minor"], 0)
    entry = story.active_entry("operator.marked_overdue")
    story.audit(entry)

    story.say("The repair: find the edit that pins the status, and reverse it.")
    client.disarm("operator.marked_overdue")
    mark = only(client.edits(loan["id"])["edits"])
    story.shows(client.reverse_edit(mark["id"], operator="grace", memo="Paid by card"), "id kind state")
    page = story.shows(client.loan(loan["id"]), STATUS)
    story.claim("page and books say CLEAR", _both(story, page), ("CLEAR", "CLEAR"))
    story.ended_entry(entry["injection"], "healed")
    story.audit()


SCENES: tuple[Callable[[Story], None], ...] = (
    every_channel,
    stale_page,
    lost_callback,
    wrong_amount,
    marked_overdue,
)


def _borrow(story: Story, reference: str) -> Doc:
    """A loan for Ada; asking for her again finds her."""
    ada = story.client.add_borrower("ada", "Ada")
    loan = story.client.borrow(ada["id"], PRINCIPAL_MINOR, product_id="jiebei-like", reference=reference)
    return story.shows(loan, "id status")


def _repay(story: Story, loan: Doc, channel: str) -> Doc:
    """Repay in full, and let the channel finish."""
    quote = story.shows(story.client.quote(loan["id"], "CLEAR"), "total_minor")
    repayment = story.shows(story.client.repay_quote(quote, channel), "id status")
    story.shows(story.client.settle(repayment), "status applied_minor")
    return repayment


def _fee(story: Story, loan: Doc) -> Doc:
    return story.client.edit(
        loan["id"],
        "MODIFY_BILL_AMOUNT",
        amount_minor=FEE_MINOR,
        operator="grace",
        memo="Fee for a paper statement",
    )


def _both(story: Story, page: Doc) -> tuple[str, str]:
    """What the page says, and what the books say."""
    return page["status"], story.client.books(page["id"])["status"]
