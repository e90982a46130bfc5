"""A cron expression of five fields, in a zone: when did it last fire? In whole minutes; cronsim reads it.

        ┌ minute 0-59   ┌ hour 0-23   ┌ day 1-31   ┌ month 1-12 or jan-dec   ┌ weekday 0-7 or sun-sat; 0, 7: Sunday
        30              9             *            *                         mon-fri

As in crontab(5): where both day fields are restricted, either of them will do. Where summer time begins or ends it is
Debian's cron: what is set for a local time that the zone skips fires as soon as that is over, and what is set for one
that comes twice fires the first time. An expression with a star for minute or hour just goes on firing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

LONGEST_BACK_S = 31 * 86_400
"""How far back a firing is looked for: so long may a window that it opens last."""

SOURCE_MAX = 200
"""So many characters an expression may have."""

_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cron:
    """When something fires, as an expression that can be read. `source` is as it was written."""

    source: str

    @classmethod
    def parse(cls, source: str) -> Cron:
        """Read an expression. ValueError says what is wrong with it."""
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
        """When it last fired, not after `at_ms`. None where that is longer ago than anybody asks."""
        return _last_fired_ms(self.source, at_ms - at_ms % 60_000, zone)


@lru_cache(maxsize=4096)
def _last_fired_ms(source: str, at_ms: int, zone: str) -> int | None:
    """One answer serves a whole minute: events come many to the minute."""
    place = ZoneInfo(zone)
    at = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(place)
    start = at.astimezone(UTC) + _SECOND
    if at.fold:  # It is the second time: what was set for a later local time has fired already, the first time.
        start += at.astimezone(UTC) - at.replace(fold=0).astimezone(UTC)
    for fired in CronSim(source, start.astimezone(place), reverse=True):
        fired_ms = (fired.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
        if fired_ms <= at_ms:
            return fired_ms if at_ms - fired_ms <= LONGEST_BACK_S * 1000 else None
    return None
