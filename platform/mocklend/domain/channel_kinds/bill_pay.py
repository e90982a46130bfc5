"""Bill-pay (生活缴费): another app collects the bill and forwards the money after a delay."""

from mocklend.domain.channel import Channel

CHANNEL = Channel(id="bill_pay", name="Bill-pay in another app", settle_delay_s=600, profile="alipay")
