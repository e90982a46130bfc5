"""The exit codes of every command and script, in one table.

A tool that checks something exits with its verdict. A tool that does something exits with PASS if it was done.
`docs/exit-codes.md` has the table for users; a test finds tools that exit with any other number.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of a command or script. The member's name is the word that the tool prints as its verdict."""

    PASS = 0
    FAIL = 1
    WRONG_USE = 2
    INCONCLUSIVE = 3


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.PASS: "It was done; what was checked is as it should be.",
    ExitCode.FAIL: "What was checked is not as it should be. The reasons are printed.",
    ExitCode.WRONG_USE: (
        "Nothing was done: an argument or a file that cannot be used, a request that the platform refused, no server "
        "at the address, a package that is not installed. What to do about it is printed."
    ),
    ExitCode.INCONCLUSIVE: (
        "It began and cannot tell: too little happened, it was stopped half way, or something that it needed went "
        "away. Run it again before you believe either."
    ),
}
"""The meaning of each code, in one or two sentences for users."""


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Within the block, SIGTERM raises KeyboardInterrupt as Ctrl-C does, so that a tool cleans up in both cases.

    For the main thread only: in another thread Python raises ValueError.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
