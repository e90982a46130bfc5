"""Names that were nearly right: what a refusal suggests, in one form everywhere.

there is no channel 'walet'; did you mean 'wallet'?
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 80
"""A longer name is nobody's slip, and comparing it costs time."""
CUTOFF = 0.6
"""How alike two names must be, from 0 to 1: difflib's own default."""
PART = 4
"""A name of at least so many characters also finds the names that contain it."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """`; did you mean 'wallet'?`, to end a sentence with. An empty string where no known name is near.

    Case counts for nothing, and `_`, `-` and `.` are alike: `Cache-Bounded-Stale` is near to `cache.bounded_stale`.
    """
    nearest = near(name, known)
    return "" if nearest is None else f"; did you mean {nearest!r}?"


def near(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, if any is."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST:
        return None
    plain = {_plain(one): one for one in known}
    asked = _plain(name)
    found = get_close_matches(asked, plain, n=1, cutoff=CUTOFF)
    if not found and len(asked) >= PART:
        found = [one for one in plain if asked in one]
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(".", "_").replace(" ", "_")
