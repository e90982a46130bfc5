"""Shared by the tools of this folder: exit codes, types of arguments, and progress lines.

The work of a tool either returns a verdict or raises. `concluded` turns an exception into a line and an exit code, so
that no tool ends with a traceback because a server ended or the user pressed Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import requests

from mocklend.client import ProblemError
from mocklend.exit_codes import ExitCode, sigterm_as_ctrl_c


class NotRun(Exception):
    """The run could not start, so there is nothing to judge."""

    code = ExitCode.WRONG_USE


class CutShort(Exception):
    """The run was cut short, so its outcome is not known."""

    code = ExitCode.INCONCLUSIVE


class Failed(Exception):
    """The platform is wrong, in a way that ends the run."""

    code = ExitCode.FAIL


def concluded(work: Callable[[], ExitCode], *, as_json: bool) -> ExitCode:
    """The exit code of a tool's work. With `as_json` an exception is printed as a document on standard output, too.

    SIGTERM is handled as Ctrl-C: the work cleans up, and the verdict is INCONCLUSIVE.
    """
    try:
        with sigterm_as_ctrl_c():
            return work()
    except KeyboardInterrupt:
        ended: tuple[ExitCode, str] = ExitCode.INCONCLUSIVE, "it was interrupted before it had a verdict"
    except (NotRun, CutShort, Failed) as why:
        ended = why.code, str(why)
    except (ProblemError, requests.RequestException) as no_answer:
        ended = ExitCode.INCONCLUSIVE, f"a request of the run failed: {_shortly(no_answer)}"
    except Exception as bug:
        traceback.print_exc()
        ended = ExitCode.INCONCLUSIVE, f"the tool itself failed, so there is no verdict: {_shortly(bug)}"
    return _end(*ended, as_json=as_json)


def _end(code: ExitCode, why: str, *, as_json: bool) -> ExitCode:
    if as_json:
        print(json.dumps({"verdict": code.name, "reasons": [why]}, indent=2, ensure_ascii=False))
    say(f"{code.name}: {why}")
    return code


def _shortly(failure: Exception) -> str:
    return f"{type(failure).__name__}: {' '.join(str(failure).split())[:300]}"


# --- arguments ---


def whole(least: int, most: int) -> Callable[[str], int]:
    """An argparse type: a whole number within bounds, both included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,19}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected {least} to {most}, not {text!r}")
        return int(text)

    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """An argparse type: a number within bounds, both included."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"expected a number from {least:g} to {most:g}, not {text!r}")
        return value

    return read


# --- progress ---


def say(line: str) -> None:
    """Print a line of progress to standard error, so that standard output holds the result only."""
    print(f"{Path(sys.argv[0]).stem}: {line}", file=sys.stderr, flush=True)
