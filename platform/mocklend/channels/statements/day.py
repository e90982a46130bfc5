"""A statement as data: the account, the day, and the movements of that day by the channel's cut-off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mocklend.domain.channel import Channel

REPAYMENT, DISBURSEMENT, REFUND, COMPENSATION = "repayment", "disbursement", "refund", "compensation"

WORDS = {REPAYMENT: "贷款还款", DISBURSEMENT: "贷款发放", REFUND: "退款", COMPENSATION: "赔付"}
"""By purpose of a movement: its word, as real channels print it."""
PURPOSES = {word: purpose for purpose, word in WORDS.items()}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class MalformedStatement(ValueError):
    """The bytes are not the requested statement: truncated, of another day, or with wrong totals."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money in (above zero) or out (below zero), in minor units. Statements have seconds, so `at_ms` is a full second.

    Formats that list orders print `ordered_ms`; no reader returns it, so it is not compared.
    """

    order_no: str
    channel_no: str
    at_ms: int
    amount_minor: int
    purpose: str
    party: str = ""
    reference: str = ""
    ordered_ms: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Heading:
    """The key of a statement: a channel has one account per currency, and one file per day."""

    channel: Channel
    day: date
    currency: str
    zone: str

    @property
    def account(self) -> str:
        """The lender's account at the channel."""
        return f"{self.channel.id}-{self.currency}"

    @property
    def from_ms(self) -> int:
        """The day's first moment: the cut-off of the day before."""
        return self._cut_off_ms(self.day - timedelta(days=1))

    @property
    def until_ms(self) -> int:
        """The end of the day, exclusive: its cut-off."""
        return self._cut_off_ms(self.day)

    @property
    def ready_ms(self) -> int:
        """When the file can be fetched: the next day, at the channel's time."""
        return _moment_ms(self.day + timedelta(days=1), time.fromisoformat(self.channel.statement_ready), self.zone)

    def _cut_off_ms(self, day: date) -> int:
        at = time.fromisoformat(self.channel.cut_off)
        # A cut-off at midnight is the end of the day, not its beginning.
        return _moment_ms(day if at != time.min else day + timedelta(days=1), at, self.zone)

    def local(self, at_ms: int) -> datetime:
        """A moment in the sandbox's zone."""
        return (_EPOCH + at_ms // 1000 * _SECOND).astimezone(ZoneInfo(self.zone))

    def stamp(self, at_ms: int) -> str:
        """A moment as the CSV formats print it: `2026-01-05 10:00:02`, without an offset."""
        return self.local(at_ms).strftime("%Y-%m-%d %H:%M:%S")

    def read_stamp(self, text: str) -> int:
        """The moment (ms) of a printed time; of a repeated hour, when clocks are set back, the earlier one."""
        try:
            at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(self.zone))
        except ValueError:
            raise MalformedStatement(f"{text!r} is not a time like 2026-01-05 10:00:02") from None
        return (at - _EPOCH) // _SECOND * 1000


def _moment_ms(day: date, at: time, zone: str) -> int:
    return (datetime.combine(day, at, ZoneInfo(zone)) - _EPOCH) // _SECOND * 1000


@dataclass(frozen=True, slots=True)
class StatementDay:
    """A whole statement. `opening_minor` is None for a format without balances."""

    heading: Heading
    opening_minor: int | None
    movements: tuple[Movement, ...]

    @property
    def closing_minor(self) -> int:
        """The balance at the cut-off."""
        return (self.opening_minor or 0) + total(self.movements)

    def of(self, purposes: Iterable[str]) -> tuple[Movement, ...]:
        """The movements of these purposes."""
        selected = frozenset(purposes)
        return tuple(movement for movement in self.movements if movement.purpose in selected)


def total(movements: Iterable[Movement]) -> int:
    """The sum of the movements, in minor units."""
    return sum(movement.amount_minor for movement in movements)


def incoming(movements: Iterable[Movement]) -> list[Movement]:
    """The movements of incoming money."""
    return [movement for movement in movements if movement.amount_minor > 0]


def outgoing(movements: Iterable[Movement]) -> list[Movement]:
    """The movements of outgoing money."""
    return [movement for movement in movements if movement.amount_minor < 0]


def read_day(heading: Heading, opening_minor: int | None, movements: Iterable[Movement]) -> StatementDay:
    """The day that a reader has read. Raises MalformedStatement if a movement belongs to another day."""
    movements_read = tuple(movements)
    for movement in movements_read:
        if not heading.from_ms <= movement.at_ms < heading.until_ms:
            moment = heading.stamp(movement.at_ms)
            raise MalformedStatement(f"{movement.order_no} is of {moment}, which is not {heading.day} by the cut-off")
    return StatementDay(heading, opening_minor, movements_read)


def expect(name: str, expected: object, received: object) -> None:
    """Raise MalformedStatement unless the file has the expected value."""
    if expected != received:
        raise MalformedStatement(f"{name}: expected {expected!r}, the file says {received!r}")
