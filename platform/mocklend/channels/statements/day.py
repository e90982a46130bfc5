"""A statement before it is text: which account and day, and the movements of that day by the channel's own cut-off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mocklend.domain.channel import Channel

REPAYMENT, DISBURSEMENT, REFUND, COMPENSATION = "repayment", "disbursement", "refund", "compensation"

WORDS = {REPAYMENT: "贷款还款", DISBURSEMENT: "贷款发放", REFUND: "退款", COMPENSATION: "赔付"}
"""What a movement is for, as the channels of the field print it."""
PURPOSES = {word: purpose for purpose, word in WORDS.items()}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class MalformedStatement(ValueError):
    """The bytes are not the statement that was asked for: cut short, of another day, or with totals that are wrong."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money in (above zero) or out (below it). Statements know seconds, so `at_ms` is a whole one.

    `ordered_ms` is printed by the formats that list orders; no reader gives it back, so it is not compared.
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
    """Which statement: a channel keeps one account a currency, and a file a day."""

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
        """The moment after the day's last."""
        return self._cut_off_ms(self.day)

    @property
    def ready_ms(self) -> int:
        """When the file can be fetched: the next day, at the channel's time."""
        return _moment_ms(self.day + timedelta(days=1), time.fromisoformat(self.channel.statement_ready), self.zone)

    def _cut_off_ms(self, day: date) -> int:
        at = time.fromisoformat(self.channel.cut_off)
        # Midnight is the end of the day, not its beginning.
        return _moment_ms(day if at != time.min else day + timedelta(days=1), at, self.zone)

    def local(self, at_ms: int) -> datetime:
        """A moment on the clocks of the sandbox's zone."""
        return (_EPOCH + at_ms // 1000 * _SECOND).astimezone(ZoneInfo(self.zone))

    def stamp(self, at_ms: int) -> str:
        """A moment as the CSV formats print it: `2026-01-05 10:00:02`, without an offset."""
        return self.local(at_ms).strftime("%Y-%m-%d %H:%M:%S")

    def read_stamp(self, text: str) -> int:
        """A printed moment. Where clocks go back an hour the earlier of the two is meant."""
        try:
            at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(self.zone))
        except ValueError:
            raise MalformedStatement(f"{text!r} is no time like 2026-01-05 10:00:02") from None
        return (at - _EPOCH) // _SECOND * 1000


def _moment_ms(day: date, at: time, zone: str) -> int:
    return (datetime.combine(day, at, ZoneInfo(zone)) - _EPOCH) // _SECOND * 1000


@dataclass(frozen=True, slots=True)
class StatementDay:
    """All of a statement. `opening_minor` is None where a format carries no balance."""

    heading: Heading
    opening_minor: int | None
    movements: tuple[Movement, ...]

    @property
    def closing_minor(self) -> int:
        """The balance at the cut-off."""
        return (self.opening_minor or 0) + total(self.movements)

    def of(self, purposes: Iterable[str]) -> tuple[Movement, ...]:
        """The movements for some purposes."""
        wanted = frozenset(purposes)
        return tuple(movement for movement in self.movements if movement.purpose in wanted)


def total(movements: Iterable[Movement]) -> int:
    """What the movements add up to."""
    return sum(movement.amount_minor for movement in movements)


def incoming(movements: Iterable[Movement]) -> list[Movement]:
    """Money that came."""
    return [movement for movement in movements if movement.amount_minor > 0]


def outgoing(movements: Iterable[Movement]) -> list[Movement]:
    """Money that went."""
    return [movement for movement in movements if movement.amount_minor < 0]


def read_day(heading: Heading, opening_minor: int | None, movements: Iterable[Movement]) -> StatementDay:
    """A day as a reader found it. Malformed if a movement belongs to another day."""
    found = tuple(movements)
    for one in found:
        if not heading.from_ms <= one.at_ms < heading.until_ms:
            moment = heading.stamp(one.at_ms)
            raise MalformedStatement(f"{one.order_no} is of {moment}, which is not {heading.day} by the cut-off")
    return StatementDay(heading, opening_minor, found)


def expect(what: str, expected: object, received: object) -> None:
    """Malformed unless the file says what it should."""
    if expected != received:
        raise MalformedStatement(f"{what}: expected {expected!r}, the file says {received!r}")
