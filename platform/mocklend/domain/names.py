"""Suggestions for a misspelt name, in one form for every refusal.

there is no channel 'walet'; did you mean 'wallet'?
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 80
"""Characters; a longer name is no typing mistake, and comparing it costs time."""
CUTOFF = 0.6
"""How alike two names must be, from 0 to 1: difflib's own default."""
PART = 4
"""Characters from which a name also matches the names that contain it."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """`; did you mean 'wallet'?`, the end of a sentence, or an empty string where no known name is similar.

    Case does not matter, and `_`, `-` and `.` are alike: `Cache-Bounded-Stale` is near to `cache.bounded_stale`.
    """
    nearest = near(name, known)
    return "" if nearest is None else f"; did you mean {nearest!r}?"


def near(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most similar to this one, or None."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST:
        return None
    plain = {_plain(candidate): candidate for candidate in known}
    normalized = _plain(name)
    matches = get_close_matches(normalized, plain, n=1, cutoff=CUTOFF)
    if not matches and len(normalized) >= PART:
        matches = [candidate for candidate in plain if normalized in candidate]
    return plain[matches[0]] if matches else None


def _plain(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(".", "_").replace(" ", "_")
