"""Wallet balance: the money moves inside the wallet, almost at once."""

from mocklend.domain.channel import Channel

CHANNEL = Channel(id="wallet", name="Wallet balance", settle_delay_s=2, profile="standard")
