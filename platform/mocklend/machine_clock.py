"""The machine's own clock, which somebody may set: nobody else asks for it, so nobody mistakes it for a sandbox's.

Sandboxes never see it: `steady` makes of it what their clocks run on. For the rest it is what real time is good for:
the times of a log, and the age of a message that goes to somebody else's machine.
"""

from __future__ import annotations

import time


def wall_ns() -> int:
    """Nanoseconds since 1970, by a clock that can go back."""
    return time.time_ns()  # noqa: TID251 - the one place
