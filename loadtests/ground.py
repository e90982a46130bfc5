"""Take the ground away from a server under load, a part at a time, and say what it did to the clients.

        clients repay and read ──▶ the ground gives way ──▶ answers are counted ──▶ it is restored ──▶ how long?
        in the end: what was acknowledged is there once, what is due is worked off, the audit finds nothing

A part that this machine cannot have is skipped, with the reason; where all are skipped, nothing was shown. With
`--json` standard output holds one document and nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ground_clock
import ground_storage
from ground_told import FAIL, INCONCLUSIVE, PASS, Told
from server import ServerFailed
from tool import concluded, say

from mocklend.exit_codes import ExitCode

PARTS: Mapping[str, Callable[[Path], Told]] = {**ground_storage.PARTS, **ground_clock.PARTS}
"""What can be taken away, by name. A part gets a folder of its own, and runs and stops servers of its own."""


def verdict(told: Sequence[Told]) -> str:
    """FAIL where any part failed; PASS where at least one was shown and none is in doubt."""
    outcomes = {one.outcome for one in told}
    if FAIL in outcomes:
        return FAIL
    return PASS if PASS in outcomes and INCONCLUSIVE not in outcomes else INCONCLUSIVE


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Run the parts, print what each came to, and return the exit code."""
    options = _options(arguments)
    return concluded(lambda: _all(options), as_json=options.json)


def _all(options: argparse.Namespace) -> ExitCode:
    told = []
    for name in options.parts or PARTS:
        say(f"{name} …")
        with tempfile.TemporaryDirectory(prefix="mocklend-ground-") as folder:
            told.append(_told(name, Path(folder)))
        if not options.json:
            print("\n".join(told[-1].sentences()), flush=True)
    came_to = verdict(told)
    if options.json:
        document = {"verdict": came_to, "parts": [one.to_json() for one in told]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(came_to)
    return ExitCode[came_to]


def _told(name: str, folder: Path) -> Told:
    """One part. A server that does not start, or goes, is what the part came to and not the end of the others."""
    try:
        return PARTS[name](folder)
    except ServerFailed as failure:
        told = Told(name)
        told.fail(str(failure))
        return told


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/ground", description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all of them)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options: Any = parser.parse_args(arguments)
    unknown = sorted({*options.parts} - {*PARTS})
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(PARTS)}")
    return options  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main())
