"""A channel: its settlement delay and the schedule on which it retries a callback."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass

from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused

SECOND, MINUTE, HOUR = 1, 60, 3600

RETRY_SCHEDULES: dict[str, tuple[int, ...]] = {
    # Standard Webhooks 1.0.0, the specification's example: ten attempts in 75 h 35 m 5 s.
    "standard": (
        0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR
    ),
    # Alipay's notifications: eight deliveries within 25 hours.
    "alipay": (0, 4 * MINUTE, 10 * MINUTE, 10 * MINUTE, 1 * HOUR, 2 * HOUR, 6 * HOUR, 15 * HOUR),
    # WeChat Pay v3's payment-result notice: the first delivery and fifteen retries in 24 h 4 m.
    "wechat": (
        0, 15 * SECOND, 15 * SECOND, 30 * SECOND, 3 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE,
        30 * MINUTE, 1 * HOUR, 3 * HOUR, 3 * HOUR, 3 * HOUR, 6 * HOUR, 6 * HOUR,
    ),
}  # fmt: skip
"""Seconds before each attempt, counted from the attempt before it. The first attempt is immediate."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to pay. `settle_delay_s` is how long the money takes, `profile` its callbacks' retry schedule.

    Its days end at `cut_off` (midnight is the end of a day). The statement of a day is available on the next day, from
    `statement_ready`. Both are times in the sandbox's zone.
    """

    id: str
    name: str
    settle_delay_s: int
    profile: str
    cut_off: str = "00:00:00"
    statement_ready: str = "09:00:00"

    @property
    def retry_schedule(self) -> tuple[int, ...]:
        """Seconds before each attempt to deliver a callback."""
        return RETRY_SCHEDULES[self.profile]


def _load_channels() -> dict[str, Channel]:
    kinds = importlib.import_module("mocklend.domain.channel_kinds")
    modules = (
        importlib.import_module(f"{kinds.__name__}.{module.name}") for module in pkgutil.iter_modules(kinds.__path__)
    )
    return {channel.id: channel for channel in sorted((m.CHANNEL for m in modules), key=lambda c: c.id)}


_CHANNELS: dict[str, Channel] = {}


def channels() -> dict[str, Channel]:
    """Every channel by its id."""
    if not _CHANNELS:
        _CHANNELS.update(_load_channels())
    return _CHANNELS


def channel_of(id: str) -> Channel:
    """The channel with this id. Raises Refused `channel_unknown`, which lists the ids that exist."""
    channel = channels().get(id)
    if channel is None:
        ids = sorted(channels())
        raise Refused("channel_unknown", f"no channel {id!r}{did_you_mean(id, ids)}", expected=ids, received=id)
    return channel
