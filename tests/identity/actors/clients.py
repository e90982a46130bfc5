"""Steps of a borrower in the identity."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from identity.actors.base import DAY, HOUR, OFFERED, SECOND
from identity.actors.clock import Clock
from mocklend.bureau import Apply, AskScore
from mocklend.bureau.partners import PARTNERS
from mocklend.channels.payments import PayAtChannel
from mocklend.domain.channel import channels
from mocklend.lending import Borrow, MakeQuote, Repay
from mocklend.servicing import IssueCertificate
from mocklend.storage.entities import Loan
from mocklend.storage.snapshot import SandboxReader


class Clients(Clock):
    """Ada borrows, quotes, repays, asks again, and applies elsewhere."""

    @precondition(lambda self: len(self.loans) < 6)
    @rule(
        principal=st.integers(1, 2_000_000),
        product=st.sampled_from(sorted(OFFERED)),
        auto_debit=st.booleans(),
        disburse_to=st.sampled_from([None, None, "wallet", "bank_transfer"]),
    )
    def borrow(self, principal: int, product: str, auto_debit: bool, disburse_to: str | None) -> None:
        offered = OFFERED[product]
        amount = max(principal, offered.limits.min_minor)
        delay = channels()[disburse_to].settle_delay_s if disburse_to else 0
        answer = self.attempt(
            Borrow(self.id, self.key(), self.ada, amount, "CNY", offered, product, None, auto_debit, disburse_to, delay)
        )
        assert answer is not None
        self.loans.append(answer.body["id"])

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        channel=st.sampled_from(sorted(channels())),
        kind=st.sampled_from(["CLEAR", "OVD_AND_CURRENT"]),
        part=st.sampled_from(["quoted", "quoted", "half", "less one", "one more", "twice", "one"]),
    )
    def repay(self, which: int, channel: str, kind: str, part: str) -> None:
        loan_id = self.loans[which % len(self.loans)]
        quote = self.attempt(MakeQuote(self.id, loan_id, kind, None))
        if quote is None:
            return
        total = quote.body["total_minor"]
        amounts = {"half": total // 2, "less one": total - 1, "one more": total + 1, "twice": 2 * total, "one": 1}
        amount = amounts.get(part, total)
        if amount < 1:
            return
        quote_id = quote.body["id"] if part == "quoted" else None
        answer = self.attempt(Repay(self.id, self.key(), loan_id, amount, channel, kind, quote_id, None))
        if answer is not None:
            self.repayments.append(answer.body["id"])

    @precondition(lambda self: len(self.loans) < 6)
    @rule(product=st.sampled_from(sorted(OFFERED)), wait=st.sampled_from([HOUR, DAY, 40 * DAY]))
    def borrow_and_wait_for_the_money(self, product: str, wait: int) -> None:
        self.borrow(principal=120_000, product=product, auto_debit=True, disburse_to="bank_transfer")
        self.advance(by=wait)

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), channel=st.sampled_from(sorted(channels())), wait=st.sampled_from([1, 2, 30, 700]))
    def pay_off_and_wait(self, which: int, channel: str, wait: int) -> None:
        self.repay(which=which, channel=channel, kind="CLEAR", part="quoted")
        self.advance(by=(channels()[channel].settle_delay_s + wait) * SECOND)

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5), channel=st.sampled_from(sorted(channels())), wait=st.sampled_from([0, 5, 60]))
    def pay_what_is_due_and_wait(self, which: int, channel: str, wait: int) -> None:
        self.repay(which=which, channel=channel, kind="OVD_AND_CURRENT", part="quoted")
        self.advance(by=(channels()[channel].settle_delay_s + wait) * SECOND)

    @precondition(lambda self: self.loans)
    @rule(
        which=st.integers(0, 5),
        channel=st.sampled_from(["bank_transfer", "bill_pay"]),
        amount=st.integers(1, 300_000),
        names=st.sampled_from(["id", "id", "reference", "nobody", "nothing"]),
        scope=st.sampled_from(["CLEAR", "OVD_AND_CURRENT"]),
        wait=st.sampled_from([0, 1_800, 4_000]),
    )
    def push_a_payment(self, which: int, channel: str, amount: int, names: str, scope: str, wait: int) -> None:
        loan_id = self.loans[which % len(self.loans)]
        with self.platform.read() as connection:
            own = SandboxReader(connection, self.id).get(Loan, loan_id).reference
        typed = {"id": loan_id, "reference": own, "nobody": "Ada", "nothing": ""}[names]
        self.attempt(PayAtChannel(self.id, self.key(), channel, amount, "CNY", "Ada", typed, scope))
        self.advance(by=wait * SECOND)

    @precondition(lambda self: self.repeatable)
    @rule(which=st.integers(0, 50))
    def repeat_a_request(self, which: int) -> None:
        at = which % len(self.repeatable)
        command, first = self.repeatable[at]
        again = self.run(command) if command.idem is not None else None
        if again is None:
            return
        if not again.replayed:  # The key was forgotten: another order, and the answer that is kept from now on.
            assert isinstance(command, Repay)
            assert again.body["id"] not in self.repayments
            self.repayments.append(again.body["id"])
            self.repeatable[at] = (command, again)
        else:
            assert (again.status, again.body) == (first.status, first.body)

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 5))
    def ask_for_a_certificate(self, which: int) -> None:
        self.attempt(IssueCertificate(self.id, self.loans[which % len(self.loans)]))

    @precondition(lambda self: self.loans)
    @rule(lender=st.sampled_from(sorted(PARTNERS)), product=st.sampled_from(["car", "card"]), refresh=st.booleans())
    def apply_elsewhere(self, lender: str, product: str, refresh: bool) -> None:
        self.attempt(Apply(self.id, self.key(), lender, self.ada, product, 100_000, refresh))

    @precondition(lambda self: self.loans)
    @rule(transaction=st.integers(0, 3))
    def ask_the_score(self, transaction: int) -> None:
        self.attempt(AskScore(self.id, self.ada, f"t-{transaction}"))
