"""The machine's own clock, which can be set back. Only this module reads it, so that it is not taken for a sandbox's.

Sandboxes never see it: their clocks run on `steady` time, which is derived from it. Else it is used where real time is
needed: the times of a log, and the age of a message that is sent to another machine.
"""

from __future__ import annotations

import time


def wall_ns() -> int:
    """Return nanoseconds since 1970, from a clock that can go back."""
    return time.time_ns()  # noqa: TID251 - the one place
