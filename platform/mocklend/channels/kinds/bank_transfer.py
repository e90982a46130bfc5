"""Bank transfer (对公转账): the borrower sends money with a free-text reference; banks take their time."""

from mocklend.channels.channel import Channel

CHANNEL = Channel(id="bank_transfer", name="Bank transfer", settle_delay_s=1800, profile="standard")
