"""Bank card quick-pay: the card's bank answers within seconds."""

from mocklend.domain.channel import Channel

CHANNEL = Channel(id="bank_card", name="Bank card quick-pay", settle_delay_s=5, profile="wechat")
