"""A cron expression of five fields, in a time zone: when it last fired, in whole minutes. Parsed by cronsim.

        ┌ minute 0-59   ┌ hour 0-23   ┌ day 1-31   ┌ month 1-12 or jan-dec   ┌ weekday 0-7 or sun-sat; 0, 7: Sunday
        30              9             *            *                         mon-fri

As in crontab(5): if both day fields are restricted, it fires on a day that meets either. Changes to and from summer
time follow Debian's cron: an expression for a local time that the zone skips fires right after the gap, and one for a
local time that comes twice fires the first time. An expression with a star for minute or hour fires through the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

LONGEST_BACK_S = 31 * 86_400
"""How many seconds back a firing is searched, and thus how long a window that it opens may last."""

SOURCE_MAX = 200
"""How many characters an expression may have."""

_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cron:
    """A valid cron expression. `source` is its text as the client wrote it."""

    source: str

    @classmethod
    def parse(cls, source: str) -> Cron:
        """Parse an expression. Raises ValueError with what is wrong with it."""
        fields = source.split()
        if len(fields) != 5:
            raise ValueError(f"five fields, not {len(fields)}")
        if len(source) > SOURCE_MAX:
            raise ValueError(f"at most {SOURCE_MAX} characters, not {len(source)}")
        try:
            CronSim(source, _EPOCH)
        except CronSimError as error:
            raise ValueError(f"not a {str(error).removeprefix('Bad ')} as in crontab") from None
        return cls(source)

    def last_fired_ms(self, at_ms: int, zone: str) -> int | None:
        """When it last fired up to `at_ms`, in milliseconds; None if that is more than LONGEST_BACK_S ago."""
        return _last_fired_ms(self.source, at_ms - at_ms % 60_000, zone)


@lru_cache(maxsize=4096)
def _last_fired_ms(source: str, at_ms: int, zone: str) -> int | None:
    """Cached by the minute, since many events come in one."""
    place = ZoneInfo(zone)
    at = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(place)
    start = at.astimezone(UTC) + _SECOND
    if at.fold:  # The local hour repeats: an expression for a later time of it has fired the first time already.
        start += at.astimezone(UTC) - at.replace(fold=0).astimezone(UTC)
    for fired in CronSim(source, start.astimezone(place), reverse=True):
        fired_ms = (fired.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
        if fired_ms <= at_ms:
            return fired_ms if at_ms - fired_ms <= LONGEST_BACK_S * 1000 else None
    return None
