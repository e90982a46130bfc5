"""Auto-debit (自动扣款): the channel debits the borrower's account on the lender's order."""

from mocklend.domain.channel import Channel

CHANNEL = Channel(id="auto_debit", name="Auto-deduction", settle_delay_s=30, profile="alipay")
