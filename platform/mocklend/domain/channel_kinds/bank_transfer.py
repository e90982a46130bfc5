"""Bank transfer (对公转账): the borrower sends money with a free-text reference; banks are slow, and close early."""

from mocklend.domain.channel import Channel

CHANNEL = Channel(id="bank_transfer", name="Bank transfer", settle_delay_s=1800, profile="standard", cut_off="23:00:00")
