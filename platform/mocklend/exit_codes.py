"""The exit codes of every command and script, in one table.

A tool that looks at something has a verdict, and its exit code is that verdict. A tool that only does something leaves
with PASS where it was done. `docs/exit-codes.md` has the table for users; a test finds tools that leave with any other
number.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command or script leaves with. The name is the word that it prints as its verdict."""

    PASS = 0
    FAIL = 1
    WRONG_USE = 2
    INCONCLUSIVE = 3


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.PASS: "It was done; what was looked at is as it should be.",
    ExitCode.FAIL: "What was looked at is not as it should be. The reasons are printed.",
    ExitCode.WRONG_USE: (
        "Nothing was done: an argument or a file that cannot be used, a request that the platform refused, no server "
        "at the address, a package that is not installed. What to do about it is printed."
    ),
    ExitCode.INCONCLUSIVE: (
        "It began and cannot tell: too little happened, it was stopped half way, or something that it needed went "
        "away. Run it again before you believe either."
    ),
}
"""What each code says, in one or two sentences for users."""


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Within the block SIGTERM raises KeyboardInterrupt, as Ctrl-C does, so that either way a tool cleans up.

    For the main thread only: anywhere else Python refuses to set a handler, with ValueError.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
